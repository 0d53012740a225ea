//! A store as the first release has left it, opened by this one: what was in it is there, what waited is applied.
//! The same for every release since, through which such a store may have gone on its way.

use std::path::Path;

use app::webhook::sign::Secret;
use domain::clock::Timestamp;
use domain::contact::field::Field;
use domain::contact::identifier::{HashKey, IdentifierKind};
use domain::contact::record::{put_entry, put_number};
use domain::id::{Ids, ObjectId};
use domain::journal::ItemsWriter;
use domain::token::FreshToken;
use refinery::{Migration, Runner, Target};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use crate::harness::{Directory, Server, Setup, StoreKind};
use crate::past::field;

/// When everything happened.
pub const THEN: i64 = 1_780_000_000_000;

/// All migrations of a folder, in their order: their names and what they do.
pub fn migrations(folder: &str) -> Vec<(String, String)> {
    let (store, part) = folder.split_once('/').unwrap_or((folder, ""));
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("crates").join(store).join("migrations").join(part);
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
            let number = name[1..].split("__").next().and_then(|number| number.parse::<usize>().ok());
            let text = std::fs::read_to_string(path).expect("a migration");
            (number.expect("its number"), name, text)
        })
        .collect();
    found.sort();
    let numbers: Vec<_> = found.iter().map(|(number, ..)| *number).collect();
    assert_eq!(numbers, (1..=found.len()).collect::<Vec<_>>(), "none is missing");
    found.into_iter().map(|(_, name, text)| (name, text)).collect()
}

/// Brings a file to a version of its schema.
fn bring(connection: &mut Connection, folder: &str, version: usize) {
    let all = migrations(folder);
    let all = all.iter().map(|(name, text)| Migration::unapplied(name, text).expect("a migration"));
    let target = Target::Version(version.try_into().expect("a version"));
    Runner::new(&all.collect::<Vec<_>>()).set_target(target).run(connection).expect("its tables");
}

/// A file with the schema of the first release.
fn file(path: &Path, folder: &str) -> Connection {
    let mut connection = Connection::open(path).expect("a file");
    bring(&mut connection, folder, 1);
    connection
}

/// A contact as the first release stored it: with no position of its last change in its header.
pub fn contact(fields: &[(Field, &str)]) -> Vec<u8> {
    let mut document = vec![1];
    put_number(&mut document, THEN.unsigned_abs());
    put_number(&mut document, THEN.unsigned_abs());
    put_number(&mut document, 0);
    fields.iter().for_each(|(field, text)| put_entry(&mut document, field.key(), text.as_bytes()));
    document
}

/// The items of a batch: whom they are about, and a name.
pub fn items(all: &[(&str, &str)]) -> Vec<u8> {
    let mut items = ItemsWriter::default();
    for (contact, name) in all {
        let mut patch = Vec::new();
        put_entry(&mut patch, Field::Name.key(), name.as_bytes());
        items.add(IdentifierKind::UserId, contact, &patch);
    }
    items.finish()
}

pub struct Left {
    pub directory: Directory,
    pub account: ObjectId,
    pub user: ObjectId,
    pub token: FreshToken,
    pub secret: Secret,
    pub list: ObjectId,
    /// A request that was applied, and two that wait.
    pub requests: [ObjectId; 3],
}

impl Left {
    pub fn new() -> Self {
        let (ids, directory) = (Ids::from_system(), Directory::new());
        let id = || ids.next(Timestamp::from_millis(THEN));
        Self {
            directory,
            account: id(),
            user: id(),
            token: FreshToken::generate(),
            secret: Secret::generate([3; 32]),
            list: id(),
            requests: [id(), id(), id()],
        }
    }
}

/// An account with a list; in it "a" and "b", and batches that change "a" and make "c".
fn left() -> Left {
    let left = Left::new();
    write_intake(&left);
    write_store(&left);
    left
}

fn write_intake(left: &Left) {
    let intake = file(&left.directory.path("rollbook.db.intake"), "sqlite/intake");
    let run = |statement: &str, values: &[&dyn rusqlite::ToSql]| {
        intake.execute(statement, values).unwrap_or_else(|error| panic!("{statement}: {error}"));
    };
    run("INSERT INTO setting VALUES ('store_id', ?1), ('has_store', 1)", params![[7_u8; 16]]);
    run(
        "INSERT INTO account (id, name, webhook_secret, created_at) VALUES (?1, 'Shop', ?2, ?3)",
        params![left.account.to_bytes(), left.secret.to_text(), THEN],
    );
    run(
        "INSERT INTO user (id, account, name, created_at) VALUES (?1, 1, 'Shop', ?2)",
        params![left.user.to_bytes(), THEN],
    );
    run(
        "INSERT INTO token VALUES (?1, ?2, 1, 'first', ?3, NULL, NULL)",
        params![left.token.key, left.token.secret_hash.to_bytes(), THEN],
    );
    run(
        "INSERT INTO list (id, account, name, is_default, next_variable, created_at, updated_at) \
         VALUES (?1, 1, 'Customers', 1, 1, ?2, ?2)",
        params![left.list.to_bytes(), THEN],
    );
    run("INSERT INTO variable VALUES (1, 0, 'plan', 'string')", &[]);
    let waits = [items(&[]), items(&[("a", "new"), ("nobody", "x")]), items(&[("c", "made")])];
    for ((request, kind), items) in left.requests.iter().zip([2, 1, 2]).zip(waits) {
        run(
            "INSERT INTO batch (request, account, list, list_id, token, kind, accepted_at, webhook, \
             webhook_receiver, items_check, items) VALUES (?1, 1, 1, ?2, ?3, ?4, ?5, NULL, NULL, ?6, ?7)",
            params![
                request.to_bytes(),
                left.list.to_bytes(),
                left.token.key,
                kind,
                THEN,
                crc32fast::hash(&items),
                items
            ],
        );
    }
    // The first is applied.
    run("DELETE FROM batch WHERE position = 1", &[]);
}

