//! The history of imports: those of the console and of the command, and what can be undone from there.

use std::time::Duration;

use serde_json::{Value, json};

use crate::console_jobs::{Desk, ended, figures, visit};
use crate::files::Office;
use crate::process::run;

const REPORT: &str = "/v3/import/report";
const ID: &str = "5d9155bad132d5f45a4e38c9";

fn report(list: &str, more: &Value) -> Value {
    let mut report =
        json!({ "contactListId": list, "importId": ID, "fileName": "people.csv", "bytes": 99, "rows": 300 });
    report.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    report
}

/// Three requests of a hundred rows, as a client would send them.
async fn imported(desk: &Desk) -> Vec<String> {
    let mut requests = Vec::new();
    for first in [0, 100, 200] {
        let contacts: Vec<_> = (first..first + 100).map(|n| json!({ "contact": format!("u{n}") })).collect();
        let body = json!({ "contactListId": desk.list, "upsert": true, "contacts": contacts });
        let accepted = desk.server.ok("/v3/contacts/update", &body).await;
        let request = accepted["requestId"].as_str().expect("an id").to_owned();
        desk.server.processed(&request).await;
        requests.push(request);
    }
    requests
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_of_a_client_is_listed_and_undone_from_a_line_on() {
    let desk = Desk::new().await;
    let requests = imported(&desk).await;
    let lines = [(2, 101), (102, 201), (202, 301)];
    for (place, (request, (first, last))) in requests.iter().zip(lines).enumerate() {
        let done = 100 * (place + 1);
        let more = json!({ "done": done, "created": done, "failed": 0,
            "requests": [{ "requestId": request, "firstLine": first, "lastLine": last }] });
        assert_eq!(
            desk.server.ok(REPORT, &report(&desk.list, &more)).await,
            json!({ "result": true, "importId": ID })
        );
        // A report that is sent again changes nothing.
        desk.server.ok(REPORT, &report(&desk.list, &more)).await;
        let list = desk.visitor.page("/jobs").await;
        let state = if place < 2 { ">stopped<" } else { ">done<" };
        assert!(list.contains("Import of people.csv") && list.contains(state), "{list}");
        assert_eq!(list.matches("Import of people.csv").count(), 1);
    }
    let job = format!("/jobs/{ID}");
    let page = desk.visitor.page(&job).await;
    assert_eq!(figures(&page), [300, 0, 0, 0], "{page}");
    assert!(page.contains("API key") && page.contains("rollbook import"), "{page}");
    assert!(!page.contains("Continue"), "the server does not run it: {page}");
    let contacts = desk.visitor.page(&format!("{job}/contacts")).await;
    assert!(
        contacts.contains(">u0<") && contacts.contains(">u199<") && !contacts.contains(">u200<"),
        "{contacts}"
    );
    let rest = desk.visitor.page(&format!("{job}/contacts?from=2")).await;
    assert!(rest.contains(">u200<") && !rest.contains("rel=\"next\""), "{rest}");
    let wrong = desk.visitor.post(&format!("{job}/undo"), &[("fromLine", "x")]).await;
    assert_eq!(wrong.status.as_u16(), 400);
    let undo = desk.visitor.goes(&format!("{job}/undo"), &[("fromLine", "150")]).await;
    let page = ended(&desk.visitor, &undo, Duration::from_secs(30)).await;
    assert!(page.contains("Undo of an import: 2 requests"), "{page}");
    assert_eq!(desk.count(&json!({})).await, 100);
    let undo = desk.visitor.goes(&format!("{job}/undo"), &[]).await;
    let page = ended(&desk.visitor, &undo, Duration::from_secs(30)).await;
    assert!(page.contains("Undo of an import: 3 requests"), "{page}");
    assert_eq!(desk.count(&json!({})).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_checked_and_changes_no_other_job() {
    let desk = Desk::new().await;
    let refused = async |body: Value| {
        let answer = desk.server.post(REPORT, &body).await;
        assert_eq!(answer.status.as_u16(), 400, "{body}: {}", answer.text());
        answer.json()["details"][0]["code"].as_str().expect("a code").to_owned()
    };
    for (more, code) in [
        (json!({ "importId": "x" }), "INVALID_IMPORT"),
        (json!({ "fileName": "" }), "INVALID_IMPORT"),
        (json!({ "rows": -1 }), "INVALID_IMPORT"),
        (json!({ "done": "3" }), "INVALID_IMPORT"),
        (json!({ "requests": {} }), "INVALID_IMPORT"),
        (json!({ "requests": [{ "requestId": "x" }] }), "INVALID_IMPORT"),
        (json!({ "contactListId": ID }), "LIST_NOT_FOUND"),
    ] {
        assert_eq!(refused(report(&desk.list, &more)).await, code, "{more}");
    }
    // An upload waits under its own id.
    let job = desk.visitor.uploaded(&desk.list, "people.csv", b"email\na@example.com\n").await;
    let id = job.trim_start_matches("/jobs/");
    assert_eq!(refused(report(&desk.list, &json!({ "importId": id }))).await, "IMPORT_ID_TAKEN");
    desk.server.ok(REPORT, &report(&desk.list, &json!({}))).await;
    let other = desk.server.list().await;
    assert_eq!(refused(report(&other, &json!({}))).await, "IMPORT_ID_TAKEN");
    // Requests of another list are not undone with it.
    let requests = imported(&desk).await;
    let theirs = json!({ "importId": "5d9155bad132d5f45a4e38ca", "rows": 1, "done": 1,
        "requests": [{ "requestId": requests[0] }] });
    desk.server.ok(REPORT, &report(&other, &theirs)).await;
    let undo = desk.visitor.goes("/jobs/5d9155bad132d5f45a4e38ca/undo", &[]).await;
    let page = ended(&desk.visitor, &undo, Duration::from_secs(30)).await;
    assert!(page.contains("Request not found") || page.contains("not found"), "{page}");
    assert_eq!(desk.count(&json!({})).await, 300);
}

#[test]
fn the_command_records_its_import_and_undoes_it_from_a_line_on() {
    let office = Office::open();
    let rows: String = (0..250).map(|row| format!("u{row},New\n")).collect();
    office.file("people.csv", format!("userId,name\n{rows}"));
    office.imported(&["people.csv"]);
    let printed = run(office.undo("people.csv").args(["--from-line", "150"]));
    assert_eq!(printed.code, Some(0), "{} {}", printed.out, printed.err);
    assert!(printed.err.contains("the undo begins on line 102, before line 150"), "{}", printed.err);
    assert_eq!(office.contacts(&office.list).len(), 100);
    let behind = run(office.undo("people.csv").args(["--from-line", "9999"]));
    assert!(
        behind.code == Some(1) && behind.err.contains("no row of the import is on that line"),
        "{}",
        behind.err
    );
    let jobs = tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let visitor = visit(&office.store, &office.server, &office.account).await;
        visitor.page("/jobs").await
    });
    assert!(jobs.contains("Import of people.csv") && jobs.contains("250 of 250"), "{jobs}");
}
