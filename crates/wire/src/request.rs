//! The request object: what request/find returns and the status webhook carries (contract, section 5).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use domain::apply::outcome::{Action, Failure, Note, NoteCode};
use domain::clock::Timestamp;
use domain::contact::identifier::Identifiers;
use domain::id::ObjectId;
use domain::journal::BatchKind;
use storage::{
    Counts, DeliveryEnd, DeliveryState, DeliveryStatus, ItemResult, Request, RequestState, RequestSummary,
    TakenBy, UndoneFields,
};

/// A request and what became of it, as the webhook carries it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report<'a> {
    /// The request's id, the `requestId` of its 200.
    id: ObjectId,
    /// The method that was called.
    #[schemars(schema_with = "sources")]
    source: &'static str,
    /// How far it has come.
    #[schemars(schema_with = "states")]
    status: &'static str,
    /// Where its status goes.
    web_hook_uri: Option<&'a str>,
    /// When it was accepted.
    created_at: Timestamp,
    /// The time of processing; until then the time of acceptance.
    updated_at: Timestamp,
    /// The result of each contact, in the order of the request; empty until it is processed.
    results: Results,
}

/// The same as request/find returns it: with how its webhook fares.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Request")]
pub struct RequestObject<'a> {
    #[serde(flatten)]
    report: Report<'a>,
    /// How its webhook fares.
    web_hook: WebHook,
}

/// The results of a request's items.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Results {
    /// The items that were applied.
    success: Vec<Success>,
    /// The items that were not.
    errors: Vec<Failed>,
}

/// An item that was applied.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ItemDone")]
struct Success {
    /// Its place in the request, from 0.
    position: usize,
    /// The action on its contact.
    #[schemars(schema_with = "actions")]
    action: &'static str,
    /// The contact's id; null where a dry run would make it.
    id: Option<ObjectId>,
    /// The contact's address after the item, or that with which it was removed.
    email: Option<String>,
    /// The contact's phone number after the item, or that with which it was removed.
    phone: Option<String>,
    /// The contact's userId after the item, or that with which it was removed.
    user_id: Option<String>,
    /// Where a request was undone: the fields that were put back.
    #[serde(skip_serializing_if = "Option::is_none")]
    restored: Option<Vec<String>>,
    /// Where a request was undone: the fields that were not put back.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<Vec<Kept>>,
    /// Notes about flags that were set to false before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<NoteObject>,
}

/// A note about a flag that was set to false before.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ItemNote")]
struct NoteObject {
    /// `OPTED_OUT`: it stays false. `RESUBSCRIBED`: it is true now.
    #[schemars(schema_with = "note_codes")]
    code: &'static str,
    /// The flag.
    field: &'static str,
    /// The code in words.
    human_note: &'static str,
}

/// A field that was not put back.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Kept {
    /// Its name; that of a variable stands behind `variables.`.
    field: String,
    /// Why.
    #[schemars(schema_with = "failures")]
    error: &'static str,
    /// Why, in words.
    human_error: &'static str,
}

/// An item that was not applied.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ItemFailed")]
struct Failed {
    /// Its place in the request, from 0.
    position: usize,
    /// Why.
    #[schemars(schema_with = "failures")]
    error: &'static str,
    /// The identifiers of the item.
    contact: Asked,
    /// Why, in words.
    human_error: Cow<'static, str>,
    /// Where another contact has an identifier that the item asked for: which one, and that contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    taken: Option<Taken>,
}

