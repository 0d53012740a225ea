//! Tables of parameters as JSON Schema 2020-12, in the form that generators of clients read.
//!
//! Every object is a named component, a schema has one type beside null, and a value of several types has none.

use serde_json::{Map, Value, json};

use super::{FieldSpec, ValueType};

/// Where a schema of several types lists what it accepts: for people and for tests. Generators ignore it.
pub const ACCEPTS: &str = "x-accepts";

impl ValueType {
    /// The schema of a value; the objects in it are added to the components.
    pub fn schema(&self, components: &mut Map<String, Value>) -> Value {
        match self {
            Self::Any => json!({}),
            Self::Null => json!({ "type": "null" }),
            Self::Flag => json!({ "type": "boolean" }),
            Self::Text { min, max, pattern } => text(*min, *max, pattern),
            Self::Word(words) => json!({ "type": "string", "enum": words }),
            Self::Code(codes) => json!({ "type": "integer", "format": "int64", "enum": codes }),
            Self::Integer => integer(i64::MIN, i64::MAX),
            Self::Within(min, max) => integer(*min, *max),
            Self::Number => json!({ "type": "number", "format": "double" }),
            Self::Between(low, high) => {
                json!({ "type": "number", "format": "double", "exclusiveMinimum": low, "exclusiveMaximum": high })
            }
            Self::Array { of, min, max } => {
                let mut schema = json!({ "type": "array", "items": of.schema(components) });
                bound(&mut schema, ("minItems", *min), ("maxItems", *max));
                schema
            }
            Self::Object(name, params) => {
                let schema = object(&[params], components);
                add(name, schema, components)
            }
            Self::Again(name) => reference(name),
            Self::OneOf { of, examples } => {
                let alternatives: Vec<_> = of.iter().map(|shape| shape.schema(components)).collect();
                // Written by this program: a test of the description finds one that is no JSON array.
                let examples: Value = serde_json::from_str(examples).unwrap_or_default();
                json!({ "examples": examples, ACCEPTS: alternatives })
            }
        }
    }
}

/// Adds a schema to the components and refers to it. Two schemas must not have one name.
pub fn add(name: &str, schema: Value, components: &mut Map<String, Value>) -> Value {
    let before = components.insert(name.to_owned(), schema);
    debug_assert!(before.is_none_or(|before| before == components[name]), "two schemas are called {name}");
    reference(name)
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn text(min: usize, max: usize, pattern: &str) -> Value {
    let mut schema = json!({ "type": "string" });
    bound(&mut schema, ("minLength", min), ("maxLength", max));
    if !pattern.is_empty() {
        schema["pattern"] = json!(pattern);
    }
    schema
}

fn bound(schema: &mut Value, (low, min): (&str, usize), (high, max): (&str, usize)) {
    if min > 0 {
        schema[low] = json!(min);
    }
    if max < usize::MAX {
        schema[high] = json!(max);
    }
}

/// The bounds of 64 bits are in the format.
fn integer(min: i64, max: i64) -> Value {
    let mut schema = json!({ "type": "integer", "format": "int64" });
    if min > i64::MIN {
        schema["minimum"] = json!(min);
    }
    if max < i64::MAX {
        schema["maximum"] = json!(max);
    }
    schema
}

/// The schema of an object whose keys stand in these tables.
pub fn object(tables: &[&[FieldSpec]], components: &mut Map<String, Value>) -> Value {
    let params = || tables.iter().copied().flatten();
    let mut properties = Map::new();
    for param in params() {
        properties.insert(param.name.to_owned(), property(param, components));
    }
    let required: Vec<_> = params().filter(|param| param.required).map(|param| param.name).collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema["additionalProperties"] = json!(true);
    schema
}

fn property(param: &FieldSpec, components: &mut Map<String, Value>) -> Value {
    let mut schema = param.shape.schema(components);
    if !param.required {
        schema = or_null(schema);
    }
    if !param.text.is_empty() {
        schema["description"] = json!(param.text);
    }
    schema
}

/// Null is absence.
fn or_null(mut schema: Value) -> Value {
    if let Some(alternatives) = schema.get_mut(ACCEPTS).and_then(Value::as_array_mut) {
        alternatives.push(json!({ "type": "null" }));
    } else if schema.get("$ref").is_some() {
        return json!({ "anyOf": [schema, { "type": "null" }] });
    } else if let Some(one) = schema.get_mut("type") {
        *one = json!([one.take(), "null"]);
    }
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_left_out_may_be_null() {
        const INNER: [FieldSpec; 1] = [FieldSpec::required("x", ValueType::Number, "")];
        const SCALAR: ValueType =
            ValueType::OneOf { of: &[ValueType::Integer, ValueType::TEXT], examples: r#"[1, "1"]"# };
        const WORDS: [FieldSpec; 7] = [
            FieldSpec::required("a", ValueType::filled(3), "A."),
            FieldSpec::optional("b", ValueType::Word(&["X"]), ""),
            FieldSpec::optional("c", SCALAR, ""),
            FieldSpec::required("d", SCALAR, "D."),
            FieldSpec::optional("e", ValueType::Array { of: &ValueType::Flag, min: 1, max: 2 }, ""),
            FieldSpec::optional("f", ValueType::Object("Inner", &INNER), "F."),
            FieldSpec::required(
                "g",
                ValueType::Array { of: &ValueType::Object("Inner", &INNER), min: 0, max: 9 },
                "",
            ),
        ];
        let inner = json!({ "$ref": "#/components/schemas/Inner" });
        let scalar = [json!({ "type": "integer", "format": "int64" }), json!({ "type": "string" })];
        let expected = json!({
            "type": "object",
            "properties": {
                "a": { "type": "string", "minLength": 1, "maxLength": 3, "pattern": "\\S", "description": "A." },
                "b": { "type": ["string", "null"], "enum": ["X", null] },
                "c": { "examples": [1, "1"], "x-accepts": [scalar[0], scalar[1], { "type": "null" }] },
                "d": { "examples": [1, "1"], "x-accepts": scalar, "description": "D." },
                "e": { "type": ["array", "null"], "items": { "type": "boolean" }, "minItems": 1, "maxItems": 2 },
                "f": { "anyOf": [inner, { "type": "null" }], "description": "F." },
                "g": { "type": "array", "items": inner, "maxItems": 9 },
            },
            "required": ["a", "d", "g"],
            "additionalProperties": true,
        });
        let mut components = Map::new();
        assert_eq!(object(&[&WORDS[..2], &WORDS[2..]], &mut components), expected);
        let inner = json!({ "type": "object", "properties": { "x": { "type": "number", "format": "double" } },
            "required": ["x"], "additionalProperties": true });
        assert_eq!(Value::Object(components), json!({ "Inner": inner }));
    }
}
