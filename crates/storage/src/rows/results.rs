//! The results of a request in words.

use std::collections::{HashMap, HashSet};

use super::{FormerRow, Rows};
use crate::{
    Counts, DeliveryEnd, DeliveryState, DeliveryStatus, Error, ItemResult, Place, Request, RequestState,
    RequestSummary, TakenBy, UndoneFields,
};
use domain::apply::outcome::{self, Action, Failure, Outcome, Taken, Undone};
use domain::clock::Timestamp;
use domain::contact::document::Document;
use domain::contact::field::Key;
use domain::contact::identifier::{IdentifierKind, Identifiers};
use domain::contact::record::{Malformed, Reader};
use domain::id::ObjectId;
use domain::journal::{BatchKind, ContactNo};

/// A kind of a later version cannot be here: the schema would be of that version too, and refused.
pub fn kind(code: i64) -> BatchKind {
    BatchKind::from_code(code).unwrap_or(BatchKind::Update)
}

/// The row of a request that waits.
pub struct WaitingRow {
    /// Its id.
    pub id: ObjectId,
    /// The list's public id.
    pub list_id: ObjectId,
    /// What it asks for.
    pub kind: BatchKind,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Where its status goes.
    pub webhook: Option<String>,
    /// Whether it is being applied.
    pub state: RequestState,
    /// See [`RequestSummary::token`].
    pub token: String,
}

impl WaitingRow {
    fn delivery(&self) -> Option<DeliveryStatus> {
        let state = DeliveryState::Pending;
        self.webhook.as_ref().map(|_| DeliveryStatus { state, attempts: 0, next_at: None, last: None })
    }

    /// As a request.
    pub fn into_request(self) -> Request {
        Request {
            id: self.id,
            list: self.list_id,
            kind: self.kind,
            state: self.state,
            delivery: self.delivery(),
            webhook: self.webhook,
            created_at: self.accepted_at,
            updated_at: self.accepted_at,
            results: Vec::new(),
        }
    }

    /// In short.
    pub fn into_summary(self) -> RequestSummary {
        RequestSummary {
            id: self.id,
            list: self.list_id,
            kind: self.kind,
            state: self.state,
            delivery: self.delivery(),
            webhook: self.webhook,
            created_at: self.accepted_at,
            updated_at: self.accepted_at,
            counts: None,
            token: self.token,
        }
    }
}

/// The row of a request that is applied.
pub struct ProcessedRow {
    /// Its id.
    pub id: ObjectId,
    /// Where it stood in the journal.
    pub place: Place,
    /// The list's public id.
    pub list_id: ObjectId,
    /// What it asked for.
    pub kind: BatchKind,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it was applied.
    pub processed_at: Timestamp,
    /// See [`outcome`].
    pub results: Vec<u8>,
    /// Where its status goes.
    pub webhook: Option<String>,
    /// How that fares.
    pub delivery: Option<DeliveryStatus>,
    /// See [`RequestSummary::token`].
    pub token: String,
}

/// How the webhook of a request that is applied fares, as its row has it.
pub struct DeliveryRow {
    /// See [`DeliveryState::code`].
    pub state: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is due, where it is pending.
    pub next_at: i64,
    /// See [`DeliveryEnd::code`].
    pub last_end: Option<i64>,
    /// When that was.
    pub last_at: Option<i64>,
}

impl DeliveryRow {
    /// In words.
    pub fn into_status(self) -> DeliveryStatus {
        let Self { state, attempts, next_at, last_end, last_at } = self;
        let state = DeliveryState::from_code(state);
        DeliveryStatus {
            state,
            attempts,
            next_at: (state == DeliveryState::Pending).then_some(Timestamp::from_millis(next_at)),
            last: last_at.map(Timestamp::from_millis).zip(last_end.map(DeliveryEnd::from_code)),
        }
    }
}

impl ProcessedRow {
    /// With the result of each item. Without `identifiers` no contact is read, and those of a result are left out.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn into_request(self, rows: &impl Rows, identifiers: bool) -> Result<Request, Error> {
        let results = results(rows, &self, identifiers)?;
        Ok(Request {
            id: self.id,
            list: self.list_id,
            kind: self.kind,
            state: RequestState::Processed,
            webhook: self.webhook,
            created_at: self.accepted_at,
            updated_at: self.processed_at,
            results,
            delivery: self.delivery,
        })
    }

    /// In short.
    pub fn into_summary(self) -> RequestSummary {
        RequestSummary {
            id: self.id,
            list: self.list_id,
            kind: self.kind,
            state: RequestState::Processed,
            counts: Some(counts(&self.results)),
            webhook: self.webhook,
            created_at: self.accepted_at,
            updated_at: self.processed_at,
            delivery: self.delivery,
            token: self.token,
        }
    }
}

/// Results that the disk has damaged count as the one error that stands in their place.
fn counts(results: &[u8]) -> Counts {
    let Ok(outcomes) = outcome::read(results) else { return Counts { success: 0, errors: 1 } };
    let success = outcomes.iter().filter(|outcome| !matches!(outcome, Outcome::Failed(..))).count();
    Counts { success, errors: outcomes.len() - success }
}

