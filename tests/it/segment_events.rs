//! `segment.joined` and `segment.left`: who entered and left segments, as events of account webhooks.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use domain::clock::{ManualClock, SystemClock, Timestamp};
use serde_json::{Value, json};

use crate::harness::{Server, Setup};
use crate::receiver::Receiver;

const NAMES: [&str; 2] = ["segment.joined", "segment.left"];

/// The events that came, each once.
fn events(receiver: &Receiver) -> Vec<Value> {
    let mut seen = HashSet::new();
    let bodies = receiver.hooks().into_iter().map(|hook| hook.json());
    let all = bodies.flat_map(|body| body["events"].as_array().cloned().unwrap_or_else(|| vec![body]));
    all.filter(|event| seen.insert(event["eventId"].to_string())).collect()
}

async fn come(server: &Server, receiver: &Receiver, count: usize) -> Vec<Value> {
    server
        .wait_for(&format!("{count} events"), async || {
            let events = events(receiver);
            (events.len() >= count).then_some(events)
        })
        .await
}

async fn follow(server: &Server, receiver: &Receiver) {
    let body = json!({ "title": "CRM", "url": receiver.uri(), "events": NAMES });
    server.ok("/v3/webhook/create", &body).await;
}

async fn segment(server: &Server, list: &str, name: &str, filter: Value) -> String {
    let body = json!({ "contactListId": list, "name": name, "filter": filter });
    let created = server.ok("/v3/segment/create", &body).await;
    complete(server).await;
    created["segmentId"].as_str().expect("an id").to_owned()
}

/// Waits until the first membership of all segments is computed.
async fn complete(server: &Server) {
    server
        .wait_for("the first membership", async || {
            let lists = server.storage.segment_lists().await.expect("lists");
            let feeds = server.storage.segment_feeds().await.expect("feeds");
            let is_done = lists.iter().all(|list| {
                feeds.iter().any(|feed| feed.list == list.list && feed.saved == list.saved && !feed.building)
            });
            is_done.then_some(())
        })
        .await;
}

fn plan(value: &str) -> Value {
    json!({ "field": "variables.plan", "op": "is", "value": value })
}

