//! What is left of an erased person: nothing in results, histories, undo and webhooks.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::{ManualClock, Timestamp};
use serde_json::{Value, json};

use crate::erase::{erase, outcomes};
use crate::harness::{Server, Setup};
use crate::receiver::Receiver;

async fn find(server: &Server, request: &Value) -> Value {
    let id = request["id"].as_str().or(request.as_str()).expect("an id");
    server.processed(id).await
}

async fn undo(server: &Server, request: &Value) -> Value {
    let answer = server.ok("/v3/request/undo", &json!({ "requestId": request["id"] })).await;
    server.processed(answer["requestId"].as_str().expect("an id")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn results_of_older_requests_do_not_show_the_person_any_more() {
    let server = Server::start().await;
    let list = server.list().await;
    let contacts = json!([
        { "contact": "ada", "email": "ada@example.com", "phoneNumber": "+15555555" },
        { "contact": "bob", "email": "bob@example.com" },
    ]);
    let made = server.update(&list, true, contacts).await;
    let renamed = server
        .update(&list, false, json!([{ "contact": "ada", "userId": "ada2", "email": "ada2@example.com" }]))
        .await;
    assert_eq!(made["results"]["success"][0]["phone"], "+15555555");
    let failed = json!([
        { "contact": "nobody", "email": "ada@example.com" },
        { "contact": "bob", "email": "ADA2@example.com" },
        { "contact": "somebody", "phoneNumber": "+15555550" },
    ]);
    let failed = server.update(&list, false, failed).await;
    assert_eq!(outcomes(&failed), ["CONTACT_NOT_FOUND", "IDENTIFIER_TAKEN", "CONTACT_NOT_FOUND"]);
    assert_eq!(failed["results"]["errors"][0]["contact"]["email"], "ada@example.com");
    erase(&server, json!({ "userId": "ada2" })).await;

    let nobody = |success: &Value| {
        let mut success = success.clone();
        for key in ["email", "phone", "userId"] {
            success[key] = Value::Null;
        }
        success
    };
    let mut expected = made.clone();
    expected["results"]["success"][0] = nobody(&made["results"]["success"][0]);
    assert_eq!(find(&server, &made).await, expected, "counts and ids stay, and so do others");
    let mut expected = renamed.clone();
    expected["results"]["success"][0] = nobody(&renamed["results"]["success"][0]);
    assert_eq!(find(&server, &renamed).await, expected);
    let mut expected = failed.clone();
    expected["results"]["errors"][0]["contact"]["email"] = Value::Null;
    expected["results"]["errors"][1]["contact"]["email"] = Value::Null;
    assert_eq!(find(&server, &failed).await, expected, "what failed items asked for is the person's too");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_outlive_the_history_do_not_show_the_person_either() {
    let clock = ManualClock::new(Timestamp::from_millis(1_792_022_400_000));
    let mut setup = Setup { clock: Arc::new(clock.clone()), ..Setup::default() };
    setup.limits.history = Duration::ZERO;
    let server = Server::with(setup).await;
    let list = server.list().await;
    let contact = json!([{ "contact": "ada", "email": "ada@example.com", "phoneNumber": "+15555555" },
        { "contact": "bob", "email": "bob@example.com" }]);
    let made = server.update(&list, true, contact).await;
    let body = json!({ "contactListId": list, "userIds": ["ada"] });
    let removed = server.ok("/v3/contacts/remove", &body).await["requestId"].clone();
    let removed = find(&server, &removed).await;
    assert_eq!(removed["results"]["success"][0]["phone"], "+15555555");
    server
        .wait_for("the history to go", async || {
            clock.advance(Duration::from_secs(61));
            let history = json!({ "contactListId": list, "userId": "ada" });
            let told = server.ok("/v3/contact/history", &history).await;
            told["contactId"].is_null().then_some(())
        })
        .await;
    erase(&server, json!({ "email": "Ada@example.com" })).await;
    let mut expected = made.clone();
    for key in ["email", "phone", "userId"] {
        expected["results"]["success"][0][key] = Value::Null;
    }
    assert_eq!(find(&server, &made).await, expected);
    assert_eq!(find(&server, &removed).await["results"]["success"][0]["phone"], Value::Null);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn undoing_a_request_never_brings_an_erased_person_back() {
    let server = Server::start().await;
    let list = server.list().await;
    let pair = |name: &str| json!([{ "contact": "ada", "firstName": name }, { "contact": "bob", "firstName": name }]);
    let made = server.update(&list, true, pair("One")).await;
    let changed = server.update(&list, true, pair("Two")).await;
    let body = json!({ "contactListId": list, "userIds": ["ada", "bob"] });
    let removed = server.ok("/v3/contacts/remove", &body).await["requestId"].clone();
    let removed = find(&server, &removed).await;
    assert_eq!(outcomes(&erase(&server, json!({ "userId": "ada" })).await), ["erased"]);
    let no_person = json!({ "id": null, "email": null, "phone": null, "userId": null });
    for (request, does) in [(&removed, "created"), (&changed, "updated"), (&made, "unchanged")] {
        let undone = undo(&server, request).await;
        assert_eq!(outcomes(&undone), [does, "CONTACT_ERASED"]);
        assert_eq!(undone["results"]["errors"][0]["position"], 0);
        assert_eq!(undone["results"]["errors"][0]["contact"], no_person);
        assert_eq!(server.contact(&list, "userId", "ada").await, Value::Null);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn undoing_gives_nobody_an_identifier_of_an_erased_person() {
    let server = Server::start().await;
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "bob", "email": "ada@example.com" })).await;
    let renamed = server.update(&list, true, json!([{ "contact": "bob", "email": "bob@example.com" }])).await;
    server.upsert(&list, json!({ "contact": "ada", "email": "ada@example.com" })).await;
    assert_eq!(outcomes(&erase(&server, json!({ "userId": "ada" })).await), ["erased"]);
    undo(&server, &renamed).await;
    assert_eq!(server.contact(&list, "userId", "bob").await["email"], "bob@example.com");
    assert_eq!(server.contact(&list, "email", "ada@example.com").await, Value::Null);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_still_to_leave_does_not_carry_the_person() {
    let clock = ManualClock::new(Timestamp::from_millis(1_792_022_400_000));
    let server = Server::with(Setup { clock: Arc::new(clock.clone()), ..Setup::default() }).await;
    let list = server.list().await;
    let receiver = Receiver::start(Arc::new(clock.clone()), &[500], 204);
    let body = json!({ "contactListId": list, "upsert": true, "webHookUri": receiver.uri(), "contacts": [
        { "contact": "ada", "email": "ada@example.com", "phoneNumber": "+15555555" },
        { "contact": "bob" },
        { "contact": "bob", "email": "ada@example.com" },
    ] });
    let sent = server.ok("/v3/contacts/update", &body).await["requestId"].clone();
    let stands = async |status: &str, attempts: usize| {
        let told = async || {
            let web_hook = find(&server, &sent).await["webHook"].clone();
            (web_hook["status"] == status && web_hook["attempts"] == attempts).then_some(())
        };
        server.wait_for(&format!("{status} after {attempts}"), told).await;
    };
    stands("pending", 1).await;
    erase(&server, json!({ "email": "ada@example.com" })).await;
    clock.advance(Duration::from_secs(100));
    stands("delivered", 2).await;
    let hooks = receiver.hooks();
    let told: Vec<_> = hooks.iter().map(|hook| hook.json()["results"].clone()).collect();
    assert_eq!(told[0]["success"][0]["email"], "ada@example.com");
    let mut expected = told[0].clone();
    for key in ["email", "phone", "userId"] {
        expected["success"][0][key] = Value::Null;
    }
    expected["errors"][0]["contact"]["email"] = Value::Null;
    assert_eq!(told[1], expected);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_webhook_of_an_erase_holds_nothing_of_the_person() {
    let clock = ManualClock::new(Timestamp::from_millis(1_792_022_400_000));
    let server = Server::with(Setup { clock: Arc::new(clock.clone()), ..Setup::default() }).await;
    let list = server.list().await;
    let made = server.upsert(&list, json!({ "contact": "ada", "email": "ada@example.com" })).await;
    let receiver = Receiver::start(Arc::new(clock), &[], 204);
    let body = json!({ "userId": "ada", "webHookUri": receiver.uri() });
    let request = erase(&server, body).await;
    let hook = server.wait_for("the webhook", async || receiver.hooks().pop()).await;
    assert!(hook.is_signed_by(&server.webhook_secret));
    let mut expected = request;
    expected.as_object_mut().expect("an object").remove("webHook");
    assert_eq!(hook.json(), expected);
    assert_eq!(
        (&expected["source"], &expected["webHookUri"]),
        (&json!("contact/erase"), &json!(receiver.uri()))
    );
    let erased = json!({ "position": 0, "action": "erased", "id": made["id"], "email": null, "phone": null,
        "userId": null });
    assert_eq!(expected["results"], json!({ "success": [erased], "errors": [] }));
    server.stop().await;
}
