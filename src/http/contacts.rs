//! `/v3/contacts/…`

use serde_json::json;

use super::call::{Answer, Call, Outcome};
use crate::intake::accept::Accepted;
use crate::intake::{contacts, remove};
use crate::report;

/// `POST /v3/contacts/update`
pub async fn update(call: Call) -> Outcome {
    let (app, sender) = (&call.app, call.sender("contacts/update")?);
    let method = contacts::Method::Update;
    answer(contacts::accept(&app.catalogue, &app.writer, sender, method, &call.body).await?)
}

/// `POST /v3/contacts/add`
pub async fn add(call: Call) -> Outcome {
    let (app, sender) = (&call.app, call.sender("contacts/add")?);
    answer(contacts::accept(&app.catalogue, &app.writer, sender, contacts::Method::Add, &call.body).await?)
}

/// `POST /v3/contacts/remove`
pub async fn remove(call: Call) -> Outcome {
    let (app, sender) = (&call.app, call.sender("contacts/remove")?);
    answer(remove::accept(&app.catalogue, &app.writer, sender, &call.body).await?)
}

/// What is answered where a batch was accepted.
pub fn answer(accepted: Accepted) -> Outcome {
    Ok(match accepted {
        Accepted::Kept { warnings } => Answer::default().warn(warnings),
        Accepted::Before(known) => Answer::again(&known),
        Accepted::Tried { results, warnings } => {
            let members = [("errors", json!([])), ("results", report::results_object(&results))];
            Answer::new(members).warn(warnings)
        }
    })
}
