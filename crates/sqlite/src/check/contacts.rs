//! Every contact against the index of identifiers, the index against every contact, and what lists count.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rusqlite::{Connection, Row};

use super::super::contacts::{contact_id, numbers, split_id, stored};
use super::super::{error, open, unsigned};
use super::Checked;
use domain::contact::identifier::HashKey;
use domain::contact::sealed;
use domain::journal::{ContactNo, ListNo};
use storage::Error;
use storage::rows::check::index::{Compared, IndexEntry, Sum, ranges};
use storage::rows::check::twins::{self, MAX_HASHES};
use storage::rows::check::{Mend, Report, Seen, Walk, count};

/// Looks at all contacts.
pub fn check(on: &Checked<'_>, report: &mut Report, tell: &mut dyn FnMut(u64)) -> Result<(), Error> {
    let key = key(on.store)?;
    let mut walk = Walk::default();
    let walked = each(on.store, |id, document| {
        walk.visit(&key, on.marks.highest(), split_id(id), document);
        report.contacts += 1;
        if report.contacts.is_multiple_of(4_096) {
            tell(report.contacts);
        }
    });
    if let Err(failure) = walked {
        // What is to be compared with contacts that are not all there would be found wrong where it is right.
        report.add(format!("the contacts are unreadable before their end: {failure}"), None);
        return Ok(());
    }
    report.to_the_end = true;
    walk.tell(report);
    tombstones(on.store, &mut walk.lists).map_err(error)?;
    lists(on, &walk.lists, report)?;
    index(on.store, &key, &walk, report)?;
    twins(on.store, &key, &walk, report)
}

/// The index does not say of which list an entry is: so all that have contacts are asked.
fn twins(store: &Connection, key: &HashKey, walk: &Walk, report: &mut Report) -> Result<(), Error> {
    let select = format!("SELECT hash FROM identifier GROUP BY hash HAVING count(*) > 1 LIMIT {MAX_HASHES}");
    let mut select = store.prepare(&select).map_err(error)?;
    let hashes: rusqlite::Result<Vec<i64>> =
        select.query_map([], |row| row.get(0)).and_then(Iterator::collect);
    // Where it does not read, that is told already.
    for hash in hashes.unwrap_or_default() {
        let numbers = numbers(store, unsigned(hash)).map_err(error)?;
        for list in walk.lists.keys() {
            let mut contacts = Vec::new();
            for number in &numbers {
                let stored = stored(store, contact_id(ListNo(*list), *number))?;
                contacts.extend(stored.map(|stored| (ContactNo(*number), sealed::open(&stored).to_vec())));
            }
            twins::note(key, ListNo(*list), hash, &contacts, report);
        }
    }
    Ok(())
}

/// The key of the hashes.
pub fn key(store: &Connection) -> Result<HashKey, Error> {
    let key = open::setting(store, "hash_key")?.ok_or_else(|| open::no_setting("hash_key"))?;
    Ok(HashKey::from_bytes(key))
}

fn each(store: &Connection, mut visit: impl FnMut(i64, &[u8])) -> rusqlite::Result<()> {
    let mut select = store.prepare("SELECT id, document FROM contact ORDER BY id")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        visit(row.get(0)?, sealed::open(row.get_ref(1)?.as_blob().unwrap_or_default()));
    }
    Ok(())
}

fn lists(on: &Checked<'_>, seen: &BTreeMap<i64, Seen>, report: &mut Report) -> Result<(), Error> {
    let counted = counted(on.store).map_err(error)?;
    let all: BTreeSet<_> = seen.keys().chain(counted.keys()).collect();
    for list in all {
        let (seen, counted) = (seen.get(list).copied().unwrap_or_default(), counted.get(list).copied());
        count(&format!("list {list}"), seen, counted, report);
    }
    let given = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'list'";
    let given: i64 = on.intake.query_row(given, [], |row| row.get(0)).map_err(error)?;
    let last = seen.keys().chain(counted.keys()).max().copied().unwrap_or_default();
    if last > given {
        let text = format!("there are contacts of list {last}, and lists were numbered up to {given} only");
        report.add(text, None);
    }
    Ok(())
}

/// Adds the numbers of those who were removed.
fn tombstones(store: &Connection, seen: &mut BTreeMap<i64, Seen>) -> rusqlite::Result<()> {
    let mut select = store.prepare("SELECT contact FROM departed")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (list, number) = split_id(row.get(0)?);
        seen.entry(list.0).or_default().tombstone(number.0);
    }
    Ok(())
}

