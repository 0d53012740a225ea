//! `POST /v3/contacts/update` and `/v3/contacts/add`: their bodies.

use std::collections::HashMap;
use std::sync::Arc;

use super::Context;
use super::check::{self, CheckedContact, ContactBy, NamedSource};
use super::fields::{self, KEY_COUNT};
use super::list::LIST_ID;
use super::top::{DRY_RUN, OPT_OUT, RESTORE_ERASED, WEB_HOOK_URI, read_keep, read_webhook};
use app::accept::Accepted;
use app::contacts::patch::ContactItems;
use app::contacts::{ContactBatch, MAX_CONTACTS};
use app::{Caller, Queries, Refusal, Result};
use domain::argument::read_flag;
use domain::journal::{BatchKind, WebHook};
use domain::json::{Envelope, EnvelopeKeys, Keys, Members, Objects, Raw};
use domain::problem::{self, MAX_PROBLEMS, Problem};
use domain::schema::{FieldSpec, ValueType};
use storage::{List, OptOut};

/// The keys of the body of contacts/update, `contacts` left out.
pub const UPDATE: [FieldSpec; 7] = [
    LIST_ID,
    WEB_HOOK_URI,
    DRY_RUN,
    RESTORE_ERASED,
    FieldSpec::optional(
        "upsert",
        ValueType::Flag,
        "Whether a contact that is not in the list is made; false by default, and then such an item ends in \
         `CONTACT_NOT_FOUND`.",
    ),
    CONTACT_BY,
    OPT_OUT,
];

/// Which identifier every `contact` is.
const CONTACT_BY: FieldSpec = FieldSpec::optional(
    "contactBy",
    ValueType::Word(&["userId", "email", "phoneNumber", "contactId"]),
    "The kind of `contact` in every item: no other contact is found by it, and it must have that form. A `contactId` \
     finds only contacts that exist, so `upsert` must be false. Left out, `contact` is looked up as a userId, then as \
     an e-mail address, then as a phone number.",
);

/// The keys of the body of contacts/add, `contacts` left out.
pub const ADD: [FieldSpec; 5] = [LIST_ID, WEB_HOOK_URI, DRY_RUN, RESTORE_ERASED, OPT_OUT];

/// The contacts of contacts/update.
pub const UPDATED: [FieldSpec; 1] = [FieldSpec::required(
    "contacts",
    ValueType::Array { of: &ValueType::Object("ContactInput", &fields::IN_ORDER), min: 1, max: MAX_CONTACTS },
    "The contacts, applied in this order. Fields that are left out stay as they are; an empty string clears a text.",
)];

/// The contacts of contacts/add.
pub const ADDED: [FieldSpec; 1] = [FieldSpec::required(
    "contacts",
    ValueType::Array { of: &ValueType::Object("ContactToAdd", &fields::ADDED), min: 1, max: MAX_CONTACTS },
    "The contacts, applied in this order. Each needs a userId, an e-mail address or a phone number.",
)];

const UPDATE_BODY: EnvelopeKeys<7, KEY_COUNT> = body(Keys::of(&UPDATE), UPDATED[0].name);
const ADD_BODY: EnvelopeKeys<5, KEY_COUNT> = body(Keys::of(&ADD), ADDED[0].name);

const fn body<const N: usize>(outer: Keys<N>, array: &'static str) -> EnvelopeKeys<N, KEY_COUNT> {
    EnvelopeKeys { outer, array, inner: check::KEYS, keep: MAX_CONTACTS }
}

/// Reads a body of contacts/update and submits its batch.
///
/// # Errors
/// See [`Refusal`].
pub async fn update(context: Context<'_>, body: &[u8]) -> Result<Accepted> {
    let mut problems = Vec::new();
    let envelope = UPDATE_BODY.read(body).ok_or_else(problem::bad_request)?;
    // In the order of the page: upsert stands behind webHookUri.
    let list = context.list(envelope.members.get(0), &mut problems).await?;
    let top = read_top(list, &envelope.members, &mut problems);
    let upsert = read_flag("upsert", envelope.members.get(4), &mut problems);
    let by = read_contact_by(envelope.members.get(5), &mut problems);
    let keep = read_keep(envelope.members.get(6), &mut problems);
    let kind = kind_of(upsert, by, &mut problems);
    finish(context, Opened { top, kind, by, keep, problems }, envelope).await
}

/// Reads a body of contacts/add and submits its batch.
///
/// # Errors
/// See [`Refusal`].
pub async fn add(context: Context<'_>, body: &[u8]) -> Result<Accepted> {
    let mut problems = Vec::new();
    let envelope = ADD_BODY.read(body).ok_or_else(problem::bad_request)?;
    let list = context.list(envelope.members.get(0), &mut problems).await?;
    let top = read_top(list, &envelope.members, &mut problems);
    let keep = read_keep(envelope.members.get(4), &mut problems);
    finish(context, Opened { top, kind: BatchKind::Add, by: None, keep, problems }, envelope).await
}

