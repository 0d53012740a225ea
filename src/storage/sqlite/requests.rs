//! What became of requests: first the journal is asked, then the results.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use rusqlite::{Connection, OptionalExtension, params};

use super::contacts::{contact_id, head};
use super::{Pair, Shared, catalogue, error, signed, unsigned};
use crate::apply::outcome::{self, Action, Failure, Outcome, Undone};
use crate::clock::Timestamp;
use crate::contact::document::Document;
use crate::contact::field::Key;
use crate::contact::identifier::{IdentifierKind, Identifiers};
use crate::contact::record::{Malformed, Reader};
use crate::id::ObjectId;
use crate::journal::{AccountNo, BatchKind, ContactNo, ListNo};
use crate::storage::{
    DeliveryState, DeliveryStatus, Error, ItemResult, Request, RequestState, Undoable, UndoneFields,
};

/// The account's requests with these ids.
pub fn find(
    pair: &mut Pair,
    shared: &Shared,
    account: AccountNo,
    ids: &[ObjectId],
) -> Result<Vec<Request>, Error> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        // The journal first: a row leaves it only after the results are committed, so a request that is in
        // neither was never accepted.
        let waiting = find_waiting(&pair.intake, shared, account, *id)?;
        found.extend(find_processed(pair, account, *id)?.or(waiting));
    }
    Ok(found)
}

fn find_waiting(
    intake: &Connection,
    shared: &Shared,
    account: AccountNo,
    id: ObjectId,
) -> Result<Option<Request>, Error> {
    let read = |row: &rusqlite::Row<'_>| {
        let position = unsigned(row.get(0)?);
        let applying = shared.applying.load(Ordering::Acquire);
        let accepted_at = Timestamp::from_millis(row.get(2)?);
        let webhook: Option<String> = row.get(3)?;
        Ok(Request {
            id,
            list: ObjectId::from_bytes(row.get(4)?),
            kind: kind(row.get(1)?),
            state: if position <= applying { RequestState::Processing } else { RequestState::Queued },
            delivery: webhook
                .is_some()
                .then_some(DeliveryStatus { state: DeliveryState::Pending, attempts: 0 }),
            webhook,
            created_at: accepted_at,
            updated_at: accepted_at,
            results: Vec::new(),
        })
    };
    intake
        .prepare_cached(
            "SELECT position, kind, accepted_at, webhook, list_id FROM batch WHERE request = ?1 AND account = ?2",
        )
        .and_then(|mut select| select.query_row(params![id.to_bytes(), account.0], read).optional())
        .map_err(error)
}

/// What must be known of a request to undo it: of one that waits, or was applied.
pub fn find_undoable(pair: &Pair, account: AccountNo, id: ObjectId) -> Result<Option<Undoable>, Error> {
    // In the order in which it wanders: what is in none of them was never accepted, or is long gone.
    let places = [
        (&pair.intake, "batch WHERE request", true),
        (&pair.store, "history WHERE request", true),
        (&pair.store, "request WHERE id", false),
    ];
    for (connection, place, has_history) in places {
        let select = format!("SELECT kind, list, list_id FROM {place} = ?1 AND account = ?2");
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Undoable {
                kind: kind(row.get(0)?),
                list: ListNo(row.get(1)?),
                list_id: ObjectId::from_bytes(row.get(2)?),
                has_history,
            })
        };
        let found = connection
            .prepare_cached(&select)
            .and_then(|mut select| select.query_row(params![id.to_bytes(), account.0], read).optional())
            .map_err(error)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// What a request's row holds.
struct Row {
    position: u64,
    list: ListNo,
    list_id: ObjectId,
    kind: BatchKind,
    accepted_at: Timestamp,
    processed_at: Timestamp,
    results: Vec<u8>,
    webhook: Option<String>,
    delivery: Option<DeliveryStatus>,
}

fn find_processed(pair: &mut Pair, account: AccountNo, id: ObjectId) -> Result<Option<Request>, Error> {
    // One transaction: results and contacts are read as of one moment.
    let store = pair.store.transaction().map_err(error)?;
    let row = store
        .prepare_cached(
            "SELECT r.position, r.list, r.list_id, r.kind, r.accepted_at, r.processed_at, r.results, \
             r.webhook, d.state, d.attempts FROM request r LEFT JOIN delivery d USING (position) \
             WHERE r.id = ?1 AND r.account = ?2",
        )
        .and_then(|mut select| select.query_row(params![id.to_bytes(), account.0], read_row).optional())
        .map_err(error)?;
    let Some(row) = row else { return Ok(None) };
    let results = read_results(&store, &pair.intake, &row)?;
    Ok(Some(Request {
        id,
        list: row.list_id,
        kind: row.kind,
        state: RequestState::Processed,
        webhook: row.webhook,
        created_at: row.accepted_at,
        updated_at: row.processed_at,
        results,
        delivery: row.delivery,
    }))
}

fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let state: Option<i64> = row.get(8)?;
    let attempts: Option<u32> = row.get(9)?;
    Ok(Row {
        position: unsigned(row.get(0)?),
        list: ListNo(row.get(1)?),
        list_id: ObjectId::from_bytes(row.get(2)?),
        kind: kind(row.get(3)?),
        accepted_at: Timestamp::from_millis(row.get(4)?),
        processed_at: Timestamp::from_millis(row.get(5)?),
        results: row.get(6)?,
        webhook: row.get(7)?,
        delivery: state
            .zip(attempts)
            .map(|(state, attempts)| DeliveryStatus { state: super::deliveries::state(state), attempts }),
    })
}

/// A kind of a later version cannot be here: the schema would be of that version too, and refused.
pub fn kind(code: i64) -> BatchKind {
    BatchKind::from_code(code).unwrap_or(BatchKind::Update)
}

fn read_results(store: &Connection, intake: &Connection, row: &Row) -> Result<Vec<ItemResult>, Error> {
    // One damaged row must not hide the other requests, nor hold up webhooks: it is told as what it is.
    let Ok(outcomes) = outcome::read(&row.results) else {
        tracing::error!(position = row.position, "the results of a request were damaged on disk");
        return Ok(vec![ItemResult::Failed { failure: Failure::Damaged, asked: Identifiers::default() }]);
    };
    let names = match outcomes.iter().any(|outcome| matches!(outcome, Outcome::Undone(..))) {
        true => catalogue::variables::names(intake, row.list)?,
        false => HashMap::new(),
    };
    let mut results = Vec::with_capacity(outcomes.len());
    for (index, outcome) in (0..).zip(outcomes) {
        let done = |action, number: ContactNo, undone| {
            Ok::<_, Error>(ItemResult::Done {
                action,
                id: Some(ObjectId::of_contact(row.list_id, number.0)),
                identifiers: identifiers_after(store, row, number, index, action)?,
                undone,
            })
        };
        results.push(match outcome {
            Outcome::Done(action, number) => done(action, number, None)?,
            Outcome::Undone(action, number, undone) => done(action, number, Some(named(&undone, &names)))?,
            Outcome::Erased(id) => ItemResult::Done {
                action: Action::Erased,
                id: Some(id),
                identifiers: Identifiers::default(),
                undone: None,
            },
            Outcome::Failed(failure, asked) => {
                ItemResult::Failed { failure, asked: asked.map(|text| text.map(str::to_owned)) }
            }
        });
    }
    Ok(results)
}

/// The fields of an undone request by their names.
fn named(undone: &Undone, variables: &HashMap<u32, String>) -> UndoneFields {
    let name = |key: Key| key.name(|number| variables.get(&number).map(String::as_str));
    UndoneFields {
        restored: undone.restored.iter().map(|key| name(*key)).collect(),
        kept: undone.kept.iter().map(|(key, failure)| (name(*key), *failure)).collect(),
    }
}

/// The identifiers that a contact had after an item: those that it has now, unless they were changed since.
fn identifiers_after(
    store: &Connection,
    row: &Row,
    number: ContactNo,
    item: u32,
    action: Action,
) -> Result<Identifiers<Option<String>>, Error> {
    // A removal shows what it took away, which stands at its own place.
    let from = item + u32::from(action != Action::Removed);
    let id = contact_id(row.list, number.0);
    let document = head(store, id)?;
    // A contact that was damaged on disk bears nothing any more, as one that was erased.
    let document = document.as_deref().and_then(|bytes| Document::read(bytes).ok());
    if document.is_none_or(|document| document.header.renamed_at >= row.position) {
        let former: Option<Vec<u8>> = store
            .prepare_cached(
                "SELECT identifiers FROM former_identifiers WHERE contact = ?1 \
                 AND (position, item) >= (?2, ?3) ORDER BY position, item LIMIT 1",
            )
            .and_then(|mut select| {
                select.query_row(params![id, signed(row.position), from], |row| row.get(0)).optional()
            })
            .map_err(error)?;
        if let Some(former) = former {
            return Ok(read_identifiers(&former).unwrap_or_default());
        }
    }
    let borne = document.and_then(|document| document.identifiers().ok());
    Ok(borne.unwrap_or_default().map(|text| text.map(str::to_owned)))
}

/// What [`crate::apply::world::put_identifiers`] wrote.
fn read_identifiers(bytes: &[u8]) -> Result<Identifiers<Option<String>>, Malformed> {
    let mut reader = Reader::new(bytes);
    let mut identifiers = Identifiers::default();
    for kind in IdentifierKind::ALL {
        *identifiers.get_mut(kind) = Some(reader.text()?).filter(|text| !text.is_empty());
    }
    Ok(identifiers.map(|text: Option<&str>| text.map(str::to_owned)))
}
