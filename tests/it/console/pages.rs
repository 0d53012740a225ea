//! What pages show and do, and the headers of each.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::{ManualClock, Timestamp};
use hyper::{Method, StatusCode};
use serde_json::json;

use super::visitor::location;
use super::{Visitor, let_in};
use crate::harness::{Server, Setup};

#[tokio::test(flavor = "multi_thread")]
async fn every_page_keeps_browsers_strict() {
    let server = Server::start().await;
    let mut visitor = let_in(&server, server.user, "ada@example.com").await;
    let list = server.list().await;
    let removal = format!("/lists/{list}/remove");
    for path in ["/sign-in", "/lists", "/keys", "/account", "/welcome/x", "/nowhere", removal.as_str()] {
        let answer = visitor.get(&server, path).await;
        let header = |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!(
            header("content-security-policy"),
            Some(
                "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                 form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            ),
            "{path}"
        );
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(header(name), Some(value), "{path}: {name}");
        }
        let text = answer.text();
        for inline in [" style=", "<style", "<script>", " onclick=", "javascript:"] {
            assert!(!text.contains(inline), "{path}: {inline}");
        }
    }
    for path in
        ["/console/console.css", "/console/console.js", "/console/htmx.min.js", "/console/htmx.LICENSE"]
    {
        let answer = Visitor::default().get(&server, path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.headers["cache-control"], "no-cache");
        let tag = answer.headers["etag"].to_str().unwrap();
        let again = server.send(Method::GET, path, &[("if-none-match", tag)], "").await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_signed_in_is_led_back_after_the_sign_in() {
    let server = Server::start().await;
    let answer = Visitor::default().get(&server, "/lists?page=2").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(location(&answer), "/sign-in?to=%2Flists%3Fpage%3D2");
    let answer = server.send(Method::GET, "/lists", &[("hx-request", "true")], "").await;
    assert_eq!(
        (answer.status, answer.headers["hx-redirect"].as_bytes()),
        (StatusCode::UNAUTHORIZED, &b"/sign-in"[..])
    );
    // A part or a form leads back to the page that has it.
    let part = [("hx-request", "true"), ("hx-current-url", "http://localhost/requests?state=queued")];
    let answer = server.send(Method::GET, "/requests/rows", &part, "").await;
    assert_eq!(answer.headers["hx-redirect"], "/sign-in?to=%2Frequests%3Fstate%3Dqueued");
    let form = [("referer", "http://localhost/lists/1/contacts/2"), ("content-type", "text/plain")];
    let answer = server.send(Method::POST, "/lists/1/contacts/2", &form, "").await;
    assert_eq!(location(&answer), "/sign-in?to=%2Flists%2F1%2Fcontacts%2F2");
    let answer = Visitor::default().get(&server, "/email-list").await;
    assert_eq!(location(&answer), "/lists");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_page_is_a_page_and_an_unknown_method_is_json() {
    let server = Server::start().await;
    let html = [("accept", "text/html,*/*;q=0.8")];
    let answer = server.send(Method::GET, "/nowhere", &html, "").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.text().contains("Page not found"));
    for path in ["/v3/nowhere", "/v3"] {
        let answer = server.send(Method::GET, path, &html, "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.json()["errors"], json!(["Not Found"]));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_made_renamed_and_removed_by_its_name() {
    let server = Server::start().await;
    let mut ada = let_in(&server, server.user, "ada@example.com").await;
    assert!(ada.page(&server, "/lists").await.contains("Create your first list"));
    let answer = ada.post(&server, "/lists", &[("name", "  ")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text().contains(r#"id="name-error""#), "{}", answer.text());
    assert_eq!(ada.done(&server, "/lists", &[("name", "Customers")]).await, "/lists?done=made");
    assert!(ada.page(&server, "/lists?done=made").await.contains("The list is created."));
    let found = server.ok("/v3/contact-list/find", &json!({ "contactListName": "Customers" })).await;
    let id = found["data"][0]["contactListId"].as_str().unwrap().to_owned();
    assert!(ada.page(&server, "/lists").await.contains(&id));
    let path = format!("/lists/{id}/rename");
    assert_eq!(ada.done(&server, &path, &[("name", "Clients")]).await, "/lists?done=renamed");
    let path = format!("/lists/{id}/remove");
    let answer = ada.post(&server, &path, &[("confirm", "Customers")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(
        answer.text().contains("That does not match the name. Nothing was deleted."),
        "{}",
        answer.text()
    );
    assert_eq!(ada.done(&server, &path, &[("confirm", "Clients")]).await, "/lists?done=removed");
    assert_eq!(server.ok("/v3/contact-list/find", &json!({})).await["totalCount"], 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_works_as_it_was_limited_and_is_revoked() {
    let clock = ManualClock::new(Timestamp::from_millis(1_700_000_000_000));
    let setup = Setup { clock: Arc::new(clock.clone()), ..Setup::default() };
    let server = Server::with(setup).await;
    let mut ada = let_in(&server, server.user, "ada@example.com").await;
    let (list, _) = (server.list().await, server.list().await);
    let fields =
        [("name", "Shop"), ("expires", "7"), ("read_only", "on"), ("limited", "on"), ("list", list.as_str())];
    let answer = ada.post(&server, "/keys", &fields).await;
    assert_eq!(answer.status, StatusCode::OK);
    let text = answer.text();
    let key = text.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let public = &key[3..19];
    let page = ada.page(&server, "/keys").await;
    assert!(page.contains(public) && !page.contains(&key), "only once");
    assert!(page.contains("never</td>"), "it was not used");
    let found = server.post_as(&key, "/v3/contact-list/find", &json!({})).await.json();
    assert_eq!(found["totalCount"], 1, "it sees one of the two lists");
    let refused = server.post_as(&key, "/v3/contact-list/create", &json!({ "contactListName": "x" })).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(ada.page(&server, "/keys").await.contains("2023-11-14 22:13:20"), "it was used just now");
    // Within a minute it is in the store, too.
    clock.advance(Duration::from_secs(60));
    server
        .wait_for("the last use to be written", async || {
            let tokens = server.storage.tokens(None).await.unwrap();
            tokens.iter().find(|token| token.key == public)?.used_at
        })
        .await;
    clock.advance(Duration::from_secs(7 * 24 * 3_600));
    let refused = server.post_as(&key, "/v3/contact-list/find", &json!({})).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "its week is over");
    ada.sign_in(&server, "ada@example.com", super::PASSWORD).await;
    assert!(ada.page(&server, "/keys").await.contains("expired"));
    let own = &server.token[3..19];
    assert_eq!(server.post("/v3/account/info", &json!({})).await.status, StatusCode::OK);
    assert_eq!(ada.done(&server, &format!("/keys/{own}/revoke"), &[]).await, "/keys?done=revoked");
    let refused = server.post("/v3/account/info", &json!({})).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "at once");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_webhook_secret_is_shown_and_the_old_one_signs_for_a_day() {
    let server = Server::start().await;
    let mut ada = let_in(&server, server.user, "ada@example.com").await;
    let old = server.webhook_secret.to_text();
    let path = "/account/webhook-secret";
    assert!(ada.page(&server, path).await.contains(&old));
    assert_eq!(ada.done(&server, path, &[]).await, format!("{path}?done=rotated"));
    let page = ada.page(&server, path).await;
    let new = server.storage.webhook_secret(server.account).await.unwrap().unwrap();
    assert!(page.contains(&new) && !page.contains(&old));
    let now = domain::clock::Clock::now(server.clock.as_ref());
    let account = server.storage.find_access(server.token[3..19].to_owned()).await.unwrap().unwrap();
    let signing = server.storage.webhook_secrets(account.account.unwrap().no, now).await.unwrap();
    assert_eq!(signing, [new, old]);
    server.stop().await;
}
