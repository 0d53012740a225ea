//! A disk that fails at each of its calls in turn: full at every write, or unable to say that it has what it was
//! given. Whatever was answered with 200 is kept, whatever was refused is not, and nothing is done twice.

use std::io;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::kill::number;
use crate::process::{Process, Store, wait_for};
use crate::shim::{BROKEN, Fault, Kind, NO_ROOM, Shim};
use crate::wire::{Reply, Wire};

/// The calls of which each fails once in a test, where ROLLBOOK_TEST_DISK_FAULTS does not say how many: they are
/// spread over all that there are.
const CALLS: i64 = 8;

/// Batches that are sent while something fails.
const BATCHES: u64 = 4;

/// What became of a batch as its caller knows it.
#[derive(Debug)]
enum Told {
    /// 200, with the request's id.
    Accepted(String),
    /// It is not kept.
    Refused,
    /// Nobody can say.
    Unknown,
}

/// A caller who counts up: each batch makes a contact of its own, and writes its number on one that all share.
struct Caller {
    token: String,
    list: String,
    next: u64,
    sent: Vec<(u64, Told)>,
}

fn name(number: u64) -> String {
    format!("batch-{number}")
}

impl Caller {
    fn new(server: &Process, token: &str) -> Self {
        Self { token: token.to_owned(), list: server.list(token), next: 1, sent: Vec::new() }
    }

    fn post(&self, server: &Process, path: &str, body: &Value) -> io::Result<Reply> {
        Wire::open(server.address)?.post(path, &self.token, body)
    }

    /// Sends a batch; whether it was accepted.
    fn send(&mut self, server: &Process) -> bool {
        let number = self.next;
        self.next += 1;
        let body = json!({ "contactListId": self.list, "upsert": true, "contacts": [
            { "contact": name(number), "contactScore": number, "name": "x".repeat(255) },
            { "contact": "shared", "contactScore": number },
        ] });
        let told = match self.post(server, "/v3/contacts/update", &body) {
            Ok(reply) => told(&reply),
            Err(_) => Told::Unknown,
        };
        let accepted = matches!(told, Told::Accepted(_));
        self.sent.push((number, told));
        accepted
    }

    /// Holds the store against what was told.
    fn audit(&self, server: &Process) {
        let mut last = None;
        for (number, told) in &self.sent {
            if let Told::Accepted(request) = told {
                let done = server.processed(&self.token, request);
                let rows = done["results"]["success"].as_array().expect("rows");
                assert_eq!(
                    (rows.len(), &rows[0]["action"]),
                    (2, &json!("created")),
                    "batch {number}, once: {done}"
                );
            }
            let contact = server.contact(&self.token, &self.list, &name(*number));
            match told {
                Told::Refused => assert!(contact.is_null(), "batch {number} was refused: {contact}"),
                Told::Unknown if contact.is_null() => {}
                Told::Accepted(_) | Told::Unknown => {
                    assert_eq!(contact["contactScore"], number.to_string(), "batch {number}");
                    last = Some(*number);
                }
            }
        }
        if let Some(last) = last {
            let shared = server.contact(&self.token, &self.list, "shared");
            assert_eq!(shared["contactScore"], last.to_string(), "in the order of acceptance");
        }
    }

    /// Waits until the server takes a batch again, and has applied it.
    fn is_served_again(&mut self, server: &Process) {
        wait_for("the server to accept again", || self.send(server).then_some(()));
        let (_, told) = self.sent.last().expect("the one that was sent");
        let Told::Accepted(request) = told else { panic!("it was accepted") };
        server.processed(&self.token, request);
    }
}

fn told(reply: &Reply) -> Told {
    let answer = reply.json();
    match (reply.status, answer["details"][0]["code"].as_str()) {
        (200, _) => Told::Accepted(answer["requestId"].as_str().expect("an id").to_owned()),
        (503, Some("NOT_SAVED")) => Told::Refused,
        (503, Some("OUTCOME_UNKNOWN")) => Told::Unknown,
        // The token could not be looked up: the disk has failed for good.
        (500, _) => Told::Refused,
        _ => panic!("{}: {}", reply.status, reply.text()),
    }
}

/// Both files are sound to SQLite itself.
fn assert_is_sound(store: &Store) {
    for file in [&store.database, &store.intake()] {
        let check = Connection::open(file)
            .and_then(|file| file.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)));
        assert_eq!(check.expect("a check"), "ok", "{}", file.display());
    }
}

/// The calls that fail, one after another, of `all`.
fn calls(all: i64) -> Vec<i64> {
    let wanted =
        number("ROLLBOOK_TEST_DISK_FAULTS").map_or(CALLS, |count| i64::try_from(count).expect("a count"));
    let step = (all / wanted.max(1)).max(1);
    (0..all).step_by(usize::try_from(step).expect("positive")).collect()
}

fn full(skip: i64, times: Option<i64>, torn: bool) -> Fault {
    Fault { kind: Kind::Writes, skip, times, error: NO_ROOM, torn }
}

/// How many calls of that kind a caller's batches take, and what is left to the next test of them.
fn count(shim: &Shim, kind: Kind, run: impl FnOnce()) -> i64 {
    shim.arm(Fault { kind, skip: i64::MAX, times: None, error: 0, torn: false });
    run();
    let seen = shim.seen();
    shim.disarm();
    seen
}

