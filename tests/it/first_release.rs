//! A store as the first release has left it, opened by this one: what was in it is there, what waited is applied.

use std::path::Path;

use refinery::{Migration, Runner};
use rollbook::clock::Timestamp;
use rollbook::contact::field::Field;
use rollbook::contact::identifier::{HashKey, IdentifierKind};
use rollbook::contact::record::{put_entry, put_number};
use rollbook::id::{Ids, ObjectId};
use rollbook::journal::ItemsWriter;
use rollbook::notify::sign::Secret;
use rollbook::token::FreshToken;
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use crate::harness::{Directory, Server, Setup, StoreKind};
use crate::past::field;

/// When everything happened.
const THEN: i64 = 1_780_000_000_000;

/// A file with the schema of the first release.
fn file(path: &Path, name: &str, schema: &str) -> Connection {
    let mut connection = Connection::open(path).expect("a file");
    let migration = Migration::unapplied(name, schema).expect("a migration");
    Runner::new(&[migration]).run(&mut connection).expect("its tables");
    connection
}

/// A contact as the first release stored it: with no position of its last change in its header.
fn contact(fields: &[(Field, &str)]) -> Vec<u8> {
    let mut document = vec![1];
    put_number(&mut document, THEN.unsigned_abs());
    put_number(&mut document, THEN.unsigned_abs());
    put_number(&mut document, 0);
    fields.iter().for_each(|(field, text)| put_entry(&mut document, field.key(), text.as_bytes()));
    document
}

/// The items of a batch: whom they are about, and a name.
fn items(all: &[(&str, &str)]) -> Vec<u8> {
    let mut items = ItemsWriter::default();
    for (contact, name) in all {
        let mut patch = Vec::new();
        put_entry(&mut patch, Field::Name.key(), name.as_bytes());
        items.add(IdentifierKind::UserId, contact, &patch);
    }
    items.finish()
}

struct Left {
    directory: Directory,
    account: ObjectId,
    user: ObjectId,
    token: FreshToken,
    secret: Secret,
    list: ObjectId,
    /// A request that was applied, and two that wait.
    requests: [ObjectId; 3],
}

/// An account with a list; in it "a" and "b", and batches that change "a" and make "c".
fn left() -> Left {
    let (ids, directory) = (Ids::from_system(), Directory::new());
    let id = || ids.next(Timestamp::from_millis(THEN));
    let left = Left {
        directory,
        account: id(),
        user: id(),
        token: FreshToken::generate(),
        secret: Secret::generate([3; 32]),
        list: id(),
        requests: [id(), id(), id()],
    };
    write_intake(&left);
    write_store(&left);
    left
}

fn write_intake(left: &Left) {
    let schema = include_str!("../../migrations/sqlite/intake/V1__intake.sql");
    let intake = file(&left.directory.path("rollbook.db.intake"), "V1__intake", schema);
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
    let schema = include_str!("../../migrations/sqlite/store/V1__store.sql");
    let store = file(&left.directory.path("rollbook.db"), "V1__store", schema);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_the_first_release_goes_on_and_its_histories_begin() {
    let Left { directory, account, user, token, secret, list, requests } = left();
    let key = token.key.clone();
    let (list, requests) = (list.to_string(), requests.map(|request| request.to_string()));
    // On a clock of then: nothing is forgotten yet.
    let clock = rollbook::clock::ManualClock::new(Timestamp::from_millis(THEN + 1_000));
    let setup = Setup { clock: std::sync::Arc::new(clock), store: StoreKind::Sqlite, ..Setup::default() };
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
    assert_eq!(a["variables"], json!([{ "name": "plan", "value": null }]));

    let history = async |user_id: &str| -> Value {
        let body = json!({ "contactListId": list, "userId": user_id });
        server.ok("/v3/contact/history", &body).await["data"].clone()
    };
    let told = history("a").await;
    let [change] = &told.as_array().expect("an array")[..] else { panic!("one change: {told}") };
    assert_eq!(change["changes"], json!([field("name", "old", "new")]));
    assert_eq!((&change["requestId"], &change["token"]), (&json!(requests[1]), &json!(key)));
    assert_eq!(history("b").await, json!([]), "it begins with the first change");

    let undo = "/v3/request/undo";
    let texts = server.refused(undo, &json!({ "requestId": requests[0] })).await;
    assert_eq!(
        texts,
        [format!("Request {} can not be undone, its history is not kept any more", requests[0])]
    );
    for request in &requests[1..] {
        let answer = server.ok(undo, &json!({ "requestId": request })).await;
        server.processed(answer["requestId"].as_str().expect("an id")).await;
    }
    assert_eq!(server.contact(&list, "userId", "a").await["name"], "old", "what waited then can be undone");
    assert_eq!(server.contact(&list, "userId", "c").await, Value::Null);
    server.stop().await;
}
