//! `/v3/segment/…`

mod growth;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::Value;

use self::growth::GrowthDay;
use super::call::{Answer, Call, Nothing, Outcome};
use super::method::{Body, Example, Group, Method};
use app::Refusal;
use app::segment_growth::MAX_DAYS;
use app::segments::{self, MAX_NAME, SavedName, Segment, SegmentFilter};
use domain::argument::{read_flag, read_within};
use domain::clock::Timestamp;
use domain::filter::FILTER;
use domain::id::ObjectId;
use domain::json::{Keys, Raw, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use storage::List;
use wire::ingest::list::LIST_ID;

static GROUP: Group = Group {
    name: "Segments",
    text: "A segment is a filter of a list with a name. A contact is in a segment for as long as it matches. Filters name \
           a segment by its id: `{\"segment\": \"…\"}`. A list has at most 100 segments.",
};

const NAME: ValueType = ValueType::filled(MAX_NAME);

const SEGMENT_ID: FieldSpec = FieldSpec::required(
    "segmentId",
    ValueType::pattern(usize::MAX, r"^\s*[0-9a-fA-F]{24}\s*$"),
    "The id of the segment.",
);

const FILTER_TEXT: &str = "The filter. It names no segment.";

/// `POST /v3/segment/create`
pub static CREATE: Method = Method {
    operation: &segments::CREATE,
    group: &GROUP,
    summary: "Make a segment of a list",
    text: "No other segment of the list may have its name.",
    body: Body { params: &[&NEW], optional: false },
    examples: &[Example {
        summary: "Contacts of a domain",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","name":"Our own",
            "filter":{"field":"email","op":"contains","value":"@example.com"}}"#,
        answer: r#"{"result":true,"segmentId":"5d915c28d132d5f45a4e38e1"}"#,
    }],
    handler: &create,
};

const NEW: [FieldSpec; 3] = [
    LIST_ID,
    FieldSpec::required("name", NAME, "Its name."),
    FieldSpec { required: true, text: FILTER_TEXT, ..FILTER },
];

/// What segment/create answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CreatedSegment {
    /// The id of the new segment.
    segment_id: ObjectId,
}

async fn create(call: Call) -> Outcome<CreatedSegment> {
    let body = read_body(&call.body, &Keys::of(&NEW)).ok_or_else(problem::bad_request)?;
    let (mut problems, mut warnings) = (Vec::new(), unknown(body.unknown.clone()));
    let list = call.list(body.get(0), &mut problems).await?;
    let name = required(body.get(1), "name").and_then(|raw| SavedName::parse(raw.as_text().as_deref()));
    let name = name.map_err(|problem| problems.push(problem)).ok();
    let filter = required(body.get(2), "filter").map_err(|problem| problems.push(problem)).ok();
    let filter =
        filter.and_then(|raw| SegmentFilter::read(raw, list.as_deref(), &mut warnings, &mut problems));
    let (Some(list), Some(name), Some(filter)) = (list, name, filter) else {
        return Err(Refusal::Invalid(problems));
    };
    let segment_id = call.app.commands.create_segment(&call.caller, &list, name, filter).await?;
    Ok(Answer::new(CreatedSegment { segment_id }).warn(warnings))
}

/// `POST /v3/segment/get`
pub static GET: Method = Method {
    operation: &segments::GET,
    group: &GROUP,
    summary: "Read a segment, and how many contacts are in it",
    text: "Variables in its filter have their present names.",
    body: Body { params: &[&ONE], optional: false },
    examples: &[Example {
        summary: "A segment with its size",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","segmentId":"5d915c28d132d5f45a4e38e1","count":true}"#,
        answer: r#"{"result":true,"data":{"segmentId":"5d915c28d132d5f45a4e38e1","name":"Our own",
            "filter":{"field":"email","op":"contains","value":"@example.com"},
            "createdAt":"2026-10-14 09:30:09","updatedAt":"2026-10-14 09:30:09"},"totalCount":1}"#,
    }],
    handler: &get,
};

const ONE: [FieldSpec; 4] = [
    LIST_ID,
    SEGMENT_ID,
    FieldSpec::optional(
        "count",
        ValueType::Flag,
        "If true, `totalCount` is how many contacts are in the segment. Every contact of the list is looked at.",
    ),
    FieldSpec::optional(
        "growthDays",
        ValueType::Within(1, MAX_DAYS as i64),
        "How many of the last days `growth` has, 1 to 400. Without it there is no `growth`.",
    ),
];