/// Each write in turn is the first that the disk has no room for; then there is room again. The server stays.
#[test]
fn a_disk_that_is_full_at_any_write_loses_nothing_that_was_accepted() {
    let store = Store::in_files();
    let shim = Shim::new(&store.database);
    let mut server = store.serve_with(|command| shim.load_into(command));
    let token = store.account("Shop").token;
    let mut caller = Caller::new(&server, &token);
    let all = count(&shim, Kind::Writes, || (0..BATCHES).for_each(|_| caller.is_served_again(&server)));
    let calls = calls(all);
    let (mut failed, mut refused) = (0, 0);
    for call in &calls {
        // For ever, for one call only, and with half of the write done.
        for (times, torn) in [(None, false), (Some(1), false), (Some(2), true)] {
            let before = caller.sent.len();
            shim.arm(full(*call, times, torn));
            for _ in 0..BATCHES {
                caller.send(&server);
            }
            failed += i64::from(shim.failed() > 0);
            shim.disarm();
            caller.is_served_again(&server);
            refused +=
                caller.sent[before..].iter().filter(|(_, told)| !matches!(told, Told::Accepted(_))).count();
            let recent = caller.sent.split_off(before);
            Caller { token: token.clone(), list: caller.list.clone(), next: 0, sent: recent }.audit(&server);
        }
    }
    println!(
        "{} writes of {all}, each in 3 ways; {failed} times the disk was full, {refused} batches were refused",
        calls.len()
    );
    assert!(failed > i64::try_from(calls.len()).expect("a count"), "the disk was full");
    assert!(server.is_running());
    server.signal("TERM");
    assert!(server.wait().success());
    assert_is_sound(&store);
}

/// The disk is full at any write of a start on a new store or of a stop. Once there is room, all is there.
#[test]
fn a_disk_that_is_full_at_any_write_of_a_start_or_a_stop_leaves_a_store_that_opens() {
    let whole = Store::in_files();
    let shim = Shim::new(&whole.database);
    let all = count(&shim, Kind::Writes, || drop(whole.serve_with(|command| shim.load_into(command))));
    for call in calls(all) {
        let store = Store::in_files();
        let shim = Shim::new(&store.database);
        shim.arm(full(call, None, false));
        let mut server = store.spawn(|command| shim.load_into(command));
        if !server.listens() {
            assert_eq!(server.wait().code(), Some(1), "{}", server.log());
            assert!(server.log().contains("rollbook: "), "it says why: {}", server.log());
            shim.disarm();
            server = store.serve_with(|command| shim.load_into(command));
        }
        shim.disarm();
        let mut caller = Caller::new(&server, &store.account("Shop").token);
        caller.is_served_again(&server);
        assert!(caller.send(&server));
        shim.arm(full(call % 24, None, false));
        server.signal("TERM");
        server.wait();
        drop(server);
        caller.audit(&store.serve());
        assert_is_sound(&store);
    }
}

/// Each sync in turn fails. The server ends rather than go on with what may not be on disk; its successor has all that
/// was accepted.
#[test]
fn a_server_whose_disk_fails_to_sync_ends_and_its_successor_has_all_that_was_accepted() {
    let store = Store::in_files();
    let shim = Shim::new(&store.database);
    let mut server = store.serve_with(|command| shim.load_into(command));
    let mut caller = Caller::new(&server, &store.account("Shop").token);
    let all = count(&shim, Kind::Syncs, || (0..BATCHES).for_each(|_| caller.is_served_again(&server)));
    let calls = calls(all);
    let mut ended = 0;
    for call in &calls {
        shim.arm(Fault { kind: Kind::Syncs, skip: *call, times: Some(1), error: BROKEN, torn: false });
        for _ in 0..BATCHES {
            caller.send(&server);
        }
        // In this order: applying may come to the call only now.
        shim.disarm();
        let failed = shim.failed() > 0;
        if failed {
            assert_eq!(server.wait().code(), Some(74), "call {call}: {}", server.log());
            assert!(server.log().contains("store: sync failed, process ends"), "{}", server.log());
            ended += 1;
            server = store.serve_with(|command| shim.load_into(command));
        }
        caller.is_served_again(&server);
        caller.audit(&server);
    }
    println!("{} syncs of {all} failed, and the server ended {ended} times", calls.len());
    assert!(ended > 0, "the disk has failed");
    drop(server);
    assert_is_sound(&store);
}

/// Copying the log into the file is no part of any request, and its sync is heeded all the same.
#[test]
fn a_sync_that_fails_when_the_log_is_copied_ends_the_server_too() {
    let store = Store::in_files();
    let shim = Shim::of_file(&store.intake());
    let mut server = store.serve_with(|command| shim.load_into(command));
    let mut caller = Caller::new(&server, &store.account("Shop").token);
    // Only copying the log waits for this file; batches wait for the log.
    shim.arm(Fault { kind: Kind::Syncs, skip: 0, times: Some(1), error: BROKEN, torn: false });
    while server.is_running() {
        caller.send(&server);
        assert!(caller.sent.len() < 5_000, "the log is never copied");
    }
    assert_eq!(server.wait().code(), Some(74), "{}", server.log());
    assert!(caller.sent.len() > 20, "batches were accepted before");
    shim.disarm();
    let server = store.serve();
    caller.is_served_again(&server);
    caller.audit(&server);
}
