//! Lists and their variables.

use std::collections::HashMap;

use crate::clock::Timestamp;
use crate::contact::field::Field;
use crate::id::ObjectId;
use crate::journal::{AccountNo, ListNo};
use crate::problem::{self, Problem};

/// The longest name of a new variable: a list has hundreds, and is shown with all of them.
pub const MAX_NAME: usize = 255;

/// Names that no variable may have, in any case, beside those of the fields.
const RESERVED: [&str; 8] =
    ["contact", "variables", "customerSourceId", "externalId", "id", "createdAt", "updatedAt", "sourceName"];

/// The account of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOwner {
    /// The account.
    pub account: AccountNo,
    /// The account's name.
    pub account_name: String,
    /// The list's public id.
    pub list_id: ObjectId,
}

/// A list.
#[derive(Clone, Debug)]
pub struct List {
    /// Its number.
    pub no: ListNo,
    /// Its public id.
    pub id: ObjectId,
    /// Whose it is.
    pub account: AccountNo,
    /// What people are told of it.
    pub about: ListAbout,
    /// Its variables, in the order in which they were added.
    pub variables: Vec<Variable>,
    by_name: HashMap<String, usize>,
}

/// What people are told of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListAbout {
    /// Its name; several may have the same.
    pub name: String,
    /// Whether it is its account's default.
    pub is_default: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its name, its variables or its `optOut` last changed.
    pub updated_at: Timestamp,
    /// What it says about flags that were set to false; `None` where its account says it.
    pub opt_out: Option<OptOut>,
    /// What its account says.
    pub account_opt_out: OptOut,
}

/// Whether a flag that was set to false may be set to true by an item that does not say `resubscribe`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OptOut {
    /// It may, and the result says so.
    #[default]
    Allow,
    /// It stays false.
    Keep,
}

impl OptOut {
    /// Both; their order is part of the stored form.
    pub const ALL: [Self; 2] = [Self::Allow, Self::Keep];

    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Keep => "keep",
        }
    }

    /// By its word.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// As it is stored.
    pub const fn code(self) -> i64 {
        self as i64
    }

    /// From its stored form; what a later version has stored keeps opt-outs.
    pub fn of_code(code: i64) -> Self {
        if code == 0 { Self::Allow } else { Self::Keep }
    }
}

/// A list that is to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewList {
    /// Its name.
    pub name: String,
    /// What it says about flags that were set to false; `None` leaves it to the account.
    pub opt_out: Option<OptOut>,
}

impl NewList {
    /// With that name, and all else as the account says.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), opt_out: None }
    }
}

impl ListChange {
    /// Another name.
    pub fn name(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), opt_out: None }
    }
}

/// What is changed of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListChange {
    /// Its new name.
    pub name: Option<String>,
    /// What it says about flags that were set to false; `Some(None)` leaves it to the account.
    pub opt_out: Option<Option<OptOut>>,
}

impl List {
    /// A list with its variables.
    pub fn new(
        no: ListNo,
        id: ObjectId,
        account: AccountNo,
        about: ListAbout,
        variables: Vec<Variable>,
    ) -> Self {
        let by_name = variables.iter().enumerate().map(|(index, v)| (v.name.clone(), index)).collect();
        Self { no, id, account, about, variables, by_name }
    }

    /// What counts for the list: its own word, or its account's.
    pub fn opt_out(&self) -> OptOut {
        self.about.opt_out.unwrap_or(self.about.account_opt_out)
    }

    /// The variable with that name.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.by_name.get(name).map(|index| &self.variables[*index])
    }
}

/// A variable of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its number in the list; never given twice.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: VariableKind,
}

/// What a variable's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableKind {
    /// Any text.
    String,
    /// A date.
    Date,
}

/// Which lists are wanted: those that all of these fit.
#[derive(Clone, Debug, Default)]
pub struct ListFilter {
    /// That with this id.
    pub id: Option<ObjectId>,
    /// Those with exactly this name.
    pub name: Option<String>,
    /// Only these; `None` for all.
    pub only: Option<Vec<ObjectId>>,
    /// Whether only the account's default list is wanted.
    pub default: bool,
}

/// What became of the renaming of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renamed {
    /// It has the new name.
    Done,
    /// The list has no such variable, or is gone.
    NotFound,
    /// Another variable of the list has the new name.
    Taken,
}

/// What is wrong with the name of a variable, if anything is.
///
/// # Errors
/// The first of: empty, reserved, too long or not in lowerCamelCase.
pub fn check_name(name: &str) -> Result<(), Problem> {
    if name.is_empty() {
        return Err(problem::variable_name_empty());
    }
    let fields = Field::ALL.iter().map(|field| field.name());
    if fields.chain(RESERVED).any(|reserved| reserved.eq_ignore_ascii_case(name)) {
        return Err(problem::variable_reserved(name));
    }
    let camel_case = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_alphabetic());
    if camel_case && name.len() <= MAX_NAME { Ok(()) } else { Err(problem::variable_name(name)) }
}
