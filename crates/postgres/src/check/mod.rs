//! `rollbook check` of a database: whether its rows are as they must be. Whether PostgreSQL's own pages are is told by
//! its checksums and amcheck.
//!
//! Each list is looked at as of one moment, and nothing is written. It is mended under the lock of its progress, so
//! servers may go on: whatever would be applied to it waits.

mod catalogue;
mod contacts;
mod journal;
mod records;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::queue::LOCK_PROGRESS;
use super::session::{Session, get, get_number};
use super::shared::Shared;
use super::store::{PostgresStore, Settings};
use domain::contact::identifier::HashKey;
use domain::journal::ListNo;
use storage::rows::check::{Mend, Repaired, Report};
use storage::{Error, Jobs, Role, StoredJob};

/// How often it is told how far the check is.
const TOLD: Duration = Duration::from_millis(200);

/// Is told how many contacts were looked at.
pub type Tell<'a> = dyn FnMut(u64) + Send + 'a;

/// One list, in one transaction.
struct List<'a> {
    session: &'a Session,
    key: &'a HashKey,
    no: ListNo,
    /// The last position that was given in it, where that is known.
    last: Option<u64>,
    /// Contacts that were looked at.
    seen: &'a AtomicU64,
}

impl<'a> List<'a> {
    fn read(
        session: &'a Session,
        shared: &'a Shared,
        no: ListNo,
        seen: &'a AtomicU64,
    ) -> Result<Self, Error> {
        let last = session.query_opt("SELECT last FROM queue WHERE list = $1", &[&no.0])?;
        let last = last.map(|row| get_number(&row, 0)).transpose()?;
        Ok(Self { session, key: &shared.key, no, last, seen })
    }

    fn check(&self) -> Result<Report, Error> {
        let mut report = Report::default();
        contacts::check(self, &mut report)?;
        journal::check(self, &mut report)?;
        records::check(self, &mut report)?;
        // What is internal has no other name: the number of a list, or of an account where it is negative.
        for finding in &mut report.findings {
            finding.sentence = format!("list {}: {}", self.no.0, finding.sentence);
        }
        Ok(report)
    }
}

/// The id of the store, and its jobs.
///
/// # Errors
/// As [`check`].
pub async fn jobs(url: &str) -> Result<([u8; 16], Vec<StoredJob>), Error> {
    let store = PostgresStore::open(url, Role::Command, &Settings::default()).await?;
    let mut all = Vec::new();
    for account in store.accounts_with_jobs().await? {
        all.extend(store.jobs(account).await?);
    }
    Ok((store.store_id(), all))
}

/// Looks at the database at an address; mends what can be mended, if that is wanted, and looks again. `tell` is told
/// how many contacts were looked at. The schema is brought up to date, as by every command.
///
/// # Errors
/// Where the database cannot be reached, or was written by a later version.
pub async fn check(url: &str, repair: bool, tell: &mut Tell<'_>) -> Result<Repaired, Error> {
    let store = PostgresStore::open(url, Role::Command, &Settings::default()).await?;
    let (before, mut wrong) = look(&store, tell).await?;
    if !repair || before.findings.iter().all(|finding| finding.mend.is_none()) {
        return Ok(Repaired { mended: Vec::new(), report: before });
    }
    store.write(|session, _| catalogue::mend(session)).await?;
    // A list that had no row to be counted in was given one that counts nothing.
    if before.asks_for(Mend::Lists) {
        wrong = lists(&store).await?;
    }
    for no in wrong {
        store.write(move |session, shared| mend(session, shared, no)).await?;
    }
    let (report, _) = look(&store, tell).await?;
    let mended = before.findings.into_iter().filter(|finding| !report.findings.contains(finding)).collect();
    Ok(Repaired { mended, report })
}

/// What is wrong, and in which lists something is that can be mended.
async fn look(store: &PostgresStore, tell: &mut Tell<'_>) -> Result<(Report, BTreeSet<ListNo>), Error> {
    let mut report = store.read(|session, _| catalogue::check(session)).await?;
    report.to_the_end = true;
    let (seen, mut wrong) = (Arc::new(AtomicU64::new(0)), BTreeSet::new());
    let mut tick = tokio::time::interval(TOLD);
    for no in lists(store).await? {
        // Where it is begun again after a failure that passes, contacts are counted again.
        let before = seen.load(Ordering::Relaxed);
        let counted = Arc::clone(&seen);
        let looked = store.read(move |session, shared| {
            counted.store(before, Ordering::Relaxed);
            List::read(session, shared, no, &counted)?.check()
        });
        tokio::pin!(looked);
        let of_list = loop {
            tokio::select! {
                done = &mut looked => break done?,
                _ = tick.tick() => tell(seen.load(Ordering::Relaxed)),
            }
        };
        if of_list.findings.iter().any(|finding| finding.mend.is_some()) {
            wrong.insert(no);
        }
        report.add_all(of_list);
    }
    Ok((report, wrong))
}

/// All lists of which there may be rows, those of accounts with a negative number.
async fn lists(store: &PostgresStore) -> Result<BTreeSet<ListNo>, Error> {
    store
        .read(|session, _| {
            let mut lists = BTreeSet::new();
            for select in [
                "SELECT no FROM list",
                "SELECT list FROM queue",
                "SELECT list FROM progress",
                "SELECT DISTINCT list FROM contact",
            ] {
                lists.extend(numbers(session, select)?);
            }
            Ok(lists)
        })
        .await
}

/// What a statement of one column selects.
fn numbers(session: &Session, select: &str) -> Result<BTreeSet<ListNo>, Error> {
    session.query(select, &[])?.iter().map(|row| Ok(ListNo(get(row, 0)?))).collect()
}

fn mend(session: &Session, shared: &Shared, no: ListNo) -> Result<(), Error> {
    // Whoever applies holds it too; with it, nothing of the list changes.
    session.query_opt(LOCK_PROGRESS, &[&no.0])?;
    let seen = AtomicU64::new(0);
    let list = List::read(session, shared, no, &seen)?;
    contacts::mend(&list)?;
    records::mend(&list)
}
