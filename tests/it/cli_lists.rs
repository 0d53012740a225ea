//! `rollbook list` and `rollbook contact`: the API of a running server on the command line.

use serde_json::{Value, json};

use crate::process::{Printed, Process, Store, program, run};

/// Runs a command against a server.
fn rollbook(server: &Process, token: &str, arguments: &[&str]) -> Printed {
    let mut command = program();
    command.args(arguments).args(["--patience", "0"]);
    command.env("ROLLBOOK_URL", format!("http://{}", server.address)).env("ROLLBOOK_TOKEN", token);
    run(&mut command)
}

/// What it prints where it succeeds.
fn done(printed: Printed) -> String {
    assert_eq!((printed.code, printed.err.as_str()), (Some(0), ""), "{}", printed.out);
    printed.out
}

#[test]
fn a_list_is_created_shown_renamed_and_deleted() {
    let store = Store::new();
    let (server, token) = (store.serve(), store.account("Shop").token);
    let list = done(rollbook(&server, &token, &["list", "create", "Customers"])).trim().to_owned();
    done(rollbook(&server, &token, &["list", "create", "News & more"]));
    let shown = done(rollbook(&server, &token, &["list", "ls"]));
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines.len(), 2, "{shown}");
    assert!(shown.lines().any(|line| line.starts_with(&list) && line.ends_with("  Customers")), "{shown}");
    let one = done(rollbook(&server, &token, &["list", "ls", "--json"]));
    let objects: Vec<Value> = one.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(objects.iter().any(|object| object["contactListName"] == "News & more"), "{one}");

    assert_eq!(done(rollbook(&server, &token, &["list", "rename", &list, "Clients"])), "");
    let wrong = rollbook(&server, &token, &["list", "remove", &list, "--confirm", "Customers"]);
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(1), ""));
    assert!(wrong.err.starts_with("rollbook: /v3/contact-list/remove: "), "{}", wrong.err);
    assert_eq!(done(rollbook(&server, &token, &["list", "remove", &list, "--confirm", "Clients"])), "");
    assert_eq!(done(rollbook(&server, &token, &["list", "ls"])).lines().count(), 1);
}

#[test]
fn all_lists_are_shown_however_many_there_are() {
    let store = Store::new();
    let (server, token) = (store.serve(), store.account("Shop").token);
    for number in 0..101 {
        let body = json!({ "contactListName": format!("List {number}") });
        server.ok("/v3/contact-list/create", &token, &body);
    }
    assert_eq!(done(rollbook(&server, &token, &["list", "ls"])).lines().count(), 101);
}

#[test]
fn a_contact_is_shown_by_each_of_its_identifiers() {
    let store = Store::new();
    let (server, token) = (store.serve(), store.account("Shop").token);
    let list = server.list(&token);
    let contact =
        json!({ "contact": "u1", "userId": "u1", "email": "user@example.com", "phoneNumber": "+15555555" });
    let request = server.upsert(&token, &list, json!([contact]));
    server.processed(&token, &request);
    let get = ["contact", "get", "--list", &list];
    for by in [["--email", "USER@example.com"], ["--phone", "+15555555"], ["--user-id", "u1"]] {
        let shown = done(rollbook(&server, &token, &[&get[..], &by].concat()));
        let shown: Value = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(shown["userId"], "u1", "{by:?}");
    }
    let absent = rollbook(&server, &token, &[&get[..], &["--user-id", "u2"]].concat());
    assert_eq!((absent.code, absent.err.as_str()), (Some(1), "rollbook: the list has no such contact\n"));
    // Without an identifier the command line is wrong.
    assert_eq!(rollbook(&server, &token, &get).code, Some(2));
    let refused = rollbook(&server, "rb_wrong", &["list", "ls"]);
    assert_eq!(refused.code, Some(1));
}
