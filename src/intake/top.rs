//! Keys that stand at the top of several bodies.

use super::problem::{self, Problem};
use crate::contact::webhook_uri::WebHookUri;
use crate::journal::WebHook;
use crate::json::{Raw, Value};

/// `webHookUri`: where the status goes.
pub fn read_webhook(raw: Option<Raw<'_>>, problems: &mut Vec<Problem>) -> Option<WebHook> {
    let uri = raw?.as_text().as_deref().and_then(WebHookUri::parse);
    if uri.is_none() {
        problems.push(problem::web_hook_uri());
    }
    uri.map(|uri| WebHook { receiver: uri.receiver(), uri: uri.as_str().to_owned() })
}

/// A key that is true or false; false where it is absent or wrong.
pub fn read_flag(name: &'static str, raw: Option<Raw<'_>>, problems: &mut Vec<Problem>) -> bool {
    let Some(raw) = raw else { return false };
    if !matches!(raw.value(), Value::Bool(_)) {
        problems.push(problem::top_flag(name));
    }
    raw.text() == "true"
}
