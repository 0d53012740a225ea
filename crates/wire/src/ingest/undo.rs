//! `POST /v3/request/undo`: its body.

use super::Context;
use super::top::{WEB_HOOK_URI, read_webhook};
use app::accept::Accepted;
use app::{Refusal, Result};
use domain::id::ObjectId;
use domain::json::{Keys, Raw, read_body};
use domain::problem;
use domain::schema::{FieldSpec, ValueType};

/// The keys of the body.
pub const UNDO: [FieldSpec; 3] = [
    FieldSpec::required(
        "requestId",
        ValueType::filled(usize::MAX),
        "The id of the request that is to be undone.",
    ),
    WEB_HOOK_URI,
    FieldSpec::optional(
        "contactListId",
        ValueType::TEXT,
        "The list of the request: a request of another list is then not found.",
    ),
];

/// Reads a body and undoes a request.
///
/// # Errors
/// See [`Refusal`].
pub async fn accept(mut context: Context<'_>, body: &[u8]) -> Result<Accepted> {
    let members = read_body(body, &Keys::of(&UNDO)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let id = read_id(members.get(0)).map_err(|problem| problems.push(problem)).ok();
    let mut target = None;
    if let Some(text) = &id {
        if let Some(id) = ObjectId::parse(text) {
            target = context.queries.undo_target(context.caller, id).await?;
        }
        if let Some(list) = members.get(2) {
            let list = list.as_trimmed().and_then(|text| ObjectId::parse(&text));
            target = target.filter(|target| list == Some(target.list_id()));
        }
        match &target {
            None => problems.push(problem::request_not_found(text)),
            Some(target) => {
                if let Some(known) = context.known(target.list()).await? {
                    return Ok(known);
                }
                problems.extend(context.queries.undo_obstacle(context.caller, target).await?);
            }
        }
    }
    let webhook = read_webhook(members.get(1), &mut problems);
    let Some(target) = target.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    context.submission.warnings = members.unknown.into_iter().map(problem::unknown_field).collect();
    context.commands.undo(context.caller, context.submission, target, webhook).await
}

fn read_id(raw: Option<Raw<'_>>) -> Result<String, problem::Problem> {
    let text = raw.ok_or_else(|| problem::required("requestId"))?.as_trimmed();
    text.filter(|text| !text.is_empty()).map(std::borrow::Cow::into_owned).ok_or_else(problem::request_id)
}
