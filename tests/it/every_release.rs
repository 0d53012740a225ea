//! A database as each release has left it, opened by this one; and stores of later releases, which are refused.
//! What releases have left in files is in `first_release`.

use std::time::{Duration, Instant};

use domain::clock::Timestamp;
use domain::contact::field::Field;
use domain::contact::identifier::{HashKey, IdentifierKind};
use domain::contact::record::{put_entry, put_number};
use domain::journal::{AccountNo, Batch, BatchKind, ListNo};
use storage::rows::row_checksum::row_checksum;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};

use crate::first_release::{Left, THEN, goes_on, items, migrations};
use crate::harness::{PATIENCE, StoreKind};
use crate::process::{self, Store};

/// The key of the hashes of that store.
const KEY: [u8; 16] = [5; 16];

pub async fn connect(address: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(address, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

async fn run(client: &Client, statement: &str, values: &[&(dyn ToSql + Sync)]) {
    client.execute(statement, values).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// What is in the schema of the first release: the same as `first_release` has in files.
async fn write(client: &Client, left: &Left) {
    let id = |id: domain::id::ObjectId| id.to_bytes().to_vec();
    let (account, user, list) = (id(left.account), id(left.user), id(left.list));
    let key = KEY.to_vec();
    run(client, "INSERT INTO setting (name, bytes) VALUES ('store_id', $1), ('hash_key', $1)", &[&key]).await;
    let numbers =
        "INSERT INTO setting (name, number) VALUES ('catalogue_version', 0), ('claims', 0), ('prune', 0)";
    run(client, numbers, &[]).await;
    let insert = "INSERT INTO account (id, name, webhook_secret, created_at) VALUES ($1, 'Shop', $2, $3)";
    run(client, insert, &[&account, &left.secret.to_text(), &THEN]).await;
    let insert = "INSERT INTO account_user (id, account, name, created_at) VALUES ($1, 1, 'Shop', $2)";
    run(client, insert, &[&user, &THEN]).await;
    let insert = "INSERT INTO token (key, secret_hash, user_no, name, created_at, read_only) \
                  VALUES ($1, $2, 1, 'first', $3, false)";
    let hash = left.token.secret_hash.to_bytes().to_vec();
    run(client, insert, &[&left.token.key, &hash, &THEN]).await;
    let insert = "INSERT INTO list (id, account, name, is_default, next_variable, created_at, updated_at) \
                  VALUES ($1, 1, 'Customers', true, 1, $2, $2)";
    run(client, insert, &[&list, &THEN]).await;
    run(client, "INSERT INTO variable (list, number, name, type) VALUES (1, 0, 'plan', 'string')", &[]).await;
    run(client, "INSERT INTO queue (list, last) VALUES (1, 3)", &[]).await;
    run(client, "INSERT INTO progress (list, next, contacts) VALUES (1, 3, 2)", &[]).await;
    write_contacts(client, left).await;
    let waits = [
        (BatchKind::Update, items(&[("a", "new"), ("nobody", "x")])),
        (BatchKind::Upsert, items(&[("c", "made")])),
    ];
    for ((position, request), (kind, items)) in (2_i64..).zip(&left.requests[1..]).zip(waits) {
        let batch = Batch {
            request: *request,
            account: AccountNo(1),
            list: ListNo(1),
            list_id: left.list,
            token: left.token.key.clone(),
            kind,
            accepted_at: Timestamp::from_millis(THEN),
            webhook: None,
            restore_erased: false,
            once: None,
            items,
        };
        let insert = "INSERT INTO batch (list, position, request, account, list_id, token, kind, accepted_at, \
                      restore_erased, bytes, items_check, items) \
                      VALUES (1, $1, $2, 1, $3, $4, $5, $6, false, $7, $8, $9)";
        let (kind, bytes) = (batch.kind.code(), i64::try_from(batch.items.len()).expect("a length"));
        run(
            client,
            insert,
            &[
                &position,
                &id(*request),
                &list,
                &batch.token,
                &kind,
                &THEN,
                &bytes,
                &row_checksum(&batch),
                &batch.items,
            ],
        )
        .await;
    }
}

async fn write_contacts(client: &Client, left: &Left) {
    let contacts: [&[(Field, &str)]; 2] = [
        &[(Field::UserId, "a"), (Field::Email, "a@example.com"), (Field::Name, "old")],
        &[(Field::UserId, "b"), (Field::Name, "second")],
    ];
    for (number, fields) in (1_i64..).zip(contacts) {
        let mut document = vec![2];
        // "b" was changed by the request that was applied.
        let changed = u64::from(number == 2);
        [THEN.unsigned_abs(), THEN.unsigned_abs(), 0, changed]
            .iter()
            .for_each(|n| put_number(&mut document, *n));
        fields.iter().for_each(|(field, text)| put_entry(&mut document, field.key(), text.as_bytes()));
        let insert = "INSERT INTO contact (list, number, document) VALUES (1, $1, $2)";
        run(client, insert, &[&number, &document]).await;
        for kind in IdentifierKind::ALL {
            if let Some((_, text)) = fields.iter().find(|(field, _)| *field == kind.field()) {
                let hash = HashKey::from_bytes(KEY).hash(1, kind, text).cast_signed();
                run(
                    client,
                    "INSERT INTO identifier (list, hash, number) VALUES (1, $1, $2)",
                    &[&hash, &number],
                )
                .await;
            }
        }
    }
    let (request, list) = (left.requests[0].to_bytes().to_vec(), left.list.to_bytes().to_vec());
    let results = vec![0_u8, 1, 0, 2, 17, 1, b'x', 0, 0];
    let insert = "INSERT INTO request (list, position, id, account, list_id, kind, accepted_at, processed_at, \
                  results, failed) VALUES (1, 1, $1, 1, $2, 2, $3, $3, $4, 1)";
    run(client, insert, &[&request, &list, &THEN, &results]).await;
    let (mut before, mut changes) = (Vec::new(), vec![1, 2, 0]);
    put_entry(&mut before, Field::Name.key(), b"first");
    put_number(&mut changes, before.len() as u64);
    changes.extend_from_slice(&before);
    let insert = "INSERT INTO history (list, position, request, account, list_id, kind, token, applied_at, changes) \
                  VALUES (1, 1, $1, 1, $2, 2, $3, $4, $5)";
    run(client, insert, &[&request, &list, &left.token.key, &THEN, &changes]).await;
}

/// What the second release has room for.
const SIGNED_IN: &str = "UPDATE account_user SET address = 'me@example.com', password = 'x'; \
                         UPDATE token SET used_at = 1; INSERT INTO session VALUES ('\\x00', 1, 'x', 1, 1, 1); \
                         INSERT INTO link VALUES ('\\x00', 1, 1)";

/// What the third release has room for.
const DONE: &str = "INSERT INTO activity VALUES (1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9)";

/// What the fourth release has room for.
const DUE: &str = "INSERT INTO due VALUES (1, 'https://gone.example.com:443', 1)";

/// What the seventh release has room for.
const FORMS: &str =
    "INSERT INTO erased VALUES (1, '\\x00', 1, 1); INSERT INTO node VALUES ('\\x00', now(), 2)";

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_any_release_goes_on_with_all_that_is_in_it() {
    let all = migrations("postgres");
    for release in 1..=all.len() {
        let left = Left::new();
        let address = left.directory.store(StoreKind::Postgres);
        let client = connect(address.to_str().expect("an address")).await;
        client
            .batch_execute("CREATE TABLE schema_version (version bigint PRIMARY KEY)")
            .await
            .expect("a table");
        for (version, (name, text)) in (1_i64..).zip(&all[..release]) {
            client.batch_execute(text).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            run(&client, "INSERT INTO schema_version VALUES ($1)", &[&version]).await;
            match version {
                1 => write(&client, &left).await,
                2 => client.batch_execute(SIGNED_IN).await.expect("who signs in"),
                3 => client.batch_execute(DONE).await.expect("what was done"),
                // Nothing of it is left: whoever claims finds that out.
                4 => client.batch_execute(DUE).await.expect("what is due"),
                7 => client.batch_execute(FORMS).await.expect("forms"),
                _ => {}
            }
        }
        drop(client);
        goes_on(left, StoreKind::Postgres, true, true).await;
    }
}

/// Whoever serves holds locks that a migration needs, and may need those that it holds.
#[tokio::test(flavor = "multi_thread")]
async fn a_migration_gives_way_where_it_does_not_get_its_locks_and_begins_again() {
    let store = Store::in_postgres();
    let client = connect(store.database.to_str().expect("an address")).await;
    client.batch_execute("CREATE TABLE schema_version (version bigint PRIMARY KEY)").await.expect("a table");
    let all = migrations("postgres");
    for (version, (name, text)) in (1_i64..).zip(&all[..3]) {
        client.batch_execute(text).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        run(&client, "INSERT INTO schema_version VALUES ($1)", &[&version]).await;
    }
    let settings = "INSERT INTO setting (name, bytes) SELECT name, decode(repeat('05', 16), 'hex') \
                    FROM unnest(ARRAY['store_id', 'hash_key']) AS u (name); \
                    INSERT INTO setting (name, number) VALUES ('catalogue_version', 0), ('claims', 0), ('prune', 0)";
    client.batch_execute(settings).await.expect("settings");
    client.batch_execute("BEGIN; LOCK TABLE delivery IN ACCESS EXCLUSIVE MODE").await.expect("a lock");
    let mut command = store.command(&["migrate"]);
    let migrating = tokio::task::spawn_blocking(move || process::run(&mut command));
    let look = connect(store.database.to_str().expect("an address")).await;
    let mut begun = std::collections::BTreeSet::new();
    let start = Instant::now();
    while begun.len() < 2 {
        assert!(start.elapsed() < PATIENCE, "it does not begin again");
        let waits = "SELECT xact_start::text FROM pg_stat_activity WHERE datname = current_database() \
                     AND wait_event_type = 'Lock'";
        begun.extend(look.query(waits, &[]).await.expect("a look").iter().map(|row| row.get::<_, String>(0)));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    client.batch_execute("COMMIT").await.expect("let go");
    let printed = migrating.await.expect("it ends");
    assert_eq!(printed.code, Some(0), "{}", printed.err);
    let version = look.query_one("SELECT max(version) FROM schema_version", &[]).await.expect("a version");
    assert_eq!(version.get::<_, i64>(0), i64::try_from(all.len()).expect("few"));
}

/// A server of an earlier release goes on beside a later schema, and is refused when it starts on it.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_from_the_future_is_refused_by_every_command_and_kept_as_it_is() {
    let store = Store::in_postgres();
    let token = store.account("Shop").token;
    let server = store.serve();
    let list = server.list(&token);
    let client = connect(store.database.to_str().expect("an address")).await;
    run(&client, "INSERT INTO schema_version VALUES (999)", &[]).await;
    let request = server.upsert(&token, &list, serde_json::json!([{ "contact": "a" }]));
    server.processed(&token, &request);
    for command in [&["serve"][..], &["migrate"], &["account", "list"], &["token", "list"]] {
        let printed = store.run(command);
        assert_eq!((printed.code, printed.out.as_str()), (Some(1), ""), "{command:?}");
        let words = "the database was written by a later version of Rollbook; use that one";
        assert!(printed.err.contains(words), "{command:?}: {}", printed.err);
    }
    assert_eq!(server.contact(&token, &list, "a")["userId"], "a");
}

/// A command of a later release does not change the schema under a server of an earlier one.
#[test]
fn the_schema_of_files_is_not_changed_under_a_server_that_does_not_know_it() {
    let store = Store::in_files();
    store.account("Shop");
    let older = "DELETE FROM refinery_schema_history WHERE version = (SELECT max(version) FROM refinery_schema_history)";
    let served = store.serve();
    let file = rusqlite::Connection::open(&store.database).expect("the file");
    file.execute_batch(older).expect("as an earlier release has left it");
    drop(file);
    for command in [&["migrate"][..], &["account", "list"]] {
        let printed = store.run(command);
        assert_eq!((printed.code, printed.out.as_str()), (Some(1), ""), "{command:?}");
        let words = "is served by an earlier version: stop it before this one changes the schema";
        assert!(printed.err.contains(words), "{command:?}: {}", printed.err);
    }
    let checked = store.run(&["check"]);
    assert!(checked.err.contains("was written by an earlier version: `rollbook migrate`"), "{}", checked.err);
    drop(served);
}
