//! Account webhooks: the changes of an account's contacts as events.

mod methods;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use domain::clock::{Clock as _, ManualClock, SystemClock, Timestamp};
use hyper::StatusCode;
use serde_json::{Value, json};
use storage::{DeliveryEnd, RetentionPolicy};

use crate::faults::{Fault, Switch};
use crate::harness::{Server, Setup, StoreKind};
use crate::process::{Store, wait_for};
use crate::receiver::Receiver;

const OWN: [&str; 4] = ["contact.created", "contact.updated", "contact.removed", "contact.erased"];

async fn create(server: &Server, receiver: &Receiver, more: Value) -> i64 {
    let mut body = json!({ "title": "CRM", "url": receiver.uri(), "events": OWN });
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let created = server.ok("/v3/webhook/create", &body).await;
    created["config"]["id"].as_i64().expect("an id")
}

/// The events that came, those of batches one by one.
fn events(receiver: &Receiver) -> Vec<Value> {
    let bodies = receiver.hooks().into_iter().map(|hook| hook.json());
    bodies.flat_map(|body| body["events"].as_array().cloned().unwrap_or_else(|| vec![body])).collect()
}

async fn come(server: &Server, receiver: &Receiver, count: usize) -> Vec<Value> {
    server
        .wait_for(&format!("{count} events"), async || {
            let events = events(receiver);
            (events.len() >= count).then_some(events)
        })
        .await
}

async fn state(server: &Server, id: i64) -> Value {
    let listed = server.ok("/v3/webhook/list", &json!({})).await;
    let data = listed["data"].as_array().expect("webhooks");
    data.iter().find(|webhook| webhook["id"] == id).expect("the webhook").clone()
}

async fn stands(server: &Server, id: i64, status: &str) -> Value {
    server
        .wait_for(&format!("the webhook to be {status}"), async || {
            let state = state(server, id).await;
            (state["status"] == status).then_some(state)
        })
        .await
}

