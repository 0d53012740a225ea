//! The path of a batch: appended, applied, looked up.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::clock::Timestamp;
use domain::contact::field::Field::{Email, FirstName, LastName, UserId};
use domain::id::ObjectId;
use storage::Role;
use storage::{AppendError, Applied, Backlog, ItemResult, NewList, RequestState};

use super::{Desk, add_account, on_every_backend};

on_every_backend! {
    a_group_is_kept_whole_or_not_at_all,
    a_batch_that_is_there_already_vouches_for_no_other,
    what_was_appended_is_there_after_reopening,
    batches_are_applied_in_order_and_no_more_than_asked,
    every_batch_is_applied_once_however_often_the_store_is_reopened,
    a_request_is_found_at_every_moment_and_only_goes_forward,
    a_request_is_shown_to_its_account_alone,
    results_show_identifiers_as_they_were_after_the_item,
    a_batch_of_a_removed_list_is_told_so_and_stops_nobody,
    the_server_applies_what_a_command_has_appended,
    a_batch_of_nothing_is_processed,
    contacts_that_do_not_fit_into_memory_at_once_are_changed_all_the_same,
    nothing_is_applied_before_it_was_accepted,
}

async fn a_group_is_kept_whole_or_not_at_all(mut desk: Desk) {
    let (one, two) = (desk.batch(&[("a", &[])]), desk.batch(&[("b", &[])]));
    // Two with one id cannot both be kept.
    let twin = domain::journal::Batch { request: two.request, ..desk.batch(&[("c", &[])]) };
    let group = [&one, &two, &twin].map(|batch| Arc::new(batch.clone()));
    let refused = desk.storage().append(group.to_vec()).await;
    assert!(matches!(refused, Err(AppendError::NotKept(_))), "{refused:?}");
    assert_eq!(desk.storage().backlog(), Backlog::default());
    desk.reopen();
    assert_eq!(desk.storage().backlog(), Backlog::default());
    assert!(desk.find(one.request).await.is_none());
    assert_eq!(desk.apply(10).await.batches, 0);
    desk.storage().append(vec![Arc::new(one), Arc::new(two)]).await.expect("nothing of them is in the way");
    assert_eq!(desk.apply(10).await.batches, 2);
    desk.storage().append(Vec::new()).await.expect("nothing to keep");
}

async fn a_batch_that_is_there_already_vouches_for_no_other(desk: Desk) {
    let (one, two) = (Arc::new(desk.batch(&[("a", &[])])), Arc::new(desk.batch(&[("b", &[])])));
    desk.storage().append(vec![Arc::clone(&one)]).await.expect("kept");
    let outcome = desk.storage().append(vec![one, Arc::clone(&two)]).await;
    assert_eq!(outcome.is_ok(), desk.find(two.request).await.is_some(), "{outcome:?}");
}

async fn what_was_appended_is_there_after_reopening(mut desk: Desk) {
    let batches = [desk.batch(&[("a", &[])]), desk.batch(&[("b", &[]), ("c", &[])])];
    let bytes = batches.iter().map(|batch| batch.items.len() as u64).sum();
    desk.storage().append(batches.map(Arc::new).to_vec()).await.expect("kept");
    let backlog = Backlog { batches: 2, bytes };
    assert_eq!(desk.storage().backlog(), backlog);
    desk.reopen();
    assert_eq!(desk.storage().backlog(), backlog);
    let oldest = desk.storage().oldest_waiting().await.expect("a look");
    assert_eq!(oldest, Some(desk.now));
    let applied = desk.apply(1).await;
    assert_eq!((applied.batches, applied.webhooks, applied.oldest), (1, 0, oldest));
    assert_eq!(desk.storage().backlog().batches, 1);
    desk.reopen();
    assert_eq!(desk.storage().backlog().batches, 1);
    desk.apply_all().await;
    assert_eq!(desk.storage().backlog(), Backlog::default());
    assert!(desk.field("c", UserId).await.is_some());
}

async fn batches_are_applied_in_order_and_no_more_than_asked(desk: Desk) {
    let names = ["1", "2", "3", "4", "5"];
    for pair in names.chunks(2) {
        let batches = pair.iter().map(|name| Arc::new(desk.batch(&[("a", &[(FirstName, name)])])));
        desk.storage().append(batches.collect()).await.expect("kept");
    }
    for (applied, reached) in [(2, "2"), (2, "4"), (1, "5"), (0, "5")] {
        assert_eq!(desk.apply(2).await.batches, applied);
        assert_eq!(desk.field("a", FirstName).await.as_deref(), Some(reached));
    }
}

