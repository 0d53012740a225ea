//! The outbox: given to one caller at a time, never lost.

use std::time::{Duration, Instant};

use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::Batch;
use storage::{Delivery, DeliveryEnd, DeliveryState, DeliveryStatus, NewList, Place};

use super::{Desk, keep_since, on_every_backend};
use crate::harness::PATIENCE;

on_every_backend! {
    a_delivery_is_given_once_until_it_is_finished,
    a_delivery_that_was_out_is_given_again_after_reopening,
    a_receiver_has_no_more_out_than_its_bound_and_delays_no_other,
    a_delivery_is_due_at_its_time_and_the_next_time_is_known,
    deliveries_of_a_receiver_leave_in_the_order_in_which_they_are_due,
    a_small_claim_goes_round_all_receivers,
    a_receiver_of_several_lists_gets_what_is_due_first_and_no_more_than_its_bound,
    a_request_tells_how_its_webhook_fares,
    what_was_not_tried_is_no_attempt,
    a_webhook_is_sent_again_for_its_own_account_only,
    a_webhook_that_is_sent_again_while_it_is_out_is_sent_again,
    a_delivery_that_nobody_knows_is_finished_quietly,
    an_attempt_that_is_written_down_again_counts_once,
    positions_never_repeat_even_when_nothing_waits,
}

const ONE: &str = "https://one.example:443";
const TWO: &str = "https://two.example:443";

/// Applies a batch that is to be reported to each receiver, in turn.
async fn report(desk: &Desk, receivers: &[&str]) -> Vec<ObjectId> {
    let mut requests = Vec::new();
    for receiver in receivers {
        requests.push(desk.append(desk.reported(receiver, &[("a", &[])])).await);
    }
    desk.apply_all().await;
    requests
}

async fn claim(desk: &Desk, max: usize, per_receiver: usize) -> Vec<Delivery> {
    desk.storage().claim_deliveries(desk.now, max, per_receiver).await.expect("a claim")
}

fn requests(deliveries: &[Delivery]) -> Vec<ObjectId> {
    deliveries.iter().map(|delivery| delivery.request).collect()
}

async fn finish(desk: &Desk, delivery: &Delivery, state: DeliveryState, next_at: Timestamp) {
    let end = match state {
        DeliveryState::Delivered => DeliveryEnd::Delivered,
        _ => DeliveryEnd::Status(503),
    };
    let attempt = desk.attempt(delivery, Some(end), state, next_at);
    desk.storage().finish_deliveries(vec![attempt]).await.expect("written down");
}

async fn next_at(desk: &Desk, per_receiver: usize) -> Option<Timestamp> {
    desk.storage().next_delivery_at(per_receiver).await.expect("a look")
}

/// Whoever was told that it could not be written down comes again, though it may have been.
async fn an_attempt_that_is_written_down_again_counts_once(desk: Desk) {
    let request = report(&desk, &[ONE]).await[0];
    let claimed = claim(&desk, 10, 10).await;
    for _ in 0..2 {
        finish(&desk, &claimed[0], DeliveryState::Pending, desk.now).await;
    }
    let again = claim(&desk, 10, 10).await;
    assert_eq!(again, [Delivery { attempts: 1, ..claimed[0].clone() }]);
    finish(&desk, &again[0], DeliveryState::Failed, desk.now).await;
    finish(&desk, &again[0], DeliveryState::Failed, desk.now).await;
    let found = desk.find(request).await.expect("the request");
    let status = found.delivery.expect("a webhook");
    assert_eq!((status.state, status.attempts), (DeliveryState::Failed, 2));
}

