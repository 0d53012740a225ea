//! Records of the consent ledger as they are answered.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use domain::apply::ledger::How;
use domain::clock::Timestamp;
use domain::contact::choice::Flags;
use domain::contact::proof::Proof;
use domain::id::ObjectId;
use storage::Consent;

/// The names of the flags.
pub const WORDS: [&str; Flags::ALL.len()] = {
    let mut words = [""; Flags::ALL.len()];
    let mut place = 0;
    while place < words.len() {
        words[place] = Flags::ALL[place].name();
        place += 1;
    }
    words
};

/// A record of the consent ledger.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Consent")]
pub struct ConsentObject {
    /// The flag.
    #[schemars(schema_with = "channels")]
    channel: &'static str,
    /// The value that was set.
    #[schemars(extend("enum" = ["subscribed", "unsubscribed"]))]
    state: &'static str,
    /// When the record was written.
    recorded_at: Timestamp,
    /// When the person chose, as the caller reports.
    at: Option<Timestamp>,
    /// When the person confirmed it, as the caller reports.
    confirmed_at: Option<Timestamp>,
    /// The cause of the record.
    #[schemars(schema_with = "hows")]
    by: &'static str,
    /// Where the person chose, as the caller reports.
    source: Option<String>,
    /// The form.
    form: Option<String>,
    /// The IP address of the person.
    ip: Option<String>,
    /// The version or the hash of the text that the person saw.
    wording: Option<String>,
    /// The purpose of the messages.
    purpose: Option<String>,
    /// By which request.
    request_id: ObjectId,
    /// The key of the token; `user:` and the id of the user for the console.
    token: String,
    /// The hash of the record, in hex digits.
    hash: String,
}

impl ConsentObject {
    /// As it is told.
    pub fn of(consent: Consent) -> Self {
        let Consent { flag, value, at, request, how, token, proof, hash } = consent;
        let Proof { source, form, ip, wording, purpose, at: chosen_at, confirmed_at } = proof;
        Self {
            channel: flag.name(),
            state: if value { "subscribed" } else { "unsubscribed" },
            recorded_at: at,
            at: chosen_at,
            confirmed_at,
            by: how.name(),
            source,
            form,
            ip,
            wording,
            purpose,
            request_id: request,
            token,
            hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

fn channels(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": WORDS })
}

fn hows(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": How::ALL.map(How::name) })
}
