//! Account webhooks: what they are, how far they have come, and by whom they are worked.

use std::time::{Duration, Instant};

use domain::clock::Timestamp;
use domain::journal::{AccountNo, WebHook};
use storage::{
    AccountWebhook, AttemptFilter, DeliveryEnd, LoggedAttempt, Role, WebhookConfig, WebhookCounts,
    WebhookKey, WebhookNo, WebhookProgress, WebhookReport, Window,
};

use super::{Backend, Desk, Postgres, add_account, keep_since, on_every_backend};
use crate::harness::PATIENCE;

on_every_backend! {
    a_webhook_is_found_as_it_was_made_and_removed,
    an_account_has_as_many_webhooks_as_it_may,
    a_report_is_stored_with_its_attempts_while_the_claim_holds,
    a_paused_webhook_is_claimed_again_once_it_is_resumed,
    webhooks_of_disabled_and_removed_accounts_are_not_worked,
}

const RECEIVER: &str = "https://one.example:443";

fn webhook(desk: &Desk, account: AccountNo, no: i64) -> AccountWebhook {
    AccountWebhook {
        key: WebhookKey { account, no: WebhookNo(no) },
        config: WebhookConfig {
            title: "CRM".to_owned(),
            to: WebHook { uri: format!("{RECEIVER}/events"), receiver: RECEIVER.to_owned() },
            events: vec!["contact.created".to_owned(), "subscribed".to_owned()],
            domain: Some("example.com".to_owned()),
            parallel: no % 2 == 0,
            batch: 100,
        },
        created_at: desk.now,
        progress: WebhookProgress {
            cursor: vec![1, 2, 3],
            segments: Some(7),
            attempts: 0,
            next_at: desk.now,
            failing_since: None,
            paused: None,
            skipped_at: None,
        },
        lease: 0,
    }
}

async fn add(desk: &Desk, webhook: &AccountWebhook) -> bool {
    desk.storage().add_webhook(webhook.clone(), 3).await.expect("written")
}

async fn all(desk: &Desk) -> Vec<AccountWebhook> {
    desk.storage().account_webhooks(desk.account.no).await.expect("a look")
}

