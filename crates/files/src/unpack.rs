//! Objects of JSON in the cells of a column: their members become columns of their own, behind those of the file.

use csv::StringRecord;
use serde_json::{Map, Value};

use super::profile::Profile;
use super::survey::Survey;
use super::table::{Go, Row, beginning, each_row};
use super::target::UNPACKED;
use super::{Error, Result};

/// Members that become columns.
const MAX_MEMBERS: usize = 100;

/// A column that is unpacked.
#[derive(Clone, Debug)]
pub struct Unpack {
    column: usize,
    members: Vec<String>,
}

/// Finds the column that a service exports such objects in, and which members they have.
///
/// # Errors
/// Where the file cannot be read, or there are too many members.
pub fn find(survey: &Survey) -> Result<Option<Unpack>> {
    let (header, _) = beginning(survey, 0)?;
    let Some(profile) = Profile::of(header.iter()) else { return Ok(None) };
    let is_packed = |name: &str| profile.rule(name).is_some_and(|rule| rule.unpack);
    let Some(column) = header.iter().position(is_packed) else { return Ok(None) };
    // Rows that failed have these columns already.
    if header.iter().any(|name| name.starts_with(UNPACKED)) {
        return Ok(None);
    }
    let (mut members, mut is_header) = (Vec::new(), true);
    each_row(survey, |row| {
        if std::mem::take(&mut is_header) {
            return Ok(Go::On);
        }
        for (name, _) in object(row.cells.get(column).unwrap_or_default()).unwrap_or_default() {
            if !members.contains(&name) {
                members.push(name);
            }
        }
        match members.len() > MAX_MEMBERS {
            true => {
                Err(Error::file(&survey.path, format!("the attributes have more than {MAX_MEMBERS} names")))
            }
            false => Ok(Go::On),
        }
    })?;
    Ok(Some(Unpack { column, members }))
}

fn object(cell: &str) -> Option<Map<String, Value>> {
    if cell.trim().is_empty() { Some(Map::new()) } else { serde_json::from_str(cell).ok() }
}

impl Unpack {
    /// The names of the columns.
    pub fn name(&self, header: &mut StringRecord) {
        for member in &self.members {
            header.push_field(&format!("{UNPACKED}{member}"));
        }
    }

    /// Adds the cells of a row.
    pub fn fill(&self, row: &mut Row) {
        let Some(object) = row.cells.get(self.column).map(object) else { return };
        if object.is_none() {
            row.faults.push((row.cells.len(), "the attributes are not an object of JSON".to_owned()));
        }
        let object = object.unwrap_or_default();
        for member in &self.members {
            match object.get(member) {
                None | Some(Value::Null) => row.cells.push_field(""),
                Some(Value::String(text)) => row.cells.push_field(text),
                Some(other) => row.cells.push_field(&other.to_string()),
            }
        }
    }
}