/// What segment/get answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct GotSegment {
    /// The segment.
    data: SegmentObject,
    /// How many contacts are in it, if `count` was true.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_count: Option<u64>,
    /// The last days, the oldest first, if `growthDays` was given. Days before the segment was first counted are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    growth: Option<Vec<GrowthDay>>,
}

/// A segment.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Segment")]
struct SegmentObject {
    /// Its id.
    segment_id: ObjectId,
    /// Its name.
    name: String,
    filter: ShownFilter,
    /// When it was made.
    created_at: Timestamp,
    /// When its name or its filter last changed.
    updated_at: Timestamp,
}

/// A filter as it is answered: any of its forms.
#[derive(Debug, Serialize)]
struct ShownFilter(Value);

impl JsonSchema for ShownFilter {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ShownFilter".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "Its filter, as requests name it." })
    }
}

impl SegmentObject {
    fn of(segment: Segment, list: &List) -> Self {
        let filter = ShownFilter(segment.filter.to_json(Some(list)));
        let Segment { id, name, created_at, updated_at, .. } = segment;
        Self { segment_id: id, name, filter, created_at, updated_at }
    }
}

async fn get(call: Call) -> Outcome<GotSegment> {
    let body = read_body(&call.body, &Keys::of(&ONE)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = call.list(body.get(0), &mut problems).await?;
    let id = read_id(body.get(1)).map_err(|problem| problems.push(problem)).ok();
    let count = read_flag("count", body.get(2), &mut problems);
    let days = read_within(body.get(3), "growthDays", "INVALID_GROWTH_DAYS", 1..=MAX_DAYS, &mut problems);
    let (Some(list), Some(id), []) = (list, id, problems.as_slice()) else {
        return Err(Refusal::Invalid(problems));
    };
    let segment = call.app.queries.segment(&call.caller, &list, id).await?;
    let total_count = match count {
        true => Some(call.app.queries.segment_size(&call.caller, &list, &segment).await?),
        false => None,
    };
    let growth = match days {
        Some(days) => Some(call.app.queries.segment_growth(&list, id, days).await?),
        None => None,
    };
    let growth = growth.map(|days| days.into_iter().map(GrowthDay::of).collect());
    let found = GotSegment { data: SegmentObject::of(segment, &list), total_count, growth };
    Ok(Answer::new(found).warn(unknown(body.unknown)))
}

/// `POST /v3/segment/find`
pub static FIND: Method = Method {
    operation: &segments::FIND,
    group: &GROUP,
    summary: "The segments of a list, or those that a contact is in",
    text: "By name. With `contactId`, only segments that the contact is in now.",
    body: Body { params: &[&FOUND], optional: false },
    examples: &[Example {
        summary: "All segments of a list",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1"}"#,
        answer: r#"{"result":true,"data":[{"segmentId":"5d915c28d132d5f45a4e38e1","name":"Our own",
            "filter":{"field":"email","op":"contains","value":"@example.com"},
            "createdAt":"2026-10-14 09:30:09","updatedAt":"2026-10-14 09:30:09"}]}"#,
    }],
    handler: &find,
};

const FOUND: [FieldSpec; 2] = [
    LIST_ID,
    FieldSpec::optional(
        "contactId",
        ValueType::pattern(usize::MAX, r"^\s*[0-9a-fA-F]{24}\s*$"),
        "The id of a contact of the list, as contacts/find gives it in `contactIds`.",
    ),
];

/// What segment/find answers.
#[derive(Debug, Serialize, JsonSchema)]
struct FoundSegments {
    /// The segments.
    data: Vec<SegmentObject>,
}

