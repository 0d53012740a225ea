//! Forms that do not come from a page of ours change nothing.

use http_body_util::Full;
use hyper::{Method, Request, StatusCode};
use serde_json::json;
use web::login::PublicUrl;

use super::{Visitor, let_in};
use crate::harness::{Server, Setup};
use crate::http2::Http2;

async fn lists(server: &Server) -> u64 {
    server.ok("/v3/contact-list/find", &json!({})).await["totalCount"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_the_token_of_its_session_is_refused() {
    let server = Server::start().await;
    let mut visitor = let_in(&server, server.user, "ada@example.com").await;
    let mut other = let_in(&server, server.bearer("Other").await.user, "eve@example.com").await;
    other.page(&server, "/lists").await;
    let (own, foreign) = (visitor.csrf.clone(), other.csrf.clone());
    assert_ne!(own, foreign);
    for token in ["", "x", foreign.as_str(), &own[1..]] {
        let fields = [("csrf", token), ("name", "Customers")];
        for answer in [
            visitor.post_with(&server, "/lists", &[], &fields).await,
            visitor.post_with(&server, "/lists", &[("x-csrf-token", token)], &fields[1..]).await,
        ] {
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{token}");
            assert!(answer.text().contains("This form is out of date"));
        }
    }
    let answer = visitor.post_with(&server, "/lists", &[], &[("name", "Customers")]).await;
    assert_eq!((answer.status, lists(&server).await), (StatusCode::FORBIDDEN, 0));
    // By the field or, as htmx sends it, by the header.
    let fields = [("name", "Customers")];
    let by_header = [("x-csrf-token", own.as_str())];
    assert_eq!(visitor.post_with(&server, "/lists", &by_header, &fields).await.status, StatusCode::SEE_OTHER);
    assert_eq!(visitor.done(&server, "/lists", &fields).await, "/lists?done=made");
    assert_eq!(lists(&server).await, 2);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_from_elsewhere_is_refused_though_it_has_the_token() {
    let server = Server::start().await;
    let mut visitor = let_in(&server, server.user, "ada@example.com").await;
    let host = server.address.to_string();
    let own = format!("http://{host}");
    let token = visitor.csrf.clone();
    let fields = [("csrf", token.as_str()), ("name", "Customers")];
    for (header, value, status) in [
        ("origin", "https://evil.example.com", StatusCode::FORBIDDEN),
        ("origin", "null", StatusCode::FORBIDDEN),
        ("sec-fetch-site", "cross-site", StatusCode::FORBIDDEN),
        ("sec-fetch-site", "same-site", StatusCode::FORBIDDEN),
        ("origin", own.as_str(), StatusCode::SEE_OTHER),
        ("sec-fetch-site", "same-origin", StatusCode::SEE_OTHER),
    ] {
        let headers = [(header, value), ("host", host.as_str())];
        let answer = visitor.post_with(&server, "/lists", &headers, &fields).await;
        assert_eq!(answer.status, status, "{header}: {value}");
    }
    assert_eq!(lists(&server).await, 2);
    // Nobody is signed in from elsewhere either: a victim would then work in the attacker's account.
    let fields = [("email", "ada@example.com"), ("password", super::PASSWORD)];
    let elsewhere = [("origin", "https://evil.example.com")];
    let answer = Visitor::default().post_with(&server, "/sign-in", &elsewhere, &fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_form_is_refused() {
    let server = Server::start().await;
    let mut visitor = let_in(&server, server.user, "ada@example.com").await;
    let token = visitor.csrf.clone();
    let headers = [("content-type", "text/plain"), ("x-csrf-token", token.as_str())];
    let answer = visitor.send(&server, Method::POST, "/lists", &headers, "name=x".to_owned()).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let form = [("content-type", "application/x-www-form-urlencoded"), ("x-csrf-token", token.as_str())];
    let large = format!("name={}", "x".repeat(300_000));
    let answer = visitor.send(&server, Method::POST, "/lists", &form, large).await;
    assert_eq!((answer.status, lists(&server).await), (StatusCode::BAD_REQUEST, 0));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_2_a_form_comes_from_where_it_says_though_there_is_no_host_header() {
    // Browsers find it elsewhere than the setting says, as where nobody has set it.
    let elsewhere = PublicUrl::of(([127, 0, 0, 1], 1).into());
    let server = Server::with(Setup { public_url: Some(elsewhere), ..Setup::default() }).await;
    let visitor = let_in(&server, server.user, "ada@example.com").await;
    let mut http2 = Http2::open(server.address).await.expect("a connection");
    let own = format!("http://{}", server.address);
    for (origin, status) in
        [(own.as_str(), 303), ("https://evil.example.com", 403), ("http://127.0.0.1:2", 403)]
    {
        let request = Request::post(format!("{own}/lists"))
            .header("origin", origin)
            .header("cookie", visitor.cookie.as_deref().expect("a cookie"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::from(format!("csrf={}&name=Customers", visitor.csrf)))
            .expect("a request");
        let (told, body) = http2.send(request).await.expect("an answer");
        assert_eq!(told, status, "{origin}: {}", String::from_utf8_lossy(&body));
    }
    assert_eq!(lists(&server).await, 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_a_session_changes_nothing() {
    let server = Server::start().await;
    for path in ["/lists", "/keys", "/account/name", "/account/users", "/sign-out"] {
        let answer = Visitor::default().post_with(&server, path, &[], &[("name", "x")]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert_eq!(answer.headers["location"], "/sign-in", "{path}");
    }
    assert_eq!(lists(&server).await, 0);
    server.stop().await;
}
