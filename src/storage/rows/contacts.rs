//! Contacts by their identifiers.

use super::Rows;
use crate::contact::amount::Cac;
use crate::contact::document::Document;
use crate::contact::field::Field;
use crate::contact::identifier::IdentifierKind;
use crate::journal::{AccountNo, ContactNo, ListNo};
use crate::storage::{Contact, Error, Source};

/// The first contact that bears one of the identifiers, with its number.
///
/// # Errors
/// Where the store cannot be read.
pub fn find(
    rows: &impl Rows,
    account: AccountNo,
    list: ListNo,
    identifiers: &[(IdentifierKind, String)],
) -> Result<Option<(ContactNo, Contact)>, Error> {
    let Some((number, document)) = locate(rows, list, identifiers)? else { return Ok(None) };
    Ok(Some((number, with_source(rows, account, document)?)))
}

/// A contact with its source.
///
/// # Errors
/// Where the store cannot be read, or the contact does not read.
pub fn with_source(rows: &impl Rows, account: AccountNo, document: Vec<u8>) -> Result<Contact, Error> {
    let (source, source_cac) = match source_of(&document)? {
        Some(source) => look_up_source(rows, account, source)?,
        None => (None, None),
    };
    Ok(Contact { document, source, source_cac })
}

/// The number of a contact's source.
///
/// # Errors
/// Where the contact does not read.
pub fn source_of(document: &[u8]) -> Result<Option<u64>, Error> {
    let source = Document::read(document).and_then(|read| read.get(Field::Source.key()));
    let source = source.map_err(|malformed| Error::Damaged(malformed.to_string()))?;
    Ok(source.and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes))
}

/// The first contact that bears one of the identifiers, in the order given: its number and stored form.
///
/// # Errors
/// Where the store cannot be read, or a contact that may be the one does not read.
pub fn locate(
    rows: &impl Rows,
    list: ListNo,
    identifiers: &[(IdentifierKind, String)],
) -> Result<Option<(ContactNo, Vec<u8>)>, Error> {
    let mut damaged = None;
    for (kind, text) in identifiers {
        let hash = rows.key().hash(list.0.unsigned_abs(), *kind, text);
        for (contact, _) in rows.holders(&[(hash, list)])? {
            let Some(document) = rows.document(contact)? else { continue };
            let borne = Document::read(&document)
                .and_then(|read| Ok(read.text(kind.field())?.is_some_and(|borne| kind.same(borne, text))));
            match borne {
                Ok(true) => return Ok(Some((contact.1, document))),
                Ok(false) => {}
                // Another contact may bear the identifier: it can be given again once this one does not read.
                Err(malformed) => damaged = Some(Error::Damaged(malformed.to_string())),
            }
        }
    }
    damaged.map_or(Ok(None), Err)
}

/// A source and what it costs; of one that was removed only that is left.
///
/// # Errors
/// Where the store cannot be read.
pub fn look_up_source(
    rows: &impl Rows,
    account: AccountNo,
    no: u64,
) -> Result<(Option<Source>, Option<Cac>), Error> {
    // In this order: a source that is removed in between is then found among the removed.
    match rows.source(account, no)? {
        Some(source) => Ok((Some(source.clone()), source.cac)),
        None => Ok((None, rows.removed_cac(account, no)?)),
    }
}
