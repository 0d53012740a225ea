//! The keys of the entries of a stored record.

use super::field::Field;

/// What a record's entry is about: a field, or a variable of the list by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub(super) u32);

impl Key {
    /// Fields have the keys below.
    pub(super) const FIRST_VARIABLE: u32 = 64;

    /// What was chosen about the flags, see [`crate::contact::choice`]: an entry of a record that is no field.
    pub const CHOICES: Self = Self(27);

    /// How an item treats flags, see [`crate::contact::choice::Options`]: an entry of a patch that no record has.
    pub const OPTIONS: Self = Self(28);

    /// What the caller says of how flags were chosen, see [`crate::contact::proof`]: an entry of a patch that no record
    /// has.
    pub const PROOF: Self = Self(29);

    /// The key with that number, of records that are not those of contacts.
    pub const fn of_number(number: u8) -> Self {
        Self(number as u32)
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Whether it is that of a field or a variable: other entries are shown nowhere.
    pub const fn is_shown(self) -> bool {
        self.0 < Self::CHOICES.0 || self.0 > Self::PROOF.0
    }

    /// The key of the variable with that number.
    pub const fn of_variable(number: u32) -> Self {
        Self(Self::FIRST_VARIABLE.saturating_add(number))
    }

    /// Its name in an answer: a field's own, or `variables.` and that of a variable. A variable that was removed has
    /// no name, and its number stands for it.
    pub fn name<'n>(self, variable: impl Fn(u32) -> Option<&'n str>) -> String {
        match (Field::of_key(self), self.variable()) {
            (Some(field), _) => field.name().to_owned(),
            (None, Some(number)) => match variable(number) {
                Some(name) => format!("variables.{name}"),
                None => format!("variables.#{number}"),
            },
            // A key of a later version.
            (None, None) => format!("#{}", self.0),
        }
    }

    /// The number of the variable, where this is the key of one.
    pub const fn variable(self) -> Option<u32> {
        self.0.checked_sub(Self::FIRST_VARIABLE)
    }
}
