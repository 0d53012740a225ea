//! `/mcp` and `rollbook mcp`: the tools, their rights, and changes in two steps. Public clients drive both too, see
//! tests/clients.

mod command;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use web::login::PublicUrl;

use crate::harness::{Answer, Server, Setup};
use crate::process::{Store, program};
use crate::token_scope::token;

const ACCEPT: (&str, &str) = ("accept", "application/json, text/event-stream");
const JSON: (&str, &str) = ("content-type", "application/json");

fn message(method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params })
}

async fn send(server: &Server, headers: &[(&str, &str)], body: &Value) -> Answer {
    let headers = [&[ACCEPT, JSON], headers].concat();
    server.send(Method::POST, "/mcp", &headers, body.to_string()).await
}

/// Sends a request with a token, and returns its result.
async fn asked(server: &Server, token: &str, method: &str, params: Value) -> Value {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("mcp-protocol-version", "2025-06-18")];
    let answer = send(server, &headers, &message(method, &params)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.headers["content-type"], "application/json");
    let answer = answer.json();
    assert_eq!(answer["id"], 7);
    answer["result"].clone()
}

async fn called(server: &Server, token: &str, tool: &str, arguments: Value) -> Value {
    asked(server, token, "tools/call", json!({ "name": tool, "arguments": arguments })).await
}

/// The structure that a call answers.
async fn ok(server: &Server, tool: &str, arguments: Value) -> Value {
    let result = called(server, &server.token, tool, arguments).await;
    assert_eq!(result["isError"], false, "{tool}: {result}");
    let text = result["content"][0]["text"].as_str().expect("the same as text");
    assert_eq!(serde_json::from_str::<Value>(text).expect("JSON"), result["structuredContent"]);
    result["structuredContent"].clone()
}

/// The text of a call that is refused.
async fn refused(server: &Server, token: &str, tool: &str, arguments: Value) -> String {
    let result = called(server, token, tool, arguments).await;
    assert_eq!(result["isError"], true, "{tool}: {result}");
    assert!(result.get("structuredContent").is_none(), "{result}");
    result["content"][0]["text"].as_str().expect("a text").to_owned()
}

