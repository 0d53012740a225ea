//! What people call the fields of a contact.

use crate::contact::field::Field;

/// What people call a field.
pub const fn label(field: Field) -> &'static str {
    match field {
        Field::UserId => "User ID",
        Field::Email => "E-mail",
        Field::PhoneNumber => "Phone number",
        Field::Name => "Name",
        Field::Active => "Active",
        Field::EmailSubscribe => "E-mail",
        Field::SmsSubscribe => "SMS",
        Field::DesktopWebPushSubscribe => "Desktop push",
        Field::MobileWebPushSubscribe => "Mobile push",
        Field::TelegramSubscribe => "Telegram",
        Field::ViberSubscribe => "Viber",
        Field::FirstName => "First name",
        Field::LastName => "Last name",
        Field::ContactBirthday => "Birthday",
        Field::ContactLanguage => "Language",
        Field::ContactGender => "Gender",
        Field::ContactTimezone => "Time zone",
        Field::ContactScore => "Score",
        Field::AvatarLink => "Picture",
        Field::FacebookLink => "Facebook",
        Field::InstagramLink => "Instagram",
        Field::LinkedInLink => "LinkedIn",
        Field::TwitterLink => "Twitter",
        Field::TiktokLink => "TikTok",
        Field::Source => "Source",
        Field::Cac => "Cost",
    }
}

/// What to know before filling a field in.
pub const fn hint(field: Field) -> &'static str {
    match field {
        Field::PhoneNumber => "With + and the country code: +15555555",
        Field::UserId => "Your own ID of the contact.",
        Field::ContactLanguage => "Two letters: en",
        Field::ContactTimezone => "Europe/Tallinn, or +02:00",
        Field::ContactScore => "A whole number.",
        _ => "",
    }
}

/// What the codes of genders mean (ISO 5218).
pub const GENDERS: [(&str, &str); 4] =
    [("0", "Not known"), ("1", "Male"), ("2", "Female"), ("9", "Not applicable")];
