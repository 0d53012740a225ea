//! A card, and the row that it is.

use csv::StringRecord;

use super::property::Property;
use super::{BETWEEN, COLUMNS};
use crate::scan::MAX_RECORD;
use crate::table::Row;

/// A card that is being read.
pub struct Card {
    line: u64,
    properties: Vec<Property>,
    bytes: usize,
}

impl Card {
    /// One that begins on a line.
    pub const fn new(line: u64) -> Self {
        Self { line, properties: Vec::new(), bytes: 0 }
    }

    /// Takes a property.
    ///
    /// # Errors
    /// Where the card is too long.
    pub fn add(&mut self, property: Property) -> Result<(), &'static str> {
        self.bytes += property.value.len() + size_of::<Property>();
        if self.bytes > MAX_RECORD {
            return Err("the card is longer than 2 MiB");
        }
        self.properties.push(property);
        Ok(())
    }

    /// Its row. A card without an end may have lost values, and a group is not a person.
    pub fn row(self, cut_off: bool) -> Row {
        let kind = self.text("KIND").or_else(|| self.text("X-ADDRESSBOOKSERVER-KIND"));
        let is_group = kind.is_some_and(|kind| kind.eq_ignore_ascii_case("group"));
        let name = self.name();
        let cell = |column: &str| match column {
            "name" => self.full_name(),
            "firstName" => name[1].clone(),
            "lastName" => name[0].clone(),
            "email" => self.several("EMAIL"),
            "phoneNumber" => self.several("TEL"),
            "contactBirthday" => self.birthday(),
            "contactLanguage" => self.first("LANG"),
            "contactTimezone" => self.first("TZ"),
            "contactGender" => self.gender(),
            "organization" => self.text("ORG").map(|text| text.replace(';', ", ")).unwrap_or_default(),
            "jobTitle" => self.text("TITLE").unwrap_or_default(),
            "note" => self.text("NOTE").unwrap_or_default(),
            "url" => self.text("URL").unwrap_or_default(),
            _ => self.text("UID").unwrap_or_default(),
        };
        let cells = StringRecord::from(COLUMNS.iter().map(|column| cell(column)).collect::<Vec<_>>());
        // In the column of the address: no row is about such a card.
        let fault = |text: &str| vec![(3, text.to_owned())];
        let faults = match (cut_off, is_group) {
            (true, _) => fault("the card has no end: is the file whole?"),
            (false, true) => fault("the card is a group, and no contact"),
            (false, false) => Vec::new(),
        };
        Row { line: self.line, cells, faults }
    }

    /// Whether it is of version 2.1, in which few characters are escaped. The version may stand anywhere.
    fn is_old(&self) -> bool {
        self.properties.iter().any(|property| property.name == "VERSION" && property.value.trim() == "2.1")
    }

    fn all(&self, name: &str) -> Vec<&Property> {
        let mut all: Vec<_> = self.properties.iter().filter(|property| property.name == name).collect();
        all.sort_by_key(|property| property.rank());
        all
    }

    fn text(&self, name: &str) -> Option<String> {
        self.all(name).first().map(|property| unescaped(&property.value, self.is_old()))
    }

    fn first(&self, name: &str) -> String {
        self.text(name).unwrap_or_default().trim().to_owned()
    }

    /// Family name and given name.
    fn name(&self) -> [String; 2] {
        let Some(property) = self.properties.iter().find(|property| property.name == "N") else {
            return [String::new(), String::new()];
        };
        let (old, mut parts) = (self.is_old(), components(&property.value));
        [(); 2].map(|()| {
            let part = parts.next().unwrap_or_default();
            // Of several given names all are one name; in 2.1 a comma is a comma.
            let part = match old {
                true => part.to_owned(),
                false => part.replace("\\,", "\u{0}").replace(',', " ").replace('\u{0}', "\\,"),
            };
            unescaped(&part, old).trim().to_owned()
        })
    }

    /// The name as it is shown, unless it is an address.
    fn full_name(&self) -> String {
        let name = self.first("FN");
        let is_address = self.all("EMAIL").iter().any(|email| email.value.trim() == name);
        if is_address { String::new() } else { name }
    }

    /// Addresses or numbers, the preferred one first and a fax last.
    fn several(&self, name: &str) -> String {
        let mut all = self.all(name);
        all.sort_by_key(|property| property.is("fax") || property.is("pager"));
        let mut values: Vec<String> = Vec::new();
        for property in all {
            let value = unescaped(&property.value, self.is_old());
            let value = value.trim().trim_start_matches("tel:").trim_start_matches("mailto:");
            let value = value.split(';').next().unwrap_or_default().to_owned();
            if !value.is_empty() && !values.contains(&value) {
                values.push(value);
            }
        }
        values.join(BETWEEN)
    }

    /// The day, without a time; Apple writes a year where there is none.
    fn birthday(&self) -> String {
        let Some(property) = self.all("BDAY").first().copied() else { return String::new() };
        let day = property.value.trim();
        let day = day.split(['T', ' ']).next().unwrap_or_default();
        let omitted = property.parameter("X-APPLE-OMIT-YEAR");
        match omitted.and_then(|year| day.strip_prefix(year)) {
            Some(rest) => format!("-{rest}"),
            None => day.to_owned(),
        }
    }

    fn gender(&self) -> String {
        let gender = self.first("GENDER");
        match gender.split(';').next() {
            Some(gender @ ("M" | "F" | "m" | "f")) => gender.to_owned(),
            _ => String::new(),
        }
    }
}

/// The parts of a value, parted by semicolons that are not escaped.
fn components(value: &str) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    value.split(move |letter| {
        let parts = letter == ';' && !escaped;
        escaped = letter == '\\' && !escaped;
        parts
    })
}

fn unescaped(text: &str, old: bool) -> String {
    let mut letters = text.chars().peekable();
    let mut plain = String::with_capacity(text.len());
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied();
        let stands_for = match (letter, next) {
            ('\\', Some(';')) => Some(';'),
            ('\\', Some('n' | 'N')) if !old => Some('\n'),
            ('\\', Some(next @ (',' | '\\' | ':'))) if !old => Some(next),
            _ => None,
        };
        if stands_for.is_some() {
            letters.next();
        }
        plain.push(stands_for.unwrap_or(letter));
    }
    plain
}