fn with_plan(user: &str, value: &str) -> Value {
    json!({ "contact": user, "variables": [{ "name": "plan", "value": value }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_and_leaves_is_an_event_and_an_erased_contact_leaves_silently() {
    let server = Server::start().await;
    let list = server.list().await;
    let receiver = Receiver::start(Arc::new(SystemClock), &[], 204);
    server.update(&list, true, json!([with_plan("before", "pro"), with_plan("other", "free")])).await;
    follow(&server, &receiver).await;
    let id = segment(&server, &list, "Pro", plan("pro")).await;
    server.upsert(&list, with_plan("other", "pro")).await;
    let erased = server.ok("/v3/contact/erase", &json!({ "userId": "before" })).await;
    server.processed(erased["requestId"].as_str().expect("an id")).await;
    server.upsert(&list, with_plan("other", "free")).await;
    let sent = come(&server, &receiver, 2).await;
    let names: Vec<_> = sent.iter().map(|event| event["event"].clone()).collect();
    assert_eq!(names, NAMES, "no event about those who were there before, and none about the erased one");
    let contact = server.ok("/v3/contacts/find", &json!({ "contactListId": list })).await;
    let mut first = sent[0].clone();
    for key in ["datetime", "eventId"] {
        first.as_object_mut().expect("an object").remove(key).expect("a value");
    }
    let expected = json!({ "event": "segment.joined", "id": contact["contactIds"][0], "contactListId": list,
        "segmentId": id, "userId": "other", "email": null, "phoneNumber": null });
    assert_eq!(first, expected);
    assert_eq!(sent[1]["datetime"].as_i64().map(|at| at > 1_700_000_000), Some(true));

    // Another filter is no event, and later changes are asked by it.
    let change = json!({ "contactListId": list, "segmentId": id, "filter": plan("free") });
    server.ok("/v3/segment/update", &change).await;
    complete(&server).await;
    server.upsert(&list, with_plan("other", "pro")).await;
    let sent = come(&server, &receiver, 3).await;
    assert_eq!((&sent[2]["event"], sent.len()), (&json!("segment.left"), 3));

    // One before, one joined and left, one erased. With the other filter: one, who left.
    let get = json!({ "contactListId": list, "segmentId": id, "growthDays": 400 });
    let growth = server.ok("/v3/segment/get", &get).await["growth"].clone();
    let sum = |key: &str| -> i64 {
        growth.as_array().expect("days").iter().map(|day| day[key].as_i64().expect("a count")).sum()
    };
    let last = growth.as_array().and_then(|days| days.last()).expect("today");
    assert_eq!((&last["contacts"], sum("joined"), sum("left")), (&json!(0), 1, 3), "{growth}");
    let refused = server
        .refused("/v3/segment/get", &json!({ "contactListId": list, "segmentId": id, "growthDays": 401 }))
        .await;
    assert_eq!(refused, ["Argument growthDays must be an integer from 1 to 400"]);
    server.stop().await;
}

/// A small generator: the same numbers in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_changes_give_the_events_of_a_plain_model_also_across_a_restart() {
    let mut server = Server::start().await;
    let list = server.list().await;
    let receiver = Receiver::start(Arc::new(SystemClock), &[], 204);
    server.upsert(&list, with_plan("u0", "pro")).await;
    follow(&server, &receiver).await;
    let pro = segment(&server, &list, "A", plan("pro")).await;
    let named = segment(
        &server,
        &list,
        "B",
        json!({ "any": [{ "field": "name", "op": "notEmpty" }, { "field": "variables.plan", "op": "is", "value": "max" }] }),
    )
    .await;
    let mut contacts: BTreeMap<String, (String, bool)> =
        BTreeMap::from([("u0".to_owned(), ("pro".to_owned(), false))]);
    let (mut expected, mut numbers) = (Vec::new(), Numbers(20));
    for step in 0..60 {
        let user = format!("u{}", numbers.below(4));
        let is_in = |contact: Option<&(String, bool)>| {
            contact.map_or((false, false), |(plan, named)| (plan == "pro", *named || plan == "max"))
        };
        let before = is_in(contacts.get(&user));
        let mut requests = Vec::new();
        if numbers.below(5) == 0 && contacts.remove(&user).is_some() {
            let remove = json!({ "contactListId": list, "userIds": [user] });
            requests.push(server.ok("/v3/contacts/remove", &remove).await);
        } else {
            let value = ["pro", "free", "max"][numbers.below(3) as usize];
            let name = numbers.below(2) == 0;
            let mut contact = with_plan(&user, value);
            contact["name"] = if name { json!("Jo") } else { json!("") };
            let body = json!({ "contactListId": list, "upsert": true, "contacts": [contact] });
            requests.push(server.ok("/v3/contacts/update", &body).await);
            contacts.insert(user.clone(), (value.to_owned(), name));
        }
        let after = is_in(contacts.get(&user));
        for (segment, before, after) in [(&pro, before.0, after.0), (&named, before.1, after.1)] {
            if before != after {
                expected.push((NAMES[usize::from(!after)], segment.clone()));
            }
        }
        if step == 30 {
            server = server.restart(Setup::default()).await;
        }
        let last = requests.pop().expect("a request");
        if step % 10 == 9 {
            server.processed(last["requestId"].as_str().expect("an id")).await;
        }
    }
    let sent = come(&server, &receiver, expected.len()).await;
    let sent: Vec<_> =
        sent.iter().map(|event| (event["event"].as_str(), event["segmentId"].as_str())).collect();
    let expected: Vec<_> =
        expected.iter().map(|(name, segment)| (Some(*name), Some(segment.as_str()))).collect();
    assert_eq!(sent, expected);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_and_suppressions_change_members_without_a_change_of_the_contact() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_792_000_000_000)));
    let server = Server::with(Setup { clock: clock.clone(), ..Setup::default() }).await;
    let list = server.list().await;
    let receiver = Receiver::start(Arc::new(SystemClock), &[], 204);
    follow(&server, &receiver).await;
    let recent =
        segment(&server, &list, "New", json!({ "field": "createdAt", "op": "inLast", "value": 1 })).await;
    let blocked = json!({ "all": [{ "field": "suppressed", "op": "is", "value": true }, { "field": "userId", "op": "notEmpty" }] });
    let blocked = segment(&server, &list, "Blocked", blocked).await;
    server.upsert(&list, json!({ "contact": "u", "email": "user@example.com" })).await;
    let sent = come(&server, &receiver, 1).await;
    assert_eq!((&sent[0]["event"], &sent[0]["segmentId"]), (&json!("segment.joined"), &json!(recent)));
    let record = json!({ "email": "user@example.com", "rejectType": "hard" });
    server.ok("/v3/blacklist/add", &json!({ "records": [record] })).await;
    let sent = come(&server, &receiver, 2).await;
    assert_eq!((&sent[1]["event"], &sent[1]["segmentId"]), (&json!("segment.joined"), &json!(blocked)));
    // Within the hour after which a removed suppression is noticed, and before the day is over.
    server.ok("/v3/blacklist/remove", &json!({ "email": "user@example.com" })).await;
    clock.advance(Duration::from_secs(3_601));
    let sent = come(&server, &receiver, 3).await;
    assert_eq!((&sent[2]["event"], &sent[2]["segmentId"]), (&json!("segment.left"), &json!(blocked)));
    clock.advance(Duration::from_secs(86_400));
    let sent = come(&server, &receiver, 4).await;
    assert_eq!((&sent[3]["event"], &sent[3]["segmentId"]), (&json!("segment.left"), &json!(recent)));
    server.stop().await;
}
