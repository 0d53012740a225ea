//! `/v3/contacts/changes`

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::GROUP;
use crate::call::{Answer, Call, Outcome};
use crate::method::{Body, Example, Method};
use crate::page;
use app::Refusal;
use app::changes::{CHANGES as OPERATION, ChangesRequest, FieldName, MAX_FIELDS, MAX_LIMIT, MAX_WAIT};
use domain::argument;
use domain::id::ObjectId;
use domain::json::{Keys, Raw, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use storage::{ChangeCursor, ChangesFrom, Detail};
use wire::changes::{ShownChange, show};
use wire::ingest::list::{LIST_ID, read_list_id};

/// How many changes are returned by default.
const LIMIT: u32 = 100;

/// `POST /v3/contacts/changes`
pub static CHANGES: Method = Method {
    operation: &OPERATION,
    group: &GROUP,
    summary: "Follow the changes of contacts, in order",
    text: "The changes of a list, or of all lists that the token may see, in the order in which they were applied. \
        Send `next` as `after` to continue: so each change is read once, and no change is left out. Changes of one list \
        have one order. Changes of two lists have no order between them. A removal is a change, and so is an erasure, which holds the ids \
        alone. Read a list with contacts/find and continue from its `cursor` to have all of it and stay up to date.\n\n\
        A cursor works on every node of a server. One that is older than the changes that are stored is refused with \
        410 and `CURSOR_EXPIRED`. One of another server, or of a state that was lost when an older backup was \
        restored, is refused with `CURSOR_UNKNOWN`. In both cases, read the list again.\n\n\
        With `waitSeconds`, an answer without changes is held back until there are some. Set the time-out of the \
        client to `waitSeconds` plus 15. A waiting request does not count among the concurrent requests of the token. \
        A token has at most 20 of them: then the oldest is answered at once, without changes.\n\n\
        With `Accept: application/x-ndjson`, the answer is a stream: one line of JSON for each change, and a line \
        `{\"heartbeat\":true,\"next\":…}` every 15 seconds. The last line of every stream is `{\"end\":true,\"next\":…}`, \
        after 300 seconds at most. A stream without this line was cut, also if the client sees no error: continue \
        after the cursor of the last whole line. `limit` and `waitSeconds` do not apply to a stream.",
    body: Body { params: &[&PARAMS], optional: true },
    examples: &[
        Example {
            summary: "The cursor of this moment",
            body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1"}"#,
            answer: r#"{"result":true,"requestId":"5d915c29d132d5f45a4e38c1","changes":[],
                "next":"AbpVkV0BAQEFAJ4qVqisMpFQ","errors":[]}"#,
        },
        Example {
            summary: "The oldest change",
            body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","after":"start","limit":1}"#,
            answer: r#"{"result":true,"requestId":"5d915c29d132d5f45a4e38c2","changes":[{
                "cursor":"AbpVkV0BAQEBAEsOKsiPgPYr",
                "contactListId":"5d9155bad132d5f45a4e38b1","contactId":"5d9155ba4e38b10000000001",
                "userId":"myUserId","email":"user@example.com","phoneNumber":"+15555555","action":"created",
                "requestId":"5d915c22d132d5f45a4e38b8","source":"contacts/update","at":"2026-10-14 09:30:00",
                "by":"0123456789abcdef"}],
                "next":"AbpVkV0BAQEBAEsOKsiPgPYr","errors":[]}"#,
        },
    ],
    handler: &run,
};

const PARAMS: [FieldSpec; 6] = [
    FieldSpec {
        required: false,
        text: "The list. If absent, all lists that the token may see, at most 1,000.",
        ..LIST_ID
    },
    FieldSpec::optional(
        "after",
        ValueType::TEXT,
        "Where to begin: `next`, or the `cursor` of a change or of contacts/find. `start` begins at the oldest change \
         that is stored. If absent, no changes are returned, and `next` is the cursor of this moment.",
    ),
    FieldSpec::optional(
        "limit",
        ValueType::Within(1, MAX_LIMIT as i64),
        "How many changes there are at most; 100 by default. A page ends earlier when it is large.",
    ),
    FieldSpec::optional(
        "waitSeconds",
        ValueType::Within(0, MAX_WAIT as i64),
        "How long to wait for the first change; 0 by default.",
    ),
    FieldSpec::optional(
        "fields",
        ValueType::Array { of: &ValueType::TEXT, min: 1, max: MAX_FIELDS },
        "Only updates of these fields, and of these updates only these fields; a variable is `variables.` and its \
         name. Creations, removals and erasures are always returned.",
    ),
    FieldSpec::optional(
        "include",
        ValueType::Word(&["ids", "changes", "contact"]),
        "`ids` (the default): which contact it is. `changes`: also the old and the new value of each field. `contact`: \
         also the contact as it is now, not as of the change; it is absent if the contact is gone.",
    ),
];

