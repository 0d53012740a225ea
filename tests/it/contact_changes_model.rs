//! Followers that start at any time, are killed and resume at random end with the state of the server: over servers in
//! processes of their own, under concurrent load.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::{Value, json};

use crate::harness::PATIENCE;
use crate::process::{Process, Store, run};

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

/// What a follower has of a contact.
type Contact = BTreeMap<String, Value>;
type State = HashMap<String, Contact>;

const FIELDS: [&str; 5] = ["userId", "email", "firstName", "contactScore", "active"];

/// All contacts of the list, and the cursor of the moment before they were read.
fn snapshot(server: &Process, token: &str, list: &str) -> (State, String) {
    let (mut state, mut cursor, mut after) = (State::new(), String::new(), Value::Null);
    loop {
        let body = json!({ "contactListId": list, "after": after, "limit": 7 });
        let page = server.ok("/v3/contacts/find", token, &body);
        if after.is_null() {
            cursor = page["cursor"].as_str().expect("a cursor").to_owned();
        }
        let ids = page["contactIds"].as_array().expect("ids");
        for (id, contact) in ids.iter().zip(page["data"].as_array().expect("contacts")) {
            let mut fields: Contact =
                FIELDS.iter().map(|field| ((*field).to_owned(), contact[*field].clone())).collect();
            for variable in contact["variables"].as_array().expect("variables") {
                let name = format!("variables.{}", variable["name"].as_str().expect("a name"));
                fields.insert(name, variable["value"].clone());
            }
            state.insert(id.as_str().expect("an id").to_owned(), known(fields));
        }
        after = page["next"].clone();
        if after.is_null() {
            return (state, cursor);
        }
    }
}

/// Without what is absent: null, or the default of a flag.
fn known(mut fields: Contact) -> Contact {
    fields.retain(|_, value| !value.is_null() && *value != json!(false));
    fields
}

fn apply(state: &mut State, change: &Value) {
    let id = change["contactId"].as_str().expect("an id").to_owned();
    match change["action"].as_str().expect("an action") {
        "removed" | "erased" => {
            state.remove(&id);
        }
        action => {
            let contact = state.entry(id).or_default();
            if action == "created" {
                contact.clear();
            }
            for (name, value) in change["fields"].as_object().expect("fields") {
                contact.insert(name.clone(), value["to"].clone());
            }
            for name in ["userId", "email"] {
                contact.insert(name.to_owned(), change[name].clone());
            }
            *contact = known(std::mem::take(contact));
        }
    }
}

/// Sends a request, and returns its id.
fn act(dice: &mut Dice, servers: &[Process], token: &str, list: &str) {
    let server = &servers[dice.below(servers.len())];
    let user = |dice: &mut Dice| format!("user-{}", dice.below(25));
    let request = match dice.below(20) {
        0..=13 => {
            let contacts: Vec<_> = (0..=dice.below(4))
                .map(|_| {
                    let user = user(dice);
                    let mut contact = json!({ "contact": user });
                    match dice.below(5) {
                        0 => contact["email"] = json!(format!("{}@example.com", dice.below(30))),
                        1 => contact["firstName"] = json!(format!("name {}", dice.below(1_000))),
                        2 => contact["contactScore"] = json!(dice.below(1_000)),
                        3 => contact["active"] = json!(dice.below(2) == 0),
                        _ => {
                            let value = format!("{}", dice.below(1_000));
                            contact["variables"] = json!([{ "name": "newVariableName", "value": value }]);
                        }
                    }
                    contact
                })
                .collect();
            let body =
                json!({ "contactListId": list, "upsert": true, "restoreErased": true, "contacts": contacts });
            server.ok("/v3/contacts/update", token, &body)
        }
        14..=16 => {
            let body = json!({ "contactListId": list, "userIds": [user(dice)] });
            server.ok("/v3/contacts/remove", token, &body)
        }
        17..=18 => server.ok("/v3/contact/erase", token, &json!({ "userId": user(dice) })),
        _ => {
            let requests = server.ok("/v3/request/list", token, &json!({ "limit": 5 }));
            let undoable = requests["data"].as_array().expect("requests").iter();
            let undoable: Vec<_> =
                undoable.filter(|request| request["source"] != "contact/erase").cloned().collect();
            let Some(request) = undoable.first() else { return };
            let reply = server.post("/v3/request/undo", token, &json!({ "requestId": request["requestId"] }));
            assert!(matches!(reply.status, 200 | 400), "{}", reply.text());
            return;
        }
    };
    assert_eq!(request["result"], true);
}

fn idle(server: &Process, token: &str) -> bool {
    ["queued", "processing"].iter().all(|status| {
        let body = json!({ "status": status, "limit": 1 });
        server.ok("/v3/request/list", token, &body)["totalCount"] == 0
    })
}

/// Follows until all is told, and crashes now and then: it then goes on from what it has stored, wherever that is.
fn follow(seed: u64, servers: &[Process], token: &str, list: &str, done: &AtomicBool) -> (State, usize) {
    let mut dice = Dice(seed);
    let mut stored = snapshot(&servers[dice.below(servers.len())], token, list);
    let mut state = stored.clone();
    let (start, mut crashes) = (Instant::now(), 0);
    loop {
        assert!(start.elapsed() < PATIENCE * 4, "it comes to an end");
        let server = &servers[dice.below(servers.len())];
        let last = done.load(Ordering::SeqCst) && idle(server, token);
        let body = json!({ "contactListId": list, "after": state.1, "limit": 1 + dice.below(40),
            "waitSeconds": u8::from(!last), "include": "changes" });
        let page = server.ok("/v3/contacts/changes", token, &body);
        let changes = page["changes"].as_array().expect("changes");
        for change in changes {
            apply(&mut state.0, change);
            state.1 = change["cursor"].as_str().expect("a cursor").to_owned();
            match dice.below(30) {
                0..=4 => stored = state.clone(),
                5 => {
                    state = stored.clone();
                    crashes += 1;
                    break;
                }
                _ => {}
            }
        }
        if last && changes.is_empty() {
            return (state.0, crashes);
        }
    }
}

