//! What clients that are generated from the description need of it. Each rule was seen to break one of them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use web::login::PublicUrl;

use crate::harness::{Server, Setup};
use crate::python::{Claim, holds};
use crate::reference::{description, operations};

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
    /// Whether it must be there, if it is a member of an object.
    required: Option<bool>,
}

impl Found<'_> {
    fn has(&self, keyword: &str) -> bool {
        self.schema.get(keyword).is_some()
    }

    /// The types beside null.
    fn types(&self) -> Vec<&str> {
        let all = match &self.schema["type"] {
            Value::String(name) => vec![name.as_str()],
            Value::Array(names) => names.iter().map(|name| name.as_str().expect("a type")).collect(),
            _ => Vec::new(),
        };
        all.into_iter().filter(|name| *name != "null").collect()
    }

    fn is(&self, name: &str) -> bool {
        self.types().contains(&name)
    }

    /// Whether null is among what is described.
    fn has_null(&self) -> bool {
        let null = json!({ "type": "null" });
        let listed = self.schema["type"].as_array().is_some_and(|names| names.contains(&json!("null")));
        listed || self.schema["anyOf"].as_array().is_some_and(|kinds| kinds.contains(&null))
    }

    fn is_component(&self) -> bool {
        self.place.strip_prefix("#/components/schemas/").is_some_and(|name| !name.contains(['.', ' ', '[']))
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
        let schema = &holder["content"]["application/json"]["schema"];
        assert!(schema["$ref"].is_string(), "{place} is no named schema: {schema}");
        self.schema(place.to_owned(), schema);
    }

    fn schema(&mut self, place: String, schema: &'a Value) {
        self.member(place, schema, None);
    }

    fn member(&mut self, place: String, schema: &'a Value, required: Option<bool>) {
        assert!(schema.is_object(), "{place} is no schema: {schema}");
        if let Some(reference) = schema["$ref"].as_str()
            && self.seen.insert(reference)
        {
            let pointer = reference.strip_prefix('#').expect("a reference within the description");
            let target = self.description.pointer(pointer).expect("what is referred to");
            self.schema(reference.to_owned(), target);
        }
        let all = schema["required"].as_array();
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let required = all.is_some_and(|all| all.iter().any(|required| required == name));
            self.member(format!("{place}.{name}"), member, Some(required));
        }
        for keyword in ["items", "additionalProperties"] {
            if let Some(member) = schema.get(keyword).filter(|member| member.is_object()) {
                self.schema(format!("{place}[]"), member);
            }
        }
        for (index, member) in schema["anyOf"].as_array().into_iter().flatten().enumerate() {
            self.schema(format!("{place} anyOf {index}"), member);
        }
        self.found.push(Found { side: self.side, place, schema, required });
    }
}

