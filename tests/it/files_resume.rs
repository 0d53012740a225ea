//! An import that is stopped, killed, or loses its server goes on where it was: every row is applied once.

use std::fmt::Write;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::files::Office;
use crate::process::{run, signal, wait_for, wait_within};

/// Longer than any import of these tests takes on a busy machine.
const LONG: Duration = Duration::from_secs(240);

/// So many rows, of which every 333rd is bad: each sets a counter of its own once.
fn table(rows: usize) -> (String, usize) {
    let (mut text, mut bad) = (String::from("userId,email,newVariableName\n"), 0);
    for row in 0..rows {
        let at = if row % 333 == 150 { "." } else { "@" };
        bad += usize::from(at == ".");
        writeln!(text, "u{row},u{row}{at}example.com,{row}").expect("memory");
    }
    (text, bad)
}

/// How many requests the list has had; `None` where the token has too many in flight: the 8 of an import that was
/// killed are brought to their end, beside the 8 of the one that goes on.
fn requests(office: &Office) -> Option<u64> {
    let body = json!({ "contactListId": office.list, "limit": 1 });
    let reply = office.server.post("/v3/request/list", &office.account.token, &body);
    if reply.status == 429 {
        return None;
    }
    assert_eq!(reply.status, 200, "{}", reply.text());
    Some(reply.json()["totalCount"].as_u64().expect("a count"))
}

fn spawn(office: &Office, arguments: &[&str]) -> Child {
    let mut command = office.command("import", &office.list, arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
}

/// Waits until so many requests are accepted.
fn wait_until_accepted(office: &Office, child: &mut Child, count: u64) {
    wait_within(LONG, "the import to come so far", || {
        assert!(child.try_wait().expect("a child").is_none(), "it has not come to its end yet");
        requests(office).filter(|accepted| *accepted >= count)
    });
}

/// Every good row was applied once, every bad one is in the file of failed rows once.
fn audit(office: &Office, rows: usize, bad: usize, batches: u64) {
    assert_eq!(requests(office), Some(batches), "no batch was accepted twice");
    let contacts = office.contacts(&office.list);
    assert_eq!(contacts.len(), rows - bad);
    let all = contacts.iter().all(|contact| {
        let row = contact["variables"][0]["value"].as_str().expect("a value");
        contact["userId"] == format!("u{row}") && contact["createdAt"] == contact["updatedAt"]
    });
    assert!(all, "each is as its row says, and was not changed after it was made");
    let failed = office.read("people.csv.failed.csv");
    let lines: Vec<_> =
        failed.lines().skip(1).map(|line| line.split(',').next().expect("a line").to_owned()).collect();
    let expected: Vec<_> =
        (0..rows).filter(|row| row % 333 == 150).map(|row| (row + 2).to_string()).collect();
    assert_eq!(lines, expected);
    assert!(!office.has("people.csv.failed.csv.state"));
}

#[test]
fn an_import_that_is_killed_again_and_again_applies_every_row_once() {
    let office = Office::open();
    let (rows, batches) = (100_000, 1_000);
    let (text, bad) = table(rows);
    assert_eq!(bad, 300);
    office.file("people.csv", text);
    for kill in 1..=4 {
        let mut child = spawn(&office, &["people.csv"]);
        wait_until_accepted(&office, &mut child, kill * 180);
        signal(&child, "KILL");
        child.wait().expect("a child");
    }
    // Another mapping is another import.
    let other = office.import(&["people.csv", "--empty-clears"]);
    assert_eq!(other.code, Some(1));
    assert!(other.err.contains("another import was stopped here"), "{}", other.err);
    let printed = office.import(&["people.csv"]);
    assert_eq!(printed.code, Some(4), "{}", printed.err);
    assert!(printed.err.starts_with("going on with an import that was stopped: "), "{}", printed.err);
    let told = format!("{rows} rows: {} created, 0 updated, 0 unchanged, {bad} failed\n", rows - bad);
    assert_eq!(printed.out, told);
    audit(&office, rows, bad, batches);
}

#[test]
fn an_import_whose_server_is_killed_goes_on_with_the_next_one() {
    let mut office = Office::open();
    let (rows, batches) = (40_000, 400);
    let (text, bad) = table(rows);
    office.file("people.csv", text);
    let mut child = spawn(&office, &["people.csv"]);
    for kill in 1..=2 {
        wait_until_accepted(&office, &mut child, kill * 120);
        let address = office.server.address.to_string();
        office.server.signal("KILL");
        office.server.wait();
        // The address may be in use for a moment.
        office.server = wait_for("the address to be free", || {
            std::net::TcpListener::bind(&address).ok().map(drop)?;
            Some(office.store.serve_with(|command| {
                command.env("ROLLBOOK_LISTEN", &address);
            }))
        });
    }
    let status = wait_within(LONG, "the import to end", || child.try_wait().expect("a child"));
    assert_eq!(status.code(), Some(4));
    audit(&office, rows, bad, batches);
}

#[test]
fn an_import_that_is_asked_to_stop_says_how_to_go_on() {
    let office = Office::open();
    let (rows, batches) = (60_000, 600);
    let (text, bad) = table(rows);
    office.file("people.csv", text);
    let mut child = spawn(&office, &["people.csv"]);
    wait_until_accepted(&office, &mut child, 20);
    signal(&child, "INT");
    let output = child.wait_with_output().expect("a child");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(told, "rollbook: stopped; run the same command again to continue\n");
    let told = office.import(&["people.csv"]);
    assert_eq!(told.code, Some(4), "{}", told.err);
    audit(&office, rows, bad, batches);
}

#[test]
fn a_file_that_changes_while_it_is_imported_is_noticed() {
    let office = Office::open();
    let (text, _) = table(60_000);
    let path = office.file("people.csv", &text);
    let mut child = spawn(&office, &["people.csv", "--parallel", "1"]);
    wait_until_accepted(&office, &mut child, 5);
    // As an editor does: in its place, with the same length.
    std::fs::write(path, text.replace("u5", "v5")).expect("a file");
    let output = child.wait_with_output().expect("a child");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    let changed = "rollbook: people.csv: the file was changed while it was read; what was read before that is imported\n";
    assert_eq!(told, changed);
    assert!(!office.has("people.csv.failed.csv.state"), "nobody can go on with it");
}

#[test]
fn the_same_file_may_be_imported_again_when_its_import_is_at_its_end() {
    let office = Office::open();
    office.file("one.csv", "userId,name\nu,Jo\n");
    office.imported(&["one.csv"]);
    let request =
        office.server.upsert(&office.account.token, &office.list, json!([{ "contact": "u", "name": "Bo" }]));
    office.server.processed(&office.account.token, &request);
    let told = office.imported(&["one.csv"]);
    assert_eq!(told, "1 rows: 0 created, 1 updated, 0 unchanged, 0 failed\n");
    assert_eq!(office.contact("u")["name"], Value::from("Jo"));
    let running =
        run(office.command("import", &office.list, &["one.csv", "--dry-run"]).env("ROLLBOOK_TOKEN", "x"));
    assert_eq!(running.code, Some(1));
    // What an import takes from the environment troubles no other command.
    let mut list = office.store.command(&["account", "list"]);
    list.env("ROLLBOOK_URL", "http://127.0.0.1:1").env("ROLLBOOK_TOKEN", "x");
    assert_eq!(run(&mut list).code, Some(0));
}