fn followers_end_with_the_state_of_the_server(store: &Store, nodes: usize) {
    let token = store.account("Shop").token;
    let servers: Vec<_> = (0..nodes).map(|_| store.serve()).collect();
    let list = servers[0].list(&token);
    let (done, begun) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (servers, token, list) = (&servers[..], token.as_str(), list.as_str());
    let ends = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let begun = &begun;
                scope.spawn(move || {
                    let mut dice = Dice(writer + 1);
                    for _ in 0..60 {
                        act(&mut dice, servers, token, list);
                        begun.fetch_add(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        let followers: Vec<_> = (0..3_usize)
            .map(|follower| {
                let (begun, done) = (&begun, &done);
                scope.spawn(move || {
                    // At the start, and in the middle of all that goes on.
                    while begun.load(Ordering::SeqCst) < follower * 50 {
                        std::thread::yield_now();
                    }
                    follow(100 + follower as u64, servers, token, list, done)
                })
            })
            .collect();
        let failed: Vec<_> = writers.into_iter().filter_map(|writer| writer.join().err()).collect();
        done.store(true, Ordering::SeqCst);
        assert!(failed.is_empty(), "a writer has failed");
        followers.into_iter().map(|follower| follower.join().expect("a follower")).collect::<Vec<_>>()
    });
    let (expected, _) = snapshot(&servers[0], token, list);
    assert!(!expected.is_empty());
    let crashes: usize = ends.iter().map(|(_, crashes)| crashes).sum();
    assert!(crashes > 0, "some were killed");
    for (state, _) in &ends {
        assert_eq!(state, &expected);
    }
}

#[test]
fn followers_that_are_killed_and_resume_end_with_the_state_of_a_server_on_files() {
    followers_end_with_the_state_of_the_server(&Store::in_files(), 1);
}

#[test]
fn followers_that_are_killed_and_resume_end_with_the_state_of_two_nodes_on_one_database() {
    followers_end_with_the_state_of_the_server(&Store::in_postgres(), 2);
}

/// A proxy that ends every other answer in its middle, as if it were whole.
fn cutting_proxy(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for (turn, client) in listener.incoming().enumerate() {
            let Ok(mut client) = client else { return };
            let mut request = vec![0; 64 << 10];
            let count = client.read(&mut request).unwrap_or(0);
            let Ok(mut upstream) = TcpStream::connect(server) else { continue };
            let request = String::from_utf8_lossy(&request[..count])
                .replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
            if upstream.write_all(request.as_bytes()).is_err() {
                continue;
            }
            let mut answer = Vec::new();
            let _ = upstream.read_to_end(&mut answer);
            let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let body = &answer[end + 4..];
            let body = if turn % 2 == 0 { &body[..body.len() / 2] } else { body };
            let head =
                format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = client.write_all(&[head.as_bytes(), body].concat());
        }
    });
    address
}

#[test]
fn the_command_goes_on_where_it_was_also_behind_a_proxy_that_ends_broken_answers_well() {
    let store = Store::new();
    let token = store.account("Shop").token;
    let mut server = store.serve();
    let list = server.list(&token);
    let file = store.directory.path("cursor");
    let file = file.to_str().expect("text");
    let follow = |address: SocketAddr, more: &[&str]| {
        let url = format!("http://{address}");
        let fixed = ["follow", "--url", &url, "--token", &token, "--once", "--include", "ids"];
        run(&mut store.command(&[&fixed[..], more].concat()))
    };
    let mine = ["--list", list.as_str(), "--cursor-file", file, "--after", "start"];
    let user_ids = |out: &str| -> Vec<String> {
        let lines = out.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        lines.map(|change| change["userId"].as_str().unwrap_or("-").to_owned()).collect()
    };
    for contact in ["a", "b"] {
        server.processed(&token, &server.upsert(&token, &list, json!([{ "contact": contact }])));
    }
    let printed = follow(cutting_proxy(server.address), &mine);
    assert_eq!(
        (printed.code, user_ids(&printed.out)),
        (Some(0), vec!["a".into(), "b".into()]),
        "{}",
        printed.err
    );
    let printed = follow(server.address, &mine);
    assert_eq!((printed.code, user_ids(&printed.out).len()), (Some(0), 0), "{}", printed.err);
    server.kill();
    server = store.serve();
    server.processed(&token, &server.upsert(&token, &list, json!([{ "contact": "c" }])));
    let printed = follow(server.address, &mine);
    assert_eq!((printed.code, user_ids(&printed.out)), (Some(0), vec!["c".into()]), "{}", printed.err);
    let cursor = std::fs::read_to_string(file).expect("a cursor");
    let printed = follow(server.address, &["--after", cursor.trim()]);
    assert_eq!(printed.code, Some(3), "a cursor of one list, for all: {}", printed.err);
    assert!(printed.err.contains("The cursor is not of these lists"), "{}", printed.err);
    let printed = follow(server.address, &["--list", "nobody"]);
    assert_eq!(printed.code, Some(1), "{}", printed.err);
}
