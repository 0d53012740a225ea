//! Times in the reader's zone, and in UTC without a script.

use serde_json::json;

use super::Browser;
use crate::console::{PASSWORD, let_in};
use crate::harness::Server;

#[tokio::test(flavor = "multi_thread")]
async fn times_are_of_the_reader_s_zone_and_what_is_sent_is_utc() {
    let server = Server::start().await;
    let_in(&server, server.user, "ada@example.com").await;
    let list = server.list().await;
    let id = server.upsert(&list, json!({ "contact": "user@example.com" })).await["id"].clone();
    let contact = server.contact(&list, "email", "user@example.com").await;
    let browser = Browser::open(&format!("http://{}", server.address)).await;
    // Half an hour off the full one, and the same in summer.
    browser.tools("Emulation.setTimezoneOverride", json!({ "timezoneId": "Asia/Kolkata" })).await;
    browser.visit(&format!("/lists/{list}?updatedSince=2026-01-31T12%3A00%3A00")).await;
    browser.arrives_at("/sign-in").await;
    browser.fill("#email", "ada@example.com").await;
    browser.fill("#password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.arrives_at(&format!("/lists/{list}")).await;

    // The filter shows local time and sends UTC.
    browser.find("#f-since[data-local]").await;
    assert_eq!(browser.run("return document.querySelector('#f-since').value").await, "2026-01-31T17:30");
    let label = "return document.querySelector('label[for=f-since]').textContent";
    assert_eq!(browser.run(label).await, "Changed since (GMT+5:30)");
    let sent = "return new FormData(document.querySelector('#f-since').form).get('updatedSince')";
    assert_eq!(browser.run(sent).await, "2026-01-31T12:00:00");
    browser.visit(&format!("/lists/{list}")).await;
    let sent_empty = browser.run(sent).await;
    assert_eq!(sent_empty, "", "an empty picker stays empty");

    // The table names the zone in its head, and the page of the contact in its labels.
    let changed = contact["updatedAt"].as_str().expect("a time");
    let local = browser.run(&format!("return new Date('{changed}Z').toLocaleString('sv-SE')")).await;
    let local = local.as_str().expect("a text");
    browser.sees(local).await;
    assert!(browser.text("thead").await.contains("(GMT+5:30)"));
    let id = id.as_str().expect("an id");
    browser.visit(&format!("/lists/{list}/contacts/{id}")).await;
    browser.sees(local).await;
    let main = browser.text("main").await;
    assert!(main.contains("Changed (GMT+5:30)") && main.contains(&format!("{local} GMT+5:30")), "{main}");
    assert!(!main.contains(changed), "{main}");
    let title = "return document.querySelector('dd.date').title";
    assert_eq!(browser.run(title).await, format!("{changed} UTC"));

    // A label tells the zone of a time that has words behind it, too.
    let request = server.ok("/v3/request/list", &json!({})).await["data"][0]["id"].clone();
    browser.visit(&format!("/requests/{}", request.as_str().expect("an id"))).await;
    browser.sees("Accepted (GMT+5:30)").await;
    assert!(!browser.text("main").await.contains("(UTC)"));
    browser.close().await;
    server.stop().await;
}
