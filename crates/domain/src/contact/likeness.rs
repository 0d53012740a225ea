//! Which contacts may be one person: keys that such contacts share. Pure.
//!
//! Two contacts are alike if they share a key. A key hides nothing: it is hashed only to be compared cheaply, and
//! contacts that share a hash are compared by the key itself.

use super::document::Document;
use super::field::Field;
use super::record::Malformed;

/// Why two contacts may be one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The same phone number in another spelling.
    Phone,
    /// The same address for its provider, which ignores dots and what follows a plus sign.
    EmailProvider,
    /// The same address without what follows a plus sign.
    EmailTag,
    /// The same e-mail address as a userId and as an address.
    Email,
    /// The same name and birthday.
    NameAndBirthday,
}

impl Reason {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::Phone, Self::EmailProvider, Self::EmailTag, Self::Email, Self::NameAndBirthday];

    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::EmailProvider => "emailProvider",
            Self::EmailTag => "emailTag",
            Self::Email => "email",
            Self::NameAndBirthday => "nameAndBirthday",
        }
    }

    /// How likely it is that such contacts are one person, from 0 to 100: set by judgement, not measured.
    pub const fn score(self) -> u8 {
        match self {
            Self::Email => 100,
            Self::Phone | Self::EmailProvider => 95,
            Self::EmailTag => 80,
            Self::NameAndBirthday => 70,
        }
    }
}

/// Providers whose mailboxes ignore dots in the local part.
const DOTLESS: [&str; 2] = ["gmail.com", "googlemail.com"];

/// The fewest digits of a phone number that is compared.
const MIN_DIGITS: usize = 8;

/// The keys of a contact, each with its reason.
///
/// # Errors
/// [`Malformed`] where it does not read.
pub fn keys(document: &Document<'_>) -> Result<Vec<(Reason, String)>, Malformed> {
    let mut keys = Vec::new();
    let user_id = document.text(Field::UserId)?;
    for text in [document.text(Field::PhoneNumber)?, user_id].into_iter().flatten() {
        keys.extend(phone(text).map(|key| (Reason::Phone, key)));
    }
    for text in [document.text(Field::Email)?, user_id].into_iter().flatten() {
        let text = text.trim().to_lowercase();
        let Some((local, domain)) = text.rsplit_once('@').filter(|(local, _)| !local.is_empty()) else {
            continue;
        };
        let (name, _) = local.split_once('+').unwrap_or((local, ""));
        if name.is_empty() {
            continue;
        }
        if DOTLESS.contains(&domain) {
            keys.push((Reason::EmailProvider, format!("{}@gmail.com", name.replace('.', ""))));
        } else {
            keys.push((Reason::EmailTag, format!("{name}@{domain}")));
        }
        keys.push((Reason::Email, text));
    }
    keys.extend(name_and_birthday(document)?.map(|key| (Reason::NameAndBirthday, key)));
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

/// The digits of a phone number as people write it; `None` where the text is none.
fn phone(text: &str) -> Option<String> {
    let text = text.trim();
    let is_sign =
        |sign: char| sign.is_ascii_digit() || matches!(sign, ' ' | '-' | '.' | '/' | '(' | ')' | '+');
    // A plain number may be an id of any kind: only what is marked as international counts.
    let rest = text.strip_prefix('+').or_else(|| text.strip_prefix("00"))?;
    if !rest.chars().all(is_sign) {
        return None;
    }
    // (0) is written for callers at home, and not dialled from abroad.
    let rest = rest.replace("(0)", "");
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    (digits.len() >= MIN_DIGITS).then_some(digits)
}

fn name_and_birthday(document: &Document<'_>) -> Result<Option<String>, Malformed> {
    let Some(birthday) = document.get(Field::ContactBirthday.key())? else { return Ok(None) };
    let whole = match (document.text(Field::FirstName)?, document.text(Field::LastName)?) {
        (Some(first), Some(last)) => format!("{first} {last}"),
        _ => document.text(Field::Name)?.unwrap_or_default().to_owned(),
    };
    let mut words: Vec<_> = whole.to_lowercase().split_whitespace().map(str::to_owned).collect();
    // A first name alone is no name.
    if words.len() < 2 {
        return Ok(None);
    }
    words.sort_unstable();
    let birthday: String = birthday.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Some(format!("{} {birthday}", words.join(" "))))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::contact::document::Header;
    use crate::contact::record::put_entry;

    fn of(fields: &[(Field, &[u8])]) -> Vec<(Reason, String)> {
        let time = Timestamp::from_millis(1);
        let mut document = Vec::new();
        Header { created_at: time, updated_at: time, renamed_at: 0, changed_at: 0 }.put(&mut document);
        let mut fields = fields.to_vec();
        fields.sort_by_key(|(field, _)| *field as u8);
        fields.iter().for_each(|(field, value)| put_entry(&mut document, field.key(), value));
        keys(&Document::read(&document).unwrap()).unwrap()
    }

    /// The best reason by which two contacts are alike.
    fn alike(one: &[(Field, &[u8])], other: &[(Field, &[u8])]) -> Option<Reason> {
        let other = of(other);
        let shared = of(one).into_iter().filter(|key| other.contains(key));
        shared.map(|(reason, _)| reason).max_by_key(|reason| reason.score())
    }

    #[test]
    fn contacts_are_alike_by_phone_address_and_name() {
        use Field::{ContactBirthday, Email, FirstName, LastName, Name, PhoneNumber, UserId};
        let phone = |text: &'static str| [(PhoneNumber, text.as_bytes())];
        let id = |text: &'static str| [(UserId, text.as_bytes())];
        let email = |text: &'static str| [(Email, text.as_bytes())];
        assert_eq!(alike(&phone("+442071234567"), &id("+44 (0)20 7123-4567")), Some(Reason::Phone));
        assert_eq!(alike(&phone("+442071234567"), &id("0044 20 71234567")), Some(Reason::Phone));
        assert_eq!(alike(&phone("+442071234567"), &id("442071234567")), None, "a number of its own kind");
        assert_eq!(alike(&phone("+442071234567"), &phone("+442071234568")), None);
        assert_eq!(alike(&email("a@example.com"), &id("A@Example.com")), Some(Reason::Email));
        assert_eq!(alike(&email("a@example.com"), &email("a+news@example.com")), Some(Reason::EmailTag));
        assert_eq!(alike(&email("a.b@example.com"), &email("ab@example.com")), None, "dots count there");
        assert_eq!(
            alike(&email("a.b@gmail.com"), &email("ab+x@googlemail.com")),
            Some(Reason::EmailProvider)
        );
        let day: &[u8] = &[7, 199, 1, 2];
        let ada = [(FirstName, &b"Ada"[..]), (LastName, b"Lovelace"), (ContactBirthday, day)];
        let turned = [(Name, &b"lovelace  ADA"[..]), (ContactBirthday, day)];
        assert_eq!(alike(&ada, &turned), Some(Reason::NameAndBirthday));
        assert_eq!(alike(&ada[..2], &turned[..1]), None, "no birthday");
        let first = [(Name, &b"Ada"[..]), (ContactBirthday, day)];
        assert_eq!(alike(&first, &first), None, "a first name is no name");
    }
}
