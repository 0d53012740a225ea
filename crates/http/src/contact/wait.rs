//! `waitFor`: who has sent a request reads what it did.

use crate::call::Call;
use app::Refusal;
use app::requests::{PATIENCE, Waited};
use domain::id::ObjectId;
use domain::json::Raw;
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};

/// The request to wait for.
pub const WAIT_FOR: FieldSpec = FieldSpec::optional(
    "waitFor",
    ValueType::TEXT,
    "The id of a request of the account: the answer is given once it is processed. That is waited for at most 5 \
     seconds; then the contact is answered as it is, with the warning `WAIT_TIMED_OUT`.",
);

/// Reads the request's id.
pub fn read(raw: Option<Raw<'_>>) -> Result<Option<String>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    let text = raw.as_trimmed().ok_or_else(|| problem::not_a_string(WAIT_FOR.name))?;
    Ok(Some(text.into_owned()))
}

/// Waits until the request is processed; a warning where that takes too long.
pub async fn wait(call: &Call, request: &str) -> Result<Option<Problem>, Refusal> {
    let waited = match ObjectId::parse(request) {
        Some(id) => call.app.queries.await_request(&call.caller, id).await?,
        None => Waited::Unknown,
    };
    match waited {
        Waited::Processed => Ok(None),
        Waited::TimedOut => {
            let seconds = PATIENCE.as_secs();
            let text = format!(
                "Request {request} was not processed within {seconds} seconds, and the contact is as it was without it"
            );
            Ok(Some(Problem::new("WAIT_TIMED_OUT", text).of(WAIT_FOR.name)))
        }
        Waited::Unknown => {
            let text = format!("Request {request} not found");
            Err(Problem::new("REQUEST_NOT_FOUND", text).of(WAIT_FOR.name).into())
        }
    }
}
