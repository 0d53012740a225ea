//! The delivery log: every attempt once, found by what it was about, kept for a time and in number, and without answers
//! after an erase.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::Timestamp;
use domain::contact::identifier::IdentifierKind;
use domain::id::ObjectId;
use storage::{
    Attempt, AttemptFilter, Delivery, DeliveryEnd, DeliveryState, EndpointHealth, LoggedAttempt,
    MAX_ATTEMPTS, NewAttempt, Page, Response, WebhookNo, Window,
};

use super::{Desk, add_account, keep_since, on_every_backend};

on_every_backend! {
    an_attempt_is_logged_with_the_outcome_that_ends_it,
    an_attempt_that_is_written_down_again_is_logged_once,
    attempts_are_found_by_what_they_were_about,
    the_health_of_an_endpoint_counts_its_attempts,
    old_attempts_are_forgotten,
    of_an_account_the_last_attempts_are_kept,
    an_erase_deletes_the_answers_of_the_account,
    the_answer_of_an_attempt_that_was_out_during_an_erase_is_not_stored,
    webhooks_that_were_given_up_are_sent_again_once,
}

const ONE: &str = "https://one.example:443";
const TWO: &str = "https://two.example:443";
const ALL: Window = Window { offset: 0, limit: 100 };

async fn out(desk: &Desk, receivers: &[&str]) -> Vec<Delivery> {
    for receiver in receivers {
        desk.append(desk.reported(receiver, &[("a", &[])])).await;
    }
    desk.apply_all().await;
    desk.storage().claim_deliveries(desk.now, 100, 100).await.expect("a claim")
}

fn answered(desk: &Desk, delivery: &Delivery, status: u16, body: &str) -> Attempt {
    let state = if status < 300 { DeliveryState::Delivered } else { DeliveryState::Failed };
    let attempt = desk.attempt(delivery, None, state, desk.now);
    Attempt { response: Some(Response::of(status, body.as_bytes())), ..attempt }
}

async fn finish(desk: &Desk, attempts: Vec<Attempt>) {
    desk.storage().finish_deliveries(attempts).await.expect("written down");
}

async fn found(desk: &Desk, filter: AttemptFilter) -> Page<LoggedAttempt> {
    desk.storage().attempts(desk.account.no, filter, ALL).await.expect("a look")
}

async fn logged(desk: &Desk) -> Vec<LoggedAttempt> {
    found(desk, AttemptFilter::default()).await.rows
}

/// An attempt of an account webhook.
fn of_webhook(desk: &Desk, webhook: i64, receiver: &str, end: DeliveryEnd) -> LoggedAttempt {
    LoggedAttempt {
        id: desk.ids.next(desk.now),
        webhook: Some(WebhookNo(webhook)),
        request: None,
        uri: format!("{receiver}/events"),
        receiver: receiver.to_owned(),
        number: 1,
        events: 100,
        at: desk.now,
        took: Duration::from_millis(3),
        end,
        status: None,
        answer: Some("what it said".to_owned()),
    }
}

async fn log(desk: &Desk, attempt: LoggedAttempt) {
    let new = NewAttempt { account: desk.account.no, attempt };
    desk.storage().log_attempt(new).await.expect("written down");
}

async fn an_attempt_is_logged_with_the_outcome_that_ends_it(mut desk: Desk) {
    let delivery = &out(&desk, &[ONE]).await[0];
    let first = answered(&desk, delivery, 503, "away");
    let first = Attempt { state: DeliveryState::Pending, ..first };
    finish(&desk, vec![first.clone()]).await;
    desk.now = desk.now.after(Duration::from_secs(1));
    let again = &desk.storage().claim_deliveries(desk.now, 1, 1).await.expect("a claim")[0];
    let second = answered(&desk, again, 204, "");
    finish(&desk, vec![second.clone()]).await;
    desk.reopen();
    let expected = |attempt: &Attempt, number, answer: &str| {
        let response = attempt.response.clone().expect("a response");
        LoggedAttempt {
            id: attempt.id,
            webhook: None,
            request: Some(delivery.request),
            uri: format!("{ONE}/hook"),
            receiver: ONE.to_owned(),
            number,
            events: 1,
            at: attempt.at,
            took: attempt.took,
            end: response.end,
            status: response.status,
            answer: Some(answer.to_owned()),
        }
    };
    let expected = vec![expected(&second, 2, ""), expected(&first, 1, "away")];
    assert_eq!(found(&desk, AttemptFilter::default()).await, Page { rows: expected, total: 2 });
}

