//! `rollbook check`: whether a store is as it must be. A store that is served is looked at as of one moment, and
//! nothing is written; it is mended by whoever has it for itself.

mod contacts;
mod intake;
mod pages;
mod records;
mod repair;

use std::path::Path;

use rusqlite::Connection;

use super::catalogue::jobs;
use super::files::Taken;
use super::marks::Marks;
use super::open::{self, Paths};
use super::schema;
use super::snapshot::Snapshot;
use domain::clock::Clock;
use storage::rows::check::{Repaired, Report};
use storage::{Error, StoredJob};

/// What is looked at.
struct Checked<'a> {
    store: &'a Connection,
    intake: &'a Connection,
    marks: &'a Marks,
}

/// Looks at a store. `tell` is told how many contacts were looked at.
///
/// # Errors
/// Where there is no store, or it is not of the present schema.
pub fn check(database: &Path, clock: &dyn Clock, tell: &mut dyn FnMut(u64)) -> Result<Report, Error> {
    look(&Paths::new(database), clock, tell)
}

/// Looks at a store, mends what can be mended, and looks again.
///
/// # Errors
/// As [`check`]; where it is served, or cannot be written.
pub fn repair(database: &Path, clock: &dyn Clock, tell: &mut dyn FnMut(u64)) -> Result<Repaired, Error> {
    let paths = Paths::new(database);
    if !paths.store.exists() {
        return Err(Error::Unavailable(format!("{} is not there", paths.store.display())));
    }
    let _taken = Taken::take(&paths)?;
    let before = look(&paths, clock, tell)?;
    if before.findings.iter().all(|finding| finding.mend.is_none()) {
        return Ok(Repaired { mended: Vec::new(), report: before });
    }
    repair::repair(&paths, &before)?;
    let report = look(&paths, clock, tell)?;
    let mended = before.findings.into_iter().filter(|finding| !report.findings.contains(finding));
    Ok(Repaired { mended: mended.collect(), report })
}

/// The id of the store, and its jobs.
///
/// # Errors
/// As [`check`].
pub fn jobs(database: &Path, clock: &dyn Clock) -> Result<([u8; 16], Vec<StoredJob>), Error> {
    let snapshot = Snapshot::take(&Paths::new(database), clock)?;
    let id = open::setting(&snapshot.intake, "store_id")?.ok_or_else(|| open::no_setting("store_id"))?;
    let mut all = Vec::new();
    for account in jobs::accounts(&snapshot.intake)? {
        all.extend(jobs::all(&snapshot.intake, account)?);
    }
    Ok((id, all))
}

fn look(paths: &Paths, clock: &dyn Clock, tell: &mut dyn FnMut(u64)) -> Result<Report, Error> {
    let snapshot = Snapshot::take(paths, clock)?;
    schema::check_schema(paths, &snapshot.intake, &snapshot.store)?;
    let mut report = Report::default();
    if let Err(Error::Damaged(text)) = snapshot.check(paths) {
        report.add(text, None);
    }
    let on = Checked { store: &snapshot.store, intake: &snapshot.intake, marks: &snapshot.marks };
    for (path, connection) in [(&paths.store, on.store), (&paths.intake, on.intake)] {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        pages::check(&name, connection, &mut report)?;
    }
    intake::check(&on, &mut report)?;
    contacts::check(&on, &mut report, tell)?;
    records::check(&on, &mut report)?;
    Ok(report)
}
