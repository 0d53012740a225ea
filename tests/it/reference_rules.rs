//! What clients that are generated from the description need of it. Each rule was seen to break one of them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::Server;
use crate::reference::description;

/// Who writes what a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// The client.
    Request,
    /// The server, webhooks included.
    Answer,
}

/// A schema of a description and where it is.
struct Found<'a> {
    side: Side,
    place: String,
    schema: &'a Value,
}

impl Found<'_> {
    fn has(&self, keyword: &str) -> bool {
        self.schema.get(keyword).is_some()
    }

    fn types(&self) -> Vec<&str> {
        match &self.schema["type"] {
            Value::String(name) => vec![name],
            Value::Array(names) => names.iter().map(|name| name.as_str().expect("a type")).collect(),
            _ => Vec::new(),
        }
    }
}

/// Every schema that a side reaches, with those that it refers to.
fn schemas(description: &Value, side: Side) -> Vec<Found<'_>> {
    let mut walk = Walk { description, side, seen: BTreeSet::new(), found: Vec::new() };
    let paths = description["paths"].as_object().expect("paths");
    for (path, item) in paths {
        let operation = &item["post"];
        if side == Side::Request {
            walk.content(path, &operation["requestBody"]);
            for parameter in operation["parameters"].as_array().expect("parameters") {
                walk.schema(format!("{path} {}", parameter["name"]), &parameter["schema"]);
            }
        } else {
            walk.content(path, &operation["responses"]["200"]);
        }
    }
    if side == Side::Answer {
        for (name, response) in description["components"]["responses"].as_object().expect("responses") {
            walk.content(name, response);
            for (header, value) in response["headers"].as_object().into_iter().flatten() {
                walk.schema(format!("{name} {header}"), &value["schema"]);
            }
        }
        let webhook = &description["webhooks"]["request"]["post"];
        walk.content("webhook", &webhook["requestBody"]);
        for parameter in webhook["parameters"].as_array().expect("parameters") {
            walk.schema(format!("webhook {}", parameter["name"]), &parameter["schema"]);
        }
    }
    walk.found
}

struct Walk<'a> {
    description: &'a Value,
    side: Side,
    seen: BTreeSet<&'a str>,
    found: Vec<Found<'a>>,
}

impl<'a> Walk<'a> {
    fn content(&mut self, place: &str, holder: &'a Value) {
        self.schema(place.to_owned(), &holder["content"]["application/json"]["schema"]);
    }

    fn schema(&mut self, place: String, schema: &'a Value) {
        if let Some(reference) = schema["$ref"].as_str() {
            if self.seen.insert(reference) {
                let pointer = reference.strip_prefix('#').expect("a reference within the description");
                let target = self.description.pointer(pointer).expect("what is referred to");
                self.schema(reference.to_owned(), target);
            }
            return;
        }
        assert!(schema.is_object(), "{place} is no schema: {schema}");
        let members = schema["properties"].as_object().into_iter().flatten();
        for (name, member) in members {
            self.schema(format!("{place}.{name}"), member);
        }
        for keyword in ["items", "additionalProperties"] {
            if let Some(member) = schema.get(keyword).filter(|member| member.is_object()) {
                self.schema(format!("{place}[]"), member);
            }
        }
        for keyword in ["anyOf", "oneOf", "allOf"] {
            for (index, member) in schema[keyword].as_array().into_iter().flatten().enumerate() {
                self.schema(format!("{place} {keyword} {index}"), member);
            }
        }
        self.found.push(Found { side: self.side, place, schema });
    }
}

async fn all(server: &Server, check: impl Fn(&Found<'_>) -> bool) {
    let description = description(server).await;
    let found = [Side::Request, Side::Answer].map(|side| schemas(&description, side));
    assert!(found.iter().all(|found| found.len() > 100), "the walk reaches the schemas");
    let wrong = found.iter().flatten().filter(|found| !check(found));
    let wrong: Vec<_> = wrong.map(|found| format!("{}: {}", found.place, found.schema)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_object_may_have_further_members() {
    let server = Server::start().await;
    all(&server, |found| {
        !found.types().contains(&"object") || found.schema["additionalProperties"] != Value::Null
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_no_closed_list_of_values() {
    let server = Server::start().await;
    all(&server, |found| found.side == Side::Request || !(found.has("enum") || found.has("const"))).await;
}
