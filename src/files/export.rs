//! A list as a table or as lines of JSON.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::api::{self, Api};
use super::defuse::defuse;
use super::table::line;
use super::target::{COLUMNS, SUPPRESSED};
use super::{Error, Result};

const FIND: &str = "/v3/contacts/find";

/// Contacts that are asked for at a time.
const PAGE: u32 = 1_000;

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table in UTF-8 with commas; cells that a spreadsheet would run have an apostrophe before them.
    Csv,
    /// A contact a line, as contact/get shows it.
    JsonLines,
}

#[derive(Deserialize)]
struct Found<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    next: Option<String>,
    #[serde(default)]
    warnings: Vec<Warning>,
}

#[derive(Deserialize)]
struct Warning {
    code: String,
    message: String,
}

/// The suppressions of a contact.
#[derive(Deserialize)]
struct MaybeSuppressed {
    #[serde(default)]
    suppressed: Vec<Suppressed>,
}

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
    question: Value,
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
        let variables = api::list(api, list, patience).await?.variables();
        let mut question = json!({ "contactListId": list, "limit": PAGE });
        if let Some(question) = question.as_object_mut() {
            question.extend(filter.clone());
        }
        let names = COLUMNS.into_iter().chain(variables.iter().map(String::as_str));
        let columns = names.map(|name| wanted.is_empty() || wanted.iter().any(|it| it == name)).collect();
        Ok(Self {
            format,
            variables,
            columns,
            question,
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
        if !std::mem::replace(&mut self.begun, true) && self.format == Format::Csv {
            let header = COLUMNS.into_iter().chain(self.variables.iter().map(String::as_str));
            out.extend(self.line(header, SUPPRESSED)?);
        }
        let body: Bytes = api::call(api, FIND, &self.question, self.patience).await?;
        let found: Found<'_> = api::read(FIND, &body)?;
        let mut written = 0;
        for contact in &found.data {
            let suppressed: MaybeSuppressed = api::read(FIND, contact.get().as_bytes())?;
            if !self.include_suppressed && !suppressed.suppressed.is_empty() {
                self.suppressed += 1;
                continue;
            }
            written += 1;
            match self.format {
                Format::Csv => {
                    let contact: Value = api::read(FIND, contact.get().as_bytes())?;
                    let cells = cells(&contact, &self.variables);
                    let suppressed = suppressed.suppressed.iter().map(ToString::to_string);
                    let suppressed = suppressed.collect::<Vec<_>>().join("; ");
                    out.extend(self.line(cells.iter().map(String::as_str), &suppressed)?);
                }
                Format::JsonLines => {
                    out.extend_from_slice(contact.get().as_bytes());
                    out.push(b'\n');
                }
            }
        }
        let left_out = found.warnings.into_iter().filter(|warning| warning.code == "CONTACT_DAMAGED");
        self.left_out.extend(left_out.map(|warning| warning.message));
        match found.next {
            Some(next) => self.question["after"] = json!(next),
            None => self.at_end = true,
        }
        Ok(Some(written))
    }

    fn line<'a>(&self, cells: impl Iterator<Item = &'a str>, suppressed: &'a str) -> Result<Vec<u8>> {
        let cells = cells.zip(&self.columns).filter(|(_, wanted)| **wanted).map(|(cell, _)| cell);
        line(cells.chain(Some(suppressed).filter(|_| self.include_suppressed)))
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

/// The cells of a contact: its members, then the variables in the order of the header.
fn cells(contact: &Value, variables: &[String]) -> Vec<String> {
    let mut cells: Vec<_> = COLUMNS
        .iter()
        .map(|column| match column.split_once('.') {
            Some((object, member)) => cell(&contact[object][member]),
            None => cell(&contact[*column]),
        })
        .collect();
    let shown = contact["variables"].as_array().map(Vec::as_slice).unwrap_or_default();
    // They are shown in the order of the list; one that came or went meanwhile is looked for.
    cells.extend(variables.iter().enumerate().map(|(place, name)| {
        let at_place = shown.get(place).filter(|variable| variable["name"] == name.as_str());
        let variable = at_place.or_else(|| shown.iter().find(|variable| variable["name"] == name.as_str()));
        variable.map(|variable| cell(&variable["value"])).unwrap_or_default()
    }));
    cells
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => defuse(text).into_owned(),
        other => other.to_string(),
    }
}

fn unwritten(error: std::io::Error) -> Error {
    Error::Told(format!("the export could not be written: {error}"))
}
