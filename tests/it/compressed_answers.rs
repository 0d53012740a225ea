//! Answers in the coding that a client accepts, and those that are never compressed. (Bodies of requests:
//! `compression`.)

use std::io::Read as _;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, Server};
use crate::views::browser::Browser;

const CODINGS: [&str; 3] = ["br", "zstd", "gzip"];

fn decode(coding: &str, body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    match coding {
        "br" => brotli_decompressor::Decompressor::new(body, 4_096).read_to_end(&mut whole),
        "zstd" => zstd::Decoder::new(body).expect("zstd").read_to_end(&mut whole),
        _ => flate2::read::GzDecoder::new(body).read_to_end(&mut whole),
    }
    .expect("a whole stream");
    whole
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name).map(|value| value.to_str().expect("text"))
}

async fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    server.send(Method::GET, path, headers, "").await
}

/// What a page loads: its styles, scripts and icon.
fn loaded(html: &str) -> Vec<&str> {
    let urls = html.split('"').filter(|text| text.starts_with("/console/") || text.starts_with("/docs/"));
    urls.filter(|url| url.contains('.')).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_in_the_coding_that_the_client_accepts() {
    let server = Server::start().await;
    for path in ["/docs", "/openapi.json", "/docs/reference.css", "/console/htmx.min.js"] {
        let plain = get(&server, path, &[]).await;
        assert_eq!(
            (header(&plain, "content-encoding"), header(&plain, "vary")),
            (None, Some("accept-encoding"))
        );
        let mut tags = vec![header(&plain, "etag").expect("a tag").to_owned()];
        for coding in CODINGS {
            let accepts = ("accept-encoding", coding);
            let answer = get(&server, path, &[accepts]).await;
            assert_eq!(header(&answer, "content-encoding"), Some(coding), "{path}");
            assert_eq!(header(&answer, "vary"), Some("accept-encoding"), "{path}");
            assert!(decode(coding, &answer.body) == plain.body, "{path} {coding}");
            println!("{path} {} {coding} {}", plain.body.len(), answer.body.len());
            assert!(answer.body.len() * 2 < plain.body.len(), "{path} {coding}: {}", answer.body.len());
            let tag = header(&answer, "etag").expect("a tag").to_owned();
            let again = get(&server, path, &[accepts, ("if-none-match", &tag)]).await;
            assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{path} {coding}");
            // A cache that has it in another form has other bytes.
            let other = get(&server, path, &[accepts, ("if-none-match", &tags[0])]).await;
            assert_eq!(other.status, StatusCode::OK, "{path} {coding}");
            tags.push(tag);
        }
        tags.dedup();
        assert_eq!(tags.len(), 4, "{tags:?}");
        let browser = get(&server, path, &[("accept-encoding", "gzip, deflate, br, zstd")]).await;
        assert_eq!(header(&browser, "content-encoding"), Some("br"), "{path}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_pages_load_has_its_hash_in_its_url_and_is_cached_for_good() {
    let server = Server::start().await;
    for (page, count) in [("/docs", 3), ("/sign-in", 3)] {
        let page = get(&server, page, &[("accept", "text/html")]).await;
        let text = page.text();
        let urls = loaded(&text);
        assert_eq!(urls.len(), count, "{urls:?}");
        for url in urls {
            let answer = get(&server, url, &[]).await;
            assert_eq!(answer.status, StatusCode::OK, "{url}");
            let cached = header(&answer, "cache-control");
            assert_eq!(cached, Some("public, max-age=31536000, immutable"), "{url}");
            // The page of a node of another version asks for another hash: it gets what there is, and does not keep it.
            let hash = url.rsplit('.').nth(1).expect("a hash");
            let other = get(&server, &url.replace(hash, "00000000000000000000000000000000"), &[]).await;
            assert_eq!((other.status, other.body), (StatusCode::OK, answer.body), "{url}");
            assert_eq!(other.headers["cache-control"], "no-cache", "{url}");
        }
    }
    for none in
        ["/console/nothing.js", "/docs/console.css", "/console/console.css.map", "/console/console.css."]
    {
        let answer = get(&server, none, &[]).await;
        assert_eq!(
            (answer.status, &answer.json()["result"]),
            (StatusCode::NOT_FOUND, &json!(false)),
            "{none}"
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_the_api_are_compressed_unless_they_are_small() {
    let server = Server::start().await;
    let list = server.list().await;
    let contacts: Vec<Value> =
        (0..50).map(|number| json!({ "contact": format!("user{number}@example.com") })).collect();
    server.update(&list, true, json!(contacts)).await;
    let find = json!({ "contactListId": list, "limit": 50 }).to_string();
    let plain = server.post_bytes("/v3/contacts/find", find.clone()).await;
    assert_eq!((plain.status, header(&plain, "content-encoding")), (StatusCode::OK, None));
    let token = ("access-token", server.token.as_str());
    for coding in CODINGS {
        let headers = [token, ("accept-encoding", coding)];
        let answer = server.send(Method::POST, "/v3/contacts/find", &headers, find.clone()).await;
        assert_eq!(header(&answer, "content-encoding"), Some(coding));
        assert_eq!(header(&answer, "content-length"), Some(answer.body.len().to_string().as_str()));
        // The id of the request is another each time.
        let body: Value = serde_json::from_slice(&decode(coding, &answer.body)).expect("JSON");
        assert_eq!(body["data"], plain.json()["data"], "{coding}");
        assert_eq!(body["data"].as_array().map(Vec::len), Some(50), "{coding}");
        println!("contacts/find {} {coding} {}", plain.body.len(), answer.body.len());
        let small = server.send(Method::POST, "/v3/account/info", &headers, "{}").await;
        assert_eq!((small.status, header(&small, "content-encoding")), (StatusCode::OK, None));
    }
    server.stop().await;
}

/// 406 for a request that was done would have it sent again.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_accepts_nothing_is_answered_all_the_same() {
    let server = Server::start().await;
    let list = server.list().await;
    let body = json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "a" }] });
    let headers = [("access-token", server.token.as_str()), ("accept-encoding", "identity;q=0, *;q=0")];
    let answer = server.send(Method::POST, "/v3/contacts/update", &headers, body.to_string()).await;
    assert_eq!((answer.status, header(&answer, "content-encoding")), (StatusCode::OK, None));
    assert_eq!(answer.json()["result"], true);
    server.stop().await;
}

/// Their length must not tell how much of what an attacker has put into them repeats a secret (BREACH): a cookie is sent
/// along by the browser, whoever makes it ask.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_cookie_opens_is_compressed() {
    let server = Server::start().await;
    let list = server.list().await;
    let contacts: Vec<Value> =
        (0..100).map(|number| json!({ "contact": format!("user{number}@example.com") })).collect();
    server.update(&list, true, json!(contacts)).await;
    let browser = Browser::sign_in(&server, server.user).await;
    let headers =
        [("cookie", browser.cookie()), ("accept-encoding", "gzip, br, zstd"), ("accept", "text/html")];
    for path in [
        "/".to_owned(),
        "/lists".to_owned(),
        format!("/lists/{list}"),
        format!("/lists/{list}/export/file?format=csv"),
        format!("/lists/{list}/export/file?format=jsonl"),
        format!("/lists/{list}/variables"),
        "/sources".to_owned(),
        "/requests".to_owned(),
        "/jobs".to_owned(),
        "/keys".to_owned(),
        "/account".to_owned(),
    ] {
        let answer = get(&server, &path, &headers).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(
            answer.body.len() >= 1 << 10,
            "{path} is large enough to be compressed: {}",
            answer.body.len()
        );
        assert_eq!(header(&answer, "content-encoding"), None, "{path}");
    }
    for path in ["/sign-in", "/welcome/nothing", "/nothing/of/the/kind"] {
        let answer = get(&server, path, &headers[1..]).await;
        assert_eq!(header(&answer, "content-encoding"), None, "{path}");
    }
    server.stop().await;
}
