//! `/v3/webhook/create`, `/v3/webhook/list`, `/v3/webhook/remove` and `/v3/webhook/resume`

use schemars::JsonSchema;
use serde::Serialize;

use super::GROUP;
use crate::call::{Answer, Call, Nothing, Outcome};
use crate::method::{Body, Example, Method};
use app::account_webhooks::{self, EventNames, MAX_BATCH, MAX_EVENTS, MAX_TITLE, NewWebhook, Title};
use app::webhooks::WebhookUrl;
use app::{Refusal, Result};
use domain::argument::{read_flag, read_within};
use domain::clock::Timestamp;
use domain::contact::field::fits;
use domain::json::{Keys, Raw, Value, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use storage::{AccountWebhook, WebhookNo};

/// The longest domain, in Unicode scalar values.
const MAX_DOMAIN: usize = 253;

/// `POST /v3/webhook/create`
pub static CREATE: Method = Method {
    operation: &account_webhooks::CREATE,
    group: &GROUP,
    summary: "Make an account webhook",
    text: "The account's changes from now on are sent to it as events, signed as status webhooks are. Events are \
           `contact.created`, `contact.updated`, `contact.removed`, `contact.erased`, `contact.suppressed`, `segment.joined` and \
           `segment.left`, and the vendor's \
           `subscribed`, `unsubscribed`, `email-subscribed`, `email-unsubscribed`, `sms-subscribed`, \
           `sms-unsubscribed`, `viber-contact-channel-subscribed`, `viber-contact-channel-unsubscribed`, \
           `web-push-subscribed`, `web-push-unsubscribed` and `list-unsubscribe`. The vendor's events about messages are accepted and never \
           sent. An account has at most 20 webhooks.",
    body: Body { params: &[&NEW], optional: false },
    examples: &[Example {
        summary: "Every contact that is new or changed",
        body: r#"{"title":"Our CRM","url":"https://hooks.example.com/status",
            "events":["contact.created","contact.updated"]}"#,
        answer: r#"{"result":true,"config":{"id":1748293,"title":"Our CRM","url":"https://hooks.example.com/status",
            "domain":null,"events":["contact.created","contact.updated"],"parallel":false,"batch":1}}"#,
    }],
    handler: &create,
};

const NEW: [FieldSpec; 7] = [
    FieldSpec::required("title", ValueType::filled(MAX_TITLE), "Its title."),
    FieldSpec::required("url", ValueType::filled(2_048), "The receiver: an absolute http or https URI."),
    FieldSpec::required(
        "events",
        ValueType::Array { of: &ValueType::TEXT, min: 1, max: MAX_EVENTS },
        "The names of its events.",
    ),
    FieldSpec::optional("domainId", ValueType::Any, "Accepted and ignored: of the vendor's sending domains."),
    FieldSpec::optional("domain", ValueType::Any, "Accepted and echoed: of the vendor's sending domains."),
    FieldSpec::optional(
        "parallel",
        ValueType::Flag,
        "Whether up to 8 messages may be out at a time. False by default: the messages are sent one after the other, \
         in the order of the changes of each list.",
    ),
    FieldSpec::optional(
        "batch",
        ValueType::Within(1, MAX_BATCH as i64),
        "How many events a message holds at most; 1 by default. With more than 1, a message is an object with the array \
         `events`.",
    ),
];

/// What webhook/create answers.
#[derive(Debug, Serialize, JsonSchema)]
struct CreatedWebhook {
    /// The webhook.
    config: ConfigObject,
}

/// An account webhook as webhook/create answers it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookConfig")]
struct ConfigObject {
    /// Its id.
    id: i64,
    /// Its title.
    title: String,
    /// The receiver.
    url: String,
    /// The domain that was given, or null.
    domain: Option<String>,
    /// The names of its events.
    events: Vec<String>,
    /// Whether several messages may be out at a time.
    parallel: bool,
    /// How many events a message holds at most.
    batch: u32,
}

