//! What a column can be.

use std::fmt;

use super::profile;
use domain::contact::field::{Field, Kind};
use wire::contact::BEFORE_TIMES;

/// What the cells of a column are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// Whom the row is about, whatever it is by its form.
    Contact,
    /// The contact's id, as the server gave it.
    ContactId,
    /// A field.
    Field(Field),
    /// The caller's own id of the source.
    CustomerSourceId,
    /// What it cost to acquire the contact.
    CacValue,
    /// The currency of that.
    CacCurrency,
    /// A variable of the list.
    Variable(String),
    /// A field that is yes or no, the other way round: the column says who must not be written to.
    Not(Field),
    /// Nothing.
    Ignored,
}

/// The times of a contact, which stand behind one of its fields.
const TIMES: [&str; 2] = ["createdAt", "updatedAt"];

/// The columns behind the fields.
const BEHIND: [&str; 5] = ["sourceName", "sourceId", "customerSourceId", "cac.value", "cac.currency"];

/// The columns of an export, before the variables: the members of a contact as contact/get shows them.
pub const COLUMNS: [&str; Field::ANSWERED.len() + TIMES.len() + BEHIND.len()] = {
    let mut columns = [""; Field::ANSWERED.len() + TIMES.len() + BEHIND.len()];
    let (mut index, mut place) = (0, 0);
    while index < Field::ANSWERED.len() {
        columns[place] = Field::ANSWERED[index].name();
        place += 1;
        if Field::ANSWERED[index] as u8 == BEFORE_TIMES as u8 {
            columns[place] = TIMES[0];
            columns[place + 1] = TIMES[1];
            place += TIMES.len();
        }
        index += 1;
    }
    index = 0;
    while index < BEHIND.len() {
        columns[place + index] = BEHIND[index];
        index += 1;
    }
    columns
};

/// The column behind the variables with the suppressions of a contact, where an export has it. No variable has a dot in
/// its name.
pub const SUPPRESSED: &str = "suppressed.reasons";

/// The last column with the ids of contacts, where an export has it.
pub const CONTACT_ID: &str = "contactId";

/// Members of a contact that nobody can set: such columns are left out.
const READ_ONLY: [&str; 4] = ["createdAt", "updatedAt", "sourceName", SUPPRESSED];

/// The fields that a column can be. `cac` alone is an object,
/// which no cell is.
fn fields() -> impl Iterator<Item = Field> + Clone {
    Field::ALL.into_iter().filter(|field| *field != Field::Cac)
}

/// The letters and digits of a name, in lower case.
pub fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What stands before the name of a member that was unpacked.
pub const UNPACKED: &str = "attributes.";

/// How many letters two words differ in: those that are put in, left out or another.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<_> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (place, letter) in one.chars().enumerate() {
        let mut before = std::mem::replace(&mut row[0], place + 1);
        for (at, known) in other.iter().enumerate() {
            let changed = before + usize::from(letter != *known);
            before = row[at + 1];
            row[at + 1] = changed.min(before + 1).min(row[at] + 1);
        }
    }
    row[other.len()]
}

impl Target {
    /// What somebody names: a field, `variables.x`, `ignore`.
    pub fn named(name: &str) -> Option<Self> {
        if let Some(variable) = name.strip_prefix("variables.") {
            return Some(Self::Variable(variable.to_owned())).filter(|_| !variable.is_empty());
        }
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        let others = [
            ("contact", Self::Contact),
            (CONTACT_ID, Self::ContactId),
            ("externalId", Self::Field(Field::UserId)),
            ("customerSourceId", Self::CustomerSourceId),
            ("cac.value", Self::CacValue),
            ("cac.currency", Self::CacCurrency),
            ("ignore", Self::Ignored),
        ];
        if let Some((_, target)) = others.into_iter().find(|(known, _)| is(known)) {
            return Some(target);
        }
        if let Some((word, field)) = name.split_once(' ')
            && word.eq_ignore_ascii_case("not")
        {
            let mut fields = Field::ALL.into_iter().filter(|field| field.kind() == Some(Kind::Flag));
            return fields.find(|known| known.name().eq_ignore_ascii_case(field.trim())).map(Self::Not);
        }
        fields().find(|field| is(field.name())).map(Self::Field)
    }

    /// What a header seems to be; the names of variables go over guesses.
    pub fn guess(header: &str, variables: &[String]) -> Option<Self> {
        let header = header.trim();
        let left_out = |known: &&str| known.eq_ignore_ascii_case(header);
        if header.is_empty()
            || READ_ONLY.iter().any(left_out)
            || super::escape_formulas::FAILED_COLUMNS.iter().any(left_out)
        {
            return Some(Self::Ignored);
        }
        let exact = variables.iter().find(|name| *name == header);
        if let Some(name) = exact {
            return Some(Self::Variable(name.clone()));
        }
        // "Contact" stands above the names of people: it is taken for the API's key only as that is written.
        let is_meant = |target: &Self| match target {
            Self::Ignored => false,
            Self::Contact => header == "contact",
            _ => true,
        };
        let named = Self::named(header).filter(is_meant);
        if named.is_some() {
            return named;
        }
        // A member of an object in a cell, as a column of its own.
        if let Some(member) = header.strip_prefix(UNPACKED)
            && let Some(name) = variables.iter().find(|name| *name == member || plain(name) == plain(member))
        {
            return Some(Self::Variable(name.clone()));
        }
        let plain_header = plain(header);
        let mut alike = variables.iter().filter(|name| plain(name) == plain_header);
        if let (Some(name), None) = (alike.next(), alike.next()) {
            return Some(Self::Variable(name.clone()));
        }
        if plain_header == plain(&Self::CustomerSourceId.to_string()) {
            return Some(Self::CustomerSourceId);
        }
        let known = fields().find(|field| plain(field.name()) == plain_header);
        let guessed = || fields().find(|field| field.headers().contains(&plain_header.as_str()));
        known.or_else(guessed).map(Self::Field).or_else(|| profile::header(&plain_header))
    }

