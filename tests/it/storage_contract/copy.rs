//! `rollbook copy`: a store moves from files to PostgreSQL, and answers as before.

use std::path::Path;

use domain::clock::Timestamp;
use domain::id::ObjectId;
use postgres::Target;
use rusqlite::Connection;
use serde_json::{Map, Value, json};
use sqlite::{Dump, Settings, SqliteStore};
use storage::ports::Catalogue as _;
use storage::{JobKey, JobLimits, JobReport, JobState, Jobs, Role};

use super::jobs::some_job;
use crate::idempotency_race::request;
use crate::process::{Account, Printed, Process, Store, program, run, signal, wait_for};

/// Copies a store in files into another one.
pub fn copy(from: &Store, to: &Store) -> Printed {
    run(program().arg("copy").arg("--from").arg(&from.database).arg("--to").arg(&to.database))
}

/// A store in files with something in every table, some of it waiting.
pub struct Past {
    pub store: Store,
    pub account: Account,
    list: String,
    other: String,
    /// All that was asked, in its order; the last are waiting.
    requests: Vec<String>,
}

fn id(answer: &Value) -> String {
    answer["requestId"].as_str().expect("an id").to_owned()
}

impl Past {
    pub fn make() -> Self {
        let store = Store::in_files();
        let account = store.account("Shop");
        let server = store.serve_with(|command| {
            command.args(["--webhook-allow", "127.0.0.0/8"]);
        });
        let token = &account.token;
        let (list, other) = (server.list(token), server.list(token));
        let mut past = Self { account, list, other, requests: Vec::new(), store };
        past.catalogue(&server);
        past.applied(&server);
        past.waiting(&server);
        drop(server);
        past.jobs();
        past
    }

