//! Addresses that must not be written to: found in any spelling, expired in time, without the address after an erasure.

use std::time::Duration;

use domain::clock::Timestamp;
use domain::contact::field::Field::Email;
use domain::contact::identifier::IdentifierKind;
use domain::contact::suppression::{Channel, Reason};
use storage::{
    AddError, AddedSuppressions, Address, NewSuppression, Page, RetentionPolicy, Role, Suppression,
    SuppressionFilter, SuppressionPlace, Window,
};

use super::{Desk, add_account, keep_since, on_every_backend};

on_every_backend! {
    a_suppressed_address_is_found_in_any_spelling,
    an_address_has_one_suppression_for_each_reason,
    a_suppression_that_has_expired_is_absent_and_can_be_added_again,
    additions_are_read_in_their_order_by_whole_changes,
    pages_come_newest_first_and_a_scan_oldest_first,
    an_account_has_a_limit_and_accounts_share_nothing,
    an_erased_person_stays_suppressed_without_the_address,
    an_address_that_was_handed_on_stays_readable,
    suppressions_of_a_removed_account_go,
    an_address_that_another_process_suppresses_is_found_at_once,
}

const MAX: u64 = 1_000;

fn new(address: &str, reason: Reason, now: Timestamp) -> NewSuppression {
    let raw_log = (reason == Reason::Hard).then(|| "550 5.1.1".to_owned());
    NewSuppression { address: address.to_owned(), reason, raw_log, created_at: now, expires_at: None }
}

fn email(text: &str) -> Address {
    Address { channel: Channel::Email, text: text.to_owned() }
}

fn phone(text: &str) -> Address {
    Address { channel: Channel::Phone, text: text.to_owned() }
}

fn of(address: Address) -> SuppressionFilter {
    SuppressionFilter { address: Some(address), ..SuppressionFilter::default() }
}

const ALL: Window = Window { offset: 0, limit: 100 };

impl Desk {
    async fn suppress(&self, new: Vec<NewSuppression>) -> usize {
        self.storage().add_suppressions(self.account.no, new, MAX, self.now).await.expect("it is added")
    }

    async fn suppressions(&self, filter: SuppressionFilter, window: Window) -> Page<Suppression> {
        self.storage().find_suppressions(self.account.no, filter, window, self.now).await.expect("a look")
    }

    /// The reasons for which an address is suppressed, by both ways to look.
    async fn reasons(&self, address: Address) -> Vec<Reason> {
        let asked = vec![email("nobody@example.com"), address.clone()];
        let found = self.storage().suppressions_of(self.account.no, asked, self.now).await.expect("a look");
        let found: Vec<_> = found.into_iter().map(|(place, found)| (place, found.reason)).collect();
        assert!(found.iter().all(|(place, _)| *place == 1), "{found:?}");
        let found: Vec<_> = found.into_iter().map(|(_, reason)| reason).collect();
        let mut listed: Vec<_> =
            self.suppressions(of(address), ALL).await.rows.iter().map(|row| row.reason).collect();
        listed.sort_unstable();
        assert_eq!(found, listed);
        found
    }

    async fn scan(&self, after: Option<SuppressionPlace>, limit: u32) -> Vec<Suppression> {
        let all = SuppressionFilter::default();
        self.storage().scan_suppressions(self.account.no, all, after, limit, self.now).await.expect("a look")
    }

    async fn unsuppress(&self, address: Address, reason: Option<Reason>) -> usize {
        let removed = self.storage().remove_suppressions(self.account.no, address, reason, self.now);
        removed.await.expect("it is removed")
    }

    async fn prune_all(&self) {
        let keep = RetentionPolicy { ended: self.now, ..keep_since(Timestamp::from_millis(0)) };
        while self.storage().prune(keep).await.expect("pruned") > 0 {}
    }
}

