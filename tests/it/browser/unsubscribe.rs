//! The page of an unsubscribe link, and the page of suppressions, in a browser.

use serde_json::json;

use super::Browser;
use crate::process::{Store, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_unsubscribes_on_the_page_of_a_link() {
    let store = Store::new();
    let token = store.account("Example Shop").token;
    let server = store.serve_with(|command| {
        command.env("ROLLBOOK_UNSUBSCRIBE_URL", "https://u.example.com");
    });
    let list = server.list(&token);
    let contact = json!([{ "contact": "ada@example.com", "emailSubscribe": true }]);
    server.processed(&token, &server.upsert(&token, &list, contact));
    let asked = json!({ "contactListId": list, "emails": ["ada@example.com"] });
    let made = server.ok("/v3/contacts/unsubscribe-links", &token, &asked);
    let path = made["links"][0]["url"].as_str().expect("a link").replace("https://u.example.com", "");
    let browser = Browser::open(&format!("http://{}", server.address)).await;
    browser.visit(&path).await;
    browser.sees("Stop e-mails from Example Shop?").await;
    let subscribed = || {
        let asked = json!({ "contactListId": list, "email": "ada@example.com" });
        server.ok("/v3/contact/get", &token, &asked)["contact"]["emailSubscribe"].clone()
    };
    assert_eq!(subscribed(), true, "a look changes nothing");
    browser.press("Unsubscribe").await;
    browser.sees("You are unsubscribed").await;
    browser.arrives_at(&path).await;
    browser.quiet().await;
    wait_for("the opt-out", || (subscribed() == json!(false)).then_some(()));
    let asked = json!({ "contactListId": list, "email": "ada@example.com" });
    let history = server.ok("/v3/contact/history", &token, &asked);
    assert_eq!(history["data"][0]["token"], "unsubscribe:page", "{history}");
    assert!(!server.log().contains(path.trim_start_matches("/u/")), "the log holds no token of a link");
    browser.close().await;
}
