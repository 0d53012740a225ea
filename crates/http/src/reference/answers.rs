//! The refusals that methods have in common, as components of the description.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::codes::{self, Code};
use crate::call;
use app::Limits;
use domain::id::ObjectId;
use web::answer::Refused;
use web::answer::{MAX_RETRY_AFTER, RETRY_AFTER};

/// Where a response lists the codes that its refusals have today.
const KNOWN_CODES: &str = "x-known-codes";

/// The id in examples.
const REQUEST_ID: [u8; 12] = [0x5d, 0x91, 0x5c, 0x22, 0xd1, 0x32, 0xd5, 0xf4, 0x5a, 0x4e, 0x38, 0xb8];

/// The responses that [`of`] refers to.
pub fn components(limits: &Limits) -> Value {
    let mut components = Map::new();
    for (status, problems) in call::refusals(limits) {
        let example = json!(Refused::new(Some(ObjectId::from_bytes(REQUEST_ID)), problems));
        components.insert(name(status), response(status, &example, limits));
    }
    components.into()
}

/// The refusals of every method, by their statuses.
pub fn of(limits: &Limits) -> Vec<(String, Value)> {
    let statuses = call::refusals(limits).map(|(status, _)| status).into_iter();
    let reference = |status| format!("#/components/responses/{}", name(status));
    statuses.map(|status| (status.as_str().to_owned(), json!({ "$ref": reference(status) }))).collect()
}

fn name(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or_default().replace(' ', "")
}

fn response(status: StatusCode, example: &Value, limits: &Limits) -> Value {
    let codes = codes::of_status(status);
    // One schema for all statuses: clients get one type for a refusal, whatever its status.
    let refused = json!({ "$ref": "#/components/schemas/Refused" });
    let mut response = json!({
        "description": description(status, &codes, limits),
        "content": { "application/json": { "schema": refused, "example": example } },
        KNOWN_CODES: codes.iter().map(|code| code.code).collect::<Vec<_>>(),
    });
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        response["headers"] = json!({ "Retry-After": {
            "description": "After how many seconds the same request may be sent again.",
            // None beside OUTCOME_UNKNOWN.
            "required": status == StatusCode::TOO_MANY_REQUESTS,
            "schema": { "type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_RETRY_AFTER },
            "example": RETRY_AFTER,
        } });
    }
    response
}

fn description(status: StatusCode, codes: &[Code], limits: &Limits) -> String {
    let intro = match status {
        StatusCode::BAD_REQUEST => "The request is invalid; every error is reported at once.".to_owned(),
        StatusCode::GONE => "Where reading should begin is not stored any more.".to_owned(),
        StatusCode::REQUEST_TIMEOUT => {
            format!("The body took longer than {} seconds.", limits.body_timeout.as_secs())
        }
        StatusCode::PAYLOAD_TOO_LARGE => format!("The body has more than {} bytes.", limits.body),
        StatusCode::TOO_MANY_REQUESTS => {
            format!(
                "The token has more than {} requests in flight, or too many unknown ones came from the address.",
                limits.in_flight
            )
        }
        _ => format!("{}.", status.canonical_reason().unwrap_or_default()),
    };
    let codes = codes.iter().map(|code| format!("\n- `{}`: {}", code.code, code.meaning));
    format!("{intro}\n{}", codes.collect::<String>())
}
