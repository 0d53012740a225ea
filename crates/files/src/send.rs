//! One batch on its way: sent until it is accepted, without the rows that are refused.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::api::{Api, Failure, ItemOutcome, Outcome, Results, Wrong, retry};
use super::batch::Batch;
use super::choices::Mode;
use super::key::ImportId;
use super::notes::{Note, What};
use super::{Error, Result};
use wire::ingest::BodyKind;
use wire::ingest::check::ContactBy;

/// Where batches go, and how.
#[derive(Clone, Debug)]
pub struct Way {
    /// The list.
    pub list: String,
    /// Which contacts are created or updated.
    pub mode: Mode,
    /// What contacts are found by, if that was chosen.
    pub by: Option<ContactBy>,
    /// Whether a value that the server refuses is left out of its row; else the row fails.
    pub leave_out: bool,
    /// Whether nothing is kept.
    pub dry_run: bool,
    /// Whether flags that were set to false may be set to true.
    pub resubscribe: bool,
    /// For how long a request is tried.
    pub patience: Duration,
}

impl Way {
    const fn kind(&self) -> BodyKind {
        match self.mode {
            Mode::Create => BodyKind::Add,
            Mode::Both | Mode::Update => BodyKind::Update,
        }
    }
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
    /// Remarks on rows that were accepted, by their places.
    pub notes: Vec<(usize, Note)>,
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
    /// Remarks on rows that were imported all the same: see [`super::notes`].
    #[serde(default, skip_serializing_if = "is_none")]
    pub warnings: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
const fn is_none(count: &u64) -> bool {
    *count == 0
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
            warnings: self.warnings + other.warnings,
        }
    }

    /// How many rows there were.
    pub const fn rows(self) -> u64 {
        self.created + self.updated + self.unchanged + self.failed
    }
}

impl Counts {
    /// Counts results, and adds what was not done to the faults; `rows` are the places of the items in their batch.
    pub fn of(results: &Results, rows: &[usize], faults: &mut Vec<Fault>) -> Self {
        Self::with(results, rows, faults, |_| false)
    }

    /// The same for a dry run: rows that set what it does not make would be changed by that.
    fn with(
        results: &Results,
        rows: &[usize],
        faults: &mut Vec<Fault>,
        changes: impl Fn(usize) -> bool,
    ) -> Self {
        let mut counts = Self::default();
        for ItemOutcome { position, outcome, opted_out } in results {
            counts.opted_out += u64::from(*opted_out);
            match outcome {
                Outcome::Created => counts.created += 1,
                Outcome::Changed => counts.updated += 1,
                Outcome::Unchanged if rows.get(*position).is_some_and(|row| changes(*row)) => {
                    counts.updated += 1;
                }
                Outcome::Unchanged => counts.unchanged += 1,
                Outcome::Failed(text) => {
                    // Results that the disk has damaged stand in one error for all items.
                    let damaged = results.len() == 1 && rows.len() > 1;
                    let about =
                        if damaged { rows } else { rows.get(*position..=*position).unwrap_or_default() };
                    faults.extend(about.iter().map(|row| (*row, text.clone())));
                }
            }
        }
        counts
    }
}

/// Sends a batch. Rows that are refused are taken out, and the rest is sent again: so is a half where the whole is
/// too large for the server.
///
/// # Errors
/// Where the server cannot be reached, or refuses what is no matter of a row.
pub async fn send(api: Arc<dyn Api>, way: Way, import: ImportId, batch: Arc<Batch>) -> Result<Sent> {
    let mut sent = Sent::default();
    let good = |place: &usize| batch.items[*place].fault().is_none();
    let mut queue: Vec<Vec<usize>> = vec![(0..batch.items.len()).filter(good).collect()];
    // Rows that are sent without what was refused of them.
    let mut mended = Mended::new();
    while let Some(rows) = queue.pop() {
        if rows.is_empty() {
            continue;
        }
        let body = body(&way, &batch, &rows, &mended);
        let key = (!way.dry_run).then(|| import.key(batch.number, &body));
        let submit = || api.submit(way.kind(), key.as_deref(), body.clone());
        match retry(api.as_ref(), way.patience, submit).await? {
            Ok(accepted) => {
                let notes = accepted.warnings.iter().filter_map(|warning| note(warning, &rows));
                sent.notes.extend(notes);
                match accepted.results {
                    Some(results) if way.dry_run => {
                        let changes = |row: usize| batch.items[row].sets_absent;
                        let counts = Counts::with(&results, &rows, &mut sent.faults, changes);
                        sent.counts = sent.counts.plus(counts);
                    }
                    _ => sent.requests.push((accepted.request, rows)),
                }
            }
            Err(Failure::TooLarge(_)) if rows.len() > 1 => {
                // The first half is the next.
                let (first, second) = rows.split_at(rows.len() / 2);
                queue.extend([second.to_vec(), first.to_vec()]);
            }
            Err(Failure::TooLarge(_)) => {
                sent.faults.push((rows[0], "the row is too large for one request".to_owned()))
            }
            Err(Failure::Invalid(wrong, text)) => {
                let leave_out = way.leave_out.then_some(&batch);
                queue.push(take_out(
                    (&wrong, text),
                    rows,
                    &mut sent,
                    leave_out.map(|batch| (&**batch, &mut mended)),
                )?);
            }
            Err(failure) => return Err(failure.into()),
        }
    }
    Ok(sent)
}