async fn find(call: Call) -> Outcome<FoundSegments> {
    let body = read_body(&call.body, &Keys::of(&FOUND)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = call.list(body.get(0), &mut problems).await?;
    let wrong = || problem::contact_id("contactId");
    let contact =
        body.get(1).map(|raw| raw.as_trimmed().and_then(|text| ObjectId::parse(&text)).ok_or_else(wrong));
    let contact = contact.transpose().map_err(|problem| problems.push(problem)).ok().flatten();
    let Some(list) = list.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    let (queries, caller) = (&call.app.queries, &call.caller);
    let segments = match contact {
        None => queries.segments(caller, &list).await?,
        Some(id) => {
            let number = id.contact_number(list.id).map(domain::journal::ContactNo).ok_or_else(wrong)?;
            let contact = queries.contact_by_number(caller, &list, number).await?;
            let contact = contact.ok_or_else(wrong)?;
            queries.segments_of(caller, &list, number, &contact).await?
        }
    };
    let data = segments.into_iter().map(|segment| SegmentObject::of(segment, &list)).collect();
    Ok(Answer::new(FoundSegments { data }).warn(unknown(body.unknown)))
}

/// `POST /v3/segment/update`
pub static UPDATE: Method = Method {
    operation: &segments::UPDATE,
    group: &GROUP,
    summary: "Change the name or the filter of a segment",
    text: "A key that is absent changes nothing. Filters that name the segment follow it.",
    body: Body { params: &[&CHANGED], optional: false },
    examples: &[Example {
        summary: "Another name",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","segmentId":"5d915c28d132d5f45a4e38e1","name":"Staff"}"#,
        answer: r#"{"result":true}"#,
    }],
    handler: &update,
};

const CHANGED: [FieldSpec; 4] = [
    LIST_ID,
    SEGMENT_ID,
    FieldSpec::optional("name", NAME, "Its new name."),
    FieldSpec { text: FILTER_TEXT, ..FILTER },
];

async fn update(call: Call) -> Outcome<Nothing> {
    let body = read_body(&call.body, &Keys::of(&CHANGED)).ok_or_else(problem::bad_request)?;
    let (mut problems, mut warnings) = (Vec::new(), unknown(body.unknown.clone()));
    let list = call.list(body.get(0), &mut problems).await?;
    let id = read_id(body.get(1)).map_err(|problem| problems.push(problem)).ok();
    let name = body.get(2).map(|raw| SavedName::parse(raw.as_text().as_deref()));
    let name = name.transpose().map_err(|problem| problems.push(problem)).ok().flatten();
    let filter = body.get(3);
    let filter =
        filter.and_then(|raw| SegmentFilter::read(raw, list.as_deref(), &mut warnings, &mut problems));
    let (Some(list), Some(id), []) = (list, id, problems.as_slice()) else {
        return Err(Refusal::Invalid(problems));
    };
    call.app.commands.update_segment(&call.caller, &list, id, name, filter).await?;
    Ok(Answer::new(Nothing {}).warn(warnings))
}

/// `POST /v3/segment/remove`
pub static REMOVE: Method = Method {
    operation: &segments::REMOVE,
    group: &GROUP,
    summary: "Remove a segment",
    text: "Its contacts stay. Filters that name it are rejected from then on.",
    body: Body { params: &[&REMOVED], optional: false },
    examples: &[Example {
        summary: "A segment is removed",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","segmentId":"5d915c28d132d5f45a4e38e1"}"#,
        answer: r#"{"result":true}"#,
    }],
    handler: &remove,
};

const REMOVED: [FieldSpec; 2] = [LIST_ID, SEGMENT_ID];

async fn remove(call: Call) -> Outcome<Nothing> {
    let body = read_body(&call.body, &Keys::of(&REMOVED)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = call.list(body.get(0), &mut problems).await?;
    let id = read_id(body.get(1)).map_err(|problem| problems.push(problem)).ok();
    let (Some(list), Some(id)) = (list, id) else { return Err(Refusal::Invalid(problems)) };
    call.app.commands.remove_segment(&call.caller, &list, id).await?;
    Ok(Answer::new(Nothing {}).warn(unknown(body.unknown)))
}

fn required<'a>(raw: Option<Raw<'a>>, key: &'static str) -> Result<Raw<'a>, Problem> {
    raw.ok_or_else(|| problem::required(key))
}

fn read_id(raw: Option<Raw<'_>>) -> Result<ObjectId, Problem> {
    let id = required(raw, "segmentId")?.as_trimmed().and_then(|text| ObjectId::parse(&text));
    let text = "Argument segmentId must be the id of a segment";
    id.ok_or_else(|| Problem::new("INVALID_SEGMENT_ID", text).of("segmentId"))
}

fn unknown(keys: Vec<String>) -> Vec<Problem> {
    keys.into_iter().map(problem::unknown_field).collect()
}
