//! `/webhooks`

use std::sync::Arc;

use domain::clock::{Clock, SystemClock};
use domain::id::Ids;
use hyper::StatusCode;
use serde_json::json;
use storage::UserRole;

use super::{Browser, open};
use crate::harness::Server;
use crate::receiver::Receiver;

async fn send(server: &Server, list: &str, uri: &str) -> String {
    let body = json!({ "contactListId": list, "upsert": true, "webHookUri": uri,
        "contacts": [{ "contact": "a" }] });
    let answer = server.ok("/v3/contacts/update", &body).await;
    answer["requestId"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_are_listed_by_endpoint_and_outcome_and_show_what_was_answered() {
    let (server, browser, list) = open().await;
    let empty = browser.get(&server, "/webhooks").await;
    assert!(empty.says("No attempts yet") && !empty.says("Endpoints"), "{}", empty.text());
    let failing = Receiver::with_body(Arc::new(SystemClock), 500, "<b>broken</b>");
    let taking = Receiver::start(Arc::new(SystemClock), &[], 204);
    let request = send(&server, &list, &failing.uri()).await;
    send(&server, &list, &taking.uri()).await;
    let page = server
        .wait_for("both attempts", async || {
            let page = browser.get(&server, "/webhooks").await;
            (page.attributes("href=\"/webhooks/attempts/", "href").len() == 2).then_some(page)
        })
        .await;
    assert!(
        page.says("answered with status 500") && page.says("100.0 %") && page.says("0.0 %"),
        "{}",
        page.text()
    );
    for (query, count) in [
        ("outcome=failed", 1),
        ("outcome=delivered", 1),
        (&format!("request={request}"), 1),
        ("request=nonsense", 0),
        (&format!("receiver=http://{}", taking.address), 1),
    ] {
        let page = browser.get(&server, &format!("/webhooks?{query}")).await;
        assert_eq!(page.attributes("href=\"/webhooks/attempts/", "href").len(), count, "{query}");
    }
    let failed = browser.get(&server, "/webhooks?outcome=failed").await;
    let path = failed.attributes("href=\"/webhooks/attempts/", "href").remove(0);
    let attempt = browser.get(&server, &path).await;
    assert!(attempt.says("<b>broken</b>") && !attempt.html.contains("<b>broken"), "{}", attempt.text());
    assert!(attempt.says("HTTP status 500") && attempt.says(&request), "{}", attempt.text());
    let stranger = Browser::sign_in(&server, server.bearer("Other").await.user).await;
    assert_eq!(stranger.ask(&server, &path).await.status, StatusCode::NOT_FOUND);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_sent_again_and_a_receiver_is_tried() {
    let (server, browser, list) = open().await;
    let receiver = Receiver::start(Arc::new(SystemClock), &[410, 410], 204);
    for _ in 0..2 {
        send(&server, &list, &receiver.uri()).await;
    }
    let failed = "/webhooks?outcome=failed";
    let page = server
        .wait_for("both attempts", async || {
            let page = browser.get(&server, failed).await;
            (page.attributes("href=\"/webhooks/attempts/", "href").len() == 2).then_some(page)
        })
        .await;
    let path = page.attributes("href=\"/webhooks/attempts/", "href").remove(0);
    let sent = browser.submit(&server, &path, &format!("{path}/resend"), &[]).await;
    assert!(sent.led().starts_with("/requests/") && sent.led().ends_with("?done=resent"), "{}", sent.led());
    server.wait_for("one more", async || (receiver.hooks().len() == 3).then_some(())).await;
    let wrong =
        browser.submit(&server, "/webhooks", "/webhooks/resend-failed", &[("from", "yesterday")]).await;
    assert!(wrong.says("Enter a time as YYYY-MM-DD hh:mm or YYYY-MM-DD."), "{}", wrong.text());
    let sent =
        browser.submit(&server, "/webhooks", "/webhooks/resend-failed", &[("from", "2000-01-01")]).await;
    assert_eq!(sent.led(), "/webhooks?done=resent");
    server.wait_for("the other", async || (receiver.hooks().len() == 4).then_some(())).await;

    let wrong =
        browser.submit(&server, "/webhooks", "/webhooks/test", &[("url", "ftp://example.com/")]).await;
    assert!(wrong.says("Enter an absolute http or https URL"), "{}", wrong.text());
    let uri = receiver.uri();
    let tried = browser.submit(&server, "/webhooks", "/webhooks/test", &[("url", uri.as_str())]).await;
    let attempt = browser.get(&server, tried.led()).await;
    assert!(
        attempt.says("The test event was sent.") && attempt.says("HTTP status 204"),
        "{}",
        attempt.text()
    );
    assert!(!attempt.says("Send this webhook again"), "a test is of no request");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_reads_and_sends_nothing() {
    let (server, _, _) = open().await;
    let now = SystemClock.now();
    let (user, about) = (Ids::from_system().next(now), ("Ben".to_owned(), UserRole::Viewer));
    assert!(server.storage.add_user(server.account, user, about, 200, now).await.expect("a change"));
    let viewer = Browser::sign_in(&server, user).await;
    let page = viewer.get(&server, "/webhooks").await;
    assert!(!page.says("Send a test event") && !page.says("Send failed webhooks again"), "{}", page.text());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_webhook_is_made_resumed_and_deleted() {
    let (server, browser, list) = open().await;
    let receiver = Receiver::start(Arc::new(SystemClock), &[410], 204);
    let uri = receiver.uri();
    let fields = [("title", "CRM"), ("url", uri.as_str()), ("batch", "1")];
    let none = browser.submit(&server, "/webhooks", "/webhooks/new", &fields).await;
    assert!(
        none.status == StatusCode::BAD_REQUEST && none.says("Choose at least one event."),
        "{}",
        none.text()
    );
    let fields = [&fields[..], &[("event", "contact.created")]].concat();
    let made = browser.submit(&server, "/webhooks", "/webhooks/new", &fields).await;
    assert_eq!(made.led(), "/webhooks?done=made");
    server.upsert(&list, json!({ "contact": "a" })).await;
    let page = server
        .wait_for("the webhook to be paused", async || {
            let page = browser.get(&server, "/webhooks").await;
            page.says("paused since").then_some(page)
        })
        .await;
    assert!(
        page.says("answered with status 410") && page.says("contact.created in order"),
        "{}",
        page.text()
    );
    let removal = page.attributes("class=\"danger\" href=\"/webhooks/", "href").remove(0);
    let resume = removal.replace("/remove", "/resume");
    let resumed = browser.submit(&server, "/webhooks", &resume, &[]).await;
    assert_eq!(resumed.led(), "/webhooks?done=resumed");
    server.wait_for("the event", async || (receiver.hooks().len() == 2).then_some(())).await;
    let stranger = Browser::sign_in(&server, server.bearer("Other").await.user).await;
    assert_eq!(stranger.ask(&server, &removal).await.status, StatusCode::NOT_FOUND);
    assert!(browser.get(&server, &removal).await.says("Delete CRM"));
    let csrf = page.attributes("name=\"csrf\"", "value").remove(0);
    let removed = browser.post(&server, &removal, format!("csrf={csrf}")).await;
    assert_eq!(removed.led(), "/webhooks?done=removed");
    assert!(!browser.get(&server, "/webhooks").await.says("Account webhooks"));
    server.stop().await;
}
