//! Rejected requests: an integrator sees why nothing arrives, and nothing of what was sent.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::{Clock, ManualClock, SystemClock, Timestamp};
use domain::token::{FreshToken, PresentedToken};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use storage::{NewToken, Scope};

use crate::harness::{Server, Setup};
use crate::wire::Wire;

/// What is told of each group: status, code, method, count.
async fn told(server: &Server, token: &str, filter: Value) -> Vec<(u64, String, String, u64)> {
    let answer = server.post_as(token, "/v3/request/rejected", &filter).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let text = |row: &Value, key: &str| row[key].as_str().expect("a text").to_owned();
    let number = |row: &Value, key: &str| row[key].as_u64().expect("a number");
    let mut rows: Vec<_> = answer.json()["data"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (number(row, "status"), text(row, "code"), text(row, "method"), number(row, "count")))
        .collect();
    rows.sort();
    rows
}

#[tokio::test]
async fn rejected_requests_of_an_account_are_counted_by_code_and_token() {
    let clock = ManualClock::new(Timestamp::from_millis(1_792_022_400_000));
    let setup = Setup { clock: Arc::new(clock.clone()), ..Setup::default() };
    let limits = app::Limits { body: 2_000, ..setup.limits.clone() };
    let server = Server::with(Setup { limits, ..setup }).await;
    let list = server.list().await;
    let contacts = json!([{ "contact": "secret-person", "email": "no", "unknown": 1 }, { "contact": "b", "email": "no" }]);
    let body = json!({ "contactListId": list, "upsert": "yes", "contacts": contacts });
    for _ in 0..2 {
        server.refused("/v3/contacts/update", &body).await;
    }
    let large = server.post_bytes("/v3/contacts/update", vec![b'x'; 3_000]).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    let key = PresentedToken::parse(&server.token).expect("a token").key.to_owned();
    let mut wrong = server.token.clone();
    let last = if wrong.ends_with('a') { 'b' } else { 'a' };
    wrong.pop();
    wrong.push(last);
    for token in [wrong.as_str(), "nonsense"] {
        let answer = server.send(Method::POST, "/v3/account/info", &[("access-token", token)], "{}").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let other = server.bearer("Other").await;
    // Written once a minute.
    let counted = server
        .wait_for("the counts to be written", async || {
            clock.advance(Duration::from_secs(60));
            let counted = told(&server, &server.token, json!({})).await;
            (counted.len() >= 4).then_some(counted)
        })
        .await;
    let update =
        |status, code: &str, count| (status, code.to_owned(), "/v3/contacts/update".to_owned(), count);
    let check = (401, "TOKEN_CHECK_FAILED".to_owned(), "/v3/account/info".to_owned(), 1);
    assert_eq!(
        counted,
        [
            update(400, "INVALID_EMAIL", 2),
            update(400, "INVALID_UPSERT", 2),
            check,
            update(413, "BODY_TOO_LARGE", 1)
        ]
    );
    let answer = server.ok("/v3/request/rejected", &json!({ "code": "BODY_TOO_LARGE", "token": key })).await;
    let start = Timestamp::from_millis(1_792_022_400_000);
    let hour = Timestamp::from_millis(start.millis() / 3_600_000 * 3_600_000);
    let row = json!({ "hour": hour.to_string(), "token": key, "method": "/v3/contacts/update", "status": 413,
        "code": "BODY_TOO_LARGE", "count": 1, "lastAt": start.to_string() });
    let expected =
        json!({ "result": true, "data": [row], "totalCount": 1, "offset": 0, "limit": 20, "errors": [] });
    assert_eq!(answer, expected);
    let from = json!({ "from": clock.now().after(Duration::from_secs(7_200)).to_string() });
    assert_eq!(told(&server, &server.token, from).await, []);
    assert_eq!(told(&server, &other.token, json!({})).await, []);
    let all = server.ok("/v3/request/rejected", &json!({})).await.to_string();
    assert!(!all.contains("secret-person"), "{all}");
    assert_eq!(
        server.refused("/v3/request/rejected", &json!({ "code": 7 })).await,
        ["Argument code must be a string"]
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_rights_and_too_many_requests_are_counted_and_written_at_a_stop() {
    let mut setup = Setup::default();
    setup.limits.in_flight = 1;
    let server = Server::with(setup).await;
    server.refused("/v3/request/find", &json!({})).await;
    let fresh = FreshToken::generate();
    let token = NewToken {
        key: fresh.key.clone(),
        secret_hash: fresh.secret_hash,
        name: "reader".to_owned(),
        expires_at: None,
        scope: Scope { read_only: true, lists: None },
    };
    server.storage.add_token(server.user, token, SystemClock.now()).await.expect("a token");
    let denied = server.post_as(&fresh.text, "/v3/contacts/update", &json!({})).await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN);
    let info = "/v3/account/info";
    let mut held = Wire::begin(server.address, info, &server.token, "{      }").expect("a request");
    let refused = server.post(info, &json!({})).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers["ratelimit"], r#""concurrency";r=0"#);
    assert_eq!(held.finish("{      }").expect("an answer").status, 200);
    let server = server.restart(Setup::default()).await;
    let rows = told(&server, &server.token, json!({})).await;
    let row = |status, code: &str, method: &str| (status, code.to_owned(), method.to_owned(), 1);
    assert_eq!(
        rows,
        [
            row(400, "REQUIRED", "/v3/request/find"),
            row(403, "TOKEN_READ_ONLY", "/v3/contacts/update"),
            row(429, "TOO_MANY_CONCURRENT_REQUESTS", info),
        ]
    );
    server.stop().await;
}
