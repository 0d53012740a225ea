//! A backup of a store that is being served, and what is put in place of it: over real processes, by the commands.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::harness::StoreKind;
use crate::kill::Random;
use crate::process::{Over, Printed, Process, Store, run, wait_for};

/// Clients that write at the same time.
const CLIENTS: usize = 4;

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

#[track_caller]
fn refused(printed: &Printed, words: &str) {
    assert_eq!((printed.code, printed.out.as_str()), (Some(1), ""), "{}", printed.err);
    assert!(printed.err.contains(words), "{}", printed.err);
}

fn restored(store: &Store, file: &Path) -> Store {
    let other = Store::in_files();
    let restored = other.ok(&["restore", text(file)]);
    assert!(restored.contains("send the erase requests since then again"), "{restored}");
    assert_ne!(store.database, other.database);
    other
}

/// A client whose every batch gives its contact the next name: one that is lost, doubled or out of order is told.
struct Client {
    no: usize,
    /// The requests that were answered.
    answered: Mutex<Vec<String>>,
}

impl Client {
    fn work(&self, server: &Process, token: &str, list: &str, stop: &AtomicBool) {
        let mut wire = server.connect();
        for number in 0.. {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let [from, to] = [number, number + 1].map(|number| format!("c{}-{number}", self.no));
            let body = json!({ "contactListId": list, "upsert": number == 0,
                               "contacts": [{ "contact": from, "userId": to }] });
            let reply = wire.post("/v3/contacts/update", token, &body).expect("an answer");
            assert_eq!(reply.status, 200, "{}", reply.text());
            let id = reply.json()["requestId"].as_str().expect("an id").to_owned();
            self.answered.lock().expect("no panic").push(id);
        }
    }

    fn count(&self) -> usize {
        self.answered.lock().expect("no panic").len()
    }

    /// Everything that was answered before the backup is in it, and what came after is there whole and in order.
    fn audit(&self, server: &Process, token: &str, list: &str, at_least: usize) {
        let answered = self.answered.lock().expect("no panic").clone();
        for id in &answered[..at_least] {
            let request = server.processed(token, id);
            assert_eq!(request["results"]["errors"], json!([]), "{request}");
        }
        let found = server.ok("/v3/request/find", token, &json!({ "ids": answered[at_least..] }));
        let later = answered[at_least..].iter().take_while(|id| found["requests"][*id].is_object()).count();
        let known = found["requests"].as_object().expect("an object").len();
        assert_eq!(known, later, "of what came after, the first are there and no others");
        let kept = at_least + later;
        let contact = wait_for("what waited to be applied", || {
            let contact = server.contact(token, list, &format!("c{}-{kept}", self.no));
            contact.is_object().then_some(contact)
        });
        assert_eq!(contact["userId"], format!("c{}-{kept}", self.no));
    }
}

