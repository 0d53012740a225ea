//! Files that are part of the program: styles, scripts, pages that never change.

use std::sync::OnceLock;

use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::answer::Answered;
use super::compress::{Coding, Effort};
use domain::problem::Problem;

/// Colours, type and what else the reference and the console have in common: the head of the style of each.
pub const THEME: &str = include_str!("assets/theme.css");

/// The icon of every page, as SVG.
pub const ICON: &str = include_str!("assets/icon.svg");

/// Asked for again each time: another version of the server has other files.
const AGAIN: &str = "no-cache";

/// Never asked for again: a file whose URL names its bytes does not change.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// A file as it is sent.
pub struct File {
    kind: &'static str,
    body: Bytes,
    /// Compressed in each coding, when that is first asked for.
    coded: [OnceLock<Option<Bytes>>; Coding::ALL.len()],
    hash: String,
}

impl File {
    /// A file of that media type.
    pub fn new(kind: &'static str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let hash = Sha256::digest(&body).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self { kind, body, coded: Default::default(), hash }
    }

    /// The file with that `Content-Security-Policy`, or that the caller has it already.
    pub fn answer(&self, policy: &'static str, known: &HeaderMap) -> Response {
        self.cached(AGAIN, policy, known)
    }

    fn cached(&self, cache: &'static str, policy: &'static str, known: &HeaderMap) -> Response {
        let coded =
            Coding::accepted(known, Coding::ALL).and_then(|coding| Some((coding, self.coded(coding)?)));
        let suffix = coded.as_ref().map_or_else(String::new, |(coding, _)| format!("-{}", coding.name()));
        let tag = format!("\"{}{suffix}\"", self.hash);
        let headers: [(HeaderName, HeaderValue); 7] = [
            (CONTENT_TYPE, HeaderValue::from_static(self.kind)),
            (CACHE_CONTROL, HeaderValue::from_static(cache)),
            (ETAG, HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static(""))),
            (VARY, HeaderValue::from_static("accept-encoding")),
            (CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ];
        let tags = known.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut tags = tags.flat_map(|tags| tags.split(',')).map(str::trim);
        if tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        match coded {
            Some((coding, body)) => (headers, [(CONTENT_ENCODING, coding.name())], body).into_response(),
            None => (headers, self.body.clone()).into_response(),
        }
    }

    fn coded(&self, coding: Coding) -> Option<Bytes> {
        let place = Coding::ALL.iter().position(|known| *known == coding)?;
        self.coded[place].get_or_init(|| coding.compress(&self.body, Effort::Best)).clone()
    }
}

/// The files that pages load, under one path.
pub struct Assets {
    /// The path, with a slash at its end.
    pub path: &'static str,
    /// What pages that are shown by themselves may load.
    pub policy: &'static str,
    /// The files by their names.
    pub files: Vec<(&'static str, File)>,
}

impl Assets {
    /// The URL of a file, with the hash of its bytes before the ending of its name.
    pub fn url(&self, name: &str) -> String {
        let file = self.files.iter().find(|(known, _)| *known == name);
        let hash = file.map_or("", |(_, file)| file.hash.as_str());
        match name.rsplit_once('.') {
            Some((stem, ending)) => format!("{}{stem}.{hash}.{ending}", self.path),
            None => format!("{}{name}", self.path),
        }
    }

    /// A file by the last part of its URL. While nodes of two versions serve together, a page of one may ask the other
    /// for a file: then this version's comes, which must not be kept under that URL.
    pub fn answer(&self, asked: &str, known: &HeaderMap) -> Response {
        for (name, file) in &self.files {
            if asked == *name {
                return file.answer(self.policy, known);
            }
            let hash = name.rsplit_once('.').and_then(|(stem, ending)| {
                asked.strip_prefix(stem)?.strip_prefix('.')?.strip_suffix(ending)?.strip_suffix('.')
            });
            if let Some(hash) = hash {
                let cache = if hash == file.hash { FOR_GOOD } else { AGAIN };
                return file.cached(cache, self.policy, known);
            }
        }
        let problem = Problem::new("NOT_FOUND", "Not Found");
        Answered::refusal(StatusCode::NOT_FOUND, None, vec![problem], None).into_response()
    }
}
