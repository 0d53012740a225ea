//! `/v3/contact/export`

use crate::call::{Answer, Call, Outcome};
use crate::method::{Body, Example, Method};
use app::Refusal;
use app::person;
use domain::json::{Keys, read_body};
use domain::problem;
use wire::ingest::identifiers;
use wire::person::Exported;

/// `POST /v3/contact/export`
pub static EXPORT: Method = Method {
    operation: &person::EXPORT,
    group: &super::GROUP,
    summary: "All data about one person",
    text: "Returns, from all lists of the account, the contacts that have one of the identifiers or had it once. \
        With them come their histories and the requests that mention them, also waiting ones.",
    body: Body { params: &[&identifiers::PARAMS], optional: false },
    examples: &[Example {
        summary: "Nobody",
        body: r#"{"email":"nobody@example.org"}"#,
        answer: r#"{"result":true,"contacts":[],"requests":[],"requestsComplete":true,"suppressed":[],
            "erased":false,"errors":[]}"#,
    }],
    handler: &export,
};

async fn export(call: Call) -> Outcome<Exported> {
    let body = read_body(&call.body, &Keys::of(&identifiers::PARAMS)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let identifiers = identifiers::read([0, 1, 2, 3].map(|place| body.get(place)), &mut problems);
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    let person = call.app.queries.person(&call.caller, identifiers).await?;
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new(Exported::of(person)?).warn(warnings))
}