fn write_store(left: &Left) {
    let store = file(&left.directory.path("rollbook.db"), "sqlite/store");
    let run = |statement: &str, values: &[&dyn rusqlite::ToSql]| {
        store.execute(statement, values).unwrap_or_else(|error| panic!("{statement}: {error}"));
    };
    let key = [5_u8; 16];
    run(
        "INSERT INTO setting VALUES ('store_id', ?1), ('hash_key', ?2), ('applied', 1)",
        params![[7_u8; 16], key],
    );
    let contacts: [&[(Field, &str)]; 2] = [
        &[(Field::UserId, "a"), (Field::Email, "a@example.com"), (Field::Name, "old")],
        &[(Field::UserId, "b")],
    ];
    for (number, fields) in (1_i64..).zip(contacts) {
        run("INSERT INTO contact VALUES (?1, ?2)", params![(1_i64 << 40) + number, contact(fields)]);
        for (field, text) in fields {
            let Some(kind) = IdentifierKind::ALL.into_iter().find(|kind| kind.field() == *field) else {
                continue;
            };
            let hash = HashKey::from_bytes(key).hash(1, kind, text).cast_signed();
            run("INSERT INTO identifier VALUES (?1, ?2)", params![hash, number]);
        }
    }
    run("INSERT INTO list VALUES (1, 3, 2)", &[]);
    // Two were created, and one item failed that asked for "x".
    let results = [0, 1, 0, 2, 17, 1, b'x', 0, 0];
    run(
        "INSERT INTO request VALUES (1, ?1, 1, 1, ?2, 2, ?3, ?3, ?4, NULL)",
        params![left.requests[0].to_bytes(), left.list.to_bytes(), THEN, results],
    );
}

