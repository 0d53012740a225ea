//! `/v3/blacklist/…`, `/v3/phone-blacklist/…` and `/v3/suppression/…`

pub mod email;
pub mod list;
pub mod phone;

use super::method::Group;
use app::suppressions::{RawLog, Suppress, ValidAddress, parse_reason};
use domain::argument::{TIME, read_time};
use domain::contact::suppression::{Channel, Reason};
use domain::json::{Members, Raw};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};

/// The most records of one call.
const MAX_RECORDS: usize = 100;

static GROUP: Group = Group {
    name: "Suppression",
    text: "Addresses that must not be written to, in all lists of the account. The vendor calls them black lists. A \
           suppression outlives contacts and erasures. A suppressed contact stays a contact: its `suppressed` shows \
           the reasons. An address has at most one suppression for each reason.",
};

const CREATED_AT: FieldSpec = FieldSpec::optional(
    "createdAt",
    TIME,
    "Since when: `YYYY-MM-DD hh:mm:ss`, or `YYYY-MM-DD`, UTC; now by default. For suppressions of another system.",
);

const EXPIRE_AT: FieldSpec = FieldSpec::optional(
    "expireAt",
    TIME,
    "Until when, in the same form. By default the settings decide for `hard` and `undeliverable`; others never expire.",
);

const EMAIL_REASON: ValueType = ValueType::Word(Channel::Email.reason_names());
const PHONE_REASON: ValueType = ValueType::Word(Channel::Phone.reason_names());

/// The same where a blank text is absence.
const EMAIL_REASON_OR_NONE: ValueType =
    ValueType::pattern(usize::MAX, r"^\s*((hard|complaint|list-unsubscribe)?)\s*$");
const PHONE_REASON_OR_NONE: ValueType =
    ValueType::pattern(usize::MAX, r"^\s*((import|invalid|unsubscribe|undeliverable)?)\s*$");

/// A key that must be a text which is not blank.
fn read_address(key: &'static str, raw: Option<Raw<'_>>) -> Result<String, Problem> {
    let text = format!("Argument {key} must be a non-empty string");
    let Some(raw) = raw else { return Err(Problem::new("REQUIRED", text).of(key)) };
    match raw.as_trimmed() {
        Some(address) if !address.is_empty() => Ok(address.into_owned()),
        Some(_) => Err(Problem::new("REQUIRED", text).of(key)),
        None => Err(Problem::new("NOT_A_STRING", text).of(key)),
    }
}

/// `rejectType`; one that is blank is absent.
fn read_reason(channel: Channel, raw: Option<Raw<'_>>) -> Result<Option<Reason>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    match raw.as_trimmed() {
        Some(name) if name.is_empty() => Ok(None),
        Some(name) => parse_reason(channel, &name).map(Some),
        None => parse_reason(channel, raw.text()).map(Some),
    }
}

fn read_raw_log(raw: Option<Raw<'_>>) -> Result<Option<RawLog>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    let text = raw.as_text().ok_or_else(|| problem::not_a_string("rawLog"))?;
    RawLog::parse(&text).map(Some)
}

/// A record: its address, rejectType, rawLog, createdAt and expireAt, at these places. What is wrong with it is added to
/// the problems.
fn read_record<const N: usize>(
    channel: Channel,
    record: &Members<'_, N>,
    places: [Option<usize>; 5],
    position: usize,
    problems: &mut Vec<Problem>,
) -> Option<Suppress> {
    let [address, reason, raw_log, created_at, expire_at] =
        places.map(|place| place.and_then(|place| record.get(place)));
    let before = problems.len();
    let mut wrong = |problem: Problem| problems.push(problem.at(position));
    let address = read_address(channel.name(), address)
        .and_then(|text| ValidAddress::parse(channel, &text))
        .map_err(&mut wrong);
    let reason = read_reason(channel, reason).and_then(|reason| match (reason, channel) {
        (Some(reason), _) => Ok(reason),
        (None, Channel::Phone) => Ok(channel.default_reason()),
        // The vendor requires it.
        (None, Channel::Email) => Err(problem::required("rejectType")),
    });
    let reason = reason.map_err(&mut wrong);
    let raw_log = read_raw_log(raw_log).map_err(&mut wrong);
    let created_at = read_time(created_at, "createdAt").map_err(&mut wrong);
    let expire_at = read_time(expire_at, "expireAt").map_err(&mut wrong);
    if problems.len() > before {
        return None;
    }
    Some(Suppress::new(address.ok()?, reason.ok()?, raw_log.ok()?).at(created_at.ok()?, expire_at.ok()?))
}

/// The elements of `records`.
fn read_elements(raw: Option<Raw<'_>>) -> Result<Vec<Raw<'_>>, Problem> {
    let elements = raw.ok_or_else(|| problem::required("records"))?.elements().ok_or_else(not_records)?;
    match elements.len() {
        0 => Err(not_records()),
        count if count > MAX_RECORDS => Err(problem::too_many("records", count)),
        _ => Ok(elements),
    }
}

fn not_records() -> Problem {
    Problem::new("INVALID_RECORDS", "Argument records must be a non-empty array of objects").of("records")
}

fn unknown(keys: Vec<String>) -> Vec<Problem> {
    keys.into_iter().map(problem::unknown_field).collect()
}

fn unknown_in_record(keys: Vec<String>) -> impl Iterator<Item = Problem> {
    keys.into_iter().map(|key| problem::unknown_field(format!("records.{key}")))
}
