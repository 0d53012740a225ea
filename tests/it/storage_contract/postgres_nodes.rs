//! Several nodes on one database: each list is applied by one at a time, whoever has accepted what waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::contact::field::Field::FirstName;
use domain::id::ObjectId;
use domain::journal::{Batch, ListNo};
use storage::{AppendError, NewList, Role, Storage};
use tokio_postgres::NoTls;

use super::{Desk, Postgres};
use crate::harness::PATIENCE;

async fn desk() -> (Desk, Postgres) {
    let backend = Postgres::new();
    (Desk::new(Box::new(backend.clone())).await, backend)
}

async fn add_list(desk: &Desk) -> (ListNo, ObjectId) {
    let id = desk.ids.next(desk.now);
    desk.storage().add_list(desk.account.no, id, NewList::named("Other"), desk.now).await.expect("a list");
    (desk.storage().find_list(id).await.expect("a look").expect("the list").no, id)
}

/// Two nodes accept in turn and apply side by side; each batch says which it is, and results would tell when one was
/// lost, applied twice or out of order.
#[tokio::test(flavor = "multi_thread")]
async fn batches_of_a_list_are_applied_in_the_order_of_acceptance_whoever_accepts_and_applies() {
    let (desk, backend) = desk().await;
    use super::Backend;
    let other: Arc<dyn Storage> = Arc::from(backend.open(Role::Server));
    let lists = [(desk.list, desk.list_id), add_list(&desk).await, add_list(&desk).await];
    let now = desk.now;
    let third: Arc<dyn Storage> = Arc::from(backend.open(Role::Server));
    let appliers: Vec<_> = [Arc::clone(&other), third]
        .into_iter()
        .map(|node| {
            tokio::spawn(async move {
                let start = Instant::now();
                let mut applied = 0;
                // Both go on until all is applied, by whom ever.
                while node.oldest_waiting().await.expect("a look").is_some() || applied == 0 {
                    applied += node.apply_next(7, now).await.expect("applied").batches;
                    assert!(start.elapsed() < PATIENCE, "it comes to an end");
                    if start.elapsed() > PATIENCE / 2 {
                        break;
                    }
                }
                applied
            })
        })
        .collect();
    let mut requests = Vec::new();
    for step in 0..120_u32 {
        let (list, list_id) = lists[step as usize % 3];
        let name = format!("{step}");
        let batch = Batch { list, list_id, ..desk.batch(&[("a", &[(FirstName, &name)])]) };
        requests.push(batch.request);
        let node: &dyn Storage = if step % 2 == 0 { desk.storage() } else { other.as_ref() };
        node.append(vec![Arc::new(batch)]).await.expect("kept");
    }
    let mut applied = 0;
    for applier in appliers {
        applied += applier.await.expect("a node");
    }
    while desk.storage().oldest_waiting().await.expect("a look").is_some() {
        applied += desk.apply(100).await.batches;
    }
    assert_eq!(applied, 120, "each once");
    for (step, request) in requests.iter().enumerate() {
        let action = if step < 3 { "created" } else { "updated" };
        assert_eq!(desk.told(*request).await, [format!("{action} a -")], "step {step}");
    }
    for (index, (list, _)) in lists.iter().enumerate() {
        assert_eq!(desk.field_in(*list, "a", FirstName).await, Some(format!("{}", 117 + index)));
    }
}

/// Batches of several lists in one group are kept apart: one that cannot be kept takes none of another list along.
#[tokio::test(flavor = "multi_thread")]
async fn lists_of_a_group_fare_by_themselves() {
    let (desk, _) = desk().await;
    let (list, list_id) = add_list(&desk).await;
    let (one, two) = (desk.batch(&[("a", &[])]), Batch { list, list_id, ..desk.batch(&[("b", &[])]) });
    let twin = Batch { request: two.request, ..two.clone() };
    let group = [&one, &two, &twin].map(|batch| Arc::new(batch.clone()));
    let Err(AppendError::Apart(outcomes)) = desk.storage().append(group.to_vec()).await else {
        panic!("two of one request cannot be kept");
    };
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false]);
    assert!(desk.find(one.request).await.is_some());
    assert!(desk.find(two.request).await.is_none());
}

/// An erase that is being applied takes away the fences that it sees: a list that is made meanwhile must not get one
/// that nobody takes away, and so waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_made_while_somebody_is_erased_waits_for_the_end_of_it() {
    let (desk, backend) = desk().await;
    let (mut applies, connection) =
        tokio_postgres::connect(&backend.address(), NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let erase = applies.transaction().await.expect("a transaction");
    let lock = "SELECT FROM progress WHERE list = $1 FOR UPDATE";
    erase.execute(lock, &[&-desk.account.no.0]).await.expect("locked");
    let made = add_list(&desk);
    let released = async {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                     AND wait_event_type = 'Lock'";
        let start = Instant::now();
        while erase.query_one(waits, &[]).await.expect("a count").get::<_, i64>(0) == 0 {
            assert!(start.elapsed() < PATIENCE, "it waits");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        erase.rollback().await.expect("let go");
    };
    let ((list, _), ()) = tokio::join!(made, released);
    assert_ne!(list, desk.list);
}

/// Connections that are cut while they work are made anew, and nothing is lost or done twice.
#[tokio::test(flavor = "multi_thread")]
async fn connections_may_be_cut_at_any_moment() {
    let (desk, backend) = desk().await;
    let (killer, connection) =
        tokio_postgres::connect(&backend.address(), NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let cut = tokio::spawn(async move {
        let all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        for _ in 0..30 {
            killer.query(all, &[]).await.expect("cut");
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    });
    let mut kept = Vec::new();
    let mut step = 0_u32;
    while !cut.is_finished() || kept.len() < 20 {
        let name = format!("{step}");
        let batch = desk.batch(&[("a", &[(FirstName, &name)])]);
        let request = batch.request;
        match desk.storage().append(vec![Arc::new(batch)]).await {
            Ok(_) => kept.push((request, name, true)),
            // Nobody was told that it is kept; it may be.
            Err(AppendError::Unknown(_)) => kept.push((request, name, false)),
            Err(AppendError::NotKept(_)) => {
                let found = loop {
                    if let Ok(found) = desk.storage().find_requests(desk.account.no, vec![request]).await {
                        break found;
                    }
                };
                assert!(found.is_empty(), "what was not kept is not there");
            }
            Err(error) => panic!("{error}"),
        }
        // Applied or not, and then tried again.
        let _ = desk.storage().apply_next(10, desk.now).await;
        step += 1;
    }
    cut.await.expect("all cuts");
    desk.apply_all().await;
    let mut last = None;
    for (index, (request, name, certain)) in kept.into_iter().enumerate() {
        if certain || desk.find(request).await.is_some() {
            let action = if last.is_none() { "created" } else { "updated" };
            assert_eq!(desk.told(request).await, [format!("{action} a -")], "batch {index}");
            last = Some(name);
        }
    }
    assert_eq!(desk.field("a", FirstName).await, last);
}
