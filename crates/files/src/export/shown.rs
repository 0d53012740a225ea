//! The cells of a contact, read from the JSON of contact/get.

use std::borrow::Cow;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::escape_formulas::escape;
use crate::target::COLUMNS;
use crate::{Error, Result};

/// A suppression of a contact.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suppressed {
    channel: String,
    reason: String,
    created_at: String,
}

impl std::fmt::Display for Suppressed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.channel, self.reason, self.created_at)
    }
}

/// Members of an object, in their order; no value is read before it is needed.
pub struct Members<'a>(Vec<(&'a str, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(COLUMNS.len());
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

impl<'a> Members<'a> {
    /// Reads an object.
    ///
    /// # Errors
    /// It is none.
    pub fn read(raw: &'a RawValue) -> Result<Self> {
        serde_json::from_str(raw.get()).map_err(unread)
    }

    /// Why its addresses are suppressed.
    ///
    /// # Errors
    /// The member does not read.
    pub fn suppressed(&self) -> Result<Vec<Suppressed>> {
        // It stands last.
        let raw = self.0.iter().rev().find(|(name, _)| *name == "suppressed").map(|(_, raw)| raw.get());
        raw.map_or(Ok(Vec::new()), |raw| serde_json::from_str(raw).map_err(unread))
    }

    /// A member, which stands at `place` or behind it; `place` is moved behind it.
    fn get(&self, name: &str, place: &mut usize) -> Option<&'a RawValue> {
        let (before, behind) = self.0.split_at((*place).min(self.0.len()));
        let found = behind.iter().chain(before).position(|(known, _)| *known == name)?;
        let at = (*place + found) % self.0.len();
        *place = at + 1;
        Some(self.0[at].1)
    }
}

#[derive(Deserialize)]
struct VariableOf<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// The cells of a contact: its members, then the variables in the order of the header.
///
/// # Errors
/// A member does not read.
pub fn cells<'a>(members: &Members<'a>, variables: &[String]) -> Result<Vec<Cow<'a, str>>> {
    let (mut place, mut cells) = (0, Vec::with_capacity(COLUMNS.len() + variables.len()));
    for column in COLUMNS {
        let value = match column.split_once('.') {
            Some((object, member)) => match members.get(object, &mut place).filter(|raw| raw.get() != "null")
            {
                Some(object) => Members::read(object)?.get(member, &mut 0),
                None => None,
            },
            None => members.get(column, &mut place),
        };
        cells.push(value.map_or(Ok(Cow::Borrowed("")), cell)?);
    }
    let shown = members.get("variables", &mut place).filter(|raw| raw.get() != "null");
    let shown: Vec<VariableOf<'_>> =
        shown.map_or(Ok(Vec::new()), |raw| serde_json::from_str(raw.get()).map_err(unread))?;
    // They are shown in the order of the list; one that came or went meanwhile is looked for.
    for (place, name) in variables.iter().enumerate() {
        let at_place = shown.get(place).filter(|variable| variable.name == *name);
        let variable = at_place.or_else(|| shown.iter().find(|variable| variable.name == *name));
        cells.push(variable.map_or(Ok(Cow::Borrowed("")), |variable| cell(variable.value))?);
    }
    Ok(cells)
}

fn cell(value: &RawValue) -> Result<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    match value.get() {
        "null" => Ok(Cow::Borrowed("")),
        text if text.starts_with('"') => {
            let Text(text): Text<'_> = serde_json::from_str(text).map_err(unread)?;
            let escaped = match escape(&text) {
                Cow::Owned(escaped) => Some(escaped),
                Cow::Borrowed(_) => None,
            };
            Ok(escaped.map_or(text, Cow::Owned))
        }
        other => Ok(Cow::Borrowed(other)),
    }
}

fn unread(error: serde_json::Error) -> Error {
    Error::Message(format!("a contact does not read: {error}"))
}
