//! Keeps the answers of the description open, so that a later version may add members and codes.
//!
//! Generated clients check an answer after the server has accepted the request. A client that rejects an unknown member
//! or code reports a failure for a request that was stored, and its caller sends it again.

use serde_json::{Map, Value, json};

/// Where the description lists values that a member has today. A client must accept others.
pub const KNOWN_VALUES: &str = "x-known-values";

/// Opens a schema of an answer and all schemas in it: every object takes further members, every closed list of words
/// becomes a list of known ones, and every integer has 64 bits. Without a format some generators cut it to 32.
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
    if has_type(keywords, "object") {
        keywords.entry("additionalProperties").or_insert(json!(true));
    }
    if has_type(keywords, "integer") {
        keywords.insert("format".to_owned(), json!("int64"));
        keywords.shift_remove("maximum");
    }
}

fn has_type(keywords: &Map<String, Value>, name: &str) -> bool {
    let kind = keywords.get("type");
    kind.is_some_and(|kind| kind == name || kind.as_array().is_some_and(|kinds| kinds.contains(&json!(name))))
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
                "count": { "type": "integer", "format": "uint8", "minimum": 0, "maximum": 255 },
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
                "count": { "type": "integer", "format": "int64", "minimum": 0 },
                "named": { "type": "object",
                           "additionalProperties": { "type": "object", "additionalProperties": true } },
            },
            "additionalProperties": true,
        });
        assert_eq!(schema, expected);
    }
}
