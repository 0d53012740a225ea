//! Looking for a person, from any page and as one types.

use fantoccini::key::Key;
use serde_json::json;

use super::Browser;
use crate::console::{PASSWORD, let_in};
use crate::harness::Server;

async fn keys(browser: &Browser, text: &str) {
    browser.client.active_element().await.expect("a focus").send_keys(text).await.expect("keys");
}

async fn has_focus(browser: &Browser) -> bool {
    browser.run("return document.activeElement.id").await == "q"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_found_from_any_page_while_the_name_is_typed() {
    let server = Server::start().await;
    let_in(&server, server.user, "ada@example.com").await;
    let list = server.list().await;
    let people = json!([
        { "contact": "jm@example.com", "firstName": "Jürgen", "lastName": "Müller" },
        { "contact": "other@example.com", "name": "Somebody Else" },
    ]);
    server.update(&list, true, people).await;
    let browser = Browser::open(&format!("http://{}", server.address)).await;
    browser.visit("/sources").await;
    browser.arrives_at("/sign-in").await;
    browser.fill("#email", "ada@example.com").await;
    browser.fill("#password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.arrives_at("/sources").await;

    // Ctrl K leads to the search over all lists, where one can type at once.
    let control_k = format!("{}k{}", Key::Control, Key::Null);
    keys(&browser, &control_k).await;
    browser.arrives_at("/contacts").await;
    assert!(has_focus(&browser).await);
    keys(&browser, "mul jur").await;
    browser.sees("Jürgen Müller").await;
    assert!(!browser.text("main").await.contains("Somebody Else"));
    browser.press("Jürgen Müller").await;
    browser.sees("Contact ID").await;
    assert_eq!(browser.text("h1").await, "Jürgen Müller", "the first and the last name stand for the name");

    // In a list it leads to the box of the list. Enter searches without a script, too.
    browser.visit(&format!("/lists/{list}")).await;
    browser.sees("Somebody Else").await;
    keys(&browser, "/").await;
    assert!(has_focus(&browser).await);
    keys(&browser, &format!("else{}", Key::Enter)).await;
    browser
        .wait_for("the other one to go", async || {
            let told = browser.text("main").await;
            (told.contains("Somebody Else") && !told.contains("jm@example.com")).then_some(())
        })
        .await;
    browser.quiet().await;
    browser.close().await;
    server.stop().await;
}
