//! After an erase nothing of the person is left in any file of the store, nor in the log.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::clock::{ManualClock, Timestamp};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::harness::{Server, Setup, StoreKind};
use crate::process::{Process, Store, read, wait_for};

/// What stands of the person in the store, in whatever case: identifiers, names, values, also former ones.
const PRIVATE: [&str; 14] = [
    "ada.lovelace@example.com",
    "ada.byron@example.com",
    "customer-4711-ada",
    "+4915112345678",
    "Augusta",
    "Lovelace-King",
    "Byron-Noel",
    "facebook.com/augusta",
    "analytical-engine",
    "difference-engine",
    "pressed-flowers",
    "asked-in-vain",
    "letter-of-removal",
    "mailbox-of-ada",
];

/// How many contacts lie around the person's.
const OTHERS: usize = 4_000;

/// A batch of others, whose rows share pages with the person's.
fn others(from: usize) -> Value {
    let contact = |number: usize| {
        json!({ "contact": format!("other-{number}@example.com"), "userId": format!("other-{number}"),
            "firstName": format!("Name {number}"), "contactScore": number,
            "variables": [{ "name": "newVariableName", "value": "x".repeat(number % 300) }] })
    };
    (from..from + 100).map(contact).collect()
}

/// The requests through which the person came to stand in every part of the store, one after the other.
fn deeds(list: &str, hook: &str) -> Vec<(&'static str, Value)> {
    let update = |contacts: Value| json!({ "contactListId": list, "upsert": true, "webHookUri": hook, "contacts": contacts });
    let variable = |value: &str| json!([{ "name": "newVariableName", "value": value }]);
    vec![
        (
            "/v3/contacts/update",
            update(json!([{ "contact": "ada.byron@example.com", "userId": "customer-4711-ada",
            "firstName": "Augusta", "lastName": "Byron-Noel", "variables": variable("analytical-engine") }])),
        ),
        (
            "/v3/contacts/update",
            update(json!([{ "contact": "other-7" }, { "contact": "customer-4711-ada",
            "email": "ada.lovelace@example.com", "phoneNumber": "+4915112345678", "lastName": "Lovelace-King",
            "facebookLink": "facebook.com/augusta", "variables": variable("difference-engine") }])),
        ),
        // A failed item, and one that gave a contact an address that was taken back.
        (
            "/v3/contacts/update",
            update(json!([{ "contact": "other-8", "email": "Ada.Lovelace@example.com",
            "firstName": "asked-in-vain" }])),
        ),
        ("/v3/contacts/remove", json!({ "contactListId": list, "emails": ["ada.lovelace@example.com"] })),
        (
            "/v3/contacts/update",
            update(json!([{ "contact": "other-9", "email": "ada.lovelace@example.com" }])),
        ),
        ("/v3/contacts/update", update(json!([{ "contact": "other-9", "email": "other-9@example.com" }]))),
        (
            "/v3/contacts/update",
            update(json!([{ "contact": "customer-4711-ada", "firstName": "Augusta",
            "email": "ada.lovelace@example.com", "variables": variable(&"pressed-flowers ".repeat(500)) }])),
        ),
    ]
}

/// Which of the texts stand in which file of the store.
fn found(directory: &Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(directory).expect("the directory") {
        let path = file.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        // One that SQLite has just removed holds nothing.
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let bytes = bytes.to_ascii_lowercase();
        let finder = |text: &str| {
            let text = text.to_ascii_lowercase();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        };
        found.extend(texts.iter().filter(|text| finder(text)).map(|text| format!("{name}: {text}")));
    }
    found.sort();
    found
}

/// The search can find: every text stands in some file, and in both halves of the store stands some.
fn assert_stands(directory: &Path, texts: &[&str]) {
    let all = found(directory, texts);
    for text in texts {
        assert!(all.iter().any(|place| place.ends_with(text)), "{text} in {all:?}");
    }
    for half in ["rollbook.db", "rollbook.db.intake"] {
        let files = [format!("{half}:"), format!("{half}-wal:")];
        assert!(
            all.iter().any(|place| files.iter().any(|file| place.starts_with(file))),
            "{half} in {all:?}"
        );
    }
}

/// The search index follows the contacts: what it has of the person goes within minutes, and here within seconds.
fn is_only_in_the_index(places: &[String]) -> bool {
    places.iter().all(|place| place.starts_with("rollbook.db.search"))
}

