//! Who may do what, and what needs the password again.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::{ManualClock, Timestamp};
use domain::id::ObjectId;
use hyper::{Method, StatusCode};
use serde_json::json;
use storage::UserRole;

use super::visitor::location;
use super::{PASSWORD, Visitor, add, let_in};
use crate::harness::{Server, Setup};

const EVERYBODY: UserRole = UserRole::Viewer;

/// Every route that needs somebody who is signed in, with the least role that may use it. `LIST` and others stand for
/// ids of nothing: who may use the route is told that there is nothing, and nobody changes anything.
fn routes() -> Vec<(Method, &'static str, UserRole)> {
    let (get, post, editor, owner) = (Method::GET, Method::POST, UserRole::Editor, UserRole::Owner);
    let both = |path, role| [(get.clone(), path, role), (post.clone(), path, role)];
    let mut routes = vec![
        (get.clone(), "/", EVERYBODY),
        (get.clone(), "/lists", EVERYBODY),
        (get.clone(), "/lists/ID", EVERYBODY),
        (get.clone(), "/lists/ID/rest", EVERYBODY),
        (post.clone(), "/lists/ID/columns", EVERYBODY),
        (get.clone(), "/lists/ID/contacts/ID", EVERYBODY),
        (get.clone(), "/lists/ID/contacts/ID/person.json", EVERYBODY),
        (get.clone(), "/lists/ID/variables", EVERYBODY),
        (get.clone(), "/lists/ID/duplicates", EVERYBODY),
        (get.clone(), "/lists/ID/export", EVERYBODY),
        (get.clone(), "/lists/ID/export/file", EVERYBODY),
        (get.clone(), "/sources", EVERYBODY),
        (get.clone(), "/contacts", EVERYBODY),
        (get.clone(), "/suppression", EVERYBODY),
        (get.clone(), "/suppression/export.csv", EVERYBODY),
        (get.clone(), "/requests", EVERYBODY),
        (get.clone(), "/requests/rows", EVERYBODY),
        (get.clone(), "/requests/rejected", EVERYBODY),
        (get.clone(), "/requests/ID", EVERYBODY),
        (get.clone(), "/webhooks", EVERYBODY),
        (get.clone(), "/webhooks/attempts/ID", EVERYBODY),
        (get.clone(), "/jobs", EVERYBODY),
        (get.clone(), "/jobs/ID", EVERYBODY),
        (get.clone(), "/jobs/ID/progress", EVERYBODY),
        (get.clone(), "/jobs/ID/failed.csv", EVERYBODY),
        (get.clone(), "/jobs/ID/requests.txt", EVERYBODY),
        (get.clone(), "/account", EVERYBODY),
        (post.clone(), "/account/name", EVERYBODY),
        (post.clone(), "/account/language", EVERYBODY),
        (post.clone(), "/account/password", EVERYBODY),
        (post.clone(), "/account/sessions/end-others", EVERYBODY),
        (post.clone(), "/lists", editor),
        (post.clone(), "/lists/ID/contacts/ID", editor),
        (post.clone(), "/lists/ID/variables", editor),
        (post.clone(), "/lists/ID/bulk", editor),
        (post.clone(), "/lists/ID/duplicates", editor),
        (post.clone(), "/sources", editor),
        (post.clone(), "/suppression/add", editor),
        (post.clone(), "/suppression/remove", editor),
        (post.clone(), "/suppression/import", editor),
        (post.clone(), "/requests/ID/resend", editor),
        (post.clone(), "/webhooks/test", editor),
        (post.clone(), "/webhooks/ID/resume", editor),
        (post.clone(), "/webhooks/new", owner),
        (post.clone(), "/webhooks/resend-failed", editor),
        (post.clone(), "/webhooks/attempts/ID/resend", editor),
        (post.clone(), "/jobs/ID/begin", editor),
        (post.clone(), "/jobs/ID/stop", editor),
        (post.clone(), "/jobs/ID/undo", editor),
        (post.clone(), "/jobs/ID/resume", editor),
        (post.clone(), "/jobs/ID/remove", editor),
        (post.clone(), "/account/opt-out", owner),
        (post.clone(), "/account/webhook-secret/show", owner),
        (post.clone(), "/account/users", owner),
        (get.clone(), "/account/users/ID", owner),
        (post.clone(), "/account/users/ID/role", owner),
        (post.clone(), "/account/users/ID/invite", owner),
        (post.clone(), "/account/users/ID/enable", owner),
    ];
    for path in [
        "/lists/ID/rename",
        "/lists/ID/remove",
        "/lists/ID/contacts/new",
        "/lists/ID/contacts/ID/remove",
        "/lists/ID/contacts/ID/erase",
        "/lists/ID/variables/plan/rename",
        "/lists/ID/variables/plan/remove",
        "/lists/ID/import",
        "/sources/ID",
        "/sources/ID/remove",
        "/requests/ID/undo",
    ] {
        routes.extend(both(path, editor));
    }
    for path in ["/keys", "/keys/ID/revoke", "/webhooks/ID/remove", "/account/users/ID/disable"] {
        routes.extend(both(path, owner));
    }
    routes.push((get, "/account/webhook-secret", owner));
    routes
}

