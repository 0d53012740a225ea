//! A list's contacts, some at a time. They lie side by side in the order of their numbers, so a page is one walk.

use std::collections::HashMap;

use super::Rows;
use super::contacts::{look_up_source, source_of};
use crate::{Contact, ContactPage, Error, Way};
use domain::journal::{AccountNo, ContactNo, ListNo};

/// Bytes of stored contacts after which a page ends: contacts may be megabytes each.
const MAX_BYTES: usize = 4 << 20;

/// The next contacts on the way.
///
/// # Errors
/// Where the store cannot be read.
pub fn page(
    rows: &impl Rows,
    account: AccountNo,
    list: ListNo,
    way: Way,
    limit: u32,
) -> Result<ContactPage, Error> {
    let (mut documents, mut bytes, mut more) = (Vec::new(), 0, false);
    // One more tells whether there are more.
    rows.documents_on(list, way, limit.saturating_add(1), &mut |number, document: &[u8]| {
        if documents.len() == limit as usize || bytes >= MAX_BYTES {
            more = true;
            return false;
        }
        bytes += document.len();
        documents.push((number, document.to_vec()));
        true
    })?;
    let (shown, damaged) = with_sources(rows, account, documents)?;
    Ok(ContactPage { rows: shown, damaged, more })
}

/// Contacts of a list by their numbers, in the order of these; what is not there is left out. Beside them those that are
/// damaged on disk.
///
/// # Errors
/// Where the store cannot be read.
pub fn load(
    rows: &impl Rows,
    account: AccountNo,
    list: ListNo,
    numbers: &[ContactNo],
) -> Result<ContactPage, Error> {
    let ids: Vec<_> = numbers.iter().map(|number| (list, *number)).collect();
    let mut found = HashMap::with_capacity(ids.len());
    rows.documents(&ids, &mut |(_, number), document| {
        found.insert(number, document.to_vec());
        true
    })?;
    let documents = numbers.iter().filter_map(|number| Some((*number, found.remove(number)?))).collect();
    let (rows, damaged) = with_sources(rows, account, documents)?;
    Ok(ContactPage { rows, damaged, more: false })
}

/// Contacts that read, and the numbers of those that do not.
type Loaded = (Vec<(ContactNo, Contact)>, Vec<ContactNo>);

/// Contacts with their sources, and those that do not read.
fn with_sources(
    rows: &impl Rows,
    account: AccountNo,
    documents: Vec<(ContactNo, Vec<u8>)>,
) -> Result<Loaded, Error> {
    // Many contacts come from few sources.
    let mut sources = HashMap::new();
    let (mut shown, mut damaged) = (Vec::with_capacity(documents.len()), Vec::new());
    for (number, document) in documents {
        let Ok(source) = source_of(&document) else {
            damaged.push(number);
            continue;
        };
        let (source, source_cac) = match source {
            None => (None, None),
            Some(no) => match sources.get(&no) {
                Some(known) => Clone::clone(known),
                None => {
                    let found = look_up_source(rows, account, no)?;
                    sources.insert(no, found.clone());
                    found
                }
            },
        };
        shown.push((number, Contact { document, source, source_cac }));
    }
    Ok((shown, damaged))
}