async fn a_suppressed_address_is_found_in_any_spelling(mut desk: Desk) {
    let now = desk.now;
    let added = desk.suppress(vec![
        new("User@Example.com", Reason::Hard, now),
        new("josé@bücher.example", Reason::Complaint, now),
        new("+15555555", Reason::Import, now),
    ]);
    assert_eq!(added.await, 3);
    desk.reopen();
    for spelling in ["user@example.com", "USER@EXAMPLE.COM"] {
        assert_eq!(desk.reasons(email(spelling)).await, [Reason::Hard], "{spelling}");
    }
    for spelling in ["JOSE\u{301}@xn--bcher-kva.example", "josé@BÜCHER.example"] {
        assert_eq!(desk.reasons(email(spelling)).await, [Reason::Complaint], "{spelling}");
    }
    assert_eq!(desk.reasons(phone("+15555555")).await, [Reason::Import]);
    assert_eq!(desk.reasons(phone("+15555556")).await, []);
    // A number that is written as an address is another address.
    assert_eq!(desk.reasons(email("+15555555")).await, []);
    let found = desk.suppressions(of(email("user@example.com")), ALL).await;
    let shown = &found.rows[0];
    assert_eq!(shown.address.as_deref(), Some("User@Example.com"), "as it was added");
    assert_eq!(
        (shown.raw_log.as_deref(), shown.created_at, shown.expires_at),
        (Some("550 5.1.1"), now, None)
    );
    assert_eq!(desk.unsuppress(email("uSER@example.com"), None).await, 1);
    assert_eq!(desk.unsuppress(email("user@example.com"), None).await, 0);
    assert_eq!(desk.reasons(email("user@example.com")).await, []);
}

async fn an_address_has_one_suppression_for_each_reason(mut desk: Desk) {
    let first = desk.now;
    let twice = vec![
        new("a@example.com", Reason::Hard, first),
        NewSuppression { raw_log: None, ..new("A@example.com", Reason::Hard, first) },
        new("a@example.com", Reason::Complaint, first),
    ];
    assert_eq!(desk.suppress(twice).await, 2);
    desk.now = desk.now.after(Duration::from_secs(1));
    assert_eq!(desk.suppress(vec![new("a@EXAMPLE.com", Reason::Hard, desk.now)]).await, 0);
    let found = desk.suppressions(of(email("a@example.com")), ALL).await;
    assert_eq!(found.total, 2);
    let hard = found.rows.iter().find(|row| row.reason == Reason::Hard).expect("it is there");
    assert_eq!((hard.address.as_deref(), hard.created_at), (Some("a@example.com"), first), "as it was");
    assert_eq!(hard.raw_log.as_deref(), Some("550 5.1.1"));
    assert_eq!(desk.unsuppress(email("a@example.com"), Some(Reason::ListUnsubscribe)).await, 0);
    assert_eq!(desk.unsuppress(email("a@example.com"), Some(Reason::Hard)).await, 1);
    assert_eq!(desk.reasons(email("a@example.com")).await, [Reason::Complaint]);
}

async fn a_suppression_that_has_expired_is_absent_and_can_be_added_again(mut desk: Desk) {
    let end = desk.now.after(Duration::from_secs(10));
    let ends = |address| NewSuppression { expires_at: Some(end), ..new(address, Reason::Hard, desk.now) };
    let ending = vec![ends("a@example.com"), ends("b@example.com"), ends("c@example.com")];
    assert_eq!(desk.suppress(ending).await, 3);
    assert_eq!(desk.suppress(vec![new("d@example.com", Reason::Hard, desk.now)]).await, 1);
    desk.now = end.before(Duration::from_millis(1));
    assert_eq!(desk.reasons(email("a@example.com")).await, [Reason::Hard]);
    desk.prune_all().await;
    assert_eq!(desk.scan(None, 10).await.len(), 4);
    desk.now = end;
    assert_eq!(desk.reasons(email("a@example.com")).await, []);
    assert_eq!(desk.scan(None, 10).await.len(), 1);
    assert_eq!(desk.suppressions(SuppressionFilter::default(), ALL).await.total, 1);
    assert_eq!(desk.unsuppress(email("b@example.com"), None).await, 0);
    assert_eq!(desk.suppress(vec![new("A@example.com", Reason::Hard, desk.now)]).await, 1);
    desk.prune_all().await;
    let found = desk.suppressions(SuppressionFilter::default(), ALL).await;
    let rows: Vec<_> = found.rows.iter().map(|row| (row.address.as_deref(), row.created_at)).collect();
    let before = end.before(Duration::from_secs(10));
    assert_eq!(rows, [(Some("A@example.com"), end), (Some("d@example.com"), before)]);
    // A clock that is set back does not bring back what was pruned.
    desk.now = before;
    assert_eq!(desk.reasons(email("b@example.com")).await, []);
}