#[test]
fn a_backup_of_a_server_under_load_holds_all_that_was_answered_before_it() {
    let store = Store::in_files();
    let token = store.account("Shop").token;
    let server = store.serve();
    let list = server.list(&token);
    let clients: Vec<_> = (0..CLIENTS).map(|no| Client { no, answered: Mutex::default() }).collect();
    let stop = AtomicBool::new(false);
    let mut backups: Vec<(PathBuf, Vec<usize>)> = Vec::new();
    std::thread::scope(|scope| {
        for client in &clients {
            let (server, token, list, stop) = (&server, &token, &list, &stop);
            scope.spawn(move || client.work(server, token, list, stop));
        }
        let _over = Over(&stop);
        for number in 0..4 {
            let enough = 12 * (number + 1);
            wait_for("batches", || clients.iter().all(|client| client.count() >= enough).then_some(()));
            let file = store.directory.path(&format!("backup-{number}"));
            let before = clients.iter().map(Client::count).collect();
            let told = store.ok(&["backup", text(&file)]);
            assert!(told.contains("holds the store as it was at"), "{told}");
            let checked = store.ok(&["check"]);
            assert!(checked.starts_with("Nothing is wrong:"), "{checked}");
            backups.push((file, before));
        }
    });
    for (file, before) in &backups {
        let other = restored(&store, file);
        let checked = other.ok(&["check"]);
        assert!(checked.starts_with("Nothing is wrong:"), "{checked}");
        let server = other.serve();
        for (client, at_least) in clients.iter().zip(before) {
            client.audit(&server, &token, &list, *at_least);
        }
        // Only their owner reads them.
        for file in [file, &other.database] {
            let mode = std::fs::metadata(file).expect("the file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}

/// A store with one contact, its backup, and a second contact that came later.
fn two_states() -> (Store, PathBuf, String, String) {
    let store = Store::in_files();
    let token = store.account("Shop").token;
    let mut server = store.serve();
    let list = server.list(&token);
    let file = store.directory.path("backup");
    for name in ["a", "b"] {
        let request = server.upsert(&token, &list, json!([{ "contact": name }]));
        server.processed(&token, &request);
        if name == "a" {
            store.ok(&["backup", text(&file)]);
        }
    }
    server.signal("TERM");
    server.wait();
    (store, file, token, list)
}

fn contacts(server: &Process, token: &str, list: &str) -> [bool; 2] {
    ["a", "b"].map(|name| server.contact(token, list, name) != Value::Null)
}

#[test]
fn nothing_is_replaced_that_was_not_to_be_and_nothing_that_is_damaged_is_put_in_place() {
    let (store, file, token, list) = two_states();
    refused(&store.run(&["backup", text(&file)]), "is there already: a backup replaces no file");
    refused(
        &store.run(&["restore", text(&file)]),
        "is there already: --replace puts the backup in its place",
    );
    refused(
        &store.run(&["restore", text(&store.database), "--replace"]),
        "is not a backup, or not a complete one",
    );
    let server = store.serve();
    refused(&store.run(&["restore", text(&file), "--replace"]), "is served by another process already");
    refused(&store.run(&["check", "--repair"]), "is served by another process already");
    drop(server);

    let whole = std::fs::read(&file).expect("the backup");
    let damaged = store.directory.path("damaged");
    let mut places: Vec<_> = (0..12).map(|step| whole.len() * step / 12).collect();
    places.extend([whole.len() - 1, whole.len() - 20, whole.len() - 100]);
    for place in places {
        let mut bytes = whole.clone();
        bytes[place] ^= 4;
        std::fs::write(&damaged, bytes).expect("written");
        let printed = store.run(&["restore", text(&damaged), "--replace"]);
        assert_eq!((printed.code, printed.out.as_str()), (Some(1), ""), "byte {place}");
        let words = ["its checksum is another", "is not a backup, or not a complete one"];
        assert!(words.iter().any(|words| printed.err.contains(words)), "byte {place}: {}", printed.err);
    }
    std::fs::write(&damaged, &whole[..whole.len() - 1]).expect("written");
    refused(&store.run(&["restore", text(&damaged), "--replace"]), "is not a backup, or not a complete one");
    let server = store.serve();
    assert_eq!(contacts(&server, &token, &list), [true, true], "the store is as it was");
    drop(server);
    store.ok(&["restore", text(&file), "--replace"]);
    assert_eq!(contacts(&store.serve(), &token, &list), [true, false], "and now as it was before");
}

/// Killed at any moment, a restore leaves the old store, the new one, or a store that wants the restore again.
#[test]
fn a_restore_that_is_killed_leaves_no_mixture() {
    let (store, file, token, list) = two_states();
    let later = store.directory.path("later");
    store.ok(&["backup", text(&later)]);
    let mut random = Random::new();
    for round in 0..12 {
        let (from, state) = if round % 2 == 0 { (&file, [true, false]) } else { (&later, [true, true]) };
        let mut child = store.command(&["restore", text(from), "--replace"]).spawn().expect("a command");
        random.moment(60);
        // It may have ended by itself.
        let _ = child.kill();
        child.wait().expect("a child");
        let looked = store.run(&["account", "list"]);
        if looked.code != Some(0) {
            refused(&looked, "was cut short: run the same `rollbook restore` again");
        }
        store.ok(&["restore", text(from), "--replace"]);
        assert_eq!(contacts(&store.serve(), &token, &list), state);
    }
    // Between the two files, which no chance may have hit.
    let halves = ["rollbook.db.restored", "rollbook.db"].map(|name| store.directory.path(name));
    std::fs::create_dir(&halves[0]).expect("a directory");
    std::fs::remove_file(&halves[1]).expect("removed");
    for command in [&["serve"][..], &["check"], &["backup", "elsewhere"]] {
        refused(&store.run(command), "was cut short: run the same `rollbook restore` again");
    }
    store.ok(&["restore", text(&file)]);
    assert_eq!(contacts(&store.serve(), &token, &list), [true, false]);
}

#[test]
fn a_backup_that_was_killed_is_in_nobodys_way() {
    let (store, _, token, list) = two_states();
    let file = store.directory.path("again");
    let mut random = Random::new();
    for _ in 0..6 {
        let mut child = store.command(&["backup", text(&file)]).spawn().expect("a command");
        random.moment(40);
        let _ = child.kill();
        child.wait().expect("a child");
        if file.exists() {
            // It came to its end first, and is whole.
            restored(&store, &file);
            std::fs::remove_file(&file).expect("removed");
        }
    }
    store.ok(&["backup", text(&file)]);
    assert_eq!(contacts(&restored(&store, &file).serve(), &token, &list), [true, true]);
    let left = std::fs::read_dir(store.directory.path("")).expect("the directory").flatten();
    let left: Vec<_> =
        left.filter(|entry| entry.file_name().to_string_lossy().contains(".partial")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_store_on_postgresql_is_left_to_its_own_backups() {
    let store = Store::new();
    if StoreKind::under_test() == StoreKind::Sqlite {
        refused(&run(store.command(&["backup", "x"]).env("ROLLBOOK_DATABASE", "nowhere.db")), "is not there");
        return;
    }
    for command in [&["backup", "x"][..], &["restore", "x"]] {
        refused(&store.run(command), "the store is on PostgreSQL, which has");
    }
    store.ok(&["account", "create", "Some"]);
    assert!(store.ok(&["check"]).starts_with("Nothing is wrong: 0 contacts"));
}
