//! The request object: what request/find returns and the status webhook carries (contract, section 5).

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::apply::outcome::{Action, Failure};
use crate::clock::Timestamp;
use crate::contact::identifier::Identifiers;
use crate::id::ObjectId;
use crate::journal::BatchKind;
use crate::storage::{
    Counts, DeliveryState, DeliveryStatus, ItemResult, Request, RequestState, RequestSummary,
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
    /// When it was processed; when it was accepted, where it is not yet.
    updated_at: Timestamp,
    /// What became of each contact, in the order of the request; empty until it is processed.
    results: Results<'a>,
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

#[derive(Debug, Default, Serialize, JsonSchema)]
struct Results<'a> {
    /// The items that were applied.
    success: Vec<Success<'a>>,
    /// The items that were not.
    errors: Vec<Failed<'a>>,
}

/// An item that was applied.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ItemDone")]
struct Success<'a> {
    /// Its place in the request, from 0.
    position: usize,
    /// What it did to its contact.
    #[schemars(schema_with = "actions")]
    action: &'static str,
    /// The contact's id.
    id: ObjectId,
    /// The contact's address after the item.
    email: Option<&'a str>,
    /// The contact's phone number after the item.
    phone: Option<&'a str>,
    /// The contact's userId after the item.
    user_id: Option<&'a str>,
}

/// An item that was not applied.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ItemFailed")]
struct Failed<'a> {
    /// Its place in the request, from 0.
    position: usize,
    /// Why.
    #[schemars(schema_with = "failures")]
    error: &'static str,
    /// What the item asked for.
    contact: Asked<'a>,
    /// Why, in words.
    human_error: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    /// Always null.
    id: (),
    /// The address that the item named.
    email: Option<&'a str>,
    /// The phone number that the item named.
    phone: Option<&'a str>,
    /// The userId that the item named.
    user_id: Option<&'a str>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct WebHook {
    /// `none` where the request names no receiver.
    #[schemars(schema_with = "deliveries")]
    status: &'static str,
    /// How often it was sent.
    attempts: u32,
}

/// The object as the webhook carries it.
pub fn webhook_object(request: &Request) -> Report<'_> {
    let mut results = Results::default();
    for (position, result) in request.results.iter().enumerate() {
        match result {
            ItemResult::Done { action, id, identifiers } => {
                let (email, phone, user_id) = borrowed(identifiers);
                let action = action.name();
                results.success.push(Success { position, action, id: *id, email, phone, user_id });
            }
            ItemResult::Failed { failure, asked } => {
                let (email, phone, user_id) = borrowed(asked);
                let contact = Asked { id: (), email, phone, user_id };
                let (error, human_error) = (failure.code(), failure.text());
                results.errors.push(Failed { position, error, contact, human_error });
            }
        }
    }
    Report {
        id: request.id,
        source: request.kind.source(),
        status: state_name(request.state),
        web_hook_uri: request.webhook.as_deref(),
        created_at: request.created_at,
        updated_at: request.updated_at,
        results,
    }
}

fn borrowed(of: &Identifiers<Option<String>>) -> (Option<&str>, Option<&str>, Option<&str>) {
    (of.email.as_deref(), of.phone_number.as_deref(), of.user_id.as_deref())
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
    /// When it was processed; when it was accepted, where it is not yet.
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
        None => WebHook { status: NO_DELIVERY, attempts: 0 },
        Some(DeliveryStatus { state, attempts }) => WebHook { status: delivery_name(state), attempts },
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

fn sources(_: &mut SchemaGenerator) -> Schema {
    let mut sources = [BatchKind::Update, BatchKind::Upsert].map(BatchKind::source).to_vec();
    sources.dedup();
    words(&sources)
}

fn states(_: &mut SchemaGenerator) -> Schema {
    words(&[RequestState::Queued, RequestState::Processing, RequestState::Processed].map(state_name))
}

fn actions(_: &mut SchemaGenerator) -> Schema {
    words(&[Action::Created, Action::Updated, Action::Unchanged].map(Action::name))
}

fn failures(_: &mut SchemaGenerator) -> Schema {
    words(&Failure::ALL.map(Failure::code))
}

fn deliveries(_: &mut SchemaGenerator) -> Schema {
    let states = [DeliveryState::Pending, DeliveryState::Delivered, DeliveryState::Failed];
    let mut names = vec![NO_DELIVERY];
    names.extend(states.map(delivery_name));
    words(&names)
}
