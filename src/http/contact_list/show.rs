//! `/v3/contact-list/get` and `/v3/contact-list/find`

use serde::Serialize;
use serde_json::json;

use super::unknown;
use crate::contact::field::{Field, Kind};
use crate::http::call::{Answer, Call, Outcome};
use crate::http::contact::SHOWN;
use crate::http::page;
use crate::id::ObjectId;
use crate::intake::problem::{self, Problem};
use crate::intake::update::{Refusal, find_list, read_list_id};
use crate::json::{Keys, Raw, read_body};
use crate::storage::{List, ListFilter, Page, VariableKind};

/// A list as it is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListData {
    contact_list_name: String,
    contact_list_id: ObjectId,
    /// `"0"` or `"1"`: so does the vendor.
    is_default: &'static str,
    created_at: String,
    updated_at: String,
    custom_variables: Vec<VariableData>,
    default_variables: Vec<VariableData>,
}

/// A variable of a list, or a field that every contact has.
#[derive(Debug, Serialize)]
struct VariableData {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// `POST /v3/contact-list/get`
pub async fn get(call: Call) -> Outcome {
    let body = read_body(&call.body, &Keys(["contactListId"])).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = find_list(&call.app.catalogue, call.caller.account, body.get(0), &mut problems).await?;
    let Some(list) = list else { return Err(Refusal::Invalid(problems)) };
    Ok(Answer::new([("data", json!(show(&list)))]).warn(unknown(body.unknown)))
}

/// `POST /v3/contact-list/find`: an id that the account does not have matches nothing; a name is compared exactly.
pub async fn find(call: Call) -> Outcome {
    let keys = Keys(["contactListId", "contactListName", "offset", "limit"]);
    let body = read_body(&call.body, &keys).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let id =
        body.get(0).and_then(|raw| read_list_id(Some(raw)).map_err(|problem| problems.push(problem)).ok());
    let name = read_filter(body.get(1), "contactListName", &mut problems);
    let window = page::read_window(body.get(2), body.get(3), &mut problems);
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    let id = id.map(|id| ObjectId::parse(&id));
    let page = if id == Some(None) {
        Page { rows: Vec::new(), total: 0 }
    } else {
        let filter = ListFilter { id: id.flatten(), name, only: None };
        call.app.storage.find_lists(call.caller.account, filter, window).await?
    };
    Ok(page::answer(&page, window, show).warn(unknown(body.unknown)))
}

/// A text to compare with; one that is blank is as one that is left out.
fn read_filter(raw: Option<Raw<'_>>, key: &'static str, problems: &mut Vec<Problem>) -> Option<String> {
    let Some(text) = raw?.as_text() else {
        problems.push(problem::not_a_string(key));
        return None;
    };
    Some(text.into_owned()).filter(|text| !text.trim().is_empty())
}

fn show(list: &List) -> ListData {
    let about = &list.about;
    let custom = list.variables.iter().map(|variable| VariableData {
        name: variable.name.clone(),
        kind: match variable.kind {
            VariableKind::String => "string",
            VariableKind::Date => "date",
        },
    });
    ListData {
        contact_list_name: about.name.clone(),
        contact_list_id: list.id,
        is_default: if about.is_default { "1" } else { "0" },
        created_at: about.created_at.to_string(),
        updated_at: about.updated_at.to_string(),
        custom_variables: custom.collect(),
        default_variables: default_variables(),
    }
}

/// What every contact has, as contact/get answers it: those whose value stands alone.
fn default_variables() -> Vec<VariableData> {
    let fields = SHOWN.iter().map(|field| (field.name(), field_type(*field)));
    let others = [
        ("createdAt", "datetime"),
        ("updatedAt", "datetime"),
        ("sourceName", "string"),
        ("sourceId", "string"),
        ("customerSourceId", "string"),
    ];
    fields.chain(others).map(|(name, kind)| VariableData { name: name.to_owned(), kind }).collect()
}

const fn field_type(field: Field) -> &'static str {
    match field.kind() {
        Some(Kind::Flag) => "bool",
        Some(Kind::Birthday) => "date",
        Some(Kind::Gender | Kind::Score) => "integer",
        _ => "string",
    }
}