    /// A job in the middle of its run, with output and something to go on from.
    fn jobs(&self) {
        let id = |text: &str| ObjectId::parse(text).expect("an id");
        let (list, user) = (id(&self.list), id(&self.account.user));
        let now = Timestamp::from_millis(1_780_000_000_000);
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let path = Path::new(&self.store.database);
            let storage = SqliteStore::open(path, Role::Command, &Settings::default()).expect("a store");
            let list = storage.find_list(list).await.expect("a look").expect("the list");
            let key = JobKey { account: list.account, list: list.no, id: user };
            let job = some_job(key, user, now);
            storage.add_job(job, JobLimits { all: 9, open: 9 }).await.expect("it is added");
            storage.claim_job(key, 0, now).await.expect("a store").expect("it is free");
            let report = JobReport {
                state: JobState::Running,
                progress: b"how far".to_vec(),
                faults: b"wrong".to_vec(),
                checkpoint: Some(b"where".to_vec()),
                part: None,
                now,
            };
            storage.report_job(key, 1, report).await.expect("it is kept");
        });
    }

    fn catalogue(&self, server: &Process) {
        let token = &self.account.token;
        for (path, records) in [
            (
                "/v3/blacklist/add",
                json!([{ "email": "p1@example.com", "rejectType": "hard", "rawLog": "550", "expireAt": "2999-01-01" },
                       { "email": "P8@example.com", "rejectType": "complaint" }]),
            ),
            ("/v3/phone-blacklist/add", json!([{ "phoneNumber": "+15555555" }])),
        ] {
            server.ok(path, token, &json!({ "records": records }));
        }
        for name in ["Fair", "Gone"] {
            server.ok("/v3/contact-source/add", token, &json!({ "name": name, "customerSourceId": name }));
        }
        self.store.ok(&[
            "token",
            "create",
            "--user",
            &self.account.user,
            "--list",
            &self.other,
            "--read-only",
        ]);
        self.store.ok(&["account", "webhook-secret", &self.account.id, "--rotate"]);
        let gone = server.list(token);
        let contacts = json!([{ "contact": "who goes with the list" }]);
        server.processed(token, &server.upsert(token, &gone, contacts));
        server.ok(
            "/v3/contact-list/remove",
            token,
            &json!({ "contactListId": gone, "confirm": "Customers" }),
        );
    }

    /// Sends a request, and waits until it is done.
    fn done(&mut self, server: &Process, path: &str, body: Value) -> Value {
        let token = &self.account.token;
        let request = id(&server.ok(path, token, &body));
        let object = server.processed(token, &request);
        self.requests.push(request);
        object
    }

    fn applied(&mut self, server: &Process) {
        let list = self.list.clone();
        let people: Vec<_> = (0..30)
            .map(|n| {
                json!({ "contact": format!("p{n}"), "email": format!("p{n}@example.com"), "contactScore": n,
                        "customerSourceId": if n % 2 == 0 { "Fair" } else { "Gone" },
                        "cac": { "value": "2.05", "currency": "USD" },
                        "variables": [{ "name": "newVariableName", "value": format!("v{n}") },
                                      { "name": "lastBatch", "value": "gone with its variable" }] })
            })
            .collect();
        let upsert = |list: &str, contacts: Value| json!({ "contactListId": list, "upsert": true, "contacts": contacts });
        self.done(server, "/v3/contacts/update", upsert(&list, json!(people)));
        // A webhook that nobody takes stays pending, and one batch fails in part.
        let mut reported =
            upsert(&list, json!([{ "contact": "p1", "name": "Jane" }, { "contact": "p2", "userId": "p3" }]));
        reported["webHookUri"] = json!("http://127.0.0.1:9/status");
        let reported = self.done(server, "/v3/contacts/update", reported);
        assert_eq!(reported["results"]["errors"].as_array().map(Vec::len), Some(1), "{reported}");
        wait_for("an attempt to be written down", || {
            let found = server.processed(&self.account.token, reported["id"].as_str().expect("an id"));
            (found["webHook"]["attempts"] == 1).then_some(())
        });
        self.done(
            server,
            "/v3/contacts/update",
            upsert(&list, json!([{ "contact": "p4", "userId": "q4", "name": "x" }])),
        );
        self.done(
            server,
            "/v3/contacts/update",
            upsert(&list, json!([{ "contact": "q4", "contactScore": 400 }])),
        );
        self.done(server, "/v3/contacts/remove", json!({ "contactListId": list, "userIds": ["p6", "p7"] }));
        let undone = self.requests[2].clone();
        self.done(server, "/v3/request/undo", json!({ "requestId": undone }));
        self.done(server, "/v3/contact/erase", json!({ "email": "p8@example.com" }));
        let other = self.other.clone();
        self.done(
            server,
            "/v3/contacts/update",
            upsert(&other, json!([{ "contact": "p9" }, { "contact": "p1" }])),
        );
        let token = &self.account.token;
        let filter = json!({ "field": "variables.newVariableName", "op": "beginsWith", "value": "v" });
        let segment = json!({ "contactListId": list, "name": "Filled", "filter": filter });
        server.ok("/v3/segment/create", token, &segment);
        let removed = json!({ "contactListId": list, "names": ["lastBatch"] });
        server.ok("/v3/contact-list/variables/remove", token, &removed);
        server.ok("/v3/contact-source/remove", token, &json!({ "customerSourceIds": ["Gone"] }));
    }

    /// While another process holds the lock on the contacts, what is accepted waits.
    fn waiting(&mut self, server: &Process) {
        let blocker = Connection::open(&self.store.database).expect("the store's file");
        blocker.execute_batch("BEGIN IMMEDIATE").expect("its lock");
        let once = server.connect().once(&self.account.token, &self.once());
        self.requests.push(id(&once));
        for (path, body) in [
            (
                "/v3/contacts/update",
                json!({ "contactListId": self.list, "contacts": [{ "contact": "p5", "name": "waits" }] }),
            ),
            (
                "/v3/contacts/update",
                json!({ "contactListId": self.other, "contacts": [{ "contact": "p9", "name": "waits" }] }),
            ),
            ("/v3/contact/erase", json!({ "email": "p5@example.com" })),
            (
                "/v3/contacts/update",
                json!({ "contactListId": self.list, "upsert": true,
                                            "contacts": [{ "contact": "new", "email": "p5@example.com" }] }),
            ),
            (
                "/v3/contacts/update",
                json!({ "contactListId": self.other, "upsert": true, "contacts": [{ "contact": "late" }] }),
            ),
        ] {
            self.requests.push(id(&server.ok(path, &self.account.token, &body)));
        }
        server.signal("KILL");
        blocker.execute_batch("ROLLBACK").expect("it is given back");
    }

    /// A body that is sent with an `Idempotency-Key`.
    fn once(&self) -> Value {
        json!({ "contactListId": self.list, "contacts": [{ "contact": "p10", "name": "once" }] })
    }

    /// All that can be asked, and the answers of a server.
    fn answers(&self, server: &Process) -> Vec<Value> {
        let token = &self.account.token;
        for request in &self.requests {
            server.processed(token, request);
        }
        let mut asked = vec![
            ("/v3/account/info", json!({})),
            ("/v3/contact-list/find", json!({})),
            ("/v3/contact-source/find", json!({})),
            ("/v3/request/find", json!({ "ids": self.requests })),
            ("/v3/request/list", json!({ "limit": 100 })),
            ("/v3/suppression/list", json!({})),
            // Its address went when the person was erased.
            ("/v3/blacklist/find", json!({ "email": "p8@example.com" })),
            ("/v3/contact/export", json!({ "email": "p1@example.com" })),
            ("/v3/contact/export", json!({ "email": "p4@example.com" })),
        ];
        for list in [&self.list, &self.other] {
            asked.push(("/v3/contacts/find", json!({ "contactListId": list, "limit": 100 })));
        }
        for contact in (0..30).map(|n| format!("p{n}")).chain(["q4".to_owned(), "new".to_owned()]) {
            asked.push(("/v3/contact/history", json!({ "contactListId": self.list, "userId": contact })));
        }
        let answers = asked.iter().map(|(path, body)| {
            let mut answer = server.post(path, token, body).json();
            if let Some(answer) = answer.as_object_mut() {
                answer.remove("requestId");
            }
            masked(&answer)
        });
        answers.collect()
    }

    /// Undoes what was done first, and says what became of it.
    fn undo(&self, server: &Process) -> Value {
        let token = &self.account.token;
        let undo = json!({ "requestId": self.requests[0] });
        masked(&server.processed(token, &id(&server.ok("/v3/request/undo", token, &undo)))["results"])
    }
}

