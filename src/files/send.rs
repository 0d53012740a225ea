//! One batch on its way: sent until it is accepted, without the rows that are refused.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::api::{self, Api};
use super::batch::Batch;
use super::key::ImportId;
use super::{Error, Result};
use crate::apply::outcome::NoteCode;

const OPTED_OUT: &str = NoteCode::OptedOut.code();

const PATH: &str = "/v3/contacts/update";

/// Where batches go, and how.
#[derive(Clone, Debug)]
pub struct Way {
    /// The list.
    pub list: String,
    /// Whether contacts that are not in the list are made.
    pub upsert: bool,
    /// Whether nothing is kept.
    pub dry_run: bool,
    /// Whether flags that were set to false may be set to true.
    pub resubscribe: bool,
    /// For how long a request is tried.
    pub patience: Duration,
}

/// A row that was not imported: its place in the batch, and why.
pub type Fault = (usize, String);

/// Requests of a batch that were accepted.
#[derive(Debug, Default)]
pub struct Sent {
    /// Each with the places in the batch of its rows.
    pub requests: Vec<(String, Vec<usize>)>,
    /// Rows that were refused.
    pub faults: Vec<Fault>,
    /// What became of the rows, where that is known already.
    pub counts: Counts,
}

/// What became of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Contacts that were made.
    pub created: u64,
    /// Contacts that were changed, or removed where that was asked.
    pub updated: u64,
    /// Contacts that were so already.
    pub unchanged: u64,
    /// Rows that were not imported.
    pub failed: u64,
    /// Of all but these, those of which a flag stays false, since it was set to false before.
    pub opted_out: u64,
}

impl Counts {
    /// Both together.
    pub const fn plus(self, other: Self) -> Self {
        Self {
            created: self.created + other.created,
            updated: self.updated + other.updated,
            unchanged: self.unchanged + other.unchanged,
            failed: self.failed + other.failed,
            opted_out: self.opted_out + other.opted_out,
        }
    }

    /// How many rows there were.
    pub const fn rows(self) -> u64 {
        self.created + self.updated + self.unchanged + self.failed
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Accepted<'a> {
    request_id: &'a str,
    #[serde(borrow)]
    results: Option<Results<'a>>,
}

/// What became of the items of a request.
#[derive(Debug, Default, Deserialize)]
pub struct Results<'a> {
    #[serde(borrow)]
    success: Vec<Done<'a>>,
    #[serde(borrow)]
    errors: Vec<Failed<'a>>,
}

#[derive(Debug, Deserialize)]
struct Done<'a> {
    action: &'a str,
    #[serde(borrow, default)]
    notes: Vec<Note<'a>>,
}

#[derive(Debug, Deserialize)]
struct Note<'a> {
    code: &'a str,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failed<'a> {
    position: usize,
    error: &'a str,
    #[serde(borrow)]
    human_error: Cow<'a, str>,
}

impl Results<'_> {
    /// Counts what was done, and adds what was not to the faults; `rows` are the places of the items in their batch.
    pub fn tell(&self, rows: &[usize], faults: &mut Vec<Fault>) -> Counts {
        let mut counts = Counts::default();
        for done in &self.success {
            counts.opted_out += u64::from(done.notes.iter().any(|note| note.code == OPTED_OUT));
            match done.action {
                "created" => counts.created += 1,
                "updated" | "removed" => counts.updated += 1,
                _ => counts.unchanged += 1,
            }
        }
        for failed in &self.errors {
            // Results that the disk has damaged stand in one error for all items.
            let damaged = self.success.is_empty() && self.errors.len() == 1 && rows.len() > 1;
            let about =
                if damaged { rows } else { rows.get(failed.position..=failed.position).unwrap_or_default() };
            let text = format!("{}: {}", failed.error, failed.human_error);
            faults.extend(about.iter().map(|row| (*row, text.clone())));
        }
        counts
    }
}

