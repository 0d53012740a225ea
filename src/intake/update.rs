//! `POST /v3/contacts/update`: from the body to a batch that waits.

use std::collections::HashMap;
use std::sync::Arc;

use super::check::{self, CheckedContact, NamedSource};
use super::fields::{self, KEY_COUNT};
use super::problem::{self, MAX_PROBLEMS, Problem};
use super::writer::{NotAccepted, Writer};
use crate::catalogue::{Catalogue, Viewer};
use crate::clock::Timestamp;
use crate::contact::http_url::MAX_CHARS;
use crate::contact::webhook_uri::WebHookUri;
use crate::id::ObjectId;
use crate::journal::{AccountNo, Batch, BatchKind, ItemsWriter, WebHook};
use crate::json::{EnvelopeKeys, Keys, Members, Objects, Raw, Value};
use crate::param::{Param, Shape};
use crate::storage::{self, List};

/// The most contacts of one request.
pub const MAX_CONTACTS: usize = 100;

/// The list that a request is about.
pub const LIST_ID: Param = Param::required(
    "contactListId",
    Shape::filled(usize::MAX),
    "The id of the list, as contact-list/create gave it.",
);

/// Where the status of a request goes.
const WEB_HOOK_URI: Param = Param::optional(
    "webHookUri",
    Shape::Text { min: 1, max: MAX_CHARS, pattern: "^[Hh][Tt][Tt][Pp][Ss]?://" },
    "An absolute http or https URI without credentials. What became of the request is posted there once it is \
     processed: see the webhook.",
);

/// The keys of the body, `contacts` left out.
pub const TOP: [Param; 3] = [
    LIST_ID,
    WEB_HOOK_URI,
    Param::optional(
        "upsert",
        Shape::Flag,
        "Whether a contact that is not in the list is made; false by default, and then such an item ends in \
         `CONTACT_NOT_FOUND`.",
    ),
];

/// The contacts of the body.
pub const CONTACTS: [Param; 1] = [Param::required(
    "contacts",
    Shape::Array { of: &Shape::Object(&fields::IN_ORDER), min: 1, max: MAX_CONTACTS },
    "The contacts, applied in this order. Fields that are left out stay as they are; an empty string clears a text.",
)];

const BODY: EnvelopeKeys<3, KEY_COUNT> =
    EnvelopeKeys { outer: Keys::of(&TOP), array: CONTACTS[0].name, inner: check::KEYS, keep: MAX_CONTACTS };

/// Why a request was not accepted. Nothing of it is kept.
#[derive(Debug)]
pub enum Refusal {
    /// It is wrong: what, in the order in which it is told.
    Invalid(Vec<Problem>),
    /// It could not be made durable.
    NotAccepted(NotAccepted),
    /// A change of lists, variables or sources could not be made durable.
    NotSaved(storage::Error),
    /// The store could not be read.
    Store(storage::Error),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }
}

impl From<storage::Error> for Refusal {
    fn from(error: storage::Error) -> Self {
        Self::Store(error)
    }
}

/// Who sends a batch, and what it is known by.
#[derive(Clone, Debug)]
pub struct Sender {
    /// Whose it is, and the lists that they may see.
    pub viewer: Viewer,
    /// The public part of the token.
    pub token: String,
    /// The id of the request.
    pub request: ObjectId,
    /// When it came.
    pub now: Timestamp,
}

/// Checks a body and makes its batch durable. Returns what is doubtful in it.
///
/// # Errors
/// See [`Refusal`]; nothing is kept then, save where the outcome is unknown.
pub async fn accept(
    catalogue: &Catalogue,
    writer: &Writer,
    sender: Sender,
    body: &[u8],
) -> Result<Vec<Problem>, Refusal> {
    let envelope = BODY.read(body).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    // In the order of the page: what is wrong with the list stands before the rest of the top.
    let list = find_list(catalogue, &sender.viewer, envelope.members.get(0), &mut problems).await?;
    let (webhook, upsert) = check_top(&envelope.members, &mut problems);
    let mut warnings: Vec<_> = envelope.members.unknown.into_iter().map(problem::unknown_field).collect();
    let mut contacts = check_contacts(&envelope.objects, list.as_deref(), &mut problems);
    let sources = find_sources(catalogue, sender.viewer.account, &mut contacts).await?;
    for contact in &mut contacts {
        problems.append(&mut contact.problems);
        warnings.append(&mut contact.warnings);
    }
    let Some(list) = list.filter(|_| problems.is_empty()) else {
        problems.truncate(MAX_PROBLEMS);
        return Err(Refusal::Invalid(problems));
    };
    let batch = Batch {
        request: sender.request,
        account: sender.viewer.account,
        list: list.no,
        list_id: list.id,
        token: sender.token,
        kind: if upsert { BatchKind::Upsert } else { BatchKind::Update },
        accepted_at: sender.now,
        webhook: webhook.map(|uri| WebHook { receiver: uri.receiver(), uri: uri.as_str().to_owned() }),
        items: encode(&mut contacts, &sources),
    };
    writer.append(batch).await.map_err(Refusal::NotAccepted)?;
    Ok(warnings)
}

