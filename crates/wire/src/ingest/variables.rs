//! The variables of a contact.

use app::contacts::patch;
use domain::contact::field::{Key, MAX_VARIABLE, fits};
use domain::json::{Keys, Members, Raw, Value};
use domain::list::{List, MAX_NAME, check_name};
use domain::problem::{self, MAX_PROBLEMS, Problem};
use domain::schema::{FieldSpec, ValueType};

/// What the name of a variable is.
pub const NAME: ValueType = ValueType::pattern(MAX_NAME, "^[a-z][a-zA-Z]*$");

/// The keys of an entry of `variables`.
const PARAMS: [FieldSpec; 2] = [
    FieldSpec::required("name", NAME, "The name of a variable that the list has."),
    FieldSpec::required(
        "value",
        ValueType::OneOf {
            of: &[ValueType::text(MAX_VARIABLE), ValueType::Number, ValueType::Flag, ValueType::Null],
            examples: r#"["gold", 12.5, true, "2026-10-14", ""]"#,
        },
        "Its value: a string of at most 10,000 characters, a number or a boolean. A date variable takes `YYYY-MM-DD`. \
         Numbers and booleans are stored as their JSON text. Clear it with `\"\"`. `null` clears it too, so a client \
         whose model sends null for members that were not set must always set this one. Absence is an error.",
    ),
];

const KEYS: Keys<2> = Keys::of(&PARAMS);

/// What `variables` may be.
pub const SHAPE: ValueType =
    ValueType::Array { of: &ValueType::Object("VariableInput", &PARAMS), min: 0, max: usize::MAX };

/// What a request does to variables: keys and values, an empty value clearing; and what is wrong or doubtful.
#[derive(Debug, Default)]
pub struct Variables {
    /// In the order of the request.
    pub values: Vec<(Key, String)>,
    /// One per entry that is wrong.
    pub problems: Vec<Problem>,
    /// Unknown keys of entries.
    pub unknown: Vec<String>,
}

/// Reads `variables`; without a list, what needs it is left out.
pub fn check(raw: Raw<'_>, list: Option<&List>) -> Variables {
    let mut variables = Variables::default();
    let Some(entries) = raw.objects(&KEYS) else {
        variables.problems.push(problem::variables());
        return variables;
    };
    for entry in entries {
        match check_entry(entry, list, &mut variables.unknown) {
            Ok(value) => variables.values.extend(value),
            Err(problem) => variables.problems.push(problem),
        }
        if variables.problems.len() >= MAX_PROBLEMS {
            // It is refused, and no answer tells more.
            break;
        }
    }
    variables
}

fn check_entry(
    members: Option<Members<'_, 2>>,
    list: Option<&List>,
    unknown: &mut Vec<String>,
) -> Result<Option<(Key, String)>, Problem> {
    let members = members.ok_or_else(problem::variables)?;
    let room = MAX_PROBLEMS.saturating_sub(unknown.len());
    unknown.extend(members.unknown.iter().take(room).cloned());
    let name = members.get(0).ok_or_else(problem::variables)?;
    let value = match members.get(1) {
        Some(raw) => read_value(raw)?,
        None if members.is_null(1) => String::new(),
        None => return Err(problem::variables()),
    };
    let name = name.as_text().ok_or_else(problem::variable_name_not_a_string)?;
    let known = list.and_then(|list| list.variable(&name));
    if known.is_none() {
        check_name(&name)?;
    }
    let Some(list) = list else { return Ok(None) };
    let variable = list.variable(&name).ok_or_else(|| problem::variable_not_found(&name))?;
    patch::variable_value(variable, value).map(Some)
}

/// A string as it is, a number or boolean as its JSON text.
fn read_value(raw: Raw<'_>) -> Result<String, Problem> {
    match raw.value() {
        Value::Text(text) if fits(&text, MAX_VARIABLE) => Ok(text.into_owned()),
        Value::Number(text) if fits(text, MAX_VARIABLE) => Ok(text.to_owned()),
        Value::Bool(_) => Ok(raw.text().to_owned()),
        _ => Err(problem::variables()),
    }
}

#[cfg(test)]
mod tests;
