//! `/v3/contact-list/update` and `/v3/contact-list/remove`

use super::{GROUP, IGNORED, OPT_OUT, read_name, read_opt_out, unknown};
use crate::call::{Answer, Call, Nothing, Outcome};
use crate::method::{Body, Example, Method};
use app::Refusal;
use app::lists::{self, ListUpdate, MAX_NAME, not_confirmed};
use domain::json::{Keys, Raw, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use wire::ingest::list::LIST_ID;

/// `POST /v3/contact-list/update`
pub static UPDATE: Method = Method {
    operation: &lists::UPDATE,
    group: &GROUP,
    summary: "Change the name or the rules of a list",
    text: "Its id, its contacts and its variables stay as they are. Keys that are absent change nothing.",
    body: Body { params: &[&RENAMED, &IGNORED], optional: false },
    examples: &[
        Example {
            summary: "Another name",
            body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","contactListName":"Clients"}"#,
            answer: r#"{"result":true}"#,
        },
        Example {
            summary: "A no stays a no",
            body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","optOut":"keep"}"#,
            answer: r#"{"result":true}"#,
        },
    ],
    handler: &update,
};

const RENAMED: [FieldSpec; 3] = [
    LIST_ID,
    FieldSpec::optional(
        "contactListName",
        ValueType::filled(MAX_NAME),
        "The new name of the list. Required, unless `optOut` is given.",
    ),
    OPT_OUT,
];

async fn update(call: Call) -> Outcome<Nothing> {
    let body = read_body(&call.body, &Keys::of(&RENAMED)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = call.list(body.get(0), &mut problems).await?;
    let name = match body.get(1) {
        None if body.get(2).is_some() => None,
        name => read_name(name).map_err(|problem| problems.push(problem)).ok(),
    };
    let opt_out = read_opt_out(body.get(2)).map_err(|problem| problems.push(problem)).unwrap_or_default();
    let Some(list) = list.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    call.app.commands.update_list(&call.caller, &list, ListUpdate { name, opt_out }).await?;
    Ok(Answer::new(Nothing {}).warn(unknown(body.unknown)))
}

/// `POST /v3/contact-list/remove`
pub static REMOVE: Method = Method {
    operation: &lists::REMOVE,
    group: &GROUP,
    summary: "Remove a list with its contacts",
    text: "The list is gone at once; its contacts are deleted after that, within minutes. Batches that wait for it \
           end in `LIST_NOT_FOUND`. Where it was the account's default list, the oldest of the others is from then \
           on. It cannot be undone.",
    body: Body { params: &[&CONFIRMED, &IGNORED], optional: false },
    examples: &[Example {
        summary: "A list and all that is in it",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","confirm":"Clients"}"#,
        answer: r#"{"result":true}"#,
    }],
    handler: &remove,
};

const CONFIRMED: [FieldSpec; 2] = [
    LIST_ID,
    FieldSpec::required(
        "confirm",
        ValueType::text(MAX_NAME),
        "The list's present name, to show that it is meant.",
    ),
];

async fn remove(call: Call) -> Outcome<Nothing> {
    let body = read_body(&call.body, &Keys::of(&CONFIRMED)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = call.list(body.get(0), &mut problems).await?;
    let name = read_confirm(body.get(1)).map_err(|problem| problems.push(problem)).ok();
    let (Some(list), Some(name)) = (list, name) else { return Err(Refusal::Invalid(problems)) };
    call.app.commands.remove_list(&call.caller, &list, name).await?;
    Ok(Answer::new(Nothing {}).warn(unknown(body.unknown)))
}

fn read_confirm(raw: Option<Raw<'_>>) -> Result<String, Problem> {
    let raw = raw.ok_or_else(|| problem::required("confirm"))?;
    raw.as_text().map(std::borrow::Cow::into_owned).ok_or_else(not_confirmed)
}
