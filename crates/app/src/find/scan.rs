//! The walk along a list that looks for what is wanted. It has a bound: where few fit, it ends without them, and says
//! how far it has come.

use super::Filter;
use domain::contact::record::Malformed;
use domain::journal::{AccountNo, ContactNo, ListNo};
use storage::{Contact, ContactPage, ContactReader, Error, Storage, Way};

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
    /// Those that it came by and that are damaged on disk: whether they fit is not known.
    pub damaged: Vec<ContactNo>,
    /// Where the walk goes on; `None` at the end of the list.
    pub next: Option<Way>,
    /// How many were looked at.
    pub looked_at: usize,
}

/// Walks along a list.
///
/// # Errors
/// Where the store cannot be read.
pub async fn collect(
    storage: &dyn Storage,
    account: AccountNo,
    list: ListNo,
    way: Way,
    filter: &Filter,
    bounds: Bounds,
) -> Result<Found, Error> {
    let mut found = Found { rows: Vec::new(), damaged: Vec::new(), next: Some(way), looked_at: 0 };
    let mut bytes = 0;
    // Where everything fits, no more are read than are wanted.
    let chunk = if filter.takes_all() { bounds.found } else { CHUNK };
    let mut way = way;
    loop {
        let ContactPage { rows, damaged, more } = storage.page_contacts(account, list, way, chunk).await?;
        let (count, mut damaged) = (rows.len(), damaged.into_iter().peekable());
        let fit = filter.fit(storage, account, &rows).await?;
        for (index, ((number, contact), fits)) in rows.into_iter().zip(fit).enumerate() {
            while let Some(before) = damaged.next_if(|damaged| way.is_before(*damaged, number)) {
                found.damaged.push(before);
            }
            way = way.from(number);
            found.looked_at += 1;
            match fits {
                Ok(true) => {}
                Ok(false) => continue,
                Err(Malformed) => {
                    found.damaged.push(number);
                    continue;
                }
            }
            bytes += contact.document.len();
            found.rows.push((number, contact));
            if found.rows.len() >= bounds.found as usize || bytes >= bounds.bytes {
                found.next = (more || index + 1 < count || damaged.peek().is_some()).then_some(way);
                return Ok(found);
            }
        }
        for last in damaged {
            way = way.from(last);
            found.damaged.push(last);
        }
        if !more || found.looked_at >= bounds.looked_at {
            found.next = more.then_some(way);
            return Ok(found);
        }
    }
}

/// The contact of a list with that number.
///
/// # Errors
/// Where the store cannot be read.
pub async fn contact_by_number(
    storage: &dyn ContactReader,
    account: AccountNo,
    list: ListNo,
    number: ContactNo,
) -> Result<Option<Contact>, Error> {
    let Some(after) = number.0.checked_sub(1) else { return Ok(None) };
    let page = storage.page_contacts(account, list, Way::Up(ContactNo(after)), 1).await?;
    if page.damaged.contains(&number) {
        return Err(Error::Damaged("the contact is damaged on disk".to_owned()));
    }
    Ok(page.rows.into_iter().find(|(found, _)| *found == number).map(|(_, contact)| contact))
}
