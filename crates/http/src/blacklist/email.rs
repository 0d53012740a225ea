//! `/v3/blacklist/add`, `/v3/blacklist/find` and `/v3/blacklist/remove`

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    CREATED_AT, EMAIL_REASON, EMAIL_REASON_OR_NONE, EXPIRE_AT, GROUP, MAX_RECORDS, read_address,
    read_elements, read_reason, read_record, unknown, unknown_in_record,
};
use crate::call::{Answer, Call, Nothing, Outcome};
use crate::method::{Body, Example, Method};
use crate::page::{self, LIMIT_KEY, OFFSET_KEY, Paged};
use app::Refusal;
use app::suppressions::{self, MAX_RAW_LOG};
use domain::argument::{self, read_flag};
use domain::clock::Timestamp;
use domain::contact::suppression::Channel;
use domain::json::{Keys, Raw, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use storage::{Address, SuppressionFilter};

/// `POST /v3/blacklist/add`
pub static ADD: Method = Method {
    operation: &suppressions::ADD_EMAILS,
    group: &GROUP,
    summary: "Suppress e-mail addresses",
    text: "All of them are added, or none. An address that is suppressed for the same reason stays as it is. An \
           account has at most 10,000,000 suppressions.",
    body: Body { params: &[&ADDED], optional: false },
    examples: &[Example {
        summary: "An address that does not exist",
        body: r#"{"records":[{"email":"bounced@example.com","rejectType":"hard","rawLog":"550 5.1.1 User unknown"}]}"#,
        answer: r#"{"result":true}"#,
    }],
    handler: &add,
};

const ADDED: [FieldSpec; 1] = [FieldSpec::required(
    "records",
    ValueType::Array { of: &ValueType::Object("EmailToSuppress", &RECORD), min: 1, max: MAX_RECORDS },
    "The addresses.",
)];

const RECORD: [FieldSpec; 5] = [
    FieldSpec::required("email", ValueType::filled(usize::MAX), "The e-mail address."),
    FieldSpec::required("rejectType", EMAIL_REASON, "Why it is suppressed."),
    FieldSpec::optional(
        "rawLog",
        ValueType::text(MAX_RAW_LOG),
        "The answer of the receiving server: at most 1,024 bytes.",
    ),
    CREATED_AT,
    EXPIRE_AT,
];

async fn add(call: Call) -> Outcome<Nothing> {
    let body = read_body(&call.body, &Keys::of(&ADDED)).ok_or_else(problem::bad_request)?;
    let (mut problems, mut addresses) = (Vec::new(), Vec::new());
    let mut warnings = unknown(body.unknown.clone());
    for (position, element) in read_elements(body.get(0))?.into_iter().enumerate() {
        let Some(record) = element.members(&Keys::of(&RECORD)) else {
            problems.push(super::not_records().at(position));
            continue;
        };
        let places = [Some(0), Some(1), Some(2), Some(3), Some(4)];
        addresses.extend(read_record(Channel::Email, &record, places, position, &mut problems));
        warnings.extend(unknown_in_record(record.unknown).map(|warning| warning.at(position)));
    }
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    call.app.commands.suppress(&call.caller, Channel::Email, addresses).await?;
    Ok(Answer::new(Nothing {}).warn(warnings))
}

/// `POST /v3/blacklist/remove`
pub static REMOVE: Method = Method {
    operation: &suppressions::REMOVE_EMAIL,
    group: &GROUP,
    summary: "Remove an e-mail address from suppression",
    text: "An address that is not suppressed is no error.",
    body: Body { params: &[&REMOVED], optional: false },
    examples: &[Example {
        summary: "An address that exists again",
        body: r#"{"email":"bounced@example.com","rejectType":"hard"}"#,
        answer: r#"{"result":true}"#,
    }],
    handler: &remove,
};

const REMOVED: [FieldSpec; 2] = [
    FieldSpec::required("email", ValueType::filled(usize::MAX), "The e-mail address; compared without case."),
    FieldSpec::optional(
        "rejectType",
        EMAIL_REASON,
        "Only the suppression for this reason; all if it is absent.",
    ),
];

async fn remove(call: Call) -> Outcome<Nothing> {
    let body = read_body(&call.body, &Keys::of(&REMOVED)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let email = read_address("email", body.get(0)).map_err(|problem| problems.push(problem)).ok();
    let reason = read_reason(Channel::Email, body.get(1)).map_err(|problem| problems.push(problem)).ok();
    let (Some(text), Some(reason)) = (email, reason) else { return Err(Refusal::Invalid(problems)) };
    let address = Address { channel: Channel::Email, text };
    call.app.commands.unsuppress(&call.caller, address, reason).await?;
    Ok(Answer::new(Nothing {}).warn(unknown(body.unknown)))
}

/// `POST /v3/blacklist/find`
pub static FIND: Method = Method {
    operation: &suppressions::FIND_EMAILS,
    group: &GROUP,
    summary: "Find suppressed e-mail addresses",
    text: "The newest first. Suppressions that have expired are left out. After an erasure a suppression has no \
           address: it is still found by the address, and its `email` is null if it is found otherwise.",
    body: Body { params: &[&FOUND_BY], optional: true },
    examples: &[Example {
        summary: "One address",
        body: r#"{"email":"Bounced@example.com","withRawLog":true}"#,
        answer: r#"{"result":true,"data":[{"email":"bounced@example.com","type":"hard",
            "rawLog":"550 5.1.1 User unknown","createdAt":"2026-10-14 09:30:00","expireAt":null}],
            "totalCount":1,"offset":0,"limit":20}"#,
    }],
    handler: &find,
};

