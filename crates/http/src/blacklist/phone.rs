//! `/v3/phone-blacklist/add`, `/v3/phone-blacklist/find` and `/v3/phone-blacklist/remove`

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    CREATED_AT, EXPIRE_AT, GROUP, MAX_RECORDS, PHONE_REASON, PHONE_REASON_OR_NONE, read_address,
    read_elements, read_reason, read_record, unknown, unknown_in_record,
};
use crate::call::{Answer, Call, Nothing, Outcome};
use crate::method::{Body, Example, Method};
use crate::page::{self, LIMIT_KEY, OFFSET_KEY, Paged};
use app::Refusal;
use app::suppressions;
use domain::clock::Timestamp;
use domain::contact::suppression::Channel;
use domain::json::{Keys, read_body};
use domain::problem;
use domain::schema::{FieldSpec, ValueType};
use storage::{Address, SuppressionFilter};

/// `POST /v3/phone-blacklist/add`
pub static ADD: Method = Method {
    operation: &suppressions::ADD_PHONES,
    group: &GROUP,
    summary: "Suppress phone numbers",
    text: "All of them are added, or none. A number that is suppressed for the same reason stays as it is.",
    body: Body { params: &[&ADDED], optional: false },
    examples: &[Example {
        summary: "A number whose owner asked for it",
        body: r#"{"records":[{"phoneNumber":"+15555556","rejectType":"unsubscribe"}]}"#,
        answer: r#"{"result":true}"#,
    }],
    handler: &add,
};

const ADDED: [FieldSpec; 1] = [FieldSpec::required(
    "records",
    ValueType::Array { of: &ValueType::Object("PhoneToSuppress", &RECORD), min: 1, max: MAX_RECORDS },
    "The numbers.",
)];

const RECORD: [FieldSpec; 4] = [
    FieldSpec::required("phoneNumber", ValueType::filled(usize::MAX), "The phone number, E.164."),
    FieldSpec::optional("rejectType", PHONE_REASON, "Why it is suppressed; `import` by default."),
    CREATED_AT,
    EXPIRE_AT,
];

async fn add(call: Call) -> Outcome<Nothing> {
    let body = read_body(&call.body, &Keys::of(&ADDED)).ok_or_else(problem::bad_request)?;
    let (mut problems, mut numbers) = (Vec::new(), Vec::new());
    let mut warnings = unknown(body.unknown.clone());
    for (position, element) in read_elements(body.get(0))?.into_iter().enumerate() {
        let Some(record) = element.members(&Keys::of(&RECORD)) else {
            problems.push(super::not_records().at(position));
            continue;
        };
        let places = [Some(0), Some(1), None, Some(2), Some(3)];
        numbers.extend(read_record(Channel::Phone, &record, places, position, &mut problems));
        warnings.extend(unknown_in_record(record.unknown).map(|warning| warning.at(position)));
    }
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    call.app.commands.suppress(&call.caller, Channel::Phone, numbers).await?;
    Ok(Answer::new(Nothing {}).warn(warnings))
}

/// `POST /v3/phone-blacklist/remove`
pub static REMOVE: Method = Method {
    operation: &suppressions::REMOVE_PHONE,
    group: &GROUP,
    summary: "Remove a phone number from suppression",
    text: "All its suppressions are removed. A number that is not suppressed is no error.",
    body: Body { params: &[&REMOVED], optional: false },
    examples: &[Example {
        summary: "A number whose owner asked to be written to again",
        body: r#"{"phoneNumber":"+15555556"}"#,
        answer: r#"{"result":true}"#,
    }],
    handler: &remove,
};

const REMOVED: [FieldSpec; 1] = [FieldSpec::required(
    "phoneNumber",
    ValueType::filled(usize::MAX),
    "The phone number; compared exactly.",
)];

async fn remove(call: Call) -> Outcome<Nothing> {
    let body = read_body(&call.body, &Keys::of(&REMOVED)).ok_or_else(problem::bad_request)?;
    let text = read_address("phoneNumber", body.get(0))?;
    let address = Address { channel: Channel::Phone, text };
    call.app.commands.unsuppress(&call.caller, address, None).await?;
    Ok(Answer::new(Nothing {}).warn(unknown(body.unknown)))
}

/// `POST /v3/phone-blacklist/find`
pub static FIND: Method = Method {
    operation: &suppressions::FIND_PHONES,
    group: &GROUP,
    summary: "Find a suppressed phone number",
    text: "The newest suppression first. Those that have expired are left out. suppression/list reads all numbers.",
    body: Body { params: &[&FOUND_BY], optional: false },
    examples: &[Example {
        summary: "One number",
        body: r#"{"phoneNumber":"+15555556"}"#,
        answer: r#"{"result":true,"data":[{"phoneNumber":"+15555556","rejectType":"unsubscribe",
            "createdAt":"2026-10-14 09:30:00"}],"totalCount":1,"offset":0,"limit":20}"#,
    }],
    handler: &find,
};

const FOUND_BY: [FieldSpec; 4] = [
    FieldSpec::required("phoneNumber", ValueType::filled(usize::MAX), "The phone number; compared exactly."),
    FieldSpec::optional("rejectType", PHONE_REASON_OR_NONE, "Only that for this reason; all if it is blank."),
    OFFSET_KEY,
    LIMIT_KEY,
];

/// A suppressed phone number.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SuppressedPhone")]
struct Found {
    /// The number.
    phone_number: String,
    /// Why it is suppressed.
    #[schemars(extend("enum" = ["import", "invalid", "unsubscribe", "undeliverable"]))]
    reject_type: &'static str,
    /// Since when.
    created_at: Timestamp,
}

async fn find(call: Call) -> Outcome<Paged<Found>> {
    let body = read_body(&call.body, &Keys::of(&FOUND_BY)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let number = read_address("phoneNumber", body.get(0)).map_err(|problem| problems.push(problem)).ok();
    let reason = read_reason(Channel::Phone, body.get(1)).map_err(|problem| problems.push(problem)).ok();
    let window = page::read_window(body.get(2), body.get(3), &mut problems);
    let (Some(text), Some(reason), true) = (number, reason, problems.is_empty()) else {
        return Err(Refusal::Invalid(problems));
    };
    let address = Address { channel: Channel::Phone, text: text.clone() };
    let filter = SuppressionFilter { address: Some(address), channel: Some(Channel::Phone), reason };
    let page = call.app.queries.suppressions(&call.caller, filter, window).await?;
    let found = Paged::of(page, window, |suppression| Found {
        phone_number: suppression.address.unwrap_or_else(|| text.clone()),
        reject_type: suppression.reason.name(),
        created_at: suppression.created_at,
    });
    Ok(Answer::new(found).warn(unknown(body.unknown)))
}