/// A story of 40 batches whose results tell when one was lost, applied twice, or out of order.
async fn every_batch_is_applied_once_however_often_the_store_is_reopened(mut desk: Desk) {
    let mut requests = Vec::new();
    let mut dice = 12_345_u32;
    for step in 0..40_u32 {
        let (id, name) = (format!("id{}", step % 7), format!("{step}"));
        // A batch that is applied twice would find its own name, and be told "unchanged".
        let contact = format!("id{}@example.com", step % 7);
        let batch = desk.batch(&[(&contact, &[(UserId, &id), (FirstName, &name)])]);
        requests.push((desk.append(batch).await, id, contact));
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if dice >> 31 == 0 {
            desk.reopen();
        }
        for _ in 0..dice >> 29 & 1 {
            desk.apply((dice >> 27 & 3) as usize).await;
            if dice >> 26 & 1 == 0 {
                desk.reopen();
            }
        }
    }
    desk.apply_all().await;
    desk.reopen();
    assert_eq!(desk.apply(10).await, Applied::default());
    for (step, (request, id, contact)) in requests.into_iter().enumerate() {
        let action = if step < 7 { "created" } else { "updated" };
        assert_eq!(desk.told(request).await, [format!("{action} {id} {contact}")], "step {step}");
    }
}

