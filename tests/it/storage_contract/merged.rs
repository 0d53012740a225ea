//! Links of contacts that are gone: a merged contact is followed to the one that is left, and what was turned off
//! meanwhile stays off if an undo restores the contact.

use domain::apply::ledger::How;
use domain::clock::SystemClock;
use domain::contact::choice::{Flags, Options};
use domain::contact::field::Field::{self, Email, EmailSubscribe, SmsSubscribe, ViberSubscribe};
use domain::contact::field::Key;
use domain::contact::identifier::IdentifierKind;
use domain::contact::proof::Proof;
use domain::contact::record::put_entry;
use domain::id::ObjectId;
use domain::journal::{Batch, BatchKind, ContactNo, ItemsWriter, ListNo};
use storage::{Removal, RetentionPolicy};

use super::{Desk, Postgres, Sqlite, on_every_backend};

const ON: &str = "\u{1}";
const A: u64 = 1;
const B: u64 = 2;
const C: u64 = 3;

/// Contacts a, b and c with the numbers 1, 2 and 3, and all channels that are asked for.
async fn three(desk: &Desk) {
    for user in ["a", "b", "c"] {
        let email = format!("{user}@example.com");
        let fields =
            [(Email, email.as_str()), (EmailSubscribe, ON), (SmsSubscribe, ON), (ViberSubscribe, ON)];
        desk.update(&[(user, &fields)]).await;
    }
}

/// Sends items of a kind and applies them.
async fn send(desk: &Desk, kind: BatchKind, items: &[(&str, &[u8])]) -> ObjectId {
    let request = accept(desk, kind, items).await;
    desk.apply_all().await;
    request
}

async fn accept(desk: &Desk, kind: BatchKind, items: &[(&str, &[u8])]) -> ObjectId {
    let mut writer = ItemsWriter::default();
    for (contact, patch) in items {
        writer.add(IdentifierKind::UserId, contact, patch);
    }
    let list = if kind == BatchKind::Erase { ListNo::NONE } else { desk.list };
    desk.append(Batch { kind, list, items: writer.finish(), ..desk.batch(&[]) }).await
}

async fn merge(desk: &Desk, winner: u64, loser: u64) -> ObjectId {
    let [winner, loser] = [winner, loser].map(|number| number.to_string());
    send(desk, BatchKind::Merge, &[(&winner, &[]), (&loser, &[])]).await
}

async fn undo(desk: &Desk, request: ObjectId) -> ObjectId {
    send(desk, BatchKind::Undo, &[(&request.to_string(), &[])]).await
}

/// What the link of a contact sends.
async fn click(desk: &Desk, contact: u64, channel: Field) -> ObjectId {
    let request = accept_click(desk, contact, channel).await;
    desk.apply_all().await;
    request
}

async fn accept_click(desk: &Desk, contact: u64, channel: Field) -> ObjectId {
    let mut patch = Vec::new();
    put_entry(&mut patch, channel.key(), &[]);
    let options = Options { keep: false, personal: true, linked: true };
    put_entry(&mut patch, Key::OPTIONS, &options.bytes());
    let proof = Proof { source: Some("unsubscribe:page".to_owned()), ..Proof::default() };
    put_entry(&mut patch, Key::PROOF, &proof.bytes([7; 16]));
    accept(desk, BatchKind::UpdateByNumber, &[(&contact.to_string(), &patch)]).await
}

async fn removal(desk: &Desk, contact: u64) -> Option<Removal> {
    desk.storage().find_removal(desk.list, ContactNo(contact)).await.expect("a look")
}

async fn winner(desk: &Desk, contact: u64) -> Option<u64> {
    removal(desk, contact).await.and_then(|removal| removal.merged_into).map(|winner| winner.0)
}

/// Which of the channels of a contact are on: e-mail, SMS, Viber.
async fn on(desk: &Desk, user: &str) -> [bool; 3] {
    let mut on = [false; 3];
    for (place, channel) in [EmailSubscribe, SmsSubscribe, ViberSubscribe].into_iter().enumerate() {
        on[place] = desk.field(user, channel).await.is_some_and(|value| !value.is_empty());
    }
    on
}

/// Deletes all histories.
async fn prune(desk: &mut Desk) {
    desk.now = desk.now.after(std::time::Duration::from_secs(1));
    let keep = RetentionPolicy { requests: desk.now, history: desk.now, keys: desk.now, ended: desk.now };
    while desk.storage().prune(keep).await.expect("pruned") > 0 {}
}

async fn a_merged_contact_is_followed_until_the_winner_is_erased(mut desk: Desk) {
    three(&desk).await;
    assert_eq!(winner(&desk, A).await, None);
    merge(&desk, B, A).await;
    assert_eq!(winner(&desk, A).await, Some(B));
    merge(&desk, C, B).await;
    prune(&mut desk).await;
    desk.reopen();
    let expected = Removal { merged_into: Some(ContactNo(C)), ..Removal::default() };
    assert_eq!([removal(&desk, A).await, removal(&desk, B).await], [Some(expected.clone()), Some(expected)]);
    let request = click(&desk, A, SmsSubscribe).await;
    assert_eq!(desk.told(request).await, ["updated c c@example.com"]);
    assert_eq!(on(&desk, "c").await, [true, false, true]);
    // Only links follow a merge.
    let mut patch = Vec::new();
    put_entry(&mut patch, ViberSubscribe.key(), &[]);
    let request = send(&desk, BatchKind::UpdateByNumber, &[("1", &patch)]).await;
    assert_eq!(desk.told(request).await, ["CONTACT_NOT_FOUND"]);
    send(&desk, BatchKind::Erase, &[("c", &[])]).await;
    assert_eq!([removal(&desk, A).await, removal(&desk, B).await], [None, None]);
}

