//! The walk along a list that looks for what is wanted. It has a bound: where few fit, it ends without them, and says
//! how far it has come.

use super::Filter;
use crate::contact::document::Document;
use crate::journal::{AccountNo, ContactNo, ListNo};
use crate::storage::{Contact, ContactPage, Error, Storage, Way};

/// Contacts that are read at once while it is looked for those that fit.
const CHUNK: u32 = 1_000;

/// When a walk ends.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// When so many were found.
    pub found: u32,
    /// When so many, or a chunk more, were looked at.
    pub looked_at: usize,
    /// When those that were found are so many bytes.
    pub bytes: usize,
}

/// What a walk has found.
#[derive(Debug)]
pub struct Found {
    /// Those that fit, in the order of the walk.
    pub rows: Vec<(ContactNo, Contact)>,
    /// Where the walk goes on; `None` at the end of the list.
    pub next: Option<Way>,
    /// How many were looked at.
    pub looked_at: usize,
}

/// Walks along a list.
///
/// # Errors
/// Where the store cannot be read, or a contact does not read.
pub async fn collect(
    storage: &dyn Storage,
    account: AccountNo,
    list: ListNo,
    way: Way,
    filter: &Filter,
    bounds: Bounds,
) -> Result<Found, Error> {
    let mut found = Found { rows: Vec::new(), next: Some(way), looked_at: 0 };
    let mut bytes = 0;
    // Where everything fits, no more are read than are wanted.
    let chunk = if filter.takes_all() { bounds.found } else { CHUNK };
    let mut way = way;
    loop {
        let ContactPage { rows, more } = page(storage, account, list, way, chunk).await?;
        let count = rows.len();
        for (index, (number, contact)) in rows.into_iter().enumerate() {
            way = way.from(number);
            found.looked_at += 1;
            let fits = Document::read(&contact.document).and_then(|document| filter.fits(&document));
            if !fits.map_err(|malformed| Error::Damaged(malformed.to_string()))? {
                continue;
            }
            bytes += contact.document.len();
            found.rows.push((number, contact));
            if found.rows.len() >= bounds.found as usize || bytes >= bounds.bytes {
                found.next = (more || index + 1 < count).then_some(way);
                return Ok(found);
            }
        }
        if !more || found.looked_at >= bounds.looked_at {
            found.next = more.then_some(way);
            return Ok(found);
        }
    }
}

async fn page(
    storage: &dyn Storage,
    account: AccountNo,
    list: ListNo,
    way: Way,
    limit: u32,
) -> Result<ContactPage, Error> {
    match way {
        Way::Up(after) => storage.page_contacts(account, list, after, limit).await,
        Way::Down(before) => storage.page_contacts_down(account, list, before, limit).await,
    }
}

/// The contact of a list with that number.
///
/// # Errors
/// Where the store cannot be read.
pub async fn contact_by_number(
    storage: &dyn Storage,
    account: AccountNo,
    list: ListNo,
    number: ContactNo,
) -> Result<Option<Contact>, Error> {
    let Some(after) = number.0.checked_sub(1) else { return Ok(None) };
    let page = storage.page_contacts(account, list, ContactNo(after), 1).await?;
    Ok(page.rows.into_iter().find(|(found, _)| *found == number).map(|(_, contact)| contact))
}