/// Without the times, some of which are those of serving.
fn masked(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let kept = object.iter().filter(|(key, _)| !key.ends_with("At"));
            Value::Object(kept.map(|(key, value)| (key.clone(), masked(value))).collect::<Map<_, _>>())
        }
        Value::Array(values) => values.iter().map(masked).collect(),
        other => other.clone(),
    }
}

#[test]
fn a_copy_answers_as_the_store_does_and_goes_on_with_what_waits() {
    let past = Past::make();
    let to = Store::in_postgres();
    let copied = copy(&past.store, &to);
    assert_eq!(copied.code, Some(0), "{}", copied.err);
    assert!(
        copied
            .out
            .ends_with(" rows are copied, and both stores are the same. Serve the database from now on.\n")
    );
    // Two lists wait for the erase: a third is gone.
    assert_eq!(
        to.sql("SELECT count(*) FILTER (WHERE fence), count(*) FILTER (WHERE NOT fence) FROM batch"),
        "2|6\n"
    );
    for list in [&["account", "list"][..], &["token", "list"]] {
        assert_eq!(past.store.ok(list), to.ok(list));
    }

    let (before, after) = (past.store.serve(), to.serve());
    let (expected, found) = (past.answers(&before), past.answers(&after));
    for (expected, found) in expected.iter().zip(&found) {
        assert_eq!(found, expected);
    }
    // The key is known, and what is made next takes no number that somebody had.
    let again = after.connect().once(&past.account.token, &past.once());
    assert!(past.requests.contains(&id(&again)), "{again}");
    let token = &past.account.token;
    let list = after.list(token);
    assert!(after.contact(token, &list, "who goes with the list").is_null());
    let made =
        after.upsert(token, &past.list, json!([{ "contact": "made later", "email": "p2@example.com" }]));
    let made = after.processed(token, &made);
    assert_eq!(
        made["results"]["errors"][0]["error"], "IDENTIFIER_TAKEN",
        "the hashes are those of the store: {made}"
    );
    assert_eq!(past.undo(&after), past.undo(&before));
}

