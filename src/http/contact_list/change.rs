//! `/v3/contact-list/update` and `/v3/contact-list/remove`

use super::{GROUP, IGNORED, MAX_NAME, read_name, unknown};
use crate::http::call::{Answer, Call, Nothing, Outcome};
use crate::http::method::{Access, Body, Example, Method, Reach};
use crate::intake::list::{LIST_ID, find_list};
use crate::intake::problem::{self, Problem};
use crate::intake::refusal::Refusal;
use crate::json::{Keys, Raw, read_body};
use crate::param::{Param, Shape};

/// `POST /v3/contact-list/update`
pub static UPDATE: Method = Method {
    path: "/v3/contact-list/update",
    group: &GROUP,
    summary: "Give a list another name",
    text: "Its id, its contacts and its variables stay as they are.",
    access: Access::Write,
    reach: Reach::List,
    body: Body { params: &[&RENAMED, &IGNORED], optional: false },
    examples: &[Example {
        summary: "Another name",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","contactListName":"Clients"}"#,
        answer: r#"{"result":true}"#,
    }],
    handler: &update,
};

const RENAMED: [Param; 2] =
    [LIST_ID, Param::required("contactListName", Shape::filled(MAX_NAME), "The new name of the list.")];

async fn update(call: Call) -> Outcome<Nothing> {
    let body = read_body(&call.body, &Keys::of(&RENAMED)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = find_list(&call.app.catalogue, &call.caller.viewer, body.get(0), &mut problems).await?;
    let name = read_name(body.get(1)).map_err(|problem| problems.push(problem)).ok();
    let (Some(list), Some(name)) = (list, name) else { return Err(Refusal::Invalid(problems)) };
    let renamed = call.app.storage.rename_list(list.no, name, call.app.clock.now()).await;
    let renamed = renamed.map_err(Refusal::NotSaved)?;
    call.app.catalogue.account_changed(call.caller.viewer.account);
    if !renamed {
        return Err(problem::list_not_found(&list.id.to_string()).into());
    }
    Ok(Answer::new(Nothing {}).warn(unknown(body.unknown)))
}

/// `POST /v3/contact-list/remove`
pub static REMOVE: Method = Method {
    path: "/v3/contact-list/remove",
    group: &GROUP,
    summary: "Remove a list with its contacts",
    text: "The list is gone at once; its contacts are deleted after that, within minutes. Batches that wait for it \
           end in `LIST_NOT_FOUND`. Where it was the account's default list, the oldest of the others is from then \
           on. It cannot be undone.",
    access: Access::Write,
    reach: Reach::List,
    body: Body { params: &[&CONFIRMED, &IGNORED], optional: false },
    examples: &[Example {
        summary: "A list and all that is in it",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","confirm":"Clients"}"#,
        answer: r#"{"result":true}"#,
    }],
    handler: &remove,
};

const CONFIRMED: [Param; 2] = [
    LIST_ID,
    Param::required("confirm", Shape::text(MAX_NAME), "The list's present name, to show that it is meant."),
];

async fn remove(call: Call) -> Outcome<Nothing> {
    let body = read_body(&call.body, &Keys::of(&CONFIRMED)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = find_list(&call.app.catalogue, &call.caller.viewer, body.get(0), &mut problems).await?;
    let name = read_confirm(body.get(1)).map_err(|problem| problems.push(problem)).ok();
    let (Some(list), Some(name)) = (list, name) else { return Err(Refusal::Invalid(problems)) };
    // The store compares: a list that was renamed a moment ago is not removed by its old name.
    let removed = call.app.storage.remove_list(list.no, name).await.map_err(Refusal::NotSaved)?;
    call.app.catalogue.account_changed(call.caller.viewer.account);
    if removed {
        return Ok(Answer::new(Nothing {}).warn(unknown(body.unknown)));
    }
    let id = list.id.to_string();
    let still_there = call.app.catalogue.list(&call.caller.viewer, &id).await?.is_some();
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
