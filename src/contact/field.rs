//! The fields of a contact: one table that validation, storage and answers all read.

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

impl Field {
    /// Every field, in the order of the page's Parameters table (errors are told in it).
    pub const ALL: [Field; 26] = [
        Field::Name,
        Field::Email,
        Field::PhoneNumber,
        Field::UserId,
        Field::Active,
        Field::EmailSubscribe,
        Field::SmsSubscribe,
        Field::DesktopWebPushSubscribe,
        Field::MobileWebPushSubscribe,
        Field::TelegramSubscribe,
        Field::ViberSubscribe,
        Field::FirstName,
        Field::LastName,
        Field::ContactBirthday,
        Field::ContactLanguage,
        Field::ContactGender,
        Field::ContactTimezone,
        Field::ContactScore,
        Field::AvatarLink,
        Field::FacebookLink,
        Field::InstagramLink,
        Field::LinkedInLink,
        Field::TwitterLink,
        Field::TiktokLink,
        Field::Source,
        Field::Cac,
    ];

    /// Every field, in the order of its stored key.
    pub const BY_KEY: [Field; 26] = {
        let mut fields = Self::ALL;
        let mut index = 0;
        while index < Self::ALL.len() {
            // The keys are 1 to 26, each once.
            fields[Self::ALL[index] as usize - 1] = Self::ALL[index];
            index += 1;
        }
        fields
    };

    /// The key on the wire. A source is named by `sourceId` or `customerSourceId`; this is the first.
    pub const fn name(self) -> &'static str {
        match self {
            Field::UserId => "userId",
            Field::Email => "email",
            Field::PhoneNumber => "phoneNumber",
            Field::Name => "name",
            Field::Active => "active",
            Field::EmailSubscribe => "emailSubscribe",
            Field::SmsSubscribe => "smsSubscribe",
            Field::DesktopWebPushSubscribe => "desktopWebPushSubscribe",
            Field::MobileWebPushSubscribe => "mobileWebPushSubscribe",
            Field::TelegramSubscribe => "telegramSubscribe",
            Field::ViberSubscribe => "viberSubscribe",
            Field::FirstName => "firstName",
            Field::LastName => "lastName",
            Field::ContactBirthday => "contactBirthday",
            Field::ContactLanguage => "contactLanguage",
            Field::ContactGender => "contactGender",
            Field::ContactTimezone => "contactTimezone",
            Field::ContactScore => "contactScore",
            Field::AvatarLink => "avatarLink",
            Field::FacebookLink => "facebookLink",
            Field::InstagramLink => "instagramLink",
            Field::LinkedInLink => "linkedInLink",
            Field::TwitterLink => "twitterLink",
            Field::TiktokLink => "tiktokLink",
            Field::Source => "sourceId",
            Field::Cac => "cac",
        }
    }

    /// What its value is. `None` for a source (kept as its number: unsigned 64-bit, little-endian) and for CAC
    /// (see [`crate::contact::amount::Cac`]), which have readers of their own.
    pub const fn kind(self) -> Option<Kind> {
        Some(match self {
            Field::UserId | Field::Email | Field::PhoneNumber => Kind::Identifier,
            Field::Name | Field::FirstName | Field::LastName => Kind::Text,
            Field::Active
            | Field::EmailSubscribe
            | Field::SmsSubscribe
            | Field::DesktopWebPushSubscribe
            | Field::MobileWebPushSubscribe
            | Field::TelegramSubscribe
            | Field::ViberSubscribe => Kind::Flag,
            Field::ContactBirthday => Kind::Birthday,
            Field::ContactLanguage => Kind::Language,
            Field::ContactGender => Kind::Gender,
            Field::ContactTimezone => Kind::Timezone,
            Field::ContactScore => Kind::Score,
            Field::AvatarLink
            | Field::FacebookLink
            | Field::InstagramLink
            | Field::LinkedInLink
            | Field::TwitterLink
            | Field::TiktokLink => Kind::Link,
            Field::Source | Field::Cac => return None,
        })
    }

    /// The field with that key in a stored record.
    pub fn of_key(key: Key) -> Option<Self> {
        // The keys count from 1.
        Self::BY_KEY.get((key.0 as usize).checked_sub(1)?).copied()
    }

    /// Its key in a stored record.
    pub const fn key(self) -> Key {
        Key(self as u32)
    }
}

/// What a record's entry is about: a field, or a variable of the list by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub(super) u32);

impl Key {
    /// Fields have the keys below.
    const FIRST_VARIABLE: u32 = 64;

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

    /// Whether it is that of a field or a variable: other entries are shown nowhere.
    pub const fn is_shown(self) -> bool {
        self.0 < Self::CHOICES.0 || self.0 > Self::PROOF.0
    }

    /// The key of the variable with that number.
    pub const fn of_variable(number: u32) -> Self {
        Self(Self::FIRST_VARIABLE.saturating_add(number))
    }

    /// Its name in an answer: a field's own, or `variables.` and that of a variable. A variable that was removed has
    /// lost its name, and is told by its number.
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
        assert_eq!(keys.len(), 26);
        assert!(Field::BY_KEY.is_sorted());
        assert!(keys.iter().all(|key| key.variable().is_none()));
        assert_eq!(Key::of_variable(3).variable(), Some(3));
    }
}