/// Reads and checks a body of contacts/update as far as that needs no store, and encodes its items: what a fuzzer tries.
///
/// # Errors
/// All that is wrong.
pub fn check_update(body: &[u8], list: Option<&List>) -> Result<Vec<u8>, Vec<Problem>> {
    let mut problems = Vec::new();
    let envelope = UPDATE_BODY.read(body).ok_or_else(|| vec![problem::bad_request()])?;
    read_top(None, &envelope.members, &mut problems);
    read_keep(envelope.members.get(6), &mut problems);
    let upsert = read_flag("upsert", envelope.members.get(4), &mut problems);
    let by = read_contact_by(envelope.members.get(5), &mut problems);
    let asked = (kind_of(upsert, by, &mut problems), by);
    let mut contacts = check_contacts(&envelope.objects, asked, list, &mut problems);
    for contact in &mut contacts {
        problems.append(&mut contact.problems);
    }
    problems.truncate(MAX_PROBLEMS);
    if problems.is_empty() {
        Ok(encode(&mut contacts, &Sources::new(), false).finish())
    } else {
        Err(problems)
    }
}

/// What stands at the top of both bodies.
struct Top {
    list: Option<Arc<List>>,
    webhook: Option<WebHook>,
    dry_run: bool,
    restore_erased: bool,
}

/// A body of which the top is read.
struct Opened {
    top: Top,
    kind: BatchKind,
    /// What every `contact` is, where the caller says it.
    by: Option<ContactBy>,
    /// Whether the request says that flags that were set to false stay so.
    keep: bool,
    problems: Vec<Problem>,
}

fn kind_of(upsert: bool, by: Option<ContactBy>, problems: &mut Vec<Problem>) -> BatchKind {
    if by == Some(ContactBy::Id) {
        if upsert {
            problems.push(problem::upsert_by_id());
        }
        return BatchKind::UpdateByNumber;
    }
    BatchKind::update(upsert, by.is_some())
}

fn read_contact_by(raw: Option<Raw<'_>>, problems: &mut Vec<Problem>) -> Option<ContactBy> {
    let text = raw?.as_trimmed();
    let by = text.as_deref().and_then(ContactBy::named);
    if by.is_none() {
        problems.push(problem::contact_by());
    }
    by
}

fn read_top<const N: usize>(
    list: Option<Arc<List>>,
    members: &Members<'_, N>,
    problems: &mut Vec<Problem>,
) -> Top {
    Top {
        list,
        webhook: read_webhook(members.get(1), problems),
        dry_run: read_flag("dryRun", members.get(2), problems),
        restore_erased: read_flag("restoreErased", members.get(3), problems),
    }
}

async fn finish<const N: usize>(
    mut context: Context<'_>,
    opened: Opened,
    envelope: Envelope<'_, N, KEY_COUNT>,
) -> Result<Accepted> {
    let Opened { top: Top { list, webhook, dry_run, restore_erased }, kind, by, keep, mut problems } = opened;
    if let Some(list) = list.as_ref().filter(|_| !dry_run)
        && let Some(known) = context.known(list.no).await?
    {
        return Ok(known);
    }
    let mut warnings: Vec<_> = envelope.members.unknown.into_iter().map(problem::unknown_field).collect();
    let mut contacts = check_contacts(&envelope.objects, (kind, by), list.as_deref(), &mut problems);
    let sources = find_sources(context.queries, context.caller, &mut contacts).await?;
    for contact in &mut contacts {
        problems.append(&mut contact.problems);
        warnings.append(&mut contact.warnings);
    }
    let Some(list) = list.filter(|_| problems.is_empty()) else {
        problems.truncate(MAX_PROBLEMS);
        return Err(Refusal::Invalid(problems));
    };
    context.submission.warnings = warnings;
    let keep = keep || list.opt_out() == OptOut::Keep;
    let items = encode(&mut contacts, &sources, keep);
    let batch = ContactBatch { list: &list, kind, items, webhook, restore_erased, dry_run };
    context.commands.change_contacts(context.caller, context.submission, batch).await
}

fn check_contacts<'a>(
    objects: &Objects<'a, KEY_COUNT>,
    asked: (BatchKind, Option<ContactBy>),
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
                    Some(members) => CheckedContact::check(members, position, asked, list),
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
    queries: &Queries,
    caller: &Caller,
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
            Some(reference) => queries.source(caller, reference).await?,
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

fn encode(contacts: &mut [CheckedContact<'_>], sources: &Sources, keep: bool) -> ContactItems {
    let mut items = ContactItems::new(keep);
    for contact in contacts {
        let source = contact.source.take().and_then(|named| sources.get(&(named.field, named.text)).copied());
        if let Some(source) = source {
            contact.patch.set_source(Some(source));
        }
        items.push(&mut contact.patch);
    }
    items
}
