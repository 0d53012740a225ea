//! `/`

use serde_json::json;

use super::{Browser, open};
use crate::harness::Server;

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_says_what_to_do_and_then_what_was_done() {
    let server = Server::start().await;
    let browser = Browser::sign_in(&server, server.user).await;
    let welcome = browser.get(&server, "/").await;
    assert!(welcome.says("Contacts are stored in lists. Create the first list"), "{}", welcome.text());
    let list = server.list().await;
    let first = browser.get(&server, "/").await;
    assert!(first.says("Send the first contact") && first.says(&format!(r#""contactListId":"{list}""#)));
    server.update(&list, true, json!([{ "contact": "a" }, { "contact": "b" }])).await;
    server
        .update(&list, false, json!([{ "contact": "a", "name": "x" }, { "contact": "c", "name": "x" }]))
        .await;
    for span in ["hour", "day", "week"] {
        let page = browser.get(&server, &format!("/?span={span}")).await;
        let text = page.text();
        assert!(text.contains("Contacts 2 in 1 list"), "{text}");
        assert!(text.contains(&format!("Applied 3 contacts in the last {span}")), "{text}");
        assert!(text.contains(&format!("Failed 1 contacts in the last {span}")), "{text}");
        assert!(
            text.contains("Waiting 0 batches now") && text.contains("Webhooks delivered – of 0 attempts")
        );
        assert!(page.html.contains(r#"<svg viewBox="0 0 640 180" role="img""#));
        assert!(text.contains("Contacts: at most"), "a chart is told in words: {text}");
        assert!(!page.html.contains("style="));
    }
    let server = server.restart(crate::harness::Setup::default()).await;
    assert!(browser.get(&server, "/").await.says("Applied 3 contacts"), "it outlives the process");
    let stranger = Browser::sign_in(&server, server.bearer("Other").await.user).await;
    assert!(stranger.get(&server, "/").await.says("Contacts 0 in 0 lists"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_ours_is_whole_without_scripts_and_has_nothing_inline() {
    let (server, browser, list) = open().await;
    let told = server.update(&list, true, json!([{ "contact": "a" }])).await;
    let contact = told["results"]["success"][0]["id"].as_str().expect("an id");
    let request = told["id"].as_str().expect("an id");
    for path in [
        "/".to_owned(),
        format!("/lists/{list}"),
        format!("/lists/{list}/contacts/new"),
        format!("/lists/{list}/contacts/{contact}"),
        format!("/lists/{list}/contacts/{contact}/remove"),
        format!("/lists/{list}/contacts/{contact}/erase"),
        format!("/lists/{list}/variables"),
        format!("/lists/{list}/variables/plan/rename"),
        format!("/lists/{list}/variables/plan/remove"),
        "/sources".to_owned(),
        "/requests".to_owned(),
        format!("/requests/{request}"),
        format!("/requests/{request}/undo"),
    ] {
        let page = browser.get(&server, &path).await;
        for inline in [" style=", "<style", " onclick=", "javascript:"] {
            assert!(!page.html.contains(inline), "{inline} in {path}");
        }
        assert_eq!(page.html.matches("<h1").count(), 1, "{path}");
        assert_eq!(page.html.matches("<script").count(), 2, "{path}");
        // Each field has a label, or says what it is.
        for id in page.attributes("name=\"", "id") {
            assert!(page.html.contains(&format!("for=\"{id}\"")), "{id} of {path}");
        }
    }
    server.stop().await;
}
