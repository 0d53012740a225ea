//! A row as a contact of the API.

mod json;
mod take;

use std::borrow::Cow;

use csv::StringRecord;

use self::json::{identifier, key, put};
use super::escape_formulas;
use super::mapping::{Column, Mapping};
use super::notes::{Note, What};
use super::table::Row;
use super::target::Target;
use super::values::{self, Values, Written};
use super::written::{ROUNDED, is_scientific, unprotected};
use domain::contact::identifier::IdentifierKind;
use wire::ingest::check::ContactBy;

/// Bytes that a member of a contact takes in JSON beside its value, about.
const MEMBER: usize = 24;

/// What to do with the cells of a table.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Which column is what.
    pub mapping: Mapping,
    /// Whether an empty cell clears, in place of leaving as it is.
    pub empty_clears: bool,
    /// Whether the table is an export of ours, whose cells were escaped.
    pub ours: bool,
    /// What a row finds its contact by, if that was chosen.
    pub by: Option<ContactBy>,
    /// How values are read.
    pub values: Values,
    /// Variables that a dry run does not make: their values are checked, and not sent.
    pub absent: Vec<String>,
}

/// A row that is read; the next is read into the same.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// The contact as JSON; empty if there is a fault.
    pub json: String,
    /// What is wrong.
    pub fault: Option<String>,
    /// Hashes of the identifiers that it names.
    pub identifiers: Vec<u64>,
    /// Remarks on it though it is imported.
    pub notes: Vec<Note>,
    /// Whether it sets a variable that a dry run does not make.
    pub sets_absent: bool,
}

impl Read {
    /// Bytes of the contact.
    pub const fn length(&self) -> usize {
        self.json.len()
    }
}

/// Where a value comes from, and what it is.
#[derive(Clone, Copy)]
struct Source<'a> {
    /// The column; `None` for a value of all rows.
    place: Option<usize>,
    target: &'a Target,
    written: Written,
    date: bool,
}

impl<'a> Source<'a> {
    fn of(place: usize, column: &'a Column) -> Self {
        Self { place: Some(place), target: &column.target, written: how(column), date: column.date }
    }
}

fn how(column: &Column) -> Written {
    Written { reversed: matches!(column.target, Target::Not(_)), ..column.written }
}

