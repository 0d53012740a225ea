//! Schemas as rows of a table, for people.

use serde_json::{Value, json};

use super::open::KNOWN_VALUES;
use domain::schema::ACCEPTS;

/// A member of an object, nested ones by their path.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// The path of the member, such as `contacts[].email`.
    pub name: String,
    /// What its value is, in words and Markdown.
    pub kind: String,
    /// Whether it must be there, or is always there.
    pub required: bool,
    /// Its bounds, in Markdown; empty where there are none.
    pub limits: String,
    /// What it means, in Markdown.
    pub text: String,
}

/// The form of times.
const TIME: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$";

/// How deep objects are told.
const DEPTH: usize = 6;

/// How many words are told in a table; of more than that there is a table elsewhere.
const WORDS: usize = 20;

/// The rows of an object's schema. Whether null stands for absence, it is not told.
pub fn rows(schema: &Value, components: &Value, null_is_absence: bool) -> Vec<Row> {
    let mut table = Table { components, null_is_absence, rows: Vec::new() };
    table.members(schema, "", 0);
    table.rows
}

struct Table<'a> {
    components: &'a Value,
    null_is_absence: bool,
    rows: Vec<Row>,
}

impl<'a> Table<'a> {
    fn members(&mut self, schema: &'a Value, prefix: &str, depth: usize) {
        let schema = self.resolve(schema);
        if depth > DEPTH {
            return;
        }
        for alternative in alternatives(schema) {
            self.members(alternative, prefix, depth);
        }
        let required = schema["required"].as_array();
        for (key, member) in schema["properties"].as_object().into_iter().flatten() {
            let name = format!("{prefix}{key}");
            let target = self.resolve(member);
            let text = member["description"].as_str().or(target["description"].as_str()).unwrap_or_default();
            self.rows.push(Row {
                kind: self.kind(member),
                required: required.is_some_and(|required| required.iter().any(|name| name == key)),
                limits: self.limits(member),
                text: text.to_owned(),
                name: name.clone(),
            });
            self.below(member, &name, depth + 1);
        }
    }

    /// The members of what a member holds.
    fn below(&mut self, member: &'a Value, name: &str, depth: usize) {
        let member = self.resolve(member);
        if let Some(items) = member.get("items") {
            self.members(items, &format!("{name}[]."), depth);
        } else if let Some(values) = member.get("additionalProperties").filter(|values| values.is_object()) {
            self.members(values, &format!("{name}.*."), depth);
        } else {
            self.members(member, &format!("{name}."), depth);
        }
    }

    /// Behind references; those beside which something else stands too.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
        name.and_then(|name| self.components.get(name)).map_or(schema, |named| self.resolve(named))
    }

    fn kind(&self, schema: &'a Value) -> String {
        let schema = self.resolve(schema);
        if let Some(value) = schema.get("const") {
            return format!("`{value}`");
        }
        if let Some(values) = schema["enum"].as_array().or(schema[KNOWN_VALUES].as_array()) {
            let values = values.iter().filter(|value| !value.is_null());
            let values: Vec<_> = values.map(word).collect();
            let or_null = schema["type"].as_array().is_some_and(|types| types.contains(&json!("null")));
            let null = if or_null && !self.null_is_absence { " or null" } else { "" };
            let words = if values.len() > WORDS { "a code".to_owned() } else { values.join(", ") };
            return words + null;
        }
        let mut kinds: Vec<_> = alternatives(schema).map(|one| self.kind(one)).collect();
        match &schema["type"] {
            Value::String(name) => kinds.push(self.plain(name, schema)),
            Value::Array(names) => {
                kinds.extend(names.iter().filter_map(Value::as_str).map(|name| self.plain(name, schema)));
            }
            _ if kinds.is_empty() => kinds.push("anything".to_owned()),
            _ => {}
        }
        kinds.retain(|kind| !self.null_is_absence || kind != "null");
        // Two kinds of strings, one of which clears.
        kinds.dedup();
        kinds.join(" or ")
    }

    fn plain(&self, name: &str, schema: &'a Value) -> String {
        match (name, schema.get("items")) {
            ("array", Some(items)) => format!("array of {}", plural(&self.kind(items))),
            _ => name.to_owned(),
        }
    }

    fn limits(&self, schema: &'a Value) -> String {
        let schema = self.resolve(schema);
        let mut limits: Vec<_> = alternatives(schema).map(|one| self.limits(one)).collect();
        // What is not blank has a character.
        let low = if schema["pattern"] == r"\S" { "" } else { "minLength" };
        limits.push(between(schema, low, "maxLength", "characters"));
        limits.push(between(schema, "minItems", "maxItems", "entries"));
        limits.push(numbers(schema));
        if let Some(pattern) = schema["pattern"].as_str() {
            limits.push(form(pattern));
        }
        limits
            .extend(schema.get("items").map(|items| self.limits(items)).filter(|limits| !limits.is_empty()));
        limits.retain(|limit| !limit.is_empty());
        limits.join("; ")
    }
}

