//! The machine's clock is set back by an hour while the server runs, and between two runs: what is accepted is applied
//! in order, reported, and known by its id.

use std::sync::atomic::Ordering::SeqCst;

use serde_json::{Value, json};

use crate::process::{Process, Store, wait_for};
use crate::receiver;
use crate::shim::Shim;

const HOUR: i64 = 3_600;

fn update(server: &Process, token: &str, list: &str, score: u64) -> Value {
    let contacts = json!([{ "contact": "a", "contactScore": score }, { "contact": format!("c{score}") }]);
    let id = server.upsert(token, list, contacts);
    server.processed(token, &id)
}

/// Sends a request with a webhook, and waits until that is delivered; the request, as it is told then.
fn told(server: &Process, token: &str, list: &str, hook: &str) -> Value {
    let contacts = json!([{ "contact": "told" }]);
    let body = json!({ "contactListId": list, "upsert": true, "webHookUri": hook, "contacts": contacts });
    let accepted = server.ok("/v3/contacts/update", token, &body);
    let id = accepted["requestId"].as_str().expect("an id");
    wait_for("the webhook to be delivered", || {
        let request = server.processed(token, id);
        (request["webHook"] == json!({ "status": "delivered", "attempts": 1 })).then_some(request)
    })
}

/// The ids of all requests, the newest first.
fn listed(server: &Process, token: &str) -> Vec<Value> {
    let listed = server.ok("/v3/request/list", token, &json!({}));
    listed["data"].as_array().expect("rows").iter().map(|row| row["id"].clone()).collect()
}

#[test]
fn a_clock_that_is_set_back_while_the_server_runs_disturbs_nothing() {
    let store = Store::new();
    let shim = Shim::new(&store.database);
    let server = store.serve_with(|command| {
        shim.load_into(command);
        command.env("ROLLBOOK_WEBHOOK_ALLOW", "127.0.0.0/8");
    });
    let token = store.account("Shop").token;
    let list = server.list(&token);
    let (address, hooks) = receiver::counting();
    let hook = format!("http://{address}/");
    let mut requests = vec![update(&server, &token, &list, 1), told(&server, &token, &list, &hook)];
    for (clock, score) in [(-HOUR, 2), (HOUR, 3), (0, 4)] {
        shim.move_clock(clock);
        requests.push(update(&server, &token, &list, score));
        requests.push(told(&server, &token, &list, &hook));
    }
    assert_eq!(hooks.load(SeqCst), 4, "each is told once, and at once");
    for pair in requests.windows(2) {
        let [before, after] = pair else { panic!("two") };
        assert!(before["id"].as_str() < after["id"].as_str(), "ids are in the order of acceptance");
        assert!(
            before["createdAt"].as_str() <= after["createdAt"].as_str(),
            "and so are times: {before} {after}"
        );
        assert!(after["createdAt"].as_str() <= after["updatedAt"].as_str(), "{after}");
    }
    assert_eq!(server.contact(&token, &list, "a")["contactScore"], "4");
    let newest: Vec<_> = requests.iter().rev().map(|request| request["id"].clone()).collect();
    assert_eq!(listed(&server, &token), newest);
}

/// After a restart the process has the clock as it is. What was accepted before bears later times.
#[test]
fn a_clock_that_is_set_back_between_two_runs_loses_nothing_and_does_nothing_twice() {
    let store = Store::new();
    let shim = Shim::new(&store.database);
    let token = store.account("Shop").token;
    let server = store.serve_with(|command| shim.load_into(command));
    let list = server.list(&token);
    let send = |server: &Process, key: &str| {
        let body = json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "keyed" }] })
            .to_string();
        let head = crate::wire::head("/v3/contacts/update", &token, body.len());
        let head = head.replacen("\r\n", &format!("\r\nIdempotency-Key: {key}\r\n"), 1);
        let mut wire = server.connect();
        wire.write(format!("{head}{body}").as_bytes()).expect("sent");
        let reply = wire.read().expect("an answer");
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["requestId"].as_str().expect("an id").to_owned()
    };
    let first = send(&server, "once");
    let before = update(&server, &token, &list, 1);
    drop(server);
    shim.move_clock(-HOUR);
    let server = store.serve_with(|command| shim.load_into(command));
    assert_eq!(send(&server, "once"), first, "the key is remembered, and nothing is queued");
    let after = update(&server, &token, &list, 2);
    assert_ne!(before["id"], after["id"]);
    assert_eq!(server.contact(&token, &list, "a")["contactScore"], "2");
    assert_eq!(listed(&server, &token).len(), 3, "all are there");
    let wait = json!({ "contactListId": list, "userId": "c2", "waitFor": after["id"] });
    assert_eq!(server.ok("/v3/contact/get", &token, &wait)["contact"]["userId"], "c2");
    let info = wait_for("the account", || Some(server.ok("/v3/account/info", &token, &json!({}))));
    assert_eq!(info["accountName"], "Shop", "tokens work");
}
