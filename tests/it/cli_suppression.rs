//! `rollbook suppression`, and what `rollbook export` does with suppressed contacts.

use serde_json::{Value, json};

use crate::harness::Directory;
use crate::process::{Printed, Process, Store, program, run};

fn rollbook(server: &Process, token: &str, arguments: &[&str]) -> Printed {
    let mut command = program();
    command.args(arguments).args(["--patience", "0"]);
    command.env("ROLLBOOK_URL", format!("http://{}", server.address)).env("ROLLBOOK_TOKEN", token);
    run(&mut command)
}

fn done(printed: Printed) -> String {
    assert_eq!((printed.code, printed.err.as_str()), (Some(0), ""), "{}", printed.out);
    printed.out
}

#[test]
fn an_address_is_added_found_and_removed() {
    let store = Store::new();
    let (server, token) = (store.serve(), store.account("Shop").token);
    let of = |arguments: &[&str]| rollbook(&server, &token, &[&["suppression"], arguments].concat());
    let absent = of(&["find", "--email", "user@example.com"]);
    assert_eq!((absent.code, absent.err.as_str()), (Some(1), "rollbook: the address is not suppressed\n"));
    done(of(&["add", "--email", "User@example.com", "--reason", "complaint"]));
    done(of(&["add", "--phone", "+15555555"]));
    let found: Value =
        serde_json::from_str(&done(of(&["find", "--email", "user@example.com"]))).expect("JSON");
    assert_eq!((&found["email"], &found["type"]), (&json!("User@example.com"), &json!("complaint")));
    let found: Value = serde_json::from_str(&done(of(&["find", "--phone", "+15555555"]))).expect("JSON");
    assert_eq!(found["rejectType"], "import");
    let wrong = of(&["add", "--email", "user@example.com", "--reason", "import"]);
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.err.contains("Allowed rejectType is"), "{}", wrong.err);
    done(of(&["remove", "--email", "USER@example.com"]));
    assert_eq!(of(&["find", "--email", "user@example.com"]).code, Some(1));
}

#[test]
fn a_file_is_imported_and_exported_and_wrong_rows_are_named() {
    let (store, files) = (Store::new(), Directory::new());
    let (server, token) = (store.serve(), store.account("Shop").token);
    let of = |arguments: &[&str]| rollbook(&server, &token, &[&["suppression"], arguments].concat());
    let mut table = "address,reason,createdAt\nuser@,hard,\n".to_owned();
    for number in 0..250 {
        table += &format!("u{number}@example.com,complaint,2020-01-02 03:04:05\n");
    }
    table += "+15555555,unsubscribe,\n";
    let path = files.path("bounces.csv");
    std::fs::write(&path, table).expect("a file");
    let path = path.to_str().expect("a path");
    let imported = of(&["import", path]);
    assert_eq!(imported.out, "251 addresses are suppressed\n");
    assert_eq!(imported.err, "line 2: Invalid RFC2822 email user@\nrollbook: 1 rows were rejected\n");
    assert_eq!(imported.code, Some(1));
    let out = files.path("suppressed.csv");
    let exported = of(&["export", "-o", out.to_str().expect("a path")]);
    assert_eq!((exported.code, exported.err.as_str()), (Some(0), "251 suppressions\n"));
    let written = std::fs::read_to_string(&out).expect("the file");
    assert_eq!(written.lines().count(), 252);
    assert!(written.contains("email,u249@example.com,complaint,,2020-01-02 03:04:05,\n"), "{written}");
    let again = of(&["import", out.to_str().expect("a path")]);
    assert_eq!(
        (again.code, again.out.as_str()),
        (Some(0), "251 addresses are suppressed\n"),
        "{}",
        again.err
    );
    let list = server.ok("/v3/suppression/list", &token, &json!({ "limit": 1000 }));
    assert_eq!(list["data"].as_array().expect("rows").len(), 251);
}

#[test]
fn an_export_says_how_many_suppressed_contacts_it_leaves_out() {
    let store = Store::new();
    let (server, token) = (store.serve(), store.account("Shop").token);
    let list = server.list(&token);
    let contacts = json!([{ "contact": "ada@example.com" }, { "contact": "bob@example.com" }]);
    server.processed(&token, &server.upsert(&token, &list, contacts));
    done(rollbook(&server, &token, &["suppression", "add", "--email", "ada@example.com"]));
    let export = ["export", "--list", &list];
    let without = rollbook(&server, &token, &export);
    assert!(
        without.out.contains("bob@example.com") && !without.out.contains("ada@example.com"),
        "{}",
        without.out
    );
    assert_eq!(
        without.err,
        "1 contacts\n1 suppressed contacts were left out (--include-suppressed writes them)\n"
    );
    let with = rollbook(&server, &token, &[&export[..], &["--include-suppressed"]].concat());
    assert_eq!(with.err, "2 contacts\n");
    assert!(with.out.contains("suppressed.reasons\n") && with.out.contains(",email hard 20"), "{}", with.out);
}
