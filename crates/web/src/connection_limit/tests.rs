#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::task::Waker;

use super::*;

const HERE: [u8; 4] = [192, 0, 2, 1];
const THERE: [u8; 4] = [198, 51, 100, 7];

fn limit(max: usize) -> Arc<ConnectionLimit> {
    Arc::new(ConnectionLimit::new(max, Connections::default()))
}

async fn open(limit: &Arc<ConnectionLimit>, from: [u8; 4]) -> Arc<Slot> {
    limit.acquire(from.into()).await
}

fn is_closing(held: &Arc<Slot>) -> bool {
    held.is_closing(&Context::from_waker(Waker::noop()))
}

/// Another connection comes; of those that are there, the one that gives way is closed as its task would.
async fn come(limit: &Arc<ConnectionLimit>, from: [u8; 4], there: &mut Vec<Arc<Slot>>) -> Option<usize> {
    let coming = tokio::spawn({
        let limit = Arc::clone(limit);
        async move { open(&limit, from).await }
    });
    // It has chosen, or waits: it runs before this task does again, since both are on one thread.
    tokio::task::yield_now().await;
    let closed = there.iter().position(is_closing);
    if let Some(index) = closed {
        there.remove(index);
        there.push(coming.await.expect("a slot"));
    } else {
        coming.abort();
    }
    closed
}

/// A request that is admitted, and whose answer is sent.
fn request(held: &Arc<Slot>) {
    held.begin();
    held.admit();
    held.end(true);
    held.sent();
}

#[tokio::test]
async fn the_oldest_connection_that_was_never_admitted_gives_way() {
    let limit = limit(8);
    let mut there = Vec::new();
    for _ in 0..8 {
        there.push(open(&limit, HERE).await);
    }
    request(&there[0]);
    // A request without a token changes nothing.
    there[1].begin();
    assert_eq!(come(&limit, HERE, &mut there).await, Some(1));
    assert_eq!(come(&limit, HERE, &mut there).await, Some(1), "the next oldest");
    assert!(!is_closing(&there[0]));
}

#[tokio::test]
async fn idle_connections_of_admitted_clients_give_way_only_until_newcomers_have_their_part() {
    let limit = limit(16);
    let mut there = Vec::new();
    for _ in 0..16 {
        there.push(open(&limit, HERE).await);
    }
    there.iter().for_each(request);
    request(&there[0]);
    assert_eq!(come(&limit, THERE, &mut there).await, Some(1), "idle for longest");
    assert_eq!(come(&limit, THERE, &mut there).await, Some(1));
    // Two of sixteen are not admitted: that is their part, and the older of them gives way from here on.
    assert_eq!(come(&limit, THERE, &mut there).await, Some(14));
}

#[tokio::test]
async fn an_admitted_request_keeps_its_connection_until_its_answer_is_sent() {
    let limit = limit(2);
    let mut there = vec![open(&limit, HERE).await, open(&limit, HERE).await];
    for held in &there {
        held.begin();
        held.admit();
    }
    assert_eq!(come(&limit, THERE, &mut there).await, None, "both are in requests");
    there[1].end(true);
    assert_eq!(come(&limit, THERE, &mut there).await, None, "the answer is not sent");
    there[1].sent();
    assert_eq!(come(&limit, THERE, &mut there).await, Some(1));
}

#[tokio::test]
async fn unadmitted_connections_of_one_address_take_no_more_than_a_quarter_from_others() {
    let limit = limit(8);
    let mut there = Vec::new();
    for from in [THERE, THERE, THERE, THERE, THERE, THERE, HERE, HERE] {
        there.push(open(&limit, from).await);
    }
    assert_eq!(come(&limit, HERE, &mut there).await, Some(6), "its own oldest, though others are older");
    assert_eq!(come(&limit, [203, 0, 113, 5], &mut there).await, Some(0), "another has the oldest of all");
}

#[tokio::test]
async fn a_closed_connection_gives_its_slot_back() {
    let limit = limit(1);
    drop(open(&limit, HERE).await);
    let held = open(&limit, HERE).await;
    assert!(!is_closing(&held));
    assert_eq!((limit.metrics.open.get(), limit.metrics.closed.get()), (1, 0));
    drop(held);
    assert_eq!(limit.metrics.open.get(), 0);
}
