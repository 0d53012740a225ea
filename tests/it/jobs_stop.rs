//! Jobs that are stopped, and continue.

use jobs::job::{Job, Status};
use serde_json::json;

use crate::faults::{Fault, Switch};
use crate::harness::{Server, Setup};
use crate::jobs::{Yard, files, matching, plan, rows, set};

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_stopped_and_goes_on_with_no_row_twice() {
    // What is accepted waits, so that the import cannot end before it is stopped.
    let switch = Switch::new();
    let yard = Yard::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    switch.set(Fault::ApplyWaits);
    let id = yard.upload("people.csv", rows(12_000, 400)).await.expect("a job");
    yard.begin(id, Some(plan(true)), false).await;
    let accepted = async || (yard.server.storage.backlog().batches >= 20).then_some(());
    yard.server.wait_for("some rows to be accepted", accepted).await;
    yard.jobs().stop(&yard.inside.app, &yard.job(id).await).await.expect("it is asked to stop");
    let job = yard.ended(id).await;
    assert_eq!(job.status, Status::Stopped);
    let done = job.progress.expect("it was begun").done;
    assert!(done < 12_000, "{done}");
    switch.set(Fault::None);
    yard.begin(id, None, false).await;
    let job = yard.ended(id).await;
    // A row that took effect twice would be counted as unchanged the second time.
    assert_eq!((job.status, Yard::counts(&job)), (Status::Done, [11_970, 0, 0, 30]));
    let failed = std::fs::read_to_string(files(&job).failures()).expect("the failed rows");
    assert_eq!(failed.lines().count(), 31);
    assert_eq!(yard.find(&json!({})).await.len(), 11_970);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_on_by_itself_where_the_server_was_stopped() {
    let yard = Yard::new().await;
    let id = yard.upload("people.csv", rows(10_000, 500)).await.expect("a job");
    yard.begin(id, Some(plan(true)), false).await;
    let begun = |job: &Job| job.progress.as_ref().is_some_and(|progress| progress.done > 0);
    yard.until(id, "some rows to be done", begun).await;
    let Yard { server, list, inside, .. } = yard;
    drop(inside);
    let server = server.restart(Setup::default()).await;
    let yard = Yard::on(server, list).await;
    let job = yard.ended(id).await;
    assert_eq!((job.status, Yard::counts(&job)), (Status::Done, [9_980, 0, 0, 20]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_stops_in_time_with_a_job_that_waits_for_a_store_that_is_away() {
    let switch = Switch::new();
    let yard = Yard::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let contacts: Vec<_> = (0..100).map(|n| json!({ "contact": format!("c{n}") })).collect();
    yard.server.update(&yard.list, true, json!(contacts)).await;
    switch.set(Fault::Silent);
    let id = yard.change(set("active", true), matching(&json!({}))).await;
    yard.until(id, "it to run", |job| job.status == Status::Running).await;
    let Yard { server, list, inside, .. } = yard;
    drop(inside);
    // The loops are given 20 seconds, whatever they wait for.
    let directory = tokio::time::timeout(std::time::Duration::from_secs(29), async {
        let owner = (server.account, server.user, server.token.clone(), server.webhook_secret.clone());
        (server.stop().await, owner)
    });
    let (directory, owner) = directory.await.expect("it stops though nothing is answered");
    switch.set(Fault::None);
    let server = Server::on(directory, Setup::default(), Some(owner)).await;
    let yard = Yard::on(server, list).await;
    let job = yard.ended(id).await;
    assert_eq!((job.status, Yard::counts(&job)), (Status::Done, [0, 100, 0, 0]), "it goes on by itself");
}
