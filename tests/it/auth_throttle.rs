//! Guessing tokens is slowed down for those who guess, and for nobody else.

use domain::token::FreshToken;
use hyper::{Method, StatusCode};
use serde_json::json;

use crate::harness::{Answer, Server, Setup};

const INFO: &str = "/v3/account/info";
const TEXT: &str = "Too many unknown access tokens from this address, wait before the next";

async fn ask(server: &Server, token: &str, from: &str) -> Answer {
    let headers = [("access-token", token), ("x-forwarded-for", from)];
    server.send(Method::POST, INFO, &headers, "{}").await
}

/// Guesses until it is told to wait; how often it could guess.
async fn guess(server: &Server, from: &str, guess: impl Fn() -> String) -> usize {
    for count in 0..200 {
        let answer = ask(server, &guess(), from).await;
        if answer.status != StatusCode::UNAUTHORIZED {
            let expected = json!({ "result": false, "errors": [TEXT], "details": [
                { "position": null, "field": null, "code": "TOO_MANY_UNKNOWN_TOKENS", "message": TEXT }] });
            assert_eq!((answer.status, answer.json()), (StatusCode::TOO_MANY_REQUESTS, expected));
            let wait: u32 = answer.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
            assert!((1..=60).contains(&wait), "{wait}");
            return count;
        }
    }
    panic!("nobody says stop");
}

fn unknown() -> String {
    FreshToken::generate().text
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_must_wait_and_a_token_in_use_need_not() {
    let server = Server::start().await;
    assert_eq!(server.post(INFO, &json!({})).await.status, StatusCode::OK);
    let count = guess(&server, "", unknown).await;
    assert!((60..120).contains(&count), "{count}");
    // From the same address: nobody is locked out by others.
    for _ in 0..10 {
        assert_eq!(server.post(INFO, &json!({})).await.status, StatusCode::OK);
    }
    // A right key with a wrong secret is a guess too, and what is no token is told so as ever.
    let forged = format!("{}{}", &server.token[..20], &unknown()[20..]);
    assert_eq!(ask(&server, &forged, "").await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(ask(&server, "x", "").await.status, StatusCode::UNAUTHORIZED);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_key_with_wrong_secrets_is_a_guess() {
    let server = Server::start().await;
    let key = server.token[..20].to_owned();
    let count = guess(&server, "", || format!("{key}{}", &unknown()[20..])).await;
    assert!((60..120).contains(&count), "{count}");
    // The key is known by then, from those who guess: the secret that fits it need not wait.
    assert_eq!(server.post(INFO, &json!({})).await.status, StatusCode::OK);
    // A token that nobody has tried yet waits with the rest.
    let bearer = server.bearer("Other").await;
    guess(&server, "", || format!("{key}{}", &unknown()[20..])).await;
    assert_eq!(ask(&server, &bearer.token, "").await.status, StatusCode::TOO_MANY_REQUESTS);
    server
        .wait_for("the address to owe less", async || {
            (ask(&server, &bearer.token, "").await.status == StatusCode::OK).then_some(())
        })
        .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_of_the_operator_each_client_counts_for_itself() {
    let mut setup = Setup::default();
    setup.limits.proxies = vec!["127.0.0.0/8".parse().expect("a range")];
    let server = Server::with(setup).await;
    guess(&server, "192.0.2.1", unknown).await;
    // What a client writes into the header itself does not help it.
    assert_eq!(ask(&server, &unknown(), "192.0.2.77, 192.0.2.1").await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(ask(&server, &server.token, "192.0.2.2").await.status, StatusCode::OK);
    assert_eq!(ask(&server, &unknown(), "192.0.2.2").await.status, StatusCode::UNAUTHORIZED);
    server.stop().await;
}
