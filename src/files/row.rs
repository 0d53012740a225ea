//! A row as a contact of the API.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use csv::StringRecord;

use super::defuse;
use super::mapping::{Column, Group, Mapping};
use super::notes::{Note, What};
use super::table::Row;
use super::target::Target;
use super::values::{self, Value, Values, Written, escaped};
use super::written::{ROUNDED, is_scientific, unprotected};
use crate::contact::field::{Field, Kind, MAX_VARIABLE};
use crate::contact::identifier::IdentifierKind;
use crate::contact::{email, invisible};
use crate::intake::check::ContactBy;

/// What to do with the cells of a table.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Which column is what.
    pub mapping: Mapping,
    /// Whether an empty cell clears, in place of leaving as it is.
    pub empty_clears: bool,
    /// Whether the table is an export of ours, whose cells were defused.
    pub ours: bool,
    /// What a row finds its contact by, if that was chosen.
    pub by: Option<ContactBy>,
    /// How values are read.
    pub values: Values,
    /// Variables that a dry run does not make: their values are checked, and not sent.
    pub absent: Vec<String>,
}

/// A row that is read.
#[derive(Clone, Debug)]
pub struct Item {
    /// Where it stands in the file.
    pub line: u64,
    /// Its cells as they are in the file.
    pub cells: StringRecord,
    /// The contact as JSON, or what is wrong.
    pub contact: Result<String, String>,
    /// Hashes of the identifiers that it names: rows that share one must not overtake each other.
    pub identifiers: Vec<u64>,
    /// Remarks on it though it is imported.
    pub notes: Vec<Note>,
    /// Whether it sets a variable that a dry run does not make.
    pub sets_absent: bool,
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
    pub fn read(&self, row: Row) -> Item {
        let mut parts = Parts::default();
        let read = self.contact(&row.cells, &row.faults, &mut parts);
        let (notes, sets_absent) = (std::mem::take(&mut parts.notes), parts.sets_absent);
        drop(parts);
        let (contact, identifiers) = match read {
            Ok((json, identifiers)) => (Ok(json), identifiers),
            Err(fault) => (Err(fault), Vec::new()),
        };
        // Of a row that fails its fault is told.
        let notes = if contact.is_ok() { notes } else { Vec::new() };
        Item { line: row.line, cells: row.cells, contact, identifiers, notes, sets_absent }
    }

