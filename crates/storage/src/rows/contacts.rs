//! Contacts by their identifiers.

use std::collections::HashMap;

use super::Rows;
use crate::{Contact, Error, Source};
use domain::contact::amount::Cac;
use domain::contact::document::Document;
use domain::contact::field::Field;
use domain::contact::identifier::{HashKey, IdentifierKind};
use domain::journal::{AccountNo, ContactNo, ListNo};

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

/// Many contacts: for each set of identifiers the first contact that has one of them. The store is read twice, however
/// many there are.
///
/// # Errors
/// Where the store cannot be read, or a contact that may be one of them does not read.
pub fn find_many(
    rows: &impl Rows,
    account: AccountNo,
    list: ListNo,
    wanted: &[Vec<(IdentifierKind, String)>],
) -> Result<Vec<Option<(ContactNo, Contact)>>, Error> {
    let no = list.0.unsigned_abs();
    let texts = wanted.iter().flatten();
    let mut hashes: Vec<_> =
        texts.flat_map(|(kind, text)| rows.key().lookups(no, *kind, text)).map(|hash| (hash, list)).collect();
    hashes.sort_unstable();
    hashes.dedup();
    let mut holders: HashMap<u64, Vec<ContactNo>> = HashMap::new();
    let mut contacts = Vec::new();
    for ((_, number), hash) in rows.holders(&hashes)? {
        holders.entry(hash).or_default().push(number);
        contacts.push((list, number));
    }
    contacts.sort_unstable();
    contacts.dedup();
    let mut documents = HashMap::new();
    rows.documents(&contacts, &mut |(_, number), document| {
        documents.insert(number, document.to_vec());
        true
    })?;
    let mut found = Vec::with_capacity(wanted.len());
    for identifiers in wanted {
        let bearer = locate_in(rows.key(), no, identifiers, &holders, &documents)?;
        let contact = bearer.map(|(number, document)| Ok((number, with_source(rows, account, document)?)));
        found.push(contact.transpose()?);
    }
    Ok(found)
}

/// The same as [`locate`], among documents that were loaded.
fn locate_in(
    key: &HashKey,
    list: u64,
    identifiers: &[(IdentifierKind, String)],
    holders: &HashMap<u64, Vec<ContactNo>>,
    documents: &HashMap<ContactNo, Vec<u8>>,
) -> Result<Option<(ContactNo, Vec<u8>)>, Error> {
    for (kind, text) in identifiers {
        let mut numbers: Vec<_> =
            key.lookups(list, *kind, text).filter_map(|hash| holders.get(&hash)).flatten().collect();
        numbers.sort_unstable();
        numbers.dedup();
        let (mut first, mut damaged) = (None, None);
        for number in numbers {
            let Some(document) = documents.get(number) else { continue };
            match Document::read(document)
                .and_then(|read| Ok(read.identifiers()?.get(*kind).map(str::to_owned)))
            {
                Ok(Some(borne)) if borne == *text => return Ok(Some((*number, document.clone()))),
                Ok(Some(borne)) if kind.same(&borne, text) => {
                    first = first.or(Some((*number, document.clone())))
                }
                Ok(_) => {}
                Err(malformed) => damaged = Some(Error::Damaged(malformed.to_string())),
            }
        }
        if first.is_some() {
            return Ok(first);
        }
        if let Some(damaged) = damaged {
            return Err(damaged);
        }
    }
    Ok(None)
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
    for (kind, text) in identifiers {
        let (mut bearers, damaged) = bearers(rows, list, *kind, text)?;
        // Of two since the first version the same as in `UnitOfWork::find`.
        let exact = bearers.iter().position(|bearer| bearer.is_exact).unwrap_or_default();
        if exact < bearers.len() {
            let bearer = bearers.swap_remove(exact);
            return Ok(Some((bearer.number, bearer.document)));
        }
        if let Some(damaged) = damaged {
            return Err(damaged);
        }
    }
    Ok(None)
}

/// A contact that bears an identifier.
pub struct Holder {
    /// Its number.
    pub number: ContactNo,
    /// Its stored form.
    pub document: Vec<u8>,
    /// Whether it bears it letter by letter.
    pub is_exact: bool,
}

/// All contacts of a list that bear an identifier, the first that was made in front: one, or none, but for two whose
/// addresses the first version took for two. Beside them what is wrong with a contact that may be another.
///
/// # Errors
/// Where the store cannot be read.
pub fn bearers(
    rows: &impl Rows,
    list: ListNo,
    kind: IdentifierKind,
    text: &str,
) -> Result<(Vec<Holder>, Option<Error>), Error> {
    let mut hashes: Vec<_> =
        rows.key().lookups(list.0.unsigned_abs(), kind, text).map(|hash| (hash, list)).collect();
    hashes.sort_unstable();
    let mut contacts: Vec<_> = rows.holders(&hashes)?.into_iter().map(|(contact, _)| contact).collect();
    contacts.dedup();
    let (mut bearers, mut damaged) = (Vec::new(), None);
    for contact in contacts {
        let Some(document) = rows.document(contact)? else { continue };
        let borne = Document::read(&document).and_then(|read| {
            Ok(read
                .identifiers()?
                .get(kind)
                .filter(|borne| kind.same(borne, text))
                .map(|borne| borne == text))
        });
        match borne {
            Ok(Some(is_exact)) => bearers.push(Holder { number: contact.1, document, is_exact }),
            Ok(None) => {}
            Err(malformed) => damaged = Some(Error::Damaged(malformed.to_string())),
        }
    }
    Ok((bearers, damaged))
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
