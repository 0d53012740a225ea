//! Words that people and services write for yes and no, for languages and genders, and names in social networks.

use domain::contact::field::Field;
use domain::contact::language as languages;

/// Yes and no in English, German, French, Spanish, Italian, Estonian, Ukrainian, Russian, Polish, and as services write
/// consent. In small letters.
const YES: &[&str] = &[
    "y",
    "t",
    "on",
    "x",
    "✓",
    "☑",
    "ja",
    "j",
    "wahr",
    "oui",
    "vrai",
    "sí",
    "si",
    "s",
    "verdadero",
    "vero",
    "jah",
    "tõene",
    "так",
    "істина",
    "да",
    "истина",
    "tak",
    "prawda",
    "subscribed",
    "opted in",
    "opt-in",
    "opted-in",
    "enabled",
    "active",
    "confirmed",
    "marketing contact",
    "explicit",
    "granted",
];
const NO: &[&str] = &[
    "n",
    "f",
    "off",
    "☐",
    "nein",
    "falsch",
    "non",
    "faux",
    "falso",
    "ei",
    "väär",
    "ні",
    "хиба",
    "нет",
    "ложь",
    "nie",
    "fałsz",
    "unsubscribed",
    "never_subscribed",
    "never subscribed",
    "non-subscribed",
    "opted out",
    "opt-out",
    "opted-out",
    "disabled",
    "inactive",
    "blocklisted",
    "blacklisted",
    "blocked",
    "bounced",
    "cleaned",
    "complained",
    "unconfirmed",
    "pending",
    "archived",
    "suppressed",
    "deleted",
    "non-marketing contact",
    "withdrawn",
];

/// What people write for yes and no.
pub fn flag(text: &str) -> Option<bool> {
    let is = |words: [&str; 3]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(["1", "true", "yes"]) {
        return Some(true);
    }
    if is(["0", "false", "no"]) {
        return Some(false);
    }
    let text = text.to_lowercase();
    let is = |words: &[&str]| words.contains(&text.as_str());
    if is(YES) { Some(true) } else { is(NO).then_some(false) }
}

/// Languages by their names in English and in themselves.
const LANGUAGES: &[(&str, &str)] = &[
    ("english", "en"),
    ("german", "de"),
    ("deutsch", "de"),
    ("french", "fr"),
    ("français", "fr"),
    ("spanish", "es"),
    ("español", "es"),
    ("estonian", "et"),
    ("eesti", "et"),
    ("ukrainian", "uk"),
    ("українська", "uk"),
    ("russian", "ru"),
    ("русский", "ru"),
    ("polish", "pl"),
    ("polski", "pl"),
    ("italian", "it"),
    ("italiano", "it"),
    ("portuguese", "pt"),
    ("português", "pt"),
    ("dutch", "nl"),
    ("nederlands", "nl"),
    ("finnish", "fi"),
    ("suomi", "fi"),
    ("swedish", "sv"),
    ("svenska", "sv"),
    ("latvian", "lv"),
    ("latviešu", "lv"),
    ("lithuanian", "lt"),
    ("lietuvių", "lt"),
];

/// The code of a language that is written with a country, such as en-US, or by its name.
pub fn language(text: &str) -> Option<String> {
    if let Some((language, _)) = text.split_once(['-', '_', '.', '@'])
        && languages::parse(language).is_some()
    {
        return Some(language.to_ascii_lowercase());
    }
    let name = text.to_lowercase();
    LANGUAGES.iter().find(|(known, _)| *known == name).map(|(_, code)| (*code).to_owned())
}

const GENDERS: &[(&str, &str)] = &[
    ("man", "male"),
    ("mr", "male"),
    ("mr.", "male"),
    ("männlich", "male"),
    ("mann", "male"),
    ("herr", "male"),
    ("homme", "male"),
    ("h", "male"),
    ("hombre", "male"),
    ("mees", "male"),
    ("чоловік", "male"),
    ("чоловіча", "male"),
    ("mężczyzna", "male"),
    ("k", "female"),
    ("woman", "female"),
    ("mrs", "female"),
    ("mrs.", "female"),
    ("ms", "female"),
    ("ms.", "female"),
    ("weiblich", "female"),
    ("frau", "female"),
    ("w", "female"),
    ("femme", "female"),
    ("mujer", "female"),
    ("naine", "female"),
    ("жінка", "female"),
    ("жіноча", "female"),
    ("kobieta", "female"),
];

/// A gender in a word that the API takes.
pub fn gender(text: &str) -> Option<&'static str> {
    let word = text.to_lowercase();
    GENDERS.iter().find(|(known, _)| *known == word).map(|(_, gender)| *gender)
}

/// Where the pages of people are, by network.
fn home(field: Field) -> Option<&'static str> {
    Some(match field {
        Field::FacebookLink => "https://www.facebook.com/",
        Field::InstagramLink => "https://www.instagram.com/",
        Field::LinkedInLink => "https://www.linkedin.com/in/",
        Field::TwitterLink => "https://x.com/",
        Field::TiktokLink => "https://www.tiktok.com/@",
        _ => return None,
    })
}

/// Names of hosts that end a handle with a dot in it: ann.example is a name, facebook.com is not.
const HOSTS: [&str; 8] = [".com", ".net", ".org", ".ee", ".de", ".eu", ".me", ".io"];

/// Whether a text is a name in a network and not an address, though it may look like the name of a host.
pub fn is_handle(field: Field, text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    home(field).is_some() && !text.contains('/') && !HOSTS.iter().any(|host| lower.ends_with(host))
}

/// The address of a person's page, by their name in a network.
pub fn profile_link(field: Field, text: &str) -> Option<String> {
    let handle = text.strip_prefix('@').unwrap_or(text);
    let is_name = |sign: u8| sign.is_ascii_alphanumeric() || matches!(sign, b'.' | b'_' | b'-');
    let fits = !handle.is_empty() && handle.len() <= 100 && handle.bytes().all(is_name);
    (fits && is_handle(field, handle)).then(|| Some(format!("{}{handle}", home(field)?)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_means_both() {
        assert!(YES.iter().all(|word| !NO.contains(word) && word.to_lowercase() == *word));
        assert!(NO.iter().all(|word| word.to_lowercase() == *word));
        for (text, expected) in [
            ("YES", Some(true)),
            ("Oui", Some(true)),
            ("Так", Some(true)),
            ("Ні", Some(false)),
            ("NEVER_SUBSCRIBED", Some(false)),
            ("blocklisted", Some(false)),
            ("Non-marketing contact", Some(false)),
            ("maybe", None),
            ("", None),
        ] {
            assert_eq!(flag(text), expected, "{text}");
        }
    }

    #[test]
    fn names_of_languages_and_genders_are_those_of_the_api() {
        assert!(LANGUAGES.iter().all(|(_, code)| languages::parse(code).is_some()));
        assert!(GENDERS.iter().all(|(_, word)| domain::contact::gender::parse(word).is_some()));
    }
}
