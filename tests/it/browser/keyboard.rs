//! Without a mouse.

use fantoccini::key::Key;

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
    assert_eq!(focus(&browser).await, "Skip to the page", "the first thing leads past the menu");
    keys(&browser, &Key::Enter.to_string()).await;
    tab_to(&browser, "name").await;
    keys(&browser, "Customers").await;
    keys(&browser, &Key::Enter.to_string()).await;
    browser.sees("The list is there.").await;
    tab_to(&browser, "Rename").await;
    keys(&browser, &Key::Enter.to_string()).await;
    browser.sees("Rename Customers").await;
    browser.close().await;
    server.stop().await;
}
