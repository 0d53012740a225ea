//! What a server has answered.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use serde_json::{Value, json};

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("every answer is JSON")
    }

    /// The body with its `requestId`, where it has one, checked and put as `<id>`: the rest is compared exactly.
    pub fn normal(&self) -> Value {
        let mut body = self.json();
        if let Some(id) = body.get_mut("requestId") {
            assert!(is_id(id), "24 lower-case hex digits: {id}");
            *id = json!("<id>");
        }
        body
    }

    /// The entries of `errors`.
    pub fn errors(&self) -> Vec<String> {
        let errors = self.json()["errors"].clone();
        serde_json::from_value(errors).expect("errors are strings")
    }
}

/// Whether this is an id as the server gives them out.
pub fn is_id(id: &Value) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    id.as_str().is_some_and(|id| id.len() == 24 && id.bytes().all(digit))
}