/// Cells that belong together, and remarks on the row.
#[derive(Default)]
struct Parts<'a> {
    contact: Option<Cow<'a, str>>,
    contact_id: Option<&'a str>,
    identifiers: [Option<Cow<'a, str>>; 3],
    cac: [Option<&'a str>; 2],
    sources: [Option<&'a str>; 2],
    variables: Vec<(&'a str, Cow<'a, str>)>,
    notes: Vec<Note>,
    sets_absent: bool,
}

impl Reading {
    /// Reads a row.
    pub fn read(&self, row: &Row, into: &mut Read) {
        let mut parts = Parts::default();
        into.json.clear();
        into.identifiers.clear();
        into.fault = self.contact(&row.cells, &row.faults, &mut into.json, &mut parts).err();
        into.sets_absent = parts.sets_absent;
        if into.fault.is_some() {
            into.json.clear();
            // A row that fails has its fault in the report.
            parts.notes.clear();
        } else {
            let named = parts.contact.iter().chain(parts.identifiers.iter().flatten()).map(|text| &**text);
            for hash in named.chain(parts.contact_id).map(identifier) {
                // `contact` is mostly one of the others.
                if !into.identifiers.contains(&hash) {
                    into.identifiers.push(hash);
                }
            }
        }
        into.notes = parts.notes;
    }

    fn contact<'a>(
        &'a self,
        cells: &'a StringRecord,
        faults: &[(usize, String)],
        json: &mut String,
        parts: &mut Parts<'a>,
    ) -> Result<(), String> {
        let columns = &self.mapping.columns;
        let (has, wants) = (cells.len(), columns.len());
        // Cells behind the last column are no loss where they are empty.
        if has < wants || cells.iter().skip(wants).any(|cell| !cell.is_empty()) {
            return Err(format!("the row has {has} cells, the header has {wants}"));
        }
        json.reserve(cells.as_slice().len() + columns.len() * MEMBER + MEMBER);
        json.push('{');
        for (place, (column, cell)) in columns.iter().zip(cells).enumerate() {
            if column.shared || column.target == Target::Ignored {
                continue;
            }
            if let Some(cell) = self.clean(place, cell, faults, parts)? {
                self.take(Source::of(place, column), cell, json, parts)?;
            }
        }
        for group in &self.mapping.groups {
            self.take_group(group, cells, faults, json, parts)?;
        }
        self.put_contact(json, parts)?;
        self.put_parts(parts, json);
        json.push('}');
        Ok(())
    }

    /// By which identifier the contact is found.
    fn put_contact(&self, json: &mut String, parts: &Parts<'_>) -> Result<(), String> {
        let [user_id, email, phone] = &parts.identifiers;
        let contact = match self.by {
            None => parts.contact.as_ref().or(user_id.as_ref()).or(email.as_ref()).or(phone.as_ref()),
            Some(by) => {
                let own = match by {
                    ContactBy::Identifier(IdentifierKind::UserId) => user_id.as_deref(),
                    ContactBy::Identifier(IdentifierKind::Email) => email.as_deref(),
                    ContactBy::Identifier(IdentifierKind::PhoneNumber) => phone.as_deref(),
                    ContactBy::Id => parts.contact_id,
                };
                let missing = || format!("the row has no {}, by which it should find its contact", by.name());
                put(json, "contact", own.ok_or_else(missing)?);
                return Ok(());
            }
        };
        put(json, "contact", contact.ok_or("the row has no userId, email or phoneNumber")?);
        Ok(())
    }

    /// A cell without what is around its value; `None` if it was left out.
    fn clean<'a>(
        &self,
        place: usize,
        cell: &'a str,
        faults: &[(usize, String)],
        parts: &mut Parts<'_>,
    ) -> Result<Option<&'a str>, String> {
        let column = &self.mapping.columns[place];
        if cell.contains('\0') {
            return Err(format!("the cell of {} holds a NUL character", column.header));
        }
        if !faults.is_empty()
            && let Some((_, fault)) = faults.iter().find(|(at, _)| *at == place)
        {
            return self.fault(place, fault.clone(), parts).map(|()| None);
        }
        if self.ours {
            return Ok(Some(escape_formulas::undo(cell)));
        }
        let cell = unprotected(cell);
        if values::is_nothing(cell) {
            parts.notes.push(Note { column: Some(place), what: What::TakenAsEmpty });
            return Ok(Some(""));
        }
        if values::is_error(cell) {
            let fault = format!("the cell holds an error of the spreadsheet: {cell}");
            return self.fault(place, fault, parts).map(|()| None);
        }
        if column.target.is_text() && is_scientific(cell.trim()) {
            return self.fault(place, ROUNDED.to_owned(), parts).map(|()| None);
        }
        let Some(between) = column.between else { return Ok(Some(cell)) };
        let (first, rest) = cell.split_once(between).unwrap_or((cell, ""));
        if !rest.trim().is_empty() {
            parts.notes.push(Note { column: Some(place), what: What::FirstOfSeveral });
        }
        Ok(Some(first))
    }

    /// What does not fit its field fails the row, or is left out, as it was chosen.
    fn fault(
        &self,
        place: impl Into<Option<usize>>,
        why: String,
        parts: &mut Parts<'_>,
    ) -> Result<(), String> {
        let place = place.into();
        if self.values.leave_out {
            parts.notes.push(Note { column: place, what: What::LeftOut(why) });
            return Ok(());
        }
        Err(match place {
            Some(place) => format!("column \"{}\": {why}", self.mapping.columns[place].header),
            None => why,
        })
    }

    fn put_parts(&self, parts: &Parts<'_>, json: &mut String) {
        match parts.sources {
            // An empty sourceId would clear, and the other would not be looked at.
            [Some(""), Some(customer)] if !customer.is_empty() => put(json, "customerSourceId", customer),
            [Some(id), _] => put(json, "sourceId", id),
            [None, Some(customer)] => put(json, "customerSourceId", customer),
            [None, None] => {}
        }
        match parts.cac {
            [None, None] => {}
            [value, currency] => {
                let [value, currency] = [value, currency].map(Option::unwrap_or_default);
                if value.is_empty() && currency.is_empty() {
                    put(json, "cac", "");
                } else {
                    key(json, "cac");
                    json.push('{');
                    put(json, "value", value);
                    put(json, "currency", currency);
                    json.push('}');
                }
            }
        }
        if !parts.variables.is_empty() {
            key(json, "variables");
            json.push('[');
            for (name, value) in &parts.variables {
                if json.as_bytes().last() != Some(&b'[') {
                    json.push(',');
                }
                json.push('{');
                put(json, "name", name);
                put(json, "value", value);
                json.push('}');
            }
            json.push(']');
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
