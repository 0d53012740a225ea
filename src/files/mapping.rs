//! Which column of a table is what.

use std::collections::HashMap;

use csv::StringRecord;
use serde::{Deserialize, Serialize};

use super::target::Target;
use super::{Error, Result};
use crate::intake::variables::check_name;

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
    Nobody,
}

/// Which column of a table is what.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// The columns, from the left.
    pub columns: Vec<Column>,
    /// Variables that the list does not have yet.
    pub new_variables: Vec<NewVariable>,
}

impl Mapping {
    /// What the columns below a header are; `variables` are those of the list.
    ///
    /// # Errors
    /// Where a column is unknown or two are the same, or a wish cannot be met.
    pub fn of(header: &StringRecord, wishes: &Wishes, variables: &[String]) -> Result<Self> {
        let headers: Vec<_> = header.iter().map(|name| name.trim().to_owned()).collect();
        let (said, new_variables) = read_wishes(&headers, wishes, variables)?;
        let (mut columns, mut unknown) = (Vec::new(), Vec::new());
        for header in headers {
            let target = said.get(&header).cloned().or_else(|| Target::guess(&header, variables));
            let target = target.or_else(|| wishes.ignore_others.then_some(Target::Ignored));
            let target = target.unwrap_or_else(|| {
                unknown.push(format!("\"{header}\""));
                Target::Ignored
            });
            columns.push(Column { header, target });
        }
        if !unknown.is_empty() {
            return Err(Error::Told(format!(
                "nobody knows what these columns are: {}; say it with --map \"Column=field\", \
                 --map \"Column=variables.name\", --new-variable \"Column\" or --ignore \"Column\"",
                unknown.join(", ")
            )));
        }
        let mapping = Self { columns, new_variables };
        mapping.check().map_err(|fault| {
            Error::Told(match fault {
                Fault::Twice(..) => {
                    format!("{fault}; leave one out with --ignore, or say what it is with --map")
                }
                Fault::Nobody => format!("{fault}; say which is one with --map \"Column=userId\""),
            })
        })?;
        Ok(mapping)
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
        let headers = header.iter().map(|name| name.trim().to_owned());
        let columns = headers.zip(targets).map(|(header, target)| Column { header, target }).collect();
        let mapping = Self { columns, new_variables };
        mapping.check()?;
        Ok(mapping)
    }

    fn check(&self) -> std::result::Result<(), Fault> {
        let mut seen: HashMap<&Target, &str> = HashMap::new();
        for Column { header, target } in self.columns.iter().filter(|column| column.target != Target::Ignored)
        {
            if let Some(other) = seen.insert(target, header) {
                return Err(Fault::Twice(other.to_owned(), header.clone(), target.to_string()));
            }
        }
        if !seen.keys().any(|target| target.identifies()) {
            return Err(Fault::Nobody);
        }
        Ok(())
    }

    /// Leaves the columns of these variables out.
    pub fn leave_out(&mut self, variables: &[NewVariable]) {
        for column in &mut self.columns {
            if variables.iter().any(|new| column.target == Target::Variable(new.name.clone())) {
                column.target = Target::Ignored;
            }
        }
    }

    /// What each column is, by the names that people use; by these two imports are told apart.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.target.to_string()).collect()
    }
}

type Said = HashMap<String, Target>;

fn read_wishes(
    headers: &[String],
    wishes: &Wishes,
    variables: &[String],
) -> Result<(Said, Vec<NewVariable>)> {
    let (mut said, mut new_variables) = (Said::new(), Vec::new());
    for wish in &wishes.map {
        // A header may have an equals sign in it; the name of a field has none.
        let (column, name) =
            wish.rsplit_once('=').ok_or_else(|| Error::Told(format!("--map {wish}: there is no =")))?;
        let name = name.trim();
        let of_list =
            || variables.iter().any(|known| known == name).then(|| Target::Variable(name.to_owned()));
        let target = Target::named(name).or_else(of_list);
        let target = target.ok_or_else(|| Error::Told(format!("--map {wish}: there is no field {name}")))?;
        if let Target::Variable(name) = &target
            && !variables.contains(name)
        {
            let text = format!("--map {wish}: the list has no variable {name}; --new-variable makes one");
            return Err(Error::Told(text));
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
                .map_err(|problem| Error::Told(format!("--new-variable {wish}: {}", problem.message)))?;
            new_variables.push(NewVariable { name: name.clone(), date });
        }
        said.insert(known(headers, column)?, Target::Variable(name));
    }
    for column in &wishes.ignore {
        said.insert(known(headers, column)?, Target::Ignored);
    }
    Ok((said, new_variables))
}

fn known(headers: &[String], column: &str) -> Result<String> {
    let column = column.trim();
    let exact = headers.iter().find(|header| *header == column);
    let alike = || headers.iter().find(|header| header.to_lowercase() == column.to_lowercase());
    let found = exact.or_else(alike).cloned();
    found.ok_or_else(|| Error::Told(format!("the file has no column \"{column}\"")))
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
mod tests {
    use super::*;

    fn wishes(map: &[&str], new: &[&str], ignore: &[&str]) -> Wishes {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Wishes { map: texts(map), new_variables: texts(new), ignore: texts(ignore), ignore_others: false }
    }

    fn map(header: &[&str], wishes: &Wishes) -> std::result::Result<Vec<String>, String> {
        let header = StringRecord::from(header.to_vec());
        let mapping =
            Mapping::of(&header, wishes, &["plan".to_owned()]).map_err(|error| error.to_string())?;
        Ok(mapping.columns.iter().map(|column| column.target.to_string()).collect())
    }

    #[test]
    fn what_is_said_goes_over_what_is_guessed() {
        let wishes = wishes(
            &["a=b=userId", "Email = variables.plan"],
            &["Shoe size", "x=favouriteDay:date"],
            &["junk"],
        );
        let told = map(&["email", "a=b", "Shoe size", "x", "junk", ""], &wishes).unwrap();
        let expected = [
            "variables.plan",
            "userId",
            "variables.shoeSize",
            "variables.favouriteDay",
            "(ignored)",
            "(ignored)",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_cannot_be_is_told() {
        for (header, wishes, text) in [
            (
                vec!["email", "Size"],
                wishes(&[], &[], &[]),
                "nobody knows what these columns are: \"Size\"; say it with",
            ),
            (
                vec!["email", "E-Mail"],
                wishes(&[], &[], &[]),
                "the columns \"email\" and \"E-Mail\" are both email",
            ),
            (
                vec!["email", "email"],
                wishes(&[], &[], &[]),
                "the columns \"email\" and \"email\" are both email",
            ),
            (vec!["name"], wishes(&[], &[], &[]), "no column is userId, email or phoneNumber"),
            (vec!["email"], wishes(&["x=name"], &[], &[]), "the file has no column \"x\""),
            (vec!["email"], wishes(&["email"], &[], &[]), "--map email: there is no ="),
            (vec!["email"], wishes(&["email=x"], &[], &[]), "--map email=x: there is no field x"),
            (vec!["email"], wishes(&["email=variables.x"], &[], &[]), "the list has no variable x"),
            (vec!["email", "9"], wishes(&[], &["9"], &[]), "--new-variable 9: invalid name of variable 9"),
            (vec!["email", "Id"], wishes(&[], &["Id"], &[]), "variable \"id\" is reserved"),
        ] {
            let told = map(&header, &wishes).unwrap_err();
            assert!(told.contains(text), "{header:?}: {told}");
        }
    }
}
