//! What a cell says of its contact.

use std::borrow::Cow;

use csv::StringRecord;

use super::json::{put, put_raw};
use super::{Parts, Reading, Source, how};
use crate::mapping::Group;
use crate::notes::{Note, What};
use crate::target::Target;
use crate::values::{self, Value, Written, escaped};
use domain::contact::field::{Field, Kind, MAX_VARIABLE};
use domain::contact::invisible;

impl Reading {
    /// Takes what several columns, or a column and a value for all rows, say of one target.
    pub(super) fn take_group<'a>(
        &'a self,
        group: &'a Group,
        cells: &'a StringRecord,
        faults: &[(usize, String)],
        json: &mut String,
        parts: &mut Parts<'a>,
    ) -> Result<(), String> {
        let flag = match group.target {
            Target::Field(field) => Some(field).filter(|field| field.kind() == Some(Kind::Flag)),
            _ => None,
        };
        let (mut first, mut any, mut answer) = (None, None, None);
        for &place in &group.columns {
            let Some(cell) = self.clean(place, cells.get(place).unwrap_or_default(), faults, parts)? else {
                continue;
            };
            any = any.or(Some(place));
            if cell.trim().is_empty() {
                continue;
            }
            let Some(field) = flag else {
                first = Some((place, cell));
                break;
            };
            match values::read(field, cell.trim(), &self.values, how(&self.mapping.columns[place])) {
                Value::Flag(yes) => answer = Some(answer.unwrap_or(true) && yes),
                Value::Fault(why) => self.fault(place, why, parts)?,
                // No consent is read from a text that is not understood.
                _ => {
                    self.fault(place, format!("\"{}\" is neither yes nor no", escaped(cell.trim())), parts)?
                }
            }
        }
        if let (Some(field), Some(answer)) = (flag, answer) {
            put_raw(json, field.name(), if answer { "true" } else { "false" });
            return Ok(());
        }
        if let Some((place, cell)) = first {
            return self.take(Source::of(place, &self.mapping.columns[place]), cell, json, parts);
        }
        match (&group.value, any) {
            (Some(value), _) => {
                let source =
                    Source { place: None, target: &group.target, written: Written::default(), date: false };
                self.take(source, value, json, parts)
            }
            // Empty, as any cell may be.
            (None, Some(place)) => {
                self.take(Source::of(place, &self.mapping.columns[place]), "", json, parts)
            }
            (None, None) => Ok(()),
        }
    }

    pub(super) fn take<'a>(
        &'a self,
        source: Source<'a>,
        cell: &'a str,
        json: &mut String,
        parts: &mut Parts<'a>,
    ) -> Result<(), String> {
        let trimmed = cell.trim();
        // A part that is not there is no part; one that is empty counts where empty cells clear.
        let given = (!trimmed.is_empty() || self.empty_clears).then_some(trimmed);
        match source.target {
            Target::Ignored => {}
            Target::Contact => {
                parts.contact =
                    Some(invisible::trim(cell)).filter(|text| !text.is_empty()).map(Cow::Borrowed);
                self.check_hidden(source, parts.contact.as_deref().unwrap_or_default())?;
            }
            Target::ContactId => parts.contact_id = Some(trimmed).filter(|text| !text.is_empty()),
            Target::CacValue => parts.cac[0] = given,
            Target::CacCurrency => parts.cac[1] = given,
            Target::Field(Field::Source) => parts.sources[0] = given,
            Target::CustomerSourceId => parts.sources[1] = given,
            Target::Variable(name) => self.take_variable(source, name, cell, parts)?,
            Target::Field(field) | Target::Not(field) => {
                self.take_field(source, *field, cell, json, parts)?
            }
        }
        Ok(())
    }

    fn take_variable<'a>(
        &self,
        source: Source<'a>,
        name: &'a str,
        cell: &'a str,
        parts: &mut Parts<'a>,
    ) -> Result<(), String> {
        // A variable keeps blanks: an empty text alone is nothing.
        if cell.is_empty() && !self.empty_clears {
            return Ok(());
        }
        let value = match source.date && !self.ours && !cell.trim().is_empty() {
            true => values::date(cell.trim(), &self.values, source.written),
            false => Value::Text(Cow::Borrowed(cell)),
        };
        let text = match value {
            Value::Text(text) => text,
            Value::Fault(why) => return self.fault(source.place, why, parts),
            Value::NoYear | Value::Flag(_) => {
                parts.notes.push(Note { column: source.place, what: What::NoYear });
                return Ok(());
            }
        };
        if self.absent.iter().any(|absent| absent == name) {
            parts.sets_absent |= !text.is_empty();
            return match text.chars().count() > MAX_VARIABLE {
                true => self.fault(
                    source.place,
                    format!("the value is longer than {MAX_VARIABLE} characters"),
                    parts,
                ),
                false => Ok(()),
            };
        }
        parts.variables.push((name, text));
        Ok(())
    }

    fn take_field<'a>(
        &self,
        source: Source<'a>,
        field: Field,
        cell: &'a str,
        json: &mut String,
        parts: &mut Parts<'a>,
    ) -> Result<(), String> {
        let kind = field.kind();
        // Blanks around a text may be meant, around anything else they are a slip; so are invisible characters.
        let (trimmed, text) = match kind {
            // In a table that we have written a userId stands as it is.
            Some(Kind::Identifier) if self.ours && field == Field::UserId => (cell.trim(), cell),
            Some(Kind::Identifier) => (invisible::trim(cell), invisible::trim(cell)),
            Some(Kind::Text) => (cell.trim(), cell),
            _ => (cell.trim(), cell.trim()),
        };
        if trimmed.is_empty() {
            if self.empty_clears {
                match kind {
                    Some(Kind::Flag) => put_raw(json, field.name(), "false"),
                    _ => put(json, field.name(), ""),
                }
            }
            return Ok(());
        }
        if kind == Some(Kind::Identifier) {
            self.check_hidden(source, text)?;
        }
        let text = match values::read(field, text, &self.values, source.written) {
            Value::Flag(flag) => {
                put_raw(json, field.name(), if flag { "true" } else { "false" });
                return Ok(());
            }
            Value::Text(text) => text,
            Value::NoYear => {
                parts.notes.push(Note { column: source.place, what: What::NoYear });
                return Ok(());
            }
            Value::Fault(why) => return self.fault(source.place, why, parts),
        };
        put(json, field.name(), &text);
        match field {
            Field::UserId => parts.identifiers[0] = Some(text),
            Field::Email => parts.identifiers[1] = Some(text),
            Field::PhoneNumber => parts.identifiers[2] = Some(text),
            _ => {}
        }
        Ok(())
    }

    /// Two identifiers that look the same would be two people.
    pub(super) fn check_hidden(&self, source: Source<'_>, text: &str) -> Result<(), String> {
        if self.ours || text.is_ascii() || !invisible::is_in(text) {
            return Ok(());
        }
        let header = source.place.map_or("", |place| self.mapping.columns[place].header.as_str());
        Err(format!("column \"{header}\": \"{}\" has an invisible character", escaped(text)))
    }
}
