//! `/v3/account/…`

use serde_json::json;

use super::call::{Answer, Call, Outcome};
use crate::intake::problem;
use crate::json::{Keys, read_body};

/// `POST /v3/account/info`: the body is empty or an object.
pub async fn info(call: Call) -> Outcome {
    let mut warnings = Vec::new();
    if !call.body.trim_ascii().is_empty() {
        let body = read_body(&call.body, &Keys([])).ok_or_else(problem::bad_request)?;
        warnings.extend(body.unknown.into_iter().map(problem::unknown_field));
    }
    // We bill nobody; clients read the balance all the same.
    Ok(Answer::new([("accountName", json!(call.caller.account_name)), ("accountBalance", json!(0))])
        .warn(warnings))
}
