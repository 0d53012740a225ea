//! A look at the cells of columns that cannot be understood one by one: those without a name, and those of dates.

use std::collections::HashMap;

use super::Result;
use super::mapping::Mapping;
use super::survey::Survey;
use super::table::{Go, each_row};
use super::target::Target;
use super::values::{self, DateOrder};

/// Rows that are looked at for dates whose day and month may be mixed up. Where there are such, all are.
const FIRST_ROWS: u64 = 1_000;

/// What was found.
#[derive(Debug, Default)]
pub struct Inspection {
    /// Columns without a name that have values and are left out, counted from 0.
    pub unnamed: Vec<usize>,
    /// For each column the order of day and month, if its cells tell one.
    pub orders: Vec<Option<DateOrder>>,
}

/// Looks through a file, no further than is needed.
///
/// # Errors
/// Where it cannot be read.
pub fn inspect(survey: &Survey, mapping: &Mapping) -> Result<Inspection> {
    let columns = mapping.columns.iter().enumerate();
    let unnamed =
        columns.clone().filter(|(_, column)| column.header.is_empty() && column.target == Target::Ignored);
    let mut unnamed: HashMap<usize, bool> = unnamed.map(|(place, _)| (place, false)).collect();
    let is_open = |written: DateOrder| matches!(written, DateOrder::Unknown);
    let dates = columns.filter(|(_, column)| column.date && is_open(column.written.order));
    let dates: Vec<_> = dates.map(|(place, _)| place).collect();
    let mut orders = vec![None; mapping.columns.len()];
    let (mut doubtful, mut rows, mut header) = (false, 0, true);
    if unnamed.is_empty() && dates.is_empty() {
        return Ok(Inspection { unnamed: Vec::new(), orders });
    }
    each_row(survey, |row| {
        if std::mem::take(&mut header) {
            return Ok(Go::On);
        }
        rows += 1;
        for place in &dates {
            let cell = row.cells.get(*place).unwrap_or_default();
            // The length alone identifies a date in the form of the API.
            doubtful |= cell.contains('/') || cell.as_bytes().get(2) == Some(&b'-');
            if let Some(order) = values::date_order(cell) {
                doubtful = true;
                orders[*place] = Some(orders[*place].unwrap_or_default().and(order));
            }
        }
        for (place, any) in &mut unnamed {
            *any |= row.cells.get(*place).is_some_and(|cell| !cell.trim().is_empty());
        }
        let needs_dates = !dates.is_empty() && (doubtful || rows < FIRST_ROWS);
        let needs_names = unnamed.values().any(|any| !any);
        Ok(if needs_dates || needs_names { Go::On } else { Go::Stop })
    })?;
    let mut unnamed: Vec<_> = unnamed.into_iter().filter(|(_, any)| *any).map(|(place, _)| place).collect();
    unnamed.sort_unstable();
    Ok(Inspection { unnamed, orders })
}
