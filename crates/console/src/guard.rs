//! What keeps pages to those who may see them: headers of every page, and where a form may come from.

use axum::extract::Request;
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::PageError;
use web::assets::POLICY;
use web::translate::{Language, with_language};

/// The header in which htmx sends the token of a form.
pub const TOKEN_HEADER: &str = "x-csrf-token";

/// Gives a page its headers. Pages hold personal data: nobody keeps them.
pub async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: browsers then say `Origin: null` of our own forms too.
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Runs a handler that may change something in a task of its own: what has begun is finished though the browser hangs
/// up, and a panic is answered.
pub async fn finish(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    // The handler changes the language of its own task, so the header is set there.
    let answered = Language::current().scope(with_language(next.run(request)));
    let finished = tokio::spawn(answered).await;
    finished.unwrap_or_else(|error| {
        tracing::error!(%error, "console: handler panicked");
        PageError::Panicked.into_response()
    })
}

/// The token that a form of a session bears: whoever does not know the cookie cannot make it, and it tells nothing of
/// the cookie.
pub fn token_of(cookie: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(format!("rollbook form {cookie}")))
}

/// Whether a token is the session's.
pub fn is_token(token: &str, expected: &str) -> bool {
    token.as_bytes().ct_eq(expected.as_bytes()).into()
}

/// Whether a form comes from a page of this server, as far as the browser tells. `uri`: that of the request; HTTP/2 names
/// the host there, and not in a header.
pub fn is_own_origin(headers: &HeaderMap, uri: &Uri, public_origin: &str) -> bool {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return false;
    }
    let Some(origin) = text(&ORIGIN) else { return true };
    let host = origin.split_once("://").map(|(_, host)| host);
    let asked = text(&HOST).or_else(|| uri.authority().map(Authority::as_str));
    origin == public_origin || (host.is_some() && host == asked)
}

/// Whether whoever asks is a browser that wants a page, and not a client of the API.
pub fn wants_page(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let of_api = uri.path() == "/v3" || uri.path().starts_with("/v3/");
    let accepts = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let html = accepts.flat_map(|types| types.split(',')).any(|kind| kind.trim().starts_with("text/html"));
    !of_api && html && matches!(*method, Method::GET | Method::HEAD)
}
