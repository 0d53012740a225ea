//! What waits in the journal of a list.

use super::super::apply::waiting::{COLUMNS, read_row};
use super::super::session::get;
use super::List;
use storage::Error;
use storage::rows::check::{Report, WaitingBatches};

/// Looks at all batches that wait; positions are given without gaps.
pub fn check(list: &List<'_>, report: &mut Report) -> Result<(), Error> {
    let select = format!("SELECT {COLUMNS}, fence FROM batch WHERE list = $1 ORDER BY position");
    let mut batches = WaitingBatches::default();
    list.session.stream(&select, &[&list.no.0], |row| {
        let waiting = read_row(row, list.no)?;
        match get(row, 12)? {
            // It holds its place and nothing else.
            true => batches.passed(waiting.position),
            false => batches.look(&waiting),
        }
        Ok(true)
    })?;
    if let Some(last) = list.last {
        batches.ends_at(last);
    }
    batches.tell(report);
    Ok(())
}
