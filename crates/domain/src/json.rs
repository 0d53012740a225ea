//! Reading JSON the way the vendor's platform does (contract, section 2): keys are trimmed, the last of two equal
//! keys wins, null is absence, and a value of the wrong type is a matter of its field, not of the body.

mod envelope;

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::schema::FieldSpec;

pub use self::envelope::{Envelope, EnvelopeKeys, Objects};

/// The text of a JSON value, known to be well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'a>(&'a str);

/// A JSON value, read as far as its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A string without U+0000.
    Text(Cow<'a, str>),
    /// A string that no store keeps everywhere: with U+0000 or half a surrogate pair in it.
    BadText,
    /// A number, as it was written.
    Number(&'a str),
    /// true or false.
    Bool(bool),
    /// An array.
    Array,
    /// An object.
    Object,
}

impl<'a> Value<'a> {
    /// A text that did not come as JSON.
    pub fn of(text: &'a str) -> Self {
        if text.contains('\0') { Value::BadText } else { Value::Text(Cow::Borrowed(text)) }
    }

    /// A string without white space around it; anything else as it is.
    pub fn trimmed(self) -> Self {
        match self {
            Value::Text(text) => Value::Text(trimmed(text)),
            other => other,
        }
    }

    /// The string, if it is one that can be kept.
    pub fn into_text(self) -> Option<Cow<'a, str>> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A text without white space around it.
pub fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

impl<'a> Raw<'a> {
    /// A text that did not come in a body; `None` if it is no JSON.
    pub fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str::<&RawValue>(text).ok().map(|raw| Self(raw.get()))
    }

    /// The text itself.
    pub const fn text(self) -> &'a str {
        self.0
    }

    /// The value. `null` never becomes one: it is read as absence.
    pub fn value(self) -> Value<'a> {
        match self.0.as_bytes().first() {
            Some(b'"') => self.string(),
            Some(b't') => Value::Bool(true),
            Some(b'f') => Value::Bool(false),
            Some(b'[') => Value::Array,
            Some(b'{') => Value::Object,
            _ => Value::Number(self.0),
        }
    }

    fn string(self) -> Value<'a> {
        let inside = self.0.get(1..self.0.len() - 1).unwrap_or_default();
        // Control characters must be escaped in JSON, so a NUL has a backslash before it.
        if !inside.as_bytes().contains(&b'\\') {
            return Value::Text(Cow::Borrowed(inside));
        }
        match serde_json::from_str::<String>(self.0) {
            Ok(text) if !text.contains('\0') => Value::Text(Cow::Owned(text)),
            _ => Value::BadText,
        }
    }

    /// The string, if it is one that can be kept.
    pub fn as_text(self) -> Option<Cow<'a, str>> {
        self.value().into_text()
    }

    /// The same without white space around it. Identifiers, dates, codes and numbers are read so: files that clients
    /// send from have blanks at the ends of their cells.
    pub fn as_trimmed(self) -> Option<Cow<'a, str>> {
        self.value().trimmed().into_text()
    }

    /// The elements of an array, `None` if it is none.
    pub fn elements(self) -> Option<Vec<Raw<'a>>> {
        let elements: Vec<&'a RawValue> = serde_json::from_str(self.0).ok()?;
        Some(elements.into_iter().map(|element| Raw(element.get())).collect())
    }

    /// The members of each element of an array, `None` for an element that is no object; `None` if it is no array.
    pub fn objects<const N: usize>(self, keys: &Keys<N>) -> Option<Vec<Option<Members<'a, N>>>> {
        envelope::read_array(self.0, keys).or_else(|| {
            let elements = self.elements()?;
            Some(elements.into_iter().map(|element| element.members(keys)).collect())
        })
    }

    /// The members of an object, `None` if it is none.
    pub fn members<const N: usize>(self, keys: &Keys<N>) -> Option<Members<'a, N>> {
        read_members(self.0, keys)
    }
}

/// The most unknown keys that are kept of an object.
const MAX_UNKNOWN: usize = 1_000;

