//! A contact as JSON, member by member.

use std::hash::{DefaultHasher, Hash, Hasher};

use domain::contact::email;

pub fn identifier(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    // Whatever it is: texts that are the same address, and some that are not, share a number.
    email::form(text).hash(&mut hasher);
    hasher.finish()
}

pub fn key(json: &mut String, key: &str) {
    // A byte is compared quicker than a character.
    if json.as_bytes().last() != Some(&b'{') {
        json.push(',');
    }
    json.push('"');
    json.push_str(key);
    json.push_str("\":");
}

pub fn put_raw(json: &mut String, name: &str, value: &str) {
    key(json, name);
    json.push_str(value);
}

/// Appends a member whose value is a text; keys are names of the API's own.
pub fn put(json: &mut String, name: &str, text: &str) {
    key(json, name);
    // Most texts stand in JSON as they are.
    if text.bytes().all(|byte| byte >= b' ' && !matches!(byte, b'"' | b'\\')) {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        // A text always has a form in JSON.
        json.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}
