//! A server that is killed between accepting a batch and answering it: whoever sends it again with the same
//! `Idempotency-Key` is given the answer, and the batch is applied once.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::idempotency_race::request;
use crate::process::{Process, Store, wait_for};
use crate::wire::Wire;

const ADD: &str = "/v3/contacts/add";

fn body(list: &str, name: &str) -> Value {
    json!({ "contactListId": list, "x": 1, "contacts": [{ "userId": name }] })
}

/// The requests that were accepted: how many, and the newest.
fn accepted(server: &Process, token: &str) -> (u64, Value) {
    let listed = server.ok("/v3/request/list", token, &json!({ "limit": 1 }));
    (listed["totalCount"].as_u64().expect("a count"), listed["data"][0]["id"].clone())
}

fn send(wire: &mut Wire, token: &str, list: &str, name: &str) -> io::Result<String> {
    wire.write(&request(token, ADD, name, &body(list, name)))?;
    let reply = wire.read()?;
    assert_eq!(reply.status, 200, "{}", reply.text());
    Ok(reply.text())
}

/// The answer to a request was given for a batch that made its contact, so for one that was the first with it.
fn is_first(server: &Process, token: &str, answer: &str) {
    let answer: Value = serde_json::from_str(answer).expect("JSON");
    assert_eq!(answer["warnings"][0]["code"], "UNKNOWN_FIELD", "{answer}");
    let object = server.processed(token, answer["requestId"].as_str().expect("an id"));
    assert_eq!(object["results"]["success"][0]["action"], "created", "{object}");
}

#[test]
fn an_answer_that_nobody_has_read_is_given_again_after_the_crash() {
    let store = Store::new();
    let token = store.account("Shop").token;
    let mut server = store.serve();
    let list = server.list(&token);
    for round in 0..6 {
        let name = format!("user{round}");
        let mut wire = server.connect();
        wire.write(&request(&token, ADD, &name, &body(&list, &name))).expect("sent");
        let id = wait_for("the request to be accepted", || {
            let (count, newest) = accepted(&server, &token);
            (count == round + 1).then_some(newest)
        });
        server.kill();
        server = store.serve();
        let first = send(&mut server.connect(), &token, &list, &name).expect("an answer");
        let answer: Value = serde_json::from_str(&first).expect("JSON");
        assert_eq!(answer["requestId"], id, "the one that was accepted before the crash");
        is_first(&server, &token, &first);
        assert_eq!(send(&mut server.connect(), &token, &list, &name).expect("an answer"), first);
        assert_eq!(accepted(&server, &token).0, round + 1);
    }
}

/// A client that sends one request after the other, each again and again until it is answered.
#[derive(Default)]
struct Client {
    /// The answers to its requests.
    answers: Vec<String>,
    /// How often it had to send one again.
    again: usize,
}

impl Client {
    /// Works until the server is gone.
    fn work(
        &mut self,
        no: usize,
        address: SocketAddr,
        token: &str,
        list: &str,
        most: usize,
    ) -> io::Result<()> {
        let mut wire = Wire::open(address)?;
        while self.answers.len() < most {
            let name = format!("user-{no}-{}", self.answers.len());
            self.again += 1;
            self.answers.push(send(&mut wire, token, list, &name)?);
            self.again -= 1;
        }
        Ok(())
    }
}

#[test]
fn clients_that_send_again_until_they_are_answered_have_each_batch_applied_once() {
    let store = Store::new();
    let token = store.account("Shop").token;
    let mut server = store.serve();
    let list = server.list(&token);
    let mut clients: Vec<_> = (0..4).map(|_| Client::default()).collect();
    let mut work = |server: &Process, most: usize, meanwhile: &dyn Fn()| {
        let (address, token, list) = (server.address, &token, &list);
        std::thread::scope(|scope| {
            for (no, client) in clients.iter_mut().enumerate() {
                // An error is the kill; the request that it befell is sent again next time.
                scope.spawn(move || drop(client.work(no, address, token, list, most)));
            }
            meanwhile();
        });
    };
    for _ in 0..12 {
        let killed = server;
        work(&killed, usize::MAX, &|| {
            let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
            std::thread::sleep(Duration::from_micros(u64::from(time.subsec_micros()) % 200_000));
            killed.signal("KILL");
        });
        drop(killed);
        server = store.serve();
    }
    // Each is answered once more than anybody had got to.
    work(&server, 0, &|| {});
    let most = clients.iter().map(|client| client.answers.len()).max().expect("clients") + 1;
    for (no, client) in clients.iter_mut().enumerate() {
        client.work(no, server.address, &token, &list, most).expect("the server is up");
    }
    assert!(clients.iter().any(|client| client.again > 0), "a kill befell a request");
    for (no, client) in clients.iter().enumerate() {
        for (number, answer) in client.answers.iter().enumerate() {
            is_first(&server, &token, answer);
            let name = format!("user-{no}-{number}");
            assert_eq!(&send(&mut server.connect(), &token, &list, &name).expect("an answer"), answer);
        }
    }
    assert_eq!(accepted(&server, &token).0, 4 * most as u64);
}
