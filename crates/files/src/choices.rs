//! What a user chooses for an import beside its columns.

use serde::{Deserialize, Serialize};

use super::target::Target;
use super::values::Values;
use super::{Error, Result};
use domain::contact::field::{Field, Kind};
use domain::list::check_name;
use wire::ingest::check::ContactBy;

/// What is done with contacts that are in the list, and with those that are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// Those that are there are updated, the others are created.
    #[default]
    Both,
    /// Contacts are created; a row about one that is there fails.
    Create,
    /// Contacts are updated; a row about one that is not there fails.
    Update,
}

/// A value that all rows have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForAll {
    /// The name of a field or a variable.
    pub field: String,
    /// The value, as a cell has it.
    pub value: String,
}

/// What is chosen. It is stored with a job, so a name here is a promise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Choices {
    /// Which contacts are created or updated.
    #[serde(skip_serializing_if = "is_both")]
    pub mode: Mode,
    /// What a row finds its contact by: `userId`, `email`, `phoneNumber` or `contactId`; the first identifier that there
    /// is if it is not chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_by: Option<String>,
    /// Values of all rows. A row that has one of its own keeps it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub for_all: Vec<ForAll>,
    /// How values are read.
    #[serde(skip_serializing_if = "is_default")]
    pub values: Values,
}

fn is_both(mode: &Mode) -> bool {
    *mode == Mode::Both
}

fn is_default(values: &Values) -> bool {
    *values == Values::default()
}

impl Choices {
    /// What finds a contact, if it was chosen.
    pub fn by(&self) -> Option<ContactBy> {
        self.match_by.as_deref().and_then(ContactBy::named)
    }

    /// Which contacts are created or updated: a contact ID creates none.
    pub fn mode(&self) -> Mode {
        if self.by() == Some(ContactBy::Id) { Mode::Update } else { self.mode }
    }

    /// Checks what was chosen, and returns the values of all rows; `variables` are those of the list, with new ones.
    ///
    /// # Errors
    /// What cannot be so.
    pub fn check(&self, variables: &[String]) -> Result<Vec<(Target, String)>> {
        let told = |text: String| Error::Message(text);
        if let Some(by) = &self.match_by
            && self.by().is_none()
        {
            return Err(told(format!(
                "a row is matched by userId, email, phoneNumber or contactId, and not by \"{by}\""
            )));
        }
        if self.by() == Some(ContactBy::Id) && self.mode == Mode::Create {
            return Err(told("a contactId finds contacts that exist, and creates none".to_owned()));
        }
        if let Some(country) = &self.values.country
            && super::values::region(country).is_none()
        {
            return Err(told(format!(
                "there is no country \"{country}\": name it by two letters, such as DE or US"
            )));
        }
        let mut values: Vec<(Target, String)> = Vec::new();
        for ForAll { field, value } in &self.for_all {
            let of_list =
                || variables.iter().any(|name| name == field).then(|| Target::Variable(field.clone()));
            let target = Target::named(field).or_else(of_list);
            let target = target.ok_or_else(|| told(format!("there is no field \"{field}\"")))?;
            check_for_all(&target, value, variables).map_err(told)?;
            if values.iter().any(|(known, _)| *known == target) {
                return Err(told(format!("{target} has two values for all rows")));
            }
            values.push((target, value.clone()));
        }
        Ok(values)
    }
}

fn check_for_all(target: &Target, value: &str, variables: &[String]) -> std::result::Result<(), String> {
    match target {
        Target::Contact | Target::ContactId | Target::Ignored | Target::Not(_) => {
            return Err(format!("{target} cannot have a value for all rows"));
        }
        Target::Variable(name) if !variables.contains(name) => {
            check_name(name).map_err(|problem| problem.message)?;
            return Err(format!("the list has no custom field \"{name}\""));
        }
        Target::Field(field) if field.kind() == Some(Kind::Identifier) => {
            return Err(format!("{target} cannot have a value for all rows: each contact has its own"));
        }
        Target::Field(field) if field.kind() == Some(Kind::Flag) => {
            let read = super::values::read(*field, value.trim(), &Values::default(), Default::default());
            if !matches!(read, super::values::Value::Flag(_)) {
                return Err(format!("{target} is yes or no, and not \"{value}\""));
            }
        }
        _ => {}
    }
    if value.trim().is_empty() { Err(format!("{target} has no value for all rows")) } else { Ok(()) }
}

/// The channels, and whether a contact is active: what a new contact has not, if neither a column nor a choice says so.
pub const CONSENT: [Field; Field::FLAGS.len()] = Field::FLAGS;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn for_all(field: &str, value: &str) -> Choices {
        let for_all = vec![ForAll { field: field.to_owned(), value: value.to_owned() }];
        Choices { for_all, ..Choices::default() }
    }

    #[test]
    fn values_for_all_rows_are_checked() {
        let variables = ["plan".to_owned()];
        for (field, value, fault) in [
            ("active", "yes", ""),
            ("plan", "gold", ""),
            ("variables.plan", "gold", ""),
            ("sourceId", "5d9155bad132d5f45a4e38b1", ""),
            ("active", "perhaps", "active is yes or no, and not \"perhaps\""),
            ("email", "a@example.com", "email cannot have a value for all rows"),
            ("contact", "a", "contact cannot have a value"),
            ("variables.size", "1", "the list has no custom field \"size\""),
            ("size", "1", "there is no field \"size\""),
            ("name", " ", "name has no value"),
        ] {
            match for_all(field, value).check(&variables) {
                Ok(_) => assert_eq!(fault, "", "{field}={value}"),
                Err(error) => assert!(!fault.is_empty() && error.to_string().contains(fault), "{error}"),
            }
        }
    }

    #[test]
    fn what_is_not_chosen_is_not_stored() {
        assert_eq!(serde_json::to_string(&Choices::default()).unwrap(), "{}");
        let choices =
            Choices { match_by: Some("email".to_owned()), mode: Mode::Create, ..for_all("active", "1") };
        let stored = serde_json::to_string(&choices).unwrap();
        assert_eq!(serde_json::from_str::<Choices>(&stored).unwrap(), choices);
        assert_eq!(choices.by().map(ContactBy::name), Some("email"));
    }
}