async fn an_attempt_that_is_written_down_again_is_logged_once(desk: Desk) {
    let delivery = &out(&desk, &[ONE]).await[0];
    let attempt = answered(&desk, delivery, 200, "ok");
    for _ in 0..2 {
        finish(&desk, vec![attempt.clone()]).await;
    }
    finish(&desk, vec![desk.attempt(delivery, None, DeliveryState::Pending, desk.now)]).await;
    assert_eq!(logged(&desk).await.len(), 1);
}

async fn attempts_are_found_by_what_they_were_about(desk: Desk) {
    let deliveries = out(&desk, &[ONE, TWO, TWO]).await;
    for (delivery, status) in deliveries.iter().zip([200, 500, 410]) {
        finish(&desk, vec![answered(&desk, delivery, status, "")]).await;
    }
    log(&desk, of_webhook(&desk, 7, ONE, DeliveryEnd::TimedOut)).await;
    let ids: Vec<ObjectId> = logged(&desk).await.iter().map(|attempt| attempt.id).collect();
    assert_eq!(ids.len(), 4);
    let any = AttemptFilter::default;
    for (filter, expected) in [
        (AttemptFilter { failed: Some(true), ..any() }, vec![0, 1, 2]),
        (AttemptFilter { failed: Some(false), ..any() }, vec![3]),
        (AttemptFilter { webhook: Some(WebhookNo(7)), ..any() }, vec![0]),
        (AttemptFilter { webhook: Some(WebhookNo(8)), ..any() }, vec![]),
        (AttemptFilter { request: Some(deliveries[1].request), ..any() }, vec![2]),
        (AttemptFilter { receiver: Some(TWO.to_owned()), ..any() }, vec![1, 2]),
        (AttemptFilter { receiver: Some(TWO.to_owned()), failed: Some(false), ..any() }, vec![]),
        (AttemptFilter { id: Some(ids[1]), ..any() }, vec![1]),
    ] {
        let page = found(&desk, filter.clone()).await;
        let found: Vec<_> = page.rows.iter().map(|attempt| attempt.id).collect();
        assert_eq!(found, expected.iter().map(|place: &usize| ids[*place]).collect::<Vec<_>>(), "{filter:?}");
        assert_eq!(page.total, expected.len() as u64);
    }
    let window = Window { offset: 1, limit: 2 };
    let page = desk.storage().attempts(desk.account.no, any(), window).await.expect("a look");
    assert_eq!((page.rows.iter().map(|row| row.id).collect::<Vec<_>>(), page.total), (ids[1..3].to_vec(), 4));
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    let page = desk.storage().attempts(other.no, any(), ALL).await.expect("a look");
    assert_eq!(page, Page { rows: vec![], total: 0 });
}

async fn the_health_of_an_endpoint_counts_its_attempts(mut desk: Desk) {
    let start = desk.now;
    let deliveries = out(&desk, &[ONE, ONE, ONE, TWO]).await;
    for (delivery, status) in deliveries.iter().zip([500, 410, 200, 200]) {
        finish(&desk, vec![answered(&desk, delivery, status, "")]).await;
        desk.now = desk.now.after(Duration::from_secs(1));
    }
    log(&desk, of_webhook(&desk, 3, ONE, DeliveryEnd::Expired)).await;
    let at = |seconds| start.after(Duration::from_secs(seconds));
    let health =
        |webhook: Option<i64>, receiver: &str, [attempts, failed]: [u64; 2], last_at, last_failure| {
            EndpointHealth {
                webhook: webhook.map(WebhookNo),
                receiver: receiver.to_owned(),
                attempts,
                failed,
                last_at,
                last_failure,
            }
        };
    let expected = vec![
        health(Some(3), ONE, [1, 1], at(4), Some((at(4), DeliveryEnd::Expired))),
        health(None, TWO, [1, 0], at(3), None),
        health(None, ONE, [3, 2], at(2), Some((at(1), DeliveryEnd::Status(410)))),
    ];
    assert_eq!(desk.storage().endpoint_health(desk.account.no).await.expect("a look"), expected);
}

async fn prune(desk: &Desk, since: Timestamp) {
    while desk.storage().prune(keep_since(since)).await.expect("pruned") > 0 {}
}

async fn old_attempts_are_forgotten(mut desk: Desk) {
    let deliveries = out(&desk, &[ONE, ONE]).await;
    finish(&desk, vec![answered(&desk, &deliveries[0], 200, "")]).await;
    desk.now = desk.now.after(Duration::from_secs(1));
    let kept = answered(&desk, &deliveries[1], 200, "");
    finish(&desk, vec![kept.clone()]).await;
    prune(&desk, desk.now).await;
    assert_eq!(logged(&desk).await.iter().map(|attempt| attempt.id).collect::<Vec<_>>(), [kept.id]);
}

