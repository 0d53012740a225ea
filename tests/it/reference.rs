//! `GET /openapi.json` and `GET /docs`

use std::collections::BTreeSet;

use http::METHODS;
use hyper::header::HeaderMap;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, Server, Setup};
use crate::python::{Claim, holds};

const FILES: [(&str, &str); 5] = [
    ("/openapi.json", "application/json"),
    ("/docs", "text/html; charset=utf-8"),
    ("/docs/reference.css", "text/css; charset=utf-8"),
    ("/docs/reference.js", "text/javascript; charset=utf-8"),
    ("/docs/icon.svg", "image/svg+xml"),
];

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Gets a file, without a token.
pub async fn get(server: &Server, path: &str) -> Answer {
    let answer = server.send(Method::GET, path, &[], "").await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    answer
}

/// The description of a server.
pub async fn description(server: &Server) -> Value {
    get(server, "/openapi.json").await.json()
}

/// A JSON pointer to what stands at a path of a description.
pub fn pointer(path: &[&str]) -> String {
    path.iter().map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_is_served_without_a_token_and_is_not_sent_twice() {
    let server = Server::start().await;
    for (path, kind) in FILES {
        let answer = get(&server, path).await;
        let header = |headers: &HeaderMap, name: &str| headers[name].to_str().expect("text").to_owned();
        assert_eq!(header(&answer.headers, "content-type"), kind);
        assert_eq!(header(&answer.headers, "content-security-policy"), POLICY);
        assert_eq!(header(&answer.headers, "cache-control"), "no-cache");
        assert_eq!(header(&answer.headers, "x-content-type-options"), "nosniff");
        assert_eq!(header(&answer.headers, "referrer-policy"), "no-referrer");
        let tag = header(&answer.headers, "etag");
        for (tags, status) in [
            (tag.clone(), StatusCode::NOT_MODIFIED),
            (format!("\"other\", W/{tag}"), StatusCode::NOT_MODIFIED),
            ("*".to_owned(), StatusCode::NOT_MODIFIED),
            ("\"other\"".to_owned(), StatusCode::OK),
        ] {
            let again = server.send(Method::GET, path, &[("if-none-match", &tags)], "").await;
            assert_eq!(again.status, status, "{path} {tags}");
            assert_eq!(again.body.is_empty(), status == StatusCode::NOT_MODIFIED);
            assert_eq!(header(&again.headers, "etag"), tag);
        }
        let head = server.send(Method::HEAD, path, &[], "").await;
        assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0), "{path}");
        assert_eq!(header(&head.headers, "content-length"), answer.body.len().to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_is_only_read() {
    let server = Server::start().await;
    let text = "Method Not Allowed";
    let details = json!([{ "position": null, "field": null, "code": "METHOD_NOT_ALLOWED", "message": text }]);
    let expected = json!({ "result": false, "errors": [text], "details": details });
    for (path, _) in FILES {
        for verb in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let answer = server.send(verb.clone(), path, &[], "").await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{verb} {path}");
            assert_eq!(answer.json(), expected, "{verb} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_valid_and_its_examples_fit_its_schemas() {
    let server = Server::start().await;
    let description = description(&server).await;
    let mut claims = Vec::new();
    for (path, operation) in operations(&description) {
        let place = |rest: &[&str]| pointer(&[&["paths", path, "post"], rest].concat());
        let request = ["requestBody", "content", "application/json", "schema"];
        let answer = ["responses", "200", "content", "application/json", "schema"];
        for (whose, place) in [("requestBody", place(&request)), ("responses", place(&answer))] {
            let of = if whose == "responses" { &operation[whose]["200"] } else { &operation[whose] };
            let examples = of["content"]["application/json"]["examples"].as_object().expect("examples");
            assert!(!examples.is_empty(), "{path}");
            claims.extend(examples.values().map(|example| Claim {
                about: format!("{path} {whose}: {}", example["summary"]),
                schema: place.clone(),
                instance: example["value"].clone(),
            }));
        }
    }
    for (name, response) in description["components"]["responses"].as_object().expect("responses") {
        let content = ["components", "responses", name, "content", "application/json", "schema"];
        let instance = response["content"]["application/json"]["example"].clone();
        assert_eq!(instance["result"], false, "{name}");
        claims.push(Claim { about: name.clone(), schema: pointer(&content), instance });
    }
    holds(&description, &claims);
}

/// The operations of a description by their paths.
pub fn operations(description: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let paths = description["paths"].as_object().expect("paths").iter();
    paths.map(|(path, item)| (path.as_str(), &item["post"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_is_described_and_the_page_tells_each_of_its_fields() {
    let server = Server::start().await;
    let description = description(&server).await;
    let page = get(&server, "/docs").await.text();
    let told: Vec<_> = operations(&description).map(|(path, _)| path).collect();
    assert_eq!(told, METHODS.map(|method| method.path()));
    let names: BTreeSet<_> =
        operations(&description).map(|(_, one)| one["operationId"].to_string()).collect();
    assert_eq!(names.len(), METHODS.len());
    for method in METHODS {
        let operation = &description["paths"][method.path()]["post"];
        let schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
        let schema = schema.and_then(|reference| reference.strip_prefix('#')).expect("a named body");
        let schema = description.pointer(schema).expect("the body");
        for param in method.body.params.iter().copied().flatten() {
            assert!(schema["properties"][param.name].is_object(), "{} {}", method.path(), param.name);
            assert!(
                page.contains(&format!("<code>{}</code>", param.name)),
                "{} {}",
                method.path(),
                param.name
            );
        }
        let expected = ["200", "400", "401", "403", "408", "410", "413", "429", "500", "503"];
        let statuses: Vec<_> = operation["responses"].as_object().expect("responses").keys().collect();
        assert_eq!(statuses, expected, "{}", method.path());
        assert!(page.contains(&format!("</b> {}</code>", method.path())), "{}", method.path());
    }
    assert!(description["webhooks"]["request"]["post"]["requestBody"].is_object());
}

/// The values of an attribute in the page.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    page.match_indices(&start)
        .map(|(at, _)| page[at + start.len()..].split('"').next().expect("a value"))
        .collect()
}

/// The URL of a file without the hash that pages put into it.
fn unhashed(url: &str) -> String {
    match url.rsplitn(3, '.').collect::<Vec<_>>()[..] {
        [ending, hash, stem] if hash.len() == 32 => format!("{stem}.{ending}"),
        _ => url.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_loads_nothing_from_elsewhere_and_has_nothing_inline() {
    let server = Server::start().await;
    let page = get(&server, "/docs").await.text();
    let links = attributes(&page, "href");
    let loaded = attributes(&page, "src");
    assert_eq!(loaded.iter().map(|url| unhashed(url)).collect::<Vec<_>>(), ["/docs/reference.js"]);
    let ids: BTreeSet<_> = attributes(&page, "id").into_iter().collect();
    assert_eq!(ids.len(), attributes(&page, "id").len(), "ids are unique");
    for link in links {
        let target = link.strip_prefix("/docs#").or(link.strip_prefix('#'));
        let here = target.is_some_and(|id| ids.contains(id));
        // The way back to the console.
        assert!(
            here || link == "/" || FILES.iter().any(|(path, _)| *path == unhashed(link)),
            "{link} leads nowhere"
        );
    }
    for inline in
        ["<style", " style=", " onclick=", " onload=", "<script>", "javascript:", "@import", "<iframe"]
    {
        assert!(!page.contains(inline), "{inline}");
    }
    for (path, _) in &FILES[2..4] {
        let file = get(&server, path).await.text();
        assert!(!file.contains("http:") && !file.contains("https:") && !file.contains("@import"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bounds_of_the_server_that_is_asked_are_told() {
    let mut setup = Setup::default();
    (setup.limits.body, setup.limits.in_flight) = (54_321, 7);
    let server = Server::with(setup).await;
    let description = description(&server).await;
    let responses = &description["components"]["responses"];
    let told = |name: &str| responses[name]["description"].as_str().expect("a text").to_owned();
    assert!(told("PayloadTooLarge").starts_with("The body has more than 54321 bytes."));
    assert!(
        told("TooManyRequests")
            .starts_with("The token has more than 7 requests in flight, or too many unknown ones")
    );
    let page = get(&server, "/docs").await.text();
    assert!(page.contains("54321") && page.contains("7 requests in flight"));
}
