//! Which column of a table is what.

use std::collections::HashMap;

use csv::StringRecord;
use serde::{Deserialize, Serialize};

use super::choices::CONSENT;
use super::profile::Profile;
use super::target::Target;
use super::values::Written;
use super::{Error, Result};
use domain::contact::field::Field;
use domain::list::check_name;

/// What somebody says about the columns of a table; what is left out is guessed.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Columns and what they are, `Column=field`.
    pub map: Vec<String>,
    /// Columns that become new variables: `Column`, `Column=name` or `Column=name:date`.
    pub new_variables: Vec<String>,
    /// Columns that are left out.
    pub ignore: Vec<String>,
    /// Whether columns that nobody knows are left out.
    pub ignore_others: bool,
}

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    /// What stands above it.
    pub header: String,
    /// What it is.
    pub target: Target,
    /// How its cells are written.
    pub written: Written,
    /// What stands between several values in one cell.
    pub between: Option<&'static str>,
    /// Whether its cells are dates of the calendar.
    pub date: bool,
    /// Whether other columns or a value for all rows have the same target: see [`Group`].
    pub shared: bool,
    /// Which of several columns of one target comes first.
    rank: u16,
}

/// A target that several columns have, or a value for all rows.
#[derive(Clone, Debug)]
pub struct Group {
    /// What is set.
    pub target: Target,
    /// The columns, the first with a value counts; of yes and no, one no makes it no.
    pub columns: Vec<usize>,
    /// What counts if no column has a value.
    pub value: Option<String>,
}

/// What a column seems to be, and a near name if its header is unknown.
#[derive(Clone, Debug, Default)]
pub struct Guess {
    /// What it seems to be.
    pub target: Option<Target>,
    /// A field with a name that is almost the same.
    pub near: Option<Target>,
}

/// Guesses what the columns are, and which service has exported them.
pub fn guess<'a>(
    headers: impl Iterator<Item = &'a str> + Clone,
    variables: &[String],
) -> (Vec<Guess>, Option<&'static str>) {
    let profile = Profile::of(headers.clone());
    let guess = |header: &str| {
        let of_service = profile.and_then(|profile| profile.rule(header)).map(|rule| rule.target.clone());
        let target = of_service.or_else(|| Target::guess(header, variables));
        let near = if target.is_none() { Target::near(header, variables) } else { None };
        Guess { target, near }
    };
    (headers.map(guess).collect(), profile.map(|profile| profile.name.as_str()))
}

/// A variable that is to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewVariable {
    /// Its name.
    pub name: String,
    /// Whether its values are dates.
    pub date: bool,
}

/// Why columns cannot be so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Two columns, and what both are.
    #[error("the columns \"{0}\" and \"{1}\" are both {2}")]
    Twice(String, String, String),
    /// No column says whom a row is about.
    #[error("no column is userId, email or phoneNumber")]
    NoIdentifier,
}

/// Which column of a table is what.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// The columns, from the left.
    pub columns: Vec<Column>,
    /// Variables that the list does not have yet.
    pub new_variables: Vec<NewVariable>,
    /// The service that has exported the table, if its columns are known.
    pub service: Option<&'static str>,
    /// Targets that are set by more than one column, or for all rows.
    pub groups: Vec<Group>,
}

/// A variable of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Whether its values are dates.
    pub date: bool,
}

