//! Keeps the answers of the description open, so that a later version may add members and codes.
//!
//! Generated clients check an answer after the server has accepted the request. A client that rejects an unknown member
//! or code reports a failure for a request that was stored, and its caller sends it again.

use serde_json::{Value, json};

/// Where the description lists values that a member has today. A client must accept others.
pub const KNOWN_VALUES: &str = "x-known-values";

/// Opens a schema of an answer and all schemas in it: every object takes further members, every closed list of words
/// becomes a list of known ones.
pub fn open(schema: &mut Value) {
    let Value::Object(keywords) = schema else { return };
    for (keyword, value) in keywords.iter_mut() {
        match (keyword.as_str(), value) {
            ("properties", Value::Object(members)) => members.values_mut().for_each(open),
            ("anyOf" | "oneOf" | "allOf", Value::Array(schemas)) => schemas.iter_mut().for_each(open),
            ("items" | "additionalProperties", schema) => open(schema),
            _ => {}
        }
    }
    if let Some(Value::Array(mut words)) = keywords.shift_remove("enum") {
        words.retain(|word| !word.is_null());
        keywords.insert(KNOWN_VALUES.to_owned(), words.into());
    }
    if keywords.get("type").is_some_and(is_object) {
        keywords.entry("additionalProperties").or_insert(json!(true));
    }
}

fn is_object(kind: &Value) -> bool {
    kind == "object" || kind.as_array().is_some_and(|kinds| kinds.contains(&json!("object")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_objects_and_words_are_opened() {
        let mut schema = json!({
            "type": "object",
            "properties": {
                "word": { "type": ["string", "null"], "enum": ["a", null] },
                "many": { "type": "array", "items": { "type": ["object", "null"], "properties": {} } },
                "named": { "type": "object", "additionalProperties": { "type": "object" } },
            },
        });
        open(&mut schema);
        let expected = json!({
            "type": "object",
            "properties": {
                "word": { "type": ["string", "null"], "x-known-values": ["a"] },
                "many": { "type": "array", "items": {
                    "type": ["object", "null"], "properties": {}, "additionalProperties": true } },
                "named": { "type": "object",
                           "additionalProperties": { "type": "object", "additionalProperties": true } },
            },
            "additionalProperties": true,
        });
        assert_eq!(schema, expected);
    }
}
