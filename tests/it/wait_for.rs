//! `waitFor` of `POST /v3/contact/get`: who has sent a request reads what it did

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::clock::{ManualClock, Timestamp};
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::faults::{Fault, Switch};
use crate::harness::{Bearer, Server, Setup};

const GET: &str = "/v3/contact/get";

/// Sends one contact with a name, and returns the request's id at once.
async fn send(server: &Server, list: &str, name: &str) -> String {
    let contacts = json!([{ "contact": "a", "name": name }]);
    let body = json!({ "contactListId": list, "upsert": true, "contacts": contacts });
    let answer = server.ok("/v3/contacts/update", &body).await;
    answer["requestId"].as_str().expect("an id").to_owned()
}

async fn list_of(server: &Server, bearer: &Bearer) -> Value {
    let made = json!({ "contactListName": "Others" });
    server.post_as(&bearer.token, "/v3/contact-list/create", &made).await.json()["contactListId"].clone()
}

/// Returns once the account's token has as many requests in flight as it may.
async fn in_flight(server: &Server) {
    server
        .wait_for("who waits to be in flight", async || {
            let answer = server.post("/v3/account/info", &json!({})).await;
            (answer.status == StatusCode::TOO_MANY_REQUESTS).then_some(())
        })
        .await;
}

/// Asks until the request is admitted: a probe of [`in_flight`] may hold the place for a moment.
async fn admitted(server: &Server, asked: &Value) -> Value {
    loop {
        let answer = server.post(GET, asked).await;
        if answer.status != StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            return answer.json();
        }
    }
}

fn ask(list: &str, request: &Value) -> Value {
    json!({ "contactListId": list, "userId": "a", "waitFor": request })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_reads_what_it_wrote() {
    let server = Server::start().await;
    let list = server.list().await;
    for round in 0..50 {
        let name = format!("name {round}");
        let request = send(&server, &list, &name).await;
        let answer = server.ok(GET, &ask(&list, &json!(request))).await;
        assert_eq!((&answer["contact"]["name"], answer.get("warnings")), (&json!(name), None));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_woken_by_the_applying_and_not_by_the_clock() {
    let (switch, clock) = (Switch::new(), ManualClock::new(Timestamp::from_millis(1_792_022_399_000)));
    let mut setup = Setup { wrap: switch.wrap(), clock: Arc::new(clock), ..Setup::default() };
    setup.limits.in_flight = 1;
    let server = Server::with(setup).await;
    let list = server.list().await;
    let other = server.bearer("Other").await;
    let theirs = list_of(&server, &other).await;
    switch.set(Fault::ApplyWaits);
    let request = send(&server, &list, "new").await;
    let asked = ask(&list, &json!(request));
    let (answer, ()) = tokio::join!(admitted(&server, &asked), async {
        in_flight(&server).await;
        switch.set(Fault::None);
        // The clock stands: it is what another sends that makes the applier look.
        let body = json!({ "contactListId": theirs, "upsert": true, "contacts": [{ "contact": "b" }] });
        let sent = server.post_as(&other.token, "/v3/contacts/update", &body).await;
        assert_eq!(sent.status, StatusCode::OK);
    });
    assert_eq!(answer["contact"]["name"], "new");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_five_seconds_the_applied_state_is_answered_with_a_warning() {
    let (switch, clock) = (Switch::new(), ManualClock::new(Timestamp::from_millis(1_792_022_399_000)));
    let setup = Setup { wrap: switch.wrap(), clock: Arc::new(clock.clone()), ..Setup::default() };
    let server = Server::with(setup).await;
    let list = server.list().await;
    let first = send(&server, &list, "old").await;
    assert_eq!(server.ok(GET, &ask(&list, &json!(first))).await["contact"]["name"], "old");
    switch.set(Fault::ApplyWaits);
    let request = send(&server, &list, "new").await;
    let start = Instant::now();
    let asked = ask(&list, &json!(request));
    let answer = {
        let mut answer = std::pin::pin!(server.post(GET, &asked));
        loop {
            tokio::select! {
                answer = &mut answer => break answer,
                // The clock moves as if all went on.
                () = tokio::time::sleep(Duration::from_millis(5)) => clock.advance(Duration::from_millis(100)),
            }
            assert!(start.elapsed() < crate::harness::PATIENCE, "it is answered in the end");
        }
    };
    let text = format!(
        "Request {request} was not processed within 5 seconds, and the contact is as it was without it"
    );
    let warning =
        json!([{ "position": null, "field": "waitFor", "code": "WAIT_TIMED_OUT", "message": text }]);
    let told = answer.json();
    assert_eq!(
        (answer.status, &told["contact"]["name"], &told["warnings"]),
        (StatusCode::OK, &json!("old"), &warning)
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_the_account_does_not_have_is_not_waited_for() {
    let server = Server::start().await;
    let list = server.list().await;
    let other = server.bearer("Other").await;
    let theirs = list_of(&server, &other).await;
    let body = json!({ "contactListId": theirs, "upsert": true, "contacts": [{ "contact": "a" }] });
    let request =
        server.post_as(&other.token, "/v3/contacts/update", &body).await.json()["requestId"].clone();
    let not_found = |id: &str| format!("Request {id} not found");
    for (id, text) in [
        (request.clone(), not_found(request.as_str().expect("an id"))),
        (json!("5d915c22d132d5f45a4e38b8"), not_found("5d915c22d132d5f45a4e38b8")),
        (json!("x"), not_found("x")),
        (json!(""), not_found("")),
    ] {
        let answer = server.post(GET, &ask(&list, &id)).await;
        let expected = json!({ "result": false, "errors": [text], "details": [
            { "position": null, "field": "waitFor", "code": "REQUEST_NOT_FOUND", "message": text }] });
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, expected), "{id}");
    }
    assert_eq!(server.refused(GET, &ask(&list, &json!(5))).await, ["Argument waitFor must be a string"]);
    assert_eq!(server.ok(GET, &ask(&list, &json!(null))).await["contact"], json!(null));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_in_flight_all_the_while() {
    let switch = Switch::new();
    let mut setup = Setup { wrap: switch.wrap(), ..Setup::default() };
    setup.limits.in_flight = 2;
    let server = Server::with(setup).await;
    let list = server.list().await;
    switch.set(Fault::ApplyWaits);
    let request = send(&server, &list, "new").await;
    let asked = ask(&list, &json!(request));
    let look = async {
        in_flight(&server).await;
        switch.set(Fault::None);
    };
    let (one, other, ()) = tokio::join!(admitted(&server, &asked), admitted(&server, &asked), look);
    assert_eq!([&one["contact"]["name"], &other["contact"]["name"]], ["new", "new"]);
    server.stop().await;
}