impl Mapping {
    /// What the columns below a header are; `variables` are those of the list.
    ///
    /// # Errors
    /// Where a column is unknown or two are the same, or a wish cannot be met.
    pub fn of(header: &StringRecord, wishes: &Wishes, variables: &[String]) -> Result<Self> {
        let headers: Vec<_> = header.iter().map(|name| name.trim().to_owned()).collect();
        let (said, new_variables) = read_wishes(&headers, wishes, variables)?;
        let (guesses, _) = guess(header.iter(), variables);
        let (mut targets, mut unknown) = (Vec::new(), Vec::new());
        for (place, (header, guess)) in headers.iter().zip(guesses).enumerate() {
            let target = said.get(&place).cloned().or(guess.target);
            let target = target.or_else(|| wishes.ignore_others.then_some(Target::Ignored));
            targets.push(target.unwrap_or_else(|| {
                let near = guess.near.map(|target| format!(" (did you mean {target}?)")).unwrap_or_default();
                unknown.push(format!("\"{header}\"{near}"));
                Target::Ignored
            }));
        }
        if !unknown.is_empty() {
            return Err(Error::Message(format!(
                "unknown columns: {}; name them with --map \"Column=field\", \
                 --map \"Column=variables.name\", --new-variable \"Column\" or --ignore \"Column\"",
                unknown.join(", ")
            )));
        }
        Self::said(header, targets, new_variables).map_err(|fault| {
            Error::Message(match fault {
                Fault::Twice(..) => {
                    format!(
                        "{fault}; leave one out with --ignore, or say what it is with --map; \"#2\" is the second column"
                    )
                }
                Fault::NoIdentifier => format!("{fault}; say which is one with --map \"Column=userId\""),
            })
        })
    }

    /// Of columns of which each was said what it is.
    ///
    /// # Errors
    /// Where two are the same, or none says whom a row is about.
    pub fn said(
        header: &StringRecord,
        targets: Vec<Target>,
        new_variables: Vec<NewVariable>,
    ) -> std::result::Result<Self, Fault> {
        let profile = Profile::of(header.iter());
        let column = |(header, target): (&str, Target)| {
            let rule = profile.and_then(|profile| profile.rule(header)).filter(|rule| rule.target == target);
            let date = target == Target::Field(Field::ContactBirthday)
                || new_variables.iter().any(|new| new.date && target == Target::Variable(new.name.clone()));
            Column {
                header: header.trim().to_owned(),
                written: rule.map(|rule| rule.written).unwrap_or_default(),
                between: rule.and_then(|rule| rule.between),
                rank: rule.map_or(u16::MAX, |rule| rule.rank),
                date,
                shared: false,
                target,
            }
        };
        let columns = header.iter().zip(targets).map(column).collect();
        let service = profile.map(|profile| profile.name.as_str());
        let mut mapping = Self { columns, new_variables, service, groups: Vec::new() };
        mapping.check()?;
        mapping.share(&[]);
        Ok(mapping)
    }

    /// Sets values for all rows.
    pub fn share(&mut self, for_all: &[(Target, String)]) {
        let mut groups: Vec<Group> = Vec::new();
        for (target, value) in for_all {
            groups.push(Group { target: target.clone(), columns: Vec::new(), value: Some(value.clone()) });
        }
        for (place, column) in self.columns.iter().enumerate() {
            let target = match &column.target {
                Target::Ignored => continue,
                // Both are about one field.
                Target::Not(field) => Target::Field(*field),
                target => target.clone(),
            };
            match groups.iter_mut().find(|group| group.target == target) {
                Some(group) => group.columns.push(place),
                None => groups.push(Group { target, columns: vec![place], value: None }),
            }
        }
        groups.retain(|group| group.columns.len() > 1 || group.value.is_some());
        for group in &mut groups {
            group.columns.sort_by_key(|place| self.columns[*place].rank);
            for place in &group.columns {
                self.columns[*place].shared = true;
            }
        }
        self.groups = groups;
    }

    /// Notes which variables of the list are dates.
    pub fn mark_dates(&mut self, variables: &[Variable]) {
        for column in &mut self.columns {
            let is_date =
                |name: &String| variables.iter().any(|variable| variable.date && variable.name == *name);
            column.date |= matches!(&column.target, Target::Variable(name) if is_date(name));
        }
    }

