//! The server is killed while updates and undos run: what was accepted is done, once and in order.

use std::sync::mpsc::{self, Sender};

use serde_json::{Value, json};

use crate::harness::PATIENCE;
use crate::process::{Process, Store};
use crate::wire::Wire;

/// An update of the one contact, or an undo of one.
#[derive(Clone, Debug)]
enum Sent {
    Update { request: String, name: usize },
    Undo { request: String, of: usize },
}

impl Sent {
    fn request(&self) -> &str {
        match self {
            Self::Update { request, .. } | Self::Undo { request, .. } => request,
        }
    }
}

/// Sends updates, and an undo of the last after each, until the server is gone; tells of each that was accepted.
fn work(
    server: &Process,
    (token, list): (&str, &str),
    sent: &mut Vec<Sent>,
    next: &mut usize,
    accepted: &Sender<()>,
) {
    let Ok(mut wire) = Wire::open(server.address) else { return };
    let mut post = |path: &str, body: &Value| -> Option<String> {
        let reply = wire.post(path, token, body).ok()?;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let _ = accepted.send(());
        reply.json()["requestId"].as_str().map(str::to_owned)
    };
    loop {
        *next += 1;
        let name = *next;
        // A field of its own for each parity: an undo of one leaves the other.
        let field = ["firstName", "lastName"][name % 2];
        let contacts = json!([{ "contact": "a", field: name.to_string() }]);
        let body = json!({ "contactListId": list, "upsert": true, "contacts": contacts });
        let Some(request) = post("/v3/contacts/update", &body) else { return };
        sent.push(Sent::Update { request: request.clone(), name });
        let of = sent.len() - 1;
        let Some(request) = post("/v3/request/undo", &json!({ "requestId": request })) else { return };
        sent.push(Sent::Undo { request, of });
    }
}

#[test]
fn a_server_that_is_killed_while_updates_and_undos_run_has_done_what_its_results_say() {
    let store = Store::new();
    let token = store.account("Shop").token;
    let mut server = store.serve();
    let list = server.list(&token);
    let made = server.upsert(&token, &list, json!([{ "contact": "a" }]));
    server.processed(&token, &made);
    let (mut sent, mut next) = (Vec::new(), 0);
    for round in 1..=5 {
        let (tell, accepted) = mpsc::channel();
        std::thread::scope(|scope| {
            let (server, sent, next, of) = (&server, &mut sent, &mut next, (&*token, &*list));
            scope.spawn(move || work(server, of, sent, next, &tell));
            let enough = (0..3 + 2 * round).all(|_| accepted.recv_timeout(PATIENCE).is_ok());
            // Before anything else: the other goes on until the server is gone.
            server.signal("KILL");
            assert!(enough, "requests are accepted");
        });
        drop(server);
        server = store.serve();
    }
    let last = server.upsert(&token, &list, json!([{ "contact": "end" }]));
    server.processed(&token, &last);
    assert!(sent.len() > 20, "only {} requests were accepted", sent.len());

    // Each says what it did; and every change that a result tells of is in the history, once.
    let mut expected = Vec::new();
    for entry in &sent {
        let object = server.processed(&token, entry.request());
        let done = object["results"]["success"][0].clone();
        assert_eq!(
            (&done["action"], &object["results"]["errors"]),
            (&json!("updated"), &json!([])),
            "{entry:?}"
        );
        if let Sent::Undo { of, .. } = entry {
            let Sent::Update { name, .. } = &sent[*of] else { panic!("an undo is of an update") };
            let field = ["firstName", "lastName"][name % 2];
            assert_eq!((&done["restored"], &done["kept"]), (&json!([field]), &json!([])), "{entry:?}");
        }
        expected.push(entry.request().to_owned());
    }
    let mut told: Vec<Value> = Vec::new();
    loop {
        let body = json!({ "contactListId": list, "userId": "a", "offset": told.len(), "limit": 100 });
        let page = server.ok("/v3/contact/history", &token, &body)["data"].clone();
        match page.as_array().expect("an array") {
            page if page.is_empty() => break,
            page => told.extend(page.clone()),
        }
    }
    told.reverse();
    // What was kept without an answer may stand between; what was answered stands in its order.
    let ids: Vec<_> =
        told.iter().map(|change| change["requestId"].as_str().expect("an id").to_owned()).collect();
    let answered: Vec<_> = ids.iter().filter(|id| expected.contains(id)).cloned().collect();
    assert_eq!(answered, expected);
    assert!(ids.len() <= 1 + expected.len() + 5, "at most one a round was in doubt");
    // Replayed from its creation, the history gives the contact as it is.
    let mut state = json!({});
    for change in &told {
        for field in change["changes"].as_array().expect("an array") {
            let name = field["field"].as_str().expect("a name");
            assert_eq!(state[name], field["old"], "{change}");
            state[name] = field["new"].clone();
        }
    }
    let contact = server.contact(&token, &list, "a");
    for name in ["userId", "firstName", "lastName"] {
        assert_eq!(contact[name], state[name], "{name}");
    }
}
