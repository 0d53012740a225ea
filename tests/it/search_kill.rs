//! The search index after a server was killed, and on two nodes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::process::{Process, Store, wait_for};

/// The user ids of all that is found, over all pages.
fn found(server: &Process, token: &str, list: &str, search: &str) -> BTreeSet<String> {
    let (mut found, mut after) = (BTreeSet::new(), Value::Null);
    loop {
        let body = json!({ "contactListId": list, "search": search, "after": after, "limit": 1_000 });
        let page = server.ok("/v3/contacts/find", token, &body);
        let users = page["data"].as_array().expect("an array").iter();
        found.extend(users.map(|contact| contact["userId"].as_str().expect("a userId").to_owned()));
        after = page["next"].clone();
        if after.is_null() {
            return found;
        }
    }
}

fn rename(server: &Process, token: &str, list: &str, numbers: std::ops::Range<usize>, name: &str) -> String {
    let contact =
        |number: usize| json!({ "contact": format!("u{number:04}"), "name": format!("{name} Person") });
    let (mut last, numbers) = (String::new(), numbers.collect::<Vec<_>>());
    for chunk in numbers.chunks(100) {
        last = server.upsert(token, list, chunk.iter().map(|number| contact(*number)).collect());
    }
    last
}

#[test]
fn an_index_whose_server_is_killed_again_and_again_ends_with_all_contacts() {
    let store = Store::new();
    let token = store.account("Shop").token;
    let server = store.serve();
    let list = server.list(&token);
    rename(&server, &token, &list, 0..1_500, "Former");
    server.kill();
    for round in 0..3 {
        let server = store.serve();
        // Accepted, and perhaps applied; what is indexed of it nobody knows.
        let request = rename(&server, &token, &list, round * 300..1_000, &format!("Round{round}"));
        if round % 2 == 0 {
            server.processed(&token, &request);
        }
        server.kill();
    }
    let server = store.serve();
    let user = |number: usize| format!("u{number:04}");
    for (name, numbers) in [
        ("round2", 600..1_000),
        ("round1", 300..600),
        ("round0", 0..300),
        ("former", 1_000..1_500),
        ("person", 0..1_500),
    ] {
        let expected: BTreeSet<_> = numbers.map(user).collect();
        wait_for("the index to have all", || (found(&server, &token, &list, name) == expected).then_some(()));
    }
}

#[test]
fn two_nodes_find_the_same_whichever_has_applied() {
    let store = Store::in_postgres();
    let token = store.account("Shop").token;
    let nodes = [store.serve(), store.serve()];
    let list = nodes[0].list(&token);
    for round in 0..4 {
        rename(&nodes[round % 2], &token, &list, round * 100..round * 100 + 150, &format!("Round{round}"));
        let last: BTreeSet<_> =
            (round * 100..round * 100 + 150).map(|number| format!("u{number:04}")).collect();
        for node in &nodes {
            let name = format!("round{round}");
            wait_for("both nodes to find it", || (found(node, &token, &list, &name) == last).then_some(()));
        }
    }
    // A list that is removed leaves the index.
    let indexed = || store.sql("SELECT count(*) FROM search_entry").trim().to_owned();
    assert_eq!(indexed(), "450");
    assert!(
        !store.sql("SELECT terms FROM search_entry").contains("ound"),
        "there are no words in the tables"
    );
    let body = json!({ "contactListId": list, "confirm": "Customers" });
    nodes[1].ok("/v3/contact-list/remove", &token, &body);
    wait_for("the entries to go", || (indexed() == "0").then_some(()));
}