async fn a_delivery_is_given_once_until_it_is_finished(desk: Desk) {
    desk.append(desk.batch(&[("a", &[])])).await;
    let silent = desk.apply(10).await;
    assert_eq!((silent.batches, silent.webhooks), (1, 0));
    let request = desk.append(desk.reported(ONE, &[("a", &[])])).await;
    assert_eq!(claim(&desk, 10, 10).await, [], "not before it is applied");
    let told = desk.apply(10).await;
    assert_eq!((told.batches, told.webhooks), (1, 1));

    let claimed = claim(&desk, 10, 10).await;
    let expected = Delivery {
        place: claimed[0].place,
        request,
        account: desk.account.no,
        uri: format!("{ONE}/hook"),
        receiver: ONE.to_owned(),
        attempts: 0,
        generation: 0,
    };
    assert_eq!(claimed, [expected]);
    assert_eq!(claim(&desk, 10, 10).await, []);
    finish(&desk, &claimed[0], DeliveryState::Pending, desk.now).await;
    let again = claim(&desk, 10, 10).await;
    assert_eq!(again, [Delivery { attempts: 1, ..claimed[0].clone() }]);
    finish(&desk, &again[0], DeliveryState::Delivered, desk.now).await;
    assert_eq!(claim(&desk, 10, 10).await, []);
    assert_eq!(next_at(&desk, 10).await, None);
}

