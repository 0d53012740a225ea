//! What a change did to the fields of its contact.

use domain::contact::document::{self, Document};
use domain::contact::identifier::Identifiers;
use domain::contact::record::Malformed;
use domain::history as stored;
use domain::history::FieldChange;

/// The identifiers after a change, and what it did to the fields.
pub type Shown = Result<(Identifiers<Option<String>>, Vec<FieldChange>), Malformed>;

fn owned(identifiers: Identifiers<Option<&str>>) -> Identifiers<Option<String>> {
    identifiers.map(|text| text.filter(|text| !text.is_empty()).map(str::to_owned))
}

pub fn removed(document: &[u8], detailed: bool) -> Shown {
    let record = Document::read(document)?.record;
    let fields = if detailed { stored::fields(record)? } else { stored::Fields::new() };
    let fields = fields.into_iter().map(|(key, old)| FieldChange { key, old, new: Vec::new() });
    Ok((owned(document::identifiers(record)?), fields.collect()))
}

pub fn created(after: &[u8], detailed: bool) -> Shown {
    let fields = if detailed { stored::fields(after)? } else { stored::Fields::new() };
    let fields = fields.into_iter().map(|(key, new)| FieldChange { key, old: Vec::new(), new });
    Ok((owned(document::identifiers(after)?), fields.collect()))
}

pub fn updated(before: &[u8], after: &[u8], detailed: bool) -> Shown {
    let identifiers = owned(document::identifiers(after)?);
    if !detailed {
        return Ok((identifiers, Vec::new()));
    }
    let mut new = stored::fields(after)?;
    let fields = stored::fields(before)?.into_iter().map(|(key, old)| {
        let new = new.remove(&key).unwrap_or_default();
        FieldChange { key, old, new }
    });
    Ok((identifiers, fields.collect()))
}
