//! `/v3/contact/history`

use schemars::JsonSchema;
use serde::Serialize;

use crate::call::{Answer, Call, Outcome};
use crate::method::{Body, Example, Method};
use crate::page::{self, LIMIT_KEY, OFFSET_KEY, Paged};
use app::Refusal;
use app::contacts::read;
use domain::id::ObjectId;
use domain::json::{Keys, read_body};
use domain::problem;
use domain::schema::FieldSpec;
use storage::Page;
use wire::history::{ShownChange, show_changes};
use wire::ingest::identifiers;
use wire::ingest::list::LIST_ID;

/// `POST /v3/contact/history`
pub static HISTORY: Method = Method {
    operation: &read::HISTORY,
    group: &super::GROUP,
    summary: "The changes of a contact, with their times and requests",
    text: "The newest change first, with each field's old and new value. Contacts are looked up by current \
        identifiers, then by former ones; removed contacts are included. Changes are stored for 90 days, unless \
        the operator has configured another time; those of an erased person are deleted. At most the newest \
        10,000 changes are counted and returned; `complete` is then false. If changes are very large, an answer has \
        fewer than `limit`, and the next page begins behind them.",
    body: Body { params: &[&HISTORY_OF], optional: false },
    examples: &[
        Example {
            summary: "The newest change of a contact",
            body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","userId":"myUserId","limit":1}"#,
            answer: r#"{"result":true,"contactId":"5d9155ba4e38b10000000001","data":[{
                "changedAt":"2026-10-14 09:30:02","action":"updated","requestId":"5d915c22d132d5f45a4e38be",
                "source":"contacts/update","token":"0123456789abcdef",
                "changes":[{"field":"firstName","old":"John","new":"Jo"}]}],
                "totalCount":2,"offset":0,"limit":1,"complete":true,"errors":[]}"#,
        },
        Example {
            summary: "Nobody",
            body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","userId":"somebody else"}"#,
            answer: r#"{"result":true,"contactId":null,"data":[],"totalCount":0,"offset":0,"limit":20,"complete":true,"errors":[]}"#,
        },
    ],
    handler: &history,
};

const HISTORY_OF: [FieldSpec; 7] = {
    let [user_id, email, phone_number, external_id] = identifiers::PARAMS;
    [LIST_ID, user_id, email, phone_number, external_id, OFFSET_KEY, LIMIT_KEY]
};

/// What contact/history answers.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct HistoryData {
    /// The contact; null if none was found.
    contact_id: Option<ObjectId>,
    #[serde(flatten)]
    page: Paged<ShownChange>,
    /// Whether `totalCount` counts all changes that are stored. If false, there are older ones than the newest 10,000.
    complete: bool,
}

async fn history(call: Call) -> Outcome<HistoryData> {
    let body = read_body(&call.body, &Keys::of(&HISTORY_OF)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = call.list(body.get(0), &mut problems).await?;
    let identifiers = identifiers::read([1, 2, 3, 4].map(|place| body.get(place)), &mut problems);
    let window = page::read_window(body.get(5), body.get(6), &mut problems);
    let Some(list) = list.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    let found = call.app.queries.history(&call.caller, &list, identifiers, window).await?;
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    let Some(found) = found else {
        let page = Paged::of(Page { rows: Vec::new(), total: 0 }, window, |change: ShownChange| change);
        return Ok(Answer::new(HistoryData { contact_id: None, page, complete: true }).warn(warnings));
    };
    let rows = show_changes(&found.changes, &list, &found.sources)?;
    let page = Paged::of(Page { rows, total: found.total }, window, |change| change);
    let contact_id = Some(ObjectId::of_contact(list.id, found.number.0));
    Ok(Answer::new(HistoryData { contact_id, page, complete: found.complete }).warn(warnings))
}
