//! What a condition is about, and how it may be compared.

use crate::contact::field::{Field, Key, Kind};
use crate::list::List;

/// An operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// The same value.
    Is,
    /// Another value, or none.
    IsNot,
    /// No value.
    Empty,
    /// Any value.
    NotEmpty,
    /// The text is part of the value, in any case.
    Contains,
    /// The value begins with the text, in any case.
    BeginsWith,
    /// Earlier, or a smaller number.
    Before,
    /// Later, or a larger number.
    After,
    /// Between two values, both included.
    Between,
    /// In the last days, up to now.
    InLast,
    /// One of several values.
    In,
}

impl Op {
    /// All, in the order of [`Op::NAMES`].
    pub const ALL: [Self; 11] = [
        Self::Is,
        Self::IsNot,
        Self::Empty,
        Self::NotEmpty,
        Self::Contains,
        Self::BeginsWith,
        Self::Before,
        Self::After,
        Self::Between,
        Self::InLast,
        Self::In,
    ];

    /// The words on the wire.
    pub const NAMES: [&'static str; 11] = [
        "is",
        "isNot",
        "empty",
        "notEmpty",
        "contains",
        "beginsWith",
        "before",
        "after",
        "between",
        "inLast",
        "in",
    ];

    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// By its word.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.name() == name)
    }
}

/// What a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A field, but for the source and CAC.
    Field(Field),
    /// The source, by its id.
    Source,
    /// The amount of the contact's own CAC. That of its source does not count.
    CacValue,
    /// The currency of the contact's own CAC.
    CacCurrency,
    /// A variable of the list, by its number.
    Variable(u32),
    /// When the contact was created.
    CreatedAt,
    /// When it last changed.
    UpdatedAt,
    /// Whether an address of the contact is suppressed.
    Suppressed,
}

/// What the values of a subject are, and so which operators it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Text.
    Text,
    /// True or false; never empty.
    Flag,
    /// A code of [`crate::contact::gender`].
    Gender,
    /// An id.
    Id,
    /// A number.
    Number,
    /// A day.
    Day,
    /// A time, which is never empty.
    Time,
    /// A variable: text, which may read as a number, a day or a time.
    Variable,
}

/// What stands before the name of a variable.
const VARIABLES: &str = "variables.";

impl Subject {
    /// By its name. A variable that the list no longer has is named by its number, `variables.#3`. Without a list,
    /// every variable is number 0.
    pub fn named(name: &str, list: Option<&List>) -> Option<Self> {
        if let Some(variable) = name.strip_prefix(VARIABLES) {
            if let Some(number) = variable.strip_prefix('#') {
                return number.parse().ok().map(Self::Variable);
            }
            return match list {
                Some(list) => list.variable(variable).map(|variable| Self::Variable(variable.number)),
                None => Some(Self::Variable(0)),
            };
        }
        let field = Field::ALL.into_iter().find(|field| field.name() == name);
        match (name, field) {
            ("createdAt", _) => Some(Self::CreatedAt),
            ("updatedAt", _) => Some(Self::UpdatedAt),
            ("suppressed", _) => Some(Self::Suppressed),
            ("cac.value", _) => Some(Self::CacValue),
            ("cac.currency", _) => Some(Self::CacCurrency),
            (_, Some(Field::Source)) => Some(Self::Source),
            (_, Some(Field::Cac)) => None,
            (_, field) => field.map(Self::Field),
        }
    }

    /// Its name. Without a list, variables are named by their numbers.
    pub fn name(self, list: Option<&List>) -> String {
        match self {
            Self::Field(field) => field.name().to_owned(),
            Self::Source => Field::Source.name().to_owned(),
            Self::CacValue => "cac.value".to_owned(),
            Self::CacCurrency => "cac.currency".to_owned(),
            Self::CreatedAt => "createdAt".to_owned(),
            Self::UpdatedAt => "updatedAt".to_owned(),
            Self::Suppressed => "suppressed".to_owned(),
            Self::Variable(number) => {
                let known = list.and_then(|list| list.variables.iter().find(|one| one.number == number));
                known
                    .map_or_else(|| format!("{VARIABLES}#{number}"), |one| format!("{VARIABLES}{}", one.name))
            }
        }
    }

    /// What its values are.
    pub const fn domain(self) -> Domain {
        match self {
            Self::Field(field) => match field.kind() {
                Some(Kind::Flag) => Domain::Flag,
                Some(Kind::Gender) => Domain::Gender,
                Some(Kind::Birthday) => Domain::Day,
                Some(Kind::Score) => Domain::Number,
                _ => Domain::Text,
            },
            Self::Source => Domain::Id,
            Self::CacValue => Domain::Number,
            Self::CacCurrency => Domain::Text,
            Self::Variable(_) => Domain::Variable,
            Self::CreatedAt | Self::UpdatedAt => Domain::Time,
            Self::Suppressed => Domain::Flag,
        }
    }

    /// The entry of a stored record that has its value.
    pub const fn key(self) -> Option<Key> {
        match self {
            Self::Field(field) => Some(field.key()),
            Self::Source => Some(Field::Source.key()),
            Self::CacValue | Self::CacCurrency => Some(Field::Cac.key()),
            Self::Variable(number) => Some(Key::of_variable(number)),
            Self::CreatedAt | Self::UpdatedAt | Self::Suppressed => None,
        }
    }
}

impl Domain {
    /// The operators that it takes.
    pub const fn ops(self) -> &'static [Op] {
        use Op::*;
        match self {
            Self::Text => &[Is, IsNot, Empty, NotEmpty, Contains, BeginsWith, In],
            Self::Flag => &[Is, IsNot],
            Self::Gender | Self::Id => &[Is, IsNot, Empty, NotEmpty, In],
            Self::Number => &[Is, IsNot, Empty, NotEmpty, Before, After, Between, In],
            Self::Day => &[Is, IsNot, Empty, NotEmpty, Before, After, Between, InLast, In],
            Self::Time => &[Is, IsNot, Before, After, Between, InLast],
            Self::Variable => &Op::ALL,
        }
    }
}
