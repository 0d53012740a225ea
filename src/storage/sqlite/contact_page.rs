//! A list's contacts, some at a time. They lie side by side in the order of their numbers, so a page is one walk.

use std::collections::HashMap;

use rusqlite::params;

use super::contacts::{contact_id, look_up_source, source_of, split_id};
use super::{Pair, error};
use crate::journal::{AccountNo, ContactNo, ListNo};
use crate::storage::{Contact, ContactPage, Error};

/// Bytes of stored contacts after which a page ends: contacts may be megabytes each.
const MAX_BYTES: usize = 4 << 20;

/// The contacts behind a number.
pub fn page(
    pair: &Pair,
    account: AccountNo,
    list: ListNo,
    after: ContactNo,
    limit: u32,
) -> Result<ContactPage, Error> {
    let documents = documents(pair, list, after, limit).map_err(error)?;
    let more = documents.more;
    // Many contacts come from few sources.
    let mut sources = HashMap::new();
    let mut rows = Vec::with_capacity(documents.rows.len());
    for (number, document) in documents.rows {
        let (source, source_cac) = match source_of(&document)? {
            None => (None, None),
            Some(no) => match sources.get(&no) {
                Some(known) => Clone::clone(known),
                None => {
                    let found = look_up_source(&pair.intake, account, no)?;
                    sources.insert(no, found.clone());
                    found
                }
            },
        };
        rows.push((number, Contact { document, source, source_cac }));
    }
    Ok(ContactPage { rows, more })
}

struct Documents {
    rows: Vec<(ContactNo, Vec<u8>)>,
    more: bool,
}

fn documents(pair: &Pair, list: ListNo, after: ContactNo, limit: u32) -> rusqlite::Result<Documents> {
    let select = "SELECT id, document FROM contact WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3";
    let mut select = pair.store.prepare_cached(select)?;
    let end = contact_id(ListNo(list.0 + 1), 0);
    // One more tells whether there are more.
    let values = params![contact_id(list, after.0), end, i64::from(limit) + 1];
    let mut found = select.query(values)?;
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while let Some(row) = found.next()? {
        if rows.len() == limit as usize || bytes >= MAX_BYTES {
            return Ok(Documents { rows, more: true });
        }
        let document: Vec<u8> = row.get(1)?;
        bytes += document.len();
        rows.push((split_id(row.get(0)?).1, document));
    }
    Ok(Documents { rows, more: false })
}