/// What is kept of each list: the number of its next contact, and how many it has.
fn counted(store: &Connection) -> rusqlite::Result<BTreeMap<i64, (u64, u64)>> {
    let mut select = store.prepare("SELECT list, next, contacts FROM list")?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, (unsigned(row.get(1)?), unsigned(row.get(2)?))));
    select.query_map([], read)?.collect()
}

fn index(store: &Connection, key: &HashKey, walk: &Walk, report: &mut Report) -> Result<(), Error> {
    let found = match sum(store) {
        Ok(found) => found,
        Err(failure) => {
            let text = format!("the index of identifiers is unreadable before its end: {failure}");
            report.add(text, Some(Mend::IndexAnew));
            return Ok(());
        }
    };
    if found == walk.index {
        return Ok(());
    }
    let (mut missing, mut extra) = (0, 0);
    let compared = compare(store, key, walk.index.count.max(found.count), &walk.damaged(), |less, more| {
        missing += less.len() as u64;
        extra += more.len() as u64;
        Ok(())
    });
    compared.map_err(error)?;
    walk.tell_index(missing, extra, report);
    Ok(())
}

fn sum(store: &Connection) -> rusqlite::Result<Sum> {
    let mut select = store.prepare("SELECT hash, number FROM identifier")?;
    let mut rows = select.query([])?;
    let mut sum = Sum::default();
    while let Some(row) = rows.next()? {
        sum.add((row.get(0)?, row.get(1)?));
    }
    Ok(sum)
}

/// What the index lacks, and what it has too much.
type Differences<'a> = dyn FnMut(&[IndexEntry], &[IndexEntry]) -> rusqlite::Result<()> + 'a;

/// Compares the index with all contacts. Entries are taken by ranges of their hash, one walk along the contacts for
/// each, so that memory has a bound.
fn compare(
    store: &Connection,
    key: &HashKey,
    count: u64,
    kept: &HashSet<i64>,
    mut differences: impl FnMut(&[IndexEntry], &[IndexEntry]) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let differences: &mut Differences<'_> = &mut differences;
    for range in ranges(count) {
        let mut compared = Compared::new(range, kept);
        each(store, |id, document| compared.expect(key, split_id(id), document))?;
        compared.expects_no_more();
        let select = "SELECT hash, number FROM identifier WHERE hash BETWEEN ?1 AND ?2 ORDER BY hash, number";
        let mut select = store.prepare(select)?;
        let mut rows = select.query([range.0, range.1])?;
        while let Some(row) = rows.next()? {
            compared.found((row.get(0)?, row.get(1)?));
        }
        drop(rows);
        let (missing, extra) = compared.finish();
        differences(&missing, &extra)?;
    }
    Ok(())
}

/// Puts the index right, entry by entry. The caller has begun a transaction.
pub fn mend_index(store: &Connection) -> Result<(), Error> {
    let key = key(store)?;
    let mut walk = Walk::default();
    each(store, |id, document| walk.visit(&key, u64::MAX, split_id(id), document)).map_err(error)?;
    let found = sum(store).map_err(error)?;
    let mut insert = store.prepare("INSERT OR IGNORE INTO identifier VALUES (?1, ?2)").map_err(error)?;
    let delete = "DELETE FROM identifier WHERE hash = ?1 AND number = ?2";
    let mut delete = store.prepare(delete).map_err(error)?;
    let count = walk.index.count.max(found.count);
    compare(store, &key, count, &walk.damaged(), |missing, extra| {
        for (hash, number) in missing {
            insert.execute([hash, number])?;
        }
        for (hash, number) in extra {
            delete.execute([hash, number])?;
        }
        Ok(())
    })
    .map_err(error)
}

/// Puts right what lists count. The caller has begun a transaction.
pub fn mend_lists(store: &Connection) -> Result<(), Error> {
    let mut seen = BTreeMap::<i64, Seen>::new();
    let mut select = store.prepare("SELECT id FROM contact ORDER BY id").map_err(error)?;
    let mut rows = select.query([]).map_err(error)?;
    while let Some(row) = rows.next().map_err(error)? {
        let (list, number) = split_id(row.get(0).map_err(error)?);
        let seen = seen.entry(list.0).or_default();
        seen.contacts += 1;
        seen.last = number.0;
    }
    tombstones(store, &mut seen).map_err(error)?;
    store.execute("UPDATE list SET contacts = 0", []).map_err(error)?;
    let upsert = "INSERT INTO list VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET \
                  next = max(next, excluded.next), contacts = excluded.contacts";
    for (list, seen) in seen {
        let (next, contacts) = (seen.last.cast_signed() + 1, seen.contacts.cast_signed());
        store.execute(upsert, [list, next, contacts]).map_err(error)?;
    }
    Ok(())
}
