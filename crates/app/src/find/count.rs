//! How many contacts of a list match. Ranges of numbers are counted side by side, each of one moment: no snapshot of the
//! store is held longer than one range takes.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::Filter;
use domain::journal::{AccountNo, ContactNo, ListNo};
use storage::{ContactReader, Counted, Error, Storage, Way};

/// Numbers of contacts in one range: a few hundredths of a second.
pub(super) const RANGE: u64 = 16_384;

/// Ranges that are counted at a time: as many as the embedded store has readers.
pub(super) const READERS: usize = 2;

/// Contacts of a page, where suppressions or a search decide.
pub(super) const CHUNK: u32 = 1_000;

/// Counts the contacts of a list that match. Changes of the list meanwhile are counted or not.
///
/// # Errors
/// Where the store cannot be read.
pub async fn count(
    storage: &dyn Storage,
    account: AccountNo,
    list: ListNo,
    filter: &Filter,
) -> Result<Counted, Error> {
    if filter.takes_all() {
        let counts = storage.count_contacts(vec![list]).await?;
        return Ok(Counted { matching: counts.get(&list).copied().unwrap_or_default(), damaged: 0 });
    }
    if filter.matcher.asks_suppressed() || filter.search.is_some() {
        return count_pages(storage, account, list, filter).await;
    }
    let last = last_number(storage, account, list).await?;
    let ranges = (0..last.div_ceil(RANGE)).map(|range| {
        let (after, until) = (range * RANGE, (range + 1) * RANGE);
        storage.count_matching(list, ContactNo(after), ContactNo(until), filter.matcher.clone())
    });
    let counted = stream::iter(ranges).buffer_unordered(READERS);
    counted.try_fold(Counted::default(), async |sum, of_range| Ok(sum.plus(of_range))).await
}

/// The highest number of a contact of the list, 0 if it has none.
pub(super) async fn last_number(
    storage: &dyn ContactReader,
    account: AccountNo,
    list: ListNo,
) -> Result<u64, Error> {
    let page = storage.page_contacts(account, list, Way::Down(ContactNo(u64::MAX)), 1).await?;
    let numbers = page.rows.iter().map(|(number, _)| *number).chain(page.damaged);
    Ok(numbers.map(|number| number.0).max().unwrap_or_default())
}

async fn count_pages(
    storage: &dyn Storage,
    account: AccountNo,
    list: ListNo,
    filter: &Filter,
) -> Result<Counted, Error> {
    let (mut way, mut counted) = (Way::Up(ContactNo(0)), Counted::default());
    loop {
        let page = storage.page_contacts(account, list, way, CHUNK).await?;
        for fit in filter.fit(storage, account, &page.rows).await? {
            match fit {
                Ok(fits) => counted.matching += u64::from(fits),
                Err(_) => counted.damaged += 1,
            }
        }
        counted.damaged += page.damaged.len() as u64;
        let last = page.rows.iter().map(|(number, _)| *number).chain(page.damaged).max();
        match last.filter(|_| page.more) {
            Some(last) => way = way.from(last),
            None => return Ok(counted),
        }
    }
}
