//! `/v3/contact-list/…`

pub mod change;
pub mod show;
pub mod variables;

use std::collections::HashSet;

use serde_json::json;

use super::call::{Answer, Call, Outcome};
use crate::intake::check::fits;
use crate::intake::problem::{self, Problem};
use crate::intake::update::{Refusal, find_list};
use crate::intake::variables::check_name;
use crate::json::{Keys, Members, Raw, read_body};
use crate::storage::{AddError, List, VariableKind};

/// The longest name of a list, in Unicode scalar values.
const MAX_NAME: usize = 150;

/// The most variables of one call.
const MAX_VARIABLES_OF_CALL: usize = 100;

/// The most variables of a list.
const MAX_VARIABLES: usize = 500;

/// Keys of the vendor's sending domains, which are not ours: accepted and ignored.
const IGNORED: [&str; 4] = ["domainId", "domain", "senderName", "senderEmail"];

/// `POST /v3/contact-list/create`
pub async fn create(call: Call) -> Outcome {
    let body = read_body(&call.body, &Keys(["contactListName"])).ok_or_else(problem::bad_request)?;
    let name = read_name(body.get(0))?;
    let now = call.app.clock.now();
    let id = call.app.ids.next(now);
    call.app.storage.add_list(call.caller.account, id, name, now).await?;
    call.app.catalogue.changed();
    Ok(Answer::new([("contactListId", json!(id))]).warn(unknown(body.unknown)))
}

fn unknown(keys: Vec<String>) -> Vec<Problem> {
    keys.into_iter().filter(|key| !IGNORED.contains(&key.as_str())).map(problem::unknown_field).collect()
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
pub async fn add_variables(call: Call) -> Outcome {
    let keys = Keys(["contactListId", "variables"]);
    let mut body = read_body(&call.body, &keys).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = find_list(&call.app.catalogue, call.caller.account, body.get(0), &mut problems).await?;
    let mut warnings = unknown(std::mem::take(&mut body.unknown));
    let variables = match read_variables(body.get(1), list.as_deref(), &mut warnings) {
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
    call.app.catalogue.changed();
    Ok(Answer::default().warn(warnings))
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
        let members = element.members(&Keys(["name", "type", "value"]));
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
    let kind = match members.get(1).map(|raw| (raw, raw.as_text())) {
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
