//! How long histories are kept, and what leaves them before.

use std::path::PathBuf;
use std::time::Duration;

use domain::clock::ManualClock;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::harness::{Server, Setup};
use crate::past::{Past, field, undone};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The stored rows of the histories.
fn rows(store: &PathBuf) -> Vec<Vec<u8>> {
    let store = Connection::open(store).expect("the store's file");
    let mut select = store.prepare("SELECT changes FROM history ORDER BY position").expect("a table");
    let rows = select.query_map([], |row| row.get(0)).expect("rows");
    rows.collect::<Result<_, _>>().expect("bytes")
}

/// How many rows of the histories hold these bytes.
fn rows_with(store: &PathBuf, text: &str) -> usize {
    let holds = |row: &Vec<u8>| row.windows(text.len()).any(|window| window == text.as_bytes());
    rows(store).into_iter().map(domain::history::unpack).filter(holds).count()
}

/// Waits until the loop that forgets has gone round: a minute passes until it looks again.
async fn forgotten(past: &Past, what: &str, mut is_gone: impl AsyncFnMut() -> bool) {
    past.server
        .wait_for(what, async || {
            past.clock.advance(Duration::from_secs(1));
            is_gone().await.then_some(())
        })
        .await;
}

fn setup(clock: &ManualClock, days: u32) -> Setup {
    let mut setup = Past::setup(clock);
    setup.limits.history = DAY * days;
    setup
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_kept_for_ninety_days_and_no_longer() {
    let past = Past::open_in_files().await;
    past.upsert(json!([{ "contact": "a", "name": "1" }, { "contact": "gone" }])).await;
    past.remove(&["gone"]).await;
    past.clock.advance(DAY * 45);
    past.upsert(json!([{ "contact": "a", "name": "2", "email": "a@example.com" }])).await;
    past.clock.advance(DAY * 45 - Duration::from_secs(61));
    // The loop has gone round once the results of a request are gone that was processed more than 7 days ago.
    let newer = past.upsert(json!([{ "contact": "a", "email": "" }])).await;
    assert_eq!(past.history("userId", "a").await["totalCount"], 3);
    assert_eq!(past.history("userId", "gone").await["totalCount"], 2);
    forgotten(&past, "the first change to be forgotten", async || {
        past.history("userId", "a").await["totalCount"] == 2
    })
    .await;
    let email = |old: Option<&str>, new: Option<&str>| field("email", old, new);
    let expected = [
        json!(["updated", [email(Some("a@example.com"), None)]]),
        json!(["updated", [email(None, Some("a@example.com")), field("name", "1", "2")]]),
    ];
    assert_eq!(past.changes("a").await, expected, "what is left is told in full");
    assert_eq!(past.history("userId", "gone").await["contactId"], json!(null));
    assert_eq!(past.history("email", "a@example.com").await["totalCount"], 2);

    past.clock.advance(DAY * 45);
    forgotten(&past, "the second change to be forgotten", async || {
        past.history("userId", "a").await["totalCount"] == 1
    })
    .await;
    // The change that took the address away is the one that is left.
    assert_eq!(past.history("email", "a@example.com").await["totalCount"], 1);
    past.clock.advance(DAY * 46);
    forgotten(&past, "all to be forgotten", async || past.history("userId", "a").await["totalCount"] == 0)
        .await;
    assert_eq!(past.history("email", "a@example.com").await["contactId"], json!(null));
    let contact = newer["results"]["success"][0]["id"].clone();
    assert_eq!(past.history("userId", "a").await["contactId"], contact, "it is there, without a past");
    past.upsert(json!([{ "contact": "a", "name": "3" }])).await;
    assert_eq!(past.changes("a").await, [json!(["updated", [field("name", "2", "3")]])]);
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_keep_none_keeps_none() {
    let past = Past::open_in_files().await;
    let server = past.server.restart(setup(&past.clock, 0)).await;
    let past = Past { server, ..past };
    past.upsert(json!([{ "contact": "a", "name": "1" }])).await;
    forgotten(&past, "the change to be forgotten", async || {
        past.history("userId", "a").await["totalCount"] == 0
    })
    .await;
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shorter_time_is_kept_from_the_next_start_on() {
    let past = Past::open_in_files().await;
    past.upsert(json!([{ "contact": "a", "name": "1" }])).await;
    past.clock.advance(DAY * 11);
    past.upsert(json!([{ "contact": "a", "name": "2" }])).await;
    let server = past.server.restart(setup(&past.clock, 10)).await;
    let past = Past { server, ..past };
    forgotten(&past, "the older change to be forgotten", async || {
        past.history("userId", "a").await["totalCount"] == 1
    })
    .await;
    assert_eq!(past.changes("a").await, [json!(["updated", [field("name", "1", "2")]])]);
    past.server.stop().await;
}

fn variable(name: &str, value: impl Into<Value>) -> Value {
    json!({ "name": name, "value": value.into() })
}

async fn ok(past: &Past, path: &str, mut body: Value) {
    body["contactListId"] = json!(past.list);
    past.server.ok(path, &body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_variable_is_told_by_its_new_name() {
    let past = Past::open_in_files().await;
    let value = |value: &str| json!([{ "contact": "a", "variables": [variable("plan", value)] }]);
    past.upsert(value("gold")).await;
    ok(&past, "/v3/contact-list/variables/rename", json!({ "name": "plan", "newName": "offer" })).await;
    let expected = json!([
        "created",
        [field("userId", None::<&str>, "a"), field("variables.offer", None::<&str>, "gold")]
    ]);
    assert_eq!(past.changes("a").await, [expected]);
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_values_of_a_removed_variable_are_told_no_more_and_leave_the_store() {
    let past = Past::open_in_files().await;
    let store = past.server.directory.path("rollbook.db");
    let values = |plan: &str, kept: &str| json!([variable("plan", plan), variable("newVariableName", kept)]);
    past.upsert(json!([{ "contact": "a", "variables": values("secret-1", "open-1") }, { "contact": "b" }]))
        .await;
    let both = past.upsert(json!([{ "contact": "a", "variables": values("secret-2", "open-2") }])).await;
    past.upsert(json!([{ "contact": "a", "variables": [variable("plan", "secret-3")] }])).await;
    past.upsert(json!([{ "contact": "gone", "variables": values("secret-4", "open-4") }])).await;
    past.remove(&["gone"]).await;
    assert_eq!((rows_with(&store, "secret-"), rows_with(&store, "open-")), (5, 4));

    let before = past.history("userId", "a").await["totalCount"].clone();
    ok(&past, "/v3/contact-list/variables/remove", json!({ "names": ["plan"] })).await;
    let a = |old: Option<&str>, new: &str| field("variables.newVariableName", old, new);
    let told_of_a = [
        json!(["updated", []]),
        json!(["updated", [a(Some("open-1"), "open-2")]]),
        json!(["created", [field("userId", None::<&str>, "a"), a(None, "open-1")]]),
    ];
    let gone = |value: &str| [field("userId", value, None::<&str>)];
    let told_of_gone = past.changes("gone").await;
    assert_eq!(
        told_of_gone[0],
        json!(["removed", [&gone("gone")[0], field("variables.newVariableName", "open-4", None::<&str>)]])
    );
    assert_eq!((before, past.changes("a").await), (json!(3), told_of_a.to_vec()));

    forgotten(&past, "the values to leave the histories", async || rows_with(&store, "secret-") == 0).await;
    assert_eq!(rows_with(&store, "open-"), 4, "what is another variable's stays");
    assert_eq!(past.changes("a").await, told_of_a);
    assert_eq!(past.changes("gone").await, told_of_gone);

    let contact =
        json!({ "id": both["results"]["success"][0]["id"], "email": null, "phone": null, "userId": "a" });
    let kept = [("variables.#1", "VARIABLE_NOT_FOUND")];
    let expected = undone(0, "updated", &contact, &["variables.newVariableName"], &kept);
    let told = past.undone(&both).await;
    assert_eq!(told, [expected], "by its number: its name is gone");
    assert_eq!(past.contact("a").await["variables"][0], variable("newVariableName", "open-1"));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn histories_go_with_their_list_and_with_their_account() {
    let past = Past::open_in_files().await;
    let store = past.server.directory.path("rollbook.db");
    past.upsert(json!([{ "contact": "a", "name": "secret" }])).await;
    past.upsert(json!([{ "contact": "a", "name": "other" }])).await;
    let keeper = past.server.list().await;
    past.server.update(&keeper, true, json!([{ "contact": "b", "name": "1" }])).await;
    past.server.update(&keeper, true, json!([{ "contact": "b", "name": "kept" }])).await;
    past.server.update(&keeper, true, json!([{ "contact": "b", "name": "2" }])).await;
    assert_eq!((rows_with(&store, "secret"), rows_with(&store, "kept")), (2, 2));
    ok(&past, "/v3/contact-list/remove", json!({ "confirm": "Customers" })).await;
    forgotten(&past, "the history to go with its list", async || rows_with(&store, "secret") == 0).await;
    assert_eq!(rows_with(&store, "kept"), 2);
    let server: &Server = &past.server;
    assert!(server.storage.remove_account(server.account).await.expect("removed"));
    forgotten(&past, "the history to go with its account", async || rows_with(&store, "kept") == 0).await;
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_to_go_leaves_the_compressed_changes_of_a_large_batch() {
    let past = Past::open_in_files().await;
    let store = past.server.directory.path("rollbook.db");
    let contact = |number: usize| {
        json!({ "contact": format!("{number}"), "name": format!("Name of <{number}>"),
            "variables": [variable("plan", "secret"), variable("newVariableName", "open")] })
    };
    past.upsert((0..100).map(contact).collect()).await;
    let length = rows(&store)[0].len();
    assert!(length < 100 * 30, "{length} bytes");
    assert_eq!(["<7>", "secret", "open"].map(|text| rows_with(&store, text)), [1, 1, 1]);
    let told = past.changes("8").await;

    past.done("/v3/contact/erase", &json!({ "userId": "7" })).await;
    assert_eq!(["<7>", "<6>", "secret"].map(|text| rows_with(&store, text)), [0, 1, 1]);
    assert_eq!(past.changes("8").await, told);

    ok(&past, "/v3/contact-list/variables/remove", json!({ "names": ["plan"] })).await;
    forgotten(&past, "the values to leave the histories", async || rows_with(&store, "secret") == 0).await;
    assert_eq!((rows_with(&store, "<8>"), rows_with(&store, "open")), (1, 1));
    assert!(rows(&store)[0].len() < length, "it is compressed again");
    past.server.stop().await;
}