/// What contacts/changes answers.
#[derive(Debug, Serialize, JsonSchema)]
struct Changed {
    /// The changes, in their order.
    changes: Vec<ShownChange>,
    /// The cursor behind them: send it as `after`.
    next: String,
}

/// A request, as its body asks for it.
pub struct Asked {
    /// Which changes.
    pub request: ChangesRequest,
    /// How long to wait for the first.
    pub wait: Duration,
    /// What is doubtful in the request.
    pub warnings: Vec<Problem>,
}

/// Reads a body.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(body: &[u8]) -> Result<Asked, Refusal> {
    let body = read_body(body, &Keys::of(&PARAMS)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let mut or_note = |problem| problems.push(problem);
    let list = body.get(0).map(|raw| read_list(Some(raw))).transpose();
    let list = list.map_err(&mut or_note).ok().flatten();
    let from = read_after(body.get(1)).map_err(&mut or_note).unwrap_or_default();
    let fields = body.get(4).map(read_fields).transpose().map_err(&mut or_note).ok().flatten();
    let detail = read_include(body.get(5)).map_err(&mut or_note).unwrap_or_default();
    let limit = page::read_limit(body.get(2), MAX_LIMIT, &mut problems).unwrap_or(LIMIT);
    let wait = argument::read_within(body.get(3), "waitSeconds", "INVALID_WAIT", 0..=MAX_WAIT, &mut problems);
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    Ok(Asked {
        request: ChangesRequest { list, from, limit, detail, fields },
        wait: Duration::from_secs(wait.unwrap_or_default().into()),
        warnings: body.unknown.into_iter().map(problem::unknown_field).collect(),
    })
}

fn read_list(raw: Option<Raw<'_>>) -> Result<ObjectId, Problem> {
    let id = read_list_id(raw)?;
    ObjectId::parse(&id).ok_or_else(|| problem::list_not_found(&id))
}

fn read_after(raw: Option<Raw<'_>>) -> Result<ChangesFrom, Problem> {
    let Some(raw) = raw else { return Ok(ChangesFrom::Now) };
    let text = raw.as_trimmed().filter(|text| !text.is_empty());
    match text.as_deref() {
        Some("start") => Ok(ChangesFrom::Start),
        Some(text) => ChangeCursor::decode(text).map(ChangesFrom::After).map_err(|_| invalid_after()),
        None => Err(invalid_after()),
    }
}

fn invalid_after() -> Problem {
    Problem::new("INVALID_AFTER", "Argument after must be start or a cursor of an answer").of("after")
}

fn read_fields(raw: Raw<'_>) -> Result<Vec<FieldName>, Problem> {
    let invalid = || {
        let text = format!("Argument fields must be a list of 1 to {MAX_FIELDS} names of fields");
        Problem::new("INVALID_FIELDS", text).of("fields")
    };
    let names = raw.elements().filter(|names| (1..=MAX_FIELDS).contains(&names.len())).ok_or_else(invalid)?;
    let names = names.into_iter().map(|name| FieldName::parse(&name.as_trimmed()?));
    names.collect::<Option<_>>().ok_or_else(invalid)
}

fn read_include(raw: Option<Raw<'_>>) -> Result<Detail, Problem> {
    let text = raw.map(Raw::as_trimmed);
    match text.as_ref().map(|text| text.as_deref()) {
        None | Some(Some("ids")) => Ok(Detail::Ids),
        Some(Some("changes")) => Ok(Detail::Fields),
        Some(Some("contact")) => Ok(Detail::Contact),
        Some(_) => {
            let text = "Argument include must be ids, changes or contact";
            Err(Problem::new("INVALID_INCLUDE", text).of("include"))
        }
    }
}

async fn run(mut call: Call) -> Outcome<Changed> {
    let asked = read(&call.body)?;
    let busy = call.flight.take();
    let interrupted = call.interrupted();
    let queries = call.app.queries.clone();
    let detail = asked.request.detail;
    let mut read = queries.changes_within(&call.caller, asked.request, asked.wait, busy, interrupted).await?;
    let changes = show(&mut read, detail)?;
    Ok(Answer::new(Changed { changes, next: read.page.next.encode() }).warn(asked.warnings))
}