const FOUND_BY: [FieldSpec; 5] = [
    FieldSpec::optional("email", ValueType::TEXT, "This address, compared without case; all if it is blank."),
    FieldSpec::optional(
        "rejectType",
        EMAIL_REASON_OR_NONE,
        "Only those for this reason; all if it is blank.",
    ),
    FieldSpec::optional("withRawLog", ValueType::Flag, "Whether `rawLog` is shown; false by default."),
    OFFSET_KEY,
    LIMIT_KEY,
];

/// A suppressed e-mail address.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SuppressedEmail")]
struct Found {
    /// The address as it was added; null if the person was erased and it was found otherwise.
    email: Option<String>,
    /// Why it is suppressed.
    #[schemars(extend("enum" = ["hard", "complaint", "list-unsubscribe"]))]
    r#type: &'static str,
    /// The answer of the receiving server; absent without a log, and unless `withRawLog` is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_log: Option<String>,
    /// Since when.
    created_at: Timestamp,
    /// Until when; null if it does not expire.
    expire_at: Option<Timestamp>,
}

async fn find(call: Call) -> Outcome<Paged<Found>> {
    let body = read_body(&call.body, &Keys::of(&FOUND_BY)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let not_a_text = || Problem::new("NOT_A_STRING", "Argument email must be a non-empty string").of("email");
    let email = argument::read_filter(body.get(0).map(Raw::as_trimmed), not_a_text, &mut problems);
    let reason = read_reason(Channel::Email, body.get(1)).map_err(|problem| problems.push(problem));
    let with_raw_log = read_flag("withRawLog", body.get(2), &mut problems);
    let window = page::read_window(body.get(3), body.get(4), &mut problems);
    let Some(reason) = reason.ok().filter(|_| problems.is_empty()) else {
        return Err(Refusal::Invalid(problems));
    };
    let filter = SuppressionFilter {
        address: email.clone().map(|text| Address { channel: Channel::Email, text }),
        channel: Some(Channel::Email),
        reason,
    };
    let page = call.app.queries.suppressions(&call.caller, filter, window).await?;
    let found = Paged::of(page, window, |suppression| Found {
        email: suppression.address.or_else(|| email.clone()),
        r#type: suppression.reason.name(),
        raw_log: suppression.raw_log.filter(|_| with_raw_log),
        created_at: suppression.created_at,
        expire_at: suppression.expires_at,
    });
    Ok(Answer::new(found).warn(unknown(body.unknown)))
}
