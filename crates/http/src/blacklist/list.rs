//! `/v3/suppression/list`

use schemars::JsonSchema;
use serde::Serialize;

use super::{GROUP, unknown};
use crate::call::{Answer, Call, Outcome};
use crate::method::{Body, Example, Method};
use crate::page;
use app::Refusal;
use app::suppressions;
use domain::contact::suppression::{Channel, Reason};
use domain::json::{Keys, Raw, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use storage::{SuppressionFilter, SuppressionPlace};
use wire::suppression::ListedSuppression;

/// How many suppressions are answered where the body does not say how many.
const LIMIT: u32 = 100;

/// The most suppressions of one answer.
const MAX_LIMIT: u32 = 1_000;

/// `POST /v3/suppression/list`
pub static LIST: Method = Method {
    operation: &suppressions::LIST,
    group: &GROUP,
    summary: "Read all suppressions, a page at a time",
    text: "The oldest first, of both channels. `next` is where the next page begins: send it as `after`. If it is null, \
           this page is the last one. Pages are as fast at the end as at the beginning.",
    body: Body { params: &[&PARAMS], optional: true },
    examples: &[Example {
        summary: "All suppressed phone numbers",
        body: r#"{"channel":"phoneNumber"}"#,
        answer: r#"{"result":true,"data":[{"channel":"phoneNumber","address":"+15555556","reason":"unsubscribe",
            "rawLog":null,"createdAt":"2026-10-14 09:30:00","expireAt":null}],"next":null}"#,
    }],
    handler: &list,
};

const PARAMS: [FieldSpec; 4] = [
    FieldSpec::optional("channel", ValueType::Word(&["email", "phoneNumber"]), "Only those of this channel."),
    FieldSpec::optional("reason", ValueType::Word(&REASONS), "Only those for this reason."),
    FieldSpec::optional(
        "after",
        ValueType::pattern(usize::MAX, r"^\s*([A-Za-z0-9_-]{34})\s*$"),
        "Where the page begins: `next` of the page before.",
    ),
    FieldSpec::optional(
        "limit",
        ValueType::Within(1, MAX_LIMIT as i64),
        "How many suppressions there are at most; 100 by default.",
    ),
];

const REASONS: [&str; 7] = {
    let mut names = [""; 7];
    let mut place = 0;
    while place < names.len() {
        names[place] = Reason::ALL[place].name();
        place += 1;
    }
    names
};

/// What suppression/list answers.
#[derive(Debug, Serialize, JsonSchema)]
struct Listed {
    /// The suppressions.
    data: Vec<ListedSuppression>,
    /// The beginning of the next page; null on the last page.
    next: Option<String>,
}

async fn list(call: Call) -> Outcome<Listed> {
    let body = read_body(&call.body, &Keys::of(&PARAMS)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let mut wrong = |problem| problems.push(problem);
    let channel = read_word(body.get(0), Channel::of_name, channel_unknown).map_err(&mut wrong);
    let reason = read_word(body.get(1), Reason::of_name, reason_unknown).map_err(&mut wrong);
    let after = read_word(body.get(2), SuppressionPlace::parse, after_unknown).map_err(&mut wrong);
    let limit = page::read_limit(body.get(3), MAX_LIMIT, &mut problems).unwrap_or(LIMIT);
    let (Ok(channel), Ok(reason), Ok(after), true) = (channel, reason, after, problems.is_empty()) else {
        return Err(Refusal::Invalid(problems));
    };
    let filter = SuppressionFilter { address: None, channel, reason };
    // One more shows whether there is a next page.
    let asked = limit.saturating_add(1);
    let mut found = call.app.queries.suppressions_after(&call.caller, filter, after, asked).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|last| last.place().to_text());
    let data = found.into_iter().map(ListedSuppression::from).collect();
    Ok(Answer::new(Listed { data, next }).warn(unknown(body.unknown)))
}

fn read_word<T>(
    raw: Option<Raw<'_>>,
    parse: impl Fn(&str) -> Option<T>,
    wrong: fn() -> Problem,
) -> Result<Option<T>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    raw.as_trimmed().and_then(|text| parse(&text)).map(Some).ok_or_else(wrong)
}

fn channel_unknown() -> Problem {
    Problem::new("INVALID_CHANNEL", "Argument channel must be email or phoneNumber").of("channel")
}

fn reason_unknown() -> Problem {
    let text = format!("Argument reason must be one of {}", REASONS.join(", "));
    Problem::new("INVALID_REASON", text).of("reason")
}

fn after_unknown() -> Problem {
    let text = "Argument after must be the next of an answer of suppression/list";
    Problem::new("INVALID_AFTER", text).of("after")
}
