//! The reference: `/openapi.json` for programs, `/docs` for people. Both are made of the table of methods and of the
//! types of what is read and answered; nothing in them is a second copy.

mod about;
mod answers;
mod codes;
mod document;
mod fields;
mod markdown;
mod operation;
mod page;

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::app::{App, Limits};

/// Where the description is.
const DESCRIPTION: &str = "/openapi.json";
/// Where the page is.
const PAGE: &str = "/docs";
const STYLE: &str = "/docs/reference.css";
const SCRIPT: &str = "/docs/reference.js";
const ICON: &str = "/docs/icon.svg";

/// What the page may load: its own style, script and icon; nothing inline, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// A file as it is sent.
struct File {
    kind: &'static str,
    body: Bytes,
    tag: String,
}

impl File {
    fn new(kind: &'static str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let hash = Sha256::digest(&body);
        let tag = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>();
        Self { kind, body, tag: format!("\"{tag}\"") }
    }

    /// The file, or that the caller has it already.
    fn answer(&self, known: &HeaderMap) -> Response {
        let value = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
        let headers: [(HeaderName, HeaderValue); 6] = [
            (CONTENT_TYPE, HeaderValue::from_static(self.kind)),
            // Asked for again each time: another version of the server has another reference.
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (ETAG, value(&self.tag)),
            (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
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

/// The files, made when the first of them is asked for.
#[derive(Default)]
struct Files(OnceLock<[(&'static str, File); 5]>);

impl Files {
    fn get(&self, limits: &Limits) -> &[(&'static str, File); 5] {
        self.0.get_or_init(|| {
            let description = document::describe(limits);
            let page = page::render(&description);
            // Only a map with keys that are no strings could fail, and there is none.
            let json = serde_json::to_vec_pretty(&description).unwrap_or_default();
            [
                (DESCRIPTION, File::new("application/json", json)),
                (PAGE, File::new("text/html; charset=utf-8", page)),
                (STYLE, File::new("text/css; charset=utf-8", include_str!("reference.css"))),
                (SCRIPT, File::new("text/javascript; charset=utf-8", include_str!("reference.js"))),
                (ICON, File::new("image/svg+xml", include_str!("icon.svg"))),
            ]
        })
    }
}

/// The routes of the reference. They need no token: what they tell is no secret.
pub fn router() -> Router<Arc<App>> {
    let files = Arc::new(Files::default());
    let mut router = Router::new();
    for (place, path) in [DESCRIPTION, PAGE, STYLE, SCRIPT, ICON].into_iter().enumerate() {
        let files = Arc::clone(&files);
        let answer = async move |State(app): State<Arc<App>>, headers: HeaderMap| {
            let (_, file) = &files.get(&app.limits)[place];
            file.answer(&headers)
        };
        router = router.route(path, get(answer));
    }
    router
}
