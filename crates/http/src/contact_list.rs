//! `/v3/contact-list/…`

pub mod change;
pub mod show;
pub mod variables;

use schemars::JsonSchema;
use serde::Serialize;

use super::call::{Answer, Call, Nothing, Outcome};
use super::method::{Body, Example, Group, Method};
use app::Refusal;
use app::lists::{self, ListName, MAX_NAME};
use app::{
    variables as variable_commands,
    variables::{NewVariables, VariableName},
};
use domain::id::ObjectId;
use domain::json::{Keys, Members, Raw, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use storage::{List, OptOut, VariableKind};
use wire::ingest::list::LIST_ID;
use wire::ingest::variables::NAME;

/// The most variables of one call.
const MAX_VARIABLES_OF_CALL: usize = 100;

const IGNORED_TEXT: &str = "Accepted and ignored: of the vendor's sending domains, which are not ours.";

const DOMAIN_TEXT: &str = "A sending domain of the vendor, which this server does not have. If it is given and \
                           `contactListId` is not, the account's default list is meant.";

/// The keys that stand for the account's default list.
const DOMAIN: [FieldSpec; 2] = [
    FieldSpec::optional("domainId", ValueType::Any, DOMAIN_TEXT),
    FieldSpec::optional("domain", ValueType::Any, DOMAIN_TEXT),
];

/// Keys that no warning is given for.
const IGNORED: [FieldSpec; 4] = [
    FieldSpec::optional("domainId", ValueType::Any, IGNORED_TEXT),
    FieldSpec::optional("domain", ValueType::Any, IGNORED_TEXT),
    SENDER[0],
    SENDER[1],
];

const SENDER: [FieldSpec; 2] = [
    FieldSpec::optional("senderName", ValueType::Any, IGNORED_TEXT),
    FieldSpec::optional("senderEmail", ValueType::Any, IGNORED_TEXT),
];

static GROUP: Group = Group {
    name: "Contact lists",
    text: "A list holds contacts and defines their variables. Contacts of two lists have nothing to do with each \
           other.",
};

/// `POST /v3/contact-list/create`
pub static CREATE: Method = Method {
    operation: &lists::CREATE,
    group: &GROUP,
    summary: "Make a list",
    text: "The list is empty and has no variables. Two lists may have one name.",
    body: Body { params: &[&NEW_LIST, &IGNORED], optional: false },
    examples: &[Example {
        summary: "A list",
        body: r#"{"contactListName":"Customers"}"#,
        answer: r#"{"result":true,"contactListId":"5d9155bad132d5f45a4e38b1"}"#,
    }],
    handler: &create,
};

const NEW_LIST: [FieldSpec; 2] =
    [FieldSpec::required("contactListName", ValueType::filled(MAX_NAME), "The name of the list."), OPT_OUT];

/// What a list does about flags that were set to false.
const OPT_OUT: FieldSpec = FieldSpec::optional(
    "optOut",
    ValueType::Word(&["allow", "keep", "account"]),
    "The effect of items on flags that were set to false. `keep`: these stay false, unless the item has `resubscribe`. \
     `allow`: an item may set them to true, with the note `RESUBSCRIBED` in its result. `account`: as the account \
     says, which is the default. Own to this server.",
);

/// `optOut` of a list; the inner `None` leaves it to the account.
fn read_opt_out(raw: Option<Raw<'_>>) -> Result<Option<Option<OptOut>>, Problem> {
    raw.map(|raw| lists::read_opt_out(raw.as_trimmed().as_deref())).transpose()
}

/// What contact-list/create answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NewList {
    /// The id of the new list.
    contact_list_id: ObjectId,
}

async fn create(call: Call) -> Outcome<NewList> {
    let body = read_body(&call.body, &Keys::of(&NEW_LIST)).ok_or_else(problem::bad_request)?;
    let (name, opt_out) = match (read_name(body.get(0)), read_opt_out(body.get(1))) {
        (Ok(name), Ok(opt_out)) => (name, opt_out.flatten()),
        (name, opt_out) => {
            return Err(Refusal::Invalid(name.err().into_iter().chain(opt_out.err()).collect()));
        }
    };
    let contact_list_id = call.app.commands.create_list(&call.caller, name, opt_out).await?;
    Ok(Answer::new(NewList { contact_list_id }).warn(unknown(body.unknown)))
}

fn unknown(keys: Vec<String>) -> Vec<Problem> {
    let ignored = |key: &String| IGNORED.iter().any(|param| param.name == key);
    keys.into_iter().filter(|key| !ignored(key)).map(problem::unknown_field).collect()
}

fn read_name(raw: Option<Raw<'_>>) -> Result<ListName, Problem> {
    let raw = raw.ok_or_else(|| problem::required("contactListName"))?;
    ListName::parse(raw.as_text().as_deref())
}