/// A value as it is written; a string has its quotes where it would look like something else without.
fn word(value: &Value) -> String {
    match value.as_str() {
        Some(text) if serde_json::from_str::<Value>(text).is_err() => format!("`{text}`"),
        _ => format!("`{value}`"),
    }
}

/// A pattern, or what it says where that is often said. White space around a value is ignored, and not repeated here.
fn form(pattern: &str) -> String {
    let inside = pattern.strip_prefix(r"^\s*(").and_then(|rest| rest.strip_suffix(r"\s*$"));
    let inside = inside.and_then(|rest| rest.strip_suffix(")?").or(rest.strip_suffix(')')));
    match inside.unwrap_or(pattern) {
        r"\S[\s\S]{0,254}" => "not blank; at most 255 characters".to_owned(),
        r"[\s\S]{0,254}" => "at most 254 characters".to_owned(),
        r"[^\u0000-\u001f\u007f-\u009f]{0,255}" => "at most 255 characters".to_owned(),
        r"\S" => "not blank".to_owned(),
        "^[0-9a-f]{24}$" => "24 hex digits".to_owned(),
        TIME => "`YYYY-MM-DD hh:mm:ss`".to_owned(),
        other => format!("`{other}`"),
    }
}

fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    schema["anyOf"].as_array().or(schema[ACCEPTS].as_array()).into_iter().flatten()
}

fn plural(kind: &str) -> String {
    match kind {
        "string" | "object" | "integer" => format!("{kind}s"),
        other => other.to_owned(),
    }
}

fn between(schema: &Value, low: &str, high: &str, unit: &str) -> String {
    match (schema[low].as_u64(), schema[high].as_u64()) {
        (Some(min), Some(max)) => format!("{min} to {max} {unit}"),
        (None, Some(0)) => format!("no {unit}"),
        (None, Some(max)) => format!("at most {max} {unit}"),
        (Some(min), None) => format!("at least {min} {unit}"),
        (None, None) => String::new(),
    }
}

fn numbers(schema: &Value) -> String {
    let whole = |key: &str| schema[key].as_i64();
    match (whole("minimum"), whole("maximum")) {
        (Some(min), None) => return format!("at least {min}"),
        (None, None) if schema["format"] == "int64" && schema.get("enum").is_none() => {
            return "64 bits".to_owned();
        }
        (Some(min), Some(max)) => return format!("{min} to {max}"),
        _ => {}
    }
    match (schema["exclusiveMinimum"].as_f64(), schema["exclusiveMaximum"].as_f64()) {
        (Some(low), Some(high)) => format!("over {low}, below {high:e}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_members_have_rows_of_their_own() {
        let components = json!({ "Cost": { "type": "object", "description": "A cost.",
            "properties": { "value": { "type": "integer", "minimum": 1, "maximum": 9 } }, "required": ["value"] } });
        let schema = json!({ "properties": {
            "a": { "type": ["array", "null"], "maxItems": 2, "items": { "$ref": "#/components/schemas/Cost" } },
            "b": { "anyOf": [{ "$ref": "#/components/schemas/Cost" }, { "type": "string", "pattern": "^x|y$" }] },
            "c": { "type": "string", "minLength": 1, "maxLength": 3, "pattern": r"\S" },
            "d": { "enum": ["0", "x", 1] },
            "e": { "type": ["string", "null"], "x-known-values": ["x"] },
            "f": { "x-accepts": [{ "type": "integer", "format": "int64" }, { "type": "string" }] },
        }, "required": ["b"] });
        let row = |name: &str, kind: &str, required, limits: &str, text: &str| Row {
            name: name.to_owned(),
            kind: kind.to_owned(),
            required,
            limits: limits.to_owned(),
            text: text.to_owned(),
        };
        let expected = [
            row("a", "array of objects", false, "at most 2 entries", ""),
            row("a[].value", "integer", true, "1 to 9", ""),
            row("b", "object or string", true, "`^x|y$`", ""),
            row("b.value", "integer", true, "1 to 9", ""),
            row("c", "string", false, "at most 3 characters; not blank", ""),
            row("d", "`\"0\"`, `x`, `1`", false, "", ""),
            row("e", "`x`", false, "", ""),
            row("f", "integer or string", false, "64 bits", ""),
        ];
        assert_eq!(rows(&schema, &components, true), expected);
        let with_null = rows(&schema, &components, false);
        assert_eq!((&*with_null[0].kind, &*with_null[6].kind), ("array of objects or null", "`x` or null"));
    }
}
