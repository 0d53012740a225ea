//! A list as a table or as lines of JSON.

use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

use csv::{Writer, WriterBuilder};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::api::{Api, must};
use super::defuse::defuse;
use super::target::{COLUMNS, SUPPRESSED};
use super::{Error, Result};

/// Contacts that are asked for at a time.
const PAGE: u32 = 1_000;

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table in UTF-8 with commas; cells that a spreadsheet would run have an apostrophe before them.
    Csv,
    /// The same with a byte order mark, by which Excel knows UTF-8, and what Excel expects between cells: a comma or a
    /// semicolon, by the language of the system.
    Excel(u8),
    /// A contact a line, as contact/get shows it.
    JsonLines,
}

/// A suppression of a contact.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Suppressed {
    channel: String,
    reason: String,
    created_at: String,
}

impl std::fmt::Display for Suppressed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.channel, self.reason, self.created_at)
    }
}

/// A list on its way into a file, some contacts at a time.
#[derive(Debug)]
pub struct Export {
    format: Format,
    variables: Vec<String>,
    /// For each column whether it is written.
    columns: Vec<bool>,
    list: String,
    filter: Map<String, Value>,
    after: Option<String>,
    begun: bool,
    at_end: bool,
    /// For how long a request is tried.
    pub patience: Duration,
    /// What the server says of contacts that are damaged on disk, and so not in the export.
    pub left_out: Vec<String>,
    /// Whether contacts with a suppressed address are written; tables then have a column with the suppressions.
    include_suppressed: bool,
    /// Contacts that were left out since an address of theirs is suppressed.
    pub suppressed: u64,
}

impl Export {
    /// Of the contacts that fit a filter (keys of contacts/find), those with a suppressed address only where
    /// `include_suppressed` is true or the filter asks for them. A table has all columns, or those of `wanted` where it
    /// names some.
    ///
    /// # Errors
    /// Where the list is not there, or the server fails.
    pub async fn of(
        api: &dyn Api,
        list: &str,
        filter: &Map<String, Value>,
        format: Format,
        wanted: &[String],
        include_suppressed: bool,
        patience: Duration,
    ) -> Result<Self> {
        // Asked for also where nobody needs the variables: a list that is not there is told at once.
        let variables = must(api, patience, || api.list(list)).await?.variables();
        let names = COLUMNS.into_iter().chain(variables.iter().map(String::as_str));
        let columns = names.map(|name| wanted.is_empty() || wanted.iter().any(|it| it == name)).collect();
        Ok(Self {
            format,
            variables,
            columns,
            list: list.to_owned(),
            filter: filter.clone(),
            after: None,
            begun: false,
            at_end: false,
            patience,
            left_out: Vec::new(),
            include_suppressed: include_suppressed || filter.contains_key("suppressed"),
            suppressed: 0,
        })
    }

    /// Writes the next contacts, and returns how many they were; `None` at the end.
    ///
    /// # Errors
    /// Where the server fails or refuses.
    pub async fn next(&mut self, api: &dyn Api, out: &mut Vec<u8>) -> Result<Option<u64>> {
        if self.at_end {
            return Ok(None);
        }
        if !std::mem::replace(&mut self.begun, true) && self.format != Format::JsonLines {
            if matches!(self.format, Format::Excel(_)) {
                out.extend_from_slice("\u{feff}".as_bytes());
            }
            let header = COLUMNS.into_iter().chain(self.variables.iter().map(String::as_str));
            let header: Vec<_> = header.map(Cow::Borrowed).collect();
            self.write(&mut self.writer(out), &header, SUPPRESSED)?;
        }
        let (list, filter, after) = (&self.list, &self.filter, self.after.as_deref());
        let found = must(api, self.patience, || api.contacts(list, filter, after, PAGE)).await?;
        let (mut written, mut table) = (0, Vec::new());
        let mut writer = self.writer(&mut table);
        for contact in &found.contacts {
            let members = Members::read(contact)?;
            let suppressed = members.suppressed()?;
            if !self.include_suppressed && !suppressed.is_empty() {
                self.suppressed += 1;
                continue;
            }
            written += 1;
            if self.format == Format::JsonLines {
                out.extend_from_slice(contact.get().as_bytes());
                out.push(b'\n');
                continue;
            }
            let suppressed = suppressed.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            self.write(&mut writer, &cells(&members, &self.variables)?, &suppressed)?;
        }
        writer.flush().map_err(unwritten)?;
        drop(writer);
        out.append(&mut table);
        self.left_out.extend(found.left_out);
        self.at_end = found.next.is_none();
        self.after = found.next;
        Ok(Some(written))
    }

