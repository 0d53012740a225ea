//! The form of a contact: what it shows. Pure.
//!
//! A form carries what each field was when it was shown. Only what was changed is sent, so that what others have
//! changed meanwhile stays; and where they have changed the very field, it is told before it is overwritten.

use std::collections::BTreeMap;
use std::iter;

use serde_json::{Value, json};

use super::posted::Posted;
use super::words::GENDERS;
use domain::contact::amount::Cac;
use domain::contact::document::Document;
use domain::contact::field::{Field, Group as Part, Kind};
use domain::contact::record::Malformed;
use domain::contact::{language, timezone};
use storage::{Contact, List, Source, VariableKind};
use web::translate::{mark, t};
use wire::contact::{show_cac, show_field};

/// The texts of a contact's fields, by the names that the form has for them.
pub type Values = BTreeMap<String, String>;

/// Before the name of a variable.
pub const VARIABLE: &str = "variables.";

/// The amount and the currency of a contact's own cost.
pub const CAC: [&str; 2] = ["cac.value", "cac.currency"];

/// Parts of the form, with their headings.
const GROUPS: [(&str, Part); 5] = [
    (mark("Identifiers"), Part::Identifiers),
    (mark("Name"), Part::Name),
    (mark("Channels"), Part::Channels),
    (mark("About"), Part::About),
    (mark("Links"), Part::Links),
];

/// A part of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its heading.
    pub title: &'static str,
    /// Its fields.
    pub fields: Vec<Input>,
}

/// A field of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name, and its id.
    pub name: String,
    /// What it is called.
    pub label: String,
    /// What it is.
    pub kind: InputKind,
    /// What it shows.
    pub value: String,
    /// What it was when the form was shown first.
    pub was: String,
    /// What to know before filling it in.
    pub hint: &'static str,
    /// What is wrong with it.
    pub error: Option<String>,
    /// The number of the variable, if it is one.
    pub number: Option<u32>,
}

/// What a field of the form is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// A line: the type of the input.
    Line(&'static str),
    /// Several lines.
    Lines,
    /// On or off.
    Check,
    /// One of these values, each with its text.
    Choice(Vec<(String, String)>),
}