async fn a_request_is_found_at_every_moment_and_only_goes_forward(desk: Desk) {
    let desk = Arc::new(desk);
    let (sent, done) = (Arc::new(std::sync::Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
    let watcher = tokio::spawn({
        let (desk, sent, done) = (Arc::clone(&desk), Arc::clone(&sent), Arc::clone(&done));
        async move {
            let (mut last, mut looks) = (HashMap::<ObjectId, u8>::new(), 0);
            while !done.load(Ordering::Relaxed) {
                let ids: Vec<ObjectId> = sent.lock().expect("no panic").clone();
                let found = desk.storage().find_requests(desk.account.no, ids.clone()).await.expect("a look");
                assert_eq!(found.iter().map(|request| request.id).collect::<Vec<_>>(), ids);
                for request in found {
                    let stage = match request.state {
                        RequestState::Queued => 0,
                        RequestState::Processing => 1,
                        RequestState::Processed => 2,
                    };
                    assert_eq!(request.results.len(), usize::from(stage == 2));
                    assert!(last.insert(request.id, stage).unwrap_or(0) <= stage, "never backwards");
                }
                looks += 1;
            }
            looks
        }
    });
    for round in 0..60 {
        for _ in 0..round % 4 {
            let request = desk.append(desk.batch(&[("a", &[])])).await;
            sent.lock().expect("no panic").push(request);
        }
        desk.apply(2).await;
        // Lets the watcher in, on a machine with one core too.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    desk.apply_all().await;
    done.store(true, Ordering::Relaxed);
    assert!(watcher.await.expect("every look found all") > 0);
}

async fn a_request_is_shown_to_its_account_alone(desk: Desk) {
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    let request = desk.append(desk.batch(&[("a", &[])])).await;
    for _ in 0..2 {
        let found = desk.storage().find_requests(other.no, vec![request]).await.expect("a look");
        assert!(found.is_empty());
        let unknown = desk.ids.next(desk.now);
        let found = desk.storage().find_requests(desk.account.no, vec![unknown, request]).await;
        let found = found.expect("a look");
        assert_eq!(found.len(), 1);
        // Without identifiers the states and results are the same.
        assert!(desk.storage().find_outcomes(other.no, vec![request]).await.expect("a look").is_empty());
        let bare = desk.storage().find_outcomes(desk.account.no, vec![request]).await.expect("a look");
        assert_eq!((bare.len(), bare[0].state), (1, found[0].state));
        for (bare, whole) in bare[0].results.iter().zip(&found[0].results) {
            let (
                ItemResult::Done { action, id, identifiers, .. },
                ItemResult::Done { action: of_whole, id: its, .. },
            ) = (bare, whole)
            else {
                panic!("both are done: {bare:?} {whole:?}")
            };
            assert_eq!((action, id, identifiers), (of_whole, its, &Default::default()));
        }
        assert_eq!(bare[0].results.len(), found[0].results.len());
        desk.apply_all().await;
    }
}

async fn results_show_identifiers_as_they_were_after_the_item(mut desk: Desk) {
    let first = desk.update(&[("a", &[]), ("a", &[(Email, "u@x.com")]), ("a", &[(UserId, "b")])]).await;
    let second = desk.update(&[("u@x.com", &[(Email, "v@x.com")])]).await;
    let third = desk.update(&[("b", &[(FirstName, "Jo")]), ("b", &[(Email, "")])]).await;
    for _ in 0..2 {
        assert_eq!(desk.told(first).await, ["created a -", "updated a u@x.com", "updated b u@x.com"]);
        assert_eq!(desk.told(second).await, ["updated b v@x.com"]);
        assert_eq!(desk.told(third).await, ["updated b v@x.com", "updated b -"]);
        desk.reopen();
    }
}

async fn a_batch_of_a_removed_list_is_told_so_and_stops_nobody(mut desk: Desk) {
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    desk.storage()
        .add_list(other.no, desk.ids.next(desk.now), NewList::named("Other"), desk.now)
        .await
        .expect("a list");
    let gone = desk.append(desk.batch(&[("a", &[]), ("b", &[])])).await;
    assert!(desk.storage().remove_account(desk.account.id).await.expect("removed"));
    desk.apply_all().await;
    assert_eq!(desk.told(gone).await, ["LIST_NOT_FOUND", "LIST_NOT_FOUND"]);
    desk.reopen();
    assert_eq!(desk.field("a", UserId).await, None);
}

async fn the_server_applies_what_a_command_has_appended(mut desk: Desk) {
    let command = desk.backend.open(Role::Command);
    let (theirs, ours) = (desk.batch(&[("a", &[])]), desk.batch(&[("b", &[])]));
    let request = theirs.request;
    command.append(vec![Arc::new(theirs)]).await.expect("kept");
    desk.append(ours).await;
    desk.apply(0).await;
    assert_eq!(desk.storage().backlog().batches, 2);
    assert!(desk.find(request).await.is_some());
    desk.apply_all().await;
    assert_eq!(desk.told(request).await, ["created a -"]);
    assert_eq!(desk.storage().backlog(), Backlog::default(), "nothing waits, whoever appended it");
    drop(command);
    desk.reopen();
    assert_eq!(desk.storage().backlog(), Backlog::default());
}

async fn a_batch_of_nothing_is_processed(desk: Desk) {
    let request = desk.update(&[]).await;
    let found = desk.find(request).await.expect("the request");
    assert_eq!((found.state, found.results.len()), (RequestState::Processed, 0));
}

/// A contact may have megabytes of variables, and a transaction loads all that its batches touch.
async fn contacts_that_do_not_fit_into_memory_at_once_are_changed_all_the_same(desk: Desk) {
    let large = "x".repeat(12 << 20);
    let names: Vec<_> = (0..9).map(|number| format!("id{number}")).collect();
    for name in &names {
        desk.update(&[(name, &[(LastName, &large)])]).await;
    }
    let mut requests = Vec::new();
    for name in &names {
        requests.push(desk.append(desk.batch(&[(name, &[(FirstName, "Jo"), (LastName, "")])])).await);
    }
    let mut applied = 0;
    while applied < names.len() {
        let done = desk.apply(100).await.batches;
        assert!(done > 0, "it goes on");
        applied += done;
        assert_eq!(desk.storage().backlog().batches, (names.len() - applied) as u64);
    }
    for (request, name) in requests.iter().zip(&names) {
        assert_eq!(desk.told(*request).await, [format!("updated {name} -")]);
    }
}

/// Whoever applies looks at its clock first and at the journal then: what was accepted in between is not processed
/// before it was accepted.
async fn nothing_is_applied_before_it_was_accepted(desk: Desk) {
    let accepted_at = Timestamp::from_millis(desk.now.millis() + 5_000);
    let batch = desk.batch(&[("a@example.com", &[])]);
    let request = desk.append(domain::journal::Batch { accepted_at, ..batch }).await;
    assert_eq!(desk.apply(10).await.batches, 1);
    let found = desk.find(request).await.expect("the request");
    assert_eq!((found.created_at, found.updated_at), (accepted_at, accepted_at));
}
