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
use super::target::COLUMNS;
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
}

impl Export {
    /// Of the contacts that fit a filter (keys of contacts/find). A table has all columns, or those of `wanted` where
    /// it names some.
    ///
    /// # Errors
    /// Where the list is not there, or the server fails.
    pub async fn of(
        api: &dyn Api,
        list: &str,
        filter: &Map<String, Value>,
        format: Format,
        wanted: &[String],
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
            out.extend(self.line(header)?);
        }
        let body: Bytes = api::call(api, FIND, &self.question, self.patience).await?;
        let found: Found<'_> = api::read(FIND, &body)?;
        for contact in &found.data {
            match self.format {
                Format::Csv => {
                    let contact: Value = api::read(FIND, contact.get().as_bytes())?;
                    out.extend(self.line(cells(&contact, &self.variables).iter().map(String::as_str))?);
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
        Ok(Some(found.data.len() as u64))
    }

    fn line<'a>(&self, cells: impl Iterator<Item = &'a str>) -> Result<Vec<u8>> {
        line(cells.zip(&self.columns).filter(|(_, wanted)| **wanted).map(|(cell, _)| cell))
    }
}

/// Writes the contacts of a list that fit a filter (keys of contacts/find), and returns how many they were, and what is
/// said of those that are left out.
///
/// # Errors
/// Where the server fails or refuses, or nothing can be written.
pub async fn run(
    api: &dyn Api,
    list: &str,
    filter: &Map<String, Value>,
    format: Format,
    patience: Duration,
    out: &mut (dyn Write + Send),
    mut watch: impl FnMut(u64),
) -> Result<(u64, Vec<String>)> {
    let mut export = Export::of(api, list, filter, format, &[], patience).await?;
    let (mut count, mut page) = (0, Vec::new());
    while let Some(some) = export.next(api, &mut page).await? {
        out.write_all(&page).map_err(unwritten)?;
        page.clear();
        count += some;
        watch(count);
    }
    out.flush().map_err(unwritten)?;
    Ok((count, export.left_out))
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
