//! The OpenAPI 3.1 description.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::codes::Code;
use super::open::{KNOWN_VALUES, open};
use super::{about, answers, codes, operation};
use crate::METHODS;
use crate::authenticate::ACCESS_TOKEN;
use crate::method::Group;
use crate::request;
use app::Limits;
use app::webhook::send::{AGENT, ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use domain::schema;
use web::answer::Refused;
use wire::request::Report;

/// The groups of methods, in the order in which the table first names them.
pub fn groups() -> Vec<&'static Group> {
    let mut groups: Vec<&Group> = Vec::new();
    for method in METHODS {
        if groups.iter().all(|group| group.name != method.group.name) {
            groups.push(method.group);
        }
    }
    groups
}

/// The description of a server with these limits that is found at a URL.
pub fn describe(limits: &Limits, url: &str) -> Value {
    let (mut generator, mut components) = (generator(), Map::new());
    let mut paths = Map::new();
    for method in METHODS {
        let operation = operation::describe(method, &mut generator, &mut components, limits);
        paths.insert(method.path().to_owned(), json!({ "post": operation }));
    }
    let tags: Vec<_> =
        groups().iter().map(|group| json!({ "name": group.name, "description": group.text })).collect();
    let webhook = webhook(&mut generator);
    generator.subschema_for::<Refused>();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Rollbook",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "A contact-data server that speaks the v3 contact API",
            "description": about::text(limits),
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": url, "description": "The server that this description came from" }],
        "security": [{ ACCESS_TOKEN: [] }],
        "tags": tags,
        "paths": paths,
        "webhooks": { "request": { "post": webhook } },
        "components": {
            // By the name of the header: Go clients look their keys up by the name of the scheme.
            "securitySchemes": { ACCESS_TOKEN: {
                "type": "apiKey",
                "in": "header",
                "name": ACCESS_TOKEN,
                "description": "A token of `rollbook account create` or `rollbook token create`.",
            } },
            "responses": answers::components(limits),
            "schemas": schemas(generator, components),
        },
    })
}

/// Schemas of what is answered: an optional member is there, and null.
fn generator() -> SchemaGenerator {
    let mut settings = SchemaSettings::draft2020_12().for_serialize();
    settings.definitions_path = "/components/schemas".into();
    settings.into_generator()
}

/// The components, with those of the types that are answered.
fn schemas(mut generator: SchemaGenerator, mut components: Map<String, Value>) -> Value {
    for (name, mut schema) in generator.take_definitions(true) {
        operation::absent_or_not_null(&mut schema);
        open(&mut schema);
        schema::add(&name, schema, &mut components);
    }
    let mut schemas = Value::Object(components);
    let mut warning = schemas["Problem"].clone();
    warning["description"] =
        json!("Something doubtful in a request that was accepted: one entry of `warnings`.");
    for (schema, codes) in [(&mut schemas["Problem"], refusals()), (&mut warning, codes::of_warnings())] {
        let codes: BTreeSet<_> = codes.into_iter().map(|code| code.code).collect();
        schema["properties"]["code"][KNOWN_VALUES] = json!(codes);
    }
    schemas["Warning"] = warning;
    schemas
}

/// Every code with which a request may be refused.
fn refusals() -> Vec<Code> {
    let statuses = [400, 401, 403, 404, 405, 408, 410, 413, 414, 429, 431, 500, 503].into_iter();
    statuses.filter_map(|status| StatusCode::from_u16(status).ok()).flat_map(codes::of_status).collect()
}

fn webhook(generator: &mut SchemaGenerator) -> Value {
    let header = |name, description, schema| json!({ "name": name, "in": "header", "required": true, "description": description, "schema": schema });
    json!({
        "operationId": "requestProcessed",
        "tags": [request::GROUP.name],
        "summary": "A request was processed",
        "description": "Sent to the `webHookUri` of a request, once it is processed. Delivery is at least once: a \
                        receiver that must not act twice remembers the ids that it has seen.",
        "security": [],
        "parameters": [
            header("User-Agent", "The server and its version.", json!({ "type": "string", "examples": [AGENT] })),
            header(ID_HEADER, "The request's id, the same over all attempts.",
                   json!({ "type": "string", "pattern": "^[0-9a-f]{24}$" })),
            header(TIMESTAMP_HEADER, "When this attempt was signed, in seconds since 1970.",
                   json!({ "type": "integer", "format": "int64" })),
            header(SIGNATURE_HEADER, "One or two signatures as the Standard Webhooks specification says, separated \
                                      by a blank.",
                   json!({ "type": "string", "pattern": "^v1,[A-Za-z0-9+/]+=*( v1,[A-Za-z0-9+/]+=*)?$" })),
        ],
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": generator.subschema_for::<Report<'_>>() } },
        },
        "responses": {
            "2XX": { "description": "It was received. The status must be there within 1.5 seconds." },
            "default": { "description": "Anything else is a failure, a redirect too: it is sent again, up to 15 \
                                         times over some seven hours." },
        },
    })
}