    /// The meaning of an unknown header: a name with almost the same letters, or one that is part of it.
    pub fn near(header: &str, variables: &[String]) -> Option<Self> {
        const SHORTEST: usize = 4;
        let wanted = plain(header);
        let length = wanted.chars().count();
        if length < SHORTEST {
            return None;
        }
        let names = fields().map(|field| (plain(field.name()), Self::Field(field)));
        let guesses = fields().flat_map(|field| {
            field.headers().iter().map(move |name| ((*name).to_owned(), Self::Field(field)))
        });
        let of_list = variables.iter().map(|name| (plain(name), Self::Variable(name.clone())));
        let other = profile::headers().map(|(name, target)| (name.to_owned(), target.clone()));
        let known = of_list.chain(names).chain(guesses).chain(other);
        let known = known.filter(|(name, _)| name.chars().count() >= SHORTEST);
        let far = |name: &str| match name.chars().count() >= 5
            && (wanted.contains(name) || name.contains(&wanted))
        {
            true => 1,
            false => distance(&wanted, name),
        };
        let nearest = known.map(|(name, target)| (far(&name), target)).min_by_key(|(far, _)| *far);
        nearest.filter(|(far, _)| *far <= 1 + length / 5).map(|(_, target)| target)
    }

    /// Whether its cells are identifiers or names: a number there is never reckoned with.
    pub const fn is_text(&self) -> bool {
        match self {
            Self::Contact | Self::ContactId | Self::CustomerSourceId => true,
            Self::Field(field) => matches!(field.kind(), Some(Kind::Identifier | Kind::Text)),
            _ => false,
        }
    }

    /// Whether a contact can be found by it.
    pub const fn identifies(&self) -> bool {
        match self {
            Self::Contact | Self::ContactId => true,
            Self::Field(field) => matches!(field.kind(), Some(Kind::Identifier)),
            _ => false,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contact => f.write_str("contact"),
            Self::ContactId => f.write_str("contactId"),
            Self::Field(field) => f.write_str(field.name()),
            Self::CustomerSourceId => f.write_str("customerSourceId"),
            Self::CacValue => f.write_str("cac.value"),
            Self::CacCurrency => f.write_str("cac.currency"),
            Self::Variable(name) => write!(f, "variables.{name}"),
            Self::Not(field) => write!(f, "not {}", field.name()),
            Self::Ignored => f.write_str("(ignored)"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn headers_are_guessed() {
        let variables = ["plan".to_owned(), "favouriteColour".to_owned()];
        for (header, expected) in [
            ("email", "email"),
            (" E-Mail ", "email"),
            ("E-mail address", "email"),
            ("PHONENUMBER", "phoneNumber"),
            ("Phone", "phoneNumber"),
            ("First name", "firstName"),
            ("Surname", "lastName"),
            ("Birthday", "contactBirthday"),
            ("contact_birthday", "contactBirthday"),
            ("externalId", "userId"),
            ("Customer Source ID", "customerSourceId"),
            ("customersourceid", "customerSourceId"),
            ("plan", "variables.plan"),
            ("Favourite colour", "variables.favouriteColour"),
            ("variables.other", "variables.other"),
            ("createdAt", "(ignored)"),
            ("", "(ignored)"),
            ("contact", "contact"),
            ("Contact", "-"),
            ("User", "-"),
            ("ignore", "-"),
            ("cac", "-"),
            ("Shoe size", "-"),
            ("not emailSubscribe", "not emailSubscribe"),
            ("not email", "-"),
            ("attributes.plan", "variables.plan"),
            ("Vorname", "firstName"),
            ("E-Mail-Adresse", "email"),
            ("Prénom", "firstName"),
            ("Fecha de nacimiento", "contactBirthday"),
            ("Perekonnanimi", "lastName"),
            ("Ім'я", "firstName"),
            ("Номер телефону", "phoneNumber"),
            ("Imię", "firstName"),
        ] {
            let guessed = Target::guess(header, &variables);
            assert_eq!(guessed.map_or("-".to_owned(), |target| target.to_string()), expected, "{header}");
        }
    }

    #[test]
    fn near_misses_are_found() {
        let variables = ["favouriteColour".to_owned()];
        for (header, expected) in [
            ("birthdayDate", "contactBirthday"),
            ("Fisrt name", "firstName"),
            ("emial", "email"),
            ("favorite color", "variables.favouriteColour"),
            ("Vornamen", "firstName"),
            ("Shoe size", "-"),
            ("Day", "-"),
            ("junk", "-"),
            ("x", "-"),
        ] {
            let near = Target::near(header, &variables);
            assert_eq!(near.map_or("-".to_owned(), |target| target.to_string()), expected, "{header}");
        }
    }

    #[test]
    fn the_columns_of_an_export_are_those_that_are_shown_and_all_are_understood() {
        let shown = Field::ANSWERED.map(Field::name);
        assert!(shown.iter().all(|name| COLUMNS.contains(name)));
        assert!(COLUMNS.contains(&"updatedAt") && !COLUMNS.contains(&""));
        for column in COLUMNS {
            assert!(Target::guess(column, &[]).is_some(), "{column}");
        }
    }
}
