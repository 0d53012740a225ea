//! `/v3/contact-list/…`

pub mod change;
pub mod show;
pub mod variables;

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::call::{Answer, Call, Nothing, Outcome};
use super::method::{Access, Body, Example, Group, Method, Reach};
use crate::id::ObjectId;
use crate::intake::check::fits;
use crate::intake::list::{LIST_ID, find_list};
use crate::intake::problem::{self, Problem};
use crate::intake::refusal::Refusal;
use crate::intake::variables::{NAME, check_name};
use crate::json::{Keys, Members, Raw, read_body};
use crate::param::{Param, Shape};
use crate::storage::{AddError, List, VariableKind};

/// The longest name of a list, in Unicode scalar values.
const MAX_NAME: usize = 150;

/// The most variables of one call.
const MAX_VARIABLES_OF_CALL: usize = 100;

/// The most variables of a list.
const MAX_VARIABLES: usize = 500;

const IGNORED_TEXT: &str = "Accepted and ignored: of the vendor's sending domains, which are not ours.";

const DOMAIN_TEXT: &str = "A sending domain of the vendor, which this server does not have. If it is given and \
                           `contactListId` is not, the account's default list is meant.";

/// The keys that stand for the account's default list.
const DOMAIN: [Param; 2] = [
    Param::optional("domainId", Shape::Any, DOMAIN_TEXT),
    Param::optional("domain", Shape::Any, DOMAIN_TEXT),
];

/// Keys that no warning is given for.
const IGNORED: [Param; 4] = [
    Param::optional("domainId", Shape::Any, IGNORED_TEXT),
    Param::optional("domain", Shape::Any, IGNORED_TEXT),
    SENDER[0],
    SENDER[1],
];

const SENDER: [Param; 2] = [
    Param::optional("senderName", Shape::Any, IGNORED_TEXT),
    Param::optional("senderEmail", Shape::Any, IGNORED_TEXT),
];

static GROUP: Group = Group {
    name: "Contact lists",
    text: "A list holds contacts and defines their variables. Contacts of two lists have nothing to do with each \
           other.",
};

/// `POST /v3/contact-list/create`
pub static CREATE: Method = Method {
    path: "/v3/contact-list/create",
    group: &GROUP,
    summary: "Make a list",
    text: "The list is empty and has no variables. Two lists may have one name.",
    access: Access::Write,
    reach: Reach::Account,
    body: Body { params: &[&NEW_LIST, &IGNORED], optional: false },
    examples: &[Example {
        summary: "A list",
        body: r#"{"contactListName":"Customers"}"#,
        answer: r#"{"result":true,"contactListId":"5d9155bad132d5f45a4e38b1"}"#,
    }],
    handler: &create,
};

const NEW_LIST: [Param; 1] =
    [Param::required("contactListName", Shape::filled(MAX_NAME), "The name of the list.")];

/// What contact-list/create answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NewList {
    /// The id of the new list.
    contact_list_id: ObjectId,
}

async fn create(call: Call) -> Outcome<NewList> {
    let body = read_body(&call.body, &Keys::of(&NEW_LIST)).ok_or_else(problem::bad_request)?;
    let name = read_name(body.get(0))?;
    let now = call.app.clock.now();
    let id = call.app.ids.next(now);
    call.app.storage.add_list(call.caller.viewer.account, id, name, now).await?;
    call.app.catalogue.account_changed(call.caller.viewer.account);
    Ok(Answer::new(NewList { contact_list_id: id }).warn(unknown(body.unknown)))
}

fn unknown(keys: Vec<String>) -> Vec<Problem> {
    let ignored = |key: &String| IGNORED.iter().any(|param| param.name == key);
    keys.into_iter().filter(|key| !ignored(key)).map(problem::unknown_field).collect()
}

fn read_name(raw: Option<Raw<'_>>) -> Result<String, Problem> {
    let text = "Argument contactListName must be a non-empty string with max length within 150 characters";
    let raw = raw.ok_or_else(|| problem::required("contactListName"))?;
    raw.as_text()
        .filter(|name| !name.trim().is_empty() && fits(name, MAX_NAME))
        .map(std::borrow::Cow::into_owned)
        .ok_or_else(|| Problem::new("INVALID_NAME", text).of("contactListName"))
}

/// `POST /v3/contact-list/variables/add`
pub static ADD_VARIABLES: Method = Method {
    path: "/v3/contact-list/variables/add",
    group: &GROUP,
    summary: "Add variables to a list",
    text: "All of them are added, or none. A list has at most 500 variables.",
    access: Access::Write,
    reach: Reach::List,
    body: Body { params: &[&ADDED, &IGNORED], optional: false },
    examples: &[Example {
        summary: "A text and a date",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","variables":[
            {"name":"newVariableName","type":"ENUM_STRING"},{"name":"since","type":"ENUM_DATE"}]}"#,
        answer: r#"{"result":true}"#,
    }],
    handler: &add_variables,
};

