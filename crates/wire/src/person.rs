//! All data about a person, as it is answered.

use schemars::JsonSchema;
use serde::Serialize;

use super::consent::ConsentObject;
use super::contact::Shown;
use super::history::{ShownChange, show_changes};
use super::request::state_name;
use super::suppression::ListedSuppression;
use app::person::{PersonData, PersonRecord};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use storage::{Error, Mention, RequestState};

/// What contact/export answers.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Exported {
    /// The person's contacts.
    contacts: Vec<ExportedContact>,
    /// The requests that mention the person, the oldest first.
    requests: Vec<ExportedRequest>,
    /// Whether these are all; at most the oldest 10,000 are returned.
    requests_complete: bool,
    /// The suppressions of the addresses that were given and that the contacts have.
    suppressed: Vec<ListedSuppression>,
    /// Whether a person with such an identifier was erased: only a keyed hash is stored then.
    erased: bool,
}

/// A contact of a person.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ExportedContact {
    /// The list.
    contact_list_id: ObjectId,
    /// The list's name.
    contact_list_name: String,
    /// The contact's id.
    contact_id: ObjectId,
    /// The contact as contact/get shows it; null if it was removed and only its history is stored.
    contact: Option<Shown>,
    /// Its changes, the newest first, as contact/history tells them.
    history: Vec<ShownChange>,
    /// Whether these are all that are stored; at most the newest 10,000 are returned, fewer if they are very large.
    history_complete: bool,
    /// Its consent ledger, the newest record first, as consent/find returns it.
    consents: Vec<ConsentObject>,
}

/// A request that mentions a person.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ExportedRequest {
    /// Its id.
    id: ObjectId,
    /// The method that was called.
    #[schemars(schema_with = "crate::request::sources")]
    source: &'static str,
    /// How far it has come.
    #[schemars(extend("enum" = ["queued", "processed"]))]
    status: &'static str,
    /// The list.
    contact_list_id: ObjectId,
    /// When it was accepted.
    created_at: Timestamp,
    /// Which of its items mention the person, from 0.
    positions: Vec<usize>,
}

impl Exported {
    /// All data about a person, as it is written.
    ///
    /// # Errors
    /// What is stored does not read.
    pub fn of(person: PersonData) -> Result<Self, Error> {
        Ok(Self {
            contacts: person.contacts.iter().map(show).collect::<Result<_, _>>()?,
            requests: person.requests.into_iter().map(show_mention).collect(),
            requests_complete: person.requests_complete,
            suppressed: person.suppressed.into_iter().map(ListedSuppression::from).collect(),
            erased: person.erased,
        })
    }
}

fn show(PersonRecord { list, found, suppressed }: &PersonRecord) -> Result<ExportedContact, Error> {
    let contact = found.contact.as_ref().map(|contact| Shown::of(contact, list, suppressed)).transpose();
    let history = show_changes(&found.history.changes, list, &found.history.sources)?;
    Ok(ExportedContact {
        contact_list_id: list.id,
        contact_list_name: list.about.name.clone(),
        contact_id: ObjectId::of_contact(list.id, found.history.number.0),
        contact: contact.map_err(|malformed| Error::Damaged(malformed.to_string()))?,
        history_complete: found.history.complete && found.history.total == found.history.changes.len() as u64,
        history,
        consents: found.consents.records.iter().cloned().map(ConsentObject::of).collect(),
    })
}

fn show_mention(mention: Mention) -> ExportedRequest {
    let state = if mention.processed { RequestState::Processed } else { RequestState::Queued };
    ExportedRequest {
        id: mention.request,
        source: mention.kind.source(),
        status: state_name(state),
        contact_list_id: mention.list_id,
        created_at: mention.accepted_at,
        positions: mention.positions,
    }
}
