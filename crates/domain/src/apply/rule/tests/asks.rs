//! What callers ask, from alphabets so small that identifiers collide, swap and come free all the time.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;

use crate::contact::choice::Options;
use crate::contact::field::{Field, Key};
use crate::contact::identifier::IdentifierKind;
use crate::contact::record::put_entry;
use crate::contact::{email, phone};
use crate::journal::ItemsWriter;

/// Fields by their names on the wire; an empty value clears.
pub type Fields = BTreeMap<&'static str, String>;

/// One item: whom it is about, and what it says.
#[derive(Clone, Debug)]
pub struct Ask {
    pub contact: &'static str,
    pub fields: Fields,
    /// Flags that were set to false stay so.
    pub keep: bool,
}

#[derive(Clone, Debug)]
pub struct Batch {
    pub list: i64,
    pub upsert: bool,
    /// What every `contact` is, where the caller says it.
    pub by: Option<IdentifierKind>,
    /// The disk has changed a byte of it since it was accepted.
    pub damaged: bool,
    pub asks: Vec<Ask>,
}

/// userIds look like e-mail addresses and phone numbers, and addresses come in two cases.
const CONTACTS: [&str; 10] =
    ["a", "b", "c", "u@x.com", "U@x.com", "v@x.com", "é@x.com", "É@x.com", "+1234567", "+7654321"];
const USER_IDS: [&str; 6] = ["", "a", "b", "c", "u@x.com", "+1234567"];
const EMAILS: [&str; 6] = ["", "u@x.com", "U@X.com", "v@x.com", "é@x.com", "É@x.com"];
const PHONES: [&str; 3] = ["", "+1234567", "+7654321"];

/// Lists that are there, with the numbers of their variables; list 3 was removed.
pub const LISTS: [(i64, &[u32]); 2] = [(1, &[0, 1]), (2, &[0])];
/// The flags that are asked for.
pub const FLAGS: [&str; 2] = ["active", "emailSubscribe"];
/// The source that is there; source 8 was removed.
pub const SOURCE: u64 = 7;

/// What the contract says that `contact` is.
pub fn kind_of(contact: &str) -> IdentifierKind {
    if email::is_valid(contact) {
        IdentifierKind::Email
    } else if phone::is_valid(contact) {
        IdentifierKind::PhoneNumber
    } else {
        IdentifierKind::UserId
    }
}

pub fn ask() -> impl Strategy<Value = Ask> {
    let field = |name, likely, values: &'static [&'static str]| {
        let value = prop::option::weighted(likely, select(values));
        value.prop_map(move |value| value.map(|value| (name, value.to_owned())))
    };
    let fields = (
        field("userId", 0.3, &USER_IDS),
        field("email", 0.3, &EMAILS),
        field("phoneNumber", 0.3, &PHONES),
        field("firstName", 0.4, &["", "Jo", "Al"]),
        field("active", 0.2, &["", "1"]),
        field("emailSubscribe", 0.3, &["", "1"]),
        field("sourceId", 0.1, &["", "7", "7", "7", "8"]),
        field("variable 0", 0.1, &["", "x"]),
        field("variable 1", 0.1, &["", "y"]),
    );
    (select(&CONTACTS[..]), fields, any::<bool>()).prop_map(|(contact, (a, b, c, d, e, f, g, h, i), keep)| {
        Ask { contact, fields: [a, b, c, d, e, f, g, h, i].into_iter().flatten().collect(), keep }
    })
}

pub fn batch() -> impl Strategy<Value = Batch> {
    let list = prop_oneof![10 => Just(1), 4 => Just(2), 1 => Just(3)];
    let asks = prop::collection::vec(ask(), 1..8);
    let by = prop::option::weighted(0.3, select(&IdentifierKind::ALL[..]));
    (list, prop::bool::weighted(0.7), by, prop::bool::weighted(0.03), asks).prop_map(
        |(list, upsert, by, damaged, mut asks)| {
            // What has not the form is refused before it comes here.
            let fits = |ask: &Ask, by| by == IdentifierKind::UserId || by == kind_of(ask.contact);
            let by = by.filter(|by| asks.iter().any(|ask| fits(ask, *by)));
            asks.retain(|ask| by.is_none_or(|by| fits(ask, by)));
            Batch { list, upsert, by, damaged, asks }
        },
    )
}

pub fn key_of(name: &str) -> Key {
    match name.strip_prefix("variable ") {
        Some(number) => Key::of_variable(number.parse().unwrap()),
        None => Field::ALL.into_iter().find(|field| field.name() == name).unwrap().key(),
    }
}

/// The stored form of a field's value.
pub fn stored(name: &str, value: &str) -> Vec<u8> {
    match name {
        "sourceId" if !value.is_empty() => value.parse::<u64>().unwrap().to_le_bytes().to_vec(),
        "active" | "emailSubscribe" if value == "1" => vec![1],
        _ => value.as_bytes().to_vec(),
    }
}

impl Batch {
    /// What `contact` is.
    pub fn kind_of(&self, contact: &str) -> IdentifierKind {
        self.by.unwrap_or_else(|| kind_of(contact))
    }

    /// As the journal keeps it.
    pub fn items(&self) -> Vec<u8> {
        let mut items = ItemsWriter::default();
        for ask in &self.asks {
            let mut entries: Vec<_> =
                ask.fields.iter().map(|(name, value)| (key_of(name), stored(name, value))).collect();
            if ask.keep && FLAGS.iter().any(|flag| ask.fields.contains_key(flag)) {
                entries.push((Key::OPTIONS, Options { keep: true, ..Options::default() }.bytes()));
            }
            entries.sort();
            let mut patch = Vec::new();
            for (key, value) in entries {
                put_entry(&mut patch, key, &value);
            }
            items.add(self.kind_of(ask.contact), ask.contact, &patch);
        }
        let mut items = items.finish();
        if self.damaged {
            // What the store hands over where the checksum does not fit.
            items.clear();
        }
        items
    }
}