#[derive(Deserialize)]
struct Refused {
    details: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    position: Option<usize>,
    message: String,
}

/// Sends a batch. Rows that are refused are taken out, and the rest is sent again: so is a half where the whole is
/// too large for the server.
///
/// # Errors
/// Where the server cannot be reached, or refuses what is no matter of a row.
pub async fn send(api: Arc<dyn Api>, way: Way, import: ImportId, batch: Arc<Batch>) -> Result<Sent> {
    let mut sent = Sent::default();
    let good = |place: &usize| batch.items[*place].contact.is_ok();
    let mut queue: Vec<Vec<usize>> = vec![(0..batch.items.len()).filter(good).collect()];
    while let Some(rows) = queue.pop() {
        if rows.is_empty() {
            continue;
        }
        let body = body(&way, &batch, &rows);
        let key = (!way.dry_run).then(|| import.key(batch.number, &body));
        let reply = api::post(api.as_ref(), PATH, key.as_deref(), body, way.patience).await?;
        match reply.status {
            200 => {
                let accepted: Accepted<'_> = api::read(PATH, &reply.body)?;
                match accepted.results {
                    Some(results) if way.dry_run => {
                        sent.counts = sent.counts.plus(results.tell(&rows, &mut sent.faults));
                    }
                    _ => sent.requests.push((accepted.request_id.to_owned(), rows)),
                }
            }
            413 if rows.len() > 1 => {
                // The first half is the next.
                let (first, second) = rows.split_at(rows.len() / 2);
                queue.extend([second.to_vec(), first.to_vec()]);
            }
            413 => sent.faults.push((rows[0], "the row is too large for one request".to_owned())),
            400 => queue.push(take_out(&reply.body, rows, &mut sent.faults)?),
            _ => return Err(Error::Told(api::refusal(PATH, &reply.body))),
        }
    }
    Ok(sent)
}

/// The rows that are not at fault.
fn take_out(refusal: &[u8], rows: Vec<usize>, faults: &mut Vec<Fault>) -> Result<Vec<usize>> {
    let refused: Refused = api::read(PATH, refusal)?;
    let mut wrong: Vec<Option<String>> = vec![None; rows.len()];
    for detail in &refused.details {
        let Some(position) = detail.position else { continue };
        let Some(told) = wrong.get_mut(position) else { continue };
        // The row is told by its line.
        let place = format!(" at contact position {position}");
        let message = detail.message.strip_suffix(&place).unwrap_or(&detail.message);
        match told {
            Some(told) => {
                told.push_str("; ");
                told.push_str(message);
            }
            None => *told = Some(message.to_owned()),
        }
    }
    let whole = refused.details.iter().any(|detail| detail.position.is_none());
    if whole || wrong.iter().all(Option::is_none) {
        return Err(Error::Told(api::refusal(PATH, refusal)));
    }
    let mut rest = Vec::new();
    for (row, told) in rows.into_iter().zip(wrong) {
        match told {
            Some(told) => faults.push((row, told)),
            None => rest.push(row),
        }
    }
    Ok(rest)
}

fn body(way: &Way, batch: &Batch, rows: &[usize]) -> Bytes {
    // A text always has a form in JSON.
    let list = serde_json::to_string(&way.list).unwrap_or_default();
    let mut body = format!(r#"{{"contactListId":{list},"upsert":{},"#, way.upsert);
    if way.dry_run {
        body.push_str(r#""dryRun":true,"#);
    }
    if !way.resubscribe {
        body.push_str(r#""optOut":"keep","#);
    }
    body.push_str(r#""contacts":["#);
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        let item = batch.items[*row].contact.as_deref().unwrap_or_default();
        match item.strip_prefix('{').filter(|_| way.resubscribe) {
            Some(rest) => body.extend([r#"{"resubscribe":true,"#, rest]),
            None => body.push_str(item),
        }
    }
    body.push_str("]}");
    body.into()
}
