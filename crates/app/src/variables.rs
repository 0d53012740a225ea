//! Variables of lists.

use super::{Caller, Commands, Operation, Reach, Refusal, Result};
use domain::list::check_name;
use domain::problem::{self, Problem};
use storage::{AddError, List, Renamed, VariableKind};

/// Adds variables to a list.
pub static ADD: Operation = Operation::write("/v3/contact-list/variables/add", Reach::List);
/// Renames a variable.
pub static RENAME: Operation = Operation::write("/v3/contact-list/variables/rename", Reach::List);
/// Removes variables of a list.
pub static REMOVE: Operation = Operation::write("/v3/contact-list/variables/remove", Reach::List);

/// The most variables of a list.
const MAX_VARIABLES: usize = 500;

/// The name of a variable: lowerCamelCase, and not the name of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableName(String);

impl VariableName {
    /// Checks a name; `None` is a value that is not a text.
    ///
    /// # Errors
    /// It is no name.
    pub fn parse(name: Option<&str>) -> Result<Self, Problem> {
        let name = name.ok_or_else(problem::variable_name_not_a_string)?;
        check_name(name)?;
        Ok(Self(name.to_owned()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Variables to add to a list: names that it does not have, each once.
#[derive(Debug)]
pub struct NewVariables<'a> {
    list: Option<&'a List>,
    variables: Vec<(String, VariableKind)>,
}

impl<'a> NewVariables<'a> {
    /// None yet; without a list, its present names are not compared.
    pub const fn of(list: Option<&'a List>) -> Self {
        Self { list, variables: Vec::new() }
    }

    /// Adds one.
    ///
    /// # Errors
    /// The list has a variable of that name, or it is here twice.
    pub fn push(&mut self, name: VariableName, kind: VariableKind) -> Result<(), Problem> {
        if let Some(list) = self.list {
            let is_here = self.variables.iter().any(|(known, _)| *known == name.0);
            if is_here || list.variable(&name.0).is_some() {
                return Err(exists(&name.0, list));
            }
        }
        self.variables.push((name.0, kind));
        Ok(())
    }
}

impl Commands {
    /// Adds variables to a list: all of them, or none.
    ///
    /// # Errors
    /// The caller may not, the list has one of them by now, has too many or was removed, or the store fails.
    pub async fn add_variables(&self, caller: &Caller, list: &List, new: NewVariables<'_>) -> Result<()> {
        let app = &self.0;
        let work = async {
            let added =
                app.storage.add_variables(list.no, new.variables, MAX_VARIABLES, app.clock.now()).await;
            added.map_err(|error| match error {
                // Another request was quicker.
                AddError::Exists(name) => exists(&name, list).into(),
                AddError::Gone => problem::list_not_found(&list.id.to_string()).into(),
                AddError::TooMany(max) => {
                    let text = format!("Maximum count of variables per list is {max}");
                    Refusal::from(Problem::new("TOO_MANY_VARIABLES", text).of("variables"))
                }
                other => other.into(),
            })?;
            app.catalogue.account_changed(caller.scope.account);
            Ok(())
        };
        app.run(&ADD, caller, work).await
    }

    /// Gives a variable another name.
    ///
    /// # Errors
    /// The caller may not, the list has no such variable or has the new name already, or the store fails.
    pub async fn rename_variable(
        &self,
        caller: &Caller,
        list: &List,
        name: String,
        new_name: VariableName,
    ) -> Result<()> {
        let app = &self.0;
        let work = async {
            let VariableName(new_name) = new_name;
            let now = app.clock.now();
            let renamed = app.storage.rename_variable(list.no, name.clone(), new_name.clone(), now).await;
            let renamed = renamed.map_err(Refusal::NotSaved)?;
            app.catalogue.account_changed(caller.scope.account);
            match renamed {
                Renamed::Done => Ok(()),
                Renamed::NotFound => Err(problem::variable_not_found(&name).of("name").into()),
                Renamed::Taken => Err(exists(&new_name, list).of("newName").into()),
            }
        };
        app.run(&RENAME, caller, work).await
    }

    /// Removes variables of a list with their values: all of them, or none.
    ///
    /// # Errors
    /// The caller may not, the list does not have one of them, or the store fails.
    pub async fn remove_variables(&self, caller: &Caller, list: &List, names: Vec<String>) -> Result<()> {
        let app = &self.0;
        let work = async {
            let unknown = names.iter().enumerate().filter(|(_, name)| list.variable(name).is_none());
            let unknown = unknown.map(|(position, name)| not_found(name).at(position));
            let unknown: Vec<_> = unknown.collect();
            if !unknown.is_empty() {
                return Err(Refusal::Invalid(unknown));
            }
            let missing = app.storage.remove_variables(list.no, names, app.clock.now()).await;
            let missing = missing.map_err(Refusal::NotSaved)?;
            app.catalogue.account_changed(caller.scope.account);
            if missing.is_empty() {
                return Ok(());
            }
            // Another request was quicker.
            Err(Refusal::Invalid(missing.iter().map(|name| not_found(name)).collect()))
        };
        app.run(&REMOVE, caller, work).await
    }
}

fn not_found(name: &str) -> Problem {
    problem::variable_not_found(name).of("names")
}

fn exists(name: &str, list: &List) -> Problem {
    let text = format!("Variable {name} already exists in list {}", list.id);
    Problem::new("VARIABLE_EXISTS", text).of("variables")
}
