//! Files that are part of the program: styles, scripts, pages that never change.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use sha2::{Digest, Sha256};

/// Colours, type and what else the reference and the console have in common: the head of the style of each.
pub const THEME: &str = include_str!("theme.css");

/// A file as it is sent.
pub struct File {
    kind: &'static str,
    body: Bytes,
    tag: String,
}

impl File {
    /// A file of that media type.
    pub fn new(kind: &'static str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let hash = Sha256::digest(&body);
        let tag = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>();
        Self { kind, body, tag: format!("\"{tag}\"") }
    }

    /// The file with that `Content-Security-Policy`, or that the caller has it already.
    pub fn answer(&self, policy: &'static str, known: &HeaderMap) -> Response {
        let value = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
        let headers: [(HeaderName, HeaderValue); 6] = [
            (CONTENT_TYPE, HeaderValue::from_static(self.kind)),
            // Asked for again each time: another version of the server has other files.
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (ETAG, value(&self.tag)),
            (CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ];
        let tags = known.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let same = tags.flat_map(|tags| tags.split(',')).any(|tag| self.is(tag.trim()));
        if same {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        (headers, self.body.clone()).into_response()
    }

    fn is(&self, tag: &str) -> bool {
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.tag
    }
}
