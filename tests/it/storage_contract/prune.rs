//! What is kept for a time only, and what goes with an account.

use std::time::Duration;

use domain::clock::Timestamp;
use domain::contact::field::Field::{Email, EmailSubscribe, UserId};
use domain::contact::identifier::IdentifierKind;
use domain::journal::BatchKind;
use storage::{DeliveryEnd, DeliveryState, NewList, RetentionPolicy};
use storage::{Held, Reckoning};

use super::{Desk, add_account, keep_since, on_every_backend};

on_every_backend! {
    a_request_goes_when_its_time_is_up_and_not_before,
    a_request_whose_webhook_is_still_to_leave_stays,
    contacts_of_a_removed_account_go_and_those_of_others_stay,
    former_identifiers_outlive_the_results_that_do_not_need_them,
    many_rows_go_in_many_calls,
    what_a_removed_contact_said_goes_with_its_history,
    how_far_time_has_come_outlives_those_who_count_it,
}

async fn prune(desk: &Desk, processed_before: Timestamp) -> usize {
    let mut gone = 0;
    loop {
        match desk.storage().prune(keep_since(processed_before)).await.expect("pruned") {
            0 => return gone,
            rows => gone += rows,
        }
    }
}

async fn a_request_goes_when_its_time_is_up_and_not_before(mut desk: Desk) {
    let old = desk.update(&[("a", &[])]).await;
    let waiting = desk.append(desk.batch(&[("b", &[])])).await;
    desk.now = desk.now.after(Duration::from_secs(1));
    assert_eq!(prune(&desk, desk.now.before(Duration::from_secs(1))).await, 0);
    assert!(desk.find(old).await.is_some());
    assert_eq!(prune(&desk, desk.now).await, 1);
    assert!(desk.find(old).await.is_none());
    assert!(desk.find(waiting).await.is_some(), "accepted as long ago, but not processed yet");
    desk.apply_all().await;
    assert_eq!(prune(&desk, desk.now).await, 0, "it was processed only now");
    assert!(desk.field("a", UserId).await.is_some(), "contacts stay");
    desk.reopen();
    assert!(desk.find(old).await.is_none());
    assert!(desk.find(waiting).await.is_some());
}

async fn what_a_removed_contact_said_goes_with_its_history(mut desk: Desk) {
    desk.update(&[("a", &[(EmailSubscribe, "\u{1}")]), ("b", &[(EmailSubscribe, "\u{1}")])]).await;
    let removal = domain::journal::Batch { kind: BatchKind::Remove, ..desk.batch(&[("a", &[])]) };
    let removal = desk.append(removal).await;
    desk.apply_all().await;
    let person = async |desk: &Desk| {
        let identifiers = vec![(IdentifierKind::UserId, "a".to_owned())];
        desk.storage().find_person(desk.account.no, identifiers).await.expect("a look").contacts
    };
    assert_eq!(person(&desk).await[0].consents.records.len(), 1);
    desk.now = desk.now.after(Duration::from_secs(1));
    let keep = RetentionPolicy { history: desk.now, ..keep_since(Timestamp::from_millis(0)) };
    while desk.storage().prune(keep).await.expect("pruned") > 0 {}
    assert_eq!(person(&desk).await.len(), 0);
    let consents = async |desk: &Desk, user: &str| {
        let identifiers = vec![(IdentifierKind::UserId, user.to_owned())];
        desk.storage().find_consents(desk.list, identifiers).await.expect("a look")
    };
    assert_eq!(consents(&desk, "b").await.expect("the contact").records.len(), 1);
    assert_eq!(consents(&desk, "a").await, None);
    assert!(desk.find(removal).await.is_some());
}

async fn a_request_whose_webhook_is_still_to_leave_stays(mut desk: Desk) {
    let request = desk.append(desk.reported("https://one.example:443", &[("a", &[])])).await;
    desk.apply_all().await;
    desk.now = desk.now.after(Duration::from_secs(1));
    assert_eq!(prune(&desk, desk.now).await, 0);
    let claimed = desk.storage().claim_deliveries(desk.now, 1, 1).await.expect("a claim");
    let delivered = (Some(DeliveryEnd::Delivered), DeliveryState::Delivered);
    let attempt = desk.attempt(&claimed[0], delivered.0, delivered.1, desk.now);
    desk.storage().finish_deliveries(vec![attempt]).await.expect("written down");
    assert_eq!(prune(&desk, desk.now).await, 1);
    assert!(desk.find(request).await.is_none());
}

