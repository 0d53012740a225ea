//! The cells of a contact, read from its stored form: what an export writes without JSON between.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::escape_formulas::escape;
use crate::target::COLUMNS;
use domain::contact::amount::Cac;
use domain::contact::date::Date;
use domain::contact::document::Document;
use domain::contact::field::{Field, Key, Kind};
use domain::contact::record::{Malformed, Reader};
use storage::{Contact, List, Suppression};

/// Where the values of a stored contact stand in a row.
#[derive(Debug)]
pub struct Layout {
    /// For each field, by its number, its column.
    fields: [Option<usize>; Field::COUNT],
    variables: HashMap<Key, usize>,
    /// The row of a contact without values.
    empty: Vec<&'static str>,
    others: [usize; 7],
}

/// Columns that are not one field.
const OTHERS: [&str; 7] =
    ["createdAt", "updatedAt", "sourceName", "sourceId", "customerSourceId", "cac.value", "cac.currency"];

impl Layout {
    /// Of the contacts of a list.
    pub fn of(list: &List) -> Self {
        let place = |name: &str| COLUMNS.iter().position(|column| *column == name);
        let mut fields = [None; Field::COUNT];
        let mut empty = vec![""; COLUMNS.len() + list.variables.len()];
        for field in Field::ALL {
            // A source is stored by its number, and is shown by its names.
            let shown = field.kind().and_then(|kind| Some((kind, place(field.name())?)));
            let Some((kind, at)) = shown else { continue };
            fields[field.place()] = Some(at);
            // These are stored as absence.
            empty[at] = match kind {
                Kind::Flag => "false",
                Kind::Gender => "0",
                _ => "",
            };
        }
        let numbers = list.variables.iter().map(|variable| Key::of_variable(variable.number));
        let variables = numbers.zip(COLUMNS.len()..).collect();
        let others = OTHERS.map(|name| place(name).unwrap_or_default());
        Self { fields, variables, empty, others }
    }

    /// Puts the cells of a contact into `cells`, in the order of [`COLUMNS`] and then of the list's variables.
    ///
    /// # Errors
    /// [`Malformed`] if its stored form does not read.
    pub fn read<'a>(&self, contact: &'a Contact, cells: &mut Vec<Cow<'a, str>>) -> Result<(), Malformed> {
        cells.clear();
        cells.extend(self.empty.iter().map(|text| Cow::Borrowed(*text)));
        let document = Document::read(&contact.document)?;
        let (mut reader, mut own) = (Reader::new(document.record), None);
        while let Some(entry) = reader.entry()? {
            if entry.key.variable().is_some() {
                if let Some(place) = self.variables.get(&entry.key) {
                    cells[*place] = escape(text(entry.value)?);
                }
                continue;
            }
            let Some(field) = Field::of_key(entry.key) else { continue };
            if field == Field::Cac {
                own = Some(Cac::from_bytes(entry.value).ok_or(Malformed)?);
            } else if let (Some(place), Some(kind)) = (self.fields[field.place()], field.kind()) {
                cells[place] = value(kind, entry.value)?;
            }
        }
        let [created, updated, name, id, customer_id, amount, currency] = self.others;
        cells[created] = Cow::Owned(document.header.created_at.to_string());
        cells[updated] = Cow::Owned(document.header.updated_at.to_string());
        if let Some(source) = &contact.source {
            cells[name] = escape(&source.name);
            cells[id] = Cow::Owned(source.id.to_string());
            cells[customer_id] = escape(source.customer_source_id.as_deref().unwrap_or_default());
        }
        if let Some(cac) = own.as_ref().or(contact.source_cac.as_ref()) {
            cells[amount] = Cow::Owned(cac.value.to_string());
            cells[currency] = Cow::Borrowed(cac.currency.as_str());
        }
        Ok(())
    }
}

fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed)
}

fn value(kind: Kind, stored: &[u8]) -> Result<Cow<'_, str>, Malformed> {
    Ok(match kind {
        Kind::Flag => Cow::Borrowed("true"),
        Kind::Gender => Cow::Owned(stored.first().copied().unwrap_or_default().to_string()),
        Kind::Score => Cow::Owned(i64::from_le_bytes(stored.try_into().map_err(|_| Malformed)?).to_string()),
        Kind::Birthday => Cow::Owned(Date::from_bytes(stored).ok_or(Malformed)?.to_string()),
        _ => escape(text(stored)?),
    })
}

/// Why the addresses of a contact are suppressed, in one cell.
pub fn suppressions(suppressions: &[Suppression]) -> String {
    let shown = suppressions.iter().map(|suppression| {
        let reason = suppression.reason;
        format!("{} {} {}", reason.channel().name(), reason.name(), suppression.created_at)
    });
    shown.collect::<Vec<_>>().join("; ")
}
