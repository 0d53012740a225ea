//! `/v3/contacts/…`

use super::call::{Answer, Call, Outcome};
use crate::intake::update::{self, Sender};

/// `POST /v3/contacts/update`
pub async fn update(call: Call) -> Outcome {
    let sender = Sender {
        account: call.caller.account,
        token: call.caller.token,
        request: call.request_id,
        now: call.app.clock.now(),
    };
    let warnings = update::accept(&call.app.catalogue, &call.app.writer, sender, &call.body).await?;
    Ok(Answer::default().warn(warnings))
}
