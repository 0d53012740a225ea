//! The fields of a contact: one table that validation, storage and answers all read.

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

/// A row of the table of fields: all that depends on the field alone. What depends on the kind of its value stands in
/// the module that reads, stores or shows it.
struct Entry {
    field: Field,
    name: &'static str,
    kind: Option<Kind>,
    text: &'static str,
}

const fn entry(field: Field, name: &'static str, kind: Option<Kind>, text: &'static str) -> Entry {
    Entry { field, name, kind, text }
}

/// The fields, in the order of the page's Parameters table.
static TABLE: [Entry; 26] = [
    entry(Field::Name, "name", Some(Kind::Text), "The name to display."),
    entry(
        Field::Email,
        "email",
        Some(Kind::Identifier),
        "An e-mail address (RFC 2822 addr-spec, also in Unicode) of at most 254 octets; compared without case; \
         unique in the list.",
    ),
    entry(
        Field::PhoneNumber,
        "phoneNumber",
        Some(Kind::Identifier),
        "A phone number in the form of E.164, such as +15555555; unique in the list.",
    ),
    entry(
        Field::UserId,
        "userId",
        Some(Kind::Identifier),
        "Your own id of the contact, without control characters; compared exactly; unique in the list.",
    ),
    entry(
        Field::Active,
        "active",
        Some(Kind::Flag),
        "Whether the contact may receive anything at all; false by default.",
    ),
    entry(
        Field::EmailSubscribe,
        "emailSubscribe",
        Some(Kind::Flag),
        "Whether the contact wants e-mail; false by default.",
    ),
    entry(
        Field::SmsSubscribe,
        "smsSubscribe",
        Some(Kind::Flag),
        "Whether the contact wants SMS; false by default.",
    ),
    entry(
        Field::DesktopWebPushSubscribe,
        "desktopWebPushSubscribe",
        Some(Kind::Flag),
        "Whether the contact wants push notifications of desktop browsers; false by default.",
    ),
    entry(
        Field::MobileWebPushSubscribe,
        "mobileWebPushSubscribe",
        Some(Kind::Flag),
        "Whether the contact wants push notifications of mobile browsers; false by default.",
    ),
    entry(
        Field::TelegramSubscribe,
        "telegramSubscribe",
        Some(Kind::Flag),
        "Whether the contact wants Telegram messages; false by default.",
    ),
    entry(
        Field::ViberSubscribe,
        "viberSubscribe",
        Some(Kind::Flag),
        "Whether the contact wants Viber messages; false by default.",
    ),
    entry(Field::FirstName, "firstName", Some(Kind::Text), "The first name."),
    entry(Field::LastName, "lastName", Some(Kind::Text), "The last name."),
    entry(
        Field::ContactBirthday,
        "contactBirthday",
        Some(Kind::Birthday),
        "The date of birth, `YYYY-MM-DD`, a real day of the calendar.",
    ),
    entry(
        Field::ContactLanguage,
        "contactLanguage",
        Some(Kind::Language),
        "The language, an ISO 639-1 code; stored in lower case.",
    ),
    entry(
        Field::ContactGender,
        "contactGender",
        Some(Kind::Gender),
        "The gender by ISO/IEC 5218: 0 not known, 1 male, 2 female, 9 not applicable; 0 by default. As a string \
         also, in any case: `unknown`, `undefined`, `empty`; `m`, `male`; `f`, `female`; `n/a`, \
         `not applicable`, `na`.",
    ),
    entry(
        Field::ContactTimezone,
        "contactTimezone",
        Some(Kind::Timezone),
        "The time zone, an IANA name in its exact case (`Europe/Tallinn`). Or an ISO 8601 offset `Z`, `±hh`, \
         `±hhmm` or `±hh:mm` of at most 14 hours.",
    ),
    entry(
        Field::ContactScore,
        "contactScore",
        Some(Kind::Score),
        "A score: an integer of 64 bits, or a string that is one. 100.0 is 100.",
    ),
    entry(
        Field::AvatarLink,
        "avatarLink",
        Some(Kind::Link),
        "The address of a picture; `https://` may be left out, as in all links.",
    ),
    entry(Field::FacebookLink, "facebookLink", Some(Kind::Link), "The address of the Facebook profile."),
    entry(Field::InstagramLink, "instagramLink", Some(Kind::Link), "The address of the Instagram profile."),
    entry(Field::LinkedInLink, "linkedInLink", Some(Kind::Link), "The address of the LinkedIn profile."),
    entry(Field::TwitterLink, "twitterLink", Some(Kind::Link), "The address of the Twitter profile."),
    entry(Field::TiktokLink, "tiktokLink", Some(Kind::Link), "The address of the TikTok profile."),
    entry(
        Field::Source,
        "sourceId",
        None,
        "Where the contact comes from: the id that contact-source/add gave. It has priority over \
         `customerSourceId`.",
    ),
    entry(
        Field::Cac,
        "cac",
        None,
        "The cost to acquire the contact. An object whose `value` is `\"\"` clears it, and so does `\"\"` in \
         place of the object.",
    ),
];

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
        let mut fields = Self::ALL;
        let mut index = 0;
        while index < Self::COUNT {
            // The keys count from 1, each once.
            fields[Self::ALL[index] as usize - 1] = Self::ALL[index];
            index += 1;
        }
        fields
    };

    const fn entry(self) -> &'static Entry {
        // The place of each key in the table.
        const PLACES: [usize; TABLE.len()] = {
            let mut places = [0; TABLE.len()];
            let mut index = 0;
            while index < TABLE.len() {
                places[TABLE[index].field as usize - 1] = index;
                index += 1;
            }
            places
        };
        &TABLE[PLACES[self as usize - 1]]
    }

    /// The key on the wire. A source is named by `sourceId` or `customerSourceId`; this is the first.
    pub const fn name(self) -> &'static str {
        self.entry().name
    }

    /// What its value is. `None` for a source (kept as its number: unsigned 64-bit, little-endian) and for CAC
    /// (see [`crate::contact::amount::Cac`]), which have readers of their own.
    pub const fn kind(self) -> Option<Kind> {
        self.entry().kind
    }

    /// Its description in the reference.
    pub const fn text(self) -> &'static str {
        self.entry().text
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
        assert!(Field::BY_KEY.is_sorted());
        assert!(keys.iter().all(|key| key.variable().is_none()));
        assert_eq!(Key::of_variable(3).variable(), Some(3));
    }
}
