//! Status webhooks: what is sent, until when it is sent again, and how long that is remembered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use app::webhook::send::{Message, Transport};
use app::webhook::sign::Secret;
use domain::clock::{Clock, ManualClock, Timestamp};
use domain::id::ObjectId;
use serde_json::{Value, json};
use storage::{DeliveryEnd, Response};
use tokio::net::TcpListener;

use crate::harness::{Server, Setup};
use crate::receiver::{Hook, Receiver};

/// The seconds before each retry, as the vendor documents them: 3 of 100 s, 6 of 600 s, 6 of 3,600 s.
const WAITS: [u64; 15] = [100, 100, 100, 600, 600, 600, 600, 600, 600, 3600, 3600, 3600, 3600, 3600, 3600];

const MILLI: Duration = Duration::from_millis(1);

/// A server and a list on a clock that stands until the test moves it.
struct Shop {
    server: Server,
    list: String,
    clock: ManualClock,
    /// Takes every webhook: a message to it shows that the outbox was looked at.
    canary: Receiver,
}

fn setup(clock: &ManualClock) -> Setup {
    Setup { clock: Arc::new(clock.clone()), ..Setup::default() }
}

impl Shop {
    async fn open() -> Self {
        let clock = ManualClock::new(Timestamp::from_millis(1_792_022_400_000));
        let server = Server::with(setup(&clock)).await;
        let list = server.list().await;
        let canary = Receiver::start(Arc::new(clock.clone()), &[], 204);
        Self { server, list, clock, canary }
    }

    fn receiver(&self, next: &[u16], then: u16) -> Receiver {
        Receiver::start(Arc::new(self.clock.clone()), next, then)
    }

    /// Sends a batch that reports to `uri`; the request's id.
    async fn send(&self, uri: &str) -> String {
        send(&self.server, &self.list, uri).await
    }

    /// Waits until the webhook of a request stands so, and returns the request.
    async fn stands(&self, request: &str, status: &str, attempts: usize) -> Value {
        stands(&self.server, request, status, attempts).await
    }

    /// Returns once the outbox was looked at as of now: a new message has been sent and written down.
    async fn outbox_is_looked_at(&self) {
        let request = self.send(&self.canary.uri()).await;
        self.stands(&request, "delivered", 1).await;
    }
}

async fn send(server: &Server, list: &str, uri: &str) -> String {
    let body = json!({ "contactListId": list, "webHookUri": uri, "upsert": true, "contacts": [
        { "contact": "user@example.com", "userId": "myUserId" }, { "contact": "x", "email": "user@example.com" },
    ] });
    let answer = server.ok("/v3/contacts/update", &body).await;
    answer["requestId"].as_str().expect("an id").to_owned()
}

async fn stands(server: &Server, request: &str, status: &str, attempts: usize) -> Value {
    let what = format!("the webhook to be {status} after {attempts} attempts");
    server
        .wait_for(&what, async || {
            let found = server.processed(request).await;
            let web_hook = &found["webHook"];
            (web_hook["status"] == status && web_hook["attempts"] == attempts).then_some(found)
        })
        .await
}

/// The request object as the webhook carries it.
fn without_webhook(mut request: Value) -> Value {
    request.as_object_mut().expect("an object").shift_remove("webHook");
    request
}

fn assert_is_attempt(hook: &Hook, first: &Hook, request: &Value, secret: &Secret) {
    assert_eq!(hook.path, "POST /status");
    assert_eq!(hook.body, first.body, "the same bytes at each attempt");
    assert_eq!(hook.header("content-type"), "application/json");
    assert_eq!(hook.header("webhook-id"), request["id"].as_str().expect("an id"));
    assert_eq!(hook.header("webhook-timestamp"), hook.at.seconds().to_string());
    assert!(hook.is_signed_by(secret));
    assert!(!hook.is_signed_by(&Secret::generate([1; 32])));
}

