//! The methods of account webhooks, and their ends.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_methods_answer_in_the_vendor_s_words() {
    let server = Server::start().await;
    let none = ["There is no web hook configurations in your account"];
    assert_eq!(server.refused("/v3/webhook/list", &json!({})).await, none);
    for id in [json!(0), json!("x"), json!(1.5), Value::Null] {
        let refused = server.refused("/v3/webhook/remove", &json!({ "id": id })).await;
        assert_eq!(refused, ["Argument id must be a positive integer"], "{id}");
    }
    let unknown = server.refused("/v3/webhook/remove", &json!({ "id": 7 })).await;
    assert_eq!(unknown, ["Web hook config 7 not found in your account"]);
    let receiver = Receiver::start(Arc::new(SystemClock), &[], 204);
    for (body, error) in [
        (json!({ "url": receiver.uri(), "events": OWN }), "Argument title required"),
        (json!({ "title": "x", "url": "ftp://x", "events": OWN }), "Argument url must be a valid URI"),
        (
            json!({ "title": "x", "url": receiver.uri(), "events": ["segment.changed"] }),
            "There is no event segment.changed",
        ),
        (
            json!({ "title": "x", "url": receiver.uri(), "events": [] }),
            "Argument events must be an array of 1 to 100 names of events",
        ),
        (
            json!({ "title": "x", "url": receiver.uri(), "events": OWN, "batch": 101 }),
            "Argument batch must be an integer from 1 to 100",
        ),
    ] {
        assert_eq!(server.refused("/v3/webhook/create", &body).await, [error], "{body}");
    }
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(create(&server, &receiver, json!({})).await);
    }
    let body = json!({ "title": "x", "url": receiver.uri(), "events": OWN });
    let refused = server.refused("/v3/webhook/create", &body).await;
    assert_eq!(refused, ["Maximum count of webhooks per account is 20"]);
    let other = server.bearer("Other").await;
    let answer = server.post_as(&other.token, "/v3/webhook/remove", &json!({ "id": ids[0] })).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "a webhook of another account");
    assert_eq!(server.ok("/v3/webhook/remove", &json!({ "id": ids[0] })).await, json!({ "result": true }));
    assert_eq!(
        server.ok("/v3/webhook/list", &json!({})).await["data"].as_array().expect("webhooks").len(),
        19
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_webhook_sends_nothing_more() {
    let server = Server::start().await;
    let list = server.list().await;
    let (gone, stays) =
        (Receiver::start(Arc::new(SystemClock), &[], 204), Receiver::start(Arc::new(SystemClock), &[], 204));
    let id = create(&server, &gone, json!({})).await;
    create(&server, &stays, json!({})).await;
    server.upsert(&list, json!({ "contact": "a" })).await;
    come(&server, &gone, 1).await;
    come(&server, &stays, 1).await;
    server.ok("/v3/webhook/remove", &json!({ "id": id })).await;
    // The claim that finds a newer webhook has found that this one is gone.
    let third = Receiver::start(Arc::new(SystemClock), &[], 204);
    create(&server, &third, json!({})).await;
    server.upsert(&list, json!({ "contact": "b" })).await;
    come(&server, &third, 1).await;
    for number in 0..5 {
        server.upsert(&list, json!({ "contact": format!("user{number}") })).await;
    }
    come(&server, &stays, 7).await;
    let late = events(&gone).iter().filter(|event| event["userId"].to_string().contains("user")).count();
    assert_eq!(late, 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_in_the_middle_leaves_no_event_out() {
    const USERS: usize = 60;
    let receiver = Receiver::start(Arc::new(SystemClock), &[], 204);
    let store = Store::new();
    let token = store.account("Shop").token;
    let serve = || {
        store.serve_with(|command| {
            command.args(["--webhook-allow", "127.0.0.0/8"]);
        })
    };
    let mut server = serve();
    let list = server.list(&token);
    let body = json!({ "title": "CRM", "url": receiver.uri(), "events": OWN });
    server.ok("/v3/webhook/create", &token, &body);
    for number in 0..USERS {
        server.upsert(&token, &list, json!([{ "contact": format!("user{number}") }]));
        if number % 20 == 15 {
            server.kill();
            server = serve();
        }
    }
    let first = || {
        let mut seen = HashSet::new();
        let users =
            events(&receiver).into_iter().map(|event| event["userId"].as_str().expect("a user").to_owned());
        users.filter(|user| seen.insert(user.clone())).collect::<Vec<_>>()
    };
    let users = wait_for("all events", || {
        let users = first();
        (users.len() == USERS).then_some(users)
    });
    assert_eq!(users, (0..USERS).map(|number| format!("user{number}")).collect::<Vec<_>>(), "in order");
}