const ADDED: [Param; 3] = [
    LIST_ID,
    Param::optional(
        "variables",
        NEW_VARIABLES,
        "The new variables. Required, unless `variablesMetadata` is given.",
    ),
    Param::optional(
        "variablesMetadata",
        NEW_VARIABLES,
        "Another name of `variables`, which the vendor's PHP library sends. Ignored if `variables` is given.",
    ),
];

const NEW_VARIABLES: Shape =
    Shape::Array { of: &Shape::Object("VariableToAdd", &VARIABLE), min: 1, max: MAX_VARIABLES_OF_CALL };

const VARIABLE: [Param; 3] = [
    Param::required(
        "name",
        NAME,
        "Its name in lowerCamelCase: letters only, and not the name of a field of a contact.",
    ),
    Param::optional(
        "type",
        Shape::Word(&["ENUM_STRING", "ENUM_DATE"]),
        "The type of its values: any text, or dates. Left out it is `ENUM_STRING`, with a warning.",
    ),
    Param::optional("value", Shape::Any, "Ignored: some clients send it."),
];

async fn add_variables(call: Call) -> Outcome<Nothing> {
    let mut body = read_body(&call.body, &Keys::of(&ADDED)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = find_list(&call.app.catalogue, &call.caller.viewer, body.get(0), &mut problems).await?;
    let mut warnings = unknown(std::mem::take(&mut body.unknown));
    let variables = match read_variables(body.get(1).or(body.get(2)), list.as_deref(), &mut warnings) {
        Ok(variables) => variables,
        Err(mut wrong) => {
            problems.append(&mut wrong);
            Vec::new()
        }
    };
    let Some(list) = list.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    let now = call.app.clock.now();
    let added = call.app.storage.add_variables(list.no, variables, MAX_VARIABLES, now).await;
    added.map_err(|error| match error {
        // Another request was quicker.
        AddError::Exists(name) => exists(&name, &list).into(),
        AddError::Gone => problem::list_not_found(&list.id.to_string()).into(),
        AddError::TooMany(max) => {
            let text = format!("Maximum count of variables per list is {max}");
            Refusal::from(Problem::new("TOO_MANY_VARIABLES", text).of("variables"))
        }
        other => other.into(),
    })?;
    call.app.catalogue.account_changed(call.caller.viewer.account);
    Ok(Answer::new(Nothing {}).warn(warnings))
}

fn exists(name: &str, list: &List) -> Problem {
    let text = format!("Variable {name} already exists in list {}", list.id);
    Problem::new("VARIABLE_EXISTS", text).of("variables")
}

fn read_variables(
    raw: Option<Raw<'_>>,
    list: Option<&List>,
    warnings: &mut Vec<Problem>,
) -> Result<Vec<(String, VariableKind)>, Vec<Problem>> {
    let raw = raw.ok_or_else(|| vec![problem::required("variables")])?;
    let elements = raw.elements().filter(|elements| !elements.is_empty());
    let elements = elements.ok_or_else(|| vec![problem::variables()])?;
    if elements.len() > MAX_VARIABLES_OF_CALL {
        return Err(vec![problem::too_many("variables", elements.len())]);
    }
    let (mut variables, mut problems, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for (position, element) in elements.into_iter().enumerate() {
        let members = element.members(&Keys::of(&VARIABLE));
        let read = members.ok_or_else(problem::variables).and_then(|members| {
            let variable = read_variable(&members, list, &mut seen)?;
            if members.get(1).is_none() {
                let text = format!("variable {} has no type and was made an ENUM_STRING", variable.0);
                warnings.push(Problem::new("TYPE_ASSUMED", text).of("variables").at(position));
            }
            let unknown = members.unknown.iter().map(|key| format!("variables.{key}"));
            warnings.extend(unknown.map(|key| problem::unknown_field(key).at(position)));
            Ok(variable)
        });
        match read {
            Ok(variable) => variables.push(variable),
            Err(problem) => problems.push(problem.at(position)),
        }
    }
    if problems.is_empty() { Ok(variables) } else { Err(problems) }
}

fn read_variable(
    members: &Members<'_, 3>,
    list: Option<&List>,
    seen: &mut HashSet<String>,
) -> Result<(String, VariableKind), Problem> {
    let name = members.get(0).ok_or_else(problem::variables)?;
    let name = name.as_text().ok_or_else(problem::variable_name_not_a_string)?.into_owned();
    check_name(&name)?;
    let kind = match members.get(1).map(|raw| (raw, raw.as_trimmed())) {
        None => VariableKind::String,
        Some((_, Some(text))) if text == "ENUM_STRING" => VariableKind::String,
        Some((_, Some(text))) if text == "ENUM_DATE" => VariableKind::Date,
        Some((raw, text)) => {
            let text = format!("invalid variable type {}", text.as_deref().unwrap_or(raw.text()));
            return Err(Problem::new("INVALID_VARIABLE_TYPE", text).of("variables"));
        }
    };
    if let Some(list) = list
        && (list.variable(&name).is_some() || !seen.insert(name.clone()))
    {
        return Err(exists(&name, list));
    }
    Ok((name, kind))
}
