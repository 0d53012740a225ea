//! The table of fields. The reader of bodies, the answers, filters, files, the form and the columns of pages follow it.

use super::{Field, Group, Kind};

/// A row: all that depends on the field alone. What depends on the kind of its value stands in the module that reads,
/// stores or shows it.
pub struct Row {
    /// The field.
    pub field: Field,
    /// Its key on the wire.
    pub name: &'static str,
    /// What its value is.
    pub kind: Option<Kind>,
    /// Its place among the fields of an answer, from 1; 0 if it is not among them.
    pub answered: usize,
    /// The part of the form in which it stands, if it is one input there.
    pub group: Option<Group>,
    /// What pages call it.
    pub label: &'static str,
    /// What to know before filling it in.
    pub hint: &'static str,
    /// Its description in the reference.
    pub text: &'static str,
    /// Headers of files that mean it, beside its name: small letters and digits.
    pub headers: &'static [&'static str],
    /// Whether contacts are found by its words.
    pub searched: bool,
}

/// Marks a text that pages translate where they show it.
const fn mark(text: &'static str) -> &'static str {
    text
}

const fn row(field: Field, name: &'static str, kind: Kind, group: Group, answered: usize) -> Row {
    let (kind, group) = (Some(kind), Some(group));
    Row { field, name, kind, answered, group, label: name, hint: "", text: "", headers: &[], searched: false }
}

/// A field that is not one value: its readers are its own.
const fn special(field: Field, name: &'static str) -> Row {
    Row { kind: None, group: None, ..row(field, name, Kind::Text, Group::About, 0) }
}

/// The fields, in the order of the vendor's table of parameters: errors are reported in it.
pub static TABLE: &[Row] = &[
    Row {
        label: mark("Name"),
        text: "The name to display.",
        headers: &["fullname", "displayname"],
        searched: true,
        ..row(Field::Name, "name", Kind::Text, Group::Name, 1)
    },
    Row {
        label: mark("E-mail"),
        text: "An e-mail address (RFC 2822 addr-spec, also in Unicode) of at most 254 octets; compared without case; \
         unique in the list.",
        headers: &["mail", "emailaddress", "emailadress", "emails"],
        searched: true,
        ..row(Field::Email, "email", Kind::Identifier, Group::Identifiers, 2)
    },
    Row {
        label: mark("Phone number"),
        text: "A phone number in the form of E.164, such as +15555555; unique in the list.",
        hint: mark("With + and the country code: +15555555"),
        headers: &[
            "phone",
            "phones",
            "telephone",
            "telephonenumber",
            "tel",
            "mobile",
            "mobilephone",
            "mobilenumber",
            "cell",
            "cellphone",
            "phoneno",
            "msisdn",
        ],
        searched: true,
        ..row(Field::PhoneNumber, "phoneNumber", Kind::Identifier, Group::Identifiers, 3)
    },
    Row {
        label: mark("User ID"),
        text: "Your own id of the contact, without control characters; compared exactly; unique in the list.",
        hint: mark("Your own ID of the contact."),
        headers: &["externalid", "customerid", "clientid"],
        ..row(Field::UserId, "userId", Kind::Identifier, Group::Identifiers, 4)
    },
    Row {
        label: mark("Active"),
        text: "Whether the contact may receive anything at all; false by default.",
        headers: &["isactive"],
        ..row(Field::Active, "active", Kind::Flag, Group::Channels, 5)
    },
    Row {
        label: mark("E-mail"),
        text: "Whether the contact wants e-mail; false by default.",
        headers: &["emailsubscribed", "newsletter"],
        ..row(Field::EmailSubscribe, "emailSubscribe", Kind::Flag, Group::Channels, 6)
    },
    Row {
        label: mark("SMS"),
        text: "Whether the contact wants SMS; false by default.",
        headers: &["smssubscribed"],
        ..row(Field::SmsSubscribe, "smsSubscribe", Kind::Flag, Group::Channels, 7)
    },
    Row {
        label: mark("Desktop push"),
        text: "Whether the contact wants push notifications of desktop browsers; false by default.",
        ..row(Field::DesktopWebPushSubscribe, "desktopWebPushSubscribe", Kind::Flag, Group::Channels, 8)
    },
    Row {
        label: mark("Mobile push"),
        text: "Whether the contact wants push notifications of mobile browsers; false by default.",
        ..row(Field::MobileWebPushSubscribe, "mobileWebPushSubscribe", Kind::Flag, Group::Channels, 9)
    },
    Row {
        label: mark("Telegram"),
        text: "Whether the contact wants Telegram messages; false by default.",
        headers: &["telegramsubscribed"],
        ..row(Field::TelegramSubscribe, "telegramSubscribe", Kind::Flag, Group::Channels, 10)
    },
    Row {
        label: mark("Viber"),
        text: "Whether the contact wants Viber messages; false by default.",
        headers: &["vibersubscribed"],
        ..row(Field::ViberSubscribe, "viberSubscribe", Kind::Flag, Group::Channels, 11)
    },
    Row {
        label: mark("First name"),
        text: "The first name.",
        headers: &["givenname", "forename"],
        searched: true,
        ..row(Field::FirstName, "firstName", Kind::Text, Group::Name, 15)
    },
    Row {
        label: mark("Last name"),
        text: "The last name.",
        headers: &["surname", "familyname"],
        searched: true,
        ..row(Field::LastName, "lastName", Kind::Text, Group::Name, 16)
    },
    Row {
        label: mark("Birthday"),
        text: "The date of birth, `YYYY-MM-DD`, a real day of the calendar.",
        headers: &["birthday", "birthdate", "dateofbirth", "dob", "born"],
        ..row(Field::ContactBirthday, "contactBirthday", Kind::Birthday, Group::About, 13)
    },
    Row {
        label: mark("Language"),
        text: "The language, an ISO 639-1 code; stored in lower case.",
        headers: &["language", "lang"],
        ..row(Field::ContactLanguage, "contactLanguage", Kind::Language, Group::About, 14)
    },
    Row {
        label: mark("Gender"),
        text: "The gender by ISO/IEC 5218: 0 not known, 1 male, 2 female, 9 not applicable; 0 by default. As a string \
         also, in any case: `unknown`, `undefined`, `empty`; `m`, `male`; `f`, `female`; `n/a`, \
         `not applicable`, `na`.",
        headers: &["gender", "sex"],
        ..row(Field::ContactGender, "contactGender", Kind::Gender, Group::About, 17)
    },
    Row {
        label: mark("Time zone"),
        text: "The time zone, an IANA name in its exact case (`Europe/Tallinn`). Or an ISO 8601 offset `Z`, `±hh`, \
         `±hhmm` or `±hh:mm` of at most 14 hours.",
        headers: &["timezone", "tz"],
        ..row(Field::ContactTimezone, "contactTimezone", Kind::Timezone, Group::About, 18)
    },
    Row {
        label: mark("Score"),
        text: "A score: an integer of 64 bits, or a string that is one. 100.0 is 100.",
        hint: mark("A whole number."),
        headers: &["score"],
        ..row(Field::ContactScore, "contactScore", Kind::Score, Group::About, 24)
    },
    Row {
        label: mark("Picture"),
        text: "The address of a picture; `https://` may be left out, as in all links.",
        headers: &["avatar", "photo"],
        ..row(Field::AvatarLink, "avatarLink", Kind::Link, Group::Links, 12)
    },
    Row {
        label: mark("Facebook"),
        text: "The address of the Facebook profile.",
        headers: &["facebook"],
        ..row(Field::FacebookLink, "facebookLink", Kind::Link, Group::Links, 19)
    },
    Row {
        label: mark("Instagram"),
        text: "The address of the Instagram profile.",
        headers: &["instagram"],
        ..row(Field::InstagramLink, "instagramLink", Kind::Link, Group::Links, 20)
    },
    Row {
        label: mark("LinkedIn"),
        text: "The address of the LinkedIn profile.",
        headers: &["linkedin"],
        ..row(Field::LinkedInLink, "linkedInLink", Kind::Link, Group::Links, 21)
    },
    Row {
        label: mark("Twitter"),
        text: "The address of the Twitter profile.",
        headers: &["twitter"],
        ..row(Field::TwitterLink, "twitterLink", Kind::Link, Group::Links, 22)
    },
    Row {
        label: mark("TikTok"),
        text: "The address of the TikTok profile.",
        headers: &["tiktok"],
        ..row(Field::TiktokLink, "tiktokLink", Kind::Link, Group::Links, 23)
    },
    Row {
        label: mark("Source"),
        text: "Where the contact comes from: the id that contact-source/add gave. It has priority over \
         `customerSourceId`.",
        ..special(Field::Source, "sourceId")
    },
    Row {
        label: mark("Cost"),
        text: "The cost to acquire the contact. An object whose `value` is `\"\"` clears it, and so does `\"\"` in \
         place of the object.",
        ..special(Field::Cac, "cac")
    },
    #[cfg(feature = "extra-field")]
    Row {
        label: "Nickname",
        text: "A field that exists only in unit tests.",
        headers: &["knownas"],
        ..row(Field::Nickname, "nickname", Kind::Text, Group::Name, 25)
    },
];
