//! Requests, webhooks and histories: whether they read, and whether what they refer to is there.

use rusqlite::{Connection, Row};

use super::super::contacts::split_id;
use super::super::{error, open, unsigned};
use super::Checked;
use domain::contact::identifier::HashKey;
use domain::contact::sealed;
use domain::journal::{AccountNo, ListNo};
use storage::Error;
use storage::rows::check::forms::{Form, Summary, failed};
use storage::rows::check::suppressions::Seen;
use storage::rows::check::{Mend, Report};
use storage::rows::consent::Chains;

/// What counts the rows that are wrong, what is said of them, and what takes them away.
type Query = (&'static str, &'static str, Option<Mend>);

/// `?1`: the last position that is applied.
const QUERIES: [Query; 12] = [
    (
        "FROM delivery d WHERE NOT EXISTS (SELECT 1 FROM request r WHERE r.position = d.position)",
        "webhooks of no request",
        Some(Mend::Orphans),
    ),
    (
        "FROM departed d WHERE EXISTS (SELECT 1 FROM contact c WHERE c.id = d.contact)",
        "contacts that are there and count as removed",
        Some(Mend::Orphans),
    ),
    (
        "FROM merged_into m WHERE undone_at = 0 AND EXISTS (SELECT 1 FROM contact c WHERE c.id = m.loser)",
        "contacts that are there and count as merged",
        Some(Mend::Orphans),
    ),
    (
        "FROM departed d WHERE position >= (SELECT min(position) FROM history) \
         AND NOT EXISTS (SELECT 1 FROM history h WHERE h.position = d.position)",
        "removed contacts whose history begins nowhere",
        Some(Mend::Orphans),
    ),
    (
        "FROM former_bearer f WHERE position >= (SELECT min(position) FROM history) \
         AND NOT EXISTS (SELECT 1 FROM history h WHERE h.position = f.position)",
        "former identifiers whose history begins nowhere",
        Some(Mend::Orphans),
    ),
    ("FROM request WHERE position > ?1", "results of what was never applied", None),
    ("FROM history WHERE position > ?1", "histories of what was never applied", None),
    ("FROM consent WHERE position > ?1", "consent records of what was never applied", None),
    ("FROM tombstone WHERE position > ?1", "erasures that were never applied", None),
    ("FROM departed WHERE position > ?1", "removals that were never applied", None),
    ("FROM former_bearer WHERE position > ?1", "former identifiers of what was never applied", None),
    ("FROM former_identifiers WHERE position > ?1", "former identifiers of what was never applied", None),
];

/// Whether every chain of the consent ledger holds, up to the contact.
fn consents(on: &Checked<'_>, report: &mut Report) {
    let mut chains = Chains::default();
    let look = |row: &Row<'_>| {
        chains.look(ListNo(row.get(0)?), row.get_ref(1)?.as_blob().unwrap_or_default());
        Ok(())
    };
    if let Err(failure) = each(on.store, "SELECT list, records FROM consent ORDER BY position", look) {
        return report.add(format!("the consent ledger is unreadable before its end: {failure}"), None);
    }
    let end = |row: &Row<'_>| {
        let document = sealed::open(row.get_ref(1)?.as_blob().unwrap_or_default());
        chains.end(split_id(row.get(0)?), document);
        Ok(())
    };
    // Contacts that are unreadable are told already.
    if each(on.store, "SELECT id, document FROM contact", end).is_ok() {
        chains.tell(report);
    }
}

/// Looks at all that is kept of requests.
pub fn check(on: &Checked<'_>, report: &mut Report) -> Result<(), Error> {
    consents(on, report);
    for (rows, what, mend) in QUERIES {
        // A parameter that a statement does not have cannot be bound.
        let query = format!("SELECT count(*) {rows}").replace("?1", &on.marks.highest().to_string());
        match on.store.query_row(&query, [], |row| row.get(0)) {
            Ok(count) => report.add_count(what, unsigned(count), mend),
            Err(failure) => report.add(format!("{what} cannot be looked for: {failure}"), None),
        }
    }
    let columns = [
        ("the results of requests", "SELECT results, kind, failed FROM request", Form::Results),
        ("the histories", "SELECT changes, kind, 0 FROM history", Form::Changes),
        ("former identifiers", "SELECT identifiers, 0, 0 FROM former_identifiers", Form::Identifiers),
    ];
    for (what, select, form) in columns {
        let mut told = Summary::default();
        let look = |row: &Row<'_>| {
            let bytes = row.get_ref(0)?.as_blob().unwrap_or_default();
            told.look(form, bytes, row.get(1)?, row.get(2)?);
            Ok(())
        };
        if let Err(failure) = each(on.store, select, look) {
            report.add(format!("{what} are unreadable before their end: {failure}"), None);
        }
        told.tell(form, what, report);
    }
    suppressions(on, report)
}

fn suppressions(on: &Checked<'_>, report: &mut Report) -> Result<(), Error> {
    let key = open::setting(on.store, "hash_key")?.ok_or_else(|| open::no_setting("hash_key"))?;
    let (key, mut seen) = (HashKey::from_bytes(key), Seen::default());
    let look = |row: &Row<'_>| {
        let hash = row.get_ref(1)?.as_blob().unwrap_or_default();
        seen.look(&key, AccountNo(row.get(0)?), hash, row.get(2)?, row.get_ref(3)?.as_str_or_null()?);
        Ok(())
    };
    if let Err(failure) = each(on.store, "SELECT account, hash, reason, address FROM suppression", look) {
        report.add(format!("suppressions are unreadable before their end: {failure}"), None);
    }
    seen.tell(report);
    Ok(())
}

fn each(
    store: &Connection,
    select: &str,
    mut visit: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut select = store.prepare(select)?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        visit(row)?;
    }
    Ok(())
}

/// Takes away what refers to nothing. The caller has begun a transaction.
pub fn mend_orphans(store: &Connection) -> Result<(), Error> {
    for (rows, _, mend) in QUERIES {
        if mend == Some(Mend::Orphans) {
            let table = rows.split(' ').nth(1).unwrap_or_default();
            let key = match table {
                "former_bearer" => "hash, contact, position",
                "departed" => "contact",
                "merged_into" => "loser",
                _ => "position",
            };
            let delete = format!("DELETE FROM {table} WHERE ({key}) IN (SELECT {key} {rows})");
            store.execute(&delete, []).map_err(error)?;
        }
    }
    Ok(())
}

/// Counts the failures of requests anew. The caller has begun a transaction.
pub fn mend_failed(store: &Connection) -> Result<(), Error> {
    let mut wrong = Vec::new();
    each(store, "SELECT position, results FROM request WHERE failed = 0", |row| {
        let failed = failed(row.get_ref(1)?.as_blob().unwrap_or_default()).unwrap_or_default();
        if failed > 0 {
            wrong.push((row.get::<_, i64>(0)?, failed.cast_signed()));
        }
        Ok(())
    })
    .map_err(error)?;
    for (position, failed) in wrong {
        let update = "UPDATE request SET failed = ?2 WHERE position = ?1";
        store.execute(update, [position, failed]).map_err(error)?;
    }
    Ok(())
}
