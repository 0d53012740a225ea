//! Conditions, segments and views, as a colleague builds them.

use serde_json::json;

use super::Browser;
use crate::console::{PASSWORD, let_in};
use crate::harness::Server;

async fn choose(browser: &Browser, select: &str, value: &str) {
    browser.click(&format!("{select} option[value='{value}']")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colleague_builds_conditions_sees_how_many_match_and_saves_them() {
    let server = Server::start().await;
    let_in(&server, server.user, "ada@example.com").await;
    let list = server.list().await;
    let contact = |name: &str, plan: &str| json!({ "contact": name, "email": format!("{name}@example.com"), "variables": [{ "name": "plan", "value": plan }] });
    server
        .update(&list, true, json!([contact("ann", "pro"), contact("bob", "free"), contact("eve", "pro")]))
        .await;
    let browser = Browser::open(&format!("http://{}", server.address)).await;
    let page = format!("/lists/{list}");
    browser.visit(&page).await;
    browser.fill("#email", "ada@example.com").await;
    browser.fill("#password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.arrives_at(&page).await;

    browser.press("Filters").await;
    choose(&browser, "#field-1-1", "variables.plan").await;
    browser.fill("#value-1-1", "pro").await;
    browser
        .wait_for("the number that matches", async || {
            browser.text("#matching").await.contains("2 contacts match, of 3.").then_some(())
        })
        .await;
    browser.click("form.search details.filters .actions button").await;
    browser
        .wait_for("the address to have the filter", async || {
            browser.path().await.contains("?filter=").then_some(())
        })
        .await;
    let address = browser.path().await;
    assert!(!address.contains("=&") && !address.ends_with('='), "{address}");
    let table = browser.text("table.contacts").await;
    assert!(table.contains("ann@") && table.contains("eve@") && !table.contains("bob@"), "{table}");

    browser.press("Save").await;
    browser.fill("#save-name", "Pro plan").await;
    browser.click("details.picker[open] form button").await;
    browser.sees("The segment is saved.").await;
    browser
        .wait_for("the size of the segment", async || {
            (browser.text("td[data-label='Contacts']").await.trim() == "2").then_some(())
        })
        .await;
    browser.press("Pro plan").await;
    browser.sees("ann@example.com").await;
    browser.click("table.contacts tbody th a").await;
    browser.sees("Pro plan").await;
    browser.quiet().await;
    browser.close().await;
    server.stop().await;
}
