//! `/v3/request/…`

pub mod list;
pub mod rejected;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::call::{Answer, Call, Outcome};
use super::method::{Body, Example, Group, Method};
use app::{Refusal, requests};
use domain::argument::read_flag;
use domain::id::ObjectId;
use domain::json::{Keys, Raw, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use storage::Request;
use wire::{request as report, request::RequestObject};

/// The most ids of one call.
const MAX_IDS: usize = 100;

/// The methods about requests.
pub static GROUP: Group = Group {
    name: "Requests",
    text: "The results of accepted batches. A request is known from its 200 on, and for 7 days after \
           it was processed.",
};

/// `POST /v3/request/find`
pub static FIND: Method = Method {
    operation: &requests::FIND,
    group: &GROUP,
    summary: "How far requests have come, and their results",
    text: "Ids that the account does not know are left out, and those of lists that the token may not see.",
    body: Body { params: &[&FOUND_BY], optional: false },
    examples: &[Example {
        summary: "A request that was processed",
        body: r#"{"ids":["5d915c22d132d5f45a4e38b8"]}"#,
        answer: include_str!("examples/request-find.json"),
    }],
    handler: &find,
};

const FOUND_BY: [FieldSpec; 2] = [
    FieldSpec::required(
        "ids",
        ValueType::Array { of: &ValueType::TEXT, min: 0, max: MAX_IDS },
        "The ids of the requests, as `requestId` gave them.",
    ),
    FieldSpec::optional(
        "identifiers",
        ValueType::Flag,
        "Whether `success` has the identifiers of the contacts; true by default. With false `email`, `phone` and \
         `userId` are null there, and the server reads no contact for the answer.",
    ),
];

/// What request/find answers.
#[derive(Serialize, JsonSchema)]
struct Found {
    /// The requests by their ids.
    #[serde(serialize_with = "by_id")]
    #[schemars(with = "BTreeMap<String, RequestObject<'_>>")]
    requests: Vec<Request>,
}

/// In the order in which the store found them.
fn by_id<S: Serializer>(requests: &[Request], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(requests.iter().map(|request| (request.id, report::request_object(request))))
}

async fn find(call: Call) -> Outcome<Found> {
    let body = read_body(&call.body, &Keys::of(&FOUND_BY)).ok_or_else(problem::bad_request)?;
    let (mut problems, named) = (Vec::new(), body.get(1));
    let ids = read_ids(body.get(0)).unwrap_or_else(|problem| {
        problems.push(problem);
        Vec::new()
    });
    let identifiers = read_flag("identifiers", named, &mut problems) || named.is_none();
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    let ids: Vec<_> = ids.iter().filter_map(|id| ObjectId::parse(id)).collect();
    let (queries, caller) = (&call.app.queries, &call.caller);
    let requests = match identifiers {
        true => queries.requests(caller, ids).await?,
        false => queries.outcomes(caller, &ids).await?,
    };
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new(Found { requests }).warn(warnings))
}

fn read_ids(raw: Option<Raw<'_>>) -> Result<Vec<String>, Problem> {
    let text = "Argument ids must be an array of strings";
    let wrong = || Problem::new("INVALID_IDS", text).of("ids");
    let elements = raw.ok_or_else(|| problem::required("ids"))?.elements().ok_or_else(wrong)?;
    if elements.len() > MAX_IDS {
        return Err(problem::too_many("ids", elements.len()));
    }
    let texts = elements.into_iter().map(|element| element.as_trimmed().map(std::borrow::Cow::into_owned));
    texts.collect::<Option<_>>().ok_or_else(wrong)
}
