//! When a contact and a request say that they were made and changed (contract, sections 4 and 5).

use std::sync::Arc;
use std::time::Duration;

use domain::clock::{ManualClock, Timestamp};
use serde_json::json;

use crate::harness::{Server, Setup};

const SECOND: Duration = Duration::from_secs(1);

/// A server at 2026-10-14 23:59:58 UTC.
async fn server_at_a_known_time() -> (Server, ManualClock) {
    let clock = ManualClock::new(Timestamp::from_millis(1_792_022_398_000));
    let server = Server::with(Setup { clock: Arc::new(clock.clone()), ..Setup::default() }).await;
    (server, clock)
}

#[tokio::test(flavor = "multi_thread")]
async fn updated_at_moves_only_when_something_changed() {
    let (server, clock) = server_at_a_known_time().await;
    let list = server.list().await;
    let made = "2026-10-14 23:59:58";
    for (contact, action, updated) in [
        (
            json!({ "contact": "a", "name": "x", "active": true, "contactScore": 5,
            "cac": { "value": 1, "currency": "USD" }, "variables": [{ "name": "plan", "value": "x" }] }),
            "created",
            made,
        ),
        (json!({ "contact": "a" }), "unchanged", made),
        (
            json!({ "contact": "a", "name": "x", "active": true, "contactScore": "5.0", "contactGender": "unknown",
            "smsSubscribe": false, "lastName": "", "cac": { "value": "1.000000001", "currency": "USD" },
            "variables": [{ "name": "plan", "value": "x" }, { "name": "since", "value": null }] }),
            "unchanged",
            made,
        ),
        (json!({ "contact": "a", "userId": "a" }), "unchanged", made),
        (json!({ "contact": "a", "email": "user@example.com" }), "updated", "2026-10-15 00:00:02"),
        (json!({ "contact": "a", "email": "User@example.com" }), "updated", "2026-10-15 00:00:03"),
        (
            json!({ "contact": "a", "variables": [{ "name": "plan", "value": "y" }] }),
            "updated",
            "2026-10-15 00:00:04",
        ),
        (json!({ "contact": "a", "active": false }), "updated", "2026-10-15 00:00:05"),
        (json!({ "contact": "a", "active": false, "variables": [] }), "unchanged", "2026-10-15 00:00:05"),
        (json!({ "contact": "a", "cac": "" }), "updated", "2026-10-15 00:00:07"),
    ] {
        let result = server.upsert(&list, contact.clone()).await;
        assert_eq!(result["action"], action, "{contact}");
        let shown = server.contact(&list, "userId", "a").await;
        assert_eq!((&shown["createdAt"], &shown["updatedAt"]), (&json!(made), &json!(updated)), "{contact}");
        clock.advance(SECOND);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_item_leaves_the_time_of_its_contact() {
    let (server, clock) = server_at_a_known_time().await;
    let list = server.list().await;
    server.update(&list, true, json!([{ "contact": "a" }, { "contact": "b" }])).await;
    clock.advance(SECOND);
    let failed = json!([{ "contact": "a", "userId": "b", "name": "x" }, { "contact": "a", "userId": "" }]);
    let request = server.update(&list, false, failed).await;
    assert_eq!(request["results"]["errors"].as_array().unwrap().len(), 2);
    assert_eq!(server.contact(&list, "userId", "a").await["updatedAt"], "2026-10-14 23:59:58");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_says_when_it_came() {
    let (server, clock) = server_at_a_known_time().await;
    let list = server.list().await;
    clock.advance(SECOND * 2);
    let request = server.update(&list, true, json!([{ "contact": "a" }])).await;
    assert_eq!(
        (&request["createdAt"], &request["updatedAt"]),
        (&json!("2026-10-15 00:00:00"), &json!("2026-10-15 00:00:00"))
    );
    assert_eq!(&request["id"].as_str().unwrap()[..8], format!("{:08x}", 1_792_022_400));
    server.stop().await;
}
