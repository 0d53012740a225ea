//! `/v3/contact-list/variables/remove` and `/v3/contact-list/variables/rename`

use super::{GROUP, IGNORED, MAX_VARIABLES_OF_CALL, exists, unknown};
use crate::http::call::{Answer, Call, Nothing, Outcome};
use crate::http::method::{Access, Body, Example, Method, Reach};
use crate::intake::list::{LIST_ID, find_list};
use crate::intake::problem::{self, Problem};
use crate::intake::refusal::Refusal;
use crate::intake::variables::{NAME, check_name};
use crate::json::{Keys, Raw, read_body};
use crate::param::{Param, Shape};
use crate::storage::{List, Renamed};

/// `POST /v3/contact-list/variables/remove`
pub static REMOVE: Method = Method {
    path: "/v3/contact-list/variables/remove",
    group: &GROUP,
    summary: "Remove variables of a list with their values",
    text: "All of them are removed, or none. They are gone at once; the values that contacts have of them are deleted \
           after that, within minutes. Batches that wait and name one end in `VARIABLE_NOT_FOUND` for such contacts. \
           A variable that is added later under the same name is another, without values.",
    access: Access::Write,
    reach: Reach::List,
    body: Body { params: &[&REMOVED, &IGNORED], optional: false },
    examples: &[Example {
        summary: "A variable and all its values",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","names":["customerSince"]}"#,
        answer: r#"{"result":true}"#,
    }],
    handler: &remove,
};

const REMOVED: [Param; 2] = [
    LIST_ID,
    Param::required(
        "names",
        Shape::Array { of: &Shape::TEXT, min: 1, max: MAX_VARIABLES_OF_CALL },
        "The names of variables that the list has.",
    ),
];

async fn remove(call: Call) -> Outcome<Nothing> {
    let body = read_body(&call.body, &Keys::of(&REMOVED)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = find_list(&call.app.catalogue, &call.caller.viewer, body.get(0), &mut problems).await?;
    let names = read_names(body.get(1)).map_err(|problem| problems.push(problem)).unwrap_or_default();
    if let Some(list) = &list {
        problems.extend(not_found(list, &names));
    }
    let Some(list) = list.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    let now = call.app.clock.now();
    let missing = call.app.storage.remove_variables(list.no, names, now).await.map_err(Refusal::NotSaved)?;
    call.app.catalogue.account_changed(call.caller.viewer.account);
    if !missing.is_empty() {
        // Another request was quicker.
        let problems = missing.iter().map(|name| problem::variable_not_found(name).of("names"));
        return Err(Refusal::Invalid(problems.collect()));
    }
    Ok(Answer::new(Nothing {}).warn(unknown(body.unknown)))
}

fn read_names(raw: Option<Raw<'_>>) -> Result<Vec<String>, Problem> {
    let wrong =
        || Problem::new("INVALID_NAMES", "Argument names must be a non-empty array of strings").of("names");
    let elements = raw.ok_or_else(|| problem::required("names"))?.elements().ok_or_else(wrong)?;
    if elements.is_empty() {
        return Err(wrong());
    }
    if elements.len() > MAX_VARIABLES_OF_CALL {
        return Err(problem::too_many("names", elements.len()));
    }
    let texts = elements.into_iter().map(|element| element.as_text().map(std::borrow::Cow::into_owned));
    texts.collect::<Option<_>>().ok_or_else(wrong)
}

fn not_found<'a>(list: &'a List, names: &'a [String]) -> impl Iterator<Item = Problem> + 'a {
    let missing = names.iter().enumerate().filter(|(_, name)| list.variable(name).is_none());
    missing.map(|(position, name)| problem::variable_not_found(name).of("names").at(position))
}

/// `POST /v3/contact-list/variables/rename`
pub static RENAME: Method = Method {
    path: "/v3/contact-list/variables/rename",
    group: &GROUP,
    summary: "Give a variable another name",
    text: "Its type and its values stay, and batches that wait find it all the same.",
    access: Access::Write,
    reach: Reach::List,
    body: Body { params: &[&NAMES, &IGNORED], optional: false },
    examples: &[Example {
        summary: "Another name",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","name":"since","newName":"customerSince"}"#,
        answer: r#"{"result":true}"#,
    }],
    handler: &rename,
};

const NAMES: [Param; 3] = [
    LIST_ID,
    Param::required("name", Shape::TEXT, "The present name of the variable."),
    Param::required(
        "newName",
        NAME,
        "Its name from now on, in lowerCamelCase: letters only, and not the name of a field of a contact.",
    ),
];

async fn rename(call: Call) -> Outcome<Nothing> {
    let body = read_body(&call.body, &Keys::of(&NAMES)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = find_list(&call.app.catalogue, &call.caller.viewer, body.get(0), &mut problems).await?;
    let name = read_name(body.get(1), "name").map_err(|problem| problems.push(problem)).ok();
    let new_name = read_name(body.get(2), "newName").and_then(|name| {
        check_name(&name).map_err(|problem| problem.of("newName"))?;
        Ok(name)
    });
    let new_name = new_name.map_err(|problem| problems.push(problem)).ok();
    let (Some(list), Some(name), Some(new_name)) = (list, name, new_name) else {
        return Err(Refusal::Invalid(problems));
    };
    let storage = &call.app.storage;
    let renamed =
        storage.rename_variable(list.no, name.clone(), new_name.clone(), call.app.clock.now()).await;
    let renamed = renamed.map_err(Refusal::NotSaved)?;
    call.app.catalogue.account_changed(call.caller.viewer.account);
    match renamed {
        Renamed::Done => Ok(Answer::new(Nothing {}).warn(unknown(body.unknown))),
        Renamed::NotFound => Err(problem::variable_not_found(&name).of("name").into()),
        Renamed::Taken => Err(exists(&new_name, &list).of("newName").into()),
    }
}

fn read_name(raw: Option<Raw<'_>>, key: &'static str) -> Result<String, Problem> {
    let raw = raw.ok_or_else(|| problem::required(key))?;
    let text = raw.as_text().map(std::borrow::Cow::into_owned);
    text.ok_or_else(|| problem::variable_name_not_a_string().of(key))
}
