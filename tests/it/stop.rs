//! The end of a server that is asked to end: what is in flight is finished, what was accepted is kept.

use std::net::TcpStream;

use serde_json::{Value, json};

use crate::process::{Store, wait_for};
use crate::wire::Wire;

const UPDATE: &str = "/v3/contacts/update";

#[test]
fn a_server_that_is_asked_to_stop_finishes_what_is_in_flight() {
    let store = Store::new();
    let token = store.account("Shop").token;
    let mut server = store.serve();
    let list = server.list(&token);
    let body = |number: usize| {
        let contacts = json!([{ "contact": format!("contact-{number}") }]);
        json!({ "contactListId": list, "upsert": true, "contacts": contacts }).to_string()
    };
    let mut wires: Vec<_> =
        (0..3).map(|number| Wire::begin(server.address, UPDATE, &token, &body(number)).unwrap()).collect();

    server.signal("TERM");
    wait_for("new clients to be refused", || TcpStream::connect(server.address).is_err().then_some(()));
    let mut requests = Vec::new();
    for (number, wire) in wires.iter_mut().enumerate() {
        let reply = wire.finish(&body(number)).expect("an answer, though the server is stopping");
        assert_eq!(reply.status, 200, "{}", reply.text());
        requests.push(reply.json()["requestId"].as_str().expect("an id").to_owned());
    }
    for wire in &mut wires {
        assert!(wire.is_at_end());
    }
    assert_eq!(server.wait().code(), Some(0));

    let server = store.serve();
    for (number, request) in requests.iter().enumerate() {
        let results = server.processed(&token, request)["results"].clone();
        assert_eq!(results["success"][0]["action"], "created");
        assert!(!server.contact(&token, &list, &format!("contact-{number}")).is_null());
    }
}

#[test]
fn a_server_stops_though_clients_stay_connected() {
    let store = Store::new();
    let token = store.account("Shop").token;
    let mut server = store.serve();
    let mut idle = server.connect();
    assert_eq!(idle.post("/v3/account/info", &token, &json!({})).unwrap().status, 200);
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    assert!(idle.is_at_end());
}

#[test]
fn batches_that_wait_when_the_server_stops_are_applied_by_the_next() {
    let store = Store::new();
    let token = store.account("Shop").token;
    let mut server = store.serve();
    let list = server.list(&token);
    let contacts: Vec<Value> =
        (0..100).map(|number| json!({ "contact": format!("contact-{number}") })).collect();
    let mut wire = server.connect();
    let body = json!({ "contactListId": list, "upsert": true, "contacts": contacts });
    let mut send =
        || wire.post(UPDATE, &token, &body).unwrap().json()["requestId"].as_str().unwrap().to_owned();
    let requests: Vec<_> = (0..20).map(|_| send()).collect();
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    let server = store.serve();
    for (number, request) in requests.iter().enumerate() {
        let request = server.processed(&token, request);
        let action = if number == 0 { "created" } else { "unchanged" };
        let success = request["results"]["success"].as_array().unwrap();
        assert_eq!(success.len(), 100);
        assert!(success.iter().all(|item| item["action"] == action), "{action}: {request}");
    }
}
