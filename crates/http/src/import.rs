//! `/v3/import/…`

use schemars::JsonSchema;
use serde::Serialize;

use super::call::{Answer, Call, Outcome};
use super::method::{Body, Example, Group, Method};
use app::{Operation, Reach, Refusal};
use domain::contact::number::integer;
use domain::id::ObjectId;
use domain::json::{EnvelopeKeys, Keys, Members, Objects, Raw, Value};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use files::requests::ImportedRequest;
use files::send::Counts;
use jobs::record::ImportReport;
use jobs::service::Error;
use wire::ingest::list::LIST_ID;

static GROUP: Group = Group {
    name: "Imports",
    text: "The history of imports: who imported which file, and what came of it. It is stored for 90 days.",
};

/// Requests of one report.
const MAX_REQUESTS: usize = 1_000;

/// Letters of the name of a file.
const MAX_NAME: usize = 255;

/// The largest number: also a number of JavaScript.
const MAX_NUMBER: i64 = (1 << 53) - 1;

const NUMBER: ValueType = ValueType::Within(0, MAX_NUMBER);

const ID: ValueType = ValueType::Text { min: 24, max: 24, pattern: "^[0-9a-fA-F]{24}$" };

/// `POST /v3/import/report`
pub static REPORT: Method = Method {
    operation: &Operation::write("/v3/import/report", Reach::List),
    group: &GROUP,
    summary: "Record an import that a client runs",
    text: "The console then shows the import beside its own, with its contacts and an undo. A client reports now and then \
        what it has sent since the last report. A report that is repeated changes nothing. `rollbook import` does this.",
    body: Body { params: &[&[LIST_ID], &IMPORT, &[REQUESTS]], optional: false },
    examples: &[Example {
        summary: "An import of two rows",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","importId":"5d9155bad132d5f45a4e38c9",
            "fileName":"people.csv","bytes":62,"rows":2,"done":2,"created":2,"requests":[]}"#,
        answer: r#"{"result":true,"importId":"5d9155bad132d5f45a4e38c9"}"#,
    }],
    handler: &report,
};

const IMPORT: [FieldSpec; 11] = [
    FieldSpec::required(
        "importId",
        ID,
        "The id of the import: 24 hexadecimal digits, the first 8 of them the time in seconds since 1970.",
    ),
    FieldSpec::required("fileName", ValueType::filled(MAX_NAME), "The name of the file."),
    FieldSpec::optional("bytes", NUMBER, "The bytes of the file."),
    FieldSpec::optional("rows", NUMBER, "The rows of the file."),
    FieldSpec::optional("done", NUMBER, "Rows that are done."),
    FieldSpec::optional("created", NUMBER, "Contacts that were created."),
    FieldSpec::optional("updated", NUMBER, "Contacts that were updated."),
    FieldSpec::optional("unchanged", NUMBER, "Contacts that did not change."),
    FieldSpec::optional("failed", NUMBER, "Rows that failed."),
    FieldSpec::optional("optedOut", NUMBER, "Rows that left an opt-out as it is."),
    FieldSpec::optional("warnings", NUMBER, "Warnings about rows that were imported."),
];

const REQUESTS: FieldSpec = FieldSpec::optional(
    "requests",
    ValueType::Array { of: &ValueType::Object("ImportRequest", &REQUEST), min: 0, max: MAX_REQUESTS },
    "The requests since the last report, in the order of their rows.",
);

const REQUEST: [FieldSpec; 3] = [
    FieldSpec::required("requestId", ID, "The id of the request."),
    FieldSpec::optional("firstLine", NUMBER, "The line of its first row in the file."),
    FieldSpec::optional("lastLine", NUMBER, "The line of its last row."),
];

const KEYS: EnvelopeKeys<12, 3> = EnvelopeKeys {
    outer: Keys::of(&[
        LIST_ID, IMPORT[0], IMPORT[1], IMPORT[2], IMPORT[3], IMPORT[4], IMPORT[5], IMPORT[6], IMPORT[7],
        IMPORT[8], IMPORT[9], IMPORT[10],
    ]),
    array: REQUESTS.name,
    inner: Keys::of(&REQUEST),
    keep: MAX_REQUESTS,
};

/// What import/report answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Reported {
    /// The id of the import.
    import_id: ObjectId,
}