async fn of_an_account_the_last_attempts_are_kept(desk: Desk) {
    const EACH: usize = 500;
    const ROUNDS: usize = 25;
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    let few = of_webhook(&desk, 1, ONE, DeliveryEnd::Delivered);
    let new = NewAttempt { account: other.no, attempt: few.clone() };
    desk.storage().log_attempt(new).await.expect("written down");
    let batches = (0..EACH).map(|_| Arc::new(desk.reported(ONE, &[("a", &[])]))).collect();
    desk.storage().append(batches).await.expect("kept");
    desk.apply_all().await;
    let mut last = None;
    for _ in 0..ROUNDS {
        let deliveries = desk.storage().claim_deliveries(desk.now, EACH, EACH).await.expect("a claim");
        let again =
            |delivery| Attempt { state: DeliveryState::Pending, ..answered(&desk, delivery, 500, "") };
        let attempts: Vec<_> = deliveries.iter().map(again).collect();
        assert_eq!(attempts.len(), EACH);
        last = attempts.last().map(|attempt| attempt.id);
        finish(&desk, attempts).await;
    }
    let page = found(&desk, AttemptFilter::default()).await;
    let kept = u64::from(MAX_ATTEMPTS);
    assert!((kept..kept + EACH as u64).contains(&page.total), "{} of {}", page.total, EACH * ROUNDS);
    assert_eq!(page.rows.first().map(|attempt| attempt.id), last, "the newest stay");
    let kept = desk.storage().attempts(other.no, AttemptFilter::default(), ALL).await.expect("a look");
    assert_eq!(kept, Page { rows: vec![few], total: 1 }, "those of others stay");
}

async fn an_erase_deletes_the_answers_of_the_account(mut desk: Desk) {
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    let deliveries = out(&desk, &[ONE]).await;
    finish(&desk, vec![answered(&desk, &deliveries[0], 500, "user@example.com is unknown")]).await;
    let elsewhere = of_webhook(&desk, 1, ONE, DeliveryEnd::TimedOut);
    let new = NewAttempt { account: other.no, attempt: elsewhere.clone() };
    desk.storage().log_attempt(new).await.expect("written down");
    desk.now = desk.now.after(Duration::from_secs(3_600));
    desk.erase(IdentifierKind::Email, "user@example.com").await;
    assert_eq!(logged(&desk).await[0].answer, None);
    let kept = desk.storage().attempts(other.no, AttemptFilter::default(), ALL).await.expect("a look");
    assert_eq!(kept.rows, [elsewhere]);
    desk.now = desk.now.after(Duration::from_secs(3_600));
    let deliveries = out(&desk, &[ONE]).await;
    finish(&desk, vec![answered(&desk, &deliveries[0], 200, "fine")]).await;
    assert_eq!(logged(&desk).await[0].answer.as_deref(), Some("fine"), "what comes later is stored again");
}

async fn the_answer_of_an_attempt_that_was_out_during_an_erase_is_not_stored(mut desk: Desk) {
    let deliveries = out(&desk, &[ONE]).await;
    desk.erase(IdentifierKind::Email, "user@example.com").await;
    desk.now = desk.now.after(Duration::from_secs(1));
    let late = Attempt {
        took: Duration::from_millis(1_500),
        ..answered(&desk, &deliveries[0], 500, "user@example.com is unknown")
    };
    finish(&desk, vec![late]).await;
    let logged = logged(&desk).await;
    assert_eq!((logged[0].answer.as_deref(), logged[0].status), (None, Some(500)));
}

async fn webhooks_that_were_given_up_are_sent_again_once(mut desk: Desk) {
    let start = desk.now;
    let deliveries = out(&desk, &[ONE; 5]).await;
    for (delivery, status) in deliveries.iter().zip([500, 410, 200, 500, 500]) {
        finish(&desk, vec![answered(&desk, delivery, status, "")]).await;
        desk.now = desk.now.after(Duration::from_secs(1));
    }
    let resend = async |desk: &Desk, account, since, max| {
        desk.storage().resend_failed(account, since, desk.now, max).await.expect("written")
    };
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    assert_eq!(resend(&desk, other.no, start, 10).await, 0);
    let since = start.after(Duration::from_secs(1));
    assert_eq!(resend(&desk, desk.account.no, since, 2).await, 2);
    assert_eq!(resend(&desk, desk.account.no, since, 2).await, 1);
    assert_eq!(resend(&desk, desk.account.no, since, 2).await, 0);
    let again = desk.storage().claim_deliveries(desk.now, 10, 10).await.expect("a claim");
    let mut requests: Vec<_> = again.iter().map(|delivery| delivery.request).collect();
    requests.sort_unstable();
    let mut expected: Vec<_> = [1, 3, 4].map(|place: usize| deliveries[place].request).to_vec();
    expected.sort_unstable();
    assert_eq!(requests, expected);
    assert!(again.iter().all(|delivery| delivery.attempts == 0));
}
