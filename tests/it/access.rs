//! Who may call: tokens, users, accounts (contract, section 1).

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::apply::outcome::Failure;
use domain::clock::{Clock, ManualClock, SystemClock, Timestamp};
use domain::id::ObjectId;
use domain::journal::AccountNo;
use domain::token::FreshToken;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use storage::Role;
use storage::{ItemResult, NewToken, RequestState, Scope, Storage, UserChange};

use crate::faults::{Fault, Switch};
use crate::harness::{Answer, Bearer, Server, Setup};

const INFO: &str = "/v3/account/info";

/// The same store as another process has it: `rollbook token revoke` while the server runs.
async fn another_handle(server: &Server) -> Arc<dyn Storage> {
    server.directory.open(server.kind, Role::Command).await
}

/// The store's number of the server's account.
async fn account_no(server: &Server) -> AccountNo {
    let access = server.storage.find_access(key_of(&server.token).to_owned()).await.expect("a read");
    access.expect("a token").account.expect("an account").no
}

fn key_of(token: &str) -> &str {
    &token[3..19]
}

fn shown(token: &str) -> String {
    format!("{}…", &token[..8])
}

/// Asks with a token until it is refused, which must be within a second, and returns the refusal.
async fn refused_within_a_second(server: &Server, token: &str) -> Answer {
    let start = Instant::now();
    loop {
        let answer = server.post_as(token, INFO, &json!({})).await;
        let late = start.elapsed() > Duration::from_secs(1);
        if answer.status != StatusCode::OK {
            return answer;
        }
        assert!(!late, "the token works still");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn works(server: &Server, bearer: &Bearer) {
    let answer = server.post_as(&bearer.token, INFO, &json!({})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_none_is_refused() {
    let server = Server::start().await;
    let text = "Invalid authorization token!";
    let expected = json!({ "result": false, "errors": [text], "details": [
        { "position": null, "field": null, "code": "INVALID_TOKEN", "message": text }] });
    let answer = server.send(Method::POST, INFO, &[], "{}").await;
    assert_eq!((answer.status, answer.json()), (StatusCode::UNAUTHORIZED, expected.clone()));
    let (cut, long) = (&server.token[..server.token.len() - 1], format!("{}x", server.token));
    let upper = server.token.to_uppercase();
    for token in
        ["", " ", "x", "YOUR_API_KEY", "rb_", cut, &long, &upper, &format!("Bearer {}", server.token)]
    {
        let answer = server.send(Method::POST, INFO, &[("access-token", token)], "{}").await;
        assert_eq!((answer.status, answer.json()), (StatusCode::UNAUTHORIZED, expected.clone()), "{token}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_refusal_and_no_later_answer_holds_a_secret() {
    let server = Server::start().await;
    let stranger = FreshToken::generate().text;
    let mixed = format!("{}{}", &server.token[..20], &stranger[20..]);
    let no_match = format!("no matches found for access token {}", shown(&stranger));
    let failed = format!("access token check failed for key/secret {}/{}", key_of(&mixed), shown(&mixed));
    for (token, text) in [(&stranger, no_match), (&mixed, failed)] {
        let answer = server.post_as(token, INFO, &json!({})).await;
        assert_eq!((answer.status, answer.errors()), (StatusCode::UNAUTHORIZED, vec![text]));
        assert!(!answer.text().contains(&token[20..]));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_another_process_revokes_stops_working_within_a_second() {
    let server = Server::start().await;
    let bearer = server.bearer("Other").await;
    works(&server, &bearer).await;
    let handle = another_handle(&server).await;
    assert!(
        handle.revoke_token(key_of(&bearer.token).to_owned(), SystemClock.now()).await.expect("a revocation")
    );
    let answer = refused_within_a_second(&server, &bearer.token).await;
    let (key, shown) = (key_of(&bearer.token), shown(&bearer.token));
    let text = format!("access token check failed for key/secret {key}/{shown}");
    let expected = json!({ "result": false, "errors": [text], "details": [
        { "position": null, "field": null, "code": "TOKEN_CHECK_FAILED", "message": text }] });
    assert_eq!((answer.status, answer.json()), (StatusCode::UNAUTHORIZED, expected));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_another_process_makes_works_within_a_second() {
    let server = Server::start().await;
    let fresh = FreshToken::generate();
    // Asked for before it is there: that nobody has it is not remembered for long.
    let early = server.post_as(&fresh.text, INFO, &json!({})).await;
    assert_eq!(early.status, StatusCode::UNAUTHORIZED);
    let token = NewToken {
        key: fresh.key,
        secret_hash: fresh.secret_hash,
        name: String::new(),
        expires_at: None,
        scope: Scope::default(),
    };
    another_handle(&server).await.add_token(server.user, token, SystemClock.now()).await.expect("a token");
    let start = Instant::now();
    while server.post_as(&fresh.text, INFO, &json!({})).await.status != StatusCode::OK {
        assert!(start.elapsed() < Duration::from_secs(1), "the token does not work");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_user_or_account_is_told_so_and_may_come_back() {
    let server = Server::start().await;
    let bearer = server.bearer("Other").await;
    works(&server, &bearer).await;
    let handle = another_handle(&server).await;
    let text = format!("user {} not enabled", bearer.user);
    let expected = json!({ "result": false, "errors": [text], "details": [
        { "position": null, "field": null, "code": "USER_NOT_ENABLED", "message": text }] });
    for of_account in [false, true] {
        let set = async |enabled| {
            let done = if of_account {
                handle.set_account_enabled(bearer.account, enabled).await
            } else {
                match enabled {
                    true => handle.enable_user(bearer.user).await,
                    false => handle.disable_user(bearer.user, None).await.map(UserChange::is_done),
                }
            };
            assert!(done.expect("a change"));
        };
        set(false).await;
        let answer = refused_within_a_second(&server, &bearer.token).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::FORBIDDEN, expected.clone()));
        set(true).await;
        server
            .wait_for("the token to work again", async || {
                let answer = server.post_as(&bearer.token, INFO, &json!({})).await;
                (answer.status == StatusCode::OK).then_some(())
            })
            .await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_when_it_was_said_to() {
    let clock = ManualClock::new(Timestamp::from_millis(1_792_022_398_000));
    let server = Server::with(Setup { clock: Arc::new(clock.clone()), ..Setup::default() }).await;
    let fresh = FreshToken::generate();
    let token = NewToken {
        key: fresh.key,
        secret_hash: fresh.secret_hash,
        name: String::new(),
        expires_at: Some(clock.now().after(Duration::from_secs(10))),
        scope: Scope::default(),
    };
    server.storage.add_token(server.user, token, clock.now()).await.expect("a token");
    clock.advance(Duration::from_millis(9_999));
    assert_eq!(server.post_as(&fresh.text, INFO, &json!({})).await.status, StatusCode::OK);
    clock.advance(Duration::from_millis(1));
    let answer = server.post_as(&fresh.text, INFO, &json!({})).await;
    let text =
        format!("access token check failed for key/secret {}/{}", key_of(&fresh.text), shown(&fresh.text));
    assert_eq!((answer.status, answer.errors()), (StatusCode::UNAUTHORIZED, vec![text]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_gone_is_told_by_its_user() {
    let server = Server::start().await;
    let bearer = server.bearer("Other").await;
    works(&server, &bearer).await;
    assert!(another_handle(&server).await.remove_account(bearer.account).await.expect("a removal"));
    let answer = refused_within_a_second(&server, &bearer.token).await;
    let text = format!("no data found for key {}", bearer.user);
    let expected = json!({ "result": false, "errors": [text], "details": [
        { "position": null, "field": null, "code": "ACCOUNT_GONE", "message": text }] });
    assert_eq!((answer.status, answer.json()), (StatusCode::UNAUTHORIZED, expected));
    server.stop().await;
}

#[tokio::test]
async fn a_change_of_one_account_has_nothing_of_another_read_again() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let list = server.list().await;
    let other = server.bearer("Other").await;
    let create = json!({ "contactListName": "Theirs" });
    let theirs = server.post_as(&other.token, "/v3/contact-list/create", &create).await.json();
    let batch =
        |list: &Value| json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "a" }] });
    let (ours, theirs) = (batch(&json!(list)), batch(&theirs["contactListId"]));
    const UPDATE: &str = "/v3/contacts/update";
    // The server may still have to hear of the second account, which concerns all: then once more.
    let outlives =
        server.wait_for("what is known of an account to outlive a change of another", async || {
            server.ok(UPDATE, &ours).await;
            assert_eq!(server.post_as(&other.token, UPDATE, &theirs).await.status, StatusCode::OK);
            let again = server.post_as(&other.token, "/v3/contact-list/create", &create).await;
            assert_eq!(again.status, StatusCode::OK);
            switch.set(Fault::Read);
            let known = server.post(UPDATE, &ours).await.status;
            let refused = server.post_as(&other.token, UPDATE, &theirs).await.status;
            switch.set(Fault::None);
            assert_ne!(refused, StatusCode::OK, "what was changed is read again");
            (known == StatusCode::OK).then_some(())
        });
    outlives.await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_waits_while_its_account_goes_ends_in_list_not_found() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let list = server.list().await;
    let account = account_no(&server).await;
    let other = server.bearer("Other").await;
    switch.set(Fault::ApplyWaits);
    let body = json!({ "contactListId": list, "upsert": true, "contacts": [
        { "contact": "user@example.com" }, { "contact": "a", "variables": [{ "name": "plan", "value": "x" }] }] });
    let answer = server.ok("/v3/contacts/update", &body).await;
    let id = ObjectId::parse(answer["requestId"].as_str().expect("an id")).expect("an id");
    assert!(server.storage.remove_account(server.account).await.expect("a removal"));
    switch.set(Fault::None);
    let results = server
        .wait_for("the batch to be applied", async || {
            let found = server.storage.find_requests(account, vec![id]).await.expect("a read");
            let request = found.into_iter().next().expect("it is known");
            (request.state == RequestState::Processed).then_some(request.results)
        })
        .await;
    assert_eq!(results.len(), 2);
    for result in results {
        assert!(matches!(result, ItemResult::Failed { failure: Failure::ListNotFound, .. }), "{result:?}");
    }
    // Nobody else has to wait for that.
    let create = json!({ "contactListName": "Others" });
    let list = server.post_as(&other.token, "/v3/contact-list/create", &create).await.json();
    let body =
        json!({ "contactListId": list["contactListId"], "upsert": true, "contacts": [{ "contact": "a" }] });
    let answer = server.post_as(&other.token, "/v3/contacts/update", &body).await;
    let id = answer.json()["requestId"].as_str().expect("an id").to_owned();
    server
        .wait_for("the other's batch to be applied", async || {
            let found =
                server.post_as(&other.token, "/v3/request/find", &json!({ "ids": [id] })).await.json();
            (found["requests"][&id]["results"]["success"][0]["action"] == "created").then_some(())
        })
        .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_secret_that_another_process_rotates_signs_on_for_a_while() {
    let server = Server::start().await;
    let (account, now) = (account_no(&server).await, SystemClock.now());
    let signs = async |at| server.storage.webhook_secrets(account, at).await.expect("a read");
    let (old, new) = (server.webhook_secret.to_text(), "whsec_bmV3".to_owned());
    assert!(old.starts_with("whsec_"));
    assert_eq!(signs(now).await, std::slice::from_ref(&old));
    let until = now.after(Duration::from_secs(60));
    let handle = another_handle(&server).await;
    assert!(handle.set_webhook_secret(server.account, new.clone(), until).await.expect("a change"));
    assert_eq!(signs(now).await, [new.clone(), old]);
    assert_eq!(signs(until).await, [new]);
    server.stop().await;
}
