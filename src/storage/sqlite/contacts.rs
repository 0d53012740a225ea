//! Contacts by their identifiers.

use rusqlite::{Connection, OptionalExtension};

use super::{Pair, Shared, catalogue, error, signed, unsigned};
use crate::contact::amount::Cac;
use crate::contact::document::{Document, HEAD};
use crate::contact::field::Field;
use crate::contact::identifier::IdentifierKind;
use crate::journal::{AccountNo, ContactNo, ListNo};
use crate::storage::{Contact, Error, Source};

/// Bits of a contact's row id that are its number; the list's number stands above.
const NUMBER_BITS: u32 = 40;

/// The most lists that a store can number.
pub const MAX_LISTS: i64 = 1 << (62 - NUMBER_BITS);

/// The row id of a contact.
pub const fn contact_id(list: ListNo, number: u64) -> i64 {
    list.0 << NUMBER_BITS | signed(number)
}

/// The list and number of a row id.
pub const fn split_id(id: i64) -> (ListNo, ContactNo) {
    (ListNo(id >> NUMBER_BITS), ContactNo(unsigned(id & ((1 << NUMBER_BITS) - 1))))
}

/// The first contact that bears one of the identifiers.
pub fn find(
    pair: &mut Pair,
    shared: &Shared,
    account: AccountNo,
    list: ListNo,
    identifiers: &[(IdentifierKind, String)],
) -> Result<Option<Contact>, Error> {
    // One transaction: the index and the contact are read as of one moment.
    let store = pair.store.transaction().map_err(error)?;
    let Some((_, document)) = locate(&store, shared, list, identifiers)? else { return Ok(None) };
    with_source(&pair.intake, account, document).map(Some)
}

/// A contact with its source.
pub fn with_source(intake: &Connection, account: AccountNo, document: Vec<u8>) -> Result<Contact, Error> {
    let (source, source_cac) = match source_of(&document)? {
        Some(source) => look_up_source(intake, account, source)?,
        None => (None, None),
    };
    Ok(Contact { document, source, source_cac })
}

/// The number of a contact's source.
pub fn source_of(document: &[u8]) -> Result<Option<u64>, Error> {
    let source = Document::read(document).and_then(|read| read.get(Field::Source.key()));
    let source = source.map_err(|malformed| Error::Damaged(malformed.to_string()))?;
    Ok(source.and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes))
}

/// The first contact that bears one of the identifiers, in the order given: its number and stored form.
pub fn locate(
    store: &Connection,
    shared: &Shared,
    list: ListNo,
    identifiers: &[(IdentifierKind, String)],
) -> Result<Option<(ContactNo, Vec<u8>)>, Error> {
    let mut damaged = None;
    for (kind, text) in identifiers {
        let hash = shared.key.hash(unsigned(list.0), *kind, text);
        for number in numbers(store, hash).map_err(error)? {
            let Some(document) = document(store, contact_id(list, number))? else { continue };
            let borne = Document::read(&document)
                .and_then(|read| Ok(read.text(kind.field())?.is_some_and(|borne| kind.same(borne, text))));
            match borne {
                Ok(true) => return Ok(Some((ContactNo(number), document))),
                Ok(false) => {}
                // Another contact may bear the identifier: it can be given again once this one does not read.
                Err(malformed) => damaged = Some(Error::Damaged(malformed.to_string())),
            }
        }
    }
    damaged.map_or(Ok(None), Err)
}

/// A source and what it costs; of one that was removed only that is left.
pub fn look_up_source(
    intake: &Connection,
    account: AccountNo,
    no: u64,
) -> Result<(Option<Source>, Option<Cac>), Error> {
    // In this order: a source that is removed in between is then found among the removed.
    match catalogue::sources::get(intake, account, no)? {
        Some(source) => Ok((Some(source.clone()), source.cac)),
        None => Ok((None, catalogue::sources::removed_cac(intake, account, no)?)),
    }
}

/// The numbers under a hash.
pub fn numbers(store: &Connection, hash: u64) -> rusqlite::Result<Vec<u64>> {
    let mut select = store.prepare_cached("SELECT number FROM identifier WHERE hash = ?1")?;
    let rows = select.query_map([signed(hash)], |row| row.get(0).map(unsigned))?;
    rows.collect()
}

/// A contact's stored form, or its head where it is long (see [`HEAD`]): a contact may have megabytes of variables,
/// and a result asks for its identifiers only.
pub fn head(store: &Connection, id: i64) -> Result<Option<Vec<u8>>, Error> {
    // SQLite knows a length without reading what has it.
    let short = "SELECT iif(length(document) <= 4 * ?2, document, NULL) FROM contact WHERE id = ?1";
    let limit = i64::try_from(HEAD).unwrap_or(i64::MAX);
    let found: Option<Option<Vec<u8>>> = store
        .prepare_cached(short)
        .and_then(|mut select| select.query_row([id, limit], |row| row.get(0)).optional())
        .map_err(error)?;
    match found {
        Some(None) => {
            let blob = store.blob_open("main", "contact", "document", id, true).map_err(error)?;
            let mut bytes = vec![0; HEAD];
            blob.read_at_exact(&mut bytes, 0).map_err(error)?;
            Ok(Some(bytes))
        }
        other => Ok(other.flatten()),
    }
}

/// The stored form of a contact.
pub fn document(store: &Connection, id: i64) -> Result<Option<Vec<u8>>, Error> {
    store
        .prepare_cached("SELECT document FROM contact WHERE id = ?1")
        .and_then(|mut select| select.query_row([id], |row| row.get(0)).optional())
        .map_err(error)
}