async fn additions_are_read_in_their_order_by_whole_changes(mut desk: Desk) {
    let added = async |desk: &Desk, after, limit| {
        let added = desk.storage().added_suppressions(desk.account.no, after, limit, desk.now);
        let added = added.await.expect("a look");
        let mut by_change: Vec<(u64, Vec<String>)> = Vec::new();
        for (serial, suppression) in added.rows {
            let address = suppression.address.expect("an address");
            match by_change.last_mut().filter(|(last, _)| *last == serial) {
                Some((_, addresses)) => addresses.push(address),
                None => by_change.push((serial, vec![address])),
            }
        }
        by_change.iter_mut().for_each(|(_, addresses)| addresses.sort_unstable());
        (by_change.into_iter().map(|(_, addresses)| addresses.join(" ")).collect::<Vec<_>>(), added.next)
    };
    assert_eq!(added(&desk, 0, 10).await, (vec![], 0));
    let (now, end) = (desk.now, desk.now.after(Duration::from_secs(10)));
    let past = now.before(Duration::from_secs(1_000));
    // Of another system: the time since when it counts is not the order in which it was added.
    desk.suppress(vec![new("a@example.com", Reason::Hard, now), new("b@example.com", Reason::Hard, now)])
        .await;
    desk.suppress(vec![new("c@example.com", Reason::Complaint, past)]).await;
    let ends = NewSuppression { expires_at: Some(end), ..new("d@example.com", Reason::Hard, now) };
    desk.suppress(vec![ends]).await;
    desk.reopen();
    let (first, next) = added(&desk, 0, 1).await;
    assert_eq!(first, ["a@example.com b@example.com"], "a change is never split");
    assert_eq!(added(&desk, next, 1).await.0, ["c@example.com"]);
    let (all, last) = added(&desk, 0, 10).await;
    assert_eq!(all, ["a@example.com b@example.com", "c@example.com", "d@example.com"]);
    assert_eq!(added(&desk, last, 10).await, (vec![], last));
    assert_eq!(added(&desk, last + 7, 10).await, (vec![], last), "of a store that was restored");
    assert_eq!(desk.suppress(vec![new("A@example.com", Reason::Hard, now)]).await, 0);
    assert_eq!(desk.unsuppress(email("c@example.com"), None).await, 1);
    desk.now = end;
    assert_eq!(added(&desk, next, 10).await.0, Vec::<String>::new(), "one was removed, and one has expired");
    desk.suppress(vec![new("d@example.com", Reason::Hard, end)]).await;
    let (again, next) = added(&desk, last, 10).await;
    assert_eq!((again, next > last), (vec!["d@example.com".to_owned()], true));
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    let none = desk.storage().added_suppressions(other.no, 0, 10, desk.now).await.expect("a look");
    assert_eq!(none, AddedSuppressions::default());
}

async fn pages_come_newest_first_and_a_scan_oldest_first(mut desk: Desk) {
    for round in 0..4 {
        let now = desk.now;
        let of_round = (0..3).map(|n| new(&format!("u{round}{n}@example.com"), Reason::Hard, now));
        let of_round: Vec<_> =
            of_round.chain([new(&format!("+1555555{round}"), Reason::Invalid, now)]).collect();
        assert_eq!(desk.suppress(of_round).await, 4);
        desk.now = desk.now.after(Duration::from_secs(1));
    }
    let (mut scanned, mut after) = (Vec::new(), None);
    loop {
        let page = desk.scan(after, 5).await;
        let Some(last) = page.last() else { break };
        after = Some(last.place());
        scanned.extend(page);
    }
    assert_eq!(scanned.len(), 16);
    assert!(scanned.iter().map(Suppression::place).is_sorted());
    let mut paged = Vec::new();
    for offset in [0, 5, 10, 15, 20] {
        let page = desk.suppressions(SuppressionFilter::default(), Window { offset, limit: 5 }).await;
        assert_eq!(page.total, 16);
        paged.extend(page.rows);
    }
    paged.reverse();
    assert_eq!(paged, scanned);
    for (filter, count) in [
        (SuppressionFilter { channel: Some(Channel::Email), ..SuppressionFilter::default() }, 12),
        (SuppressionFilter { channel: Some(Channel::Phone), ..SuppressionFilter::default() }, 4),
        (SuppressionFilter { reason: Some(Reason::Invalid), ..SuppressionFilter::default() }, 4),
        (SuppressionFilter { reason: Some(Reason::Complaint), ..SuppressionFilter::default() }, 0),
        (SuppressionFilter { reason: Some(Reason::Hard), ..of(phone("+15555550")) }, 0),
        (SuppressionFilter { reason: Some(Reason::Invalid), ..of(phone("+15555550")) }, 1),
    ] {
        let page = desk.suppressions(filter.clone(), ALL).await;
        assert_eq!((page.total, page.rows.len()), (count, page.rows.len()), "{filter:?}");
        let scan =
            desk.storage().scan_suppressions(desk.account.no, filter.clone(), None, 100, desk.now).await;
        let mut scan = scan.expect("a look");
        scan.reverse();
        assert_eq!(scan, page.rows, "{filter:?}");
    }
}

