//! `/requests`

use std::sync::Arc;

use domain::clock::SystemClock;
use hyper::StatusCode;
use serde_json::json;

use super::{Browser, open};
use crate::receiver::Receiver;

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_listed_and_narrowed() {
    let (server, browser, list) = open().await;
    let empty = browser.get(&server, "/requests").await;
    assert!(empty.says("No requests yet") && empty.says(&list), "{}", empty.text());
    for number in 0..60 {
        server.upsert(&list, json!({ "contact": format!("user{number}") })).await;
    }
    let other = server.list().await;
    let contacts = json!([{ "contact": "a" }, { "contact": "b", "email": "nobody" }]);
    server.refused("/v3/contacts/update", &json!({ "contactListId": other, "contacts": contacts })).await;
    server.update(&other, false, json!([{ "contact": "nobody" }])).await;

    let page = browser.get(&server, "/requests").await;
    assert_eq!(page.attributes("id=\"r-", "href").len(), 50);
    assert!(page.says("Page 1 of 2") && page.says("Customers processed 0 1 none"), "{}", page.text());
    let second = browser.get(&server, &page.way("next").expect("a next page")).await;
    assert_eq!(second.attributes("id=\"r-", "href").len(), 11);
    let of_other = browser.get(&server, &format!("/requests?list={other}&state=processed")).await;
    assert_eq!(of_other.attributes("id=\"r-", "href").len(), 1);
    for (query, count) in [("state=queued", 0), ("from=2999-01-01", 0), ("to=2999-01-01T00:00", 50)] {
        let page = browser.get(&server, &format!("/requests?{query}")).await;
        assert_eq!(page.attributes("id=\"r-", "href").len(), count, "{query}");
    }
    let wrong = browser.get(&server, "/requests?from=yesterday").await;
    assert!(wrong.says("Enter a time as YYYY-MM-DD hh:mm or YYYY-MM-DD."));
    // Asked again and again by the page: nothing is told until something is new.
    let live = page.attributes("every 2s", "hx-get").remove(0);
    let same = browser.ask(&server, &live).await;
    assert_eq!((same.status, same.html.as_str()), (StatusCode::NO_CONTENT, ""));
    server.upsert(&list, json!({ "contact": "new" })).await;
    let live = browser.get(&server, &live).await;
    assert!(live.html.starts_with("<div id=\"requests\"") && !live.html.contains("<html"), "{}", live.html);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_tells_of_each_contact_those_that_failed_first() {
    let (server, browser, list) = open().await;
    let mut contacts: Vec<_> = (0..60).map(|number| json!({ "contact": format!("user{number}") })).collect();
    server.update(&list, true, json!(contacts)).await;
    contacts.push(json!({ "contact": "<i>nobody</i>" }));
    let request = server.update(&list, false, json!(contacts)).await;
    let path = format!("/requests/{}", request["id"].as_str().expect("an id"));
    let page = browser.get(&server, &path).await;
    assert!(page.says("Done: 60. Failed: 1. Failures are listed first."), "{}", page.text());
    assert!(
        page.says("61 <i>nobody</i> failed No contact of the list has this userId, email or phoneNumber")
    );
    assert!(!page.html.contains("<i>nobody"));
    let contacts = page.attributes(&format!("/lists/{list}/contacts/"), "href");
    assert_eq!(contacts.len(), 49);
    assert!(browser.get(&server, &contacts[0]).await.says("user0"));
    let second = browser.get(&server, &page.way("next").expect("a next page")).await;
    assert_eq!(second.attributes(&format!("/lists/{list}/contacts/"), "href").len(), 11);
    let stranger = Browser::sign_in(&server, server.bearer("Other").await.user).await;
    for path in [&path, &format!("{path}/undo")] {
        assert_eq!(stranger.ask(&server, path).await.status, StatusCode::NOT_FOUND);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_failed_tells_why_and_is_sent_again_by_its_own_account_only() {
    let (server, browser, list) = open().await;
    let receiver = Receiver::start(Arc::new(SystemClock), &[503], 204);
    let body = json!({
        "contactListId": list, "upsert": true, "webHookUri": receiver.uri(), "contacts": [{ "contact": "a" }],
    });
    let answer = server.ok("/v3/contacts/update", &body).await;
    let path = format!("/requests/{}", answer["requestId"].as_str().expect("an id"));
    let page = server
        .wait_for("the first attempt", async || {
            let page = browser.get(&server, &path).await;
            page.says("answered with status 503").then_some(page)
        })
        .await;
    assert!(page.says("Webhook pending") && page.says("Attempts 1") && page.says("Next attempt (UTC)"));
    let resend = format!("{path}/resend");
    let stranger = Browser::sign_in(&server, server.bearer("Other").await.user).await;
    let csrf = stranger.get(&server, "/sources").await.attributes("name=\"csrf\"", "value").remove(0);
    let refused = stranger.post(&server, &resend, format!("csrf={csrf}")).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    let sent = browser.submit(&server, &path, &resend, &[]).await;
    assert_eq!(sent.led(), format!("{path}?done=resent"));
    server
        .wait_for("the second attempt", async || {
            browser.get(&server, &path).await.says("Webhook delivered").then_some(())
        })
        .await;
    assert_eq!(receiver.hooks().len(), 2);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_narrowed_by_outcome_method_and_sender_and_rejected_ones_are_counted() {
    let (server, browser, list) = open().await;
    server.upsert(&list, json!({ "contact": "a" })).await;
    let failed = server.update(&list, false, json!([{ "contact": "nobody" }])).await;
    server.ok("/v3/contacts/add", &json!({ "contactListId": list, "contacts": [{ "userId": "b" }] })).await;
    let key = domain::token::PresentedToken::parse(&server.token).expect("a token").key.to_owned();
    for (query, count) in [
        ("outcome=errors".to_owned(), 1),
        ("outcome=webhook".to_owned(), 0),
        ("kind=add".to_owned(), 1),
        ("kind=update".to_owned(), 2),
        (format!("sender={key}"), 3),
        (format!("sender=user:{}", server.user), 0),
    ] {
        let page = browser.get(&server, &format!("/requests?{query}")).await;
        let shown = page.attributes("id=\"r-", "href").len();
        assert_eq!(shown, count, "{query}: {}", page.text());
    }
    let id = failed["id"].as_str().expect("an id");
    let led = browser.ask(&server, &format!("/requests?id={id}")).await;
    assert_eq!(led.led(), format!("/requests/{id}"));

    let none = browser.get(&server, "/requests/rejected").await;
    assert!(none.says("No rejected requests"), "{}", none.text());
    server.refused("/v3/contacts/update", &json!({ "contactListId": list })).await;
    let server = server.restart(crate::harness::Setup::default()).await;
    let page = browser.get(&server, "/requests/rejected").await;
    assert!(page.says("400 REQUIRED /v3/contacts/update"), "{}", page.text());
    for (query, says) in
        [("code=REQUIRED", true), ("code=OTHER", false), (&format!("key={key}"), true), ("key=x", false)]
    {
        let page = browser.get(&server, &format!("/requests/rejected?{query}")).await;
        assert_eq!(page.says("400 REQUIRED /v3/contacts/update"), says, "{query}");
    }
    server.stop().await;
}