/// Rows that are one table's, more than one transaction writes.
fn many_rows(store: &Store) {
    let files = Connection::open(&store.database).expect("the store's file");
    let insert = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) \
                  INSERT INTO erased (account, hash, erased_at) SELECT 1, randomblob(16), i FROM n";
    files.execute_batch(insert).expect("rows");
}

#[test]
fn a_copy_that_was_killed_goes_on_where_it_was() {
    let past = Past::make();
    many_rows(&past.store);
    let to = Store::in_postgres();
    stop_in_the_middle_of_a_table(&past.store.database, &to);
    assert_eq!(to.sql("SELECT count(*) FROM erased"), "20000\n");
    let refused = to.run(&["account", "list"]);
    let told = "a copy into this database was begun and is not whole: run the same command again\n";
    assert!(refused.code == Some(1) && refused.err.ends_with(told), "{}", refused.err);

    // Killed for good, while a table is locked that comes later.
    let lock = "BEGIN; LOCK TABLE history IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(300)";
    std::thread::scope(|scope| {
        let locker = scope.spawn(|| to.try_sql(lock));
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep%' \
                     AND pid <> pg_backend_pid()";
        wait_for("the lock", || (to.sql(waits) == "1\n").then_some(()));
        let mut command = program();
        command.arg("copy").arg("--from").arg(&past.store.database).arg("--to").arg(&to.database);
        let mut copying = command.spawn().expect("the program starts");
        wait_for("the copy to come to the lock", || {
            (to.sql("SELECT count(*) FROM setting WHERE name = 'copied:delivery'") == "1\n").then_some(())
        });
        signal(&copying, "KILL");
        copying.wait().expect("a child");
        to.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' \
                AND datname = current_database() AND pid <> pg_backend_pid()",
        );
        assert!(!locker.join().expect("a thread"), "the lock was taken away");
    });
    let copied = copy(&past.store, &to);
    assert_eq!(copied.code, Some(0), "{}", copied.err);
    assert!(to.sql("SELECT count(*) FROM erased").trim().parse::<u32>().expect("a number") > 50_000);
    let server = to.serve();
    past.answers(&server);
}

/// As a kill between two transactions leaves it.
fn stop_in_the_middle_of_a_table(from: &Path, to: &Store) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let dump = Dump::open(from).expect("the store");
        let address = to.database.to_str().expect("an address");
        let mut target = Target::open(address, Dump::columns()).await.expect("a database");
        target.begin(&dump.fingerprint().expect("a fingerprint")).await.expect("it is empty");
        let erased = Dump::TABLES.iter().find(|table| table.there.name == "erased").expect("the table");
        let mut first = Vec::new();
        let take = |chunk| {
            first.push(chunk);
            false
        };
        dump.chunks(erased, 0, take).expect("rows");
        target.write(&erased.there, first.pop().expect("a chunk"), 0).await.expect("written");
    });
}

trait Once {
    fn once(self, token: &str, body: &Value) -> Value;
}

impl Once for crate::wire::Wire {
    /// Sends an update with a key, always the same.
    fn once(mut self, token: &str, body: &Value) -> Value {
        self.write(&request(token, "/v3/contacts/update", "key-1", body)).expect("sent");
        let reply = self.read().expect("an answer");
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }
}