async fn an_account_has_a_limit_and_accounts_share_nothing(desk: Desk) {
    let add = |count: usize, from: usize| {
        let new = (from..from + count).map(|n| new(&format!("u{n}@example.com"), Reason::Hard, desk.now));
        desk.storage().add_suppressions(desk.account.no, new.collect(), 10, desk.now)
    };
    assert_eq!(add(9, 0).await.expect("it is added"), 9);
    let over = add(2, 9).await;
    assert!(matches!(over, Err(AddError::TooMany(10))), "{over:?}");
    assert_eq!(desk.suppressions(SuppressionFilter::default(), ALL).await.total, 9, "none of the two");
    assert_eq!(add(10, 0).await.expect("it is added"), 1);
    assert_eq!(add(10, 0).await.expect("they are there"), 0);

    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    let asked = vec![email("u1@example.com")];
    let theirs = desk.storage().suppressions_of(other.no, asked, desk.now).await.expect("a look");
    assert_eq!(theirs, []);
    let removed = desk.storage().remove_suppressions(other.no, email("u1@example.com"), None, desk.now).await;
    assert_eq!(removed.expect("nothing"), 0);
    assert_eq!(desk.reasons(email("u1@example.com")).await, [Reason::Hard]);
    desk.storage().remove_account(other.id).await.expect("removed");
    let gone = desk.storage().add_suppressions(
        other.no,
        vec![new("+15555555", Reason::Import, desk.now)],
        9,
        desk.now,
    );
    let gone = gone.await;
    assert!(matches!(gone, Err(AddError::Gone)), "{gone:?}");
}

async fn an_erased_person_stays_suppressed_without_the_address(mut desk: Desk) {
    let now = desk.now;
    desk.update(&[("ada", &[(Email, "Ada@example.com")]), ("bob", &[(Email, "bob@example.com")])]).await;
    let suppressed = vec![
        new("ada@EXAMPLE.com", Reason::Hard, now),
        new("bob@example.com", Reason::Hard, now),
        new("never-a-contact@example.com", Reason::Hard, now),
    ];
    desk.suppress(suppressed).await;
    // The person is named by something else, and bore the address.
    assert_eq!(desk.erase(IdentifierKind::UserId, "ada").await, ["erased - -"]);
    desk.erase(IdentifierKind::Email, "Never-A-Contact@example.com").await;
    desk.reopen();
    for erased in ["ADA@example.com", "never-a-contact@example.com"] {
        assert_eq!(desk.reasons(email(erased)).await, [Reason::Hard], "{erased}");
        let found = desk.suppressions(of(email(erased)), ALL).await.rows;
        assert_eq!((found[0].address.clone(), found[0].raw_log.clone()), (None, None), "{erased}");
        assert_eq!(found[0].created_at, now);
    }
    let bob = desk.suppressions(of(email("bob@example.com")), ALL).await.rows;
    assert_eq!(bob[0].address.as_deref(), Some("bob@example.com"));
    let named: Vec<_> = desk.scan(None, 10).await.into_iter().filter_map(|row| row.address).collect();
    assert_eq!(named, ["bob@example.com"]);
    // A later record for the same reason leaves the row as it is: without the address.
    assert_eq!(desk.suppress(vec![new("ada@example.com", Reason::Hard, desk.now)]).await, 0);
    assert_eq!(desk.suppressions(of(email("ada@example.com")), ALL).await.rows[0].address, None);
    assert_eq!(desk.unsuppress(email("ada@example.com"), None).await, 1);
    assert_eq!(desk.reasons(email("ada@example.com")).await, []);
}

async fn an_address_that_was_handed_on_stays_readable(desk: Desk) {
    desk.update(&[("ada", &[(Email, "team@example.com")])]).await;
    desk.update(&[("ada", &[(Email, "ada@example.com")])]).await;
    desk.update(&[("bob", &[(Email, "team@example.com")])]).await;
    desk.suppress(vec![new("team@example.com", Reason::Complaint, desk.now)]).await;
    desk.erase(IdentifierKind::UserId, "ada").await;
    let found = desk.suppressions(of(email("team@example.com")), ALL).await.rows;
    assert_eq!(found[0].address.as_deref(), Some("team@example.com"), "it is of another person now");
}

