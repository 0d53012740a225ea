//! Rejected requests are counted by the hour, and requests are found by their sender and their outcome.

use std::time::Duration;

use domain::clock::Timestamp;
use domain::contact::field::Field;
use domain::journal::{AccountNo, Batch, BatchKind};
use storage::{
    DeliveryEnd, DeliveryState, HOUR, JobRequests, Page, Rejection, RejectionFilter, RequestFilter, Window,
};

use super::{Desk, add_account, keep_since, on_every_backend};

on_every_backend! {
    rejections_of_one_hour_add_up,
    rejections_are_narrowed_and_those_of_others_are_not_seen,
    old_rejections_are_forgotten,
    requests_are_found_by_sender_kind_and_outcome_whether_they_wait_or_not,
    requests_of_a_job_are_told_together,
}

const ALL: Window = Window { offset: 0, limit: 100 };

fn rejection(hour: i64, token: &str, code: &str, count: u64) -> Rejection {
    Rejection {
        hour,
        token: token.to_owned(),
        method: "/v3/contacts/update".to_owned(),
        status: 400,
        code: code.to_owned(),
        count,
        last_at: Timestamp::from_millis(hour * HOUR + 5),
    }
}

async fn add(desk: &Desk, account: AccountNo, rejections: &[Rejection]) {
    let rows = rejections.iter().map(|rejection| (account, rejection.clone())).collect();
    desk.storage().add_rejections(rows).await.expect("written");
}

async fn found(desk: &Desk, filter: RejectionFilter, window: Window) -> Page<Rejection> {
    desk.storage().rejections(desk.account.no, filter, window).await.expect("a look")
}

async fn rejections_of_one_hour_add_up(mut desk: Desk) {
    let account = desk.account.no;
    add(&desk, account, &[rejection(10, "a", "INVALID_EMAIL", 2), rejection(11, "a", "INVALID_EMAIL", 1)])
        .await;
    let later = Rejection {
        last_at: Timestamp::from_millis(10 * HOUR + 9),
        ..rejection(10, "a", "INVALID_EMAIL", 3)
    };
    add(&desk, account, &[later]).await;
    add(&desk, account, &[rejection(10, "a", "INVALID_EMAIL", 1)]).await;
    desk.reopen();
    let first = Rejection {
        last_at: Timestamp::from_millis(10 * HOUR + 9),
        ..rejection(10, "a", "INVALID_EMAIL", 6)
    };
    let expected = Page { rows: vec![rejection(11, "a", "INVALID_EMAIL", 1), first], total: 2 };
    assert_eq!(found(&desk, RejectionFilter::default(), ALL).await, expected);
}

async fn rejections_are_narrowed_and_those_of_others_are_not_seen(desk: Desk) {
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    add(&desk, other.no, &[rejection(10, "z", "INVALID_EMAIL", 1)]).await;
    let rows = [
        rejection(12, "a", "BODY_TOO_LARGE", 9),
        rejection(12, "b", "INVALID_EMAIL", 7),
        rejection(11, "a", "INVALID_EMAIL", 5),
    ];
    add(&desk, desk.account.no, &rows).await;
    let any = RejectionFilter::default;
    for (filter, expected) in [
        (any(), vec![0, 1, 2]),
        (RejectionFilter { token: Some("a".to_owned()), ..any() }, vec![0, 2]),
        (RejectionFilter { code: Some("INVALID_EMAIL".to_owned()), ..any() }, vec![1, 2]),
        (RejectionFilter { since: Some(Timestamp::from_millis(12 * HOUR + 1)), ..any() }, vec![0, 1]),
        (RejectionFilter { code: Some("nonsense".to_owned()), ..any() }, vec![]),
    ] {
        let page = found(&desk, filter.clone(), ALL).await;
        let expected: Vec<_> = expected.iter().map(|place: &usize| rows[*place].clone()).collect();
        assert_eq!((page.total, page.rows), (expected.len() as u64, expected), "{filter:?}");
    }
    let page = found(&desk, any(), Window { offset: 1, limit: 1 }).await;
    assert_eq!(page, Page { rows: vec![rows[1].clone()], total: 3 });
}