async fn create(call: Call) -> Outcome<CreatedWebhook> {
    let body = read_body(&call.body, &Keys::of(&NEW)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let mut or_note = |problem| problems.push(problem);
    let title = required(body.get(0), "title").and_then(|raw| Title::parse(raw.as_text().as_deref()));
    let title = title.map_err(&mut or_note).ok();
    let to = required(body.get(1), "url").and_then(|raw| WebhookUrl::parse(raw.as_text().as_deref()));
    let to = to.map_err(&mut or_note).ok();
    let events = required(body.get(2), "events").and_then(read_events).map_err(&mut or_note).ok();
    let parallel = read_flag("parallel", body.get(5), &mut problems);
    let batch = read_within(body.get(6), "batch", "INVALID_BATCH", 1..=MAX_BATCH, &mut problems).unwrap_or(1);
    let (Some(title), Some(to), Some(events), []) = (title, to, events, problems.as_slice()) else {
        return Err(Refusal::Invalid(problems));
    };
    let mut warnings: Vec<_> = body.unknown.iter().cloned().map(problem::unknown_field).collect();
    warnings.extend(events.never_sent().map(|name| {
        let text = format!("event {name} is accepted and never sent");
        Problem::new("EVENT_NEVER_SENT", text).of("events")
    }));
    let domain = body.get(4).or(body.get(3)).and_then(Raw::as_text).map(std::borrow::Cow::into_owned);
    // It is only echoed: one that no store could hold is left out.
    let domain = domain.filter(|domain| fits(domain, MAX_DOMAIN) && !domain.contains('\0'));
    let new = NewWebhook { title, to, events, domain, parallel, batch };
    let webhook = call.app.commands.create_webhook(&call.caller, new).await?;
    Ok(Answer::new(CreatedWebhook { config: config_object(webhook) }).warn(warnings))
}

fn required<'a>(raw: Option<Raw<'a>>, key: &'static str) -> Result<Raw<'a>, Problem> {
    raw.ok_or_else(|| problem::required(key))
}

fn read_events(raw: Raw<'_>) -> Result<EventNames, Problem> {
    let names = raw.elements().and_then(|names| {
        let texts = names.into_iter().map(|name| name.as_trimmed().map(std::borrow::Cow::into_owned));
        texts.collect::<Option<Vec<_>>>()
    });
    EventNames::parse(names)
}

fn config_object(webhook: AccountWebhook) -> ConfigObject {
    let config = webhook.config;
    ConfigObject {
        id: webhook.key.no.0,
        title: config.title,
        url: config.to.uri,
        domain: config.domain,
        events: config.events,
        parallel: config.parallel,
        batch: config.batch,
    }
}

/// `POST /v3/webhook/list`
pub static LIST: Method = Method {
    operation: &account_webhooks::LIST,
    group: &GROUP,
    summary: "The account webhooks",
    text: "The oldest first, with how far each has come. An account without one is answered with 400, as the vendor does.",
    body: Body { params: &[], optional: true },
    examples: &[Example {
        summary: "The webhooks",
        body: "{}",
        answer: r#"{"result":true,"data":[{"id":1748293,"title":"Our CRM","url":"https://hooks.example.com/status",
            "createdAt":"2026-10-14 09:30:09","domain":{"id":null,"name":null},
            "events":["contact.created","contact.updated"],"parallel":false,"batch":1,"status":"active",
            "failedAttempts":0,"reason":null,"pausedAt":null,"skippedAt":null}]}"#,
    }],
    handler: &list,
};

/// What webhook/list answers.
#[derive(Debug, Serialize, JsonSchema)]
struct ListedWebhooks {
    /// The webhooks.
    data: Vec<WebhookObject>,
}

/// An account webhook as webhook/list answers it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AccountWebhook")]
struct WebhookObject {
    /// Its id.
    id: i64,
    /// Its title.
    title: String,
    /// The receiver.
    url: String,
    /// When it was made.
    created_at: Timestamp,
    /// The vendor's sending domain.
    domain: DomainObject,
    /// The names of its events.
    events: Vec<String>,
    /// Whether several messages may be out at a time.
    parallel: bool,
    /// How many events a message holds at most.
    batch: u32,
    /// `paused`: it failed for 3 days or was answered with 410, and sends nothing until it is resumed.
    #[schemars(extend("enum" = ["active", "failing", "paused"]))]
    status: &'static str,
    /// How often the message that is due has failed.
    failed_attempts: u32,
    /// Why it was paused, as a code; null if it is not.
    reason: Option<String>,
    /// When it was paused; null if it is not.
    paused_at: Option<Timestamp>,
    /// When it skipped changes last, since they were not stored any more; null if it never did.
    skipped_at: Option<Timestamp>,
}