async fn a_merge_that_is_undone_leads_nowhere_until_it_is_done_again(desk: Desk) {
    three(&desk).await;
    let merged = merge(&desk, B, A).await;
    let back = undo(&desk, merged).await;
    assert_eq!(removal(&desk, A).await, None, "it is there");
    let again = undo(&desk, back).await;
    assert_eq!(winner(&desk, A).await, Some(B), "the merge holds again");
    undo(&desk, again).await;
    assert_eq!((removal(&desk, A).await, on(&desk, "a").await), (None, [true; 3]));
    // Removed for another reason, it is not the other contact.
    let removed = send(&desk, BatchKind::Remove, &[("a", &[])]).await;
    assert_eq!(winner(&desk, A).await, None);
    click(&desk, A, SmsSubscribe).await;
    assert_eq!(on(&desk, "b").await, [true; 3]);
    undo(&desk, removed).await;
    assert_eq!(on(&desk, "a").await, [true, false, true]);
    merge(&desk, B, A).await;
    assert_eq!((winner(&desk, A).await, on(&desk, "b").await), (Some(B), [true, false, true]));
}

async fn what_a_link_turned_off_stays_off_when_a_contact_comes_back(mut desk: Desk) {
    three(&desk).await;
    let removed = send(&desk, BatchKind::Remove, &[("a", &[])]).await;
    let request = click(&desk, A, ViberSubscribe).await;
    assert_eq!(desk.told(request).await, ["CONTACT_NOT_FOUND"]);
    click(&desk, A, SmsSubscribe).await;
    desk.reopen();
    let mut off = Flags::default();
    off.set(ViberSubscribe, true);
    off.set(SmsSubscribe, true);
    assert_eq!(removal(&desk, A).await.expect("a removal").opted_out, off);
    undo(&desk, removed).await;
    assert_eq!(on(&desk, "a").await, [true, false, false]);
    // The ledger has how it was said.
    let identifiers = vec![(IdentifierKind::UserId, "a".to_owned())];
    let consents = desk.storage().find_consents(desk.list, identifiers).await.expect("a look");
    let records = consents.expect("the contact").records;
    let said = |flag| {
        let last = records.iter().find(|record| record.flag == flag).expect("a record");
        (last.value, last.how, last.proof.source.clone())
    };
    let by_link = (false, How::Request, Some("unsubscribe:page".to_owned()));
    assert_eq!([said(SmsSubscribe), said(ViberSubscribe)], [by_link.clone(), by_link]);
    assert_eq!(said(EmailSubscribe), (true, How::Request, None));
}

async fn what_the_winner_turned_off_stays_off_for_the_loser(desk: Desk) {
    three(&desk).await;
    desk.update(&[("c", &[(ViberSubscribe, "")])]).await;
    let first = merge(&desk, B, A).await;
    // Of the winner, while it is there.
    click(&desk, B, EmailSubscribe).await;
    let second = merge(&desk, C, B).await;
    assert_eq!(on(&desk, "c").await, [false, true, false]);
    // Of the winner of the winner, by the link of the first.
    click(&desk, A, SmsSubscribe).await;
    assert_eq!(on(&desk, "c").await, [false; 3]);
    undo(&desk, second).await;
    assert_eq!(on(&desk, "b").await, [false, false, true], "c had turned off Viber for itself");
    undo(&desk, first).await;
    assert_eq!(on(&desk, "a").await, [false, false, true]);
    // On again is no opt-out any more.
    let third = merge(&desk, B, A).await;
    click(&desk, B, ViberSubscribe).await;
    desk.update(&[("b", &[(ViberSubscribe, ON)])]).await;
    undo(&desk, third).await;
    assert_eq!(on(&desk, "a").await, [false, false, true]);
}

/// The ledgers of contacts that are gone go on: also in the transaction that removes one.
async fn come_back(desk: &Desk) {
    three(desk).await;
    let removed = accept(desk, BatchKind::Remove, &[("a", &[])]).await;
    for channel in [SmsSubscribe, ViberSubscribe] {
        accept_click(desk, A, channel).await;
    }
    desk.apply_all().await;
    click(desk, A, EmailSubscribe).await;
    undo(desk, removed).await;
    assert_eq!(on(desk, "a").await, [false; 3]);
    desk.update(&[("a", &[(SmsSubscribe, ON), (ViberSubscribe, ON)])]).await;
    let merged = merge(desk, B, A).await;
    click(desk, A, SmsSubscribe).await;
    click(desk, B, ViberSubscribe).await;
    undo(desk, merged).await;
    assert_eq!(on(desk, "a").await, [false; 3]);
    desk.update(&[("a", &[(SmsSubscribe, ON)])]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledgers_of_contacts_that_come_back_hold() {
    let (files, database) = (Sqlite::new(), Postgres::new());
    come_back(&Desk::new(Box::new(files.clone())).await).await;
    come_back(&Desk::new(Box::new(database.clone())).await).await;
    let report = ::sqlite::check::check(&files.store(), &SystemClock, &mut |_| {}).expect("a check");
    assert_eq!(report.findings, []);
    let report = ::postgres::check::check(&database.address(), false, &mut |_| {}).await.expect("a check");
    assert_eq!(report.report.findings, []);
}

on_every_backend!(
    a_merged_contact_is_followed_until_the_winner_is_erased,
    a_merge_that_is_undone_leads_nowhere_until_it_is_done_again,
    what_a_link_turned_off_stays_off_when_a_contact_comes_back,
    what_the_winner_turned_off_stays_off_for_the_loser,
);
