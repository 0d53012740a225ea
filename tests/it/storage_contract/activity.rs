//! What was done, by the minute: what charts are made of.

use std::time::Duration;

use domain::clock::Timestamp;
use domain::contact::field::Field;
use domain::journal::{Batch, BatchKind};
use storage::{Activities, Activity, ActivityWindow, DeliveryEnd, DeliveryState};

use super::{Desk, add_account, keep_since, on_every_backend};

on_every_backend! {
    what_is_applied_is_counted_in_its_minute_and_what_is_accepted_in_its_own,
    stretches_are_as_wide_as_is_asked_for,
    each_account_has_its_own,
    attempts_of_webhooks_are_counted,
    what_is_old_is_forgotten,
}

const MINUTE: Duration = Duration::from_secs(60);

async fn told(desk: &Desk, since: Timestamp, minutes: u32) -> Activities {
    let window = ActivityWindow { since, minutes };
    desk.storage().activity(desk.account.no, window).await.expect("a look")
}

/// The beginning of the minute of a time.
fn minute(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.millis() / 60_000 * 60_000)
}

async fn what_is_applied_is_counted_in_its_minute_and_what_is_accepted_in_its_own(mut desk: Desk) {
    let start = minute(desk.now);
    desk.now = start.after(Duration::from_secs(59));
    desk.append(desk.batch(&[("a", &[]), ("b", &[])])).await;
    desk.append(desk.batch(&[("a", &[(Field::Name, "x")]), ("b", &[])])).await;
    let waits = Activity { accepted: 2, ..Activity::default() };
    assert_eq!(told(&desk, start, 1).await, Activities { spans: vec![(start, waits)], waiting: 2 });

    desk.now = start.after(2 * MINUTE);
    let update = desk.batch(&[("nobody", &[(Field::Name, "x")])]);
    desk.append(Batch { kind: BatchKind::Update, ..update }).await;
    let remove = desk.batch(&[("b", &[])]);
    desk.append(Batch { kind: BatchKind::Remove, ..remove }).await;
    assert_eq!(desk.apply(3).await.batches, 3);
    let done = Activity {
        created: 2,
        updated: 1,
        unchanged: 1,
        failed: 1,
        applied: 3,
        accepted: 2,
        ..Activity::default()
    };
    let second = start.after(2 * MINUTE);
    let expected = Activities { spans: vec![(start, waits), (second, done)], waiting: 1 };
    assert_eq!(told(&desk, start, 1).await, expected);
    desk.reopen();
    assert_eq!(told(&desk, start, 1).await, expected, "it outlives those who counted");

    desk.apply_all().await;
    let done = Activity { removed: 1, applied: 4, ..done };
    let expected = Activities { spans: vec![(start, waits), (second, done)], waiting: 0 };
    assert_eq!(told(&desk, start, 1).await, expected);
    assert_eq!(told(&desk, start.after(MINUTE), 1).await.spans, [(second, done)]);
    assert_eq!(told(&desk, start.after(3 * MINUTE), 1).await, Activities::default());
}

async fn stretches_are_as_wide_as_is_asked_for(mut desk: Desk) {
    let hour = Timestamp::from_millis(desk.now.millis() / 3_600_000 * 3_600_000);
    for minutes in [0, 9, 10, 59, 60] {
        desk.now = hour.after(minutes * MINUTE);
        desk.update(&[("a", &[])]).await;
    }
    let spans = async |minutes| {
        let told = told(&desk, hour.after(MINUTE), minutes).await;
        let span = |(begins, activity): &(Timestamp, Activity)| (begins.since(hour), activity.applied);
        told.spans.iter().map(span).collect::<Vec<_>>()
    };
    assert_eq!(spans(1).await, [(9 * MINUTE, 1), (10 * MINUTE, 1), (59 * MINUTE, 1), (60 * MINUTE, 1)]);
    assert_eq!(spans(10).await, [(Duration::ZERO, 2), (10 * MINUTE, 1), (50 * MINUTE, 1), (60 * MINUTE, 1)]);
    assert_eq!(spans(60).await, [(Duration::ZERO, 4), (60 * MINUTE, 1)]);
}

async fn each_account_has_its_own(desk: Desk) {
    desk.update(&[("a", &[])]).await;
    desk.append(desk.batch(&[("a", &[])])).await;
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    let window = ActivityWindow { since: Timestamp::from_millis(0), minutes: 1 };
    let told = desk.storage().activity(other.no, window).await.expect("a look");
    assert_eq!(told, Activities::default());
}

async fn attempts_of_webhooks_are_counted(mut desk: Desk) {
    for _ in 0..3 {
        desk.append(desk.reported("https://one.example:443", &[("a", &[])])).await;
    }
    desk.apply_all().await;
    desk.now = minute(desk.now).after(MINUTE);
    let claimed = desk.storage().claim_deliveries(desk.now, 10, 10).await.expect("a claim");
    let ends = [Some(DeliveryEnd::Delivered), Some(DeliveryEnd::TimedOut), None];
    let attempts = claimed
        .iter()
        .zip(ends)
        .map(|(delivery, end)| desk.attempt(delivery, end, DeliveryState::Pending, desk.now));
    desk.storage().finish_deliveries(attempts.collect()).await.expect("written down");
    let told = told(&desk, desk.now, 1).await;
    let expected = Activity { delivered: 1, undelivered: 1, ..Activity::default() };
    assert_eq!(told.spans, [(desk.now, expected)]);
}

async fn what_is_old_is_forgotten(mut desk: Desk) {
    let start = minute(desk.now);
    desk.now = start.after(Duration::from_secs(30));
    desk.update(&[("a", &[])]).await;
    desk.now = start.after(MINUTE);
    desk.update(&[("a", &[])]).await;
    let minutes = async |desk: &Desk| told(desk, Timestamp::from_millis(0), 1).await.spans.len();
    let prune = async |desk: &Desk, since| {
        while desk.storage().prune(keep_since(since)).await.expect("pruned") > 0 {}
    };
    prune(&desk, start.after(Duration::from_secs(59))).await;
    assert_eq!(minutes(&desk).await, 2, "a minute stays while a request of it may be there");
    prune(&desk, start.after(MINUTE)).await;
    assert_eq!(minutes(&desk).await, 1);
}