async fn suppressions_of_a_removed_account_go(desk: Desk) {
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    let theirs =
        vec![new("a@example.com", Reason::Hard, desk.now), new("+15555555", Reason::Import, desk.now)];
    desk.storage().add_suppressions(other.no, theirs, MAX, desk.now).await.expect("added");
    desk.suppress(vec![new("a@example.com", Reason::Hard, desk.now)]).await;
    desk.storage().remove_account(other.id).await.expect("removed");
    desk.prune_all().await;
    let left = desk.storage().find_suppressions(other.no, SuppressionFilter::default(), ALL, desk.now).await;
    assert_eq!(left.expect("a look").total, 0);
    assert_eq!(desk.reasons(email("a@example.com")).await, [Reason::Hard]);
}

async fn an_address_that_another_process_suppresses_is_found_at_once(desk: Desk) {
    desk.suppress(vec![new("a@example.com", Reason::Hard, desk.now)]).await;
    assert_eq!(desk.reasons(email("b@example.com")).await, []);
    let other = desk.backend.open(Role::Command);
    for round in 0..3 {
        let address = format!("b{round}@example.com");
        assert_eq!(desk.reasons(email(&address)).await, []);
        let theirs = vec![new(&address, Reason::Complaint, desk.now)];
        other.add_suppressions(desk.account.no, theirs, MAX, desk.now).await.expect("added");
        assert_eq!(desk.reasons(email(&address)).await, [Reason::Complaint]);
    }
    // More than a small filter has room for.
    for chunk in 0..6 {
        let many = (0..1_000).map(|n| new(&format!("m{chunk}x{n}@example.com"), Reason::Hard, desk.now));
        other.add_suppressions(desk.account.no, many.collect(), 10_000, desk.now).await.expect("added");
        assert_eq!(desk.reasons(email(&format!("M{chunk}x999@example.com"))).await, [Reason::Hard]);
    }
    for address in ["a@example.com", "b0@example.com", "m0x0@example.com"] {
        assert_eq!(desk.reasons(email(address)).await.len(), 1, "{address}");
    }
    assert_eq!(desk.reasons(email("nobody2@example.com")).await, []);
}

/// Prints what a look-up costs beside a million suppressions; docs/decisions/0023-suppression.md has the figures.
/// `cargo test --test it -- --ignored --nocapture a_million_suppressions`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures, and takes minutes"]
async fn a_million_suppressions_are_measured() {
    for (name, backend) in [
        ("sqlite", Box::new(super::Sqlite::new()) as Box<dyn super::Backend>),
        ("postgres", Box::new(super::Postgres::new())),
    ] {
        let desk = Desk::new(backend).await;
        let start = std::time::Instant::now();
        for chunk in 0..1_000 {
            let new =
                (0..1_000).map(|n| new(&format!("u{chunk}x{n}@example.com"), Reason::Complaint, desk.now));
            let max = storage::MAX_SUPPRESSIONS_PER_ACCOUNT;
            desk.storage()
                .add_suppressions(desk.account.no, new.collect(), max, desk.now)
                .await
                .expect("added");
        }
        println!("{name}: 1,000,000 added in {:.1?}", start.elapsed());
        let start = std::time::Instant::now();
        let found =
            desk.storage().suppressions_of(desk.account.no, vec![email("a@example.com")], desk.now).await;
        println!("{name}: the first look-up, which builds the filter, in {:.1?}", start.elapsed());
        assert_eq!(found.expect("a look"), []);
        for hits in [0, 500] {
            let asked = |round: usize| {
                let contacts = (0..1_000).map(|n| match n < hits {
                    true => email(&format!("u{}x{n}@example.com", round * 7 % 1_000)),
                    false => email(&format!("contact{round}x{n}@example.com")),
                });
                contacts.collect::<Vec<_>>()
            };
            let (mut took, rounds) = (Duration::ZERO, 200);
            for round in 0..rounds {
                let asked = asked(round);
                let start = std::time::Instant::now();
                let found =
                    desk.storage().suppressions_of(desk.account.no, asked, desk.now).await.expect("a look");
                took += start.elapsed();
                assert_eq!(found.len(), hits);
            }
            let each = took.as_nanos() as f64 / 1_000.0 / 1_000.0 / rounds as f64;
            println!("{name}: {each:.2} µs for an address, {hits} of 1,000 suppressed");
        }
        let start = std::time::Instant::now();
        let page = desk.suppressions(SuppressionFilter::default(), Window { offset: 0, limit: 50 }).await;
        println!("{name}: the first page of {} in {:.1?}", page.total, start.elapsed());
    }
}
