//! One account never sees, counts or changes what is another's: to every method, ids of another account are as ids
//! that nobody has.

use std::collections::HashSet;

use http::METHODS;
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::harness::Server;
use crate::token_scope::token;

/// What an account has, or an id that nobody has for each.
struct Ids {
    list: String,
    source: String,
    request: String,
    contact: String,
}

impl Ids {
    fn nobodys() -> Self {
        let id = |last: char| format!("5d915c22d132d5f45a4e38{last}{last}");
        Self { list: id('a'), source: id('b'), request: id('c'), contact: id('d') }
    }

    /// A text without the ids that are in it.
    fn hide(&self, text: &str) -> String {
        [
            (&self.list, "LIST"),
            (&self.source, "SOURCE"),
            (&self.request, "REQUEST"),
            (&self.contact, "CONTACT"),
        ]
        .into_iter()
        .fold(text.to_owned(), |text, (id, name)| text.replace(id, name))
    }
}

/// Bodies for a method that name things of another account in every way that it takes; `own` is a list of the caller.
fn bodies(path: &str, ids: &Ids, own: &str) -> Vec<Value> {
    let Ids { list, source, request, contact } = ids;
    let contacts = json!([{ "contact": "their-user", "email": "their@example.com", "firstName": "X" }]);
    let person = json!({ "email": "their@example.com" });
    let with = |more: Value| {
        let mut body = json!({ "contactListId": list });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let from = |key: &str, text: &str| json!({ "contactListId": own, "dryRun": true, "upsert": true, "contacts": [{ "contact": "a", "email": "a@example.com", key: text }] });
    match path {
        "/v3/account/info" => vec![json!({}), json!({ "accountId": list })],
        "/v3/contact-list/create" => vec![json!({ "contactListName": "Theirs" })],
        "/v3/contact-list/get" | "/v3/contacts/find" => vec![with(json!({}))],
        "/v3/contacts/changes" => vec![
            with(json!({})),
            with(json!({ "after": "start" })),
            json!({ "after": "start", "include": "contact" }),
        ],
        "/v3/contact/get-many" => vec![
            with(json!({ "contacts": [{ "userId": "their-user" }] })),
            json!({ "contactListId": own, "contacts": [{ "userId": "their-user" }, person] }),
        ],
        "/v3/contact-list/find" => {
            vec![with(json!({})), json!({ "contactListName": "Customers" }), json!({})]
        }
        "/v3/contact-list/variables/add" => {
            vec![with(json!({ "variables": [{ "name": "x", "type": "ENUM_STRING" }] }))]
        }
        "/v3/contact-list/variables/rename" => vec![with(json!({ "name": "plan", "newName": "offer" }))],
        "/v3/contact-list/variables/remove" => vec![with(json!({ "names": ["plan"] }))],
        "/v3/contact-list/update" => vec![with(json!({ "contactListName": "Mine" }))],
        "/v3/contact-list/remove" => vec![with(json!({ "confirm": "Customers" }))],
        "/v3/contact-source/add" => vec![json!({ "name": "Theirs", "customerSourceId": "theirShop" })],
        "/v3/contact-source/get" => {
            vec![json!({ "sourceId": source }), json!({ "customerSourceId": "theirSource" })]
        }
        "/v3/contact-source/find" => {
            vec![json!({}), json!({ "name": "Their source" }), json!({ "sourceId": source })]
        }
        "/v3/contact-source/update" => vec![
            json!({ "source": source, "name": "Mine", "cac": { "value": 3, "currency": "EUR" } }),
            json!({ "source": "theirSource", "name": "Mine", "cac": { "value": 3, "currency": "EUR" } }),
        ],
        "/v3/contact-source/remove" => {
            vec![json!({ "sourceIds": [source] }), json!({ "customerSourceIds": ["theirSource"] })]
        }
        "/v3/contacts/update" => vec![
            with(json!({ "contacts": contacts, "upsert": true })),
            with(json!({ "contacts": contacts, "dryRun": true })),
            from("sourceId", source),
            from("customerSourceId", "theirSource"),
        ],
        "/v3/contacts/add" => vec![
            with(json!({ "contacts": contacts })),
            with(json!({ "contacts": contacts, "dryRun": true })),
            from("sourceId", source),
        ],
        "/v3/contacts/remove" => vec![
            with(json!({ "userIds": ["their-user"], "emails": ["their@example.com"] })),
            with(json!({ "userIds": ["their-user"], "dryRun": true })),
        ],
        "/v3/contact/get" => vec![
            with(json!({ "userId": "their-user" })),
            json!({ "contactListId": own, "userId": "their-user", "waitFor": request }),
            json!({ "contactListId": own, "userId": "their-user" }),
            json!({ "contactListId": own, "userId": contact }),
        ],
        "/v3/contacts/duplicates" | "/v3/segment/find" => vec![with(json!({}))],
        "/v3/segment/create" => {
            vec![with(json!({ "name": "Theirs", "filter": { "field": "email", "op": "notEmpty" } }))]
        }
        "/v3/segment/get" | "/v3/segment/remove" => vec![with(json!({ "segmentId": contact }))],
        "/v3/segment/update" => vec![with(json!({ "segmentId": contact, "name": "Mine" }))],
        "/v3/contacts/merge" => vec![
            with(json!({ "winner": contact, "loser": contact })),
            json!({ "contactListId": own, "winner": contact, "loser": list, "dryRun": true }),
        ],
        "/v3/import/report" => {
            vec![with(json!({ "importId": "5d9155bad132d5f45a4e38c9", "fileName": "a.csv", "requests": [] }))]
        }
        "/v3/consent/find" => vec![
            with(json!({ "userId": "their-user" })),
            json!({ "contactListId": own, "userId": "their-user" }),
        ],
        "/v3/contact/history" => vec![
            with(json!({ "userId": "their-user" })),
            json!({ "contactListId": own, "userId": "their-user" }),
        ],
        "/v3/contact/export" => vec![person, json!({ "userId": "their-user" })],
        "/v3/contact/erase" => vec![person],
        "/v3/contacts/unsubscribe-links" => vec![
            with(json!({ "userIds": ["their-user"] })),
            json!({ "contactListId": own, "userIds": ["their-user"], "emails": ["their@example.com"] }),
        ],
        "/v3/blacklist/add" => {
            vec![json!({ "records": [{ "email": "their@example.com", "rejectType": "hard" }] })]
        }
        "/v3/blacklist/find" => vec![json!({}), person],
        "/v3/blacklist/remove" => vec![person],
        "/v3/phone-blacklist/add" => vec![json!({ "records": [{ "phoneNumber": "+15555555" }] })],
        "/v3/phone-blacklist/find" | "/v3/phone-blacklist/remove" => {
            vec![json!({ "phoneNumber": "+15555555" })]
        }
        "/v3/suppression/list" => vec![json!({}), json!({ "channel": "email" })],
        "/v3/request/find" => vec![json!({ "ids": [request] })],
        "/v3/request/list" => vec![json!({}), with(json!({})), json!({ "status": "processed" })],
        "/v3/request/undo" => vec![json!({ "requestId": request })],
        "/v3/request/rejected" => vec![json!({}), json!({ "code": "REQUEST_NOT_FOUND" })],
        "/v3/webhook/create" => {
            vec![json!({ "title": "Mine", "url": request, "events": ["contact.created"] })]
        }
        "/v3/webhook/list" => vec![json!({})],
        "/v3/webhook/resume" | "/v3/webhook/remove" => vec![json!({ "id": 1 })],
        "/v3/webhook/deliveries" => vec![json!({}), json!({ "requestId": request })],
        "/v3/webhook/health" => vec![json!({})],
        "/v3/webhook/resend" => vec![json!({ "requestId": request })],
        "/v3/webhook/resend-failed" => vec![json!({ "from": "2020-01-01" })],
        "/v3/webhook/test" => vec![json!({ "url": request })],
        other => panic!("say what {other} could tell of another account"),
    }
}

/// What is answered, with ids that differ from call to call taken out.
async fn answer(server: &Server, token: &str, path: &str, body: &Value, ids: &Ids) -> (StatusCode, String) {
    let answer = server.post_as(token, path, body).await;
    let mut told = answer.json();
    if path == "/v3/contact/erase" && answer.status == StatusCode::OK {
        // What is listed next must not depend on how far that is.
        let ask = json!({ "ids": [told["requestId"]] });
        server
            .wait_for("the erase", async || {
                let found = server.post_as(token, "/v3/request/find", &ask).await.text();
                found.contains("\"processed\"").then_some(())
            })
            .await;
    }
    let object = told.as_object_mut().expect("an object");
    for key in ["requestId", "contactListId", "sourceId"] {
        if let Some(id) = object.get_mut(key).filter(|id| id.is_string()) {
            *id = json!("an id");
        }
    }
    (answer.status, ids.hide(&told.to_string()))
}

/// An account with one of everything.
async fn furnish(server: &Server) -> Ids {
    let list = server.list().await;
    let source = json!({ "name": "Their source", "customerSourceId": "theirSource", "cac": { "value": 1, "currency": "EUR" } });
    let source = server.source(&source).await;
    let made = json!([{ "contact": "their-user", "email": "their@example.com", "sourceId": source,
                        "variables": [{ "name": "plan", "value": "gold" }] }]);
    let request = server.update(&list, true, made).await;
    let contact = request["results"]["success"][0]["id"].as_str().expect("an id").to_owned();
    Ids { list, source, request: request["id"].as_str().expect("an id").to_owned(), contact }
}

/// All that the account can tell of itself.
async fn everything(server: &Server, ids: &Ids) -> Vec<Value> {
    let list = &ids.list;
    let mut told = Vec::new();
    for (path, body) in [
        ("/v3/contact-list/find", json!({})),
        ("/v3/contact-source/find", json!({})),
        ("/v3/contact/get", json!({ "contactListId": list, "userId": "their-user" })),
        ("/v3/contact/history", json!({ "contactListId": list, "userId": "their-user" })),
        ("/v3/request/list", json!({})),
        ("/v3/request/find", json!({ "ids": [ids.request] })),
    ] {
        told.push(server.ok(path, &body).await);
    }
    told
}

async fn tells_nothing(server: &Server, theirs: &Ids, token: &str, own: &str) {
    let nobodys = Ids::nobodys();
    for method in METHODS {
        let pairs = bodies(method.path(), theirs, own).into_iter().zip(bodies(method.path(), &nobodys, own));
        for (asked, unknown) in pairs {
            let about_theirs = answer(server, token, method.path(), &asked, theirs).await;
            let about_nobodys = answer(server, token, method.path(), &unknown, &nobodys).await;
            // What makes something of the caller's own is there the second time, and says so for both.
            if method.path() != "/v3/contact-source/add" {
                assert_eq!(about_theirs, about_nobodys, "{} {asked}", method.path());
            }
            for secret in ["gold", "Their source", &theirs.contact] {
                let echoed = asked.to_string().contains(secret);
                assert!(
                    echoed || !about_theirs.1.contains(secret),
                    "{} {asked}: {}",
                    method.path(),
                    about_theirs.1
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn to_every_method_ids_of_another_account_are_as_ids_that_nobody_has() {
    let server = Server::start().await;
    let theirs = furnish(&server).await;
    let before = everything(&server, &theirs).await;
    let stranger = server.bearer("Stranger").await;
    let own = server
        .post_as(&stranger.token, "/v3/contact-list/create", &json!({ "contactListName": "Own" }))
        .await;
    let own = own.json()["contactListId"].as_str().expect("an id").to_owned();
    tells_nothing(&server, &theirs, &stranger.token, &own).await;
    assert_eq!(everything(&server, &theirs).await, before, "nothing of theirs was changed");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_a_token_that_is_limited_to_a_list_the_other_lists_of_its_account_are_not_there() {
    let server = Server::start().await;
    let theirs = furnish(&server).await;
    let own = server.ok("/v3/contact-list/create", &json!({ "contactListName": "Own" })).await;
    let own = own["contactListId"].as_str().expect("an id").to_owned();
    let limited = token(&server, false, Some(&[&own])).await;
    let nobodys = Ids::nobodys();
    // Sources are the account's: a token that is limited to lists uses them.
    let sources: HashSet<_> =
        METHODS.iter().filter(|method| method.path().contains("source")).map(|m| m.path()).collect();
    for method in METHODS.iter().filter(|method| !sources.contains(method.path())) {
        for (asked, unknown) in
            bodies(method.path(), &theirs, &own).into_iter().zip(bodies(method.path(), &nobodys, &own))
        {
            if asked.to_string().contains("ource") {
                continue;
            }
            let told = answer(&server, &limited, method.path(), &asked, &theirs).await;
            assert_eq!(
                told,
                answer(&server, &limited, method.path(), &unknown, &nobodys).await,
                "{} {asked}",
                method.path()
            );
            assert!(!told.1.contains("gold"), "{} {asked}: {}", method.path(), told.1);
        }
    }
    let there = server.contact(&theirs.list, "userId", "their-user").await;
    assert_eq!(there["email"], "their@example.com");
    server.stop().await;
}