async fn report(call: Call) -> Outcome<Reported> {
    let body = KEYS.read(&call.body).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = call.list(body.members.get(0), &mut problems).await?;
    let id = read_id(body.members.get(1), "importId", &mut problems);
    let file = read_name(body.members.get(2), &mut problems);
    let mut number =
        |place: usize| read_number(body.members.get(place), IMPORT[place - 1].name, &mut problems);
    let [bytes, rows, done] = [number(3), number(4), number(5)];
    let counts = Counts {
        created: number(6),
        updated: number(7),
        unchanged: number(8),
        failed: number(9),
        opted_out: number(10),
        warnings: number(11),
    };
    let requests = read_requests(&body.objects, &mut problems);
    let (Some(list), Some(id)) = (list, id) else { return Err(Refusal::Invalid(problems)) };
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    let warnings: Vec<_> = body.members.unknown.into_iter().map(problem::unknown_field).collect();
    let report = ImportReport { id, file, bytes, rows, done, counts, requests };
    let recorded = call.app.jobs.record(&call.caller, &list, report, call.app.clock.now()).await;
    match recorded.map_err(refusal)? {
        true => Ok(Answer::new(Reported { import_id: id }).warn(warnings)),
        false => Err(problem::import_id_taken(&id.to_string()).into()),
    }
}

fn refusal(error: Error) -> Refusal {
    match error {
        Error::Store(error) => Refusal::NotSaved(error),
        error => Refusal::Store(storage::Error::Unavailable(error.to_string())),
    }
}

fn read_id(raw: Option<Raw<'_>>, name: &'static str, problems: &mut Vec<Problem>) -> Option<ObjectId> {
    let id = raw.and_then(Raw::as_trimmed).and_then(|text| ObjectId::parse(&text));
    if id.is_none() {
        problems.push(
            raw.map_or_else(|| problem::required(name), |_| problem::import(name, "24 hexadecimal digits")),
        );
    }
    id
}

fn read_name(raw: Option<Raw<'_>>, problems: &mut Vec<Problem>) -> String {
    let Some(raw) = raw else {
        problems.push(problem::required("fileName"));
        return String::new();
    };
    let text = raw.as_trimmed().filter(|text| !text.is_empty() && text.chars().count() <= MAX_NAME);
    let Some(text) = text else {
        problems.push(problem::import("fileName", "a string of 1 to 255 characters"));
        return String::new();
    };
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn read_number(raw: Option<Raw<'_>>, name: &'static str, problems: &mut Vec<Problem>) -> u64 {
    let Some(raw) = raw else { return 0 };
    let number = match raw.value() {
        Value::Number(text) => integer(text),
        _ => None,
    };
    let number = number.filter(|number| (0..=MAX_NUMBER).contains(number));
    number.map(i64::unsigned_abs).unwrap_or_else(|| {
        problems.push(problem::import(name, "an integer that is not negative"));
        0
    })
}

fn read_requests(objects: &Objects<'_, 3>, problems: &mut Vec<Problem>) -> Vec<ImportedRequest> {
    match objects {
        Objects::Absent => Vec::new(),
        Objects::Elements { count, .. } if *count > MAX_REQUESTS => {
            problems.push(problem::import(REQUESTS.name, "an array of at most 1000 objects"));
            Vec::new()
        }
        Objects::Elements { kept, .. } => {
            let requests = kept.iter().enumerate().filter_map(|(position, members)| {
                let mut here = Vec::new();
                let request = read_request(members.as_ref(), &mut here);
                problems.extend(here.into_iter().map(|problem| problem.at(position)));
                request
            });
            requests.collect()
        }
        Objects::NotAnArray => {
            problems.push(problem::import(REQUESTS.name, "an array of at most 1000 objects"));
            Vec::new()
        }
    }
}

fn read_request(members: Option<&Members<'_, 3>>, problems: &mut Vec<Problem>) -> Option<ImportedRequest> {
    let Some(members) = members else {
        problems.push(problem::import(REQUESTS.name, "an array of at most 1000 objects"));
        return None;
    };
    let id = read_id(members.get(0), "requestId", problems)?;
    let [first, last] = [(1, "firstLine"), (2, "lastLine")]
        .map(|(place, name)| read_number(members.get(place), name, problems));
    let last = if members.get(2).is_some() { last } else { u64::MAX };
    Some(ImportedRequest { id: id.to_string(), first, last })
}
