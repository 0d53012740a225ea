//! Without a mouse.

use fantoccini::key::Key;
use serde_json::json;

use super::Browser;
use crate::console::{PASSWORD, let_in};
use crate::harness::Server;

async fn keys(browser: &Browser, text: &str) {
    browser.client.active_element().await.expect("a focus").send_keys(text).await.expect("keys");
}

async fn focus(browser: &Browser) -> String {
    let told =
        browser.run("return document.activeElement.id || document.activeElement.textContent.trim()").await;
    told.as_str().unwrap_or_default().to_owned()
}

/// Moves on until what has the focus is called so.
async fn tab_to(browser: &Browser, wanted: &str) {
    for _ in 0..60 {
        if focus(browser).await.starts_with(wanted) {
            return;
        }
        keys(browser, &Key::Tab.to_string()).await;
    }
    panic!("the focus never comes to {wanted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_signs_in_and_makes_a_list_by_the_keyboard_alone() {
    let server = Server::start().await;
    let_in(&server, server.user, "ada@example.com").await;
    let browser = Browser::open(&format!("http://{}", server.address)).await;
    browser.visit("/lists").await;
    browser.arrives_at("/sign-in").await;
    assert_eq!(focus(&browser).await, "email", "whoever comes to sign in can type at once");
    keys(&browser, "ada@example.com").await;
    keys(&browser, &Key::Tab.to_string()).await;
    keys(&browser, PASSWORD).await;
    keys(&browser, &Key::Enter.to_string()).await;
    browser.arrives_at("/lists").await;
    keys(&browser, &Key::Tab.to_string()).await;
    assert_eq!(focus(&browser).await, "Skip to content", "the first thing leads past the menu");
    keys(&browser, &Key::Enter.to_string()).await;
    tab_to(&browser, "name").await;
    keys(&browser, "Customers").await;
    keys(&browser, &Key::Enter.to_string()).await;
    browser.sees("The list is created.").await;
    tab_to(&browser, "Rename").await;
    keys(&browser, &Key::Enter.to_string()).await;
    browser.sees("Rename Customers").await;
    browser.close().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_looks_for_what_is_new_leaves_the_focus_where_it_is() {
    let server = Server::start().await;
    let_in(&server, server.user, "ada@example.com").await;
    let list = server.list().await;
    server.update(&list, true, json!([{ "contact": "a" }])).await;
    let browser = Browser::open(&format!("http://{}", server.address)).await;
    browser.visit("/requests").await;
    browser.fill("#email", "ada@example.com").await;
    browser.fill("#password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.arrives_at("/requests").await;
    let link = "document.querySelector('#requests th a')";
    browser.run(&format!("{link}.focus()")).await;
    let focused =
        format!("return document.activeElement === {link} && {link}.closest('tr').dataset.kept === 'yes'");
    browser.run(&format!("{link}.closest('tr').dataset.kept = 'yes'")).await;
    let asked = "return performance.getEntriesByType('resource').filter(it => it.name.includes('/requests/rows')).length";
    browser
        .wait_for("the table to ask twice", async || {
            (browser.run(asked).await.as_u64() >= Some(2)).then_some(())
        })
        .await;
    assert_eq!(browser.run(&focused).await, json!(true), "nothing was put in its place");
    // What is new is shown, and the focus stays on the request that had it.
    let before = browser.run(&format!("return {link}.id")).await;
    server.update(&list, true, json!([{ "contact": "b" }])).await;
    let rows = "return document.querySelectorAll('#requests tbody tr').length";
    browser.wait_for("the new row", async || (browser.run(rows).await == json!(2)).then_some(())).await;
    browser
        .wait_for("the focus", async || {
            (browser.run("return document.activeElement.id").await == before).then_some(())
        })
        .await;
    browser.close().await;
    server.stop().await;
}
