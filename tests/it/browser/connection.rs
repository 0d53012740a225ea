//! What a page does when the server is gone, or the session has ended.

use serde_json::json;

use super::Browser;
use crate::console::PASSWORD;
use crate::process::Store;

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_shown_and_what_was_typed_outlives_the_session() {
    let store = Store::new();
    let account = store.account("Shop");
    let server = store.serve();
    let address = server.address.to_string();
    let base = format!("http://{address}");
    let list = server.list(&account.token);
    let request = server.upsert(&account.token, &list, json!([{ "contact": "u1", "firstName": "Jo" }]));
    let done = server.processed(&account.token, &request);
    let contact = done["results"]["success"][0]["id"].as_str().expect("an id").to_owned();
    let link = store.ok(&["user", "invite", &account.user]);
    let browser = Browser::open(&base).await;
    // The printed address is that of the settings, not of the port that this server has.
    let path = link.trim().split_once("/welcome/").expect("a link").1;
    browser.visit(&format!("/welcome/{path}")).await;
    browser.fill("#name", "Ada").await;
    browser.fill("#email", "ada@example.com").await;
    browser.fill("#password", PASSWORD).await;
    browser.fill("#again", PASSWORD).await;
    browser.press("Set password").await;
    browser.arrives_at("/").await;

    let page = format!("/lists/{list}/contacts/{contact}");
    browser.visit(&page).await;
    browser.fill("#firstName", "Ann").await;
    browser.click("#emailSubscribe").await;
    // The session ends behind the page's back, as after half a day.
    browser.client.delete_all_cookies().await.expect("no cookies");
    browser.press("Save").await;
    browser.arrives_at("/sign-in").await;
    browser.fill("#email", "ada@example.com").await;
    browser.fill("#password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.arrives_at(&page).await;
    browser.sees("Your changes were not saved before.").await;
    browser.press("Save").await;
    browser.sees("The changes are saved.").await;
    let saved = server.contact(&account.token, &list, "u1");
    assert_eq!([&saved["firstName"], &saved["emailSubscribe"]], [&json!("Ann"), &json!(true)]);
    browser.visit(&page).await;
    assert_eq!(
        browser.run("return document.getElementById('draft').hidden").await,
        true,
        "nothing is left over"
    );

    browser.visit("/requests").await;
    let lost = "return document.getElementById('lost').hidden";
    assert_eq!(browser.run(lost).await, true);
    server.kill();
    let shown = async |hidden: bool| (browser.run(lost).await == hidden).then_some(());
    browser.wait_for("the banner", async || shown(false).await).await;
    let server = store.serve_with(|command| {
        command.env("ROLLBOOK_LISTEN", &address);
    });
    browser.wait_for("the banner to go", async || shown(true).await).await;
    // The browser has noted that there was no server.
    browser.complaints().await;
    browser.close().await;
    drop(server);
}
