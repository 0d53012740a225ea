//! A row as a contact of the API.

use std::hash::{DefaultHasher, Hash, Hasher};

use csv::StringRecord;

use super::defuse;
use super::mapping::Mapping;
use super::table::Row;
use super::target::Target;
use super::written::{ROUNDED, is_scientific, unprotected};
use crate::contact::field::{Field, Kind};
use crate::contact::{email, invisible};

/// What to do with the cells of a table.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Which column is what.
    pub mapping: Mapping,
    /// Whether an empty cell clears, in place of leaving as it is.
    pub empty_clears: bool,
    /// Whether the table is an export of ours, whose cells were defused.
    pub ours: bool,
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
}

/// Cells that belong together.
#[derive(Default)]
struct Parts<'a> {
    contact: Option<&'a str>,
    identifiers: [Option<&'a str>; 3],
    cac: [Option<&'a str>; 2],
    sources: [Option<&'a str>; 2],
    variables: Vec<(&'a str, &'a str)>,
}

impl Reading {
    /// Reads a row.
    pub fn read(&self, row: Row) -> Item {
        let read = self.fault(&row.faults).map_or_else(|| self.contact(&row.cells), Err);
        let (contact, identifiers) = match read {
            Ok((json, identifiers)) => (Ok(json), identifiers),
            Err(fault) => (Err(fault), Vec::new()),
        };
        Item { line: row.line, cells: row.cells, contact, identifiers }
    }

    /// The first cell without a value in a column that is read.
    fn fault(&self, faults: &[(usize, String)]) -> Option<String> {
        let columns = &self.mapping.columns;
        let read = |place: &usize| columns.get(*place).is_none_or(|column| column.target != Target::Ignored);
        let (place, fault) = faults.iter().find(|(place, _)| read(place))?;
        Some(match columns.get(*place) {
            Some(column) => format!("column \"{}\": {fault}", column.header),
            None => fault.clone(),
        })
    }

    fn contact(&self, cells: &StringRecord) -> Result<(String, Vec<u64>), String> {
        let (has, wants) = (cells.len(), self.mapping.columns.len());
        // Cells behind the last column are no loss where they are empty.
        if has < wants || cells.iter().skip(wants).any(|cell| !cell.is_empty()) {
            return Err(format!("the row has {has} cells, the header has {wants}"));
        }
        let mut json = String::from("{");
        let mut parts = Parts::default();
        for (column, cell) in self.mapping.columns.iter().zip(cells) {
            if column.target != Target::Ignored && cell.contains('\0') {
                return Err(format!("the cell of {} holds a NUL character", column.header));
            }
            let cell = if self.ours { defuse::undo(cell) } else { unprotected(cell) };
            if column.target.is_text() && is_scientific(cell.trim()) {
                return Err(format!("column \"{}\": {ROUNDED}", column.header));
            }
            self.take(&column.target, cell, &mut json, &mut parts);
        }
        let [user_id, email, phone] = parts.identifiers;
        let contact = parts.contact.or(user_id).or(email).or(phone);
        let contact = contact.ok_or("the row has no userId, email or phoneNumber")?;
        put(&mut json, "contact", contact);
        self.put_parts(&parts, &mut json);
        json.push('}');
        let named = parts.contact.into_iter().chain(parts.identifiers.into_iter().flatten());
        Ok((json, named.map(identifier).collect()))
    }

    fn take<'a>(&self, target: &'a Target, cell: &'a str, json: &mut String, parts: &mut Parts<'a>) {
        let trimmed = cell.trim();
        // A part that is not there is no part; one that is empty counts where empty cells clear.
        let given = (!trimmed.is_empty() || self.empty_clears).then_some(trimmed);
        match target {
            Target::Ignored => {}
            Target::Contact => parts.contact = Some(invisible::trim(cell)).filter(|text| !text.is_empty()),
            Target::CacValue => parts.cac[0] = given,
            Target::CacCurrency => parts.cac[1] = given,
            Target::Field(Field::Source) => parts.sources[0] = given,
            Target::CustomerSourceId => parts.sources[1] = given,
            // A variable keeps blanks: an empty text alone is nothing.
            Target::Variable(name) if !cell.is_empty() || self.empty_clears => {
                parts.variables.push((name, cell))
            }
            Target::Variable(_) => {}
            Target::Field(field) => self.take_field(*field, cell, json, parts),
        }
    }

    fn take_field<'a>(&self, field: Field, cell: &'a str, json: &mut String, parts: &mut Parts<'a>) {
        // Blanks around a text may be meant, around anything else they are a slip; so is what nobody sees.
        let (trimmed, text) = match field.kind() {
            // In a table that we have written a userId stands as it is.
            Some(Kind::Identifier) if self.ours && field == Field::UserId => (cell.trim(), cell),
            Some(Kind::Identifier) => (invisible::trim(cell), invisible::trim(cell)),
            Some(Kind::Text) => (cell.trim(), cell),
            _ => (cell.trim(), cell.trim()),
        };
        if trimmed.is_empty() {
            if self.empty_clears {
                match field.kind() {
                    Some(Kind::Flag) => put_raw(json, field.name(), "false"),
                    _ => put(json, field.name(), ""),
                }
            }
            return;
        }
        match field {
            Field::UserId => parts.identifiers[0] = Some(text),
            Field::Email => parts.identifiers[1] = Some(text),
            Field::PhoneNumber => parts.identifiers[2] = Some(text),
            _ => {}
        }
        match (field.kind(), flag(text)) {
            (Some(Kind::Flag), Some(flag)) => {
                put_raw(json, field.name(), if flag { "true" } else { "false" })
            }
            _ => put(json, field.name(), text),
        }
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

/// What people write for yes and no.
fn flag(text: &str) -> Option<bool> {
    let is = |words: [&str; 3]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(["1", "true", "yes"]) { Some(true) } else { is(["0", "false", "no"]).then_some(false) }
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
    // A text always has a form in JSON.
    json.push_str(&serde_json::to_string(text).unwrap_or_default());
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
        let reading = Reading { mapping, empty_clears, ours: false };
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
