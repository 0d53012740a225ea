//! One account sees nothing of another, and nobody's text is anything but text.

use hyper::StatusCode;
use serde_json::json;

use super::let_in;
use crate::harness::Server;

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_another_account_is_not_there() {
    let server = Server::start().await;
    let list = server.list().await;
    let key = &server.token[3..19];
    let other = server.bearer("Other").await;
    let mut eve = let_in(&server, other.user, "eve@example.com").await;
    let user = server.user;
    let contact =
        server.upsert(&list, json!({ "contact": "user@example.com", "firstName": "Secretive" })).await;
    let contact = contact["id"].as_str().unwrap().to_owned();
    let listed = server.ok("/v3/request/list", &json!({})).await;
    let request = listed["data"][0]["id"].as_str().expect("a request").to_owned();
    let source = server.source(&json!({ "name": "Shop" })).await;
    for path in [
        format!("/lists/{list}"),
        format!("/lists/{list}/variables"),
        format!("/lists/{list}/import"),
        format!("/lists/{list}/export"),
        format!("/lists/{list}/export/file"),
        format!("/lists/{list}/contacts/new"),
        format!("/lists/{list}/contacts/{contact}"),
        format!("/lists/{list}/contacts/{contact}/person.json"),
        format!("/lists/{list}/contacts/{contact}/erase"),
        format!("/requests/{request}"),
        format!("/requests/{request}/undo"),
        format!("/sources/{source}"),
    ] {
        let answer = eve.get(&server, &path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!answer.text().contains("Secretive"), "{path}");
    }
    for path in [
        format!("/lists/{list}/rename"),
        format!("/lists/{list}/remove"),
        format!("/keys/{key}/revoke"),
        "/lists/0123456789abcdef01234567/rename".to_owned(),
        "/lists/x/rename".to_owned(),
        "/keys/0123456789abcdef/revoke".to_owned(),
    ] {
        let answer = eve.get(&server, &path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        let answer = eve.post(&server, &path, &[("name", "Mine"), ("confirm", "Customers")]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    for action in ["invite", "disable", "enable"] {
        let path = format!("/account/users/{user}/{action}");
        assert_eq!(eve.post(&server, &path, &[]).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let answer = eve.post(&server, "/keys", &[("name", "x"), ("limited", "on"), ("list", &list)]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text());
    for path in ["/", "/lists", "/sources", "/requests", "/jobs", "/keys", "/account"] {
        let page = eve.page(&server, path).await;
        for secret in [list.as_str(), key, "Customers", &user.to_string(), &server.webhook_secret.to_text()] {
            assert!(!page.contains(secret), "{path}: {secret}");
        }
    }
    // All of it is as it was.
    let mut ada = let_in(&server, server.user, "ada@example.com").await;
    assert!(ada.page(&server, "/lists").await.contains("Customers"));
    assert!(ada.page(&server, "/keys").await.contains(key));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_shown_as_text() {
    let server = Server::start().await;
    let mut ada = let_in(&server, server.user, "ada@example.com").await;
    let name = r#"<script>alert(1)</script>"onmouseover='x'&amp;"#;
    ada.done(&server, "/lists", &[("name", name)]).await;
    ada.done(&server, "/account/name", &[("name", name)]).await;
    let answer = ada.post(&server, "/keys", &[("name", name)]).await;
    assert_eq!(answer.status, StatusCode::OK);
    for page in [
        answer.text(),
        ada.page(&server, "/lists").await,
        ada.page(&server, "/keys").await,
        ada.page(&server, "/account").await,
    ] {
        assert!(page.contains("alert(1)"), "{page}");
        for raw in ["<script>alert", r#""onmouseover"#, "'x'", "'&amp;"] {
            assert!(!page.contains(raw), "{raw}: {page}");
        }
    }
    server.stop().await;
}
