//! `/v3/consent/find`

use schemars::JsonSchema;
use serde::Serialize;

use super::call::{Answer, Call, Outcome};
use super::method::{Body, Example, Method};
use super::page::{self, LIMIT_KEY, OFFSET_KEY, Paged};
use app::{Refusal, consents};
use domain::contact::choice::Flags;
use domain::contact::field::Field;
use domain::id::ObjectId;
use domain::json::{Keys, read_body};
use domain::problem;
use domain::schema::{FieldSpec, ValueType};
use storage::Page;
use wire::consent::{ConsentObject, WORDS};
use wire::ingest::identifiers;
use wire::ingest::list::LIST_ID;

/// `POST /v3/consent/find`
pub static FIND: Method = Method {
    operation: &consents::FIND,
    group: &super::contact::GROUP,
    summary: "Read the consent ledger of a contact",
    text: "The consent ledger of a contact, the newest record first: each change of a flag, and each `consent` that came \
        with one. Records are never changed. Each has a hash that is made of the one before, so that a missing or \
        forged record shows. Erasing a person empties the records. At most the newest 10,000 are returned.",
    body: Body { params: &[&FOUND_BY], optional: false },
    examples: &[Example {
        summary: "Nobody",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","email":"nobody@example.org"}"#,
        answer: r#"{"result":true,"contactId":null,"data":[],"totalCount":0,"offset":0,"limit":20}"#,
    }],
    handler: &find,
};
const FOUND_BY: [FieldSpec; 8] = {
    let [user_id, email, phone_number, external_id] = identifiers::PARAMS;
    let channel = FieldSpec::optional("channel", ValueType::Word(&WORDS), "Only records about this flag.");
    [LIST_ID, user_id, email, phone_number, external_id, channel, OFFSET_KEY, LIMIT_KEY]
};

/// What consent/find answers.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ConsentData {
    /// The contact; null if none was found.
    contact_id: Option<ObjectId>,
    #[serde(flatten)]
    page: Paged<ConsentObject>,
}

async fn find(call: Call) -> Outcome<ConsentData> {
    let body = read_body(&call.body, &Keys::of(&FOUND_BY)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = call.list(body.get(0), &mut problems).await?;
    let identifiers = identifiers::read([1, 2, 3, 4].map(|place| body.get(place)), &mut problems);
    let channel = match body.get(5).map(|raw| raw.as_trimmed()) {
        None => None,
        Some(word) => {
            let named = |flag: &Field| word.as_deref() == Some(flag.name());
            let flag = Flags::ALL.into_iter().find(named);
            if flag.is_none() {
                problems.push(problem::channel());
            }
            flag
        }
    };
    let window = page::read_window(body.get(6), body.get(7), &mut problems);
    let Some(list) = list.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    let found = call.app.queries.consents(&call.caller, list.no, identifiers).await?;
    let contact_id = found.as_ref().map(|found| ObjectId::of_contact(list.id, found.number.0));
    let mut records = found.map(|found| found.records).unwrap_or_default();
    records.retain(|record| channel.is_none_or(|channel| record.flag == channel));
    let total = records.len() as u64;
    let skipped = usize::try_from(window.offset).unwrap_or(usize::MAX);
    let rows = records.into_iter().skip(skipped).take(window.limit as usize).collect();
    let page = Paged::of(Page { rows, total }, window, ConsentObject::of);
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new(ConsentData { contact_id, page }).warn(warnings))
}
