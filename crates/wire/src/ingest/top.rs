//! Keys that stand at the top of several bodies.

use domain::contact::http_url::MAX_CHARS;
use domain::contact::webhook_uri::WebHookUri;
use domain::journal::WebHook;
use domain::json::Raw;
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use storage::OptOut;

/// Where the status of a request goes.
pub const WEB_HOOK_URI: FieldSpec = FieldSpec::optional(
    "webHookUri",
    ValueType::Text { min: 1, max: MAX_CHARS, pattern: "^[Hh][Tt][Tt][Pp][Ss]?://" },
    "An absolute http or https URI without credentials. The server posts the result there when the request is \
        processed: see the webhook.",
);

/// Whether nothing is to be kept.
pub const DRY_RUN: FieldSpec = FieldSpec::optional(
    "dryRun",
    ValueType::Flag,
    "If true, the server stores nothing. The answer has in `results` the result that each contact would have now. \
        Waiting batches do not count.",
);

/// Whether people who were erased may come back.
pub const RESTORE_ERASED: FieldSpec = FieldSpec::optional(
    "restoreErased",
    ValueType::Flag,
    "Whether a person who was erased may be brought back. False by default, and then an item that would give a \
     contact an identifier of such a person ends in `CONTACT_ERASED`.",
);

/// Whether flags that were set to false stay so.
pub const OPT_OUT: FieldSpec = FieldSpec::optional(
    "optOut",
    ValueType::Word(&["keep"]),
    "If `keep`, flags that were set to false stay false, whatever the list says, unless an item has `resubscribe`. \
     Imports and bulk changes send this. Own to this server.",
);

/// `optOut` of a request: whether it says that flags stay.
pub fn read_keep(raw: Option<Raw<'_>>, problems: &mut Vec<Problem>) -> bool {
    let Some(raw) = raw else { return false };
    let keep = raw.as_trimmed().as_deref() == Some(OptOut::Keep.name());
    if !keep {
        problems.push(problem::opt_out("keep"));
    }
    keep
}

/// `webHookUri`: where the status goes.
pub fn read_webhook(raw: Option<Raw<'_>>, problems: &mut Vec<Problem>) -> Option<WebHook> {
    let uri = raw?.as_text().as_deref().and_then(WebHookUri::parse);
    if uri.is_none() {
        problems.push(problem::web_hook_uri());
    }
    uri.map(|uri| WebHook { receiver: uri.receiver(), uri: uri.as_str().to_owned() })
}
