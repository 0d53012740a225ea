//! `POST /v3/contacts/merge`: its body.

use super::Context;
use super::list::LIST_ID;
use super::top::{DRY_RUN, WEB_HOOK_URI, read_webhook};
use app::accept::Accepted;
use app::duplicates::Merge;
use app::{Refusal, Result};
use domain::apply::merge::{Asked, Side};
use domain::argument::read_flag;
use domain::contact::choice::Flags;
use domain::contact::field::{Field, Key};
use domain::id::ObjectId;
use domain::journal::ContactNo;
use domain::json::{Keys, Raw, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use storage::List;

/// The keys of the body.
pub const MERGE: [FieldSpec; 7] = [
    LIST_ID,
    WEB_HOOK_URI,
    DRY_RUN,
    FieldSpec::required("winner", ValueType::filled(usize::MAX), "The id of the contact that stays."),
    FieldSpec::required("loser", ValueType::filled(usize::MAX), "The id of the contact that is removed."),
    FieldSpec::optional("fromLoser", NAMES, "Fields whose value is the loser's, where the loser has one."),
    FieldSpec::optional(
        "fromWinner",
        NAMES,
        "Fields that stay as the winner has them, also where it has none.",
    ),
];

/// Names of fields; a variable is `variables.` and its name.
const NAMES: ValueType = ValueType::Array { of: &ValueType::TEXT, min: 0, max: 600 };

/// Reads a body and merges two contacts, or tries it out.
///
/// # Errors
/// See [`Refusal`].
pub async fn accept(mut context: Context<'_>, body: &[u8]) -> Result<Accepted> {
    let members = read_body(body, &Keys::of(&MERGE)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = context.list(members.get(0), &mut problems).await?;
    let webhook = read_webhook(members.get(1), &mut problems);
    let dry_run = read_flag("dryRun", members.get(2), &mut problems);
    if let Some(list) = list.as_ref().filter(|_| !dry_run)
        && let Some(known) = context.known(list.no).await?
    {
        return Ok(known);
    }
    let winner = read_contact("winner", members.get(3), list.as_deref(), &mut problems);
    let loser = read_contact("loser", members.get(4), list.as_deref(), &mut problems);
    if winner.is_some_and(|winner| winner.0 > 0) && winner == loser {
        problems.push(problem::same_contact());
    }
    let mut rules = Vec::new();
    for (place, name, from) in [(5, "fromLoser", Side::Loser), (6, "fromWinner", Side::Winner)] {
        for key in read_names(name, members.get(place), list.as_deref(), &mut problems) {
            if rules.iter().any(|(known, _)| *known == key) {
                problems.push(problem::merge_field(name));
            } else {
                rules.push((key, from));
            }
        }
    }
    let (Some(list), Some(winner), Some(loser)) = (list.filter(|_| problems.is_empty()), winner, loser)
    else {
        return Err(Refusal::Invalid(problems));
    };
    context.submission.warnings = members.unknown.into_iter().map(problem::unknown_field).collect();
    let merge = Merge { list: &list, asked: Asked { winner, loser, rules }, webhook, dry_run };
    context.commands.merge_contacts(context.caller, context.submission, merge).await
}

fn read_contact(
    name: &'static str,
    raw: Option<Raw<'_>>,
    list: Option<&List>,
    problems: &mut Vec<Problem>,
) -> Option<ContactNo> {
    let Some(raw) = raw else {
        problems.push(problem::required(name));
        return None;
    };
    let id = raw.as_trimmed().as_deref().and_then(ObjectId::parse);
    if id.is_none() {
        problems.push(problem::contact_id(name));
    }
    // Contacts are numbered from 1: one of another list is not found.
    let number = id?.contact_number(list?.id).unwrap_or_default();
    Some(ContactNo(number))
}

fn read_names(
    name: &'static str,
    raw: Option<Raw<'_>>,
    list: Option<&List>,
    problems: &mut Vec<Problem>,
) -> Vec<Key> {
    let Some(raw) = raw else { return Vec::new() };
    let Some(elements) = raw.elements() else {
        problems.push(problem::not_a_list(name));
        return Vec::new();
    };
    let mut keys = Vec::new();
    for element in elements {
        let text = element.as_trimmed();
        match text.as_deref().map(|text| key_of(text, list)) {
            Some(Ok(key)) => keys.extend(key),
            Some(Err(Unknown)) | None => problems.push(problem::merge_field(name)),
        }
    }
    keys
}

/// A name that is none of a field.
struct Unknown;

/// The key of a field or variable; flags follow a rule of their own. Without a list, which is reported already, no variable
/// has a key.
fn key_of(name: &str, list: Option<&List>) -> Result<Option<Key>, Unknown> {
    if let Some(variable) = name.strip_prefix("variables.") {
        let Some(list) = list else { return Ok(None) };
        return list.variable(variable).map(|it| Some(Key::of_variable(it.number))).ok_or(Unknown);
    }
    let field = Field::ALL.into_iter().find(|field| field.name() == name).ok_or(Unknown)?;
    if Flags::of_key(field.key()).is_some() { Err(Unknown) } else { Ok(Some(field.key())) }
}
