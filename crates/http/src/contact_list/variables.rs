//! `/v3/contact-list/variables/remove` and `/v3/contact-list/variables/rename`

use super::{GROUP, IGNORED, MAX_VARIABLES_OF_CALL, unknown};
use crate::call::{Answer, Call, Nothing, Outcome};
use crate::method::{Body, Example, Method};
use app::Refusal;
use app::variables::{self, VariableName};
use domain::json::{Keys, Raw, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use wire::ingest::list::LIST_ID;
use wire::ingest::variables::NAME;

/// `POST /v3/contact-list/variables/remove`
pub static REMOVE: Method = Method {
    operation: &variables::REMOVE,
    group: &GROUP,
    summary: "Remove variables of a list with their values",
    text: "All of them are removed, or none. They are gone at once; the values that contacts have of them are deleted \
           after that, within minutes. Batches that wait and name one end in `VARIABLE_NOT_FOUND` for such contacts. \
           A variable that is added later under the same name is another, without values.",
    body: Body { params: &[&REMOVED, &IGNORED], optional: false },
    examples: &[Example {
        summary: "A variable and all its values",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","names":["customerSince"]}"#,
        answer: r#"{"result":true}"#,
    }],
    handler: &remove,
};

const REMOVED: [FieldSpec; 2] = [
    LIST_ID,
    FieldSpec::required(
        "names",
        ValueType::Array { of: &ValueType::TEXT, min: 1, max: MAX_VARIABLES_OF_CALL },
        "The names of variables that the list has.",
    ),
];

async fn remove(call: Call) -> Outcome<Nothing> {
    let body = read_body(&call.body, &Keys::of(&REMOVED)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = call.list(body.get(0), &mut problems).await?;
    let names = read_names(body.get(1)).map_err(|problem| problems.push(problem)).ok();
    let (Some(list), Some(names)) = (list, names) else { return Err(Refusal::Invalid(problems)) };
    call.app.commands.remove_variables(&call.caller, &list, names).await?;
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

/// `POST /v3/contact-list/variables/rename`
pub static RENAME: Method = Method {
    operation: &variables::RENAME,
    group: &GROUP,
    summary: "Give a variable another name",
    text: "Its type and its values stay, and batches that wait find it all the same.",
    body: Body { params: &[&NAMES, &IGNORED], optional: false },
    examples: &[Example {
        summary: "Another name",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","name":"since","newName":"customerSince"}"#,
        answer: r#"{"result":true}"#,
    }],
    handler: &rename,
};

const NAMES: [FieldSpec; 3] = [
    LIST_ID,
    FieldSpec::required("name", ValueType::TEXT, "The present name of the variable."),
    FieldSpec::required(
        "newName",
        NAME,
        "Its name from now on, in lowerCamelCase: letters only, and not the name of a field of a contact.",
    ),
];

async fn rename(call: Call) -> Outcome<Nothing> {
    let body = read_body(&call.body, &Keys::of(&NAMES)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = call.list(body.get(0), &mut problems).await?;
    let name = read_name(body.get(1)).map_err(|problem| problems.push(problem)).ok();
    let new_name = body.get(2).ok_or_else(|| problem::required("newName"));
    let new_name = new_name.and_then(|raw| {
        VariableName::parse(raw.as_text().as_deref()).map_err(|problem| problem.of("newName"))
    });
    let new_name = new_name.map_err(|problem| problems.push(problem)).ok();
    let (Some(list), Some(name), Some(new_name)) = (list, name, new_name) else {
        return Err(Refusal::Invalid(problems));
    };
    call.app.commands.rename_variable(&call.caller, &list, name, new_name).await?;
    Ok(Answer::new(Nothing {}).warn(unknown(body.unknown)))
}

fn read_name(raw: Option<Raw<'_>>) -> Result<String, Problem> {
    let text = raw.ok_or_else(|| problem::required("name"))?.as_text().map(std::borrow::Cow::into_owned);
    text.ok_or_else(|| problem::variable_name_not_a_string().of("name"))
}
