//! Methods called within the process: by a user who is signed in, and by imports that run on the server.

use bytes::Bytes;
use rollbook::files::api::{Api, Reply};
use rollbook::http::inside::Inside;
use serde_json::{Value, json};

use crate::faults::{Fault, Switch};
use crate::harness::{Server, Setup, is_id};

async fn post(inside: &Inside, path: &str, key: Option<&str>, body: &Value) -> (u16, Value) {
    let Reply { status, body, .. } =
        inside.post(path, key, body.to_string().into()).await.expect("an answer");
    (status, serde_json::from_slice(&body).expect("JSON"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_within_the_process_answers_as_http_does_and_histories_name_the_user() {
    let server = Server::start().await;
    let list = server.list().await;
    let inside = server.inside().await;
    let wrong =
        json!({ "contactListId": list, "contacts": [{ "contact": "a", "email": "a@" }, { "contact": " " }] });
    let (status, mut told) = post(&inside, "/v3/contacts/update", None, &wrong).await;
    assert_eq!(status, 400);
    assert!(is_id(&told["requestId"]), "{told}");
    let mut over_http = server.post("/v3/contacts/update", &wrong).await.json();
    for answer in [&mut told, &mut over_http] {
        answer.as_object_mut().expect("an object").remove("requestId");
    }
    assert_eq!(told, over_http);

    let right =
        json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "u1", "name": "Jo" }] });
    let (status, first) = post(&inside, "/v3/contacts/update", Some("key-1"), &right).await;
    let (_, again) = post(&inside, "/v3/contacts/update", Some("key-1"), &right).await;
    assert_eq!((status, &first["requestId"]), (200, &again["requestId"]), "the same key, the same request");
    server.processed(first["requestId"].as_str().expect("an id")).await;
    let history = json!({ "contactListId": list, "userId": "u1" });
    let history = server.ok("/v3/contact/history", &history).await;
    assert_eq!(history["data"][0]["token"], format!("user:{}", server.user), "{history}");
    let (status, told) = post(&inside, "/v3/contacts/update", Some("no key"), &right).await;
    assert_eq!((status, &told["details"][0]["code"]), (400, &json!("INVALID_IDEMPOTENCY_KEY")), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_within_the_process_has_the_bounds_and_the_limits_of_others() {
    let server = Server::start().await;
    let list = server.list().await;
    let mut inside = server.inside().await;
    let large = Bytes::from(vec![b' '; (1 << 20) + 1]);
    let reply = inside.post("/v3/contacts/update", None, large).await.expect("an answer");
    assert_eq!(reply.status, 413);
    assert!(inside.post("/v3/nothing", None, Bytes::new()).await.is_err());

    let get = json!({ "contactListId": list });
    inside.caller.viewer.lists = Some(Vec::new());
    assert_eq!(post(&inside, "/v3/contact-list/get", None, &get).await.0, 400, "as if it were not there");
    inside.caller.viewer.lists = None;
    inside.caller.read_only = true;
    let body = json!({ "contactListName": "New" });
    assert_eq!(post(&inside, "/v3/contact-list/create", None, &body).await.0, 403);
    let stranger = server.bearer("Stranger").await;
    let (status, _) = post(&server.inside_as(&stranger).await, "/v3/contact-list/get", None, &get).await;
    assert_eq!(status, 400, "the list of another account");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_within_the_process_is_contained_and_counted() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let list = server.list().await;
    let inside = server.inside().await;
    switch.set(Fault::Panic);
    let get = json!({ "contactListId": list, "contact": "u" });
    let (status, told) = post(&inside, "/v3/contact/get", None, &get).await;
    assert_eq!((status, &told["errors"][0]), (500, &json!("Internal server error")));
    switch.set(Fault::None);
    assert_eq!(post(&inside, "/v3/contact-list/get", None, &json!({ "contactListId": list })).await.0, 200);
    let counted = inside.app.metrics.to_text(server.storage.backlog(), std::time::Duration::ZERO, 0);
    let line = r#"rollbook_requests_total{method="/v3/contact/get",status="500"} 1"#;
    assert!(counted.contains(line), "{counted}");
}
