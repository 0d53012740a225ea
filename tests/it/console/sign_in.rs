//! Who gets in, and for how long.

use std::sync::Arc;
use std::time::Duration;

use console::{first_link, invite};
use domain::clock::{ManualClock, Timestamp};
use hyper::{Method, StatusCode};
use storage::UserRole;
use web::login::PublicUrl;

use super::visitor::location;
use super::{PASSWORD, Visitor, add, let_in};
use crate::harness::{Server, Setup};

const HOUR: Duration = Duration::from_secs(3_600);

/// A server whose clock stands.
async fn standing() -> (Server, ManualClock) {
    let clock = ManualClock::new(Timestamp::from_millis(1_700_000_000_000));
    let setup = Setup { clock: Arc::new(clock.clone()), ..Setup::default() };
    (Server::with(setup).await, clock)
}

async fn is_in(visitor: &mut Visitor, server: &Server) -> bool {
    let answer = visitor.get(server, "/lists").await;
    assert!(answer.status == StatusCode::OK || location(&answer) == "/sign-in?to=%2Flists");
    answer.status == StatusCode::OK
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_lets_the_first_user_in_once() {
    let server = Server::start().await;
    let url = PublicUrl::of(server.address);
    let now = domain::clock::Clock::now(server.clock.as_ref());
    let link = first_link(server.storage.as_ref(), &url, now).await.unwrap().expect("nobody can sign in yet");
    let path = link.strip_prefix(url.as_str()).unwrap();
    let mut visitor = Visitor::default();
    let page = visitor.page(&server, path).await;
    assert!(page.contains("You are invited to the account <strong>Test</strong>"));
    assert!(page.contains(r#"autocomplete="name" value="" "#), "the account's name is nobody's: {page}");
    let fields = [("name", ""), ("email", "ada"), ("password", "short"), ("again", "short")];
    let answer = visitor.post_with(&server, path, &[], &fields).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    for text in ["Enter a name.", "Enter an e-mail address.", "Use at least 10 characters."] {
        assert!(answer.text().contains(text), "{text}: {}", answer.text());
    }
    let fields = [("name", "Ada"), ("email", "Ada@Example.com"), ("password", PASSWORD), ("again", PASSWORD)];
    let answer = visitor.post_with(&server, path, &[], &fields).await;
    assert_eq!((answer.status, location(&answer).as_str()), (StatusCode::SEE_OTHER, "/"));
    assert!(is_in(&mut visitor, &server).await);
    let mut other = Visitor::default();
    let answer = other.post_with(&server, path, &[], &fields).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.text().contains("This link no longer works"));
    let later = first_link(server.storage.as_ref(), &url, now).await.unwrap();
    assert_eq!(later, None, "somebody can sign in");
    assert_eq!(other.sign_in(&server, "ADA@example.com", PASSWORD).await.status, StatusCode::SEE_OTHER);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_is_seen_by_this_server_only_and_by_no_script() {
    let server = Server::start().await;
    let mut visitor = let_in(&server, server.user, "ada@example.com").await;
    let answer = visitor.sign_in(&server, "ada@example.com", PASSWORD).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    let (pair, rest) = cookie.split_once("; ").unwrap();
    assert_eq!(rest, "Path=/; HttpOnly; SameSite=Lax");
    let value = pair.strip_prefix("rollbook_session=").unwrap();
    assert_eq!(value.len(), 43, "256 bits");
    visitor.page(&server, "/account").await;
    let answer = visitor.post(&server, "/sign-out", &[]).await;
    assert_eq!(answer.headers["set-cookie"], "rollbook_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_tls_the_cookie_says_so() {
    let public_url = Some("https://contacts.example.com".parse().unwrap());
    let server = Server::with(Setup { public_url, ..Setup::default() }).await;
    let mut visitor = let_in(&server, server.user, "ada@example.com").await;
    let answer = visitor.sign_in(&server, "ada@example.com", PASSWORD).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-rollbook_session="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    // Without the prefix it is no cookie of ours.
    visitor.cookie = Some(visitor.cookie.unwrap().replace("__Host-", ""));
    assert!(!is_in(&mut visitor, &server).await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_somebody_has_planted_is_not_made_good() {
    let server = Server::start().await;
    let mut visitor = let_in(&server, server.user, "ada@example.com").await;
    let old = visitor.cookie.clone().unwrap();
    let planted = "rollbook_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    visitor.cookie = Some(planted.to_owned());
    visitor.sign_in(&server, "ada@example.com", PASSWORD).await;
    let fresh = visitor.cookie.clone().unwrap();
    assert!(fresh != planted && fresh != old);
    let mut planter = Visitor { cookie: Some(planted.to_owned()), ..Visitor::default() };
    assert!(!is_in(&mut planter, &server).await);
    assert!(is_in(&mut visitor, &server).await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_unknown_and_who_mistypes_are_told_the_same() {
    let server = Server::start().await;
    let_in(&server, server.user, "ada@example.com").await;
    let mut told = Vec::new();
    for email in ["ada@example.com", "eve@example.com"] {
        let mut visitor = Visitor::default();
        let answer = visitor.sign_in(&server, email, "wrong password").await;
        assert_eq!((answer.status, &visitor.cookie), (StatusCode::UNAUTHORIZED, &None));
        told.push(answer.text().replace(email, ""));
    }
    assert_eq!(told[0], told[1]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_limited_and_the_right_password_waits_too() {
    let (server, clock) = standing().await;
    let_in(&server, server.user, "ada@example.com").await;
    let mut visitor = Visitor::default();
    for number in 0..10 {
        let answer = visitor.sign_in(&server, "ada@example.com", &format!("guess number {number}")).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    clock.advance(Duration::from_secs(60));
    let answer = visitor.sign_in(&server, "ADA@example.com", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers["retry-after"], "30", "at most, as every answer");
    assert!(answer.text().contains("Try again in 14 minutes."), "{}", answer.text());
    clock.advance(Duration::from_secs(840));
    let answer = visitor.sign_in(&server, "ada@example.com", PASSWORD).await;
    assert_eq!((answer.status, location(&answer).as_str()), (StatusCode::SEE_OTHER, "/lists"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_it_is_idle_and_after_two_weeks() {
    let (server, clock) = standing().await;
    let mut visitor = let_in(&server, server.user, "ada@example.com").await;
    clock.advance(11 * HOUR);
    assert!(is_in(&mut visitor, &server).await);
    clock.advance(11 * HOUR);
    assert!(is_in(&mut visitor, &server).await, "it was used in between");
    clock.advance(12 * HOUR);
    assert!(!is_in(&mut visitor, &server).await);
    visitor.sign_in(&server, "ada@example.com", PASSWORD).await;
    clock.advance(11 * HOUR);
    let poll = [("x-poll", "1")];
    let polled = visitor.send(&server, Method::GET, "/requests/rows", &poll, String::new()).await;
    assert_eq!(polled.status, StatusCode::OK);
    clock.advance(HOUR);
    assert!(!is_in(&mut visitor, &server).await, "a page that asks by itself is nobody who uses it");
    visitor.sign_in(&server, "ada@example.com", PASSWORD).await;
    for _ in 0..33 {
        clock.advance(10 * HOUR);
        assert!(is_in(&mut visitor, &server).await);
    }
    clock.advance(6 * HOUR);
    assert!(!is_in(&mut visitor, &server).await, "two weeks are over");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_out_or_is_disabled_is_out_at_once() {
    let server = Server::start().await;
    let mut visitor = let_in(&server, server.user, "ada@example.com").await;
    let kept = visitor.clone();
    assert_eq!(visitor.done(&server, "/sign-out", &[]).await, "/sign-in");
    assert!(!is_in(&mut kept.clone(), &server).await, "the cookie alone is good for nothing");
    visitor.sign_in(&server, "ada@example.com", PASSWORD).await;
    assert!(is_in(&mut visitor, &server).await);
    add(&server, UserRole::Owner, "eve@example.com").await;
    assert!(server.storage.disable_user(server.user, None).await.unwrap().is_done());
    assert!(!is_in(&mut visitor, &server).await);
    let answer = visitor.sign_in(&server, "ada@example.com", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_needs_the_present_one_and_ends_other_sessions() {
    let server = Server::start().await;
    let mut here = let_in(&server, server.user, "ada@example.com").await;
    let mut there = Visitor::default();
    there.sign_in(&server, "ada@example.com", PASSWORD).await;
    let fields = |present| [("present", present), ("password", "another horse"), ("again", "another horse")];
    let answer = here.post(&server, "/account/password", &fields("wrong password")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text().contains("This is not your present password."));
    assert!(is_in(&mut there, &server).await);
    assert_eq!(here.done(&server, "/account/password", &fields(PASSWORD)).await, "/account?done=password");
    assert!(is_in(&mut here, &server).await);
    assert!(!is_in(&mut there, &server).await);
    assert_eq!(there.sign_in(&server, "ada@example.com", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        there.sign_in(&server, "ada@example.com", "another horse").await.status,
        StatusCode::SEE_OTHER
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_leads_to_pages_of_this_server_only() {
    let server = Server::start().await;
    let mut visitor = let_in(&server, server.user, "ada@example.com").await;
    for (to, led) in [
        ("/keys?done=revoked", "/keys?done=revoked"),
        ("//evil.example.com", "/"),
        ("https://evil.example.com", "/"),
        ("/\\evil.example.com", "/"),
        ("/\t/evil.example.com", "/"),
        ("", "/"),
    ] {
        let fields = [("email", "ada@example.com"), ("password", PASSWORD), ("to", to)];
        let answer = visitor.post_with(&server, "/sign-in", &[], &fields).await;
        assert_eq!((answer.status, location(&answer).as_str()), (StatusCode::SEE_OTHER, led), "{to}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_is_invited_signs_in_and_a_reset_leaves_the_address() {
    let server = Server::start().await;
    let mut ada = let_in(&server, server.user, "ada@example.com").await;
    let answer = ada.post(&server, "/account/users", &[("name", "Ben"), ("role", "viewer")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    let text = answer.text();
    let link = text.split("<code>").nth(1).unwrap().split('<').next().unwrap();
    let path = link.strip_prefix(PublicUrl::of(server.address).as_str()).unwrap().to_owned();
    let mut ben = Visitor::default();
    let taken = [("name", "Ben"), ("email", "ADA@example.com"), ("password", PASSWORD), ("again", PASSWORD)];
    let answer = ben.post_with(&server, &path, &[], &taken).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    let fields = [("name", "Ben"), ("email", "ben@example.com"), ("password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(ben.post_with(&server, &path, &[], &fields).await.status, StatusCode::SEE_OTHER);
    assert!(is_in(&mut ben, &server).await);
    let users = ada.page(&server, "/account").await;
    let id = users.split("/account/users/").nth(2).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(
        ada.done(&server, &format!("/account/users/{id}/disable"), &[]).await,
        "/account?done=disabled"
    );
    assert!(!is_in(&mut ben, &server).await);
    let path = format!("/account/users/{id}");
    assert_eq!(ada.done(&server, &format!("{path}/enable"), &[]).await, format!("{path}?done=enabled"));
    let user = domain::id::ObjectId::parse(&id).unwrap();
    let now = domain::clock::Clock::now(server.clock.as_ref());
    let url = PublicUrl::of(server.address);
    let link = invite(server.storage.as_ref(), &url, user, now).await.unwrap().unwrap();
    let path = link.strip_prefix(url.as_str()).unwrap();
    assert!(ben.page(&server, path).await.contains("ben@example.com"));
    let fields = [("email", "x@example.com"), ("password", "another horse"), ("again", "another horse")];
    assert_eq!(ben.post_with(&server, path, &[], &fields).await.status, StatusCode::SEE_OTHER);
    assert_eq!(ben.sign_in(&server, "ben@example.com", "another horse").await.status, StatusCode::SEE_OTHER);
    server.stop().await;
}
