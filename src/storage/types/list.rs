//! Lists and their variables.

use std::collections::HashMap;

use crate::clock::Timestamp;
use crate::id::ObjectId;
use crate::journal::{AccountNo, ListNo};

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
    /// When its name or its variables last changed.
    pub updated_at: Timestamp,
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
