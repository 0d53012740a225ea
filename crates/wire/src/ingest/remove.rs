//! `POST /v3/contacts/remove`: its body.

use super::Context;
use super::list::LIST_ID;
use super::top::{DRY_RUN, WEB_HOOK_URI, read_webhook};
use app::accept::Accepted;
use app::contacts::{MAX_CONTACTS, Removal};
use app::{Refusal, Result};
use domain::argument::read_flag;
use domain::contact::identifier::IdentifierKind;
use domain::journal::ItemsWriter;
use domain::json::{Keys, Members, Raw, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};

/// The keys of the body.
pub const REMOVE: [FieldSpec; 6] = [
    LIST_ID,
    WEB_HOOK_URI,
    DRY_RUN,
    named("emails", "E-mail addresses of contacts; compared without case."),
    named("phoneNumbers", "Phone numbers of contacts; compared exactly."),
    named("userIds", "userIds of contacts; compared exactly."),
];

const fn named(name: &'static str, text: &'static str) -> FieldSpec {
    FieldSpec::optional(name, ValueType::Array { of: &ValueType::TEXT, min: 0, max: MAX_CONTACTS }, text)
}

/// The arrays of identifiers, in the order in which their entries are applied, with the name of one entry.
const ARRAYS: [(usize, &str, &str, IdentifierKind); 3] = [
    (3, "emails", "email", IdentifierKind::Email),
    (4, "phoneNumbers", "phoneNumber", IdentifierKind::PhoneNumber),
    (5, "userIds", "userId", IdentifierKind::UserId),
];

/// Reads a body and removes contacts, or tries it out.
///
/// # Errors
/// See [`Refusal`].
pub async fn accept(mut context: Context<'_>, body: &[u8]) -> Result<Accepted> {
    let members = read_body(body, &Keys::of(&REMOVE)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = context.list(members.get(0), &mut problems).await?;
    let webhook = read_webhook(members.get(1), &mut problems);
    let dry_run = read_flag("dryRun", members.get(2), &mut problems);
    if let Some(list) = list.as_ref().filter(|_| !dry_run)
        && let Some(known) = context.known(list.no).await?
    {
        return Ok(known);
    }
    let items = read_identifiers(&members, &mut problems);
    let Some(list) = list.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    context.submission.warnings = members.unknown.into_iter().map(problem::unknown_field).collect();
    let removal = Removal { list: &list, items, webhook, dry_run };
    context.commands.remove_contacts(context.caller, context.submission, removal).await
}

fn read_identifiers(members: &Members<'_, 6>, problems: &mut Vec<Problem>) -> ItemsWriter {
    let before = problems.len();
    let arrays = ARRAYS.map(|(place, ..)| members.get(place).map(Raw::elements));
    let count: usize = arrays.iter().flatten().flatten().map(Vec::len).sum();
    let mut items = ItemsWriter::default();
    for ((_, plural, single, kind), elements) in ARRAYS.into_iter().zip(arrays) {
        match elements {
            None => {}
            Some(None) => problems.push(problem::not_a_list(plural)),
            // More than are allowed are counted, and not looked at.
            Some(Some(_)) if count > MAX_CONTACTS => {}
            Some(Some(elements)) => {
                let texts: Option<Vec<_>> = elements.into_iter().map(Raw::as_trimmed).collect();
                match texts {
                    Some(texts) => texts.iter().for_each(|text| items.add(kind, text, &[])),
                    None => problems.push(problem::entry_not_a_string(plural, single)),
                }
            }
        }
    }
    if count > MAX_CONTACTS {
        problems.push(problem::too_many_records(count));
    } else if count == 0 && problems.len() == before {
        problems.push(problem::nobody_to_remove());
    }
    items
}