fn accounts_to_scrub(database: &Path) -> i64 {
    let connection = Connection::open(database).expect("the store");
    connection.query_row("SELECT count(*) FROM scrub", [], |row| row.get(0)).expect("a count")
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_erased_person_is_left_in_the_files_while_the_server_runs_and_after_it() {
    let clock = ManualClock::new(Timestamp::from_millis(1_792_022_400_000));
    let setup = || Setup { clock: Arc::new(clock.clone()), store: StoreKind::Sqlite, ..Setup::default() };
    let server = Server::with(setup()).await;
    let list = server.list().await;
    let send = async |path: &str, body: Value, key: Option<&str>| {
        let mut headers = vec![("access-token", server.token.as_str())];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        let answer = server.send(hyper::Method::POST, path, &headers, body.to_string()).await.json();
        assert_eq!(answer["result"], true, "{answer}");
        server.processed(answer["requestId"].as_str().expect("an id")).await;
    };
    for from in (0..OTHERS / 2).step_by(100) {
        server.update(&list, true, others(from)).await;
    }
    // Nobody listens there: the webhooks are still to leave.
    for (path, body) in deeds(&list, "http://127.0.0.1:1/hook") {
        send(path, body, None).await;
    }
    // A warning quotes what was sent, and is remembered with the key.
    let quoted =
        json!({ "contactListId": list, "contacts": [{ "contact": "asked-in-vain@letter-of-removal" }] });
    send("/v3/contacts/update", quoted, Some("once")).await;
    let suppressed = json!({ "email": "Ada.Lovelace@example.com", "rejectType": "hard", "rawLog": "550 no mailbox-of-ada" });
    server.ok("/v3/blacklist/add", &json!({ "records": [suppressed] })).await;
    for from in (OTHERS / 2..OTHERS).step_by(100) {
        server.update(&list, true, others(from)).await;
    }
    let directory = server.directory.path("");
    server
        .wait_for("the logs to be emptied into the files", async || {
            clock.advance(Duration::from_secs(61));
            let in_log = |place: &String| place.contains("-wal:") && !place.contains(".search");
            (!found(&directory, &PRIVATE).iter().any(in_log)).then_some(())
        })
        .await;
    assert_stands(&directory, &PRIVATE);
    let body = json!({ "email": "ADA.LOVELACE@example.com", "userId": "asked-in-vain@letter-of-removal" });
    send("/v3/contact/erase", body, Some("erase")).await;
    server
        .wait_for("the files to be written anew", async || {
            clock.advance(Duration::from_secs(61));
            (accounts_to_scrub(&server.directory.path("rollbook.db")) == 0).then_some(())
        })
        .await;
    let left = found(&directory, &PRIVATE);
    assert!(is_only_in_the_index(&left), "{left:?}");
    server
        .wait_for("the index to be merged", async || found(&directory, &PRIVATE).is_empty().then_some(()))
        .await;
    let others = found(&directory, &["other-7@example.com"]);
    assert_eq!(others, ["rollbook.db: other-7@example.com"], "the index has it as words");
    let server = server.restart(setup()).await;
    assert_eq!(found(&directory, &PRIVATE), [""; 0], "after a restart");
    assert_eq!(server.contact(&list, "userId", "other-9").await["email"], "other-9@example.com");
    let directory = server.stop().await;
    assert_eq!(found(&directory.path(""), &PRIVATE), [""; 0], "after its end");
    for half in ["rollbook.db", "rollbook.db.intake"] {
        let connection = Connection::open(directory.path(half)).expect("a half");
        let check: String =
            connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
        assert_eq!(check, "ok");
    }
}

fn post(server: &Process, token: &str, path: &str, body: &Value) {
    let request = server.ok(path, token, body)["requestId"].clone();
    server.processed(token, request.as_str().expect("an id"));
}

#[test]
fn a_server_that_is_killed_between_an_erase_and_the_cleaning_cleans_when_it_is_back() {
    let store = Store::in_files();
    let token = store.account("Shop").token;
    let server = store.serve_with(|command| {
        command.env("ROLLBOOK_LOG", "trace").args(["--webhook-allow", "127.0.0.0/8"]);
    });
    let list = server.list(&token);
    for from in (0..1_000).step_by(100) {
        let request = server.upsert(&token, &list, others(from));
        server.processed(&token, &request);
    }
    for (path, body) in deeds(&list, "http://127.0.0.1:1/hook") {
        post(&server, &token, path, &body);
    }
    let directory = store.database.parent().expect("a directory").to_owned();
    assert_stands(&directory, &PRIVATE[..12]);
    post(&server, &token, "/v3/contact/erase", &json!({ "email": "ada.lovelace@example.com" }));
    // Pruning runs at start and each minute: it has not come yet.
    server.kill();
    assert_eq!(accounts_to_scrub(&store.database), 1);
    assert_ne!(found(&directory, &PRIVATE), [""; 0], "what was deleted is still in free parts of the files");
    let server = store.serve();
    wait_for("the files to be written anew", || (accounts_to_scrub(&store.database) == 0).then_some(()));
    // The logs of both servers lie in the same directory: they hold nothing of the person either.
    let left = found(&directory, &PRIVATE);
    assert!(is_only_in_the_index(&left), "{left:?}");
    wait_for("the index to be merged", || found(&directory, &PRIVATE).is_empty().then_some(()));
    let log = read(&directory.join("server-0.log"));
    assert!(log.contains("TRACE"), "everything that can be logged is");
    assert_eq!(server.contact(&token, &list, "other-9")["email"], "other-9@example.com");
    assert_eq!(server.contact(&token, &list, "customer-4711-ada"), Value::Null);
    server.kill();
    assert_eq!(found(&directory, &PRIVATE), [""; 0], "and after its end");
}
