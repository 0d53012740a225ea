//! `/v3/contact/…`

pub mod erase;
pub mod export;
pub mod get_many;
pub mod history;
mod wait;

use schemars::JsonSchema;
use serde::Serialize;

use super::call::{Answer, Call, Outcome};
use super::method::{Body, Example, Group, Method};
use app::Refusal;
use app::contacts::read;
use domain::json::{Keys, read_body};
use domain::problem;
use domain::schema::FieldSpec;
use storage::Error;
use wire::contact::Shown;
use wire::ingest::identifiers;
use wire::ingest::list::LIST_ID;

/// The methods about one contact.
pub static GROUP: Group =
    Group { name: "Contact", text: "One contact of a list, or one person in all lists." };

/// `POST /v3/contact/get`
pub static GET: Method = Method {
    operation: &read::GET,
    group: &GROUP,
    summary: "Read a contact",
    text: "The contact as it is now: what was accepted and is not applied yet does not show, unless `waitFor` names \
           it. Of several identifiers the first that finds a contact decides, in the order userId, email, \
           phoneNumber. At least one is needed.",
    body: Body { params: &[&FOUND_BY], optional: false },
    examples: &[
        Example {
            summary: "A contact with every field",
            body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","email":"user@example.com"}"#,
            answer: include_str!("examples/contact-get.json"),
        },
        Example {
            summary: "Once a request is applied",
            body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","userId":"somebody else",
                "waitFor":"5d915c22d132d5f45a4e38b8"}"#,
            answer: r#"{"result":true,"contact":null,"errors":[]}"#,
        },
        Example {
            summary: "Nobody",
            body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","userId":"somebody else"}"#,
            answer: r#"{"result":true,"contact":null,"errors":[]}"#,
        },
    ],
    handler: &get,
};

const FOUND_BY: [FieldSpec; 6] = {
    let [user_id, email, phone_number, external_id] = identifiers::PARAMS;
    [LIST_ID, user_id, email, phone_number, external_id, wait::WAIT_FOR]
};

/// What contact/get answers.
#[derive(Debug, Serialize, JsonSchema)]
struct Got {
    /// The contact; null if none was found.
    contact: Option<Shown>,
}

async fn get(call: Call) -> Outcome<Got> {
    let body = read_body(&call.body, &Keys::of(&FOUND_BY)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = call.list(body.get(0), &mut problems).await?;
    let identifiers = identifiers::read([1, 2, 3, 4].map(|place| body.get(place)), &mut problems);
    let wait_for = wait::read(body.get(5)).map_err(|problem| problems.push(problem)).ok().flatten();
    let Some(list) = list.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    let mut warnings: Vec<_> = body.unknown.into_iter().map(problem::unknown_field).collect();
    if let Some(request) = wait_for {
        warnings.extend(wait::wait(&call, &request).await?);
    }
    let contact = call.app.queries.contact(&call.caller, &list, identifiers).await?;
    let contact = contact.map(|(_, contact)| contact);
    let suppressed = call.app.queries.suppressions_of(&call.caller, &contact).await?;
    let suppressed = suppressed.into_iter().next().unwrap_or_default();
    let shown = contact.map(|contact| Shown::of(&contact, &list, &suppressed)).transpose();
    let shown = shown.map_err(|malformed| Refusal::Store(Error::Damaged(malformed.to_string())))?;
    Ok(Answer::new(Got { contact: shown }).warn(warnings))
}
