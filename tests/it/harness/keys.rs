//! The keys of a contact.

/// The yes-or-no fields of a contact.
pub const FLAGS: [&str; 7] = [
    "active",
    "emailSubscribe",
    "smsSubscribe",
    "desktopWebPushSubscribe",
    "mobileWebPushSubscribe",
    "telegramSubscribe",
    "viberSubscribe",
];

/// The keys of a contact on the wire, `contact` left out.
pub const KEYS: [&str; 28] = [
    "name",
    "email",
    "phoneNumber",
    "userId",
    "active",
    "emailSubscribe",
    "smsSubscribe",
    "desktopWebPushSubscribe",
    "mobileWebPushSubscribe",
    "telegramSubscribe",
    "viberSubscribe",
    "firstName",
    "lastName",
    "contactBirthday",
    "contactLanguage",
    "contactGender",
    "contactTimezone",
    "contactScore",
    "avatarLink",
    "facebookLink",
    "instagramLink",
    "linkedInLink",
    "twitterLink",
    "tiktokLink",
    "sourceId",
    "customerSourceId",
    "cac",
    "variables",
];