/// What is claimed, once there is something: a claim of a process that is gone is free when its lease is over.
async fn claim(desk: &Desk) -> Vec<AccountWebhook> {
    let start = Instant::now();
    loop {
        let claimed = desk.storage().claim_webhooks().await.expect("a claim");
        if !claimed.is_empty() {
            return claimed;
        }
        assert!(start.elapsed() < PATIENCE, "a claim");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn attempt(desk: &Desk) -> LoggedAttempt {
    LoggedAttempt {
        id: desk.ids.next(desk.now),
        webhook: Some(WebhookNo(1)),
        request: None,
        uri: format!("{RECEIVER}/events"),
        receiver: RECEIVER.to_owned(),
        number: 2,
        events: 7,
        at: desk.now,
        took: Duration::from_millis(5),
        end: DeliveryEnd::Status(500),
        status: Some(500),
        answer: Some("no".to_owned()),
    }
}

async fn a_webhook_is_found_as_it_was_made_and_removed(mut desk: Desk) {
    let (one, two) = (webhook(&desk, desk.account.no, 1), webhook(&desk, desk.account.no, 2));
    assert!(add(&desk, &one).await && add(&desk, &two).await);
    assert!(!add(&desk, &one).await, "a number is given once");
    desk.reopen();
    assert_eq!(all(&desk).await, [one.clone(), two.clone()]);
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    let foreign = WebhookKey { account: other.no, ..one.key };
    assert!(!desk.storage().remove_webhook(foreign).await.expect("a look"));
    assert!(desk.storage().remove_webhook(one.key).await.expect("written"));
    assert!(!desk.storage().remove_webhook(one.key).await.expect("a look"));
    assert_eq!(all(&desk).await, [two]);
}

async fn an_account_has_as_many_webhooks_as_it_may(desk: Desk) {
    for (no, added) in [(1, true), (2, true), (3, true), (4, false)] {
        assert_eq!(add(&desk, &webhook(&desk, desk.account.no, no)).await, added);
    }
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    assert!(add(&desk, &webhook(&desk, other.no, 1)).await);
}

async fn a_report_is_stored_with_its_attempts_while_the_claim_holds(mut desk: Desk) {
    add(&desk, &webhook(&desk, desk.account.no, 1)).await;
    let claimed = claim(&desk).await.remove(0);
    let progress = WebhookProgress {
        segments: Some(9),
        cursor: vec![9],
        attempts: 2,
        next_at: desk.now.after(Duration::from_secs(100)),
        failing_since: Some(desk.now),
        paused: None,
        skipped_at: Some(desk.now),
    };
    let report =
        |lease, attempts| WebhookReport { key: claimed.key, lease, progress: progress.clone(), attempts };
    let send = async |desk: &Desk, report| desk.storage().report_webhook(report).await.expect("an answer");
    assert!(!send(&desk, report(claimed.lease + 1, vec![attempt(&desk)])).await);
    assert_eq!(all(&desk).await[0].progress, claimed.progress);
    let logged = attempt(&desk);
    assert!(send(&desk, report(claimed.lease, vec![logged.clone()])).await);
    desk.reopen();
    assert_eq!(all(&desk).await[0].progress, progress);
    let counts = desk.storage().count_webhooks().await.expect("a count");
    assert_eq!(counts, WebhookCounts { failing: 1, ..WebhookCounts::default() });
    let window = Window { offset: 0, limit: 10 };
    let log = desk.storage().attempts(desk.account.no, AttemptFilter::default(), window).await;
    assert_eq!(log.expect("a look").rows, [logged]);
    desk.storage().remove_webhook(claimed.key).await.expect("written");
    assert!(!send(&desk, report(claimed.lease, vec![])).await, "it is gone");
}

async fn a_paused_webhook_is_claimed_again_once_it_is_resumed(desk: Desk) {
    add(&desk, &webhook(&desk, desk.account.no, 1)).await;
    let claimed = claim(&desk).await.remove(0);
    let paused = Some((desk.now, DeliveryEnd::Status(410)));
    let progress =
        WebhookProgress { attempts: 3, failing_since: Some(desk.now), paused, ..claimed.progress.clone() };
    let report = WebhookReport { key: claimed.key, lease: claimed.lease, progress, attempts: vec![] };
    assert!(desk.storage().report_webhook(report.clone()).await.expect("written"));
    assert_eq!(desk.storage().claim_webhooks().await.expect("a claim"), []);
    assert_eq!(all(&desk).await[0].progress.paused, paused);
    add(&desk, &webhook(&desk, desk.account.no, 2)).await;
    let counts = async |desk: &Desk| desk.storage().count_webhooks().await.expect("a count");
    assert_eq!(counts(&desk).await, WebhookCounts { active: 1, failing: 0, paused: 1 });
    desk.storage().remove_webhook(webhook(&desk, desk.account.no, 2).key).await.expect("written");
    let later = desk.now.after(Duration::from_secs(60));
    assert!(desk.storage().resume_webhook(claimed.key, later).await.expect("written"));
    let again = claim(&desk).await.remove(0);
    let expected = WebhookProgress { next_at: later, ..claimed.progress };
    assert_eq!(again.progress, expected, "from where it stopped");
    assert!(!desk.storage().report_webhook(report).await.expect("an answer"), "the claim of before is over");
    let unknown = WebhookKey { no: WebhookNo(9), ..claimed.key };
    assert!(!desk.storage().resume_webhook(unknown, later).await.expect("a look"));
}

async fn webhooks_of_disabled_and_removed_accounts_are_not_worked(desk: Desk) {
    add(&desk, &webhook(&desk, desk.account.no, 1)).await;
    desk.storage().set_account_enabled(desk.account.id, false).await.expect("written");
    assert_eq!(desk.storage().claim_webhooks().await.expect("a claim"), []);
    desk.storage().set_account_enabled(desk.account.id, true).await.expect("written");
    assert_eq!(claim(&desk).await.len(), 1);
    desk.storage().remove_account(desk.account.id).await.expect("written");
    assert_eq!(desk.storage().claim_webhooks().await.expect("a claim"), []);
    while desk.storage().prune(keep_since(Timestamp::from_millis(0))).await.expect("pruned") > 0 {}
    assert_eq!(all(&desk).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_one_works_a_webhook_until_it_is_gone() {
    let backend = Postgres::new();
    let mut desk = Desk::new(Box::new(backend.clone())).await;
    add(&desk, &webhook(&desk, desk.account.no, 1)).await;
    let first = claim(&desk).await.remove(0);
    let second = backend.open(Role::Server);
    assert_eq!(second.claim_webhooks().await.expect("a claim"), []);
    desk.close();
    let start = Instant::now();
    let claimed = loop {
        let mut claimed = second.claim_webhooks().await.expect("a claim");
        if let Some(claimed) = claimed.pop() {
            break claimed;
        }
        assert!(start.elapsed() < PATIENCE, "the claim of a node that is gone is free");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!((claimed.key, claimed.progress), (first.key, first.progress));
    assert!(claimed.lease > first.lease);
}
