//! Twins: the same `Idempotency-Key` on several connections at the same moment.

use std::sync::{Arc, Barrier};

use serde_json::{Value, json};

use crate::harness::Server;
use crate::wire::{Reply, Wire, head};

const ADD: &str = "/v3/contacts/add";

/// The bytes of a request with a key.
pub fn request(token: &str, path: &str, key: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let head = head(path, token, body.len());
    format!("{}{body}", head.replacen("\r\n", &format!("\r\nIdempotency-Key: {key}\r\n"), 1)).into_bytes()
}

fn body(list: &str, round: usize, name: &str) -> Value {
    json!({ "contactListId": list, "contacts": [{ "userId": format!("user{round}"), "name": name }] })
}

/// Sends a request of each caller at the same moment, round after round, and returns the replies of each round.
fn race(
    server: &Server,
    rounds: usize,
    callers: usize,
    make: impl Fn(usize, usize) -> Vec<u8> + Sync,
) -> Vec<Vec<Reply>> {
    let barrier = Arc::new(Barrier::new(callers));
    let mut replies: Vec<Vec<_>> = (0..rounds).map(|_| Vec::new()).collect();
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..callers)
            .map(|caller| {
                let (barrier, make) = (Arc::clone(&barrier), &make);
                scope.spawn(move || {
                    let mut wire = Wire::open(server.address).ok();
                    let mut replies = Vec::new();
                    for round in 0..rounds {
                        let bytes = make(round, caller);
                        // All come here in every round, whatever befell them: the others wait for them.
                        barrier.wait();
                        replies.push(wire.as_mut().and_then(|wire| {
                            wire.write(&bytes).ok()?;
                            wire.read().ok()
                        }));
                    }
                    replies
                })
            })
            .collect();
        for caller in callers {
            for (round, reply) in replies.iter_mut().zip(caller.join().expect("a caller")) {
                round.push(reply.expect("an answer"));
            }
        }
    });
    replies
}

async fn is_made_once(server: &Server, list: &str, round: usize, reply: &Reply) -> Value {
    let id = reply.json()["requestId"].as_str().expect("an id").to_owned();
    let object = server.processed(&id).await;
    assert_eq!(object["results"]["success"][0]["action"], "created", "round {round}: {object}");
    server.contact(list, "userId", &format!("user{round}")).await
}

async fn accepted(server: &Server) -> Value {
    server.ok("/v3/request/list", &json!({})).await["totalCount"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twins_one_is_queued_and_both_get_its_answer() {
    let server = Server::start().await;
    let list = server.list().await;
    let replies = race(&server, 150, 2, |round, _| {
        request(&server.token, ADD, &format!("key-{round}"), &body(&list, round, "Jo"))
    });
    for (round, replies) in replies.iter().enumerate() {
        let [one, other] = &replies[..] else { panic!("two replies") };
        assert_eq!((one.status, other.status), (200, 200), "{} {}", one.text(), other.text());
        assert_eq!(one.text(), other.text(), "round {round}");
        is_made_once(&server, &list, round, one).await;
    }
    assert_eq!(accepted(&server).await, 150);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_different_bodies_with_one_key_the_first_is_queued_and_the_others_are_refused() {
    let server = Server::start().await;
    let list = server.list().await;
    let replies = race(&server, 60, 5, |round, caller| {
        let body = body(&list, round, &caller.to_string());
        request(&server.token, ADD, &format!("key-{round}"), &body)
    });
    for (round, replies) in replies.iter().enumerate() {
        let winners: Vec<_> = (0..5).filter(|caller| replies[*caller].status == 200).collect();
        let [winner] = winners[..] else { panic!("round {round}: one is accepted, not {winners:?}") };
        for (caller, reply) in replies.iter().enumerate().filter(|(caller, _)| *caller != winner) {
            assert_eq!(reply.status, 400, "caller {caller}: {}", reply.text());
            assert_eq!(reply.json()["errors"], json!(["Idempotency-Key was used with another body"]));
        }
        let made = is_made_once(&server, &list, round, &replies[winner]).await;
        assert_eq!(made["name"], winner.to_string());
    }
    assert_eq!(accepted(&server).await, 60);
    server.stop().await;
}
