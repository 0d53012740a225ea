//! What the columns of an uploaded file are: the form on the page of a job that waits to be begun.

use super::Fields;
use crate::contact::field::Field;
use crate::files::mapping::{Fault, Mapping, NewVariable, camel_case};
use crate::files::target::Target;
use crate::intake::variables::check_name;
use crate::jobs::job::Plan;
use crate::jobs::upload::Preview;

/// A choice that makes a variable.
const NEW: &str = "new";

/// A choice that leaves a column out, as [`Target::named`] reads it.
const IGNORE: &str = "ignore";

/// A column of the file, and what is chosen for it.
pub struct Column {
    /// Its place from the left.
    pub place: usize,
    /// What stands above it.
    pub header: String,
    /// Its first cells.
    pub cells: Vec<String>,
    /// What is chosen; empty where nobody knows.
    pub chosen: String,
    /// What a new variable is called.
    pub name: String,
    /// Whether its values are dates.
    pub date: bool,
}

/// Choices that belong together.
pub struct Group {
    /// What they are.
    pub name: &'static str,
    /// Their values and texts.
    pub choices: Vec<(String, String)>,
}

/// The form, with what is chosen in it.
pub struct Columns {
    /// The columns.
    pub columns: Vec<Column>,
    /// The choices for each.
    pub groups: Vec<Group>,
    /// Whether an empty cell clears.
    pub empty_clears: bool,
    /// Whether contacts that are not in the list are made.
    pub upsert: bool,
    /// Whether flags that were set to false may be set to true.
    pub resubscribe: bool,
}

impl Columns {
    /// With what was said before, else with what the headers seem to be.
    pub fn of(preview: &Preview, plan: Option<&Plan>, variables: &[String]) -> Self {
        let column = |(place, header): (usize, &String)| {
            let said = plan.and_then(|plan| plan.columns.get(place)).cloned();
            let guessed = || Target::guess(header, variables).map(|target| value(&target, variables));
            let chosen = said.unwrap_or_else(|| guessed().unwrap_or_default());
            let new = plan.and_then(|plan| {
                plan.new_variables.iter().find(|new| chosen == format!("variables.{}", new.name))
            });
            Column {
                place,
                header: header.clone(),
                cells: preview.rows.iter().map(|row| row.get(place).cloned().unwrap_or_default()).collect(),
                name: new.map_or_else(|| camel_case(header), |new| new.name.clone()),
                date: new.is_some_and(|new| new.date),
                chosen: if new.is_some() { NEW.to_owned() } else { chosen },
            }
        };
        Self {
            columns: preview.header.iter().enumerate().map(column).collect(),
            groups: groups(variables),
            empty_clears: plan.is_some_and(|plan| plan.empty_clears),
            upsert: plan.is_none_or(|plan| plan.upsert),
            resubscribe: plan.is_some_and(|plan| plan.resubscribe),
        }
    }

    /// The same with what was chosen in the form.
    pub fn choose(&mut self, form: &Fields) {
        for column in &mut self.columns {
            form.get(&format!("column-{}", column.place)).clone_into(&mut column.chosen);
            form.get(&format!("name-{}", column.place)).clone_into(&mut column.name);
            column.date = form.get(&format!("type-{}", column.place)) == "date";
        }
        (self.empty_clears, self.upsert) = (form.has("empty_clears"), form.get("mode") != "update");
        self.resubscribe = form.has("resubscribe");
    }

    /// What is to be done.
    ///
    /// # Errors
    /// What is wrong with the choices, in a sentence.
    pub fn plan(&self, variables: &[String]) -> Result<Plan, String> {
        let (mut columns, mut new_variables) = (Vec::new(), Vec::<NewVariable>::new());
        for Column { header, chosen, name, date, .. } in &self.columns {
            let target = match chosen.as_str() {
                "" => {
                    return Err(format!("Choose a field for the column \"{header}\", or do not import it."));
                }
                NEW => {
                    check_name(name)
                        .map_err(|problem| format!("the column \"{header}\": {}", problem.message))?;
                    if variables.contains(name) || new_variables.iter().any(|new| new.name == *name) {
                        return Err(format!("the column \"{header}\": there is a variable {name} already"));
                    }
                    new_variables.push(NewVariable { name: name.clone(), date: *date });
                    format!("variables.{name}")
                }
                other => other.to_owned(),
            };
            columns.push(target);
        }
        let Self { empty_clears, upsert, resubscribe, .. } = *self;
        let plan = Plan { columns, new_variables, empty_clears, upsert, resubscribe };
        let header = self.columns.iter().map(|column| column.header.as_str()).collect();
        self.check(&plan, &header, variables)?;
        Ok(plan)
    }

    fn check(&self, plan: &Plan, header: &csv::StringRecord, variables: &[String]) -> Result<(), String> {
        let mut targets = Vec::new();
        for name in &plan.columns {
            let target = Target::named(name).ok_or_else(|| format!("there is no field {name}"))?;
            if let Target::Variable(variable) = &target
                && !variables.contains(variable)
                && !plan.new_variables.iter().any(|new| new.name == *variable)
            {
                return Err(format!("the list has no variable {variable}"));
            }
            targets.push(target);
        }
        let said = Mapping::said(header, targets, plan.new_variables.clone());
        said.map(drop).map_err(|fault| match fault {
            Fault::Twice(..) => format!("{fault}: leave one of them out"),
            Fault::Nobody => format!("{fault}: one must be, so that it is known whom a row is about"),
        })
    }
}

/// The choice that stands for a target; a variable that the list does not have is a new one.
fn value(target: &Target, variables: &[String]) -> String {
    match target {
        Target::Ignored => IGNORE.to_owned(),
        Target::Variable(name) if !variables.contains(name) => NEW.to_owned(),
        target => target.to_string(),
    }
}

fn groups(variables: &[String]) -> Vec<Group> {
    let same = |text: &str| (text.to_owned(), text.to_owned());
    let (who, other): (Vec<_>, Vec<_>) = Field::ALL
        .into_iter()
        .filter(|field| *field != Field::Cac)
        .partition(|field| Target::Field(*field).identifies());
    let mut who: Vec<_> = who.into_iter().map(|field| same(field.name())).collect();
    who.push(("contact".to_owned(), "whichever of these it is".to_owned()));
    let mut fields: Vec<_> = other.into_iter().map(|field| same(field.name())).collect();
    fields.extend(["customerSourceId", "cac.value", "cac.currency"].map(same));
    let mut of_list: Vec<_> =
        variables.iter().map(|name| (format!("variables.{name}"), name.clone())).collect();
    of_list.push((NEW.to_owned(), "new custom field".to_owned()));
    vec![
        Group { name: "Whom the row is about", choices: who },
        Group { name: "Fields", choices: fields },
        Group { name: "Custom fields", choices: of_list },
    ]
}
