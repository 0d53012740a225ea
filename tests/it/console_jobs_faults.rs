//! Jobs through the pages when a server is killed, a store is away, or a form is sent twice.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::console_jobs::{Desk, choose, ended, figure, figures, rows, visit};
use crate::faults::{Fault, Switch};
use crate::harness::Setup;
use crate::process::Store;
use crate::visitor::between;

#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_on_by_itself_after_the_server_was_killed_and_no_row_is_doubled() {
    let store = Store::new();
    let account = store.account("Shop");
    let files = store.directory.path("files");
    let serve = || {
        store.serve_with(|command| {
            command.env("ROLLBOOK_FILES", &files);
        })
    };
    let mut server = serve();
    let list = server.list(&account.token);
    let visitor = visit(&store, &server, &account).await;
    let job = visitor.uploaded(&list, "people.csv", rows(200_000, 2_000).as_bytes()).await;
    visitor.goes(&format!("{job}/begin"), &choose("begin")).await;
    let (mut visitor, mut seen) = (visitor, 0);
    for _ in 0..3 {
        let start = Instant::now();
        loop {
            let part = visitor.page(&format!("{job}/progress")).await;
            if part.contains("<dt>Done</dt>") && figure(&part, "Done") > seen {
                seen = figure(&part, "Done");
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{part}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server.kill();
        server = serve();
        visitor = visitor.at(server.address);
    }
    assert!(seen < 200_000, "it was killed on its way");
    let page = ended(&visitor, &job, Duration::from_secs(120)).await;
    // A row that took effect twice would be counted as unchanged the second time.
    assert_eq!(figures(&page), [199_900, 0, 0, 100], "{page}");
    let failed = visitor.page(&format!("{job}/failed.csv")).await;
    assert_eq!(failed.lines().count(), 101);
}

/// A job that is to begin while the store is away waits for it, and does not fail.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_waits_for_a_store_that_is_away() {
    let switch = Switch::new();
    let desk = Desk::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    desk.server.upsert(&desk.list, json!({ "contact": "a", "active": true })).await;
    let path = format!("/lists/{}/bulk", desk.list);
    let fields = [("action", "disable"), ("all", "1"), ("confirm", "yes")];
    switch.set(Fault::Away);
    assert_eq!(desk.visitor.post(&path, &fields).await.status.as_u16(), 503, "no job is made");
    // It runs, and waits for its request.
    switch.set(Fault::ApplyWaits);
    let job = desk.visitor.goes(&path, &fields).await;
    let job = job.split('?').next().expect("a path");
    desk.server
        .wait_for("the job to run", async || {
            let page = desk.visitor.page(job).await;
            page.contains(">running<").then_some(())
        })
        .await;
    let before = switch.refused();
    switch.set(Fault::Away);
    let asked = async || (switch.refused() > before + 3).then_some(());
    desk.server.wait_for("the job to ask in vain", asked).await;
    assert_eq!(desk.visitor.get(job).await.status.as_u16(), 503);
    switch.set(Fault::None);
    let page = ended(&desk.visitor, job, Duration::from_secs(30)).await;
    assert_eq!(["Updated", "Failed"].map(|name| figure(&page, name)), [1, 0], "{page}");
    assert_eq!(desk.count(&json!({ "active": false })).await, 1);
    desk.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_confirms_a_change_makes_one_job_however_often_it_is_sent() {
    let desk = Desk::new().await;
    desk.server.upsert(&desk.list, json!({ "contact": "a" })).await;
    let path = format!("/lists/{}/bulk", desk.list);
    let asked = desk.visitor.post(&path, &[("action", "enable"), ("all", "1")]).await.text();
    let job = between(&asked, "name=\"job\" value=\"", "\"").to_owned();
    let confirm = [("action", "enable"), ("all", "1"), ("confirm", "yes"), ("job", job.as_str())];
    let (first, second) =
        tokio::join!(desk.visitor.goes(&path, &confirm), desk.visitor.goes(&path, &confirm));
    assert_eq!((first.as_str(), second), (format!("/jobs/{job}?done=begun").as_str(), first.clone()));
    let page = ended(&desk.visitor, &format!("/jobs/{job}"), Duration::from_secs(30)).await;
    assert_eq!(figure(&page, "Updated"), 1, "{page}");
    let jobs = desk.visitor.page("/jobs").await;
    assert_eq!(jobs.matches("Activate: all contacts").count(), 1, "{jobs}");
    // Another confirmation is another job.
    let again = desk.visitor.post(&path, &[("action", "enable"), ("all", "1")]).await.text();
    assert_ne!(between(&again, "name=\"job\" value=\"", "\""), job);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_file_is_on_another_node_is_shown_and_says_so() {
    let desk = Desk::new().await;
    let job = desk.visitor.uploaded(&desk.list, "people.csv", rows(10, 5).as_bytes()).await;
    desk.visitor.goes(&format!("{job}/begin"), &choose("begin")).await;
    assert_eq!(figures(&ended(&desk.visitor, &job, Duration::from_secs(30)).await), [8, 0, 0, 2]);
    let ready = desk.visitor.uploaded(&desk.list, "more.csv", rows(10, 5).as_bytes()).await;
    // The same store, seen from a node that has a directory of its own.
    let Desk { server, visitor, list } = desk;
    let elsewhere = server.directory.path("elsewhere");
    let server = server.restart(Setup { files: Some(elsewhere), ..Setup::default() }).await;
    let visitor = visitor.at(server.address);
    let page = visitor.page(&job).await;
    assert_eq!(figures(&page), [8, 0, 0, 2]);
    assert!(page.contains("line 6: ") && !page.contains("failed.csv"), "{page}");
    let failed = visitor.get(&format!("{job}/failed.csv")).await;
    assert_eq!(failed.status.as_u16(), 409);
    assert!(failed.text().contains("lie on another node of this server"), "{}", failed.text());
    let page = visitor.page(&ready).await;
    assert!(page.contains("The uploaded file is on another node of this server"), "{page}");
    assert!(page.contains("user1@example.com"), "its first rows are in the store");
    // It can be begun here, waits for the node that has the file, and can be given up.
    let mut columns = vec![("column-0", "email"), ("column-1", "name"), ("column-2", "ignore")];
    columns.extend([("mode", "upsert"), ("do", "begin")]);
    visitor.goes(&format!("{ready}/begin"), &columns).await;
    let page = visitor.page(&ready).await;
    assert!(page.contains(">waiting<") && page.contains("is on another node"), "{page}");
    visitor.goes(&format!("{ready}/stop"), &[]).await;
    visitor.goes(&format!("{ready}/remove"), &[]).await;
    let own = visitor.uploaded(&list, "own.csv", rows(10, 5).as_bytes()).await;
    assert!(!visitor.page(&own).await.contains("another node"));
}