    fn contact<'a>(
        &'a self,
        cells: &'a StringRecord,
        faults: &[(usize, String)],
        parts: &mut Parts<'a>,
    ) -> Result<(String, Vec<u64>), String> {
        let columns = &self.mapping.columns;
        let (has, wants) = (cells.len(), columns.len());
        // Cells behind the last column are no loss where they are empty.
        if has < wants || cells.iter().skip(wants).any(|cell| !cell.is_empty()) {
            return Err(format!("the row has {has} cells, the header has {wants}"));
        }
        let mut json = String::from("{");
        for (place, (column, cell)) in columns.iter().zip(cells).enumerate() {
            if column.shared || column.target == Target::Ignored {
                continue;
            }
            if let Some(cell) = self.clean(place, cell, faults, parts)? {
                self.take(Source::of(place, column), cell, &mut json, parts)?;
            }
        }
        for group in &self.mapping.groups {
            self.take_group(group, cells, faults, &mut json, parts)?;
        }
        self.put_contact(&mut json, parts)?;
        self.put_parts(parts, &mut json);
        json.push('}');
        let named = parts.contact.iter().chain(parts.identifiers.iter().flatten()).map(|text| &**text);
        Ok((json, named.chain(parts.contact_id).map(identifier).collect()))
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
            return Ok(Some(defuse::undo(cell)));
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

    /// Takes what several columns, or a column and a value for all rows, say of one target.
    fn take_group<'a>(
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

    fn take<'a>(
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
    fn check_hidden(&self, source: Source<'_>, text: &str) -> Result<(), String> {
        if self.ours || text.is_ascii() || !invisible::is_in(text) {
            return Ok(());
        }
        let header = source.place.map_or("", |place| self.mapping.columns[place].header.as_str());
        Err(format!("column \"{header}\": \"{}\" has an invisible character", escaped(text)))
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
                if !json.ends_with('[') {
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

fn identifier(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    // Whatever it is: texts that are the same address, and some that are not, share a number.
    email::form(text).hash(&mut hasher);
    hasher.finish()
}

fn key(json: &mut String, key: &str) {
    if !json.ends_with('{') {
        json.push(',');
    }
    json.push('"');
    json.push_str(key);
    json.push_str("\":");
}

fn put_raw(json: &mut String, name: &str, value: &str) {
    key(json, name);
    json.push_str(value);
}

/// Appends a member whose value is a text; keys are names of the API's own.
fn put(json: &mut String, name: &str, text: &str) {
    key(json, name);
    // Most texts stand in JSON as they are.
    if text.bytes().all(|byte| byte >= b' ' && !matches!(byte, b'"' | b'\\')) {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        // A text always has a form in JSON.
        json.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use serde_json::{Value, json};

    use super::super::mapping::Wishes;
    use super::*;

    fn read(empty_clears: bool, header: &[&str], cells: &[&str]) -> Result<Value, String> {
        let header = StringRecord::from(header.to_vec());
        let variables = ["plan".to_owned(), "since".to_owned()];
        let mapping = Mapping::of(&header, &Wishes::default(), &variables).unwrap();
        let reading = Reading {
            mapping,
            empty_clears,
            ours: false,
            by: None,
            values: Values::default(),
            absent: Vec::new(),
        };
        let item =
            reading.read(Row { line: 2, cells: StringRecord::from(cells.to_vec()), faults: Vec::new() });
        item.contact.map(|json| serde_json::from_str(&json).unwrap())
    }

    #[test]
    fn the_contact_is_the_first_identifier_that_there_is() {
        let header = ["phoneNumber", "email", "userId"];
        for (cells, contact) in [
            (["+15555555", "a@example.com", " \u{feff}u\u{200b}"], "u"),
            (["+15555555", " a@example.com\u{200b} ", ""], "a@example.com"),
            (["\u{202a}+15555555\u{202c}", " ", " \u{ad} "], "+15555555"),
        ] {
            assert_eq!(read(false, &header, &cells).unwrap()["contact"], contact);
        }
        let nobody = "the row has no userId, email or phoneNumber".to_owned();
        assert_eq!(read(true, &header, &["", "", ""]), Err(nobody));
    }

    #[test]
    fn empty_cells_leave_or_clear() {
        let header =
            ["userId", "name", "active", "plan", "cac.value", "cac.currency", "sourceId", "customerSourceId"];
        let cells = ["u", "", " ", "", "", "", "", "x"];
        assert_eq!(
            read(false, &header, &cells).unwrap(),
            json!({ "userId": "u", "contact": "u", "customerSourceId": "x" })
        );
        let cleared = json!({ "userId": "u", "contact": "u", "name": "", "active": false, "cac": "",
            "customerSourceId": "x", "variables": [{ "name": "plan", "value": "" }] });
        assert_eq!(read(true, &header, &cells).unwrap(), cleared);
    }

    #[test]
    fn flags_amounts_and_blanks() {
        let header = ["userId", "active", "emailSubscribe", "firstName", "cac.value", "plan", "contactScore"];
        let cells = ["u", " YES ", "maybe", " Jo ", "2", "  ", " 7 "];
        let expected = json!({ "userId": "u", "contact": "u", "active": true, "emailSubscribe": "maybe",
            "firstName": " Jo ", "cac": { "value": "2", "currency": "" }, "contactScore": "7",
            "variables": [{ "name": "plan", "value": "  " }] });
        assert_eq!(read(false, &header, &cells).unwrap(), expected);
    }

    #[test]
    fn rows_of_another_width_are_told() {
        let told = |cells: &[&str]| read(false, &["userId", "name"], cells);
        assert_eq!(told(&["u"]), Err("the row has 1 cells, the header has 2".to_owned()));
        assert_eq!(told(&["u", "n", "x"]), Err("the row has 3 cells, the header has 2".to_owned()));
        assert!(told(&["u", "n", "", ""]).is_ok());
        assert_eq!(told(&["u", "a\0b"]), Err("the cell of name holds a NUL character".to_owned()));
    }
}