fn check_top(members: &Members<'_, 3>, problems: &mut Vec<Problem>) -> (Option<WebHookUri>, bool) {
    let webhook = match members.get(1).map(Raw::as_text) {
        None => None,
        Some(text) => {
            let uri = text.as_deref().and_then(WebHookUri::parse);
            if uri.is_none() {
                problems.push(problem::web_hook_uri());
            }
            uri
        }
    };
    let upsert = match members.get(2) {
        None => false,
        Some(raw) => {
            if !matches!(raw.value(), Value::Bool(_)) {
                problems.push(problem::upsert());
            }
            raw.text() == "true"
        }
    };
    (webhook, upsert)
}

/// The id of a list.
///
/// # Errors
/// Where it is absent, no text, or empty.
pub fn read_list_id(raw: Option<Raw<'_>>) -> Result<String, Problem> {
    let raw = raw.ok_or_else(|| problem::required("contactListId"))?;
    let text = raw.as_text().filter(|text| !text.trim().is_empty());
    text.map(std::borrow::Cow::into_owned).ok_or_else(problem::list_id)
}

/// The list that a body names, if the viewer may see it; what is wrong with the name is added to the problems.
///
/// # Errors
/// Where the store cannot be read.
pub async fn find_list(
    catalogue: &Catalogue,
    viewer: &Viewer,
    raw: Option<Raw<'_>>,
    problems: &mut Vec<Problem>,
) -> Result<Option<Arc<List>>, storage::Error> {
    let id = match read_list_id(raw) {
        Ok(id) => id,
        Err(problem) => {
            problems.push(problem);
            return Ok(None);
        }
    };
    let list = catalogue.list(viewer, &id).await?;
    if list.is_none() {
        problems.push(problem::list_not_found(&id));
    }
    Ok(list)
}

fn check_contacts<'a>(
    objects: &Objects<'a, KEY_COUNT>,
    list: Option<&List>,
    problems: &mut Vec<Problem>,
) -> Vec<CheckedContact<'a>> {
    match objects {
        Objects::Absent => problems.push(problem::required("contacts")),
        Objects::NotAnArray | Objects::Elements { count: 0, .. } => problems.push(problem::contacts()),
        Objects::Elements { count, .. } if *count > MAX_CONTACTS => {
            problems.push(problem::too_many("contacts", *count));
        }
        Objects::Elements { kept, .. } => {
            return kept
                .iter()
                .enumerate()
                .map(|(position, members)| match members {
                    Some(members) => CheckedContact::check(members, position, list),
                    None => CheckedContact::not_an_object(position),
                })
                .collect();
        }
    }
    Vec::new()
}

type Sources = HashMap<(&'static str, String), u64>;

/// Looks up the sources that the contacts name; one that is not there is told with its contact.
async fn find_sources(
    catalogue: &Catalogue,
    account: AccountNo,
    contacts: &mut [CheckedContact<'_>],
) -> Result<Sources, storage::Error> {
    let mut sources = Sources::new();
    for (position, contact) in contacts.iter_mut().enumerate() {
        let Some(NamedSource { field, text }) = &contact.source else { continue };
        let key = (*field, text.clone());
        if sources.contains_key(&key) {
            continue;
        }
        let found = match contact.source.as_ref().and_then(NamedSource::reference) {
            Some(reference) => catalogue.source(account, reference).await?,
            None => None,
        };
        match found {
            Some(source) => {
                sources.insert(key, source.no);
            }
            None => contact.problems.push(problem::source_not_found(field, text, position)),
        }
    }
    Ok(sources)
}

fn encode(contacts: &mut [CheckedContact<'_>], sources: &Sources) -> Vec<u8> {
    let mut items = ItemsWriter::default();
    let mut patch = Vec::new();
    for contact in contacts {
        let source = contact.source.take().and_then(|named| sources.get(&(named.field, named.text)).copied());
        patch.clear();
        contact.put_patch(source, &mut patch);
        items.add(contact.kind, &contact.contact, &patch);
    }
    items.finish()
}
