//! An import is taken back, field by field: by the command and by a button.

use std::time::Duration;

use serde_json::{Value, json};

use crate::console_jobs::{Desk, ended, figure};
use crate::files::Office;

#[test]
fn the_last_import_of_a_file_is_undone() {
    let office = Office::open();
    let people = |name: &str| {
        let rows = (0..250).map(|row| format!("u{row},{name}{row},u{row}@example.com\n"));
        format!("userId,name,email\n{}", rows.collect::<String>())
    };
    office.file("old.csv", "userId,name\nu1,Before\n");
    office.imported(&["old.csv"]);
    office.file("people.csv", people("New"));
    office.imported(&["people.csv"]);
    // What somebody has changed since stays.
    office.file("later.csv", "userId,name\nu2,Later\n");
    office.imported(&["later.csv"]);
    let printed = crate::process::run(&mut office.undo("people.csv"));
    assert_eq!(printed.code, Some(0), "{} {}", printed.out, printed.err);
    assert_eq!(office.contact("u1")["name"], "Before");
    assert_eq!(office.contact("u1")["email"], Value::Null);
    assert_eq!(office.contact("u2")["name"], "Later");
    assert_eq!([office.contact("u0"), office.contact("u249")], [Value::Null, Value::Null]);
    let again = crate::process::run(&mut office.undo("people.csv"));
    assert!(
        again.code == Some(1) && again.err.contains("there is no import of this file to undo"),
        "{}",
        again.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_and_a_bulk_change_are_undone_by_a_button() {
    let desk = Desk::new().await;
    desk.server.upsert(&desk.list, json!({ "contact": "u1", "name": "Before" })).await;
    let rows: String = (0..250).map(|row| format!("u{row},New\n")).collect();
    let job =
        desk.visitor.uploaded(&desk.list, "people.csv", format!("userId,name\n{rows}").as_bytes()).await;
    let columns = [("column-0", "userId"), ("column-1", "name"), ("do", "begin")];
    desk.visitor.goes(&format!("{job}/begin"), &columns).await;
    let page = ended(&desk.visitor, &job, Duration::from_secs(30)).await;
    assert!(page.contains("Undo this import"), "{page}");
    undone(&desk, &job, "Undo of an import: 3 requests", 250).await;
    assert_eq!(desk.count(&json!({})).await, 1);
    assert_eq!(desk.server.contact(&desk.list, "userId", "u1").await["name"], "Before");
    let bulk = [("action", "enable"), ("all", "1"), ("confirm", "yes")];
    let change = desk.visitor.goes(&format!("/lists/{}/bulk", desk.list), &bulk).await;
    let page = ended(&desk.visitor, &change, Duration::from_secs(30)).await;
    assert!(page.contains("Undo this bulk change"), "{page}");
    assert_eq!(desk.count(&json!({ "active": true })).await, 1);
    let change = change.split('?').next().expect("a path");
    undone(&desk, change, "Undo of a bulk change: 1 request", 1).await;
    assert_eq!(desk.count(&json!({ "active": true })).await, 0);
}

/// Has a job undone.
async fn undone(desk: &Desk, job: &str, text: &str, contacts: u64) {
    let undo = desk.visitor.goes(&format!("{job}/undo"), &[]).await;
    // Sent twice, it makes one job.
    assert_eq!(desk.visitor.goes(&format!("{job}/undo"), &[]).await, undo);
    let page = ended(&desk.visitor, &undo, Duration::from_secs(30)).await;
    assert!(page.contains(text) && page.contains(">done<"), "{page}");
    assert_eq!((figure(&page, "Done"), figure(&page, "Failed")), (contacts, 0), "{page}");
}