fn results(rows: &impl Rows, row: &ProcessedRow, identifiers: bool) -> Result<Vec<ItemResult>, Error> {
    // One damaged row must not hide the other requests, nor hold up webhooks: it is told as what it is.
    let Ok(outcomes) = outcome::read(&row.results) else {
        tracing::error!(place = ?row.place, "store: results of a request damaged on disk");
        return Ok(vec![ItemResult::failed(Failure::Damaged)]);
    };
    let names = match outcomes.iter().any(|outcome| matches!(outcome, Outcome::Undone(..))) {
        true => rows.variable_names(row.place.list)?,
        false => HashMap::new(),
    };
    let bearers = if identifiers {
        Holders::load(rows, row.place, &outcomes)?
    } else {
        Holders { position: row.place.position, heads: HashMap::new(), former: Vec::new() }
    };
    let mut results = Vec::with_capacity(outcomes.len());
    for (index, outcome) in (0..).zip(outcomes) {
        let done = |action, number: ContactNo, undone, notes| ItemResult::Done {
            action,
            id: Some(ObjectId::of_contact(row.list_id, number.0)),
            identifiers: bearers.identifiers_after(number, index, action),
            undone,
            notes,
        };
        results.push(match outcome {
            Outcome::Done(action, number, notes) => done(action, number, None, notes),
            Outcome::Undone(action, number, undone) => {
                done(action, number, Some(named(&undone, &names)), Vec::new())
            }
            Outcome::Erased(id) => ItemResult::Done {
                action: Action::Erased,
                id: Some(id),
                identifiers: Identifiers::default(),
                undone: None,
                notes: Vec::new(),
            },
            Outcome::Failed(failure, asked, taken) => ItemResult::Failed {
                failure,
                asked: asked.map(|text| text.map(str::to_owned)),
                taken: taken.map(|Taken { kind, holder }| TakenBy {
                    kind,
                    id: Some(ObjectId::of_contact(row.list_id, holder.0)),
                }),
            },
        });
    }
    Ok(results)
}

/// The fields of an undone request by their names.
pub(super) fn named(undone: &Undone, variables: &HashMap<u32, String>) -> UndoneFields {
    let name = |key: Key| key.name(|number| variables.get(&number).map(String::as_str));
    UndoneFields {
        restored: undone.restored.iter().map(|key| name(*key)).collect(),
        kept: undone.kept.iter().map(|(key, failure)| (name(*key), *failure)).collect(),
    }
}

/// The contacts of a request, with what they were called before.
struct Holders {
    position: u64,
    heads: HashMap<ContactNo, Vec<u8>>,
    former: Vec<FormerRow>,
}

impl Holders {
    fn load(rows: &impl Rows, place: Place, outcomes: &[Outcome<'_>]) -> Result<Self, Error> {
        let numbers: HashSet<_> = outcomes
            .iter()
            .filter_map(|outcome| match outcome {
                Outcome::Done(_, number, _) | Outcome::Undone(_, number, _) => Some(*number),
                Outcome::Failed(..) | Outcome::Erased(_) => None,
            })
            .collect();
        let mut numbers: Vec<_> = numbers.into_iter().collect();
        numbers.sort_unstable();
        let heads = rows.heads(place.list, &numbers)?;
        numbers.retain(|number| {
            let document = heads.get(number).and_then(|bytes| Document::read(bytes).ok());
            document.is_none_or(|document| document.header.renamed_at >= place.position)
        });
        let former = match numbers.is_empty() {
            true => Vec::new(),
            false => rows.former_identifiers(place.list, &numbers, place.position)?,
        };
        Ok(Self { position: place.position, heads, former })
    }

    /// The identifiers that a contact had after an item: those that it has now, unless they were changed since.
    fn identifiers_after(&self, number: ContactNo, item: u32, action: Action) -> Identifiers<Option<String>> {
        // A removal shows what it took away, which stands at its own place.
        let from = (self.position, item + u32::from(action != Action::Removed));
        let first = self.former.partition_point(|row| (row.number, row.place) < (number, from));
        if let Some(former) = self.former.get(first).filter(|row| row.number == number) {
            return read_identifiers(&former.identifiers).unwrap_or_default();
        }
        // A contact that was damaged on disk bears nothing any more, as one that was erased.
        let document = self.heads.get(&number).and_then(|bytes| Document::read(bytes).ok());
        let borne = document.and_then(|document| document.identifiers().ok());
        borne.unwrap_or_default().map(|text| text.map(str::to_owned))
    }
}

/// What [`domain::apply::unit_of_work::put_identifiers`] wrote.
///
/// # Errors
/// [`Malformed`] where it does not read.
pub fn read_identifiers(bytes: &[u8]) -> Result<Identifiers<Option<String>>, Malformed> {
    let mut reader = Reader::new(bytes);
    let mut identifiers = Identifiers::default();
    for kind in IdentifierKind::ALL {
        *identifiers.get_mut(kind) = Some(reader.text()?).filter(|text| !text.is_empty());
    }
    Ok(identifiers.map(|text: Option<&str>| text.map(str::to_owned)))
}
