//! What a store tells of the past, and for how long.

use std::time::Duration;

use domain::clock::Timestamp;
use domain::contact::choice::Flags;
use domain::contact::field::Field::{Email, Name};
use domain::contact::identifier::IdentifierKind;
use domain::history::ChangeKind;
use domain::journal::{Batch, BatchKind, ContactNo};
use storage::{History, RetentionPolicy, Undoable, Window};

use super::{Desk, add_account, on_every_backend};

on_every_backend! {
    a_history_is_told_from_the_newest_back_and_in_windows,
    a_request_can_be_undone_from_its_acceptance_until_its_history_goes,
    histories_go_from_the_oldest_on,
    a_removal_is_known_until_its_history_goes,
}

async fn history(desk: &Desk, kind: IdentifierKind, text: &str, window: Window) -> Option<History> {
    let asked = vec![(kind, text.to_owned())];
    desk.storage().find_history(desk.account.no, desk.list, asked, window).await.expect("a look")
}

const ALL: Window = Window { offset: 0, limit: 100 };

/// Forgets requests and histories from before that.
async fn prune(desk: &Desk, requests: Timestamp, history: Timestamp) {
    let keep = RetentionPolicy {
        requests,
        history,
        keys: Timestamp::from_millis(0),
        ended: Timestamp::from_millis(0),
    };
    while desk.storage().prune(keep).await.expect("pruned") > 0 {}
}

async fn a_history_is_told_from_the_newest_back_and_in_windows(mut desk: Desk) {
    let first = desk.update(&[("a", &[(Email, "u@x.com")])]).await;
    let second = desk.update(&[("a", &[(Email, "v@x.com"), (Name, "x")])]).await;
    desk.reopen();
    for (kind, text) in [
        (IdentifierKind::UserId, "a"),
        (IdentifierKind::Email, "V@x.com"),
        (IdentifierKind::Email, "u@x.com"),
    ] {
        let told = history(&desk, kind, text, ALL).await.expect("somebody");
        let changes: Vec<_> = told.changes.iter().map(|change| (change.kind, change.request)).collect();
        assert_eq!(changes, [(ChangeKind::Updated, second), (ChangeKind::Created, first)]);
        assert_eq!((told.number.0, told.total), (1, 2));
        assert_eq!((told.changes[0].asked, &told.changes[0].token), (BatchKind::Upsert, &desk.account.key));
        let fields: Vec<_> =
            told.changes[0].fields.iter().map(|field| (&field.old[..], &field.new[..])).collect();
        assert_eq!(fields, [(&b"u@x.com"[..], &b"v@x.com"[..]), (b"", b"x")]);
    }
    let last = Window { offset: 1, limit: 1 };
    let told = history(&desk, IdentifierKind::UserId, "a", last).await.expect("somebody");
    assert_eq!((told.changes[0].request, told.changes.len(), told.total), (first, 1, 2));
    assert!(history(&desk, IdentifierKind::UserId, "nobody", ALL).await.is_none());
}

async fn a_request_can_be_undone_from_its_acceptance_until_its_history_goes(mut desk: Desk) {
    let find = async |desk: &Desk, request| {
        desk.storage().find_undoable(desk.account.no, request).await.expect("a look")
    };
    let request = desk.append(desk.batch(&[("a", &[])])).await;
    let found =
        Undoable { kind: BatchKind::Upsert, list: desk.list, list_id: desk.list_id, has_history: true };
    assert_eq!(find(&desk, request).await, Some(found), "it waits");
    desk.apply_all().await;
    assert_eq!(find(&desk, request).await, Some(found));
    desk.now = desk.now.after(Duration::from_secs(1));
    let ever = Timestamp::from_millis(0);
    prune(&desk, desk.now, ever).await;
    assert!(desk.find(request).await.is_none());
    assert_eq!(find(&desk, request).await, Some(found), "its history outlives its results");
    prune(&desk, desk.now, desk.now).await;
    assert_eq!(find(&desk, request).await, None);

    let request = desk.update(&[("b", &[])]).await;
    desk.now = desk.now.after(Duration::from_secs(1));
    prune(&desk, ever, desk.now).await;
    assert_eq!(find(&desk, request).await, Some(Undoable { has_history: false, ..found }));
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    assert_eq!(desk.storage().find_undoable(other.no, request).await.expect("a look"), None);
}

async fn histories_go_from_the_oldest_on(mut desk: Desk) {
    let ever = Timestamp::from_millis(0);
    desk.update(&[("a", &[(Name, "1")])]).await;
    desk.now = desk.now.after(Duration::from_secs(1));
    let middle = desk.now;
    let kept = desk.update(&[("a", &[(Name, "2"), (Email, "u@x.com")])]).await;
    prune(&desk, ever, middle).await;
    let told = history(&desk, IdentifierKind::UserId, "a", ALL).await.expect("somebody");
    assert_eq!((told.changes[0].request, told.changes.len(), told.total), (kept, 1, 1));
    assert_eq!(told.changes[0].fields[1].old, b"1", "what is left is told in full");
    prune(&desk, ever, middle.after(Duration::from_secs(1))).await;
    let told = history(&desk, IdentifierKind::UserId, "a", ALL).await.expect("it is there");
    assert_eq!((told.changes.len(), told.total), (0, 0));
    desk.reopen();
    assert_eq!(desk.field("a", Name).await.as_deref(), Some("2"));
}

async fn a_removal_is_known_until_its_history_goes(mut desk: Desk) {
    desk.update(&[("a", &[(Email, "u@x.com")])]).await;
    let found =
        async |desk: &Desk| desk.storage().find_removal(desk.list, ContactNo(1)).await.expect("a look");
    assert!(found(&desk).await.is_none(), "it is there");
    let removal = Batch { kind: BatchKind::Remove, ..desk.batch(&[("a", &[])]) };
    desk.append(removal).await;
    desk.apply_all().await;
    desk.reopen();
    let removal = found(&desk).await.expect("a removal");
    assert_eq!((removal.merged_into, removal.opted_out), (None, Flags::default()));
    let identifiers = (removal.identifiers.user_id.as_deref(), removal.identifiers.email.as_deref());
    assert_eq!(identifiers, (Some("a"), Some("u@x.com")));
    assert!(desk.storage().find_removal(desk.list, ContactNo(2)).await.expect("a look").is_none());
    // Another with the same identifiers is another contact.
    desk.update(&[("a", &[])]).await;
    assert!(found(&desk).await.is_some());
    desk.now = desk.now.after(Duration::from_secs(1));
    prune(&desk, Timestamp::from_millis(0), desk.now).await;
    assert!(found(&desk).await.is_none(), "its history is deleted");
}
