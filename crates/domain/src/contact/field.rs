//! The fields of a contact: one table that all who read, store, show or ask for a contact follow.

mod table;

use self::table::{Row, TABLE};
pub use super::key::Key;

/// A field that a contact can hold, in the order in which it is stored.
///
/// The numbers are part of the stored form and never change. Identifiers come first, so that they are found
/// without reading the rest; variables follow behind all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the wire's own, described by the vendor's page")]
pub enum Field {
    UserId = 1,
    Email = 2,
    PhoneNumber = 3,
    Name = 4,
    Active = 5,
    EmailSubscribe = 6,
    SmsSubscribe = 7,
    DesktopWebPushSubscribe = 8,
    MobileWebPushSubscribe = 9,
    TelegramSubscribe = 10,
    ViberSubscribe = 11,
    FirstName = 12,
    LastName = 13,
    ContactBirthday = 14,
    ContactLanguage = 15,
    ContactGender = 16,
    ContactTimezone = 17,
    ContactScore = 18,
    AvatarLink = 19,
    FacebookLink = 20,
    InstagramLink = 21,
    LinkedInLink = 22,
    TwitterLink = 23,
    TiktokLink = 24,
    Source = 25,
    Cac = 26,
    // 27 to 29 are keys of entries that are no fields, see [`Key`].
    #[cfg(feature = "extra-field")]
    Nickname = 30,
}

/// What a field's value is, where it is one JSON value that stands alone; so how it is read, kept and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text by which a contact is found: UTF-8.
    Identifier,
    /// Text of at most 255 characters: UTF-8.
    Text,
    /// Kept as one byte 1; false is kept as absence, its default.
    Flag,
    /// Kept as four bytes, see [`crate::contact::date::Date`].
    Birthday,
    /// Kept as two lower-case letters.
    Language,
    /// Kept as one byte 1, 2 or 9; 0 is kept as absence, its default.
    Gender,
    /// A time zone's name or offset: UTF-8.
    Timezone,
    /// A 64-bit integer, little-endian.
    Score,
    /// A profile's address: UTF-8.
    Link,
}

/// Parts of the form of a contact, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The name.
    Name,
    /// What the contact is found by.
    Identifiers,
    /// Whether and where the contact may be written to.
    Channels,
    /// Other facts.
    About,
    /// Profiles.
    Links,
}

/// The rows of the table by the keys of their fields; variables have the keys behind.
const ROWS: [Option<usize>; Key::FIRST_VARIABLE as usize] = {
    let mut rows = [None; Key::FIRST_VARIABLE as usize];
    let mut index = 0;
    while index < TABLE.len() {
        let key = TABLE[index].field as usize;
        assert!(rows[key].is_none(), "each field has one row");
        rows[key] = Some(index);
        index += 1;
    }
    rows
};

/// The places of the fields in the order of their keys.
const PLACES: [usize; ROWS.len()] = {
    let mut places = [0; ROWS.len()];
    let (mut key, mut count) = (0, 0);
    while key < ROWS.len() {
        places[key] = count;
        count += ROWS[key].is_some() as usize;
        key += 1;
    }
    places
};

/// How many fields are flags.
const FLAGS: usize = {
    let (mut index, mut count) = (0, 0);
    while index < TABLE.len() {
        count += matches!(TABLE[index].kind, Some(Kind::Flag)) as usize;
        index += 1;
    }
    count
};

/// How many fields are those of an answer.
const ANSWERED: usize = {
    let (mut index, mut count) = (0, 0);
    while index < TABLE.len() {
        count += (TABLE[index].answered > 0) as usize;
        index += 1;
    }
    count
};

impl Field {
    /// How many fields there are.
    pub const COUNT: usize = TABLE.len();

    /// Every field, in the order of the page's Parameters table (errors are told in it).
    pub const ALL: [Self; Self::COUNT] = {
        let mut fields = [Self::Name; Self::COUNT];
        let mut index = 0;
        while index < Self::COUNT {
            fields[index] = TABLE[index].field;
            index += 1;
        }
        fields
    };

