//! What a page does, it does by the API.

use axum::http::StatusCode;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::{Trouble, User};
use crate::app::Refusal;
use crate::http::inside;
use crate::http::method::Method;

/// Why the API did not do it.
#[derive(Debug)]
pub struct Refused {
    /// The status.
    pub status: StatusCode,
    /// What is wrong.
    pub details: Vec<Detail>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Deserialize)]
pub struct Detail {
    /// The position of the contact in the request, if it is about one.
    pub position: Option<u64>,
    /// The field.
    pub field: Option<String>,
    /// The code.
    pub code: String,
    /// In words.
    pub message: String,
}

#[derive(Default, Deserialize)]
struct Told {
    #[serde(default)]
    details: Vec<Detail>,
}

impl Refused {
    /// What is wrong with a field.
    pub fn of(&self, field: &str) -> Option<String> {
        let of_field = self.details.iter().filter(|detail| detail.field.as_deref() == Some(field));
        let texts: Vec<_> = of_field.map(|detail| detail.message.as_str()).collect();
        (!texts.is_empty()).then(|| texts.join(" "))
    }

    /// All that is wrong, in words.
    pub fn text(&self) -> String {
        let texts: Vec<_> = self.details.iter().map(|detail| detail.message.as_str()).collect();
        texts.join(" ")
    }

    /// What is wrong with none of these fields.
    pub fn beside(&self, fields: &[&str]) -> Option<String> {
        let other = |detail: &&Detail| !detail.field.as_deref().is_some_and(|field| fields.contains(&field));
        let texts: Vec<_> = self.details.iter().filter(other).map(|detail| detail.message.as_str()).collect();
        (!texts.is_empty()).then(|| texts.join(" "))
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let details = refusal.into_problems().into_iter().map(|problem| Detail {
            position: problem.position.map(|position| position as u64),
            field: problem.field,
            code: problem.code.into_owned(),
            message: problem.message,
        });
        Self { status, details: details.collect() }
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Refused::from(refusal).into()
    }
}

impl From<Refused> for Trouble {
    fn from(refused: Refused) -> Self {
        let code = refused.details.first().map(|detail| detail.code.as_str());
        match (refused.status, code) {
            (StatusCode::SERVICE_UNAVAILABLE, Some("BACKLOG_FULL")) => Self::Busy,
            (StatusCode::SERVICE_UNAVAILABLE, Some("OUTCOME_UNKNOWN")) => Self::InDoubt,
            (StatusCode::SERVICE_UNAVAILABLE, _) => Self::Away,
            (status, _) => Self::Refused(status, refused.text()),
        }
    }
}

impl User {
    /// Runs a method of the API as this user: with all its checks, texts, limits and histories.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn call(&self, method: &'static Method, body: &Value) -> Result<Value, Refused> {
        let answered =
            inside::call(&self.app, method, &self.caller(), None, Bytes::from(body.to_string())).await;
        // Written by this program.
        if answered.status == StatusCode::OK {
            return Ok(serde_json::from_slice(&answered.body).unwrap_or_default());
        }
        let told: Told = serde_json::from_slice(&answered.body).unwrap_or_default();
        Err(Refused { status: answered.status, details: told.details })
    }
}
