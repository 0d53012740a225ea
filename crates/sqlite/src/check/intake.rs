//! The journal and the catalogue.

use rusqlite::Connection;

use super::super::apply::waiting::{COLUMNS, read_row};
use super::super::{error, signed, unsigned};
use super::Checked;
use domain::journal::AccountNo;
use storage::Error;
use storage::rows::check::{Mend, Report, WaitingBatches};

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
    ("FROM pragma_foreign_key_check", "tokens of no user, or variables or saved filters of no list", None),
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
    let mut batches = WaitingBatches::from(on.marks.applied + 1);
    if let Err(failure) = journal(on, &mut batches) {
        report.add(format!("the journal is unreadable before its end: {failure}"), None);
    }
    batches.tell(report);
    Ok(())
}

fn journal(on: &Checked<'_>, batches: &mut WaitingBatches) -> rusqlite::Result<()> {
    let select = format!("SELECT {COLUMNS} FROM batch WHERE position > ?1 ORDER BY position");
    let mut select = on.intake.prepare(&select)?;
    let mut rows = select.query([signed(on.marks.applied)])?;
    while let Some(row) = rows.next()? {
        let row = read_row(row)?;
        // Of an account that is ahead, what is applied is in the journal until all before it is.
        match row.position > on.marks.of(AccountNo(row.account)) {
            true => batches.look(&row),
            false => batches.passed(row.position),
        }
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