async fn names(server: &Server, token: &str) -> Vec<String> {
    let listed = asked(server, token, "tools/list", json!({})).await;
    let tools = listed["tools"].as_array().expect("tools").iter();
    tools.map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_of_the_protocol_is_spoken_and_no_session_is_kept() {
    let server = Server::start().await;
    let client = json!({ "name": "test", "version": "1" });
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let params = json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": client });
        let token = [("access-token", server.token.as_str())];
        let answer = send(&server, &token, &message("initialize", &params)).await;
        assert_eq!(answer.status, StatusCode::OK, "{version}: {}", answer.text());
        assert!(!answer.headers.contains_key("mcp-session-id"), "{version}");
        let result = answer.json()["result"].clone();
        assert_eq!(result["protocolVersion"], version);
        assert_eq!(result["serverInfo"]["name"], "rollbook");
    }
    let newest = "2026-07-28";
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": newest,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    for method in ["server/discover", "tools/list"] {
        let headers = [
            ("access-token", server.token.as_str()),
            ("mcp-protocol-version", newest),
            ("mcp-method", method),
        ];
        let answer = send(&server, &headers, &message(method, &json!({ "_meta": meta }))).await;
        assert_eq!(answer.status, StatusCode::OK, "{method}: {}", answer.text());
        let result = answer.json()["result"].clone();
        assert_eq!(result["resultType"], "complete", "{method}");
        if method == "tools/list" {
            // Tools differ by token: no cache may serve them to another.
            assert_eq!(result["cacheScope"], "private");
        }
    }
    let token = [("access-token", server.token.as_str())];
    for method in [Method::GET, Method::DELETE] {
        let headers = [&[ACCEPT][..], &token].concat();
        let answer = server.send(method, "/mcp", &headers, "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_token_opens_it_and_no_page_of_another_site() {
    let setup = Setup {
        public_url: Some("https://contacts.example.com".parse::<PublicUrl>().unwrap()),
        ..Setup::default()
    };
    let server = Server::with(setup).await;
    let list = message("tools/list", &json!({}));
    let answer = send(&server, &[], &list).await;
    assert_eq!(
        (answer.status, answer.errors()),
        (StatusCode::UNAUTHORIZED, vec!["Invalid authorization token!".to_owned()])
    );
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
    let wrong = format!("Bearer {}x", server.token);
    assert_eq!(send(&server, &[("authorization", &wrong)], &list).await.status, StatusCode::UNAUTHORIZED);
    let right = format!("bearer {}", server.token);
    for (origin, status) in [
        ("https://contacts.example.com", StatusCode::OK),
        ("http://contacts.example.com", StatusCode::FORBIDDEN),
        ("https://example.org", StatusCode::FORBIDDEN),
        ("null", StatusCode::FORBIDDEN),
    ] {
        // A name that leads here by DNS rebinding is the page's own host: it does not help the page.
        let headers = [("authorization", right.as_str()), ("origin", origin), ("host", "example.org")];
        assert_eq!(send(&server, &headers, &list).await.status, status, "{origin}");
    }
    let headers = [("access-token", server.token.as_str()), ("host", "rollbook.internal:8080")];
    assert_eq!(send(&server, &headers, &list).await.status, StatusCode::OK, "a name behind a proxy");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_sees_the_tools_and_the_lists_that_it_may_use() {
    let server = Server::start().await;
    let (one, other) = (server.list().await, server.list().await);
    let reader = token(&server, true, Some(&[&one])).await;
    let all = names(&server, &server.token).await;
    let reads: Vec<_> =
        all.iter().filter(|name| !["update_contacts", "undo_request"].contains(&name.as_str())).collect();
    assert_eq!(names(&server, &reader).await.iter().collect::<Vec<_>>(), reads);
    assert_eq!(all.len(), reads.len() + 2);
    let access = called(&server, &reader, "describe_access", json!({})).await["structuredContent"].clone();
    assert_eq!((&access["mayWrite"], &access["limitedToLists"]), (&json!(false), &json!([one])));
    let lists = called(&server, &reader, "list_contact_lists", json!({})).await["structuredContent"].clone();
    assert_eq!(lists["totalCount"], 1);
    assert_eq!(lists["lists"][0]["contactListId"], *one);
    assert_eq!(lists["lists"][0]["variables"][1], json!({ "name": "plan", "type": "string" }));
    let foreign = refused(&server, &reader, "find_contacts", json!({ "contactListId": other })).await;
    assert!(foreign.starts_with("LIST_NOT_FOUND (contactListId): "), "{foreign}");
    let update = json!({ "contactListId": one, "contacts": [{ "contact": "a" }] });
    let write = refused(&server, &reader, "update_contacts", update).await;
    assert!(write.starts_with("TOKEN_READ_ONLY: "), "{write}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_found_read_and_followed() {
    let server = Server::start().await;
    let list = server.list().await;
    let people: Vec<_> = (0..5)
        .map(|number| json!({ "contact": format!("u{number}"), "emailSubscribe": number % 2 == 0, "name": "Jo" }))
        .collect();
    let request = server.update(&list, true, json!(people)).await;
    let mut found = Vec::new();
    let mut after = Value::Null;
    loop {
        let filter = json!({ "emailSubscribe": true });
        let arguments = json!({ "contactListId": list, "filter": filter, "limit": 2, "after": after });
        let page = ok(&server, "find_contacts", arguments).await;
        found.extend(
            page["contacts"].as_array().expect("contacts").iter().map(|it| it["contact"]["userId"].clone()),
        );
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(found, ["u0", "u2", "u4"]);
    let tree = json!({ "any": [{ "field": "userId", "op": "is", "value": "u1" }, { "field": "userId", "op": "in", "value": ["u2"] }] });
    let arguments = json!({ "contactListId": list, "filter": { "filter": tree }, "count": true, "limit": 1 });
    let page = ok(&server, "find_contacts", arguments).await;
    assert_eq!((&page["totalCount"], page["contacts"].as_array().map(Vec::len)), (&json!(2), Some(1)));
    server.upsert(&list, json!({ "contact": "u5", "name": "Jürgen Müller" })).await;
    let one = json!({ "field": "userId", "op": "is", "value": "u5" });
    let new = json!({ "contactListId": list, "name": "Fifth", "filter": one });
    let segment = server.ok("/v3/segment/create", &new).await["segmentId"].clone();
    let listed = ok(&server, "list_segments", json!({ "contactListId": list, "count": true })).await;
    let expected =
        json!([{ "segmentId": segment, "name": "Fifth", "filter": one.to_string(), "contacts": 1 }]);
    assert_eq!(listed["segments"], expected);
    let other = ok(&server, "list_segments", json!({ "contactListId": list, "name": "None" })).await;
    assert_eq!(other, json!({ "segments": [] }));
    let of_segment = json!({ "contactListId": list, "filter": { "filter": { "segment": segment } } });
    let found = ok(&server, "find_contacts", of_segment).await;
    assert_eq!(found["contacts"].as_array().map(Vec::len), Some(1), "{found}");
    // The index follows the changes.
    let hit = server
        .wait_for("the index to follow", async || {
            let found = ok(&server, "search_contacts", json!({ "text": "mull jur" })).await;
            (found["contacts"].as_array().map(Vec::len) == Some(1)).then(|| found["contacts"][0].clone())
        })
        .await;
    assert_eq!((&hit["contactListId"], &hit["contact"]["userId"]), (&json!(list), &json!("u5")));
    let by =
        |kind: &str, value: &Value| json!({ "contactListId": list, "by": { "kind": kind, "value": value } });
    let one = ok(&server, "get_contact", by("userId", &json!("u1"))).await;
    assert_eq!(one["contact"], server.contact(&list, "userId", "u1").await);
    assert_eq!(ok(&server, "get_contact", by("contactId", &one["contactId"])).await, one);
    let none = json!({ "contactId": null, "contact": null });
    assert_eq!(ok(&server, "get_contact", by("email", &json!("user@example.com"))).await, none);
    let history = ok(&server, "get_contact_history", by("contactId", &one["contactId"])).await;
    assert_eq!((&history["totalCount"], &history["changes"][0]["action"]), (&json!(1), &json!("created")));
    let changes =
        ok(&server, "read_changes", json!({ "contactListId": list, "after": "start", "limit": 3 })).await;
    assert_eq!(changes["changes"].as_array().map(Vec::len), Some(3));
    let rest = ok(&server, "read_changes", json!({ "contactListId": list, "after": changes["next"] })).await;
    assert_eq!(rest["changes"].as_array().map(Vec::len), Some(3));
    let listed = ok(&server, "list_requests", json!({ "status": "processed" })).await;
    assert_eq!((&listed["totalCount"], &listed["requests"][1]["id"]), (&json!(2), &request["id"]));
    let got = ok(&server, "get_request", json!({ "requestId": request["id"] })).await;
    assert_eq!(got["request"], request);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_that_a_tool_does_not_have_are_refused() {
    let server = Server::start().await;
    let list = server.list().await;
    for (tool, arguments, text) in [
        ("describe_access", json!({ "x": 1 }), "INVALID_ARGUMENTS: unknown field `x`"),
        ("get_contact", json!({}), "INVALID_ARGUMENTS: missing field `contactListId`"),
        (
            "get_contact",
            json!({ "contactListId": list, "by": { "kind": "name", "value": "x" } }),
            "INVALID_ARGUMENTS: unknown variant `name`",
        ),
        (
            "find_contacts",
            json!({ "contactListId": list, "dryRun": true }),
            "INVALID_ARGUMENTS: unknown field `dryRun`",
        ),
        (
            "find_contacts",
            json!({ "contactListId": list, "filter": { "emailSubscribed": true } }),
            "UNKNOWN_ARGUMENT (emailSubscribed): ",
        ),
        ("find_contacts", json!({ "contactListId": list, "limit": 51 }), "INVALID_LIMIT (limit): "),
        ("find_contacts", json!({ "contactListId": list, "after": "x" }), "INVALID_ID (after): "),
        ("read_changes", json!({ "after": "x" }), "INVALID_AFTER (after): "),
        (
            "update_contacts",
            json!({ "contactListId": list, "contacts": [{ "contact": "a" }, { "contact": "b", "firstname": "x" }] }),
            "UNKNOWN_ARGUMENT (firstname, contact 1): ",
        ),
        (
            "update_contacts",
            json!({ "contactListId": list, "contacts": [{ "contact": "a", "email": "x" }] }),
            "INVALID_EMAIL (email, contact 0): ",
        ),
        (
            "find_contacts",
            json!({ "contactListId": list, "filter": { "filter": { "all": [{ "feld": "x" }] } } }),
            "INVALID_FILTER",
        ),
        ("search_contacts", json!({ "text": "?!" }), "INVALID_SEARCH (search): "),
        (
            "search_contacts",
            json!({ "text": "x", "filter": { "filter": { "field": "variables.plan", "op": "is", "value": "x" } } }),
            "INVALID_FILTER (filter): ",
        ),
        ("get_request", json!({ "requestId": "5d915c22d132d5f45a4e38b8" }), "REQUEST_NOT_FOUND"),
    ] {
        let told = refused(&server, &server.token, tool, arguments).await;
        assert!(told.starts_with(text), "{tool}: {told}");
    }
    // As of a rejected request of the API.
    let inside = server.inside().await;
    inside.app.rejections.flush(&*server.storage).await;
    let rejected = server.ok("/v3/request/rejected", &json!({})).await;
    let of_mcp = rejected["data"].as_array().expect("rows").iter().filter(|row| row["method"] == "/mcp");
    assert!(of_mcp.count() > 3, "{rejected}");
    let unknown = message("tools/call", &json!({ "name": "drop_tables", "arguments": {} }));
    let answer = send(&server, &[("access-token", &server.token)], &unknown).await.json();
    assert_eq!(answer["error"]["code"], -32602);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_is_shown_first_applied_once_and_undone() {
    let server = Server::start().await;
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "u1", "firstName": "Jo", "emailSubscribe": true })).await;
    server.upsert(&list, json!({ "contact": "u1", "emailSubscribe": false })).await;
    let contacts = json!([
        { "contact": "u1", "firstName": "Ann", "emailSubscribe": true, "variables": [{ "name": "plan", "value": "gold" }] },
        { "contact": "u2", "userId": "u2" },
    ]);
    let mut arguments = json!({ "contactListId": list, "contacts": contacts, "upsert": true });
    let before = server.contact(&list, "userId", "u1").await;
    let tried = ok(&server, "update_contacts", arguments.clone()).await;
    assert_eq!(
        (&tried["applied"], &tried["requestId"], &tried["undo"]),
        (&json!(false), &Value::Null, &Value::Null)
    );
    assert_eq!(tried["results"]["success"][1]["action"], "created");
    assert_eq!(tried["results"]["success"][0]["notes"][0]["code"], "OPTED_OUT", "a no stays a no");
    assert_eq!(
        tried["changes"],
        json!([
            { "position": 0, "field": "firstName", "from": "Jo", "to": "Ann" },
            { "position": 0, "field": "emailSubscribe", "from": false, "to": true },
            { "position": 0, "field": "variables.plan", "from": null, "to": "gold" },
            { "position": 1, "field": "userId", "from": null, "to": "u2" },
        ])
    );
    assert_eq!(server.contact(&list, "userId", "u1").await, before, "nothing was changed");
    assert_eq!(ok(&server, "update_contacts", arguments.clone()).await["plan"], tried["plan"]);

    // A plan is of these arguments and of these contacts.
    arguments["plan"] = tried["plan"].clone();
    let mut others = arguments.clone();
    others["contacts"][0]["firstName"] = json!("Eve");
    server.upsert(&list, json!({ "contact": "u1", "firstName": "Sam" })).await;
    for outdated in [&others, &arguments] {
        let told = refused(&server, &server.token, "update_contacts", outdated.clone()).await;
        assert!(told.starts_with("PLAN_OUTDATED (plan): "), "{told}");
    }
    server.upsert(&list, json!({ "contact": "u1", "firstName": "Jo" })).await;
    let applied = ok(&server, "update_contacts", arguments.clone()).await;
    assert_eq!((&applied["applied"], &applied["plan"]), (&json!(true), &Value::Null));
    assert_eq!(server.contact(&list, "userId", "u1").await["firstName"], "Ann");
    assert_eq!(applied["undo"]["tool"], "undo_request");
    let again = ok(&server, "update_contacts", arguments).await;
    assert_eq!(again["requestId"], applied["requestId"], "a plan is applied once");

    let mut undo = applied["undo"]["arguments"].clone();
    let tried = ok(&server, "undo_request", undo.clone()).await;
    assert_eq!(tried["results"]["success"][0]["restored"], json!(["firstName", "variables.plan"]));
    assert_eq!(tried["results"]["success"][1]["action"], "removed");
    assert_eq!(server.contact(&list, "userId", "u1").await["firstName"], "Ann", "nothing was changed");
    undo["plan"] = json!("plan-0");
    let told = refused(&server, &server.token, "undo_request", undo.clone()).await;
    assert!(told.starts_with("PLAN_OUTDATED (plan): "), "{told}");
    undo["plan"] = tried["plan"].clone();
    let undone = ok(&server, "undo_request", undo.clone()).await;
    assert_eq!(undone["applied"], true);
    assert_eq!(undone["results"], tried["results"], "what was shown is what was done");
    assert_eq!(server.contact(&list, "userId", "u1").await["firstName"], "Jo");
    assert_eq!(server.contact(&list, "userId", "u2").await, Value::Null);
    assert_eq!(ok(&server, "undo_request", undo).await["requestId"], undone["requestId"]);
    server.stop().await;
}
