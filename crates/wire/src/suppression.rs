//! Suppressions as they are answered.

use schemars::JsonSchema;
use serde::Serialize;

use domain::clock::Timestamp;
use storage::Suppression;

/// A suppression of a contact.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ContactSuppression")]
pub struct ShownSuppression {
    /// The field with the suppressed address.
    #[schemars(extend("enum" = ["email", "phoneNumber"]))]
    channel: &'static str,
    /// Why it is suppressed: a rejectType of its channel.
    reason: &'static str,
    /// Since when.
    created_at: Timestamp,
    /// Until when; null if it does not expire.
    expire_at: Option<Timestamp>,
}

impl ShownSuppression {
    /// The suppressions of a contact.
    pub fn all(suppressions: &[Suppression]) -> Vec<Self> {
        let show = |suppression: &Suppression| Self {
            channel: suppression.reason.channel().name(),
            reason: suppression.reason.name(),
            created_at: suppression.created_at,
            expire_at: suppression.expires_at,
        };
        suppressions.iter().map(show).collect()
    }
}

/// A suppression.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Suppression")]
pub struct ListedSuppression {
    /// The kind of its address.
    #[schemars(extend("enum" = ["email", "phoneNumber"]))]
    channel: &'static str,
    /// The address; null after the person was erased.
    address: Option<String>,
    /// Why it is suppressed: a rejectType of its channel.
    reason: &'static str,
    /// The answer of the receiving server.
    raw_log: Option<String>,
    /// Since when.
    created_at: Timestamp,
    /// Until when; null if it does not expire.
    expire_at: Option<Timestamp>,
}

impl From<Suppression> for ListedSuppression {
    fn from(suppression: Suppression) -> Self {
        Self {
            channel: suppression.reason.channel().name(),
            address: suppression.address,
            reason: suppression.reason.name(),
            raw_log: suppression.raw_log,
            created_at: suppression.created_at,
            expire_at: suppression.expires_at,
        }
    }
}
