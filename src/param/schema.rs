//! Tables of parameters as JSON Schema 2020-12.

use serde_json::{Map, Value, json};

use super::{Param, Shape};

impl Shape {
    /// The schema of a value.
    pub fn schema(&self) -> Value {
        match self {
            Self::Any => json!({}),
            Self::Null => json!({ "type": "null" }),
            Self::Flag => json!({ "type": "boolean" }),
            Self::Text { min, max, pattern } => text(*min, *max, pattern),
            Self::Word(words) => json!({ "type": "string", "enum": words }),
            Self::Code(codes) => json!({ "type": "integer", "enum": codes }),
            Self::Integer => json!({ "type": "integer", "minimum": i64::MIN, "maximum": i64::MAX }),
            Self::Within(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
            Self::Number => json!({ "type": "number" }),
            Self::Between(low, high) => {
                json!({ "type": "number", "exclusiveMinimum": low, "exclusiveMaximum": high })
            }
            Self::Array { of, min, max } => {
                let mut schema = json!({ "type": "array", "items": of.schema() });
                bound(&mut schema, ("minItems", *min), ("maxItems", *max));
                schema
            }
            Self::Object(params) => object(&[params]),
            Self::OneOf(shapes) => one_of(shapes),
        }
    }
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

/// Plain types become a list of types, which reads better than alternatives.
fn one_of(shapes: &[Shape]) -> Value {
    let schemas: Vec<_> = shapes.iter().map(Shape::schema).collect();
    let mut types = Vec::new();
    let mut merged = Map::new();
    for schema in schemas.iter().filter_map(Value::as_object) {
        for (key, value) in schema {
            if key == "type" {
                types.push(value.clone());
            } else if key == "enum" || merged.insert(key.clone(), value.clone()).is_some() {
                return json!({ "anyOf": schemas });
            }
        }
    }
    let first_of_two = types.iter().enumerate().any(|(index, kind)| types[..index].contains(kind));
    if first_of_two {
        return json!({ "anyOf": schemas });
    }
    merged.shift_insert(0, "type".to_owned(), json!(types));
    Value::Object(merged)
}

/// The schema of an object whose keys stand in these tables.
pub fn object(tables: &[&[Param]]) -> Value {
    let params = || tables.iter().copied().flatten();
    let properties: Map<_, _> = params().map(|param| (param.name.to_owned(), property(param))).collect();
    let required: Vec<_> = params().filter(|param| param.required).map(|param| param.name).collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema["additionalProperties"] = json!(true);
    schema
}

fn property(param: &Param) -> Value {
    let mut schema = param.shape.schema();
    if !param.required {
        allow_null(&mut schema);
    }
    if !param.text.is_empty() {
        schema["description"] = json!(param.text);
    }
    schema
}

/// Null is absence.
fn allow_null(schema: &mut Value) {
    if let Some(alternatives) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        return alternatives.push(json!({ "type": "null" }));
    }
    match schema.get_mut("type") {
        None => {}
        Some(Value::Array(types)) => types.push(json!("null")),
        Some(one) => *one = json!([one.take(), "null"]),
    }
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_left_out_may_be_null() {
        const WORDS: [Param; 5] = [
            Param::required("a", Shape::filled(3), "A."),
            Param::optional("b", Shape::Word(&["X"]), ""),
            Param::optional("c", Shape::OneOf(&[Shape::Integer, Shape::TEXT]), ""),
            Param::optional("d", Shape::OneOf(&[Shape::Code(&[1]), Shape::TEXT]), ""),
            Param::optional("e", Shape::Array { of: &Shape::Flag, min: 1, max: 2 }, ""),
        ];
        let expected = json!({
            "type": "object",
            "properties": {
                "a": { "type": "string", "minLength": 1, "maxLength": 3, "pattern": "\\S", "description": "A." },
                "b": { "type": ["string", "null"], "enum": ["X", null] },
                "c": { "type": ["integer", "string", "null"], "minimum": i64::MIN, "maximum": i64::MAX },
                "d": { "anyOf": [{ "type": "integer", "enum": [1] }, { "type": "string" }, { "type": "null" }] },
                "e": { "type": ["array", "null"], "items": { "type": "boolean" }, "minItems": 1, "maxItems": 2 },
            },
            "required": ["a"],
            "additionalProperties": true,
        });
        assert_eq!(object(&[&WORDS[..2], &WORDS[2..]]), expected);
    }
}
