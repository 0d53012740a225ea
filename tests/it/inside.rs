//! Use cases within the process: by a user who is signed in, and by imports that run on the server.

use app::Refusal;
use app::lists::ListName;
use bytes::Bytes;
use domain::contact::identifier::IdentifierKind;
use files::api::{Accepted, Answer, Api as _, Failure};
use jobs::local::Local;
use serde_json::{Value, json};
use wire::ingest::BodyKind;

use crate::faults::{Fault, Switch};
use crate::harness::{Server, Setup};

async fn update(local: &Local, key: Option<&str>, body: &Value) -> Answer<Accepted> {
    local.submit(BodyKind::Update, key, body.to_string().into()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_within_the_process_is_answered_as_over_http_and_histories_name_the_user() {
    let server = Server::start().await;
    let list = server.list().await;
    let local = server.inside().await.local();
    let wrong =
        json!({ "contactListId": list, "contacts": [{ "contact": "a", "email": "a@" }, { "contact": " " }] });
    let Err(Failure::Invalid(told, _)) = update(&local, None, &wrong).await else { panic!("it is invalid") };
    let over_http = server.post("/v3/contacts/update", &wrong).await.json();
    let details = over_http["details"].as_array().expect("details");
    assert_eq!(told.len(), details.len(), "{told:?}");
    for (wrong, detail) in told.iter().zip(details) {
        assert_eq!(
            json!([wrong.position, wrong.field, wrong.code]),
            json!([detail["position"], detail["field"], detail["code"]])
        );
        let message = detail["message"].as_str().expect("a message");
        assert!(message.starts_with(&wrong.text), "{message} of {wrong:?}");
    }

    let right =
        json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "u1", "name": "Jo" }] });
    let first = update(&local, Some("key-1"), &right).await.expect("it is accepted").request;
    let again = update(&local, Some("key-1"), &right).await.expect("it is accepted").request;
    assert_eq!(first, again, "the same key, the same request");
    server.processed(&first).await;
    let history = json!({ "contactListId": list, "userId": "u1" });
    let history = server.ok("/v3/contact/history", &history).await;
    assert_eq!(history["data"][0]["token"], format!("user:{}", server.user), "{history}");
    let Err(Failure::Invalid(told, _)) = update(&local, Some("no key"), &right).await else {
        panic!("it is no key")
    };
    assert_eq!(told[0].code, "INVALID_IDEMPOTENCY_KEY");
    // A key that was used over HTTP is known here, and the other way round.
    let headers = [("access-token", server.token.as_str()), ("idempotency-key", "key-1")];
    let path = "/v3/contacts/update";
    let over_http = server.send(hyper::Method::POST, path, &headers, right.to_string()).await.json();
    assert_eq!(over_http["requestId"], json!(first));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_case_within_the_process_has_the_bounds_and_the_limits_of_others() {
    let server = Server::start().await;
    let list = server.list().await;
    let mut inside = server.inside().await;
    let large = Bytes::from(vec![b' '; (1 << 20) + 1]);
    let answer = inside.local().submit(BodyKind::Update, None, large).await;
    assert!(matches!(answer, Err(Failure::TooLarge(_))), "{answer:?}");

    inside.caller.scope.lists = Some(Vec::new());
    let hidden = inside.local().list(&list).await;
    assert!(matches!(hidden, Err(Failure::Invalid(..))), "as if it were not there: {hidden:?}");
    inside.caller.scope.lists = None;
    inside.caller.read_only = true;
    let name = ListName::parse(Some("New")).expect("a name");
    let created = inside.app.commands.create_list(&inside.caller, name, None).await;
    assert!(matches!(created, Err(Refusal::Forbidden(_))), "{created:?}");
    let body =
        json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "u1", "name": "Jo" }] });
    let changed = update(&inside.local(), None, &body).await;
    assert!(matches!(changed, Err(Failure::Other(_))), "{changed:?}");
    let stranger = server.bearer("Stranger").await;
    let theirs = server.inside_as(&stranger).await.local().list(&list).await;
    assert!(matches!(theirs, Err(Failure::Invalid(..))), "the list of another account: {theirs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_within_the_process_is_contained_and_counted() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let list = server.list().await;
    let inside = server.inside().await;
    switch.set(Fault::Panic);
    let identifiers = vec![(IdentifierKind::UserId, "u".to_owned())];
    let person = inside.app.queries.person(&inside.caller, identifiers).await;
    assert!(matches!(person, Err(Refusal::Panicked)), "{person:?}");
    switch.set(Fault::None);
    assert!(inside.local().list(&list).await.is_ok());
    let counted = inside.app.metrics.to_text(server.storage.backlog(), std::time::Duration::ZERO, 0);
    let line = r#"rollbook_requests_total{method="/v3/contact/export",status="500"} 1"#;
    assert!(counted.contains(line), "{counted}");
}