/// Holds a rule for every schema of a server's description.
async fn all(check: impl Fn(&Found<'_>) -> bool) {
    let server = Server::start().await;
    let description = description(&server).await;
    let found = [Side::Request, Side::Answer].map(|side| schemas(&description, side));
    assert!(found.iter().all(|found| found.len() > 100), "the walk reaches the schemas");
    let wrong = found.iter().flatten().filter(|found| !check(found));
    let wrong: Vec<_> = wrong.map(|found| format!("{}: {}", found.place, found.schema)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_object_is_a_named_schema_and_may_have_further_members() {
    all(|found| !found.is("object") || found.schema["additionalProperties"] != Value::Null).await;
    // A map by ids has no members of its own, and its values are named.
    let is_map = |found: &Found<'_>| found.schema["additionalProperties"]["$ref"].is_string();
    all(|found| !found.is("object") || found.is_component() || is_map(found)).await;
    all(|found| !found.has("properties") || found.is("object")).await;
}

/// Go's constructors are called `New` and the name of the schema, its nullable types `Nullable` and that name.
#[tokio::test(flavor = "multi_thread")]
async fn no_schema_is_called_as_what_is_generated_for_another() {
    let server = Server::start().await;
    let description = description(&server).await;
    let schemas = description["components"]["schemas"].as_object().expect("schemas");
    for name in schemas.keys() {
        for prefix in ["New", "Nullable", "Api"] {
            assert!(!schemas.contains_key(&format!("{prefix}{name}")), "{prefix}{name}");
        }
        // What oapi-codegen makes for an operation and its parameters.
        let id = name.strip_suffix("Response").or(name.strip_suffix("Params")).map(str::to_lowercase);
        let mut ids = operations(&description).filter_map(|(_, operation)| operation["operationId"].as_str());
        assert!(id.is_none_or(|id| ids.all(|taken| taken.to_lowercase() != id)), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_no_closed_list_of_values_and_nothing_has_a_constant() {
    all(|found| !found.has("const") && (found.side == Side::Request || !found.has("enum"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_has_one_type_beside_null_or_none_at_all() {
    all(|found| found.types().len() <= 1).await;
    all(|found| found.schema["type"] != "null" || found.place.contains(" anyOf ")).await;
    // Without a type there are words alone, and examples where several types are accepted.
    let words = ["description", "examples", "x-accepts"];
    all(|found| {
        let keywords = found.schema.as_object().expect("a schema");
        let is_typed = ["type", "$ref", "anyOf"].iter().any(|keyword| found.has(keyword));
        is_typed || keywords.keys().all(|keyword| words.contains(&keyword.as_str()))
    })
    .await;
    all(|found| {
        let examples = found.schema["examples"].as_array().is_some_and(|examples| examples.len() > 1);
        !found.has("x-accepts") || (examples && found.has("description"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_union_is_a_named_schema_or_null() {
    all(|found| !(found.has("oneOf") || found.has("allOf"))).await;
    all(|found| match found.schema["anyOf"].as_array().map(Vec::as_slice) {
        None => true,
        Some([named, null]) => named["$ref"].is_string() && *null == json!({ "type": "null" }),
        Some(_) => false,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_array_says_what_its_entries_are_and_a_number_how_large_it_is() {
    all(|found| found.is("array") == found.schema["items"].is_object() && !found.has("prefixItems")).await;
    all(|found| found.is("integer") == (found.schema["format"] == "int64")).await;
    all(|found| found.is("number") == (found.schema["format"] == "double")).await;
    all(|found| !(found.has("exclusiveMinimum") || found.has("exclusiveMaximum"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_absent_is_nullable_in_requests_and_never_null_in_answers() {
    all(|found| match (found.side, found.required) {
        (Side::Request, Some(required)) => {
            let untyped = found.types().is_empty() && !found.has("anyOf") && !found.has("$ref");
            untyped || found.has_null() != required
        }
        (Side::Answer, Some(false)) => !found.has_null(),
        _ => true,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_one_schema_and_the_contacts_methods_always_tell_the_request_id() {
    let server = Server::start().await;
    let description = description(&server).await;
    for (name, response) in description["components"]["responses"].as_object().expect("responses") {
        let schema = &response["content"]["application/json"]["schema"];
        assert_eq!(schema, &json!({ "$ref": "#/components/schemas/Refused" }), "{name}");
    }
    for (path, operation) in operations(&description) {
        let answer = &operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
        let answer = answer.as_str().and_then(|reference| reference.strip_prefix('#')).expect("a reference");
        let answer = description.pointer(answer).expect("the answer");
        let id = &answer["properties"]["requestId"];
        if path.starts_with("/v3/contacts/") {
            assert!(answer["required"].as_array().expect("keys").contains(&json!("requestId")), "{path}");
            assert_eq!(id["type"], "string", "{path}");
        }
        let parameters = operation["parameters"].as_array().expect("parameters");
        assert!(parameters.iter().all(|parameter| parameter["name"] != "Content-Encoding"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_and_the_security_scheme_are_those_that_clients_use() {
    let url = "https://rollbook.example.com".parse::<PublicUrl>().expect("a URL");
    let server = Server::with(Setup { public_url: Some(url), ..Setup::default() }).await;
    let description = description(&server).await;
    assert_eq!(description["servers"][0]["url"], "https://rollbook.example.com");
    let scheme = &description["components"]["securitySchemes"]["Access-Token"];
    assert_eq!((&scheme["name"], &scheme["in"]), (&json!("Access-Token"), &json!("header")));
    assert_eq!(description["security"], json!([{ "Access-Token": [] }]));
}

/// The page's example, which has a customerSourceId that is ignored beside its sourceId, and a key with a blank.
const PAGE: &str = include_str!("fixtures/vendor-example.json");

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_page_fits_the_description() {
    let server = Server::start().await;
    let page: Value =
        serde_json::from_str(&PAGE.replace("YOUR_WEBHOOK_URL", "https://example.com/x")).expect("JSON");
    let mut trimmed = page.clone();
    let contact = trimmed["contacts"][0].as_object_mut().expect("a contact");
    let gender = contact.remove("contactGender ").expect("the key with a blank");
    contact.insert("contactGender".to_owned(), gender);
    let claim = |about: &str, instance| Claim {
        about: about.to_owned(),
        schema: "/components/schemas/ContactsUpdateRequest".to_owned(),
        instance,
    };
    holds(&description(&server).await, &[claim("as printed", page), claim("with its keys trimmed", trimmed)]);
}
