//! A page of the contacts of a list in an order. There is no index for it: the places of all contacts that match are
//! compared, as a count looks at all of them, and as many are held as a page has.

use std::collections::HashMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::Filter;
use super::count::{CHUNK, RANGE, READERS, last_number};
use domain::contact::document::Document;
use domain::journal::{AccountNo, ContactNo, ListNo};
use domain::sort::{Best, Place, Sort, Start};
use storage::{Contact, Error, Storage, Way};

/// Contacts that are loaded at once.
const LOADED: usize = 100;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Sorting {
    /// The order.
    pub sort: Sort,
    /// Where the page begins, or ends.
    pub start: Start,
    /// Contacts of the page.
    pub limit: u32,
    /// Bytes of stored contacts after which it ends.
    pub bytes: usize,
}

/// A page, in its order.
#[derive(Debug, Default)]
pub struct Sorted {
    /// The contacts as they are now: one that has just changed may stand where it stood before.
    pub rows: Vec<(Place, Contact)>,
    /// Contacts of the list that are damaged on disk, as many as a page has: they have no place.
    pub damaged: Vec<ContactNo>,
    /// Whether there are more in the direction of the page.
    pub more: bool,
}

/// The page of a list in an order.
///
/// # Errors
/// Where the store cannot be read.
pub async fn sorted(
    storage: &dyn Storage,
    account: AccountNo,
    list: ListNo,
    filter: &Filter,
    sorting: Sorting,
) -> Result<Sorted, Error> {
    let Sorting { sort, start, limit, bytes } = sorting;
    let wanted = limit as usize;
    let (mut best, mut page) = (Best::new(start.clone(), wanted + 1), Sorted::default());
    if filter.matcher.asks_suppressed() {
        offer_pages(storage, account, list, filter, sort, (&mut best, &mut page.damaged)).await?;
    } else {
        let last = last_number(storage, account, list).await?;
        let ranges = (0..last.div_ceil(RANGE)).map(|range| {
            let range = (ContactNo(range * RANGE), ContactNo((range + 1) * RANGE));
            storage.first_matching(list, range, filter.matcher.clone(), (sort, start.clone(), wanted + 1))
        });
        let mut found = stream::iter(ranges).buffer_unordered(READERS);
        while let Some((places, damaged)) = found.try_next().await? {
            places.into_iter().for_each(|place| best.offer(place));
            page.damaged.extend(damaged);
        }
    }
    page.damaged.sort_unstable();
    page.damaged.truncate(wanted);
    let mut places = best.into_places();
    page.more = places.len() > wanted;
    places.truncate(wanted);
    load(storage, account, list, places, bytes, &mut page).await?;
    if start.is_back() {
        page.rows.reverse();
    }
    Ok(page)
}

/// Offers the contacts of a list whose suppressions decide, a page at a time.
async fn offer_pages(
    storage: &dyn Storage,
    account: AccountNo,
    list: ListNo,
    filter: &Filter,
    sort: Sort,
    (best, damaged): (&mut Best, &mut Vec<ContactNo>),
) -> Result<(), Error> {
    let mut way = Way::Up(ContactNo(0));
    loop {
        let page = storage.page_contacts(account, list, way, CHUNK).await?;
        let fit = filter.fit(storage, account, &page.rows).await?;
        for ((number, contact), fits) in page.rows.iter().zip(fit) {
            let place = fits.and_then(|fits| {
                let document = Document::read(&contact.document)?;
                fits.then(|| sort.place(*number, &document)).transpose()
            });
            match place {
                Ok(Some(place)) => best.offer(place),
                Ok(None) => {}
                Err(_) => damaged.push(*number),
            }
        }
        damaged.extend(&page.damaged);
        let last = page.rows.iter().map(|(number, _)| *number).chain(page.damaged).max();
        match last.filter(|_| page.more) {
            Some(last) => way = way.from(last),
            None => return Ok(()),
        }
    }
}

/// Loads the contacts of places, until they are large enough. One that was removed meanwhile is left out.
async fn load(
    storage: &dyn Storage,
    account: AccountNo,
    list: ListNo,
    places: Vec<Place>,
    bytes: usize,
    page: &mut Sorted,
) -> Result<(), Error> {
    let mut room = bytes;
    for chunk in places.chunks(LOADED) {
        let mut contacts = HashMap::new();
        let mut numbers: Vec<_> = chunk.iter().map(|place| place.number).collect();
        numbers.sort_unstable();
        // A page of large contacts ends early, and what is left is asked for again.
        while !numbers.is_empty() {
            let loaded = storage.contacts_by_number(account, list, numbers.clone()).await?;
            let last =
                loaded.rows.iter().map(|(number, _)| *number).chain(loaded.damaged.iter().copied()).max();
            contacts.extend(loaded.rows);
            let Some(last) = last.filter(|_| loaded.more) else { break };
            numbers.retain(|number| *number > last);
        }
        for place in chunk {
            let Some(contact) = contacts.remove(&place.number) else { continue };
            room = room.saturating_sub(contact.document.len());
            page.rows.push((place.clone(), contact));
            if room == 0 {
                page.more = true;
                return Ok(());
            }
        }
    }
    Ok(())
}
