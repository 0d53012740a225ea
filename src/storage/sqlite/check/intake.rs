//! The journal and the catalogue.

use rusqlite::Connection;

use super::super::apply::waiting::{COLUMNS, read_row};
use super::super::{error, signed, unsigned};
use super::Checked;
use crate::journal::{BatchKind, read_items};
use crate::storage::Error;
use crate::storage::rows::check::{Mend, Report};

/// What counts the rows that are wrong, what is said of them, and what takes them away.
const QUERIES: [(&str, &str, Option<Mend>); 4] = [
    (
        "FROM list WHERE NOT EXISTS (SELECT 1 FROM account a WHERE a.no = list.account)",
        "lists of no account",
        None,
    ),
    (
        "FROM source WHERE NOT EXISTS (SELECT 1 FROM account a WHERE a.no = source.account)",
        "sources of no account",
        None,
    ),
    ("FROM pragma_foreign_key_check", "tokens of no user or variables of no list", None),
    (
        "FROM list l WHERE next_variable <= (SELECT max(number) FROM (SELECT number FROM variable v \
         WHERE v.list = l.no UNION ALL SELECT number FROM removed_variable r WHERE r.list = l.no))",
        "lists that would give the number of a variable out again",
        Some(Mend::Variables),
    ),
];

/// Looks at the intake file.
pub fn check(on: &Checked<'_>, report: &mut Report) -> Result<(), Error> {
    for (rows, what, mend) in QUERIES {
        match on.intake.query_row(&format!("SELECT count(*) {rows}"), [], |row| row.get(0)) {
            Ok(count) => report.add_count(what, unsigned(count), mend),
            Err(failure) => report.add(format!("{what} cannot be looked for: {failure}"), None),
        }
    }
    let mut told = Told { next: on.applied + 1, ..Told::default() };
    if let Err(failure) = journal(on, &mut told) {
        report.add(format!("the journal does not read to its end: {failure}"), None);
    }
    report.batches = told.batches;
    let damaged = "accepted batches that the disk has damaged, and that will end in STORE_DAMAGED";
    report.add_count(damaged, told.damaged, None);
    report.add_count("accepted batches that are missing from the journal", told.missing, None);
    Ok(())
}

#[derive(Default)]
struct Told {
    next: u64,
    batches: u64,
    damaged: u64,
    missing: u64,
}

/// Positions are given without gaps: one that is not there was lost.
fn journal(on: &Checked<'_>, told: &mut Told) -> rusqlite::Result<()> {
    let select = format!("SELECT {COLUMNS} FROM batch WHERE position > ?1 ORDER BY position");
    let mut select = on.intake.prepare(&select)?;
    let mut rows = select.query([signed(on.applied)])?;
    while let Some(row) = rows.next()? {
        let row = read_row(row)?;
        told.batches += 1;
        told.missing += row.position.saturating_sub(told.next);
        told.next = row.position + 1;
        let intact = row.intact();
        let undo = row.kind == BatchKind::Undo.code();
        let reads = intact.head && intact.items && (undo || read_items(&row.items).is_ok());
        told.damaged += u64::from(!reads);
    }
    Ok(())
}

/// Gives lists a number for their next variable that none had. The caller has begun a transaction.
pub fn mend_variables(intake: &Connection) -> Result<(), Error> {
    let update = "UPDATE list SET next_variable = max(next_variable, \
                  1 + coalesce((SELECT max(number) FROM variable v WHERE v.list = list.no), -1), \
                  1 + coalesce((SELECT max(number) FROM removed_variable r WHERE r.list = list.no), -1))";
    intake.execute(update, []).map(drop).map_err(error)
}
