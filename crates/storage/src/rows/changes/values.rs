//! What a change did to the fields of its contact.

use domain::contact::document::{self, Document};
use domain::contact::identifier::Identifiers;
use domain::contact::record::{Entry, Malformed, Reader};
use domain::history::FieldChange;

/// The identifiers after a change, and what it did to the fields.
pub type Shown = Result<(Identifiers<Option<String>>, Vec<FieldChange>), Malformed>;

fn owned(identifiers: Identifiers<Option<&str>>) -> Identifiers<Option<String>> {
    identifiers.map(|text| text.filter(|text| !text.is_empty()).map(str::to_owned))
}

/// The entries of a record in the order of their keys.
struct Entries<'a>(Reader<'a>);

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.entry().transpose()
    }
}

fn entries(record: &[u8]) -> Entries<'_> {
    Entries(Reader::new(record))
}

pub fn removed(document: &[u8], detailed: bool) -> Shown {
    let record = Document::read(document)?.record;
    let old = |entry: Entry<'_>| FieldChange { key: entry.key, old: entry.value.to_vec(), new: Vec::new() };
    let fields = entries(if detailed { record } else { &[] }).map(|entry| entry.map(old));
    Ok((owned(document::identifiers(record)?), fields.collect::<Result<_, _>>()?))
}

pub fn created(after: &[u8], detailed: bool) -> Shown {
    let new = |entry: Entry<'_>| FieldChange { key: entry.key, old: Vec::new(), new: entry.value.to_vec() };
    let fields = entries(if detailed { after } else { &[] }).map(|entry| entry.map(new));
    Ok((owned(document::identifiers(after)?), fields.collect::<Result<_, _>>()?))
}

pub fn updated(before: &[u8], after: &[u8], detailed: bool) -> Shown {
    let identifiers = owned(document::identifiers(after)?);
    if !detailed {
        return Ok((identifiers, Vec::new()));
    }
    let (mut fields, mut new) = (Vec::with_capacity(8), entries(after));
    let mut next = new.next().transpose()?;
    for old in entries(before) {
        let old = old?;
        while next.is_some_and(|entry| entry.key < old.key) {
            next = new.next().transpose()?;
        }
        let same = next.filter(|entry| entry.key == old.key);
        let new = same.map_or_else(Vec::new, |entry| entry.value.to_vec());
        fields.push(FieldChange { key: old.key, old: old.value.to_vec(), new });
    }
    // All of it reads, or nothing of it is shown.
    new.try_for_each(|entry| entry.map(drop))?;
    Ok((identifiers, fields))
}
