//! Contacts of one list that have the same e-mail address: the first version took some spellings of one for two.

use super::Report;
use domain::contact::document::Document;
use domain::contact::identifier::{HashKey, IdentifierKind};
use domain::journal::{ContactNo, ListNo};

/// Hashes with more than one contact that are looked at; there may be more twins than are worth reading.
pub const MAX_HASHES: usize = 1_000;

/// Notes which contacts of a list, of those under one hash, have the same address. A contact may stand under a hash that
/// only its former form has.
pub fn note(key: &HashKey, list: ListNo, hash: i64, contacts: &[(ContactNo, Vec<u8>)], report: &mut Report) {
    let bears = |document: &[u8]| {
        let borne = Document::read(document).and_then(|document| document.identifiers()).unwrap_or_default();
        let hash_of = |text| key.hash(list.0.cast_unsigned(), IdentifierKind::Email, text).cast_signed();
        borne.email.is_some_and(|text| hash_of(text) == hash)
    };
    let mut numbers: Vec<_> =
        contacts.iter().filter(|(_, document)| bears(document)).map(|(number, _)| number.0).collect();
    numbers.sort_unstable();
    if numbers.len() > 1 {
        let numbers: Vec<_> = numbers.iter().map(u64::to_string).collect();
        report.notes.push(format!(
            "contacts {} of list {} have the same e-mail address in different spellings",
            numbers.join(", "),
            list.0
        ));
    }
}
