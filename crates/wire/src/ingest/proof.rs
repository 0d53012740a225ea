//! The key `consent` of a contact: how its flags were chosen.

use std::net::IpAddr;

use domain::clock::Timestamp;
use domain::contact::field::fits;
use domain::contact::proof::{MAX_TEXT, Proof};
use domain::json::{Keys, Raw};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};

/// A time as [`Timestamp::parse`] reads it.
const TIME: ValueType =
    ValueType::pattern(usize::MAX, r"^\s*([0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2})?)\s*$");

/// The keys of `consent`.
pub const CONSENT: [FieldSpec; 7] = [
    FieldSpec::optional(
        "source",
        ValueType::text(MAX_TEXT),
        "Where the person chose, such as `form` or `phone`.",
    ),
    FieldSpec::optional("form", ValueType::text(MAX_TEXT), "The name or the address of the form."),
    FieldSpec::optional("ip", ValueType::TEXT, "The IP address of the person, version 4 or 6."),
    FieldSpec::optional(
        "wording",
        ValueType::text(MAX_TEXT),
        "The version or the hash of the text that the person saw.",
    ),
    FieldSpec::optional("purpose", ValueType::text(MAX_TEXT), "The purpose of the messages."),
    FieldSpec::optional("at", TIME, "When the person chose, UTC."),
    FieldSpec::optional("confirmedAt", TIME, "When the person confirmed the choice (double opt-in), UTC."),
];

/// The shape of `consent`.
pub const SHAPE: ValueType = ValueType::Object("ConsentInput", &CONSENT);

const KEYS: Keys<7> = Keys::of(&CONSENT);

/// Reads the object, and its unknown keys.
///
/// # Errors
/// All that is wrong with it.
pub fn read(raw: Raw<'_>) -> Result<(Proof, Vec<String>), Vec<Problem>> {
    let members = raw.members(&KEYS).ok_or_else(|| vec![problem::consent("consent must be an object")])?;
    let mut problems = Vec::new();
    let mut text = |place: usize| {
        let text = members.get(place)?.as_text().map(|text| text.trim().to_owned());
        let text = text.filter(|text| fits(text, MAX_TEXT));
        if text.is_none() {
            let key = CONSENT[place].name;
            let what = format!("consent.{key} must be a string with max length within {MAX_TEXT} characters");
            problems.push(problem::consent(&what));
        }
        text.filter(|text| !text.is_empty())
    };
    let (source, form, ip, wording, purpose) = (text(0), text(1), text(2), text(3), text(4));
    if ip.as_ref().is_some_and(|ip| ip.parse::<IpAddr>().is_err()) {
        problems.push(problem::consent("consent.ip must be an IP address"));
    }
    let mut time = |place: usize| {
        let time = members.get(place)?.as_trimmed().and_then(|text| Timestamp::parse(&text));
        if time.is_none() {
            let key = CONSENT[place].name;
            let what = format!("consent.{key} must be a YYYY-MM-DD hh:mm:ss time or a YYYY-MM-DD date");
            problems.push(problem::consent(&what));
        }
        time
    };
    let (at, confirmed_at) = (time(5), time(6));
    let proof = Proof { source, form, ip, wording, purpose, at, confirmed_at };
    if problems.is_empty() { Ok((proof, members.unknown)) } else { Err(problems) }
}
