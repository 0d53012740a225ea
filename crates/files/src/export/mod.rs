//! A list as a table or as lines of JSON: of a server ([`run`]), or of stored contacts ([`stored`]).

pub mod output;
mod shown;
pub mod stored;
mod workbook;

use std::io::Write;
use std::time::Duration;

use serde_json::{Map, Value};

use self::output::{Columns, Format, Output, unwritten};
use self::shown::{Members, cells};
use super::Result;
use super::api::{Api, ContactPage, must};

/// Contacts of one page.
pub const PAGE: u32 = 1_000;

/// Letters of a name.
const MAX_NAME: usize = 60;

/// Characters that a system does not take in the name of a file.
const REFUSED: [char; 9] = ['/', '\\', ':', '*', '?', '"', '<', '>', '|'];

/// What an export has written and left out.
#[derive(Debug, Default)]
pub struct Written {
    /// Contacts in the file.
    pub contacts: u64,
    /// What the server says of contacts that are damaged on disk, and so not in the file.
    pub damaged: Vec<String>,
    /// Contacts that are not in the file since an address of theirs is suppressed.
    pub suppressed: u64,
}

/// What is exported, and how.
#[derive(Clone, Debug)]
pub struct Request {
    /// The list.
    pub list: String,
    /// Keys of contacts/find.
    pub filter: Map<String, Value>,
    /// The format.
    pub format: Format,
    /// Whether contacts with a suppressed address are written too.
    pub include_suppressed: bool,
    /// Whether a table has the ids of contacts.
    pub include_ids: bool,
    /// For how long a request is tried.
    pub patience: Duration,
}

/// Whether a filter says itself which suppressed contacts are wanted.
fn asks_suppressed(filter: &Map<String, Value>) -> bool {
    let mut open: Vec<_> = filter.get("filter").into_iter().collect();
    while let Some(node) = open.pop() {
        if node["field"] == "suppressed" {
            return true;
        }
        open.extend(["all", "any"].iter().filter_map(|key| node[key].as_array()).flatten());
    }
    filter.contains_key("suppressed")
}

/// Writes the contacts of a list that fit a filter. The next page is on its way while one is written.
///
/// # Errors
/// The list does not exist, the server fails or rejects the request, or nothing can be written.
pub async fn run(
    api: &dyn Api,
    request: &Request,
    out: &mut (dyn Write + Send),
    mut watch: impl FnMut(u64),
) -> Result<Written> {
    let Request { list, filter, format, include_suppressed, include_ids, patience } = request;
    // A list that does not exist is reported before anything is written.
    let variables = must(api, *patience, || api.list(list)).await?.variables();
    let all = *include_suppressed || asks_suppressed(filter);
    let columns = Columns::new(variables, &[], all).with_ids(*include_ids);
    let mut output = Output::new(*format, columns);
    let (mut written, mut bytes) = (Written::default(), Vec::new());
    let page = async |after: Option<String>| {
        must(api, *patience, || api.contacts(list, filter, after.as_deref(), PAGE)).await
    };
    let mut next = Some(page(None).await?);
    while let Some(found) = next.take() {
        let after = found.next.clone();
        let ahead = async {
            match after {
                Some(after) => page(Some(after)).await.map(Some),
                None => Ok(None),
            }
        };
        let here = async { write_page(&mut output, found, &mut written, &mut bytes) };
        let (ahead, here) = tokio::join!(ahead, here);
        here?;
        next = ahead?;
        out.write_all(&bytes).map_err(|error| unwritten(&error))?;
        bytes.clear();
        watch(written.contacts);
    }
    output.end(&mut *out)?;
    out.flush().map_err(|error| unwritten(&error))?;
    Ok(written)
}

fn write_page(
    output: &mut Output,
    page: ContactPage,
    written: &mut Written,
    out: &mut Vec<u8>,
) -> Result<()> {
    written.damaged.extend(page.left_out);
    let (all, json) = (output.columns().include_suppressed, output.is_json());
    let mut lines = Vec::new();
    output.rows(out, |rows| {
        for (place, contact) in page.contacts.iter().enumerate() {
            let members = Members::read(contact)?;
            let suppressed = members.suppressed()?;
            if !all && !suppressed.is_empty() {
                written.suppressed += 1;
                continue;
            }
            written.contacts += 1;
            if json {
                lines.extend_from_slice(contact.get().as_bytes());
                lines.push(b'\n');
                continue;
            }
            let suppressed = suppressed.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            let cells = cells(&members, rows.columns().variables())?;
            let id = page.ids.get(place).map(String::as_str).unwrap_or_default();
            rows.row(&cells, (&suppressed, id))?;
        }
        Ok(())
    })?;
    out.append(&mut lines);
    Ok(())
}

/// The name of a list as part of a file name that every system takes.
pub fn file_name(list: &str) -> String {
    let cut = |letter: char| letter.is_control() || letter.is_whitespace() || REFUSED.contains(&letter);
    let name: String = list.chars().map(|letter| if cut(letter) { '-' } else { letter }).collect();
    let words: Vec<_> = name.split('-').filter(|word| !word.is_empty()).collect();
    let name: String = words.join("-").chars().take(MAX_NAME).collect();
    let name = name.trim_matches('.');
    if name.is_empty() { "contacts".to_owned() } else { name.to_owned() }
}
