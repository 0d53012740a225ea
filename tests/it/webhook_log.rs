//! The delivery log: what an integrator sees of webhooks, and what can be done about those that failed.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::{Clock, ManualClock, Timestamp};
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Server, Setup};
use crate::receiver::Receiver;

struct Shop {
    server: Server,
    list: String,
    clock: ManualClock,
}

impl Shop {
    async fn open() -> Self {
        let clock = ManualClock::new(Timestamp::from_millis(1_792_022_400_000));
        let server = Server::with(Setup { clock: Arc::new(clock.clone()), ..Setup::default() }).await;
        let list = server.list().await;
        Self { server, list, clock }
    }

    fn receiver(&self, next: &[u16], then: u16) -> Receiver {
        Receiver::start(Arc::new(self.clock.clone()), next, then)
    }

    async fn send(&self, uri: &str) -> String {
        let body = json!({ "contactListId": self.list, "webHookUri": uri, "upsert": true,
            "contacts": [{ "contact": "user@example.com" }] });
        let answer = self.server.ok("/v3/contacts/update", &body).await;
        answer["requestId"].as_str().expect("an id").to_owned()
    }

    async fn stands(&self, request: &str, status: &str, attempts: usize) {
        let what = format!("the webhook to be {status} after {attempts} attempts");
        self.server
            .wait_for(&what, async || {
                let found = self.server.processed(request).await;
                let web_hook = &found["webHook"];
                (web_hook["status"] == status && web_hook["attempts"] == attempts).then_some(())
            })
            .await;
    }

    async fn deliveries(&self, filter: Value) -> Vec<Value> {
        let answer = self.server.ok("/v3/webhook/deliveries", &filter).await;
        let data = answer["data"].as_array().expect("attempts").clone();
        assert_eq!(answer["totalCount"], data.len(), "{answer}");
        data
    }
}

#[tokio::test]
async fn every_attempt_is_logged_with_its_cause_or_status() {
    let shop = Shop::open().await;
    let receiver = shop.receiver(&[503], 204);
    let request = shop.send(&receiver.uri()).await;
    shop.stands(&request, "pending", 1).await;
    shop.clock.advance(Duration::from_secs(100));
    shop.stands(&request, "delivered", 2).await;
    let private = shop.send("http://10.0.0.1/").await;
    shop.stands(&private, "failed", 1).await;

    let mut all = shop.deliveries(json!({})).await;
    assert!(all.iter().all(|attempt| attempt["durationMs"].as_u64().is_some_and(|took| took < 60_000)));
    for attempt in &mut all {
        let members = attempt.as_object_mut().expect("an object");
        members.shift_remove("durationMs");
        assert!(members.shift_remove("id").is_some());
    }
    let now = shop.clock.now().to_string();
    let first = Timestamp::from_millis(1_792_022_400_000).to_string();
    let attempt = |url: &str, request: &str, number: u32, at: &str, rest: Value| {
        let mut attempt = json!({ "webhookId": null, "requestId": request, "url": url, "attempt": number,
            "events": 1, "at": at });
        attempt.as_object_mut().expect("an object").extend(rest.as_object().expect("an object").clone());
        attempt
    };
    assert_eq!(
        all,
        [
            attempt(
                "http://10.0.0.1/",
                &private,
                1,
                &now,
                json!({ "delivered": false,
                "reason": "ADDRESS_NOT_ALLOWED", "status": null, "response": "" })
            ),
            attempt(
                &receiver.uri(),
                &request,
                2,
                &now,
                json!({ "delivered": true, "reason": null,
                "status": 204, "response": "" })
            ),
            attempt(
                &receiver.uri(),
                &request,
                1,
                &first,
                json!({ "delivered": false, "reason": "HTTP_503",
                "status": 503, "response": "" })
            ),
        ]
    );
    assert_eq!(shop.deliveries(json!({ "failed": true })).await.len(), 2);
    assert_eq!(shop.deliveries(json!({ "failed": false })).await.len(), 1);
    assert_eq!(shop.deliveries(json!({ "requestId": private })).await.len(), 1);
    assert_eq!(shop.deliveries(json!({ "requestId": "nonsense" })).await.len(), 0);
    assert_eq!(shop.deliveries(json!({ "webhookId": 1 })).await.len(), 0);

    let health = shop.server.ok("/v3/webhook/health", &json!({})).await;
    let of_receiver = health["data"].as_array().expect("receivers").iter();
    let of_receiver = of_receiver
        .map(|row| (row["attempts"].clone(), row["failed"].clone(), row["lastFailure"]["reason"].clone()));
    let expected =
        [(json!(1), json!(1), json!("ADDRESS_NOT_ALLOWED")), (json!(2), json!(1), json!("HTTP_503"))];
    let mut found: Vec<_> = of_receiver.collect();
    found.sort_by_key(|(attempts, ..)| attempts.as_u64());
    assert_eq!(found, expected);
    shop.server.stop().await;
}

#[tokio::test]
async fn the_beginning_of_an_answer_is_logged_as_text() {
    let shop = Shop::open().await;
    let receiver =
        Receiver::with_body(Arc::new(shop.clock.clone()), 400, &format!("<b>no</b>{}", "é".repeat(5_000)));
    let request = shop.send(&receiver.uri()).await;
    shop.stands(&request, "pending", 1).await;
    let logged = shop.deliveries(json!({})).await;
    let text = logged[0]["response"].as_str().expect("a text");
    assert_eq!((text.len(), &text[..11]), (1_023, "<b>no</b>é"));
    shop.server.stop().await;
}

