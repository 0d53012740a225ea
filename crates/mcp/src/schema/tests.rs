//! The rules for schemas, each found with a public client that fails without it.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use serde_json::Value;

use crate::TOOLS;
use app::Access;

/// Every schema below a schema, itself included.
fn below<'a>(schema: &'a Value, all: &mut Vec<&'a Value>) {
    all.push(schema);
    for key in ["properties", "$defs"] {
        schema[key].as_object().into_iter().flatten().for_each(|(_, below_it)| below(below_it, all));
    }
    for key in ["items", "additionalProperties"] {
        if schema[key].is_object() {
            below(&schema[key], all);
        }
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        schema[key].as_array().into_iter().flatten().for_each(|below_it| below(below_it, all));
    }
}

/// The schemas of a tool, arguments first.
fn schemas() -> Vec<(&'static str, Value, Value)> {
    let schemas = TOOLS.iter().map(|tool| {
        let described = tool.describe();
        let output = described.output_schema.expect("every tool describes its answer");
        let input = Value::Object((*described.input_schema).clone());
        (tool.about.name, input, Value::Object((*output).clone()))
    });
    schemas.collect()
}

#[test]
fn every_schema_is_an_object_that_the_strictest_clients_read() {
    for (name, input, output) in schemas() {
        for (kind, schema) in [("input", &input), ("output", &output)] {
            // A list of types makes a client lose the whole list; a choice or a reference at the root, the arguments.
            assert_eq!(schema["type"], "object", "{name}: {kind}");
            for key in ["oneOf", "anyOf", "allOf", "$ref", "$schema", "title"] {
                assert!(schema.get(key).is_none(), "{name}: {kind}: {key} at the root");
            }
            let mut all = Vec::new();
            below(schema, &mut all);
            for schema in all {
                for (key, property) in schema["properties"].as_object().into_iter().flatten() {
                    // `true` empties the list of tools in a client.
                    assert!(property.is_object(), "{name}: {kind}: {key} is {property}");
                    assert!(property.get("x-mcp-header").is_none(), "{name}: {kind}: {key}");
                }
                assert!(!schema["items"].is_boolean(), "{name}: {kind}: {schema}");
                assert!(schema.get("format").is_none(), "{name}: {kind}: {schema}");
                assert!(schema.get("$ref").is_none(), "{name}: {kind}: {schema}");
                assert!(schema.get("x-accepts").is_none(), "{name}: {kind}: {schema}");
            }
        }
    }
}

#[test]
fn unknown_arguments_are_refused_at_every_depth() {
    for (name, input, _) in schemas() {
        let mut all = Vec::new();
        below(&input, &mut all);
        for schema in all.into_iter().filter(|schema| schema.get("properties").is_some()) {
            assert_eq!(schema["additionalProperties"], false, "{name}: {schema}");
        }
        assert_eq!(input["additionalProperties"], false, "{name}");
    }
}

#[test]
fn every_argument_and_every_tool_is_described() {
    let mut names: Vec<_> = TOOLS.iter().map(|tool| tool.about.name).collect();
    for (name, input, _) in schemas() {
        for (key, property) in input["properties"].as_object().into_iter().flatten() {
            assert!(property["description"].is_string(), "{name}: {key}");
        }
    }
    for tool in &TOOLS {
        assert!(tool.about.text.len() > 40 && !tool.about.title.ends_with('.'), "{}", tool.about.name);
        assert!(tool.about.name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_'));
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), TOOLS.len());
}

#[test]
fn what_changes_something_takes_a_plan() {
    for tool in &TOOLS {
        let input = Value::Object((*tool.describe().input_schema).clone());
        let takes_a_plan = input["properties"].get("plan").is_some();
        assert_eq!(takes_a_plan, tool.about.operation.access != Access::Read, "{}", tool.about.name);
    }
}