impl Input {
    /// The type of a line; empty where it is none.
    pub const fn line(&self) -> &'static str {
        match self.kind {
            InputKind::Line(kind) => kind,
            _ => "",
        }
    }

    /// What describes it: what is wrong with it, or else its hint.
    pub fn described(&self) -> String {
        match (&self.error, self.hint) {
            (Some(_), _) => format!("aria-invalid=true aria-describedby={}-error", self.name),
            (None, "") => String::new(),
            (None, _) => format!("aria-describedby={}-hint", self.name),
        }
    }

    /// Whether it is a check box.
    pub fn is_check(&self) -> bool {
        self.kind == InputKind::Check
    }

    /// Whether it has several lines.
    pub fn is_lines(&self) -> bool {
        self.kind == InputKind::Lines
    }

    /// What there is to choose from, and whether it is chosen.
    pub fn choices(&self) -> Vec<(&str, &str, bool)> {
        match &self.kind {
            InputKind::Choice(choices) => choices
                .iter()
                .map(|(value, text)| (value.as_str(), text.as_str(), *value == self.value))
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// What the fields of a contact say.
///
/// # Errors
/// [`Malformed`] where it does not read.
pub fn values(contact: &Contact, list: &List) -> Result<Values, Malformed> {
    let document = Document::read(&contact.document)?;
    let mut values = Values::new();
    for field in Field::ANSWERED {
        values.insert(field.name().to_owned(), text(&show_field(field, document.get(field.key())?)?));
    }
    let source = contact.source.as_ref().map(|source| source.id.to_string());
    values.insert(Field::Source.name().to_owned(), source.unwrap_or_default());
    let cac = match document.get(Field::Cac.key())? {
        Some(stored) => Some(json!(show_cac(&Cac::from_bytes(stored).ok_or(Malformed)?))),
        None => None,
    };
    for (name, key) in CAC.into_iter().zip(["value", "currency"]) {
        values.insert(name.to_owned(), cac.as_ref().map(|cac| text(&cac[key])).unwrap_or_default());
    }
    for variable in &list.variables {
        let stored = document.get(domain::contact::field::Key::of_variable(variable.number))?;
        let stored = std::str::from_utf8(stored.unwrap_or_default()).map_err(|_| Malformed)?;
        values.insert(format!("{VARIABLE}{}", variable.name), stored.to_owned());
    }
    Ok(values)
}

/// A value as the API shows it, as a form does.
pub fn text(shown: &Value) -> String {
    match shown {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What nobody has filled in yet: the API's own defaults.
pub fn blank(list: &List) -> Values {
    let mut values = Values::new();
    for field in Field::ANSWERED.into_iter().chain([Field::Source]) {
        values.insert(field.name().to_owned(), text(&show_field(field, None).unwrap_or_default()));
    }
    values.extend(CAC.map(|name| (name.to_owned(), String::new())));
    values.extend(
        list.variables.iter().map(|variable| (format!("{VARIABLE}{}", variable.name), String::new())),
    );
    values
}

/// The form.
pub fn groups(
    list: &List,
    sources: &[Source],
    posted: &Posted,
    errors: &BTreeMap<String, String>,
) -> Vec<Group> {
    let input = |name: String, label: String, kind: InputKind, hint: &'static str| {
        let value = posted.now.get(&name).cloned().unwrap_or_default();
        let was = posted.was.get(&name).cloned().unwrap_or_default();
        // A line would lose what it cannot show.
        let kind = match kind {
            // What is stored and not offered, such as an offset, can be chosen as well.
            InputKind::Choice(mut choices) => {
                for text in [&value, &was] {
                    if !text.is_empty() && !choices.iter().any(|(known, _)| known == text) {
                        choices.push((text.clone(), text.clone()));
                    }
                }
                InputKind::Choice(choices)
            }
            InputKind::Line(_) if [&value, &was].iter().any(|text| text.contains(['\n', '\r'])) => {
                InputKind::Lines
            }
            kind => kind,
        };
        Input { error: errors.get(&name).cloned(), name, label, kind, value, was, hint, number: None }
    };
    let field = |field: Field| {
        input(field.name().to_owned(), t(field.label()).to_string(), kind(field), field.hint())
    };
    let fields = |part| Field::ALL.into_iter().filter(move |field| field.group() == Some(part));
    let mut groups: Vec<_> = GROUPS
        .into_iter()
        .map(|(title, part)| Group { title, fields: fields(part).map(field).collect() })
        .collect();
    let choice = |value: &str, text: &str| (value.to_owned(), text.to_owned());
    let mut choices = vec![choice("", &t("None").to_string())];
    choices.extend(sources.iter().map(|source| (source.id.to_string(), source.name.clone())));
    let chosen = posted.now.get(Field::Source.name()).filter(|id| !id.is_empty());
    if let Some(id) = chosen.filter(|id| !choices.iter().any(|(value, _)| value == *id)) {
        choices.push((id.clone(), id.clone()));
    }
    let currencies = InputKind::Choice(vec![
        choice("", &t("None").to_string()),
        choice("EUR", "EUR"),
        choice("USD", "USD"),
    ]);
    groups.push(Group {
        title: mark("Source and cost"),
        fields: vec![
            input(Field::Source.name().to_owned(), t("Source").to_string(), InputKind::Choice(choices), ""),
            input(
                CAC[0].to_owned(),
                t("Cost of this contact").to_string(),
                InputKind::Line("text"),
                mark("Leave empty to use the cost of the source."),
            ),
            input(CAC[1].to_owned(), t("Currency").to_string(), currencies, ""),
        ],
    });
    if !list.variables.is_empty() {
        let fields = list.variables.iter().map(|variable| {
            let kind = match variable.kind {
                VariableKind::Date => InputKind::Line("date"),
                VariableKind::String => InputKind::Line("text"),
            };
            let field = input(format!("{VARIABLE}{}", variable.name), variable.name.clone(), kind, "");
            Input { number: Some(variable.number), ..field }
        });
        groups.push(Group { title: mark("Custom fields"), fields: fields.collect() });
    }
    groups
}

/// Codes to choose from, or none of them.
fn offered(codes: impl Iterator<Item = &'static str>) -> InputKind {
    let none = (String::new(), t("None").to_string());
    InputKind::Choice(iter::once(none).chain(codes.map(|code| (code.to_owned(), code.to_owned()))).collect())
}

fn kind(field: Field) -> InputKind {
    let line = InputKind::Line;
    match field.kind() {
        Some(Kind::Flag) => InputKind::Check,
        Some(Kind::Birthday) => line("date"),
        Some(Kind::Gender) => {
            InputKind::Choice(GENDERS.map(|(code, text)| (code.to_owned(), t(text).to_string())).to_vec())
        }
        _ if field == Field::ContactLanguage => offered(language::codes()),
        _ if field == Field::ContactTimezone => offered(timezone::names().into_iter()),
        _ if field == Field::PhoneNumber => line("tel"),
        // The browser's own ideas of an address are narrower than the API's.
        _ => line("text"),
    }
}

#[cfg(test)]
mod tests;
