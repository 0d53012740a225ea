//! `/v3/webhook/deliveries` and `/v3/webhook/health`

use schemars::JsonSchema;
use serde::Serialize;

use super::{AttemptObject, GROUP, attempt_object, filled};
use crate::call::{Answer, Call, Outcome};
use crate::method::{Body, Example, Method};
use crate::page::{self, LIMIT_KEY, OFFSET_KEY, Paged};
use app::{Refusal, webhooks};
use domain::id::ObjectId;
use domain::json::{Keys, Raw, Value, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use storage::{AttemptFilter, EndpointHealth, WebhookNo};

/// `POST /v3/webhook/deliveries`
pub static DELIVERIES: Method = Method {
    operation: &webhooks::DELIVERIES,
    group: &GROUP,
    summary: "Attempts to send webhooks",
    text: "The newest first. An erasure deletes the `response` of all earlier attempts of the account, because a \
           receiver may have answered with personal data.",
    body: Body { params: &[&NARROWED_BY], optional: true },
    examples: &[Example {
        summary: "Attempts that failed",
        body: r#"{"failed":true}"#,
        answer: r#"{"result":true,"data":[],"totalCount":0,"offset":0,"limit":20}"#,
    }],
    handler: &deliveries,
};

const NARROWED_BY: [FieldSpec; 5] = [
    FieldSpec::optional("failed", ValueType::Flag, "Only attempts that failed, or only those that did not."),
    FieldSpec::optional(
        "webhookId",
        ValueType::Within(1, i64::MAX),
        "Only attempts of this account webhook.",
    ),
    FieldSpec::optional(
        "requestId",
        ValueType::filled(usize::MAX),
        "Only the status webhook of this request.",
    ),
    OFFSET_KEY,
    LIMIT_KEY,
];

async fn deliveries(call: Call) -> Outcome<Paged<AttemptObject>> {
    let body = read_body(&call.body, &Keys::of(&NARROWED_BY)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let failed = body.get(0).and_then(|raw| {
        let flag = matches!(raw.value(), Value::Bool(_)).then(|| raw.text() == "true");
        if flag.is_none() {
            problems.push(problem::top_flag("failed"));
        }
        flag
    });
    let webhook = read_webhook_no(body.get(1), "webhookId").map_err(|problem| problems.push(problem)).ok();
    let request = body.get(2).map(|raw| filled(raw).ok_or_else(problem::request_id)).transpose();
    let request = request.map_err(|problem| problems.push(problem)).ok().flatten();
    let window = page::read_window(body.get(3), body.get(4), &mut problems);
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    // No attempt has an id that is none.
    let request = request.map(|text| ObjectId::parse(&text).unwrap_or(ObjectId::from_bytes([0; 12])));
    let filter = AttemptFilter { failed, webhook: webhook.flatten(), request, ..AttemptFilter::default() };
    let page = call.app.queries.deliveries(&call.caller, filter, window).await?;
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new(Paged::of(page, window, attempt_object)).warn(warnings))
}

/// Reads the number of an account webhook.
pub fn read_webhook_no(raw: Option<Raw<'_>>, key: &'static str) -> Result<Option<WebhookNo>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    let number = match raw.value() {
        Value::Number(text) => domain::contact::number::integer(text),
        _ => None,
    };
    let text = format!("Argument {key} must be a positive integer");
    let number = number.filter(|number| *number > 0).map(|number| Some(WebhookNo(number)));
    number.ok_or_else(|| Problem::new("INVALID_WEBHOOK_ID", text).of(key))
}

/// `POST /v3/webhook/health`
pub static HEALTH: Method = Method {
    operation: &webhooks::HEALTH,
    group: &GROUP,
    summary: "How the receivers of webhooks fare",
    text: "Counts the attempts in the delivery log by receiver. Those with the newest attempts come first, at most \
           200.",
    body: Body { params: &[], optional: true },
    examples: &[Example {
        summary: "A receiver of status webhooks",
        body: "{}",
        answer: r#"{"result":true,"data":[{"webhookId":null,"receiver":"https://hooks.example.com:443","attempts":1,
            "failed":0,"lastAt":"2026-10-14 09:30:01","lastFailure":null}]}"#,
    }],
    handler: &health,
};

/// What webhook/health answers.
#[derive(Debug, Serialize, JsonSchema)]
struct Health {
    /// The receivers.
    data: Vec<HealthObject>,
}

/// How a receiver of webhooks fares.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct HealthObject {
    /// The account webhook; null for status webhooks.
    webhook_id: Option<i64>,
    /// The receiver: scheme, host and port.
    receiver: String,
    /// The attempts in the delivery log.
    attempts: u64,
    /// Those of them that failed.
    failed: u64,
    /// When the last attempt ended: `YYYY-MM-DD hh:mm:ss`, UTC.
    last_at: String,
    /// The last attempt that failed; null if none did.
    last_failure: Option<FailureObject>,
}

/// The last failure of a receiver of webhooks.
#[derive(Debug, Serialize, JsonSchema)]
struct FailureObject {
    /// When it ended: `YYYY-MM-DD hh:mm:ss`, UTC.
    at: String,
    /// Why it failed, as a code: `HTTP_` and the status, or a word such as `TLS_EXPIRED`.
    reason: String,
}

async fn health(call: Call) -> Outcome<Health> {
    let body = read_body(&call.body, &Keys::of(&[])).ok_or_else(problem::bad_request)?;
    let health = call.app.queries.endpoint_health(&call.caller).await?;
    let data = health.into_iter().map(health_object).collect();
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new(Health { data }).warn(warnings))
}

fn health_object(health: EndpointHealth) -> HealthObject {
    HealthObject {
        webhook_id: health.webhook.map(|webhook| webhook.0),
        receiver: health.receiver,
        attempts: health.attempts,
        failed: health.failed,
        last_at: health.last_at.to_string(),
        last_failure: health
            .last_failure
            .map(|(at, end)| FailureObject { at: at.to_string(), reason: end.to_string() }),
    }
}
