//! The cookie of a session.

use axum::http::HeaderMap;
use axum::http::header::{COOKIE, HeaderValue};

pub use web::login::secret::{Secret, hash};

/// Where https is spoken, the name says that the cookie is this host's own and was set over https.
const fn name(secure: bool) -> &'static str {
    if secure { "__Host-rollbook_session" } else { "rollbook_session" }
}

/// The cookie of a session. It ends with the browser's own session; the store ends it too.
pub fn begin(secret: &Secret, secure: bool) -> HeaderValue {
    set(&secret.0, secure, "")
}

/// Takes the cookie away.
pub fn end(secure: bool) -> HeaderValue {
    set("", secure, "; Max-Age=0")
}

fn set(value: &str, secure: bool, more: &str) -> HeaderValue {
    let only = if secure { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{only}{more}", name(secure));
    // Letters, digits and signs of ours only.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// The text of the session's cookie.
pub fn read(headers: &HeaderMap, secure: bool) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| known.trim() == name(secure)).map(|(_, value)| value.trim())
}