/// The vendor's sending domain of an account webhook.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookDomain")]
struct DomainObject {
    /// Always null.
    id: Option<i64>,
    /// The domain that was given, or null.
    name: Option<String>,
}

async fn list(call: Call) -> Outcome<ListedWebhooks> {
    let body = read_body(&call.body, &Keys::of(&[])).ok_or_else(problem::bad_request)?;
    let webhooks = call.app.queries.account_webhooks(&call.caller).await?;
    if webhooks.is_empty() {
        let text = "There is no web hook configurations in your account";
        return Err(Problem::new("NO_WEBHOOKS", text).into());
    }
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new(ListedWebhooks { data: webhooks.into_iter().map(webhook_object).collect() })
        .warn(warnings))
}

fn webhook_object(webhook: AccountWebhook) -> WebhookObject {
    let (config, progress) = (webhook.config, webhook.progress);
    WebhookObject {
        id: webhook.key.no.0,
        title: config.title,
        url: config.to.uri,
        created_at: webhook.created_at,
        domain: DomainObject { id: None, name: config.domain },
        events: config.events,
        parallel: config.parallel,
        batch: config.batch,
        status: match (progress.paused, progress.attempts) {
            (Some(_), _) => "paused",
            (None, 0) => "active",
            (None, _) => "failing",
        },
        failed_attempts: progress.attempts,
        reason: progress.paused.map(|(_, end)| end.to_string()),
        paused_at: progress.paused.map(|(at, _)| at),
        skipped_at: progress.skipped_at,
    }
}

const ID: [FieldSpec; 1] =
    [FieldSpec::required("id", ValueType::Within(1, i64::MAX), "The id of the webhook.")];

/// `POST /v3/webhook/resume`
pub static RESUME: Method = Method {
    operation: &account_webhooks::RESUME,
    group: &GROUP,
    summary: "Let a paused webhook continue",
    text: "It continues from where it stopped, at once. A webhook that waits after a failure is tried at once.",
    body: Body { params: &[&ID], optional: false },
    examples: &[Example {
        summary: "A webhook continues",
        body: r#"{"id":1748293}"#,
        answer: r#"{"result":true}"#,
    }],
    handler: &resume,
};

async fn resume(call: Call) -> Outcome<Nothing> {
    let body = read_body(&call.body, &Keys::of(&ID)).ok_or_else(problem::bad_request)?;
    call.app.commands.resume_webhook(&call.caller, read_id(body.get(0))?).await?;
    Ok(Answer::new(Nothing {}).warn(body.unknown.into_iter().map(problem::unknown_field).collect()))
}

/// `POST /v3/webhook/remove`
pub static REMOVE: Method = Method {
    operation: &account_webhooks::REMOVE,
    group: &GROUP,
    summary: "Remove an account webhook",
    text: "Its events are not sent any more. A message that is out may still arrive.",
    body: Body { params: &[&ID], optional: false },
    examples: &[Example {
        summary: "A webhook is removed",
        body: r#"{"id":1748293}"#,
        answer: r#"{"result":true}"#,
    }],
    handler: &remove,
};

async fn remove(call: Call) -> Outcome<Nothing> {
    let body = read_body(&call.body, &Keys::of(&ID)).ok_or_else(problem::bad_request)?;
    call.app.commands.remove_webhook(&call.caller, read_id(body.get(0))?).await?;
    Ok(Answer::new(Nothing {}).warn(body.unknown.into_iter().map(problem::unknown_field).collect()))
}

/// Reads the id of an account webhook.
///
/// # Errors
/// It is no positive integer.
pub fn read_id(raw: Option<Raw<'_>>) -> Result<WebhookNo, Problem> {
    let number = match raw.map(Raw::value) {
        Some(Value::Number(text)) => domain::contact::number::integer(text),
        _ => None,
    };
    let number = number.filter(|number| *number > 0).map(WebhookNo);
    let text = "Argument id must be a positive integer";
    number.ok_or_else(|| Problem::new("INVALID_WEBHOOK_ID", text).of("id"))
}
