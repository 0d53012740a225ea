//! Codes and refusals: what the server says, what docs/errors.md says, and what the description says is the same.

use std::collections::BTreeSet;
use std::path::Path;

use app::Access;
use domain::apply::outcome::{Action, Failure};
use http::METHODS;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, Server};
use crate::python::{Claim, holds};
use crate::reference::{description, operations, pointer};

const ERRORS: &str = include_str!("../../docs/errors.md");

/// Words in capitals that are no codes.
const NO_CODES: [&str; 8] =
    ["CARGO_PKG_VERSION", "ENUM_DATE", "ENUM_STRING", "EUR", "MIT", "PHP", "SEARCH_BEHIND", "USD"];

fn is_code(text: &str) -> bool {
    text.len() > 2 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

/// What stands in backquotes in a column of the tables of a section of docs/errors.md.
fn told(section: &str, column: usize) -> BTreeSet<String> {
    let start = ERRORS.find(&format!("\n## {section}\n")).expect("the section");
    let text = &ERRORS[start + 4..];
    let text = &text[..text.find("\n## ").unwrap_or(text.len())];
    let cells =
        text.lines().filter(|line| line.starts_with('|')).filter_map(|line| line.split('|').nth(column));
    let quoted = cells.filter_map(|cell| cell.trim().strip_prefix('`')?.strip_suffix('`'));
    quoted.map(str::to_owned).collect()
}

/// Every literal of the product in a file that looks like a code.
fn of_file(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("a file");
    let product = text.split("#[cfg(test)]").next().expect("the file");
    product.split('"').filter(|text| is_code(text)).map(str::to_owned).collect()
}

/// Every literal that looks like a code where problems are made.
fn in_the_program() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for file in ["crates/domain/src/argument.rs", "crates/domain/src/problem.rs"] {
        codes.extend(of_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join(file)));
    }
    let mut rooms = vec![
        "crates/app/src".into(),
        "crates/http/src".into(),
        "crates/mcp/src".into(),
        "crates/web/src".into(),
        "crates/wire/src/ingest".into(),
    ];
    while let Some(room) = rooms.pop() {
        let room: std::path::PathBuf = room;
        let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join(&room);
        for entry in std::fs::read_dir(&whole).expect("a room") {
            let name = entry.expect("an entry").file_name().into_string().expect("a name");
            // Codes of deliveries are in the documentation of webhooks.
            if name == "webhook" && room == Path::new("crates/app/src") {
                continue;
            }
            if !name.contains('.') {
                rooms.push(room.join(name));
            } else if name.ends_with(".rs") && name != "tests.rs" {
                codes.extend(of_file(&whole.join(&name)));
            }
        }
    }
    codes
}