/// An identifier that another contact has.
#[derive(Debug, Serialize, JsonSchema)]
struct Taken {
    /// `userId`, `email` or `phoneNumber`.
    field: &'static str,
    /// The id of the contact that has it; null where an item before this one of a dry run would make that contact.
    id: Option<ObjectId>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ItemAsked")]
struct Asked {
    /// Always null.
    id: Option<ObjectId>,
    /// The address that the item named.
    email: Option<String>,
    /// The phone number that the item named.
    phone: Option<String>,
    /// The userId that the item named.
    user_id: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct WebHook {
    /// `none` where the request names no receiver.
    #[schemars(schema_with = "deliveries")]
    status: &'static str,
    /// How often it was sent.
    attempts: u32,
    /// Why the last attempt failed, as a code: `HTTP_` and the status, or a word such as `TLS_EXPIRED`. Absent where it
    /// did not fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Results {
    /// In words.
    pub fn of(results: impl IntoIterator<Item = ItemResult>) -> Self {
        let mut told = Self::default();
        for (position, result) in results.into_iter().enumerate() {
            match result {
                ItemResult::Done { action, id, identifiers, undone, notes } => {
                    let Identifiers { user_id, email, phone_number: phone } = identifiers;
                    let (restored, kept) = undone.map(told_fields).unzip();
                    let action = action.name();
                    told.success.push(Success {
                        position,
                        action,
                        id,
                        email,
                        phone,
                        user_id,
                        restored,
                        kept,
                        notes: notes.into_iter().map(NoteObject::of).collect(),
                    });
                }
                ItemResult::Failed { failure, asked, taken } => {
                    let Identifiers { user_id, email, phone_number: phone } = asked;
                    let contact = Asked { id: None, email, phone, user_id };
                    let (error, human_error) = (failure.code(), TakenBy::text(failure, taken.as_ref()));
                    let taken = taken.map(|taken| Taken { field: taken.kind.field().name(), id: taken.id });
                    told.errors.push(Failed { position, error, contact, human_error, taken });
                }
            }
        }
        told
    }
}

impl NoteObject {
    const fn of(note: Note) -> Self {
        Self { code: note.code.code(), field: note.field.name(), human_note: note.code.text() }
    }
}

fn told_fields(UndoneFields { restored, kept }: UndoneFields) -> (Vec<String>, Vec<Kept>) {
    let kept = kept.into_iter().map(|(field, failure)| Kept {
        field,
        error: failure.code(),
        human_error: failure.text(),
    });
    (restored, kept.collect())
}

/// The object as the webhook carries it.
pub fn webhook_object(request: &Request) -> Report<'_> {
    Report {
        id: request.id,
        source: request.kind.source(),
        status: state_name(request.state),
        web_hook_uri: request.webhook.as_deref(),
        created_at: request.created_at,
        updated_at: request.updated_at,
        results: Results::of(request.results.iter().cloned()),
    }
}

/// A request as request/list returns it: counts stand in the place of the results.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RequestSummary")]
pub struct SummaryObject {
    /// The request's id, the `requestId` of its 200.
    id: ObjectId,
    /// The method that was called.
    #[schemars(schema_with = "sources")]
    source: &'static str,
    /// How far it has come.
    #[schemars(schema_with = "states")]
    status: &'static str,
    /// Where its status goes.
    web_hook_uri: Option<String>,
    /// When it was accepted.
    created_at: Timestamp,
    /// The time of processing; until then the time of acceptance.
    updated_at: Timestamp,
    /// How many of its items came to what; null until it is processed.
    counts: Option<CountsObject>,
    /// How its webhook fares.
    web_hook: WebHook,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Counts")]
struct CountsObject {
    /// The items that were applied.
    success: usize,
    /// The items that were not.
    errors: usize,
}

/// The object as request/list returns it.
pub fn summary_object(request: RequestSummary) -> SummaryObject {
    SummaryObject {
        id: request.id,
        source: request.kind.source(),
        status: state_name(request.state),
        web_hook_uri: request.webhook,
        created_at: request.created_at,
        updated_at: request.updated_at,
        counts: request.counts.map(|Counts { success, errors }| CountsObject { success, errors }),
        web_hook: web_hook(request.delivery),
    }
}

/// The object as request/find returns it.
pub fn request_object(request: &Request) -> RequestObject<'_> {
    RequestObject { report: webhook_object(request), web_hook: web_hook(request.delivery) }
}

fn web_hook(delivery: Option<DeliveryStatus>) -> WebHook {
    match delivery {
        None => WebHook { status: NO_DELIVERY, attempts: 0, reason: None },
        Some(DeliveryStatus { state, attempts, last, .. }) => {
            let failed = last.map(|(_, end)| end).filter(|end| *end != DeliveryEnd::Delivered);
            WebHook { status: delivery_name(state), attempts, reason: failed.map(|end| end.to_string()) }
        }
    }
}

/// The word for a state.
pub const fn state_name(state: RequestState) -> &'static str {
    match state {
        RequestState::Queued => "queued",
        RequestState::Processing => "processing",
        RequestState::Processed => "processed",
    }
}

const NO_DELIVERY: &str = "none";

const fn delivery_name(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending => "pending",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Failed => "failed",
    }
}

/// One of these words.
fn words(words: &[&str]) -> Schema {
    json_schema!({ "type": "string", "enum": words })
}

/// The schema of `source`.
pub fn sources(_: &mut SchemaGenerator) -> Schema {
    let mut sources = Vec::new();
    for source in BatchKind::ALL.map(BatchKind::source) {
        // Kinds of one method do not all stand together.
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    words(&sources)
}

fn states(_: &mut SchemaGenerator) -> Schema {
    words(&[RequestState::Queued, RequestState::Processing, RequestState::Processed].map(state_name))
}

fn actions(_: &mut SchemaGenerator) -> Schema {
    words(&Action::ALL.map(Action::name))
}

fn failures(_: &mut SchemaGenerator) -> Schema {
    words(&Failure::ALL.map(Failure::code))
}

fn note_codes(_: &mut SchemaGenerator) -> Schema {
    words(&NoteCode::ALL.map(NoteCode::code))
}

fn deliveries(_: &mut SchemaGenerator) -> Schema {
    let states = [DeliveryState::Pending, DeliveryState::Delivered, DeliveryState::Failed];
    let mut names = vec![NO_DELIVERY];
    names.extend(states.map(delivery_name));
    words(&names)
}