#[tokio::test(flavor = "multi_thread")]
async fn each_page_is_for_its_role_and_those_above() {
    let server = Server::start().await;
    let owner = let_in(&server, server.user, "ada@example.com").await;
    let (_, editor) = add(&server, UserRole::Editor, "ben@example.com").await;
    let (_, viewer) = add(&server, UserRole::Viewer, "eve@example.com").await;
    let everybody = [(UserRole::Owner, owner), (UserRole::Editor, editor), (UserRole::Viewer, viewer)];
    for (role, mut visitor) in everybody {
        for (method, path, needed) in routes() {
            let path = path.replace("ID", "0123456789abcdef01234567");
            let answer = match method {
                Method::GET => visitor.get(&server, &path).await,
                _ => visitor.post(&server, &path, &[]).await,
            };
            let refused = answer.status == StatusCode::FORBIDDEN;
            assert_eq!(refused, role < needed, "{role:?} {method} {path}: {}", answer.status);
            if refused {
                assert!(answer.text().contains("Your role does not allow this"), "{path}");
            }
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_offer_what_the_role_allows() {
    let server = Server::start().await;
    let list = server.list().await;
    let told = server.upsert(&list, json!({ "contact": "user@example.com" })).await;
    let contact = format!("/lists/{list}/contacts/{}", told["id"].as_str().expect("an id"));
    let listed = server.ok("/v3/request/list", &json!({})).await;
    let request = format!("/requests/{}", listed["data"][0]["id"].as_str().expect("a request"));
    let (_, mut viewer) = add(&server, UserRole::Viewer, "eve@example.com").await;
    let list = format!("/lists/{list}");
    let variables = format!("{list}/variables");
    for path in [
        "/",
        "/lists",
        &list,
        &variables,
        &contact,
        "/sources",
        "/suppression",
        "/requests",
        &request,
        "/jobs",
    ] {
        let page = viewer.page(&server, path).await;
        let forms = page.matches(r#"<form method="post""#).count();
        // To sign out, and to choose columns.
        assert!(forms <= 1 + page.matches("/columns\"").count(), "{path}: {page}");
        for offered in ["/rename", "/remove", "/erase", "/undo", "/import\"", "/contacts/new", "\"/keys\""] {
            assert!(!page.contains(offered), "{path}: {offered}");
        }
    }
    let page = viewer.page(&server, "/account").await;
    assert!(!page.contains("/account/users") && !page.contains("/account/webhook-secret"), "{page}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_over_a_user_by_a_link_and_one_who_is_reset_is_out() {
    let server = Server::start().await;
    let mut ada = let_in(&server, server.user, "ada@example.com").await;
    let (id, mut ben) = add(&server, UserRole::Editor, "ben@example.com").await;
    let me = server.user;
    // Not for oneself: the present password would not be asked for.
    let own = ada.post(&server, &format!("/account/users/{me}/invite"), &[]).await;
    assert_eq!(own.status, StatusCode::NOT_FOUND);
    assert_eq!(ada.get(&server, &format!("/account/users/{me}/disable")).await.status, StatusCode::NOT_FOUND);
    for user in [me, id] {
        let taken = ben.post(&server, &format!("/account/users/{user}/invite"), &[]).await;
        assert_eq!(taken.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(ben.get(&server, "/account").await.status, StatusCode::OK);
    let reset = ada.post(&server, &format!("/account/users/{id}/invite"), &[]).await;
    assert!(reset.text().contains("/welcome/"), "{}", reset.text());
    assert_eq!(ben.get(&server, "/account").await.status, StatusCode::SEE_OTHER, "signed out at once");
    server.stop().await;
}

/// Forms about credentials, each with what it would change.
fn credentials(other: ObjectId) -> Vec<(String, Vec<(&'static str, &'static str)>)> {
    let user = format!("/account/users/{other}");
    vec![
        ("/keys".to_owned(), vec![("name", "Shop")]),
        ("/account/users".to_owned(), vec![("name", "Carl"), ("role", "owner")]),
        (format!("{user}/role"), vec![("role", "owner")]),
        (format!("{user}/invite"), vec![]),
        (format!("{user}/disable"), vec![]),
        ("/account/webhook-secret".to_owned(), vec![]),
        ("/account/webhook-secret/show".to_owned(), vec![]),
    ]
}

/// All that such a form could change.
async fn state(server: &Server) -> String {
    let accounts = server.storage.accounts().await.expect("a look");
    let tokens = server.storage.tokens(None).await.expect("a look").len();
    let secret = server.storage.webhook_secret(server.account).await.expect("a look");
    format!("{accounts:?} {tokens} {secret:?}")
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_need_the_password_or_a_fresh_sign_in() {
    let clock = ManualClock::new(Timestamp::from_millis(1_700_000_000_000));
    let server = Server::with(Setup { clock: Arc::new(clock.clone()), ..Setup::default() }).await;
    let mut ada = let_in(&server, server.user, "ada@example.com").await;
    let (other, _) = add(&server, UserRole::Editor, "ben@example.com").await;
    assert!(ada.page(&server, "/account/webhook-secret").await.contains("whsec_"));
    clock.advance(Duration::from_secs(10 * 60));
    assert!(!ada.page(&server, "/account/webhook-secret").await.contains("whsec_"));
    assert!(ada.page(&server, "/keys").await.contains(r#"name="present""#));
    let before = state(&server).await;
    for (path, fields) in credentials(other) {
        for (present, text) in
            [("", "Enter your present password."), ("wrong", "This is not your present password.")]
        {
            let fields: Vec<_> = fields.iter().copied().chain([("present", present)]).collect();
            let answer = ada.post(&server, &path, &fields).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
            let page = answer.text();
            assert!(page.contains(text) && page.contains(r#"type="password""#), "{path}: {page}");
            assert!(!page.contains("whsec_") && !page.contains("/welcome/"), "{path}");
        }
        assert_eq!(state(&server).await, before, "{path}");
    }
    for (path, fields) in credentials(other) {
        let fields: Vec<_> = fields.iter().copied().chain([("present", PASSWORD)]).collect();
        let answer = ada.post(&server, &path, &fields).await;
        assert!(answer.status.is_success() || answer.status.is_redirection(), "{path}: {}", answer.text());
    }
    assert_ne!(state(&server).await, before);
    let enable = format!("/account/users/{other}/enable");
    let before = state(&server).await;
    let answer = ada.post(&server, &enable, &[("present", "wrong")]).await;
    assert!(answer.text().contains("This is not your present password."), "{}", answer.text());
    assert_eq!(state(&server).await, before);
    ada.done(&server, &enable, &[("present", PASSWORD)]).await;
    // Guesses are counted as at the sign-in.
    for _ in 0..10 {
        ada.post(&server, "/keys", &[("name", "x"), ("present", "guess")]).await;
    }
    let answer = ada.post(&server, "/keys", &[("name", "x"), ("present", PASSWORD)]).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_stays_one() {
    let server = Server::start().await;
    let mut ada = let_in(&server, server.user, "ada@example.com").await;
    let role = format!("/account/users/{}/role", server.user);
    let answer = ada.post(&server, &role, &[("role", "viewer")]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.text().contains("This is the last owner of the account"), "{}", answer.text());
    let (other, mut ben) = add(&server, UserRole::Owner, "ben@example.com").await;
    assert_eq!(ada.done(&server, &role, &[("role", "viewer")]).await, "/account?done=role");
    assert_eq!(ada.get(&server, "/keys").await.status, StatusCode::FORBIDDEN, "from the next request on");
    let answer = ben.post(&server, &format!("/account/users/{other}/role"), &[("role", "editor")]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    let nonsense = ben.post(&server, &role, &[("role", "king")]).await;
    assert_eq!(nonsense.status, StatusCode::BAD_REQUEST);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn disabling_asks_names_the_keys_that_stop_and_hands_them_over() {
    let server = Server::start().await;
    // The server's user has the key; another owner disables it.
    let mut eve = let_in(&server, server.user, "eve@example.com").await;
    let (ada_id, mut ada) = add(&server, UserRole::Owner, "ada@example.com").await;
    let disable = format!("/account/users/{}/disable", server.user);
    let asked = ada.page(&server, &disable).await;
    assert!(asked.contains(&server.token[3..19]) && asked.contains("stop working"), "{asked}");
    assert_eq!(eve.get(&server, "/account").await.status, StatusCode::OK, "asking changes nothing");
    let nobody = ObjectId::from_bytes([1; 12]).to_string();
    let wrong = ada.post(&server, &disable, &[("keys_to", &nobody)]).await;
    assert_eq!(wrong.status, StatusCode::CONFLICT);
    assert_eq!(eve.get(&server, "/account").await.status, StatusCode::OK, "keys never stop by mistake");
    assert_eq!(ada.done(&server, &disable, &[]).await, "/account?done=disabled");
    assert_eq!(eve.get(&server, "/account").await.status, StatusCode::SEE_OTHER);
    let refused = server.post("/v3/account/info", &json!({})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.json()["errors"], json!([format!("user {} not enabled", server.user)]));
    assert!(ada.page(&server, "/keys").await.contains("disabled: key refused"));
    assert_eq!(
        ada.done(&server, &disable, &[("keys_to", &ada_id.to_string())]).await,
        "/account?done=handed"
    );
    server.ok("/v3/account/info", &json!({})).await;
    assert!(!ada.page(&server, "/keys").await.contains("disabled: key refused"));
    let mut late = Visitor::default();
    let answer = late.sign_in(&server, "eve@example.com", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let enable = format!("/account/users/{}/enable", server.user);
    ada.done(&server, &enable, &[]).await;
    assert_eq!(location(&late.sign_in(&server, "eve@example.com", PASSWORD).await), "/lists");
    server.stop().await;
}
