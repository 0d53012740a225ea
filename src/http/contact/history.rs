//! `/v3/contact/history`

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::show::{show_cac, show_field};
use crate::app::Refusal;
use crate::app::contacts::read;
use crate::clock::Timestamp;
use crate::contact::amount::Cac;
use crate::contact::field::{Field, Key};
use crate::contact::record::Malformed;
use crate::history::ChangeKind;
use crate::http::call::{Answer, Call, Outcome};
use crate::http::method::{Body, Example, Method};
use crate::http::page::{self, LIMIT_KEY, OFFSET_KEY, Paged};
use crate::id::ObjectId;
use crate::intake::identifiers;
use crate::intake::list::LIST_ID;
use crate::json::{Keys, read_body};
use crate::param::Param;
use crate::problem;
use crate::storage::{ContactChange, Error, List, Page, Source};

/// `POST /v3/contact/history`
pub static HISTORY: Method = Method {
    operation: &read::HISTORY,
    group: &super::GROUP,
    summary: "The changes of a contact, with their times and requests",
    text: "The newest change first, with each field's old and new value. Contacts are looked up by current \
        identifiers, then by former ones; removed contacts are included. Changes are stored for 90 days, unless \
        the operator has configured another time; those of an erased person are deleted. At most the newest \
        10,000 changes are counted and returned; `complete` is then false. If changes are very large, an answer has \
        fewer than `limit`, and the next page begins behind them.",
    body: Body { params: &[&HISTORY_OF], optional: false },
    examples: &[
        Example {
            summary: "The newest change of a contact",
            body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","userId":"myUserId","limit":1}"#,
            answer: r#"{"result":true,"contactId":"5d9155ba4e38b10000000001","data":[{
                "changedAt":"2026-10-14 09:30:02","action":"updated","requestId":"5d915c22d132d5f45a4e38be",
                "source":"contacts/update","token":"0123456789abcdef",
                "changes":[{"field":"firstName","old":"John","new":"Jo"}]}],
                "totalCount":2,"offset":0,"limit":1,"complete":true,"errors":[]}"#,
        },
        Example {
            summary: "Nobody",
            body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","userId":"somebody else"}"#,
            answer: r#"{"result":true,"contactId":null,"data":[],"totalCount":0,"offset":0,"limit":20,"complete":true,"errors":[]}"#,
        },
    ],
    handler: &history,
};

const HISTORY_OF: [Param; 7] = {
    let [user_id, email, phone_number, external_id] = identifiers::PARAMS;
    [LIST_ID, user_id, email, phone_number, external_id, OFFSET_KEY, LIMIT_KEY]
};

/// What contact/history answers.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Told {
    /// The contact; null if none was found.
    contact_id: Option<ObjectId>,
    #[serde(flatten)]
    page: Paged<ShownChange>,
    /// Whether `totalCount` counts all changes that are stored. If false, there are older ones than the newest 10,000.
    complete: bool,
}

/// A change of a contact.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Change")]
pub struct ShownChange {
    /// When it was applied.
    changed_at: Timestamp,
    /// The action.
    #[schemars(extend("enum" = ["created", "updated", "removed"]))]
    action: &'static str,
    /// By which request.
    request_id: ObjectId,
    /// The method that was called.
    #[schemars(schema_with = "crate::report::sources")]
    source: &'static str,
    /// The key of the token, as `rollbook token list` shows it; `user:` and the id of the user for the console.
    token: String,
    /// The fields.
    changes: Vec<ShownField>,
}

/// A change of a field.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FieldChange")]
struct ShownField {
    /// Its name; that of a variable stands behind `variables.`.
    field: String,
    /// Its old value, as contact/get shows it.
    old: Value,
    /// Its new value.
    new: Value,
}

async fn history(call: Call) -> Outcome<Told> {
    let body = read_body(&call.body, &Keys::of(&HISTORY_OF)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = call.list(body.get(0), &mut problems).await?;
    let identifiers = identifiers::read([1, 2, 3, 4].map(|place| body.get(place)), &mut problems);
    let window = page::read_window(body.get(5), body.get(6), &mut problems);
    let Some(list) = list.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    let found = call.app.queries.history(&call.caller, &list, identifiers, window).await?;
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    let Some(found) = found else {
        let page = Paged::of(Page { rows: Vec::new(), total: 0 }, window, |change: ShownChange| change);
        return Ok(Answer::new(Told { contact_id: None, page, complete: true }).warn(warnings));
    };
    let rows = show_changes(&found.changes, &list, &found.sources)?;
    let page = Paged::of(Page { rows, total: found.total }, window, |change| change);
    let contact_id = Some(ObjectId::of_contact(list.id, found.number.0));
    Ok(Answer::new(Told { contact_id, page, complete: found.complete }).warn(warnings))
}

/// Changes of a contact of a list, in words.
///
/// # Errors
/// Where what is stored does not read.
pub fn show_changes(
    changes: &[ContactChange],
    list: &List,
    sources: &HashMap<u64, Source>,
) -> Result<Vec<ShownChange>, Error> {
    let names: HashMap<_, _> =
        list.variables.iter().map(|variable| (variable.number, variable.name.as_str())).collect();
    let shown = changes.iter().map(|change| show_change(change, &names, sources)).collect::<Result<_, _>>();
    shown.map_err(|malformed| Error::Damaged(malformed.to_string()))
}

fn show_change(
    change: &ContactChange,
    names: &HashMap<u32, &str>,
    sources: &HashMap<u64, Source>,
) -> Result<ShownChange, Malformed> {
    let mut changes = Vec::with_capacity(change.fields.len());
    // The values of a variable that was removed are on their way out, and are shown no more.
    let is_kept = |key: Key| key.variable().is_none_or(|number| names.contains_key(&number));
    for field in change.fields.iter().filter(|field| is_kept(field.key)) {
        changes.push(ShownField {
            field: field.key.name(|number| names.get(&number).copied()),
            old: show_value(field.key, &field.old, sources)?,
            new: show_value(field.key, &field.new, sources)?,
        });
    }
    Ok(ShownChange {
        changed_at: change.at,
        action: match change.kind {
            ChangeKind::Created => "created",
            ChangeKind::Updated | ChangeKind::Erased => "updated",
            ChangeKind::Removed => "removed",
        },
        request_id: change.request,
        source: change.asked.source(),
        token: change.token.clone(),
        changes,
    })
}

/// A stored value, empty where there was none.
///
/// # Errors
/// What is stored does not read.
pub fn show_value(key: Key, stored: &[u8], sources: &HashMap<u64, Source>) -> Result<Value, Malformed> {
    let stored = Some(stored).filter(|stored| !stored.is_empty());
    match (Field::of_key(key), stored) {
        (Some(Field::Source), Some(stored)) => {
            let no = u64::from_le_bytes(stored.try_into().map_err(|_| Malformed)?);
            // Of a source that was removed nothing is left to show.
            Ok(json!(sources.get(&no).map(|source| source.id)))
        }
        (Some(Field::Cac), Some(stored)) => Ok(json!(show_cac(&Cac::from_bytes(stored).ok_or(Malformed)?))),
        (Some(Field::Source | Field::Cac), None) => Ok(Value::Null),
        (Some(field), stored) => show_field(field, stored),
        (None, stored) => Ok(json!(stored.map(std::str::from_utf8).transpose().map_err(|_| Malformed)?)),
    }
}