async fn a_delivery_that_was_out_is_given_again_after_reopening(mut desk: Desk) {
    let reported = report(&desk, &[ONE, ONE, TWO]).await;
    let claimed = claim(&desk, 10, 10).await;
    finish(&desk, &claimed[0], DeliveryState::Delivered, desk.now).await;
    finish(&desk, &claimed[1], DeliveryState::Pending, desk.now.after(Duration::from_secs(100))).await;
    desk.reopen();
    // What a process had out that is gone is free at once, or when its lease is over.
    let start = Instant::now();
    let again = loop {
        let again = claim(&desk, 10, 10).await;
        if !again.is_empty() {
            break again;
        }
        assert!(start.elapsed() < PATIENCE, "nobody gets what the process had out that is gone");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(requests(&again), reported[2..]);
    desk.now = desk.now.after(Duration::from_secs(100));
    let late = claim(&desk, 10, 10).await;
    assert_eq!((requests(&late), late[0].attempts), (vec![reported[1]], 1));
}

async fn a_receiver_has_no_more_out_than_its_bound_and_delays_no_other(desk: Desk) {
    let reported = report(&desk, &[ONE, ONE, ONE, ONE, TWO]).await;
    let claimed = claim(&desk, 10, 2).await;
    assert_eq!(requests(&claimed), [reported[0], reported[1], reported[4]]);
    assert_eq!(claim(&desk, 10, 2).await, []);
    assert_eq!(next_at(&desk, 2).await, None, "nothing could be claimed now");
    assert_eq!(next_at(&desk, 3).await, Some(desk.now));
    finish(&desk, &claimed[0], DeliveryState::Failed, desk.now).await;
    assert_eq!(next_at(&desk, 2).await, Some(desk.now));
    assert_eq!(requests(&claim(&desk, 10, 2).await), [reported[2]]);
}

async fn a_delivery_is_due_at_its_time_and_the_next_time_is_known(mut desk: Desk) {
    report(&desk, &[ONE, TWO]).await;
    let claimed = claim(&desk, 10, 10).await;
    let (soon, later) = (desk.now.after(Duration::from_secs(100)), desk.now.after(Duration::from_secs(600)));
    finish(&desk, &claimed[0], DeliveryState::Pending, later).await;
    assert_eq!(next_at(&desk, 1).await, Some(later), "the other is out");
    finish(&desk, &claimed[1], DeliveryState::Pending, soon).await;
    assert_eq!(next_at(&desk, 1).await, Some(soon));
    desk.reopen();
    assert_eq!(next_at(&desk, 1).await, Some(soon));
    desk.now = desk.now.after(Duration::from_millis(99_999));
    assert_eq!(claim(&desk, 10, 10).await, []);
    desk.now = soon;
    assert_eq!(requests(&claim(&desk, 10, 10).await), [claimed[1].request]);
    assert_eq!(next_at(&desk, 1).await, Some(later));
}

async fn deliveries_of_a_receiver_leave_in_the_order_in_which_they_are_due(mut desk: Desk) {
    let reported = report(&desk, &[ONE, ONE, ONE]).await;
    let claimed = claim(&desk, 10, 10).await;
    assert_eq!(requests(&claimed), reported);
    for (delivery, seconds) in claimed.iter().zip([300, 100, 200]) {
        let next = desk.now.after(Duration::from_secs(seconds));
        finish(&desk, delivery, DeliveryState::Pending, next).await;
    }
    desk.now = desk.now.after(Duration::from_secs(300));
    let mut order = Vec::new();
    for _ in 0..3 {
        order.extend(requests(&claim(&desk, 1, 10).await));
    }
    assert_eq!(order, [reported[1], reported[2], reported[0]]);
}

async fn a_small_claim_goes_round_all_receivers(desk: Desk) {
    let three = "https://three.example:443";
    report(&desk, &[ONE, ONE, ONE, TWO, TWO, TWO, three, three, three]).await;
    let mut served = Vec::new();
    for _ in 0..6 {
        for delivery in claim(&desk, 1, 2).await {
            finish(&desk, &delivery, DeliveryState::Pending, desk.now).await;
            served.push(delivery.receiver);
        }
    }
    for receiver in [ONE, TWO, three] {
        assert_eq!(served.iter().filter(|one| *one == receiver).count(), 2, "{served:?}");
    }
}

async fn a_receiver_of_several_lists_gets_what_is_due_first_and_no_more_than_its_bound(mut desk: Desk) {
    let mut lists = vec![desk.list];
    for _ in 0..2 {
        let id = desk.ids.next(desk.now);
        desk.storage()
            .add_list(desk.account.no, id, NewList::named("Other"), desk.now)
            .await
            .expect("a list");
        lists.push(desk.storage().find_list(id).await.expect("a look").expect("the list").no);
    }
    let mut reported = Vec::new();
    for _ in 0..2 {
        // The lists that were made last come first.
        for list in lists.iter().rev() {
            reported.push(desk.append(Batch { list: *list, ..desk.reported(ONE, &[("a", &[])]) }).await);
            desk.apply_all().await;
            desk.now = desk.now.after(Duration::from_secs(1));
        }
    }
    reported.extend(report(&desk, &[TWO]).await);
    let claimed = claim(&desk, 10, 2).await;
    assert_eq!(requests(&claimed), [reported[0], reported[1], reported[6]]);
    assert_eq!(claim(&desk, 10, 2).await, []);
    finish(&desk, &claimed[1], DeliveryState::Delivered, desk.now).await;
    assert_eq!(requests(&claim(&desk, 10, 2).await), [reported[2]], "in whichever list there is room");
    let rest = claim(&desk, 10, 10).await;
    assert_eq!(requests(&rest), reported[3..6]);
    assert_eq!(next_at(&desk, 10).await, None);
}

async fn a_request_tells_how_its_webhook_fares(mut desk: Desk) {
    let request = desk.append(desk.reported(ONE, &[("a", &[])])).await;
    let status = async |desk: &Desk| desk.find(request).await.expect("the request").delivery;
    let expect = |state, attempts, next_at, last| Some(DeliveryStatus { state, attempts, next_at, last });
    assert_eq!(status(&desk).await, expect(DeliveryState::Pending, 0, None, None));
    desk.apply_all().await;
    assert_eq!(status(&desk).await, expect(DeliveryState::Pending, 0, Some(desk.now), None));
    let start = desk.now;
    let later = desk.now.after(Duration::from_secs(100));
    let claimed = claim(&desk, 1, 1).await;
    finish(&desk, &claimed[0], DeliveryState::Pending, later).await;
    desk.reopen();
    let last = Some((start, DeliveryEnd::Status(503)));
    assert_eq!(status(&desk).await, expect(DeliveryState::Pending, 1, Some(later), last));
    desk.now = later;
    let claimed = claim(&desk, 1, 1).await;
    finish(&desk, &claimed[0], DeliveryState::Failed, desk.now).await;
    desk.reopen();
    let last = Some((later, DeliveryEnd::Status(503)));
    assert_eq!(status(&desk).await, expect(DeliveryState::Failed, 2, None, last));
    let silent = desk.update(&[("a", &[])]).await;
    assert_eq!(desk.find(silent).await.expect("the request").delivery, None);
}

async fn what_was_not_tried_is_no_attempt(desk: Desk) {
    let request = report(&desk, &[ONE]).await[0];
    let claimed = claim(&desk, 1, 1).await;
    let attempt = desk.attempt(&claimed[0], None, DeliveryState::Pending, desk.now);
    desk.storage().finish_deliveries(vec![attempt]).await.expect("written down");
    let told = desk.find(request).await.expect("the request").delivery.expect("a webhook");
    assert_eq!((told.attempts, told.last), (0, None));
}

async fn a_webhook_is_sent_again_for_its_own_account_only(desk: Desk) {
    let request = report(&desk, &[ONE]).await[0];
    let claimed = claim(&desk, 1, 1).await;
    finish(&desk, &claimed[0], DeliveryState::Failed, desk.now).await;
    let other = super::add_account(desk.storage(), &desk.ids, desk.now).await;
    let resend = async |account| desk.storage().resend(account, request, desk.now).await.expect("a look");
    assert!(!resend(Some(other.no)).await);
    assert_eq!(claim(&desk, 1, 1).await, []);
    assert!(resend(Some(desk.account.no)).await);
    let told = desk.find(request).await.expect("the request").delivery.expect("a webhook");
    assert_eq!((told.state, told.attempts), (DeliveryState::Pending, 0));
    assert_eq!(told.last, Some((desk.now, DeliveryEnd::Status(503))), "why it had failed is still known");
    assert_eq!(claim(&desk, 1, 1).await.len(), 1);
}

/// Whatever the attempt comes to that was out, and whichever attempt it was.
async fn a_webhook_that_is_sent_again_while_it_is_out_is_sent_again(desk: Desk) {
    let status = async |request| desk.find(request).await.expect("the request").delivery.expect("a webhook");
    for (tried_before, outcome) in [
        (false, DeliveryState::Delivered),
        (false, DeliveryState::Failed),
        (false, DeliveryState::Pending),
        (true, DeliveryState::Delivered),
        (true, DeliveryState::Pending),
    ] {
        let request = report(&desk, &[ONE]).await[0];
        if tried_before {
            finish(&desk, &claim(&desk, 1, 1).await[0], DeliveryState::Pending, desk.now).await;
        }
        let out = claim(&desk, 1, 1).await;
        assert!(desk.storage().resend(None, request, desk.now).await.expect("written"));
        assert_eq!(claim(&desk, 1, 1).await, [], "one attempt at a time");
        let later = desk.now.after(Duration::from_secs(100));
        finish(&desk, &out[0], outcome, later).await;
        let told = status(request).await;
        assert_eq!((told.state, told.attempts, told.next_at), (DeliveryState::Pending, 0, Some(desk.now)));
        assert!(told.last.is_some(), "what the attempt came to is known");
        assert_eq!(next_at(&desk, 1).await, Some(desk.now));

        let again = claim(&desk, 1, 1).await;
        assert_eq!((requests(&again), again[0].attempts), (vec![request], 0), "{outcome:?}");
        finish(&desk, &again[0], DeliveryState::Delivered, desk.now).await;
        let told = status(request).await;
        assert_eq!((told.state, told.attempts), (DeliveryState::Delivered, 1));
        assert_eq!(claim(&desk, 1, 1).await, []);
    }
}

async fn a_delivery_that_nobody_knows_is_finished_quietly(desk: Desk) {
    let unknown = Delivery {
        place: Place { list: desk.list, position: 77 },
        request: desk.ids.next(desk.now),
        account: desk.account.no,
        uri: format!("{ONE}/hook"),
        receiver: ONE.to_owned(),
        attempts: 0,
        generation: 0,
    };
    let attempt = desk.attempt(&unknown, Some(DeliveryEnd::Delivered), DeliveryState::Delivered, desk.now);
    desk.storage().finish_deliveries(vec![attempt]).await.expect("nothing to write");
    desk.storage().finish_deliveries(Vec::new()).await.expect("nothing to write");
    assert_eq!(report(&desk, &[ONE]).await, requests(&claim(&desk, 10, 1).await));
}

async fn positions_never_repeat_even_when_nothing_waits(mut desk: Desk) {
    let mut positions = Vec::new();
    for _ in 0..4 {
        report(&desk, &[ONE]).await;
        let claimed = claim(&desk, 10, 10).await;
        positions.push(claimed[0].place.position);
        finish(&desk, &claimed[0], DeliveryState::Delivered, desk.now).await;
        // Nothing of the batch is left anywhere.
        desk.now = desk.now.after(Duration::from_secs(1));
        while desk.storage().prune(keep_since(desk.now)).await.expect("pruned") > 0 {}
        desk.reopen();
    }
    assert!(positions.is_sorted_by(|one, next| one < next), "{positions:?}");
}