/// What a later release adds to a store: rows that only its schema has room for.
fn add_of(version: usize, left: &Left) {
    let open = |name: &str| Connection::open(left.directory.path(name)).expect("a file");
    let (mut intake, mut store) = (open("rollbook.db.intake"), open("rollbook.db"));
    for (connection, folder) in [(&mut intake, "sqlite/intake"), (&mut store, "sqlite/store")] {
        bring(connection, folder, version.min(migrations(folder).len()));
    }
    if version >= 2 {
        let once = "INSERT INTO once VALUES (1, 1, 'order-1', zeroblob(32), zeroblob(12), '[]', ?1)";
        intake.execute(once, [THEN]).expect("a key");
        // "b" was changed by the request that was applied; before that "gone" was removed.
        let mut document = vec![2];
        [THEN.unsigned_abs(), THEN.unsigned_abs(), 0, 1].iter().for_each(|n| put_number(&mut document, *n));
        put_entry(&mut document, Field::UserId.key(), b"b");
        put_entry(&mut document, Field::Name.key(), b"second");
        let update = "UPDATE contact SET document = ?1 WHERE id = ?2";
        store.execute(update, params![document, (1_i64 << 40) + 2]).expect("a contact");
        let (mut before, mut changes) = (Vec::new(), vec![1, 2, 0]);
        put_entry(&mut before, Field::Name.key(), b"first");
        put_number(&mut changes, before.len() as u64);
        changes.extend_from_slice(&before);
        let history = "INSERT INTO history VALUES (1, ?1, 1, 1, ?2, 2, ?3, ?4, ?5)";
        let bound = params![left.requests[0].to_bytes(), left.list.to_bytes(), left.token.key, THEN, changes];
        store.execute(history, bound).expect("a history");
        store
            .execute("INSERT INTO erased (account, hash, erased_at) VALUES (1, zeroblob(16), ?1)", [THEN])
            .expect("an erased person");
    }
    if version >= 3 {
        intake
            .execute_batch(
                "INSERT INTO removed_source VALUES (7, 1, x'3130'); UPDATE token SET read_only = 0; \
                 INSERT INTO removed_variable VALUES (1, 0, 0); DELETE FROM variable; \
                 UPDATE list SET next_variable = 1",
            )
            .expect("what was removed");
    }
    if version >= 4 {
        intake
            .execute_batch(
                "UPDATE user SET address = 'me@example.com', password = 'x'; UPDATE token SET used_at = 1; \
                 INSERT INTO session VALUES (zeroblob(32), 1, 'x', 1, 1, 1); \
                 INSERT INTO link VALUES (zeroblob(32), 1, 1)",
            )
            .expect("who signs in");
        store
            .execute_batch(
                "INSERT INTO activity VALUES (1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9); \
                 UPDATE delivery SET last_end = 503, last_at = 1",
            )
            .expect("what was done");
    }
    if version >= 5 {
        store.execute("UPDATE delivery SET generation = 1", []).expect("one that was sent again");
    }
    if version >= 7 {
        store.execute("INSERT INTO ahead VALUES (1, 1)", []).expect("an account");
    }
    if version >= 6 {
        intake.execute("INSERT INTO catalogue_change VALUES (1, 1)", []).expect("a change");
        let erased = "INSERT INTO erased VALUES (1, randomblob(16), ?1, 1)";
        store.execute(erased, [THEN]).expect("an erased person");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_any_release_goes_on_with_all_that_is_in_it() {
    let releases = ["sqlite/intake", "sqlite/store"].map(|folder| migrations(folder).len());
    for version in 1..=releases.into_iter().max().unwrap_or_default() {
        let left = left();
        if version > 1 {
            add_of(version, &left);
        }
        goes_on(left, StoreKind::Sqlite, version > 1, version < 3).await;
    }
}

/// Opens the store and looks at everything. `history`: whether "b" has one; `plan`: whether the variable is there.
pub async fn goes_on(left: Left, kind: StoreKind, has_history: bool, plan: bool) {
    let Left { directory, account, user, token, secret, list, requests } = left;
    let key = token.key.clone();
    let (list, requests) = (list.to_string(), requests.map(|request| request.to_string()));
    // On a clock of then: nothing is forgotten yet.
    let clock = domain::clock::ManualClock::new(Timestamp::from_millis(THEN + 1_000));
    let setup = Setup { clock: std::sync::Arc::new(clock), store: kind, ..Setup::default() };
    let server = Server::on(directory, setup, Some((account, user, token.text, secret))).await;

    let old = server.processed(&requests[0]).await;
    let results = &old["results"];
    assert_eq!(results["success"][0]["userId"], "a");
    assert_eq!(results["success"][1]["userId"], "b");
    assert_eq!(results["errors"][0]["error"], "IDENTIFIER_TAKEN");
    assert_eq!(results["errors"][0]["contact"]["userId"], "x");
    let [changed, made] = [server.processed(&requests[1]).await, server.processed(&requests[2]).await];
    assert_eq!(changed["results"]["success"][0]["action"], "updated");
    assert_eq!(changed["results"]["errors"][0]["error"], "CONTACT_NOT_FOUND");
    assert_eq!(made["results"]["success"][0]["action"], "created");

    let a = server.contact(&list, "email", "A@example.com").await;
    assert_eq!((&a["name"], &a["createdAt"]), (&json!("new"), &json!("2026-05-28 20:26:40")));
    assert_eq!(server.contact(&list, "userId", "b").await["userId"], "b");
    let variables = if plan { json!([{ "name": "plan", "value": null }]) } else { json!([]) };
    assert_eq!(a["variables"], variables);

    let history = async |user_id: &str| -> Value {
        let body = json!({ "contactListId": list, "userId": user_id });
        server.ok("/v3/contact/history", &body).await["data"].clone()
    };
    let told = history("a").await;
    let [change] = &told.as_array().expect("an array")[..] else { panic!("one change: {told}") };
    assert_eq!(change["changes"], json!([field("name", "old", "new")]));
    assert_eq!((&change["requestId"], &change["token"]), (&json!(requests[1]), &json!(key)));
    let told = history("b").await;
    if has_history {
        assert_eq!(told[0]["changes"], json!([field("name", "first", "second")]), "{told}");
    } else {
        assert_eq!(told, json!([]), "it begins with the first change");
    }

    let undo = "/v3/request/undo";
    if has_history {
        let answer = server.ok(undo, &json!({ "requestId": requests[0] })).await;
        server.processed(answer["requestId"].as_str().expect("an id")).await;
        assert_eq!(server.contact(&list, "userId", "b").await["name"], "first");
    } else {
        let texts = server.refused(undo, &json!({ "requestId": requests[0] })).await;
        let text = format!("Request {} can not be undone, its history is not kept any more", requests[0]);
        assert_eq!(texts, [text]);
    }
    for request in &requests[1..] {
        let answer = server.ok(undo, &json!({ "requestId": request })).await;
        server.processed(answer["requestId"].as_str().expect("an id")).await;
    }
    assert_eq!(server.contact(&list, "userId", "a").await["name"], "old", "what waited then can be undone");
    assert_eq!(server.contact(&list, "userId", "c").await, Value::Null);
    server.stop().await;
}
