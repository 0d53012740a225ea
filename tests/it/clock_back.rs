//! The machine's clock is set back by an hour while the server runs, and between two runs: what is accepted is applied
//! in order, reported, and known by its id. A clock that is ahead at a start deletes nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use async_trait::async_trait;
use domain::clock::{Clock, ManualClock, Timestamp};
use serde_json::{Value, json};

use crate::harness::{Server, Setup};
use crate::process::{Process, Store, wait_for};
use crate::receiver::{self, Receiver};
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

/// Sends a request with a key; its id.
fn keyed(server: &Process, token: &str, list: &str, key: &str) -> String {
    let body =
        json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "keyed" }] }).to_string();
    let head = crate::wire::head("/v3/contacts/update", token, body.len());
    let head = head.replacen("\r\n", &format!("\r\nIdempotency-Key: {key}\r\n"), 1);
    let mut wire = server.connect();
    wire.write(format!("{head}{body}").as_bytes()).expect("sent");
    let reply = wire.read().expect("an answer");
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["requestId"].as_str().expect("an id").to_owned()
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
    let first = keyed(&server, &token, &list, "once");
    let before = update(&server, &token, &list, 1);
    drop(server);
    shim.move_clock(-HOUR);
    let server = store.serve_with(|command| shim.load_into(command));
    assert_eq!(keyed(&server, &token, &list, "once"), first, "the key is remembered, and nothing is queued");
    let after = update(&server, &token, &list, 2);
    assert_ne!(before["id"], after["id"]);
    assert_eq!(server.contact(&token, &list, "a")["contactScore"], "2");
    assert_eq!(listed(&server, &token).len(), 3, "all are there");
    let wait = json!({ "contactListId": list, "userId": "c2", "waitFor": after["id"] });
    assert_eq!(server.ok("/v3/contact/get", &token, &wait)["contact"]["userId"], "c2");
    let info = wait_for("the account", || Some(server.ok("/v3/account/info", &token, &json!({}))));
    assert_eq!(info["accountName"], "Shop", "tokens work");
}

/// Histories, requests and keys are stored until their time has really passed, whatever a clock shows for a while.
#[test]
fn a_clock_that_is_ahead_at_a_start_deletes_nothing() {
    let store = Store::new();
    let shim = Shim::new(&store.database);
    let token = store.account("Shop").token;
    let server = store.serve_with(|command| shim.load_into(command));
    let list = server.list(&token);
    let first = keyed(&server, &token, &list, "once");
    server.processed(&token, &first);
    let [_, _, last] = [1, 2, 3].map(|score| update(&server, &token, &list, score));
    let history = |server: &Process| {
        let of = json!({ "contactListId": list, "userId": "a" });
        server.ok("/v3/contact/history", &token, &of)["totalCount"].clone()
    };
    let before = (history(&server), listed(&server, &token).len());
    assert_eq!(before, (json!(3), 4));
    let mut server = server;
    for (days, jumped) in [(100, true), (0, false)] {
        drop(server);
        server = server_of(&store, &shim, days);
        // It looks at what is old as soon as it has started.
        wait_for("the jump to be noticed", || {
            (server.log().contains("retention: the system clock jumped") == jumped).then_some(())
        });
        assert_eq!(keyed(&server, &token, &list, "once"), first, "{days}: the key is known");
        assert_eq!((history(&server), listed(&server, &token).len()), before, "{days}");
    }
    let undone = server.ok("/v3/request/undo", &token, &json!({ "requestId": last["id"] }));
    let undo = server.processed(&token, undone["requestId"].as_str().expect("an id"));
    assert_eq!(undo["results"]["errors"], json!([]), "{undo}");
    assert_eq!(server.contact(&token, &list, "a")["contactScore"], "2");
}

/// A server whose clock is so many days ahead from its start on.
fn server_of(store: &Store, shim: &Shim, days: i64) -> Process {
    shim.move_clock(days * 24 * HOUR);
    store.serve_with(|command| shim.load_into(command))
}

/// A clock that was set back by an hour, and is being caught up with.
struct CatchingUp(ManualClock);

#[async_trait]
impl Clock for CatchingUp {
    fn now(&self) -> Timestamp {
        self.0.now().after(Duration::from_secs(3_600))
    }

    fn system(&self) -> Timestamp {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    async fn sleep_until(&self, time: Timestamp) {
        self.0.sleep_until(time.before(Duration::from_secs(3_600))).await;
    }
}

/// Receivers reject what was signed minutes before or after their own time.
#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_signed_with_the_time_of_the_system() {
    let real = ManualClock::new(Timestamp::from_millis(1_792_022_400_000));
    let setup = Setup { clock: Arc::new(CatchingUp(real.clone())), ..Setup::default() };
    let server = Server::with(setup).await;
    let list = server.list().await;
    let receiver = Receiver::start(Arc::new(real.clone()), &[], 204);
    let body = json!({ "contactListId": list, "upsert": true, "webHookUri": receiver.uri(),
        "contacts": [{ "contact": "a" }] });
    server.ok("/v3/contacts/update", &body).await;
    let hook = server.wait_for("the webhook", async || receiver.hooks().pop()).await;
    assert_eq!(hook.header("webhook-timestamp"), real.now().seconds().to_string());
    server.stop().await;
}