/// On PostgreSQL, where webhooks are claimed once a minute while signals arrive.
#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_goes_on_at_once_after_a_panic() {
    let switch = Switch::new();
    let setup = Setup { store: StoreKind::Postgres, wrap: switch.wrap(), ..Setup::default() };
    let server = Server::with(setup).await;
    let list = server.list().await;
    let receiver = Receiver::start(Arc::new(SystemClock), &[], 204);
    create(&server, &receiver, json!({})).await;
    switch.set(Fault::PanicSecrets);
    server.upsert(&list, json!({ "contact": "user@example.com" })).await;
    server.wait_for("a panic", async || (switch.refused() > 0).then_some(())).await;
    switch.set(Fault::None);
    let sent = come(&server, &receiver, 1).await;
    assert_eq!((sent.len(), &sent[0]["event"]), (1, &json!("contact.created")), "{sent:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_sent_once_in_its_order_and_an_erased_contact_is_its_ids_alone() {
    let server = Server::start().await;
    let list = server.list().await;
    let receiver = Receiver::start(Arc::new(SystemClock), &[], 204);
    server.upsert(&list, json!({ "contact": "before@example.com" })).await;
    create(&server, &receiver, json!({})).await;
    let made =
        server.upsert(&list, json!({ "contact": "user@example.com", "userId": "u", "name": "Jo" })).await;
    server.upsert(&list, json!({ "contact": "u", "name": "Jane" })).await;
    server.upsert(&list, json!({ "contact": "u", "name": "Jane" })).await;
    let removed = server.ok("/v3/contacts/remove", &json!({ "contactListId": list, "userIds": ["u"] })).await;
    server.processed(removed["requestId"].as_str().expect("an id")).await;
    let sent = come(&server, &receiver, 3).await;
    let erased = server.ok("/v3/contact/erase", &json!({ "email": "before@example.com" })).await;
    server.processed(erased["requestId"].as_str().expect("an id")).await;
    let after = come(&server, &receiver, 4).await;
    let names: Vec<_> = after.iter().map(|event| event["event"].as_str().expect("a name")).collect();
    assert_eq!(names, ["contact.created", "contact.updated", "contact.removed", "contact.erased"]);
    assert_eq!((&sent[0]["email"], &sent[0]["userId"]), (&json!("user@example.com"), &json!("u")));
    assert_eq!(sent[0]["id"], made["id"]);
    assert_eq!(sent[1]["fields"], json!({ "name": { "from": "Jo", "to": "Jane" } }));
    let keys: Vec<_> = after[3].as_object().expect("an object").keys().cloned().collect();
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), 5, "{keys:?}");
    assert!(!after[3].to_string().contains("before"), "{}", after[3]);
    let ids: HashSet<_> = after.iter().map(|event| event["eventId"].clone()).collect();
    assert_eq!(ids.len(), 4);
    for (hook, event) in receiver.hooks().iter().zip(&after) {
        assert!(hook.is_signed_by(&server.webhook_secret));
        assert_eq!(hook.header("webhook-id"), event["eventId"]);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vendor_s_events_follow_the_flags() {
    let server = Server::start().await;
    let list = server.list().await;
    let receiver = Receiver::start(Arc::new(SystemClock), &[], 204);
    let asked = ["unsubscribed", "subscribed", "email-unsubscribed", "delivered"];
    let body = json!({ "title": "Flags", "url": receiver.uri(), "events": asked, "domain": "example.com" });
    let created = server.ok("/v3/webhook/create", &body).await;
    assert_eq!(created["warnings"][0]["code"], "EVENT_NEVER_SENT", "{created}");
    let config = &created["config"];
    assert_eq!((&config["domain"], &config["events"]), (&json!("example.com"), &json!(asked)));
    server.upsert(&list, json!({ "contact": "u", "active": true, "emailSubscribe": true })).await;
    server.upsert(&list, json!({ "contact": "u", "active": false, "emailSubscribe": false })).await;
    let sent = server
        .wait_for("the last event", async || {
            let events = events(&receiver);
            events.iter().any(|event| event["event"] == "email-unsubscribed").then_some(events)
        })
        .await;
    let last: Vec<_> = sent.iter().rev().take(2).map(|event| event["event"].clone()).collect();
    assert_eq!(last, [json!("email-unsubscribed"), json!("unsubscribed")]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suppressed_address_is_an_event_for_each_contact_that_has_it() {
    let setup = || Setup::default();
    let server = Server::with(setup()).await;
    let lists = [server.list().await, server.list().await];
    for list in &lists {
        let contacts = json!([{ "contact": "u", "email": "User@example.com" }, { "contact": "+15555555" }]);
        server.update(list, true, contacts).await;
    }
    let suppress = async |server: &Server, email: &str, reason: &str| {
        let record = json!({ "email": email, "rejectType": reason });
        server.ok("/v3/blacklist/add", &json!({ "records": [record] })).await
    };
    suppress(&server, "before@example.com", "hard").await;
    let receiver = Receiver::start(Arc::new(SystemClock), &[], 204);
    let body =
        json!({ "title": "CRM", "url": receiver.uri(), "events": ["contact.suppressed", "contact.updated"] });
    server.ok("/v3/webhook/create", &body).await;
    suppress(&server, "user@EXAMPLE.com", "hard").await;
    suppress(&server, "user@example.com", "hard").await;
    suppress(&server, "stranger@example.com", "complaint").await;
    let sent = come(&server, &receiver, 2).await;
    let contact = server.contact(&lists[0], "userId", "u").await;
    for (event, list) in sent.iter().zip(&lists) {
        assert_eq!((&event["event"], &event["contactListId"]), (&json!("contact.suppressed"), &json!(list)));
        assert_eq!((&event["userId"], &event["email"]), (&json!("u"), &json!("User@example.com")));
        assert_eq!(event["suppressed"], contact["suppressed"][0], "as contact/get shows it");
    }
    assert_ne!(sent[0]["eventId"], sent[1]["eventId"]);
    let server = server.restart(setup()).await;
    let phone = json!({ "records": [{ "phoneNumber": "+15555555", "rejectType": "unsubscribe" }] });
    server.ok("/v3/phone-blacklist/add", &phone).await;
    server.upsert(&lists[1], json!({ "contact": "u", "name": "Jo" })).await;
    let sent = come(&server, &receiver, 5).await;
    let mut rest: Vec<_> =
        sent[2..].iter().map(|event| (event["event"].to_string(), event["phoneNumber"].clone())).collect();
    rest.sort_by_key(|(event, _)| event.clone());
    let phone = |event: &str, phone: Value| (json!(event).to_string(), phone);
    assert_eq!(
        rest,
        [
            phone("contact.suppressed", json!("+15555555")),
            phone("contact.suppressed", json!("+15555555")),
            phone("contact.updated", Value::Null)
        ]
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_fails_and_recovers_gets_all_in_order_across_a_restart() {
    let clock = ManualClock::new(Timestamp::from_millis(1_792_022_400_000));
    let setup = || Setup { clock: Arc::new(clock.clone()), ..Setup::default() };
    let server = Server::with(setup()).await;
    let list = server.list().await;
    let receiver = Receiver::start(Arc::new(clock.clone()), &[204, 500, 500], 204);
    let id = create(&server, &receiver, json!({})).await;
    for number in 0..5 {
        server.upsert(&list, json!({ "contact": format!("user{number}") })).await;
    }
    let failing = stands(&server, id, "failing").await;
    assert_eq!(failing["failedAttempts"], 1, "{failing}");
    let server = server.restart(setup()).await;
    clock.advance(Duration::from_secs(100));
    server
        .wait_for("the second failure", async || {
            (state(&server, id).await["failedAttempts"] == 2).then_some(())
        })
        .await;
    clock.advance(Duration::from_secs(100));
    let sent = come(&server, &receiver, 7).await;
    let users: Vec<_> = sent.iter().map(|event| event["userId"].as_str().expect("a user")).collect();
    assert_eq!(users, ["user0", "user1", "user1", "user1", "user2", "user3", "user4"]);
    assert_eq!(sent[1]["eventId"], sent[3]["eventId"], "the same over all attempts");
    stands(&server, id, "active").await;
    let log = server.ok("/v3/webhook/deliveries", &json!({ "webhookId": id, "failed": true })).await;
    assert_eq!(log["totalCount"], 2, "{log}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_away_delays_no_other_and_no_applying() {
    let server = Server::start().await;
    let list = server.list().await;
    let hanging = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", hanging.local_addr().expect("its address"));
    let body = json!({ "title": "Slow", "url": url, "events": OWN, "parallel": true });
    let slow = server.ok("/v3/webhook/create", &body).await["config"]["id"].as_i64().expect("an id");
    let receiver = Receiver::start(Arc::new(SystemClock), &[], 204);
    create(&server, &receiver, json!({})).await;
    for number in 0..20 {
        server.upsert(&list, json!({ "contact": format!("user{number}") })).await;
    }
    assert_eq!(come(&server, &receiver, 20).await.len(), 20);
    stands(&server, slow, "failing").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_gone_pauses_its_webhook_and_a_resumed_one_leaves_nothing_out() {
    let server = Server::start().await;
    let list = server.list().await;
    let receiver = Receiver::start(Arc::new(SystemClock), &[410], 204);
    let id = create(&server, &receiver, json!({})).await;
    for number in 0..3 {
        server.upsert(&list, json!({ "contact": format!("user{number}") })).await;
    }
    let paused = stands(&server, id, "paused").await;
    assert_eq!(paused["reason"], DeliveryEnd::Status(410).to_string(), "{paused}");
    assert_eq!(events(&receiver).len(), 1);
    assert_eq!(server.ok("/v3/webhook/resume", &json!({ "id": id })).await, json!({ "result": true }));
    let sent = come(&server, &receiver, 4).await;
    let users: Vec<_> = sent.iter().map(|event| event["userId"].as_str().expect("a user")).collect();
    assert_eq!(users, ["user0", "user0", "user1", "user2"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_was_paused_for_longer_than_changes_are_stored_says_that_it_skipped_some() {
    let server = Server::start().await;
    let list = server.list().await;
    let receiver = Receiver::start(Arc::new(SystemClock), &[410], 204);
    let id = create(&server, &receiver, json!({})).await;
    server.upsert(&list, json!({ "contact": "lost" })).await;
    assert_eq!(stands(&server, id, "paused").await["skippedAt"], Value::Null);
    let (ever, far) = (Timestamp::from_millis(0), SystemClock.now().after(Duration::from_secs(3_600)));
    let keep = RetentionPolicy { requests: ever, history: far, keys: ever, ended: ever };
    while server.storage.prune(keep).await.expect("pruned") > 0 {}
    server.ok("/v3/webhook/resume", &json!({ "id": id })).await;
    let skipped = server
        .wait_for("the skip to be stored", async || {
            let state = state(&server, id).await;
            (state["skippedAt"] != Value::Null).then_some(state)
        })
        .await;
    assert_eq!(skipped["status"], "active", "{skipped}");
    server.upsert(&list, json!({ "contact": "next" })).await;
    let sent = come(&server, &receiver, 2).await;
    let users: Vec<_> = sent.iter().map(|event| event["userId"].as_str().expect("a user")).collect();
    assert_eq!(users, ["lost", "next"], "the first had been answered with 410");
    server.stop().await;
}

/// Each position of a webhook is worked by one node.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_send_each_event_once_and_in_order_where_asked() {
    const USERS: usize = 30;
    let store = Store::in_postgres();
    let token = store.account("Shop").token;
    let nodes = [(); 2].map(|()| {
        store.serve_with(|command| {
            command.args(["--webhook-allow", "127.0.0.0/8"]);
        })
    });
    let list = nodes[0].list(&token);
    let receivers = [(); 4].map(|()| Receiver::start(Arc::new(SystemClock), &[], 204));
    for (number, receiver) in receivers.iter().enumerate() {
        let body =
            json!({ "title": "CRM", "url": receiver.uri(), "events": OWN, "parallel": number % 2 == 1 });
        nodes[number / 2].ok("/v3/webhook/create", &token, &body);
    }
    let names: Vec<_> = (0..USERS).map(|number| format!("user{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        nodes[number % 2].upsert(&token, &list, json!([{ "contact": name }]));
    }
    for (number, receiver) in receivers.iter().enumerate() {
        let sent = wait_for("all events", || {
            let sent = events(receiver);
            (sent.len() >= USERS).then_some(sent)
        });
        let users: Vec<_> = sent.iter().map(|event| event["userId"].as_str().expect("a user")).collect();
        let ids: HashSet<_> = sent.iter().map(|event| event["eventId"].to_string()).collect();
        assert_eq!((sent.len(), ids.len()), (USERS, USERS), "each event once: {users:?}");
        if number % 2 == 0 {
            assert_eq!(users, names, "in order");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_fails_for_days_is_paused() {
    let clock = ManualClock::new(Timestamp::from_millis(1_792_022_400_000));
    let server = Server::with(Setup { clock: Arc::new(clock.clone()), ..Setup::default() }).await;
    let list = server.list().await;
    let receiver = Receiver::start(Arc::new(clock.clone()), &[], 500);
    let id = create(&server, &receiver, json!({})).await;
    server.upsert(&list, json!({ "contact": "a" })).await;
    stands(&server, id, "failing").await;
    clock.advance(Duration::from_secs(3 * 24 * 3_600));
    let paused = stands(&server, id, "paused").await;
    assert_eq!((&paused["reason"], &paused["failedAttempts"]), (&json!("HTTP_500"), &json!(2)));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_hold_up_to_as_many_events_as_asked_for() {
    let server = Server::start().await;
    let list = server.list().await;
    let receiver = Receiver::start(Arc::new(SystemClock), &[], 204);
    create(&server, &receiver, json!({ "batch": 40, "parallel": true })).await;
    let contacts: Vec<_> = (0..100).map(|number| json!({ "contact": format!("user{number}") })).collect();
    server.update(&list, true, json!(contacts)).await;
    let sent = come(&server, &receiver, 100).await;
    let users: HashSet<_> =
        sent.iter().map(|event| event["userId"].as_str().expect("a user").to_owned()).collect();
    assert_eq!((sent.len(), users.len()), (100, 100));
    let hooks = receiver.hooks();
    let sizes = hooks.iter().map(|hook| hook.json()["events"].as_array().expect("events").len());
    assert_eq!(sizes.max(), Some(40));
    server.stop().await;
}
