//! Every contact of a list against its index of identifiers, the index against every contact, and what the list counts.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use super::super::rows::CHUNK;
use super::super::session::{get, get_number};
use super::List;
use domain::contact::sealed;
use domain::journal::ContactNo;
use storage::Error;
use storage::rows::check::index::{Compared, IndexEntry, Sum, ranges};
use storage::rows::check::twins::{self, MAX_HASHES};
use storage::rows::check::{Report, Walk, count};

/// Looks at all contacts.
pub fn check(list: &List<'_>, report: &mut Report) -> Result<(), Error> {
    let walk = walk(list)?;
    let seen = walk.lists.get(&list.no.0).copied().unwrap_or_default();
    report.contacts += seen.contacts;
    walk.tell(report);
    let select = "SELECT next, contacts FROM progress WHERE list = $1";
    let row = list.session.query_opt(select, &[&list.no.0])?;
    let counted = row.map(|row| Ok::<_, Error>((get_number(&row, 0)?, get_number(&row, 1)?))).transpose()?;
    count("it", seen, counted, report);
    let (mut missing, mut extra) = (0, 0);
    differences(list, &walk, |less, more| {
        missing += less.len() as u64;
        extra += more.len() as u64;
        Ok(())
    })?;
    walk.tell_index(missing, extra, report);
    twins(list, report)
}

fn twins(list: &List<'_>, report: &mut Report) -> Result<(), Error> {
    let select = format!(
        "SELECT hash FROM identifier WHERE list = $1 GROUP BY hash HAVING count(*) > 1 LIMIT {MAX_HASHES}"
    );
    for row in list.session.query(&select, &[&list.no.0])? {
        let hash: i64 = get(&row, 0)?;
        let select = "SELECT c.number, c.document FROM identifier i JOIN contact c USING (list, number) \
                      WHERE i.list = $1 AND i.hash = $2";
        let mut contacts = Vec::new();
        for row in list.session.query(select, &[&list.no.0, &hash])? {
            contacts.push((ContactNo(get_number(&row, 0)?), sealed::open(get(&row, 1)?).to_vec()));
        }
        twins::note(list.key, list.no, hash, &contacts, report);
    }
    Ok(())
}

fn walk(list: &List<'_>) -> Result<Walk, Error> {
    let mut walk = Walk::default();
    each(list, |number, document| {
        walk.visit(list.key, list.last.unwrap_or(u64::MAX), (list.no, number), document);
        list.seen.fetch_add(1, Ordering::Relaxed);
    })?;
    let departed = "SELECT coalesce(max(number), 0) FROM departed WHERE list = $1";
    if let Some(row) = list.session.query_opt(departed, &[&list.no.0])? {
        walk.lists.entry(list.no.0).or_default().tombstone(get_number(&row, 0)?);
    }
    Ok(walk)
}

fn each(list: &List<'_>, mut visit: impl FnMut(ContactNo, &[u8])) -> Result<(), Error> {
    let select = "SELECT number, document FROM contact WHERE list = $1 ORDER BY number";
    let visit = |row: &tokio_postgres::Row| {
        visit(ContactNo(get_number(row, 0)?), sealed::open(get(row, 1)?));
        Ok(true)
    };
    list.session.stream(select, &[&list.no.0], visit).map(drop)
}

/// What the index lacks, and what it has too much.
fn differences(
    list: &List<'_>,
    walk: &Walk,
    mut differences: impl FnMut(&[IndexEntry], &[IndexEntry]) -> Result<(), Error>,
) -> Result<(), Error> {
    let found = sum(list)?;
    if found == walk.index {
        return Ok(());
    }
    let kept = walk.damaged();
    for range in ranges(walk.index.count.max(found.count)) {
        let (missing, extra) = compared(list, range, &kept)?;
        differences(&missing, &extra)?;
    }
    Ok(())
}

fn sum(list: &List<'_>) -> Result<Sum, Error> {
    let mut sum = Sum::default();
    let select = "SELECT hash, number FROM identifier WHERE list = $1";
    list.session.stream(select, &[&list.no.0], |row| {
        sum.add((get(row, 0)?, get(row, 1)?));
        Ok(true)
    })?;
    Ok(sum)
}

fn compared(
    list: &List<'_>,
    range: (i64, i64),
    kept: &HashSet<i64>,
) -> Result<(Vec<IndexEntry>, Vec<IndexEntry>), Error> {
    let mut compared = Compared::new(range, kept);
    each(list, |number, document| compared.expect(list.key, (list.no, number), document))?;
    compared.expects_no_more();
    let select = "SELECT hash, number FROM identifier WHERE list = $1 AND hash BETWEEN $2 AND $3 \
                  ORDER BY hash, number";
    list.session.stream(select, &[&list.no.0, &range.0, &range.1], |row| {
        compared.found((get(row, 0)?, get(row, 1)?));
        Ok(true)
    })?;
    Ok(compared.finish())
}

/// Puts the index right, entry by entry, and what the list counts. The caller holds the list's progress.
pub fn mend(list: &List<'_>) -> Result<(), Error> {
    let walk = walk(list)?;
    if walk.can_mend_index() {
        differences(list, &walk, |missing, extra| {
            let insert = "INSERT INTO identifier (list, hash, number) \
                          SELECT $1, * FROM unnest($2::bigint[], $3::bigint[]) ON CONFLICT DO NOTHING";
            let delete = "DELETE FROM identifier i USING unnest($2::bigint[], $3::bigint[]) AS u (hash, number) \
                          WHERE i.list = $1 AND (i.hash, i.number) = (u.hash, u.number)";
            for (statement, entries) in [(delete, extra), (insert, missing)] {
                for chunk in entries.chunks(CHUNK) {
                    let (hashes, numbers): (Vec<i64>, Vec<i64>) = chunk.iter().copied().unzip();
                    list.session.execute(statement, &[&list.no.0, &hashes, &numbers])?;
                }
            }
            Ok(())
        })?;
    }
    let seen = walk.lists.get(&list.no.0).copied().unwrap_or_default();
    let update = "UPDATE progress SET contacts = $2, next = greatest(next, $3) WHERE list = $1";
    let values = (seen.contacts.cast_signed(), seen.last.cast_signed() + 1);
    list.session.execute(update, &[&list.no.0, &values.0, &values.1]).map(drop)
}