#[tokio::test]
async fn a_webhook_that_nobody_takes_is_sent_sixteen_times_as_the_vendor_documents_it() {
    let shop = Shop::open().await;
    let receiver = shop.receiver(&[], 500);
    let request = shop.send(&receiver.uri()).await;
    let mut times = vec![shop.clock.now()];
    shop.stands(&request, "pending", 1).await;
    for (before, wait) in (1..).zip(WAITS) {
        shop.clock.advance(Duration::from_secs(wait) - MILLI);
        shop.outbox_is_looked_at().await;
        assert_eq!(receiver.hooks().len(), before, "not before its time");
        shop.clock.advance(MILLI);
        times.push(shop.clock.now());
        let status = if before < 15 { "pending" } else { "failed" };
        shop.stands(&request, status, before + 1).await;
    }
    for _ in 0..3 {
        shop.clock.advance(Duration::from_secs(86_400));
        shop.outbox_is_looked_at().await;
    }

    let hooks = receiver.hooks();
    assert_eq!(hooks.iter().map(|hook| hook.at).collect::<Vec<_>>(), times, "16 attempts, each at its time");
    let object = shop.stands(&request, "failed", 16).await;
    for hook in &hooks {
        assert_is_attempt(hook, &hooks[0], &object, &shop.server.webhook_secret);
    }
    assert_eq!(hooks[0].json(), without_webhook(object));
    shop.server.stop().await;
}

#[tokio::test]
async fn a_webhook_carries_the_request_object() {
    let shop = Shop::open().await;
    let receiver = shop.receiver(&[], 200);
    let request = shop.send(&receiver.uri()).await;
    let object = shop.stands(&request, "delivered", 1).await;
    let [hook] = &receiver.hooks()[..] else { panic!("one webhook") };
    let contact = object["results"]["success"][0]["id"].clone();
    let time = shop.clock.now().to_string();
    let expected = json!({
        "id": request, "source": "contacts/update", "status": "processed", "webHookUri": receiver.uri(),
        "createdAt": time, "updatedAt": time,
        "results": {
            "success": [{ "position": 0, "action": "created", "id": contact, "email": "user@example.com",
                          "phone": null, "userId": "myUserId" }],
            "errors": [{ "position": 1, "error": "IDENTIFIER_TAKEN",
                         "contact": { "id": null, "email": "user@example.com", "phone": null, "userId": "x" },
                         "humanError": object["results"]["errors"][0]["humanError"],
                         "taken": { "field": "email", "id": contact } }],
        },
    });
    assert_eq!(hook.body, expected.to_string(), "in the documented order");
    shop.server.stop().await;
}

