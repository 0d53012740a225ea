//! The consent ledger of a contact: its records from the last back, and what erasing does to them.

use std::collections::HashMap;

use super::contacts::locate;
use super::{ContactId, Erasing, Rows};
use crate::{Consent, Consents, Error, Place};
use domain::apply::ledger::{self, Hash, Said};
use domain::contact::choice::{Head, State};
use domain::contact::document::Document;
use domain::contact::identifier::IdentifierKind;
use domain::contact::proof::Proof;
use domain::contact::record::Malformed;
use domain::journal::ListNo;

/// Records of one contact that are read at most.
pub const MAX_RECORDS: usize = 10_000;

/// The error of a row of the ledger that does not read.
pub fn damaged(place: Place) -> impl Fn(Malformed) -> Error {
    move |malformed| Error::Damaged(format!("consent ledger at {place:?}: {malformed}"))
}

/// The end of the ledger of a contact as it is stored.
///
/// # Errors
/// Where it does not read.
pub fn head(document: &[u8]) -> Result<Option<Head>, Malformed> {
    Ok(State::read(Document::read(document)?.record)?.choices.head)
}

/// The position where the ledger of a contact begins; 0 where it has none.
///
/// # Errors
/// Where the store cannot be read, or the contact does not read.
pub fn begins_at(rows: &impl Rows, contact: ContactId, document: Option<&[u8]>) -> Result<u64, Error> {
    match document {
        Some(document) => {
            let head = head(document).map_err(|malformed| Error::Damaged(malformed.to_string()))?;
            Ok(head.map_or(0, |head| head.position))
        }
        None => rows.tombstone_consent(contact),
    }
}

/// The records of the contact that has one of the identifiers, the newest first.
///
/// # Errors
/// Where the store cannot be read, or what it holds does not read.
pub fn find(
    rows: &impl Rows,
    list: ListNo,
    identifiers: &[(IdentifierKind, String)],
) -> Result<Option<Consents>, Error> {
    let Some((number, document)) = locate(rows, list, identifiers)? else { return Ok(None) };
    of_contact(rows, (list, number), Some(&document)).map(Some)
}

/// The records of a contact, the newest first.
///
/// # Errors
/// Where the store cannot be read, or what it holds does not read.
pub fn of_contact(
    rows: &impl Rows,
    (list, number): ContactId,
    document: Option<&[u8]>,
) -> Result<Consents, Error> {
    let mut next = begins_at(rows, (list, number), document)?;
    let mut records = Vec::new();
    while next > 0 && records.len() < MAX_RECORDS {
        let place = Place { list, position: next };
        let Some(row) = rows.consent_at(place)? else { break };
        next = 0;
        for record in ledger::read(&row).map_err(damaged(place))?.iter().rev() {
            if record.number != number {
                continue;
            }
            if !record.contents.is_empty() {
                records.extend(consents(record).map_err(damaged(place))?);
            }
            next = record.previous;
        }
        // A chain only goes back: a damaged one ends.
        if next >= place.position {
            break;
        }
    }
    Ok(Consents { number, records, complete: next == 0 })
}

/// What a record says of each flag, the last first.
fn consents(record: &ledger::Record<'_>) -> Result<Vec<Consent>, Malformed> {
    let said = Said::read(record.contents)?;
    let (hash, proof) = (record.hash, Proof::read(said.proof)?);
    let consents = said.flags().rev().map(|(flag, value)| {
        let Said { at, request, how, token, .. } = said;
        Consent { flag, value, at, request, how, token: token.to_owned(), proof: proof.clone(), hash }
    });
    Ok(consents.collect())
}

/// Empties the contents of all records of a contact whose ledger begins there. The chain of digests stays.
///
/// # Errors
/// Where the store cannot be read or written, or a row does not read.
pub fn forget(rows: &impl Erasing, (list, number): ContactId, begins_at: u64) -> Result<(), Error> {
    let mut next = begins_at;
    while next > 0 {
        let place = Place { list, position: next };
        let Some(row) = rows.consent_at(place)? else { break };
        let records = ledger::read(&row).map_err(damaged(place))?;
        let first = records.iter().find(|record| record.number == number);
        next = first.map_or(0, |record| record.previous).min(place.position - 1);
        if let Some(emptied) = ledger::without(&row, number).map_err(damaged(place))? {
            rows.put_consent(place, &emptied)?;
        }
    }
    Ok(())
}

/// Empties the contents of all records of a contact, wherever in its list they are.
///
/// # Errors
/// Where the store cannot be read or written, or a row does not read.
pub fn forget_anywhere(rows: &impl Erasing, (list, number): ContactId) -> Result<(), Error> {
    for position in rows.consent_positions(list)? {
        let place = Place { list, position };
        let Some(row) = rows.consent_at(place)? else { continue };
        if let Some(emptied) = ledger::without(&row, number).map_err(damaged(place))? {
            rows.put_consent(place, &emptied)?;
        }
    }
    Ok(())
}

/// A walk along the whole ledger of a list or of all lists, in the order of positions: whether every chain holds.
#[derive(Debug, Default)]
pub struct Chains {
    last: HashMap<ContactId, Hash>,
    unreadable: u64,
    broken: u64,
}

impl Chains {
    /// Looks at a row.
    pub fn look(&mut self, list: ListNo, row: &[u8]) {
        let Ok(records) = ledger::read(row) else {
            self.unreadable += 1;
            return;
        };
        for record in records {
            let last = self.last.entry((list, record.number)).or_default();
            self.broken += u64::from(!record.follows(list, *last));
            *last = record.hash;
        }
    }

    /// Looks at a contact: its ledger must end where it says.
    pub fn end(&mut self, contact: ContactId, document: &[u8]) {
        // Other rooms report a contact that does not read.
        let Ok(head) = head(document) else { return };
        let last = self.last.get(&contact).copied();
        self.broken += u64::from(head.is_some_and(|head| Some(head.hash) != last));
    }

    /// Tells what is wrong.
    pub fn tell(&self, report: &mut super::check::Report) {
        report.add_count("rows of the consent ledger that the disk has damaged", self.unreadable, None);
        report.add_count("consent records that do not follow the one before", self.broken, None);
    }
}