async fn contacts_of_a_removed_account_go_and_those_of_others_stay(mut desk: Desk) {
    desk.update(&[("a", &[(Email, "u@x.com")]), ("b", &[])]).await;
    let request = desk.update(&[("a", &[(Email, "v@x.com")])]).await;
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    let id = desk.ids.next(desk.now);
    desk.storage().add_list(other.no, id, NewList::named("Other"), desk.now).await.expect("a list");
    let list = desk.storage().find_list(id).await.expect("a look").expect("the list").no;
    let batch = domain::journal::Batch { list, list_id: id, ..desk.batch(&[("a", &[])]) };
    desk.append(batch).await;
    desk.apply_all().await;

    assert!(desk.storage().remove_account(desk.account.id).await.expect("removed"));
    let long_ago = Timestamp::from_millis(0);
    assert!(prune(&desk, long_ago).await >= 2);
    for contact in ["a", "b", "u@x.com", "v@x.com"] {
        assert_eq!(desk.field(contact, UserId).await, None);
    }
    assert!(desk.field_in(list, "a", UserId).await.is_some());
    assert_eq!(desk.told(request).await, ["updated - -"], "nobody's name is left in it");
    assert_eq!(prune(&desk, long_ago).await, 0);
    desk.reopen();
    assert!(desk.field_in(list, "a", UserId).await.is_some());
}

async fn former_identifiers_outlive_the_results_that_do_not_need_them(mut desk: Desk) {
    let start = desk.now;
    let old = desk.update(&[("a", &[]), ("a", &[(UserId, "b")])]).await;
    desk.now = start.after(Duration::from_secs(1));
    let middle = desk.update(&[("b", &[]), ("b", &[(UserId, "c")])]).await;
    desk.now = start.after(Duration::from_secs(2));
    let new = desk.update(&[("c", &[(UserId, "d")])]).await;
    prune(&desk, start.after(Duration::from_secs(1))).await;
    assert!(desk.find(old).await.is_none());
    assert_eq!(desk.told(middle).await, ["unchanged b -", "updated c -"]);
    assert_eq!(desk.told(new).await, ["updated d -"]);
}

async fn many_rows_go_in_many_calls(mut desk: Desk) {
    let names: Vec<_> = (0..2_500).map(|number| format!("id{number}")).collect();
    let items: Vec<_> = names.iter().map(|name| (name.as_str(), &[][..])).collect();
    for items in items.chunks(100) {
        desk.append(desk.batch(items)).await;
    }
    desk.apply_all().await;
    desk.now = desk.now.after(Duration::from_secs(1));
    assert!(desk.storage().remove_account(desk.account.id).await.expect("removed"));
    assert!(prune(&desk, desk.now).await >= 2_525);
    for name in [&names[0], &names[2_499]] {
        assert_eq!(desk.field(name, UserId).await, None);
    }
}

async fn how_far_time_has_come_outlives_those_who_count_it(mut desk: Desk) {
    let (minute, jump) = (Duration::from_secs(60), Duration::from_secs(100 * 24 * 3_600));
    let reckon = async |desk: &Desk, seen, elapsed, system| {
        desk.storage().reckon(seen, elapsed, system).await.expect("a reckoning")
    };
    let start = reckon(&desk, None, Duration::ZERO, desk.now).await;
    assert_eq!(start, Reckoning { reached: desk.now, held: None });
    let later = desk.now.after(minute * 2);
    let moved = reckon(&desk, Some(start), minute * 2, later).await;
    assert_eq!(moved, Reckoning { reached: later, held: None });
    desk.reopen();
    let jumped = later.after(jump);
    let held = reckon(&desk, None, Duration::ZERO, jumped).await;
    let shown = |observed| Some(Held { shown: jumped.after(observed), observed });
    assert_eq!(held, Reckoning { reached: later, held: shown(Duration::ZERO) });
    let held = reckon(&desk, Some(held), minute, jumped.after(minute)).await;
    desk.reopen();
    let same = reckon(&desk, None, Duration::ZERO, jumped.after(minute)).await;
    assert_eq!((same, same), (held, Reckoning { reached: later.after(minute), held: shown(minute) }));
}
