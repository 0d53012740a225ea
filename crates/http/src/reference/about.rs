//! What holds for all methods.

use crate::authenticate::ACCESS_TOKEN;
use app::Limits;
use domain::problem::MAX_PROBLEMS;
use web::answer::RETRY_AFTER;

/// In Markdown.
pub fn text(limits: &Limits) -> String {
    let Limits { body, body_timeout, in_flight, .. } = limits;
    let body_timeout = body_timeout.as_secs();
    format!(
        "Every method is a `POST` of a JSON object, with an access token in the header `{ACCESS_TOKEN}`. Every answer \
         is a JSON object. Its status and its member `result` say the same: 200 and true, or another status and \
         false.\n\
         \n\
         - **A 200 of a batch** promises that the batch is on disk. It is applied after that, exactly once, and in the \
         order of acceptance.\n\
         - **A refusal** has texts in `errors`, and the same for programs in `details`. Every error is reported \
         at once, up to {MAX_PROBLEMS} entries, and nothing of the request is stored.\n\
         - **`null`** means the same as absence, so a client may send it for every member that it did not set. There is \
         one exception: as the `value` of a variable it clears the variable. To clear anything, send `\"\"`; to clear a \
         `cac`, send an object with a blank `value`.\n\
         - **Keys** may have white space around them; of two equal keys the last counts. An unknown key is ignored, \
         with a warning. White space around identifiers, dates, codes and numbers is ignored.\n\
         - **Answers** get further members and codes in later versions. A client must ignore unknown members, and \
         accept unknown codes.\n\
         - **A body** has at most {body} bytes after decompression, and {body_timeout} seconds to arrive. \
         `Content-Encoding` may be `gzip`, `deflate`, `br` or `zstd`; `Content-Type` is not looked at.\n\
         - **A token** may have {in_flight} requests in flight; beyond that a request gets 429. After a 429 or a 503 \
         send it again when the seconds of `Retry-After` have passed ({RETRY_AFTER}).\n\
         - **An unknown path** is answered with 404, another verb than `POST` with 405, both in the form of a \
         refusal.\n\
         - **Times** are UTC, in the form `YYYY-MM-DD hh:mm:ss`; ids of the server are 24 hex digits. Positions count \
         from 0."
    )
}