    /// Every field, in the order of its stored key.
    pub const BY_KEY: [Self; Self::COUNT] = {
        let mut fields = [Self::Name; Self::COUNT];
        let (mut key, mut count) = (0, 0);
        while key < ROWS.len() {
            if let Some(row) = ROWS[key] {
                fields[count] = TABLE[row].field;
                count += 1;
            }
            key += 1;
        }
        fields
    };

    /// The flags, in the order of their keys.
    pub const FLAGS: [Self; FLAGS] = {
        let mut flags = [Self::Active; FLAGS];
        let (mut index, mut count) = (0, 0);
        while index < Self::COUNT {
            if matches!(Self::BY_KEY[index].kind(), Some(Kind::Flag)) {
                flags[count] = Self::BY_KEY[index];
                count += 1;
            }
            index += 1;
        }
        flags
    };

    /// The fields of an answer, in the order in which the vendor's method has them.
    pub const ANSWERED: [Self; ANSWERED] = {
        let mut fields = [Self::Name; ANSWERED];
        let mut index = 0;
        while index < Self::COUNT {
            if let Some(place) = TABLE[index].answered.checked_sub(1) {
                fields[place] = TABLE[index].field;
            }
            index += 1;
        }
        fields
    };

    const fn row(self) -> &'static Row {
        match ROWS[self as usize] {
            Some(row) => &TABLE[row],
            None => panic!("each field has a row"),
        }
    }

    /// Its place among all fields in the order of their keys, from 0.
    pub const fn place(self) -> usize {
        PLACES[self as usize]
    }

    /// The key on the wire. A source is named by `sourceId` or `customerSourceId`; this is the first.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// What its value is. `None` for a source (kept as its number: unsigned 64-bit, little-endian) and for CAC
    /// (see [`crate::contact::amount::Cac`]), which have readers of their own.
    pub const fn kind(self) -> Option<Kind> {
        self.row().kind
    }

    /// The part of the form in which it stands; `None` if it is not one input.
    pub const fn group(self) -> Option<Group> {
        self.row().group
    }

    /// What pages call it.
    pub const fn label(self) -> &'static str {
        self.row().label
    }

    /// What to know before filling it in; empty if nothing.
    pub const fn hint(self) -> &'static str {
        self.row().hint
    }

    /// Its description in the reference.
    pub const fn text(self) -> &'static str {
        self.row().text
    }

    /// Headers of files that mean it, beside its name: small letters and digits.
    pub const fn headers(self) -> &'static [&'static str] {
        self.row().headers
    }

    /// Whether contacts are found by its words.
    pub const fn is_searched(self) -> bool {
        self.row().searched
    }

    /// The field with that key in a stored record.
    pub fn of_key(key: Key) -> Option<Self> {
        Some(TABLE[(*ROWS.get(key.0 as usize)?)?].field)
    }

    /// Its key in a stored record.
    pub const fn key(self) -> Key {
        Key(self as u32)
    }
}

/// The longest name, first name or last name, in Unicode scalar values.
pub const MAX_TEXT: usize = 255;
/// The longest userId, in Unicode scalar values.
pub const MAX_USER_ID: usize = 255;
/// The longest customerSourceId, in ASCII characters.
pub const MAX_CUSTOMER_SOURCE_ID: usize = 40;
/// The longest value of a variable, in Unicode scalar values.
pub const MAX_VARIABLE: usize = 10_000;

/// Whether a text has at most `max` Unicode scalar values.
pub fn fits(text: &str, max: usize) -> bool {
    text.len() <= max || text.chars().count() <= max
}

/// Whether a text can be a customerSourceId: ASCII letters and digits, at most 40.
pub fn is_customer_source_id(text: &str) -> bool {
    (1..=MAX_CUSTOMER_SOURCE_ID).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_every_field_once() {
        let mut keys: Vec<_> = Field::ALL.iter().map(|field| field.key()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), Field::COUNT);
        let mut answered: Vec<_> = Field::ANSWERED.iter().map(|field| field.row().answered).collect();
        answered.dedup();
        assert_eq!(answered, (1..=ANSWERED).collect::<Vec<_>>());
        assert!(Field::BY_KEY.is_sorted());
        assert!(keys.iter().all(|key| key.variable().is_none()));
        assert_eq!(Key::of_variable(3).variable(), Some(3));
    }
}
