//! The table that says which lists have something for which receivers, while many write it at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::clock::Timestamp;
use domain::id::Ids;
use domain::journal::{Batch, ListNo};
use storage::{Attempt, DeliveryEnd, DeliveryState, NewList, RetentionPolicy, Role, Storage};
use tokio_postgres::{Client, NoTls};

use super::{Backend, Desk, Postgres};
use crate::harness::PATIENCE;

const RECEIVERS: [&str; 3] =
    ["https://one.example.com:443", "https://two.example.com:443", "https://three.example.com:443"];

async fn connect(backend: &Postgres) -> Client {
    let (client, connection) =
        tokio_postgres::connect(&backend.address(), NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// A transaction that writes down something of a receiver hangs: nobody else's webhooks wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_held_delays_no_other_receiver() {
    let backend = Postgres::new();
    let desk = Desk::new(Box::new(backend.clone())).await;
    for receiver in RECEIVERS {
        desk.append(desk.reported(receiver, &[("a", &[])])).await;
    }
    desk.apply_all().await;
    let mut hangs = connect(&backend).await;
    let held = hangs.transaction().await.expect("a transaction");
    held.execute("SELECT FROM due WHERE receiver = $1 FOR UPDATE", &[&RECEIVERS[0]]).await.expect("held");
    let claim = async || {
        let claimed = desk.storage().claim_deliveries(desk.now, 10, 10).await.expect("a claim");
        claimed.into_iter().map(|delivery| delivery.receiver).collect::<Vec<_>>()
    };
    let mut others = claim().await;
    others.sort_unstable();
    assert_eq!(others, [RECEIVERS[2], RECEIVERS[1]]);
    assert_eq!(claim().await, [""; 0]);
    let next = desk.storage().next_delivery_at(10).await.expect("a look");
    assert_eq!(next, Some(desk.now), "it is known that there is one");
    held.rollback().await.expect("let go");
    assert_eq!(claim().await, [RECEIVERS[0]]);
}

/// A node of before there was the table, which goes on while others are exchanged, notes nothing in it.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_noted_is_found_within_a_minute() {
    let backend = Postgres::new();
    let desk = Desk::new(Box::new(backend.clone())).await;
    for receiver in RECEIVERS {
        desk.append(desk.reported(receiver, &[("a", &[])])).await;
    }
    desk.apply_all().await;
    let gone =
        connect(&backend).await.execute("DELETE FROM due WHERE receiver <> $1", &[&RECEIVERS[0]]).await;
    assert_eq!(gone.expect("rows"), 2);
    let claim = async || desk.storage().claim_deliveries(desk.now, 10, 10).await.expect("a claim").len();
    assert_eq!(claim().await, 1);
    let early = Timestamp::from_millis(0);
    let keep = RetentionPolicy { requests: early, keys: early, history: early, ended: early };
    assert_eq!(desk.storage().prune(keep).await.expect("it prunes"), 2);
    assert_eq!(desk.storage().prune(keep).await.expect("it prunes"), 0);
    assert_eq!(claim().await, 2);
}

/// Three nodes accept, apply, claim and write attempts down at once, of three lists and three receivers: every webhook
/// is delivered, and nothing is left that says there is one.
#[tokio::test(flavor = "multi_thread")]
async fn no_webhook_is_forgotten_while_all_write_at_once() {
    const EACH: usize = 60;
    let backend = Postgres::new();
    let desk = Desk::new(Box::new(backend.clone())).await;
    let mut lists: Vec<ListNo> = vec![desk.list];
    for _ in 0..2 {
        let id = desk.ids.next(desk.now);
        desk.storage()
            .add_list(desk.account.no, id, NewList::named("Other"), desk.now)
            .await
            .expect("a list");
        lists.push(desk.storage().find_list(id).await.expect("a look").expect("the list").no);
    }
    let (now, delivered) = (desk.now, Arc::new(AtomicUsize::new(0)));
    let nodes = (0..3).map(|number| {
        let node: Arc<dyn Storage> = Arc::from(backend.open(Role::Server));
        let delivered = Arc::clone(&delivered);
        let ids = Ids::from_system();
        tokio::spawn(async move {
            let start = Instant::now();
            let mut tried: BTreeMap<_, u32> = BTreeMap::new();
            while delivered.load(Ordering::Relaxed) < 3 * EACH {
                assert!(start.elapsed() < 3 * PATIENCE, "all are delivered: {delivered:?}");
                while node.apply_next(5, now).await.expect("applied").batches > 0 {}
                let claimed = node.claim_deliveries(now, 7, 3).await.expect("a claim");
                let mut attempts = Vec::new();
                for delivery in claimed {
                    let again = delivery.attempts < number % 3;
                    let (end, state) = match again {
                        true => (DeliveryEnd::Status(503), DeliveryState::Pending),
                        false => (DeliveryEnd::Delivered, DeliveryState::Delivered),
                    };
                    *tried.entry(delivery.place.list.0).or_default() += 1;
                    attempts.push(Attempt {
                        id: ids.next(now),
                        place: delivery.place,
                        generation: delivery.generation,
                        at: now,
                        took: Duration::ZERO,
                        response: Some(end.into()),
                        state,
                        next_at: now,
                    });
                }
                let done =
                    attempts.iter().filter(|attempt| attempt.state == DeliveryState::Delivered).count();
                node.finish_deliveries(attempts).await.expect("written down");
                delivered.fetch_add(done, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tried.len()
        })
    });
    let nodes: Vec<_> = nodes.collect();
    for step in 0..EACH {
        for (list, receiver) in lists.iter().zip([0, 1, 2]) {
            let receiver = RECEIVERS[(step + receiver) % 3];
            desk.append(Batch { list: *list, ..desk.reported(receiver, &[("a", &[])]) }).await;
        }
    }
    for node in nodes {
        assert!(node.await.expect("a node") > 0, "each had something to send");
    }
    let left = "SELECT (SELECT count(*) FROM due), (SELECT count(*) FROM delivery WHERE state <> 1)";
    let left = connect(&backend).await.query_one(left, &[]).await.expect("counts");
    assert_eq!((left.get::<_, i64>(0), left.get::<_, i64>(1)), (0, 0));
}