    /// Fields of consent that neither a column nor a value for all rows sets: of new contacts they are no.
    pub fn without_consent(&self) -> Vec<&'static str> {
        let set = |field: Field| {
            let of_columns = self.columns.iter().any(|column| column.target == Target::Field(field));
            of_columns || self.groups.iter().any(|group| group.target == Target::Field(field))
        };
        CONSENT.into_iter().filter(|field| !set(*field)).map(Field::name).collect()
    }

    fn check(&self) -> std::result::Result<(), Fault> {
        let mut seen: HashMap<&Target, &Column> = HashMap::new();
        for column in self.columns.iter().filter(|column| column.target != Target::Ignored) {
            // What a service exports twice, it means so.
            if let Some(other) = seen.insert(&column.target, column)
                && (other.rank == u16::MAX || column.rank == u16::MAX)
            {
                let (other, header) = (other.header.clone(), column.header.clone());
                return Err(Fault::Twice(other, header, column.target.to_string()));
            }
        }
        if !seen.keys().any(|target| target.identifies()) {
            return Err(Fault::NoIdentifier);
        }
        Ok(())
    }

    /// What each column is, by the names that people use; by these two imports are told apart.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.target.to_string()).collect()
    }
}

/// Columns, counted from 0, and what they are.
type Said = HashMap<usize, Target>;

fn read_wishes(
    headers: &[String],
    wishes: &Wishes,
    variables: &[String],
) -> Result<(Said, Vec<NewVariable>)> {
    let (mut said, mut new_variables) = (Said::new(), Vec::new());
    for wish in &wishes.map {
        // A header may have an equals sign in it; the name of a field has none.
        let (column, name) =
            wish.rsplit_once('=').ok_or_else(|| Error::Message(format!("--map {wish}: there is no =")))?;
        let name = name.trim();
        let of_list =
            || variables.iter().any(|known| known == name).then(|| Target::Variable(name.to_owned()));
        let target = Target::named(name).or_else(of_list);
        let target =
            target.ok_or_else(|| Error::Message(format!("--map {wish}: there is no field {name}")))?;
        if let Target::Variable(name) = &target
            && !variables.contains(name)
        {
            let text = format!("--map {wish}: the list has no variable {name}; --new-variable makes one");
            return Err(Error::Message(text));
        }
        said.insert(known(headers, column)?, target);
    }
    for wish in &wishes.new_variables {
        let (column, name) = match wish.rsplit_once('=') {
            Some((column, name)) => (column, name.trim().to_owned()),
            None => (wish.as_str(), camel_case(wish)),
        };
        let (name, date) = match name.strip_suffix(":date") {
            Some(name) => (name.to_owned(), true),
            None => (name, false),
        };
        if !variables.contains(&name) {
            check_name(&name)
                .map_err(|problem| Error::Message(format!("--new-variable {wish}: {}", problem.message)))?;
            new_variables.push(NewVariable { name: name.clone(), date });
        }
        said.insert(known(headers, column)?, Target::Variable(name));
    }
    for column in &wishes.ignore {
        said.insert(known(headers, column)?, Target::Ignored);
    }
    Ok((said, new_variables))
}

/// The place of a column: by its name, or by its number, such as #2.
fn known(headers: &[String], column: &str) -> Result<usize> {
    let column = column.trim();
    let all = |same: &dyn Fn(&str) -> bool| -> Vec<usize> {
        headers.iter().enumerate().filter(|(_, header)| same(header)).map(|(place, _)| place).collect()
    };
    let mut found = all(&|header| header == column);
    if found.is_empty() {
        found = all(&|header| header.to_lowercase() == column.to_lowercase());
    }
    match found[..] {
        [place] => Ok(place),
        [] => {
            let number = column.strip_prefix('#').and_then(|number| number.parse::<usize>().ok());
            let place =
                number.and_then(|number| number.checked_sub(1)).filter(|place| *place < headers.len());
            place.ok_or_else(|| Error::Message(format!("the file has no column \"{column}\"")))
        }
        [first, ..] => Err(Error::Message(format!(
            "the file has {} columns \"{column}\": name one by its number, such as \"#{}\"",
            found.len(),
            first + 1
        ))),
    }
}

/// A header as the name of a variable: "Favourite colour" becomes favouriteColour.
pub fn camel_case(header: &str) -> String {
    let words = header.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut name = String::new();
    for word in words {
        let (first, rest) = word.split_at(1);
        if name.is_empty() {
            name.push_str(&first.to_ascii_lowercase());
        } else {
            name.push_str(&first.to_ascii_uppercase());
        }
        name.push_str(rest);
    }
    name
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