/// `POST /v3/contact-list/variables/add`
pub static ADD_VARIABLES: Method = Method {
    operation: &variable_commands::ADD,
    group: &GROUP,
    summary: "Add variables to a list",
    text: "All of them are added, or none. A list has at most 500 variables.",
    body: Body { params: &[&ADDED, &IGNORED], optional: false },
    examples: &[Example {
        summary: "A text and a date",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","variables":[
            {"name":"newVariableName","type":"ENUM_STRING"},{"name":"since","type":"ENUM_DATE"}]}"#,
        answer: r#"{"result":true}"#,
    }],
    handler: &add_variables,
};

const ADDED: [FieldSpec; 3] = [
    LIST_ID,
    FieldSpec::optional(
        "variables",
        NEW_VARIABLES,
        "The new variables. Required, unless `variablesMetadata` is given.",
    ),
    FieldSpec::optional(
        "variablesMetadata",
        NEW_VARIABLES,
        "Another name of `variables`, which the vendor's PHP library sends. Ignored if `variables` is given.",
    ),
];

const NEW_VARIABLES: ValueType = ValueType::Array {
    of: &ValueType::Object("VariableToAdd", &VARIABLE),
    min: 1,
    max: MAX_VARIABLES_OF_CALL,
};

const VARIABLE: [FieldSpec; 3] = [
    FieldSpec::required(
        "name",
        NAME,
        "Its name in lowerCamelCase: letters only, and not the name of a field of a contact.",
    ),
    FieldSpec::optional(
        "type",
        ValueType::Word(&["ENUM_STRING", "ENUM_DATE"]),
        "The type of its values: any text, or dates. Left out it is `ENUM_STRING`, with a warning.",
    ),
    FieldSpec::optional("value", ValueType::Any, "Ignored: some clients send it."),
];

async fn add_variables(call: Call) -> Outcome<Nothing> {
    let mut body = read_body(&call.body, &Keys::of(&ADDED)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = call.list(body.get(0), &mut problems).await?;
    let mut warnings = unknown(std::mem::take(&mut body.unknown));
    let new = read_variables(body.get(1).or(body.get(2)), list.as_deref(), &mut warnings);
    let new = new.map_err(|mut wrong| problems.append(&mut wrong)).ok();
    let (Some(list), Some(new)) = (&list, new) else { return Err(Refusal::Invalid(problems)) };
    call.app.commands.add_variables(&call.caller, list, new).await?;
    Ok(Answer::new(Nothing {}).warn(warnings))
}

fn read_variables<'a>(
    raw: Option<Raw<'_>>,
    list: Option<&'a List>,
    warnings: &mut Vec<Problem>,
) -> Result<NewVariables<'a>, Vec<Problem>> {
    let raw = raw.ok_or_else(|| vec![problem::required("variables")])?;
    let elements = raw.elements().filter(|elements| !elements.is_empty());
    let elements = elements.ok_or_else(|| vec![problem::variables()])?;
    if elements.len() > MAX_VARIABLES_OF_CALL {
        return Err(vec![problem::too_many("variables", elements.len())]);
    }
    let (mut variables, mut problems) = (NewVariables::of(list), Vec::new());
    for (position, element) in elements.into_iter().enumerate() {
        let members = element.members(&Keys::of(&VARIABLE)).ok_or_else(problem::variables);
        let read = members.and_then(|members| {
            let (name, kind) = read_variable(&members)?;
            variables.push(name.clone(), kind)?;
            if members.get(1).is_none() {
                let text = format!("variable {} has no type and was made an ENUM_STRING", name.as_str());
                warnings.push(Problem::new("TYPE_ASSUMED", text).of("variables").at(position));
            }
            let unknown = members.unknown.iter().map(|key| format!("variables.{key}"));
            warnings.extend(unknown.map(|key| problem::unknown_field(key).at(position)));
            Ok(())
        });
        problems.extend(read.err().map(|problem: Problem| problem.at(position)));
    }
    if problems.is_empty() { Ok(variables) } else { Err(problems) }
}

fn read_variable(members: &Members<'_, 3>) -> Result<(VariableName, VariableKind), Problem> {
    let name = members.get(0).ok_or_else(problem::variables)?;
    let name = VariableName::parse(name.as_text().as_deref())?;
    let kind = match members.get(1).map(|raw| (raw, raw.as_trimmed())) {
        None => VariableKind::String,
        Some((_, Some(text))) if text == "ENUM_STRING" => VariableKind::String,
        Some((_, Some(text))) if text == "ENUM_DATE" => VariableKind::Date,
        Some((raw, text)) => {
            let text = format!("invalid variable type {}", text.as_deref().unwrap_or(raw.text()));
            return Err(Problem::new("INVALID_VARIABLE_TYPE", text).of("variables"));
        }
    };
    Ok((name, kind))
}