    fn writer<'o>(&self, out: &'o mut Vec<u8>) -> Writer<&'o mut Vec<u8>> {
        let delimiter = if let Format::Excel(delimiter) = self.format { delimiter } else { b',' };
        WriterBuilder::new().delimiter(delimiter).from_writer(out)
    }

    fn write(
        &self,
        writer: &mut Writer<&mut Vec<u8>>,
        cells: &[Cow<'_, str>],
        suppressed: &str,
    ) -> Result<()> {
        let wanted = cells.iter().zip(&self.columns).filter(|(_, wanted)| **wanted).map(|(cell, _)| &**cell);
        let all = wanted.chain(Some(suppressed).filter(|_| self.include_suppressed));
        writer.write_record(all.map(str::as_bytes)).map_err(|error| Error::Told(error.to_string()))
    }
}

/// What an export has written and left out.
#[derive(Debug)]
pub struct Written {
    /// Contacts in the file.
    pub contacts: u64,
    /// What the server says of contacts that are damaged on disk, and so not in the file.
    pub damaged: Vec<String>,
    /// Contacts that are not in the file since an address of theirs is suppressed.
    pub suppressed: u64,
}

/// Writes the contacts of a list that fit a filter, as [`Export::of`] takes them.
///
/// # Errors
/// Where the server fails or refuses, or nothing can be written.
pub async fn run(
    api: &dyn Api,
    list: &str,
    filter: &Map<String, Value>,
    (format, include_suppressed): (Format, bool),
    patience: Duration,
    out: &mut (dyn Write + Send),
    mut watch: impl FnMut(u64),
) -> Result<Written> {
    let mut export = Export::of(api, list, filter, format, &[], include_suppressed, patience).await?;
    let (mut count, mut page) = (0, Vec::new());
    while let Some(some) = export.next(api, &mut page).await? {
        out.write_all(&page).map_err(unwritten)?;
        page.clear();
        count += some;
        watch(count);
    }
    out.flush().map_err(unwritten)?;
    Ok(Written { contacts: count, damaged: export.left_out, suppressed: export.suppressed })
}

/// Members of an object, in their order; no value is read before it is needed.
struct Members<'a>(Vec<(&'a str, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(COLUMNS.len());
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

impl<'a> Members<'a> {
    fn read(raw: &'a RawValue) -> Result<Self> {
        serde_json::from_str(raw.get()).map_err(unread)
    }

    /// Why its addresses are suppressed.
    fn suppressed(&self) -> Result<Vec<Suppressed>> {
        // It stands last.
        let raw = self.0.iter().rev().find(|(name, _)| *name == "suppressed").map(|(_, raw)| raw.get());
        raw.map_or(Ok(Vec::new()), |raw| serde_json::from_str(raw).map_err(unread))
    }

    /// A member, which stands at `place` or behind it; `place` is moved behind it.
    fn get(&self, name: &str, place: &mut usize) -> Option<&'a RawValue> {
        let (before, behind) = self.0.split_at((*place).min(self.0.len()));
        let found = behind.iter().chain(before).position(|(known, _)| *known == name)?;
        let at = (*place + found) % self.0.len();
        *place = at + 1;
        Some(self.0[at].1)
    }
}

#[derive(Deserialize)]
struct VariableOf<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// The cells of a contact: its members, then the variables in the order of the header.
fn cells<'a>(members: &Members<'a>, variables: &[String]) -> Result<Vec<Cow<'a, str>>> {
    let (mut place, mut cells) = (0, Vec::with_capacity(COLUMNS.len() + variables.len()));
    for column in COLUMNS {
        let value = match column.split_once('.') {
            Some((object, member)) => match members.get(object, &mut place).filter(|raw| raw.get() != "null")
            {
                Some(object) => Members::read(object)?.get(member, &mut 0),
                None => None,
            },
            None => members.get(column, &mut place),
        };
        cells.push(value.map_or(Ok(Cow::Borrowed("")), cell)?);
    }
    let shown = members.get("variables", &mut place).filter(|raw| raw.get() != "null");
    let shown: Vec<VariableOf<'_>> =
        shown.map_or(Ok(Vec::new()), |raw| serde_json::from_str(raw.get()).map_err(unread))?;
    // They are shown in the order of the list; one that came or went meanwhile is looked for.
    for (place, name) in variables.iter().enumerate() {
        let at_place = shown.get(place).filter(|variable| variable.name == *name);
        let variable = at_place.or_else(|| shown.iter().find(|variable| variable.name == *name));
        cells.push(variable.map_or(Ok(Cow::Borrowed("")), |variable| cell(variable.value))?);
    }
    Ok(cells)
}

fn cell(value: &RawValue) -> Result<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    match value.get() {
        "null" => Ok(Cow::Borrowed("")),
        text if text.starts_with('"') => {
            let Text(text): Text<'_> = serde_json::from_str(text).map_err(unread)?;
            let defused = match defuse(&text) {
                Cow::Owned(defused) => Some(defused),
                Cow::Borrowed(_) => None,
            };
            Ok(defused.map_or(text, Cow::Owned))
        }
        other => Ok(Cow::Borrowed(other)),
    }
}

fn unread(error: serde_json::Error) -> Error {
    Error::Told(format!("a contact does not read: {error}"))
}

fn unwritten(error: std::io::Error) -> Error {
    Error::Told(format!("the export could not be written: {error}"))
}