/// The keys that an object may have.
#[derive(Debug)]
pub struct Keys<const N: usize>([&'static str; N]);

impl<const N: usize> Keys<N> {
    /// Those of a table of parameters: a key that is read is described.
    pub const fn of(params: &[FieldSpec; N]) -> Self {
        let mut keys = [""; N];
        let mut place = 0;
        while place < N {
            keys[place] = params[place].name;
            place += 1;
        }
        Self(keys)
    }

    fn place(&self, key: &str) -> Option<usize> {
        self.0.iter().position(|known| *known == key)
    }
}

/// The members of an object: a value for each known key, in the order of [`Keys`], and the keys that are unknown.
#[derive(Debug)]
pub struct Members<'a, const N: usize> {
    values: [Option<Raw<'a>>; N],
    /// Keys that nobody knows, trimmed, in their order: the first 1,000.
    pub unknown: Vec<String>,
}

impl<const N: usize> Default for Members<'_, N> {
    fn default() -> Self {
        Self { values: [None; N], unknown: Vec::new() }
    }
}

impl<'a, const N: usize> Members<'a, N> {
    /// The value of the key at that place, `None` where it is absent or null.
    pub fn get(&self, place: usize) -> Option<Raw<'a>> {
        self.values[place].filter(|raw| raw.0 != "null")
    }

    /// Whether the key at that place is there, and null.
    pub fn is_null(&self, place: usize) -> bool {
        self.values[place].is_some_and(|raw| raw.0 == "null")
    }

    /// An object may have a hundred thousand keys; nobody reads as many warnings.
    fn add_unknown(&mut self, key: &str) {
        if self.unknown.len() < MAX_UNKNOWN {
            self.unknown.push(key.to_owned());
        }
    }

    fn set(&mut self, place: usize, raw: &'a RawValue) {
        self.values[place] = Some(Raw(raw.get()));
    }
}

/// The members of the object that is a whole body; `None` if the body is anything else.
pub fn read_body<'a, const N: usize>(body: &'a [u8], keys: &Keys<N>) -> Option<Members<'a, N>> {
    read_members(body_text(body)?, keys)
}

/// A body as text. A byte order mark says nothing, and some clients send one. `[]` is how PHP writes an array without
/// members, so it stands for `{}`.
fn body_text(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)).ok()?;
    Some(if is_empty_array(text) { "{}" } else { text })
}

fn is_empty_array(text: &str) -> bool {
    let is_blank = |character| matches!(character, ' ' | '\t' | '\n' | '\r');
    let inside = text.trim_matches(is_blank).strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inside.is_some_and(|inside| inside.chars().all(is_blank))
}

/// The members of the object that is the whole text; `None` if the text is anything else.
pub fn read_members<'a, const N: usize>(text: &'a str, keys: &Keys<N>) -> Option<Members<'a, N>> {
    let mut members = Members::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.deserialize_map(MembersVisitor { keys, members: &mut members }).ok()?;
    deserializer.end().ok()?;
    Some(members)
}

/// Fills members where they lie: those of a contact are half a kilobyte, and serde would move them at each return.
struct MembersVisitor<'k, 'm, 'de, const N: usize> {
    keys: &'k Keys<N>,
    members: &'m mut Members<'de, N>,
}

impl<'de, const N: usize> Visitor<'de> for MembersVisitor<'_, '_, 'de, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while let Some(key) = map.next_key_seed(KeySeed)? {
            let value = map.next_value()?;
            match self.keys.place(key.trim()) {
                Some(place) => self.members.set(place, value),
                None => self.members.add_unknown(key.trim()),
            }
        }
        Ok(())
    }
}

/// A key, borrowed where it has no escapes.
struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        // As bytes: half a surrogate pair in a key is then a key that nobody knows, and no end of the body.
        deserializer.deserialize_bytes(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_bytes<E>(self, key: &'de [u8]) -> Result<Self::Value, E> {
        Ok(std::str::from_utf8(key).map_or_else(|_| String::from_utf8_lossy(key), Cow::Borrowed))
    }

    fn visit_bytes<E>(self, key: &[u8]) -> Result<Self::Value, E> {
        Ok(Cow::Owned(String::from_utf8_lossy(key).into_owned()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
