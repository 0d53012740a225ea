//! `/v3/webhook/resend`, `/v3/webhook/resend-failed` and `/v3/webhook/test`

use schemars::JsonSchema;
use serde::Serialize;

use super::config::read_id;
use super::{AttemptObject, GROUP, attempt_object, filled};
use crate::call::{Answer, Call, Nothing, Outcome};
use crate::method::{Body, Example, Method};
use app::webhooks::{self, TestTarget, WebhookUrl};
use domain::argument::{TIME, read_time};
use domain::id::ObjectId;
use domain::json::{Keys, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};

/// `POST /v3/webhook/resend`
pub static RESEND: Method = Method {
    operation: &webhooks::RESEND,
    group: &GROUP,
    summary: "Send the status webhook of a request again",
    text: "The webhook is due at once, with all its attempts, in whatever state it is. If an attempt is running, the \
           webhook is sent again after it.",
    body: Body { params: &[&RESENT], optional: false },
    examples: &[Example {
        summary: "A status webhook is sent again",
        body: r#"{"requestId":"5d915c22d132d5f45a4e38b8"}"#,
        answer: r#"{"result":true}"#,
    }],
    handler: &resend,
};

const RESENT: [FieldSpec; 1] =
    [FieldSpec::required("requestId", ValueType::filled(usize::MAX), "The id of the request.")];

async fn resend(call: Call) -> Outcome<Nothing> {
    let body = read_body(&call.body, &Keys::of(&RESENT)).ok_or_else(problem::bad_request)?;
    let text = body.get(0).ok_or_else(|| problem::required("requestId"))?;
    let text = filled(text).ok_or_else(problem::request_id)?;
    let done = match ObjectId::parse(&text) {
        Some(id) => call.app.commands.resend_webhook(&call.caller, id).await?,
        None => false,
    };
    if !done {
        let text = format!("Request {text} has no webhook that can be sent again");
        return Err(Problem::new("NO_WEBHOOK", text).of("requestId").into());
    }
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new(Nothing {}).warn(warnings))
}

/// `POST /v3/webhook/resend-failed`
pub static RESEND_FAILED: Method = Method {
    operation: &webhooks::RESEND_FAILED,
    group: &GROUP,
    summary: "Send status webhooks again that were given up",
    text: "At most 10,000 with one call. If there may be more, `more` is true: call again.",
    body: Body { params: &[&SINCE], optional: false },
    examples: &[Example {
        summary: "After a receiver was away",
        body: r#"{"from":"2026-10-14 08:00:00"}"#,
        answer: r#"{"result":true,"resent":0,"more":false}"#,
    }],
    handler: &resend_failed,
};

const SINCE: [FieldSpec; 1] = [FieldSpec::required(
    "from",
    TIME,
    "Webhooks whose last attempt was at that time or later: `YYYY-MM-DD hh:mm:ss`, or `YYYY-MM-DD` for the beginning \
     of that day, UTC.",
)];

/// What webhook/resend-failed answers.
#[derive(Debug, Serialize, JsonSchema)]
struct Resent {
    /// The webhooks that are due again.
    resent: u32,
    /// Whether there may be more.
    more: bool,
}

async fn resend_failed(call: Call) -> Outcome<Resent> {
    let body = read_body(&call.body, &Keys::of(&SINCE)).ok_or_else(problem::bad_request)?;
    let since = read_time(body.get(0), "from")?.ok_or_else(|| problem::required("from"))?;
    let done = call.app.commands.resend_failed_webhooks(&call.caller, since).await?;
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new(Resent { resent: done.count, more: done.more }).warn(warnings))
}

/// `POST /v3/webhook/test`
pub static TEST: Method = Method {
    operation: &webhooks::TEST,
    group: &GROUP,
    summary: "Send a test event",
    text: "Sends a signed event `webhook.test` at once, to a URL or to the receiver of an account webhook, and answers \
           with the attempt. It is sent once, also while the webhook is paused, and stands in the delivery log.",
    body: Body { params: &[&TESTED], optional: false },
    examples: &[Example {
        summary: "A receiver is tried",
        body: r#"{"url":"https://hooks.example.com/status"}"#,
        answer: r#"{"result":true,"delivery":{"id":"5d915c28d132d5f45a4e38be","webhookId":null,"requestId":null,
            "url":"https://hooks.example.com/status","attempt":0,"events":1,"at":"2026-10-14 09:30:08",
            "durationMs":12,"delivered":true,"reason":null,"status":204,"response":""}}"#,
    }],
    handler: &test,
};

const TESTED: [FieldSpec; 2] = [
    FieldSpec::optional(
        "url",
        ValueType::filled(2_048),
        "The receiver: an absolute http or https URI. This or `id`.",
    ),
    FieldSpec::optional("id", ValueType::Within(1, i64::MAX), "The id of an account webhook. This or `url`."),
];

/// What webhook/test answers.
#[derive(Debug, Serialize, JsonSchema)]
struct Tested {
    /// The attempt.
    delivery: AttemptObject,
}

async fn test(call: Call) -> Outcome<Tested> {
    let body = read_body(&call.body, &Keys::of(&TESTED)).ok_or_else(problem::bad_request)?;
    let to = match (body.get(0), body.get(1)) {
        (None, None) => return Err(problem::required("url").into()),
        (Some(url), None) => TestTarget::Url(WebhookUrl::parse(url.as_text().as_deref())?),
        (None, id) => TestTarget::Webhook(read_id(id)?),
        (Some(_), Some(_)) => {
            let text = "Name url or id, not both";
            return Err(Problem::new("URL_AND_ID", text).of("id").into());
        }
    };
    let attempt = call.app.commands.test_webhook(&call.caller, to).await?;
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new(Tested { delivery: attempt_object(attempt) }).warn(warnings))
}
