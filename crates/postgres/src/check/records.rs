//! Requests, webhooks and histories of a list: whether they read, and whether what they refer to is there.

use super::super::session::{get, get_number};
use super::List;
use domain::contact::sealed;
use domain::journal::{AccountNo, ContactNo};
use storage::Error;
use storage::rows::check::forms::{Form, Summary, failed};
use storage::rows::check::suppressions::Seen;
use storage::rows::check::{Mend, Report};
use storage::rows::consent::Chains;

/// Rows of the list `$1` that refer to nothing, and what is said of them.
const ORPHANS: [(&str, &str); 5] = [
    (
        "FROM delivery d WHERE d.list = $1 \
         AND NOT EXISTS (SELECT 1 FROM request r WHERE r.list = d.list AND r.position = d.position)",
        "webhooks of no request",
    ),
    (
        "FROM departed d WHERE d.list = $1 \
         AND EXISTS (SELECT 1 FROM contact c WHERE c.list = d.list AND c.number = d.number)",
        "contacts that are there and count as removed",
    ),
    (
        "FROM merged_into d WHERE d.list = $1 AND undone_at = 0 \
         AND EXISTS (SELECT 1 FROM contact c WHERE c.list = d.list AND c.number = d.loser)",
        "contacts that are there and count as merged",
    ),
    (
        "FROM departed d WHERE d.list = $1 AND position >= (SELECT min(position) FROM history h WHERE h.list = $1) \
         AND NOT EXISTS (SELECT 1 FROM history h WHERE h.list = d.list AND h.position = d.position)",
        "removed contacts whose history begins nowhere",
    ),
    (
        "FROM former_bearer d WHERE d.list = $1 \
         AND position >= (SELECT min(position) FROM history h WHERE h.list = $1) \
         AND NOT EXISTS (SELECT 1 FROM history h WHERE h.list = d.list AND h.position = d.position)",
        "former identifiers whose history begins nowhere",
    ),
];

/// Tables with positions, and what is said of rows with one that was never given.
const AHEAD: [(&str, &str); 7] = [
    ("request", "results of what was never accepted"),
    ("history", "histories of what was never accepted"),
    ("consent", "consent records of what was never accepted"),
    ("tombstone", "erasures that were never accepted"),
    ("departed", "removals that were never accepted"),
    ("former_bearer", "former identifiers of what was never accepted"),
    ("former_identifiers", "former identifiers of what was never accepted"),
];

/// What is read to its end: a form, what it was made by, and how many failures are counted in it.
const FORMS: [(&str, &str, Form); 3] = [
    ("the results of requests", "SELECT results, kind, failed FROM request WHERE list = $1", Form::Results),
    ("the histories", "SELECT changes, kind, 0::bigint FROM history WHERE list = $1", Form::Changes),
    (
        "former identifiers",
        "SELECT identifiers, 0::bigint, 0::bigint FROM former_identifiers WHERE list = $1",
        Form::Identifiers,
    ),
];

/// Looks at all that is kept of requests.
pub fn check(list: &List<'_>, report: &mut Report) -> Result<(), Error> {
    let no = list.no.0;
    for (rows, what) in ORPHANS {
        let row = list.session.query_opt(&format!("SELECT count(*) {rows}"), &[&no])?;
        report.add_count(what, row.map_or(Ok(0), |row| get_number(&row, 0))?, Some(Mend::Orphans));
    }
    for (table, what) in AHEAD {
        let select = format!("SELECT count(*) FROM {table} WHERE list = $1 AND position > $2");
        let last = list.last.map_or(i64::MAX, u64::cast_signed);
        let row = list.session.query_opt(&select, &[&no, &last])?;
        report.add_count(what, row.map_or(Ok(0), |row| get_number(&row, 0))?, None);
    }
    for (what, select, form) in FORMS {
        let mut told = Summary::default();
        list.session.stream(select, &[&no], |row| {
            told.look(form, get(row, 0)?, get(row, 1)?, get(row, 2)?);
            Ok(true)
        })?;
        told.tell(form, what, report);
    }
    let mut seen = Seen::default();
    let select = "SELECT hash, reason, address FROM suppression WHERE list = $1";
    list.session.stream(select, &[&no], |row| {
        seen.look(list.key, AccountNo(-no), get(row, 0)?, get(row, 1)?, get(row, 2)?);
        Ok(true)
    })?;
    seen.tell(report);
    consents(list, report)
}

/// Whether every chain of the consent ledger holds, up to the contact.
fn consents(list: &List<'_>, report: &mut Report) -> Result<(), Error> {
    let mut chains = Chains::default();
    let no = list.no.0;
    list.session.stream("SELECT records FROM consent WHERE list = $1 ORDER BY position", &[&no], |row| {
        chains.look(list.no, get(row, 0)?);
        Ok(true)
    })?;
    list.session.stream("SELECT number, document FROM contact WHERE list = $1", &[&no], |row| {
        chains.end((list.no, ContactNo(get_number(row, 0)?)), sealed::open(get(row, 1)?));
        Ok(true)
    })?;
    chains.tell(report);
    Ok(())
}

/// Takes away what refers to nothing, and counts failures anew. The caller holds the list's progress.
pub fn mend(list: &List<'_>) -> Result<(), Error> {
    let no = list.no.0;
    for (rows, _) in ORPHANS {
        list.session.execute(&format!("DELETE {rows}"), &[&no])?;
    }
    let (mut positions, mut counts) = (Vec::new(), Vec::new());
    let select = "SELECT position, results FROM request WHERE list = $1 AND failed = 0";
    list.session.stream(select, &[&no], |row| {
        let failed = failed(get(row, 1)?).unwrap_or_default();
        if failed > 0 {
            positions.push(get::<i64>(row, 0)?);
            counts.push(failed.cast_signed());
        }
        Ok(true)
    })?;
    let update = "UPDATE request r SET failed = u.failed FROM unnest($2::bigint[], $3::bigint[]) AS u (position, failed) \
                  WHERE r.list = $1 AND r.position = u.position";
    list.session.execute(update, &[&no, &positions, &counts]).map(drop)
}