async fn old_rejections_are_forgotten(desk: Desk) {
    let kept = rejection(12, "a", "INVALID_EMAIL", 1);
    add(&desk, desk.account.no, &[rejection(11, "a", "INVALID_EMAIL", 1), kept.clone()]).await;
    let since = Timestamp::from_millis(12 * HOUR + 1);
    while desk.storage().prune(keep_since(since)).await.expect("pruned") > 0 {}
    assert_eq!(found(&desk, RejectionFilter::default(), ALL).await.rows, [kept]);
}

async fn requests_are_found_by_sender_kind_and_outcome_whether_they_wait_or_not(mut desk: Desk) {
    let with =
        |desk: &Desk, token: &str, kind| Batch { token: token.to_owned(), kind, ..desk.batch(&[("a", &[])]) };
    let by_key = desk.append(with(&desk, "0123456789abcdef", BatchKind::Upsert)).await;
    let failing = [("a", &[][..]), ("b", &[(Field::UserId, "a")][..])];
    let failed = desk.append(desk.batch(&failing)).await;
    let by_job = desk.append(with(&desk, "job:1", BatchKind::Upsert)).await;
    let given_up = desk.append(desk.reported("https://one.example:443", &[("a", &[])])).await;
    desk.apply_all().await;
    let claimed = desk.storage().claim_deliveries(desk.now, 1, 1).await.expect("a claim");
    let attempt = desk.attempt(&claimed[0], Some(DeliveryEnd::Status(410)), DeliveryState::Failed, desk.now);
    desk.storage().finish_deliveries(vec![attempt]).await.expect("written down");
    desk.now = desk.now.after(Duration::from_secs(1));
    let waits = desk.append(with(&desk, "user:1", BatchKind::Add)).await;
    let token = |token: &str| Some(token.to_owned());
    for (filter, expected) in [
        (RequestFilter::default(), vec![waits, given_up, by_job, failed, by_key]),
        (RequestFilter { token: token("0123456789abcdef"), ..RequestFilter::default() }, vec![by_key]),
        (RequestFilter { token: token("user:1"), ..RequestFilter::default() }, vec![waits]),
        (RequestFilter { kinds: Some(vec![BatchKind::Add]), ..RequestFilter::default() }, vec![waits]),
        (RequestFilter { with_errors: true, ..RequestFilter::default() }, vec![failed]),
        (RequestFilter { webhook_failed: true, ..RequestFilter::default() }, vec![given_up]),
        (RequestFilter { no_jobs: true, ..RequestFilter::default() }, vec![waits, given_up, failed, by_key]),
    ] {
        let page = desk.storage().list_requests(desk.account.no, filter.clone(), ALL).await.expect("a look");
        let found: Vec<_> = page.rows.iter().map(|request| request.id).collect();
        assert_eq!((page.total, found), (expected.len() as u64, expected), "{filter:?}");
    }
    let page =
        desk.storage().list_requests(desk.account.no, RequestFilter::default(), ALL).await.expect("a look");
    let own = desk.account.key.as_str();
    let tokens: Vec<_> = page.rows.iter().map(|request| request.token.as_str()).collect();
    assert_eq!(tokens, ["user:1", own, "job:1", own, "0123456789abcdef"]);
}

async fn requests_of_a_job_are_told_together(mut desk: Desk) {
    let start = desk.now;
    let of = |desk: &Desk, token: &str| Batch {
        token: token.to_owned(),
        ..desk.batch(&[("a", &[]), ("b", &[(Field::UserId, "a")])])
    };
    for token in ["job:1", "job:2", "job:1", "user:1"] {
        desk.append(of(&desk, token)).await;
        desk.now = desk.now.after(Duration::from_secs(1));
    }
    desk.apply_all().await;
    let at = |seconds| start.after(Duration::from_secs(seconds));
    let job = |token: &str, requests, failed, first, last| JobRequests {
        token: token.to_owned(),
        requests,
        failed,
        accepted: (at(first), at(last)),
    };
    let expected = [job("job:1", 2, 2, 0, 2), job("job:2", 1, 1, 1, 1)];
    let jobs = async |max| desk.storage().job_requests(desk.account.no, max).await.expect("a look");
    assert_eq!(jobs(10).await, expected);
    assert_eq!(jobs(1).await, expected[..1]);
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    assert_eq!(desk.storage().job_requests(other.no, 10).await.expect("a look"), []);
}