fn note(warning: &Wrong, rows: &[usize]) -> Option<(usize, Note)> {
    let what = What::Server(warning.code.clone(), warning.text.clone());
    Some((*rows.get(warning.position?)?, Note { column: None, what }))
}

/// Contacts in JSON, by the places of their rows.
type Mended = HashMap<usize, String>;

/// The rows that are not at fault. With `mend`, a value that is refused is left out of its row where that can be.
fn take_out(
    (details, text): (&[Wrong], String),
    rows: Vec<usize>,
    sent: &mut Sent,
    mut mend: Option<(&Batch, &mut Mended)>,
) -> Result<Vec<usize>> {
    let mut wrong: Vec<Vec<&Wrong>> = rows.iter().map(|_| Vec::new()).collect();
    for detail in details {
        if let Some(told) = detail.position.and_then(|position| wrong.get_mut(position)) {
            told.push(detail);
        }
    }
    let whole = details.iter().any(|detail| detail.position.is_none());
    if whole || wrong.iter().all(Vec::is_empty) {
        return Err(Error::Message(text));
    }
    let mut rest = Vec::new();
    for (row, told) in rows.into_iter().zip(wrong) {
        if told.is_empty() {
            rest.push(row);
            continue;
        }
        if let Some((batch, mended)) = &mut mend
            && let Some(contact) = mended.get(&row).map(String::as_str).or(batch.contact(row))
            && let Some(without) = without(contact, &told)
        {
            mended.insert(row, without);
            let why = |detail: &&Wrong| What::LeftOut(detail.text.clone());
            sent.notes.extend(told.iter().map(|detail| (row, Note { column: None, what: why(detail) })));
            rest.push(row);
            continue;
        }
        let texts: Vec<_> = told.iter().map(|detail| detail.text.as_str()).collect();
        sent.faults.push((row, texts.join("; ")));
    }
    Ok(rest)
}

/// A contact without the fields that are refused; `None` where one of them says whom it is about.
fn without(contact: &str, refused: &[&Wrong]) -> Option<String> {
    let mut contact: serde_json::Map<String, serde_json::Value> = serde_json::from_str(contact).ok()?;
    for detail in refused {
        let field = detail.field.as_deref()?;
        let (member, nested) =
            field.split_once('.').map_or((field, None), |(member, nested)| (member, Some(nested)));
        match (member, nested) {
            ("variables", Some(name)) => {
                let variables = contact.get_mut("variables")?.as_array_mut()?;
                let count = variables.len();
                variables.retain(|variable| variable["name"] != name);
                (variables.len() < count).then_some(())?;
            }
            _ => {
                let value = contact.shift_remove(member)?;
                // Otherwise it would be another contact, or none.
                (member != "contact" && contact.get("contact") != Some(&value)).then_some(())?;
            }
        }
    }
    serde_json::to_string(&contact).ok()
}

fn body(way: &Way, batch: &Batch, rows: &[usize], mended: &Mended) -> Bytes {
    // A text always has a form in JSON.
    let list = serde_json::to_string(&way.list).unwrap_or_default();
    let mut body = format!(r#"{{"contactListId":{list},"#);
    match way.mode {
        Mode::Create => {}
        Mode::Both => body.push_str(r#""upsert":true,"#),
        Mode::Update => body.push_str(r#""upsert":false,"#),
    }
    if let Some(by) = way.by.filter(|_| way.mode != Mode::Create) {
        body.push_str(&format!(r#""contactBy":"{}","#, by.name()));
    }
    if way.dry_run {
        body.push_str(r#""dryRun":true,"#);
    }
    // A new contact has not opted out.
    let adds = way.mode == Mode::Create;
    if !way.resubscribe && !adds {
        body.push_str(r#""optOut":"keep","#);
    }
    body.push_str(r#""contacts":["#);
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        let contact = batch.contact(*row).unwrap_or_default();
        let item = mended.get(row).map_or(contact, String::as_str);
        match item.strip_prefix('{').filter(|_| way.resubscribe && !adds) {
            Some(rest) => body.extend([r#"{"resubscribe":true,"#, rest]),
            None => body.push_str(item),
        }
    }
    body.push_str("]}");
    body.into()
}