#[test]
fn every_code_of_the_program_is_told_and_no_other() {
    let refusals = told("Codes of the request", 2);
    let of_bodies = told("Codes of a body", 1);
    let warnings = told("Warnings", 1);
    let outcomes: BTreeSet<_> = told("Outcomes", 1);
    let failures: BTreeSet<_> = Failure::ALL.iter().map(|failure| failure.code().to_owned()).collect();
    let actions: BTreeSet<_> = Action::ALL.iter().map(|action| action.name().to_owned()).collect();
    // Of an item that was applied.
    let notes = ["OPTED_OUT", "RESUBSCRIBED"].map(str::to_owned);
    assert_eq!(outcomes, failures.union(&actions).cloned().chain(notes).collect());

    let of_tools = told("Codes of MCP", 1);
    let all = refusals.into_iter().chain(of_bodies).chain(of_tools).chain(warnings);
    let mut known: BTreeSet<_> = all.collect();
    let made = in_the_program();
    for code in &known {
        assert!(made.contains(code), "nobody says {code}");
    }
    known.extend(failures);
    known.extend(NO_CODES.map(str::to_owned));
    for code in &made {
        assert!(known.contains(code), "docs/errors.md does not know {code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_has_every_code_of_the_errors_page() {
    let server = Server::start().await;
    let description = description(&server).await;
    let schemas = &description["components"]["schemas"];
    let codes = |value: &Value| -> BTreeSet<String> {
        value
            .as_array()
            .expect("codes")
            .iter()
            .map(|code| code.as_str().expect("a code").to_owned())
            .collect()
    };
    let sections = [("Codes of the request", 2), ("Codes of a body", 1)];
    let all: BTreeSet<_> = sections.into_iter().flat_map(|(section, column)| told(section, column)).collect();
    let known = |schema: &str, member: &str| codes(&schemas[schema]["properties"][member]["x-known-values"]);
    assert_eq!(known("Problem", "code"), all);
    assert_eq!(known("Warning", "code"), told("Warnings", 1));
    let failures: BTreeSet<_> = Failure::ALL.iter().map(|failure| failure.code().to_owned()).collect();
    assert_eq!(known("ItemFailed", "error"), failures);
}

/// Holds a refusal against what a schema cannot say: its codes are those of its status, and the contacts methods show
/// the id of the request. Returns where its schema is.
fn refusal(description: &Value, path: &str, answer: &Answer) -> String {
    let response = &description["paths"][path]["post"]["responses"][answer.status.as_str()]["$ref"];
    let name = response.as_str().and_then(|reference| reference.rsplit('/').next()).expect("a response");
    let codes = description["components"]["responses"][name]["x-known-codes"].as_array().expect("codes");
    let refused = answer.json();
    for problem in refused["details"].as_array().expect("details") {
        assert!(codes.contains(&problem["code"]), "{path} {}: {problem}", answer.status);
    }
    assert_eq!(refused["requestId"].is_string(), path.starts_with("/v3/contacts/"), "{path}: {refused}");
    pointer(&["components", "responses", name, "content", "application/json", "schema"])
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_that_can_be_provoked_is_as_described() {
    let server = Server::start().await;
    let description = description(&server).await;
    let huge = format!("{{\"x\":\"{}\"}}", "x".repeat(1 << 20));
    let mut claims = Vec::new();
    for (path, _) in operations(&description) {
        let token = ("access-token", server.token.as_str());
        for (status, headers, body) in [
            (StatusCode::BAD_REQUEST, vec![token], "no JSON"),
            (StatusCode::BAD_REQUEST, vec![token, ("content-encoding", "gzip")], "{}"),
            (StatusCode::UNAUTHORIZED, vec![], "{}"),
            (StatusCode::UNAUTHORIZED, vec![("access-token", "rb_0123456789abcdef_x")], "{}"),
            (StatusCode::PAYLOAD_TOO_LARGE, vec![token], huge.as_str()),
        ] {
            let answer = server.send(Method::POST, path, &headers, body.to_owned()).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.text());
            let schema = refusal(&description, path, &answer);
            claims.push(Claim { about: format!("{path} {status}"), schema, instance: answer.json() });
        }
        // Whatever is wrong with it: what is asked for is not there.
        let answer = server.post(path, &json!({})).await;
        if answer.status != StatusCode::OK {
            let schema = refusal(&description, path, &answer);
            claims.push(Claim { about: format!("{path} {{}}"), schema, instance: answer.json() });
        }
    }
    holds(&description, &claims);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_methods_that_take_an_idempotency_key_say_so() {
    let server = Server::start().await;
    let list = server.list().await;
    let description = description(&server).await;
    for method in METHODS {
        let parameters =
            description["paths"][method.path()]["post"]["parameters"].as_array().expect("parameters");
        let told = parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key");
        let body = json!({ "contactListId": list }).to_string();
        let headers = [("access-token", server.token.as_str()), ("idempotency-key", "not visible: \t.")];
        let answer = server.send(Method::POST, method.path(), &headers, body).await;
        let read = answer.text().contains("INVALID_IDEMPOTENCY_KEY");
        assert_eq!(
            (told, method.operation.access == Access::Batch),
            (read, read),
            "{}: {}",
            method.path(),
            answer.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_coding_that_is_described_is_known() {
    let server = Server::start().await;
    let description = description(&server).await;
    let text = description["info"]["description"].as_str().expect("a text");
    assert!(text.contains("`Content-Encoding` may be `gzip`, `deflate`, `br` or `zstd`"), "{text}");
    for (coding, expected) in
        [("gzip", 400_u16), ("deflate", 400), ("br", 400), ("zstd", 400), ("identity", 200)]
    {
        let headers = [("access-token", server.token.as_str()), ("content-encoding", coding)];
        let answer = server.send(Method::POST, "/v3/account/info", &headers, "{}").await;
        assert_eq!(answer.status, expected, "{coding}: a body that is not compressed");
    }
}
