//! What SQLite itself says of the pages of a file.

use std::collections::HashMap;

use rusqlite::Connection;

use super::super::error;
use storage::Error;
use storage::rows::check::{Mend, Report};

/// Complaints that are told of one file.
const TOLD: u32 = 20;

/// A table or an index.
struct Object {
    name: String,
    is_index: bool,
}

/// Has SQLite look at a file. What it says names rows by their numbers, and no values.
pub fn check(file: &str, connection: &Connection, report: &mut Report) -> Result<(), Error> {
    let (complaints, failure) = complaints(connection).map_err(error)?;
    let objects = objects(connection).map_err(error)?;
    for complaint in &complaints {
        report.add(format!("SQLite says of {file}: {complaint}"), mend(complaint, &objects));
    }
    // Where a page is destroyed it says so, and then fails on that very page.
    if let Some(failure) = failure.filter(|_| complaints.is_empty()) {
        report.add(format!("SQLite cannot look at {file}: {failure}"), None);
    }
    Ok(())
}

/// What SQLite says, as far as it comes.
fn complaints(connection: &Connection) -> rusqlite::Result<(Vec<String>, Option<rusqlite::Error>)> {
    let mut check = connection.prepare(&format!("PRAGMA integrity_check({TOLD})"))?;
    let (mut rows, mut lines, mut failure) = (check.query([])?, Vec::new(), None);
    loop {
        match rows.next() {
            Ok(Some(row)) => lines.push(row.get::<_, String>(0)?),
            Ok(None) => break,
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    let lines = lines.iter().flat_map(|text| text.lines());
    let lines = lines.filter(|line| *line != "ok" && !line.starts_with("***"));
    Ok((lines.map(str::to_owned).collect(), failure))
}

/// By their root page.
fn objects(connection: &Connection) -> rusqlite::Result<HashMap<u32, Object>> {
    let select = "SELECT rootpage, name, type = 'index' FROM sqlite_schema WHERE rootpage > 0";
    let mut select = connection.prepare(select)?;
    let rows =
        select.query_map([], |row| Ok((row.get(0)?, Object { name: row.get(1)?, is_index: row.get(2)? })))?;
    rows.collect()
}

fn mend(complaint: &str, objects: &HashMap<u32, Object>) -> Option<Mend> {
    if complaint.ends_with("never used") {
        return Some(Mend::Pages);
    }
    let tree = complaint.strip_prefix("Tree ").and_then(|rest| rest.split([' ', ':']).next()?.parse().ok());
    let found = match tree {
        Some(root) => objects.get(&root),
        // "row 7 missing from index request_account" and the like: the name comes last.
        None => {
            let named = complaint.rsplit(' ').next().unwrap_or_default();
            objects.values().find(|object| object.name == named)
        }
    }?;
    match found {
        Object { name, .. } if name == "identifier" => Some(Mend::IndexAnew),
        Object { is_index: true, .. } => Some(Mend::Derived),
        Object { .. } => None,
    }
}