#[tokio::test]
async fn webhooks_are_sent_again_by_request_and_all_that_failed_since() {
    let shop = Shop::open().await;
    let receiver = shop.receiver(&[410, 410, 410], 204);
    let mut requests = Vec::new();
    for _ in 0..3 {
        let request = shop.send(&receiver.uri()).await;
        shop.stands(&request, "failed", 1).await;
        requests.push(request);
        shop.clock.advance(Duration::from_secs(3_600));
    }
    let one = json!({ "requestId": requests[0] });
    assert_eq!(shop.server.ok("/v3/webhook/resend", &one).await, json!({ "result": true }));
    // The outbox is looked at once a second.
    shop.clock.advance(Duration::from_secs(1));
    shop.stands(&requests[0], "delivered", 1).await;
    let since = json!({ "from": Timestamp::from_millis(1_792_022_400_000 + 1_800_000).to_string() });
    let again = shop.server.ok("/v3/webhook/resend-failed", &since).await;
    assert_eq!(again, json!({ "result": true, "resent": 2, "more": false }));
    shop.clock.advance(Duration::from_secs(1));
    for request in &requests[1..] {
        shop.stands(request, "delivered", 1).await;
    }
    let again = shop.server.ok("/v3/webhook/resend-failed", &since).await;
    assert_eq!(again["resent"], 0);
    assert_eq!(receiver.hooks().len(), 6);

    let silent = shop.server.update(&shop.list, true, json!([{ "contact": "a" }])).await;
    for id in ["nonsense", silent["id"].as_str().expect("an id")] {
        let refused = shop.server.refused("/v3/webhook/resend", &json!({ "requestId": id })).await;
        assert_eq!(refused, [format!("Request {id} has no webhook that can be sent again")]);
    }
    let refused = shop.server.refused("/v3/webhook/resend-failed", &json!({})).await;
    assert_eq!(refused, ["Argument from required"]);
    let other = shop.server.bearer("Other").await;
    let answer = shop.server.post_as(&other.token, "/v3/webhook/resend", &one).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "a request of another account");
    shop.server.stop().await;
}

#[tokio::test]
async fn a_test_event_is_signed_and_logged_whatever_comes_of_it() {
    let shop = Shop::open().await;
    let receiver = shop.receiver(&[], 204);
    let sent = shop.server.ok("/v3/webhook/test", &json!({ "url": receiver.uri() })).await;
    let [hook] = &receiver.hooks()[..] else { panic!("one event") };
    assert!(hook.is_signed_by(&shop.server.webhook_secret));
    let id = sent["delivery"]["id"].as_str().expect("an id");
    assert_eq!(hook.header("webhook-id"), id);
    let body = hook.json();
    assert_eq!((&body["event"], &body["id"]), (&json!("webhook.test"), &json!(id)));
    let refused = shop.server.ok("/v3/webhook/test", &json!({ "url": "http://10.0.0.1/" })).await;
    assert_eq!(refused["delivery"]["reason"], "ADDRESS_NOT_ALLOWED");
    let logged = shop.deliveries(json!({})).await;
    assert_eq!(logged, [refused["delivery"].clone(), sent["delivery"].clone()]);
    for url in [json!("ftp://example.com/"), json!(7), json!("http://user:secret@example.com/")] {
        let refused = shop.server.refused("/v3/webhook/test", &json!({ "url": url })).await;
        assert_eq!(refused, ["Argument url must be a valid URI"]);
    }
    shop.server.stop().await;
}

#[tokio::test]
async fn a_test_event_goes_to_an_account_webhook_by_its_id() {
    let shop = Shop::open().await;
    let receiver = shop.receiver(&[], 204);
    let webhook = json!({ "title": "CRM", "url": receiver.uri(), "events": ["contact.created"] });
    let id = shop.server.ok("/v3/webhook/create", &webhook).await["config"]["id"].clone();
    let sent = shop.server.ok("/v3/webhook/test", &json!({ "id": id })).await;
    assert_eq!((&sent["delivery"]["webhookId"], &sent["delivery"]["url"]), (&id, &json!(receiver.uri())));
    assert_eq!(receiver.hooks().len(), 1);
    assert_eq!(shop.deliveries(json!({ "webhookId": id })).await, [sent["delivery"].clone()]);
    for (body, error) in [
        (json!({}), "Argument url required"),
        (json!({ "id": "x" }), "Argument id must be a positive integer"),
        (json!({ "id": 7 }), "Web hook config 7 not found in your account"),
        (json!({ "id": id, "url": receiver.uri() }), "Name url or id, not both"),
    ] {
        assert_eq!(shop.server.refused("/v3/webhook/test", &body).await, [error], "{body}");
    }
    let other = shop.server.bearer("Other").await;
    let answer = shop.server.post_as(&other.token, "/v3/webhook/test", &json!({ "id": id })).await;
    assert_eq!((answer.status.as_u16(), receiver.hooks().len()), (400, 1), "a webhook of another account");
    shop.server.stop().await;
}

#[tokio::test]
async fn an_erase_leaves_no_answer_in_the_log() {
    let shop = Shop::open().await;
    let receiver = Receiver::with_body(Arc::new(shop.clock.clone()), 200, "user@example.com is stored");
    let request = shop.send(&receiver.uri()).await;
    shop.stands(&request, "delivered", 1).await;
    assert_eq!(shop.deliveries(json!({})).await[0]["response"], "user@example.com is stored");
    shop.clock.advance(Duration::from_secs(60));
    let erased = shop.server.ok("/v3/contact/erase", &json!({ "email": "user@example.com" })).await;
    shop.server.processed(erased["requestId"].as_str().expect("an id")).await;
    let left = shop.deliveries(json!({})).await;
    assert_eq!((&left[0]["response"], &left[0]["status"]), (&Value::Null, &json!(200)));
    shop.server.stop().await;
}
