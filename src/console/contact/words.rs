//! What people call the fields of a contact.

use crate::contact::field::Field;
use crate::translate::mark;

/// What people call a field.
pub const fn label(field: Field) -> &'static str {
    match field {
        Field::UserId => mark("User ID"),
        Field::Email => mark("E-mail"),
        Field::PhoneNumber => mark("Phone number"),
        Field::Name => mark("Name"),
        Field::Active => mark("Active"),
        Field::EmailSubscribe => mark("E-mail"),
        Field::SmsSubscribe => mark("SMS"),
        Field::DesktopWebPushSubscribe => mark("Desktop push"),
        Field::MobileWebPushSubscribe => mark("Mobile push"),
        Field::TelegramSubscribe => mark("Telegram"),
        Field::ViberSubscribe => mark("Viber"),
        Field::FirstName => mark("First name"),
        Field::LastName => mark("Last name"),
        Field::ContactBirthday => mark("Birthday"),
        Field::ContactLanguage => mark("Language"),
        Field::ContactGender => mark("Gender"),
        Field::ContactTimezone => mark("Time zone"),
        Field::ContactScore => mark("Score"),
        Field::AvatarLink => mark("Picture"),
        Field::FacebookLink => mark("Facebook"),
        Field::InstagramLink => mark("Instagram"),
        Field::LinkedInLink => mark("LinkedIn"),
        Field::TwitterLink => mark("Twitter"),
        Field::TiktokLink => mark("TikTok"),
        Field::Source => mark("Source"),
        Field::Cac => mark("Cost"),
    }
}

/// What to know before filling a field in.
pub const fn hint(field: Field) -> &'static str {
    match field {
        Field::PhoneNumber => mark("With + and the country code: +15555555"),
        Field::UserId => mark("Your own ID of the contact."),
        Field::ContactLanguage => mark("Two letters: en"),
        Field::ContactTimezone => mark("Europe/Tallinn, or +02:00"),
        Field::ContactScore => mark("A whole number."),
        _ => "",
    }
}

/// What the codes of genders mean (ISO 5218).
pub const GENDERS: [(&str, &str); 4] =
    [("0", mark("Not known")), ("1", mark("Male")), ("2", mark("Female")), ("9", mark("Not applicable"))];
