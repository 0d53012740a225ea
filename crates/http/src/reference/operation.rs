//! One method as an operation of the description.

use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use super::answers;
use super::open::open;
use crate::call::IDEMPOTENCY_KEY;
use crate::method::{Example, Method};
use app::Limits;
use app::accept::MAX_KEY;
use app::{Access, Reach};
use domain::schema;

/// What a method is called by programs: its path in lowerCamelCase.
pub fn id(method: &Method) -> String {
    let words = method.path().trim_start_matches("/v3/").split(['/', '-']);
    let mut id = String::new();
    for word in words {
        let (first, rest) = word.split_at(1);
        id += &if id.is_empty() { first.to_owned() } else { first.to_uppercase() };
        id += rest;
    }
    id
}

/// The operation of a method. Its body and its answer are added to the components; they may refer to schemas of the
/// generator.
pub fn describe(
    method: &Method,
    generator: &mut SchemaGenerator,
    components: &mut Map<String, Value>,
    limits: &Limits,
) -> Value {
    let request = schema::object(method.body.params, components);
    let request = schema::add(&named(method, "Request"), request, components);
    let mut responses = Map::new();
    responses.insert("200".to_owned(), success(method, generator, components));
    responses.extend(answers::of(limits));
    json!({
        "operationId": id(method),
        "tags": [method.group.name],
        "summary": method.summary,
        "description": format!("{}\n\n{}", method.text, who(method)),
        "parameters": parameters(method),
        "requestBody": {
            "required": !method.body.optional,
            "content": { "application/json": {
                "schema": request,
                "examples": examples(method, |example| example.body),
            } },
        },
        "responses": responses,
    })
}

/// The name of a schema of a method.
fn named(method: &Method, suffix: &str) -> String {
    let id = id(method);
    let (first, rest) = id.split_at(1);
    first.to_uppercase() + rest + suffix
}

/// Which tokens may call a method, in words.
pub fn who(method: &Method) -> String {
    let access = match method.operation.access {
        Access::Read => "It changes nothing: a read-only token may call it.",
        Access::Write | Access::Batch => "It changes something: a read-only token may not call it.",
    };
    let reach = match method.operation.reach {
        Reach::List => "A token that is limited to lists may call it for those.",
        Reach::Account => "It reaches the whole account: a token that is limited to lists may not call it.",
        Reach::Seen => "A token that is limited to lists gets as much as it may see.",
    };
    format!("{access} {reach}")
}

/// The header that a method of batches takes. `Content-Encoding` is none of them: generated clients would have to be
/// told how their transport compresses, and some send what stands in an enum first.
fn parameters(method: &Method) -> Vec<Value> {
    let once = json!({
        "name": IDEMPOTENCY_KEY,
        "in": "header",
        "description": format!("1 to {MAX_KEY} visible ASCII characters. Within 24 hours, the same key with the \
            same method and body returns the first answer, and nothing is applied twice. With another body it is \
            rejected. Keys are stored per account and list."),
        "schema": { "type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]+$" },
    });
    if method.operation.access == Access::Batch { vec![once] } else { Vec::new() }
}

fn success(method: &Method, generator: &mut SchemaGenerator, components: &mut Map<String, Value>) -> Value {
    let mut schema = method.handler.answer(generator).to_value();
    // These are of the path, not of the method's type.
    for (member, is_there) in [
        ("requestId", Method::shows_request_id(method.path()) || is_required(&schema, "requestId")),
        ("errors", Method::shows_errors(method.path())),
    ] {
        present(&mut schema, member, is_there);
    }
    schema["properties"]["warnings"]["items"] = json!({ "$ref": "#/components/schemas/Warning" });
    absent_or_not_null(&mut schema);
    open(&mut schema);
    json!({
        "description": "It was done, or accepted and is on disk.",
        "content": { "application/json": {
            "schema": schema::add(&named(method, "Answer"), schema, components),
            "examples": examples(method, |example| example.answer),
        } },
    })
}

/// A member that may be absent is not null as well: it is left out for that.
pub fn absent_or_not_null(schema: &mut Value) {
    let required = schema["required"].clone();
    let required = required.as_array().map_or(&[][..], Vec::as_slice);
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    let absent = properties.into_iter().flatten().filter(|(name, _)| !required.contains(&json!(name)));
    absent.for_each(|(_, property)| drop_null(property));
}

fn drop_null(schema: &mut Value) {
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|name| name != "null");
        if let [only] = types.as_mut_slice() {
            schema["type"] = only.take();
        }
    } else if let Some(kinds) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind["type"] != "null");
        // One alternative is no union: it is referred to as it is.
        if let [only] = kinds.as_mut_slice()
            && let Value::Object(only) = only.take()
            && let Some(keywords) = schema.as_object_mut()
        {
            keywords.shift_remove("anyOf");
            keywords.extend(only);
        }
    }
}

/// Has a member always there and never null, or takes it away.
fn present(schema: &mut Value, member: &str, is_there: bool) {
    let Some(properties) = schema["properties"].as_object_mut() else { return };
    if !is_there {
        properties.shift_remove(member);
        return;
    }
    drop_null(&mut properties[member]);
    if !is_required(schema, member)
        && let Some(required) = schema["required"].as_array_mut()
    {
        required.push(json!(member));
    }
}

fn is_required(schema: &Value, key: &str) -> bool {
    schema["required"].as_array().is_some_and(|required| required.iter().any(|name| name == key))
}

/// The same names in requests and answers.
fn examples(method: &Method, of: impl Fn(&Example) -> &'static str) -> Map<String, Value> {
    let example = |(index, example): (usize, &Example)| {
        // Every example is sent to a server in the tests: it is JSON.
        let value: Value = serde_json::from_str(of(example)).unwrap_or_default();
        (format!("example{}", index + 1), json!({ "summary": example.summary, "value": value }))
    };
    method.examples.iter().enumerate().map(example).collect()
}
