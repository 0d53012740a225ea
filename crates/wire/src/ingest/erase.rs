//! `POST /v3/contact/erase`: its body.

use super::top::{WEB_HOOK_URI, read_webhook};
use super::{Context, identifiers};
use app::accept::Accepted;
use app::{Refusal, Result};
use domain::journal::ListNo;
use domain::json::{Keys, read_body};
use domain::problem;
use domain::schema::FieldSpec;

/// The keys of the body.
pub const ERASE: [FieldSpec; 5] = {
    let [user_id, email, phone_number, external_id] = identifiers::PARAMS;
    [user_id, email, phone_number, external_id, WEB_HOOK_URI]
};

/// Reads a body and erases a person.
///
/// # Errors
/// See [`Refusal`].
pub async fn accept(mut context: Context<'_>, body: &[u8]) -> Result<Accepted> {
    let members = read_body(body, &Keys::of(&ERASE)).ok_or_else(problem::bad_request)?;
    if let Some(known) = context.known(ListNo::NONE).await? {
        return Ok(known);
    }
    let mut problems = Vec::new();
    let given = identifiers::read([0, 1, 2, 3].map(|place| members.get(place)), &mut problems);
    let webhook = read_webhook(members.get(4), &mut problems);
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    context.submission.warnings = members.unknown.into_iter().map(problem::unknown_field).collect();
    context.commands.erase(context.caller, context.submission, &given, webhook).await
}
