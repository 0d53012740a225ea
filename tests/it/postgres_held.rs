//! Lists whose rows another transaction holds: batches of all other lists are acknowledged and applied meanwhile.

use serde_json::json;
use tokio_postgres::Client;

use crate::every_release::connect;
use crate::process::{Process, Store, wait_for};

/// More than a server commits at a time.
const HELD: usize = 12;

/// Requests that wait for each of the lists that are held.
const EACH: usize = 3;

/// Connections of a server at most.
const CONNECTIONS: i64 = 16;

fn lists(server: &Process, token: &str, count: usize) -> Vec<String> {
    let add = |number| {
        let body = json!({ "contactListName": format!("List {number}") });
        server.ok("/v3/contact-list/create", token, &body)["contactListId"]
            .as_str()
            .expect("an id")
            .to_owned()
    };
    (0..count).map(add).collect()
}

async fn hold(client: &Client, table: &str) {
    client.batch_execute("BEGIN").await.expect("begun");
    let lock = format!(
        "SELECT FROM {table} WHERE list IN (SELECT no FROM list WHERE name LIKE 'List %' AND name <> 'List 12') FOR UPDATE"
    );
    assert_eq!(client.execute(&lock, &[]).await.expect("locked"), HELD as u64);
}

fn upsert(server: &Process, token: &str, list: &str, contact: &str) -> u16 {
    let body = json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": contact }] });
    server.post("/v3/contacts/update", token, &body).status
}

#[test]
fn lists_that_are_held_delay_no_other() {
    let store = Store::in_postgres();
    let token = store.account("Shop").token;
    let server = store.serve_with(|command| {
        command.env("ROLLBOOK_MAX_IN_FLIGHT", "100");
    });
    let lists = lists(&server, &token, HELD + 1);
    let (free, held) = lists.split_last().expect("lists");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let client = runtime.block_on(connect(store.database.to_str().expect("an address")));
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND wait_event_type = 'Lock' AND query LIKE 'UPDATE queue%'";
    let count = |select: &str| store.sql(select).trim().parse::<i64>().expect("a count");

    // Their queues: nothing is acknowledged in them, and everything elsewhere.
    runtime.block_on(hold(&client, "queue"));
    std::thread::scope(|scope| {
        let sent: Vec<_> = held
            .iter()
            .flat_map(|list| (0..EACH).map(move |number| (list, number)))
            .map(|(list, number)| {
                let (server, token) = (&server, &token);
                scope.spawn(move || upsert(server, token, list, &format!("held-{number}")))
            })
            .collect();
        wait_for("appends to wait for the lists", || (count(waiting) > 1).then_some(()));
        for number in 0..20 {
            let id = server.upsert(&token, free, json!([{ "contact": format!("free-{number}") }]));
            server.processed(&token, &id);
        }
        assert!(sent.iter().all(|sent| !sent.is_finished()), "nothing is acknowledged that is not stored");
        let connections = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                           AND application_name = 'rollbook'";
        assert!(count(connections) <= CONNECTIONS, "{}", count(connections));
        runtime.block_on(client.batch_execute("COMMIT")).expect("let go");
        for sent in sent {
            assert_eq!(sent.join().expect("an answer"), 200);
        }
    });

    // Their progress: all is acknowledged, nothing is applied in them, and everything elsewhere.
    runtime.block_on(hold(&client, "progress"));
    held.iter().for_each(|list| assert_eq!(upsert(&server, &token, list, "later"), 200));
    for number in 0..20 {
        let id = server.upsert(&token, free, json!([{ "contact": format!("free-{number}") }]));
        server.processed(&token, &id);
    }
    for list in held {
        assert!(server.contact(&token, list, "later").is_null());
    }
    runtime.block_on(client.batch_execute("COMMIT")).expect("let go");
    for list in held {
        for contact in ["held-0", "held-1", "held-2", "later"] {
            wait_for("the contact", || server.contact(&token, list, contact).is_object().then_some(()));
        }
    }
}
