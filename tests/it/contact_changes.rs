//! `/v3/contacts/changes`: pages, long polls, streams, and what is refused.

mod stream;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use domain::clock::{Clock as _, ManualClock, SystemClock, Timestamp};
use domain::token::{FreshToken, PresentedToken};
use hyper::StatusCode;
use serde_json::{Value, json};
use storage::{NewToken, RetentionPolicy, Scope};

use crate::harness::{PATIENCE, Server, Setup};
use crate::process::{program, run};

const PATH: &str = "/v3/contacts/changes";

fn changes(answer: &Value) -> &Vec<Value> {
    answer["changes"].as_array().expect("changes")
}

async fn now(server: &Server, list: &str) -> String {
    let answer = server.ok(PATH, &json!({ "contactListId": list })).await;
    assert_eq!(answer["changes"], json!([]));
    answer["next"].as_str().expect("a cursor").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_show_who_did_what_by_which_request_with_old_and_new_values() {
    let server = Server::start().await;
    let list = server.list().await;
    let source = server.source(&json!({ "name": "Fair" })).await;
    let start = now(&server, &list).await;
    let variables = json!([{ "name": "plan", "value": "gold" }]);
    let made = json!([{ "contact": "u", "email": "u@example.com", "active": true, "variables": variables }]);
    let made = server.update(&list, true, made).await;
    let changed = json!([{ "contact": "u", "active": false, "firstName": "Jo", "sourceId": source }]);
    let changed = json!({ "contactListId": list, "upsert": true, "contacts": changed });
    let changed = server.ok("/v3/contacts/update", &changed).await;
    server.processed(changed["requestId"].as_str().unwrap()).await;
    let removed = server.ok("/v3/contacts/remove", &json!({ "contactListId": list, "userIds": ["u"] })).await;
    server.processed(removed["requestId"].as_str().unwrap()).await;
    let body = json!({ "contactListId": list, "after": start, "include": "changes" });
    let answer = server.ok(PATH, &body).await;
    let key = PresentedToken::parse(&server.token).expect("a token").key;
    let mut told = changes(&answer).clone();
    let cursors: Vec<_> = told.iter().map(|change| change["cursor"].clone()).collect();
    assert_eq!(cursors.last(), Some(&answer["next"]));
    for change in &mut told {
        let members = change.as_object_mut().unwrap();
        for key in ["cursor", "at", "requestId"] {
            members.remove(key).expect("a member");
        }
    }
    let id = made["results"]["success"][0]["id"].clone();
    let same = |action: &str, source: &str, fields: Value| {
        json!({ "contactListId": list, "contactId": id, "userId": "u", "email": "u@example.com",
            "phoneNumber": null, "action": action, "source": source, "by": key, "fields": fields })
    };
    let expected = [
        same(
            "created",
            "contacts/update",
            json!({ "userId": { "from": null, "to": "u" }, "email": { "from": null, "to": "u@example.com" },
                "active": { "from": false, "to": true }, "variables.plan": { "from": null, "to": "gold" } }),
        ),
        same(
            "updated",
            "contacts/update",
            json!({ "active": { "from": true, "to": false }, "firstName": { "from": null, "to": "Jo" },
                "sourceId": { "from": null, "to": source } }),
        ),
        same(
            "removed",
            "contacts/remove",
            json!({ "userId": { "from": "u", "to": null }, "email": { "from": "u@example.com", "to": null },
                "firstName": { "from": "Jo", "to": null }, "sourceId": { "from": source, "to": null },
                "variables.plan": { "from": "gold", "to": null } }),
        ),
    ];
    assert_eq!(told, expected);
    assert_eq!(changes(&answer)[1]["requestId"], changed["requestId"]);
    let rest = server.ok(PATH, &json!({ "contactListId": list, "after": cursors[1] })).await;
    assert_eq!(changes(&rest).len(), 1);
    assert!(changes(&rest)[0].get("fields").is_none());
    let fields = json!(["variables.plan", "firstName"]);
    let body = json!({ "contactListId": list, "after": "start", "fields": fields, "include": "changes", "limit": 2 });
    let some = server.ok(PATH, &body).await;
    assert_eq!(changes(&some)[0]["fields"], json!({ "variables.plan": { "from": null, "to": "gold" } }));
    assert_eq!(changes(&some)[1]["fields"], json!({ "firstName": { "from": null, "to": "Jo" } }));
    let now =
        server.ok(PATH, &json!({ "contactListId": list, "after": "start", "include": "contact" })).await;
    assert!(changes(&now).iter().all(|change| change.get("contact").is_none()), "it is gone");
    server.update(&list, true, json!([{ "contact": "v" }])).await;
    let body = json!({ "contactListId": list, "after": now["next"], "include": "contact" });
    let now = server.ok(PATH, &body).await;
    assert_eq!(changes(&now)[0]["contact"], server.contact(&list, "userId", "v").await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_and_the_changes_behind_its_cursor_are_complete_and_name_contacts_alike() {
    let server = Server::start().await;
    let list = server.list().await;
    server.update(&list, true, json!([{ "contact": "a" }, { "contact": "b" }])).await;
    let page = server.ok("/v3/contacts/find", &json!({ "contactListId": list, "limit": 1 })).await;
    let second = json!({ "contactListId": list, "after": page["next"] });
    assert!(server.ok("/v3/contacts/find", &second).await.get("cursor").is_none());
    server.update(&list, true, json!([{ "contact": "a", "firstName": "Jo" }, { "contact": "c" }])).await;
    let answer = server.ok(PATH, &json!({ "contactListId": list, "after": page["cursor"] })).await;
    let told: Vec<_> = changes(&answer).iter().map(|change| (&change["action"], &change["userId"])).collect();
    assert_eq!(told, [(&json!("updated"), &json!("a")), (&json!("created"), &json!("c"))]);
    assert_eq!(changes(&answer)[0]["contactId"], page["contactIds"][0]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_lists_are_followed_as_far_as_the_token_sees_them() {
    let server = Server::start().await;
    let lists = [server.list().await, server.list().await];
    let start = server.ok(PATH, &json!({})).await["next"].clone();
    for list in &lists {
        server.update(list, true, json!([{ "contact": "a" }])).await;
    }
    let late = server.list().await;
    server.update(&late, true, json!([{ "contact": "a" }])).await;
    let answer = server.ok(PATH, &json!({ "after": start })).await;
    let mut told: Vec<_> =
        changes(&answer).iter().map(|change| change["contactListId"].as_str().unwrap()).collect();
    told.sort_unstable();
    let mut expected = vec![lists[0].as_str(), &lists[1], &late];
    expected.sort_unstable();
    assert_eq!(told, expected);
    let fresh = FreshToken::generate();
    let scope = Scope { read_only: true, lists: Some(vec![lists[0].parse_id()]) };
    let token = NewToken {
        key: fresh.key.clone(),
        secret_hash: fresh.secret_hash,
        name: "one list".to_owned(),
        expires_at: None,
        scope,
    };
    server.storage.add_token(server.user, token, SystemClock.now()).await.expect("a token");
    let answer = server.post_as(&fresh.text, PATH, &json!({ "after": "start" })).await.json();
    assert_eq!(changes(&answer).len(), 1);
    assert_eq!(changes(&answer)[0]["contactListId"], lists[0]);
    let refused = server.post_as(&fresh.text, PATH, &json!({ "contactListId": lists[1] })).await;
    assert_eq!(refused.json()["details"][0]["code"], "LIST_NOT_FOUND");
    server.ok("/v3/contact-list/remove", &json!({ "contactListId": lists[1], "confirm": "Customers" })).await;
    let answer = server.ok(PATH, &json!({ "after": start })).await;
    assert_eq!(changes(&answer).len(), 2, "a removed list is gone from the feed");
    server.stop().await;
}

/// The id of a list that a test knows as text.
trait ParseId {
    fn parse_id(&self) -> domain::id::ObjectId;
}

impl ParseId for String {
    fn parse_id(&self) -> domain::id::ObjectId {
        domain::id::ObjectId::parse(self).expect("an id")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_request_is_told_at_once() {
    let server = Server::start().await;
    let (list, other) = (server.list().await, server.list().await);
    let codes = async |body: Value| {
        let answer = server.post(PATH, &body).await;
        let details = answer.json()["details"].clone();
        let codes = details.as_array().expect("details").iter();
        let codes: Vec<_> = codes.map(|problem| problem["code"].as_str().unwrap().to_owned()).collect();
        (answer.status.as_u16(), codes)
    };
    let refused = |codes: &[&str]| (400, codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>());
    let wrong = json!({ "contactListId": "", "after": "no cursor", "limit": 0, "waitSeconds": 31,
        "fields": ["nose"], "include": "all" });
    let all = [
        "INVALID_LIST_ID",
        "INVALID_AFTER",
        "INVALID_FIELDS",
        "INVALID_INCLUDE",
        "INVALID_LIMIT",
        "INVALID_WAIT",
    ];
    assert_eq!(codes(wrong).await, refused(&all));
    assert_eq!(codes(json!({ "contactListId": "nobody" })).await, refused(&["LIST_NOT_FOUND"]));
    let cursor = now(&server, &list).await;
    let elsewhere = json!({ "contactListId": other, "after": cursor });
    assert_eq!(codes(elsewhere).await, refused(&["CURSOR_UNKNOWN"]));
    assert_eq!(codes(json!({ "after": cursor })).await, refused(&["CURSOR_UNKNOWN"]));
    for fields in [json!([]), json!("firstName"), json!([1])] {
        let body = json!({ "contactListId": list, "fields": fields });
        assert_eq!(codes(body).await, refused(&["INVALID_FIELDS"]));
    }
    server.update(&list, true, json!([{ "contact": "a" }])).await;
    let far = SystemClock.now().after(Duration::from_secs(3_600));
    let ever = Timestamp::from_millis(0);
    let keep = RetentionPolicy { requests: ever, history: far, keys: ever, ended: ever };
    while server.storage.prune(keep).await.expect("pruned") > 0 {}
    let answer = server.post(PATH, &json!({ "contactListId": list, "after": cursor })).await;
    assert_eq!(
        (answer.status, &answer.json()["details"][0]["code"]),
        (StatusCode::GONE, &json!("CURSOR_EXPIRED"))
    );
    assert!(!answer.headers.contains_key("retry-after"));
    let url = format!("http://{}", server.address);
    let follow =
        ["follow", "--once", "--url", &url, "--token", &server.token, "--list", &list, "--after", &cursor];
    let printed = tokio::task::block_in_place(|| run(program().args(follow)));
    assert_eq!((printed.code, printed.out.as_str()), (Some(3), ""), "{}", printed.err);
    let told: Vec<_> = printed.err.lines().collect();
    assert!(told[0].contains("The cursor is older than the changes that are stored"), "{told:?}");
    assert_eq!(
        told[1],
        "rollbook: to continue, store a new cursor first (--once without --after and with a new --cursor-file), then \
         export the list, then follow from that cursor"
    );
    let cursor = now(&server, &list).await;
    let answer = server.ok(PATH, &json!({ "contactListId": list, "after": cursor })).await;
    assert_eq!(answer["changes"], json!([]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_waits_outside_of_the_requests_in_flight_until_something_changes() {
    let mut setup = Setup::default();
    setup.limits.in_flight = 1;
    let server = Arc::new(Server::with(setup).await);
    let list = server.list().await;
    let cursor = now(&server, &list).await;
    let poll = |cursor: String| {
        let (server, list) = (Arc::clone(&server), list.clone());
        let body = json!({ "contactListId": list, "after": cursor, "waitSeconds": 30 });
        tokio::spawn(async move { server.ok(PATH, &body).await })
    };
    // Of 21 the first gives way; all others hear of the change.
    let inside = server.inside().await;
    let waiting = async |count: usize| {
        let what = format!("{count} to wait");
        server.wait_for(&what, async || (inside.app.followers.count() == count).then_some(())).await;
    };
    let mut polls = Vec::new();
    for count in 1..=20 {
        polls.push(poll(cursor.clone()));
        waiting(count).await;
        let other = server.post(PATH, &json!({ "contactListId": list })).await;
        assert_eq!(other.status, StatusCode::OK, "waiting polls take no place");
    }
    polls.push(poll(cursor.clone()));
    let first =
        tokio::time::timeout(PATIENCE, polls.remove(0)).await.expect("it gives way").expect("an answer");
    assert_eq!((changes(&first).len(), first["next"].as_str()), (0, Some(cursor.as_str())));
    assert!(polls.iter().all(|poll| !poll.is_finished()));
    server.update(&list, true, json!([{ "contact": "a" }])).await;
    for poll in polls {
        let answer = tokio::time::timeout(PATIENCE, poll).await.expect("it is woken").expect("an answer");
        assert_eq!(changes(&answer).len(), 1);
    }
    let short = json!({ "contactListId": list, "after": now(&server, &list).await, "waitSeconds": 1 });
    let answer = server.ok(PATH, &short).await;
    assert_eq!((changes(&answer).len(), &answer["next"]), (0, &short["after"]));
    // A stop does not wait for those who wait.
    let last = poll(now(&server, &list).await);
    waiting(1).await;
    drop(inside);
    server.begin_stop();
    let last = tokio::time::timeout(Duration::from_secs(20), last).await;
    let answer = last.expect("before its end").expect("an answer");
    assert_eq!(changes(&answer).len(), 0);
    Arc::into_inner(server).expect("the last one").stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_name_the_limit_of_concurrent_requests() {
    let server = Server::start().await;
    let answer = server.post("/v3/account/info", &json!({})).await;
    assert_eq!(answer.headers["ratelimit-policy"], r#""concurrency";q=10;qu="concurrent-requests""#);
    assert!(!answer.headers.contains_key("ratelimit"));
    assert_eq!(answer.headers["cache-control"], "no-store");
    server.stop().await;
}
