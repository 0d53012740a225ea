//! `POST /v3/contacts/remove`: from the body to a batch that waits.

use super::accept::{self, Accepted, Sender};
use super::contacts::MAX_CONTACTS;
use super::list::{LIST_ID, find_list};
use super::problem::{self, Problem};
use super::refusal::Refusal;
use super::top::{DRY_RUN, WEB_HOOK_URI, read_flag, read_webhook};
use super::writer::Writer;
use crate::catalogue::Catalogue;
use crate::contact::identifier::IdentifierKind;
use crate::journal::{Batch, BatchKind, ItemsWriter};
use crate::json::{Keys, Members, Raw, read_body};
use crate::param::{Param, Shape};

/// The keys of the body.
pub const REMOVE: [Param; 6] = [
    LIST_ID,
    WEB_HOOK_URI,
    DRY_RUN,
    named("emails", "E-mail addresses of contacts; compared without case."),
    named("phoneNumbers", "Phone numbers of contacts; compared exactly."),
    named("userIds", "userIds of contacts; compared exactly."),
];

const fn named(name: &'static str, text: &'static str) -> Param {
    Param::optional(name, Shape::Array { of: &Shape::TEXT, min: 0, max: MAX_CONTACTS }, text)
}

/// The arrays of identifiers, in the order in which their entries are applied, with the name of one entry.
const ARRAYS: [(usize, &str, &str, IdentifierKind); 3] = [
    (3, "emails", "email", IdentifierKind::Email),
    (4, "phoneNumbers", "phoneNumber", IdentifierKind::PhoneNumber),
    (5, "userIds", "userId", IdentifierKind::UserId),
];

/// Checks a body and makes its batch durable, or tries it out.
///
/// # Errors
/// See [`Refusal`]; nothing is kept then, save where the outcome is unknown.
pub async fn accept(
    catalogue: &Catalogue,
    writer: &Writer,
    sender: Sender,
    body: &[u8],
) -> Result<Accepted, Refusal> {
    let members = read_body(body, &Keys::of(&REMOVE)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = find_list(catalogue, &sender.viewer, members.get(0), &mut problems).await?;
    let webhook = read_webhook(members.get(1), &mut problems);
    let dry_run = read_flag("dryRun", members.get(2), &mut problems);
    if let Some(list) = list.as_ref().filter(|_| !dry_run)
        && let Some(before) = accept::before(writer, &sender, list.no).await?
    {
        return Ok(before);
    }
    let items = read_identifiers(&members, &mut problems);
    let Some(list) = list.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    let warnings = members.unknown.into_iter().map(problem::unknown_field).collect();
    let batch = Batch {
        request: sender.request,
        account: sender.viewer.account,
        list: list.no,
        list_id: list.id,
        token: sender.token.clone(),
        kind: BatchKind::Remove,
        accepted_at: sender.now,
        webhook,
        restore_erased: false,
        once: None,
        items,
    };
    if dry_run {
        return accept::try_out(writer, sender.now, batch, warnings).await;
    }
    accept::keep(writer, sender, batch, warnings).await
}

fn read_identifiers(members: &Members<'_, 6>, problems: &mut Vec<Problem>) -> Vec<u8> {
    let (mut items, mut count) = (ItemsWriter::default(), 0);
    let before = problems.len();
    for (place, plural, single, kind) in ARRAYS {
        let Some(raw) = members.get(place) else { continue };
        let Some(elements) = raw.elements() else {
            problems.push(problem::not_a_list(plural));
            continue;
        };
        count += elements.len();
        // More than are allowed are counted, and not looked at.
        let elements = if count > MAX_CONTACTS { &[][..] } else { &elements[..] };
        let texts: Option<Vec<_>> = elements.iter().map(|element| Raw::as_text(*element)).collect();
        match texts {
            Some(texts) => texts.iter().for_each(|text| items.add(kind, text, &[])),
            None => problems.push(problem::entry_not_a_string(plural, single)),
        }
    }
    if count > MAX_CONTACTS {
        problems.truncate(before);
        problems.push(problem::too_many_records(count));
    } else if count == 0 && problems.len() == before {
        problems.push(problem::nobody_to_remove());
    }
    items.finish()
}