#[tokio::test]
async fn any_2xx_ends_it_and_a_redirect_is_a_failure_that_is_not_followed() {
    let shop = Shop::open().await;
    let receiver = shop.receiver(&[302, 307, 299], 500);
    let request = shop.send(&receiver.uri()).await;
    shop.stands(&request, "pending", 1).await;
    shop.clock.advance(Duration::from_secs(100));
    shop.stands(&request, "pending", 2).await;
    shop.clock.advance(Duration::from_secs(100));
    shop.stands(&request, "delivered", 3).await;
    shop.clock.advance(Duration::from_secs(86_400));
    shop.outbox_is_looked_at().await;
    let paths: Vec<_> = receiver.hooks().into_iter().map(|hook| hook.path).collect();
    assert_eq!(paths, ["POST /status"; 3], "never elsewhere, and never again");
    shop.server.stop().await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_left_in_peace() {
    let shop = Shop::open().await;
    let receiver = shop.receiver(&[503, 410], 204);
    let request = shop.send(&receiver.uri()).await;
    let found = shop.stands(&request, "pending", 1).await;
    assert_eq!(found["webHook"], json!({ "status": "pending", "attempts": 1, "reason": "HTTP_503" }));
    shop.clock.advance(Duration::from_secs(100));
    let found = shop.stands(&request, "failed", 2).await;
    assert_eq!(found["webHook"], json!({ "status": "failed", "attempts": 2, "reason": "HTTP_410" }));
    shop.clock.advance(Duration::from_secs(86_400));
    shop.outbox_is_looked_at().await;
    assert_eq!(receiver.hooks().len(), 2);
    // By hand it can be sent all the same, and once it is delivered there is no reason any more.
    let id = ObjectId::parse(&request).expect("an id");
    assert!(shop.server.storage.resend(None, id, shop.clock.now()).await.expect("written"));
    shop.clock.advance(Duration::from_secs(1));
    let found = shop.stands(&request, "delivered", 1).await;
    assert_eq!(found["webHook"], json!({ "status": "delivered", "attempts": 1 }));
    shop.server.stop().await;
}

#[tokio::test]
async fn a_request_says_why_its_webhook_failed() {
    let clock = ManualClock::new(Timestamp::from_millis(1_792_022_400_000));
    let server = Server::with(Setup { allow: vec!["127.0.0.1/32"], ..setup(&clock) }).await;
    let list = server.list().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("its address");
    let plain = Receiver::start(Arc::new(clock.clone()), &[], 204);
    for (uri, status, reason) in [
        (format!("http://{closed}/"), "pending", "CONNECTION_REFUSED"),
        (format!("http://127.0.0.2:{}/", closed.port()), "failed", "ADDRESS_NOT_ALLOWED"),
        (format!("https://{}/", plain.address), "pending", "TLS_PROTOCOL"),
    ] {
        let request = send(&server, &list, &uri).await;
        let found = stands(&server, &request, status, 1).await;
        assert_eq!(found["webHook"]["reason"], reason, "{uri}");
        let listed = server.ok("/v3/request/list", &json!({ "limit": 1 })).await;
        assert_eq!(listed["data"][0]["webHook"]["reason"], reason, "{listed}");
        clock.advance(Duration::from_secs(1));
    }
    server.stop().await;
}

/// A way to receivers that has a fault.
struct Faulty;

#[async_trait::async_trait]
impl Transport for Faulty {
    async fn send(&self, _: Message) -> Option<Response> {
        panic!("a fault")
    }
}

#[tokio::test]
async fn an_attempt_that_panics_counts_as_one_that_fails() {
    let clock = ManualClock::new(Timestamp::from_millis(1_792_022_400_000));
    let server = Server::with(Setup { webhooks: Some(Arc::new(Faulty)), ..setup(&clock) }).await;
    let list = server.list().await;
    let request = send(&server, &list, "http://127.0.0.1:9/").await;
    let found = stands(&server, &request, "pending", 1).await;
    assert_eq!(found["webHook"]["reason"], "INTERNAL_ERROR");
    for (tried, wait) in (2..).zip(WAITS) {
        clock.advance(Duration::from_secs(wait));
        stands(&server, &request, if tried == 16 { "failed" } else { "pending" }, tried).await;
    }
    server.stop().await;
}

/// Knows no place for a webhook, the first times.
struct Crowded(AtomicU64);

#[async_trait::async_trait]
impl Transport for Crowded {
    async fn send(&self, _: Message) -> Option<Response> {
        (self.0.fetch_add(1, Ordering::SeqCst) >= 3).then(|| DeliveryEnd::Delivered.into())
    }
}

#[tokio::test]
async fn what_found_no_place_is_no_attempt_and_is_sent_soon() {
    let transport = Arc::new(Crowded(AtomicU64::new(0)));
    let server =
        Server::with(Setup { webhooks: Some(Arc::clone(&transport) as Arc<_>), ..Setup::default() }).await;
    let list = server.list().await;
    let request = send(&server, &list, "http://127.0.0.1:9/").await;
    stands(&server, &request, "delivered", 1).await;
    assert_eq!(transport.0.load(Ordering::SeqCst), 4);
    server.stop().await;
}

#[tokio::test]
async fn the_outbox_survives_a_restart() {
    let shop = Shop::open().await;
    let receiver = shop.receiver(&[500, 500], 204);
    let request = shop.send(&receiver.uri()).await;
    shop.stands(&request, "pending", 1).await;
    let server = shop.server.restart(setup(&shop.clock)).await;
    stands(&server, &request, "pending", 1).await;
    shop.clock.advance(Duration::from_secs(100));
    stands(&server, &request, "pending", 2).await;
    let server = server.restart(setup(&shop.clock)).await;
    shop.clock.advance(Duration::from_secs(100));
    let object = stands(&server, &request, "delivered", 3).await;
    let hooks = receiver.hooks();
    assert_eq!(hooks.len(), 3);
    for hook in &hooks {
        assert_is_attempt(hook, &hooks[0], &object, &server.webhook_secret);
    }
    server.stop().await;
}

#[tokio::test]
async fn an_address_that_is_not_public_fails_at_once_and_for_ever() {
    let clock = ManualClock::new(Timestamp::from_millis(1_792_022_400_000));
    let server = Server::with(Setup { allow: Vec::new(), ..setup(&clock) }).await;
    let list = server.list().await;
    let receiver = Receiver::start(Arc::new(clock.clone()), &[], 204);
    let port = receiver.address.port();
    let mut requests = Vec::new();
    for host in
        ["127.0.0.1", "localhost", "[::1]", "2130706433", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"]
    {
        requests.push(send(&server, &list, &format!("http://{host}:{port}/status")).await);
    }
    for request in &requests {
        stands(&server, request, "failed", 1).await;
    }
    clock.advance(Duration::from_secs(86_400));
    for request in &requests {
        stands(&server, request, "failed", 1).await;
    }
    assert!(receiver.hooks().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn one_that_was_given_up_can_be_sent_again_by_hand() {
    let clock = ManualClock::new(Timestamp::from_millis(1_792_022_400_000));
    let server = Server::with(Setup { allow: Vec::new(), ..setup(&clock) }).await;
    let list = server.list().await;
    let receiver = Receiver::start(Arc::new(clock.clone()), &[], 204);
    let request = send(&server, &list, &receiver.uri()).await;
    stands(&server, &request, "failed", 1).await;
    let server = server.restart(setup(&clock)).await;
    let id = ObjectId::parse(&request).expect("an id");
    assert!(server.storage.resend(None, id, clock.now()).await.expect("written"));
    clock.advance(Duration::from_secs(1));
    stands(&server, &request, "delivered", 1).await;
    assert_eq!(receiver.hooks().len(), 1);
    let unknown = ObjectId::from_bytes([0; 12]);
    assert!(!server.storage.resend(None, unknown, clock.now()).await.expect("looked for"));
    server.stop().await;
}

#[tokio::test]
async fn a_dead_receiver_delays_no_other() {
    let shop = Shop::open().await;
    // It takes connections, as far as its system does that for it, and never answers.
    let dead = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let dead = format!("http://{}/status", dead.local_addr().expect("its address"));
    let good = shop.receiver(&[], 204);
    let mut waiting = Vec::new();
    for _ in 0..300 {
        waiting.push(shop.send(&dead).await);
    }
    let mut delivered = Vec::new();
    for _ in 0..20 {
        delivered.push(shop.send(&good.uri()).await);
    }
    for request in &delivered {
        shop.stands(request, "delivered", 1).await;
    }
    let mut untried = 0;
    for ids in waiting.chunks(100) {
        let found = shop.server.ok("/v3/request/find", &json!({ "ids": ids })).await;
        for request in found["requests"].as_object().expect("an object").values() {
            assert_eq!(request["webHook"]["status"], "pending");
            untried += u32::from(request["webHook"]["attempts"] == 0);
        }
    }
    assert!(
        untried >= 200,
        "the good receiver had to wait for the dead one: only {untried} of 300 are untried"
    );
    shop.server.stop().await;
}

#[tokio::test]
async fn a_rotated_secret_signs_with_the_old_one_until_that_ends() {
    let shop = Shop::open().await;
    let receiver = shop.receiver(&[], 204);
    let (old, new) = (&shop.server.webhook_secret, Secret::generate([7; 32]));
    let until = shop.clock.now().after(Duration::from_secs(86_400));
    let done = shop.server.storage.set_webhook_secret(shop.server.account, new.to_text(), until).await;
    assert!(done.expect("the store works"));
    let request = shop.send(&receiver.uri()).await;
    shop.stands(&request, "delivered", 1).await;
    shop.clock.advance(Duration::from_secs(86_400));
    let request = shop.send(&receiver.uri()).await;
    shop.stands(&request, "delivered", 1).await;
    let [both, one] = &receiver.hooks()[..] else { panic!("two webhooks") };
    assert!(both.is_signed_by(&new) && both.is_signed_by(old));
    assert_eq!(both.header("webhook-signature").split(' ').count(), 2);
    assert!(one.is_signed_by(&new) && !one.is_signed_by(old));
    assert_eq!(one.header("webhook-signature").split(' ').count(), 1);
    shop.server.stop().await;
}

#[tokio::test]
async fn a_request_without_a_webhook_says_so() {
    let shop = Shop::open().await;
    let request = shop.server.update(&shop.list, true, json!([{ "contact": "a" }])).await;
    assert_eq!(request["webHookUri"], json!(null));
    assert_eq!(request["webHook"], json!({ "status": "none", "attempts": 0 }));
    shop.server.stop().await;
}
