//! `/v3/contact-list/update` and `/v3/contact-list/remove`

use super::{read_name, unknown};
use crate::http::call::{Answer, Call, Outcome};
use crate::intake::problem::{self, Problem};
use crate::intake::update::{Refusal, find_list};
use crate::json::{Keys, Raw, read_body};

/// `POST /v3/contact-list/update`: gives a list another name.
pub async fn update(call: Call) -> Outcome {
    let keys = Keys(["contactListId", "contactListName"]);
    let body = read_body(&call.body, &keys).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = find_list(&call.app.catalogue, call.caller.account, body.get(0), &mut problems).await?;
    let name = read_name(body.get(1)).map_err(|problem| problems.push(problem)).ok();
    let (Some(list), Some(name)) = (list, name) else { return Err(Refusal::Invalid(problems)) };
    let renamed = call.app.storage.rename_list(list.no, name, call.app.clock.now()).await;
    let renamed = renamed.map_err(Refusal::NotSaved)?;
    call.app.catalogue.changed();
    if !renamed {
        return Err(problem::list_not_found(&list.id.to_string()).into());
    }
    Ok(Answer::default().warn(unknown(body.unknown)))
}

/// `POST /v3/contact-list/remove`: with its contacts, which go as pruning gets to them.
pub async fn remove(call: Call) -> Outcome {
    let keys = Keys(["contactListId", "confirm"]);
    let body = read_body(&call.body, &keys).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = find_list(&call.app.catalogue, call.caller.account, body.get(0), &mut problems).await?;
    let name = read_confirm(body.get(1)).map_err(|problem| problems.push(problem)).ok();
    let (Some(list), Some(name)) = (list, name) else { return Err(Refusal::Invalid(problems)) };
    // The store compares: a list that was renamed a moment ago is not removed by its old name.
    let removed = call.app.storage.remove_list(list.no, name).await.map_err(Refusal::NotSaved)?;
    call.app.catalogue.changed();
    if removed {
        return Ok(Answer::default().warn(unknown(body.unknown)));
    }
    let id = list.id.to_string();
    let still_there = call.app.catalogue.list(call.caller.account, &id).await?.is_some();
    Err(if still_there { confirm() } else { problem::list_not_found(&id) }.into())
}

fn read_confirm(raw: Option<Raw<'_>>) -> Result<String, Problem> {
    let raw = raw.ok_or_else(|| problem::required("confirm"))?;
    raw.as_text().map(std::borrow::Cow::into_owned).ok_or_else(confirm)
}

fn confirm() -> Problem {
    let text = "Argument confirm must be the name of the contact list";
    Problem::new("INVALID_CONFIRM", text).of("confirm")
}
