//! Identifiers whose hashes collide. Nobody can make such with the keyed hash, so the equal hash is made by hand:
//! that is all that a collision is to the unit of work and the rule, which are given hashes and compare contacts.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::apply::consent::About;
use crate::apply::outcome::{self, Action, Failure, Outcome};
use crate::apply::plan::{Plan, PlannedItem, Waiting};
use crate::apply::rule;
use crate::clock::Timestamp;
use crate::contact::document::Header;
use crate::contact::field::Field;
use crate::contact::record::put_entry;
use crate::id::ObjectId;
use crate::journal::{AccountNo, BatchKind, Item};

const LIST: ListNo = ListNo(1);
const SHARED: u64 = 42;

/// A list with a contact for each userId, all of them under one hash.
fn crowded(user_ids: &[&str]) -> UnitOfWork {
    let state = ListState { alive: true, next: 1, ..ListState::default() };
    let mut work =
        UnitOfWork::new(HashKey::from_bytes([0; 16]), HashMap::from([(LIST, state)]), HashSet::new());
    for (index, user_id) in (0..).zip(user_ids) {
        let time = Timestamp::from_millis(1);
        let mut document = Vec::new();
        Header { created_at: time, updated_at: time, renamed_at: 0, changed_at: 0 }.put(&mut document);
        put_entry(&mut document, Field::UserId.key(), user_id.as_bytes());
        work.create(LIST, &document).unwrap();
        work.holders.hold(SHARED, index);
    }
    work
}

/// Applies one item that would give its contact another userId, all its hashes being the shared one.
fn rename(work: &mut UnitOfWork, contact: &str, user_id: &str) -> Result<(Action, u64), Failure> {
    let mut patch = Vec::new();
    put_entry(&mut patch, Field::UserId.key(), user_id.as_bytes());
    let item = PlannedItem {
        item: Item { kind: IdentifierKind::UserId, contact, patch: &patch },
        lookup: [Some(SHARED); 2],
        named: Some(Box::new(Identifiers { user_id: Some((user_id, SHARED)), ..Identifiers::default() })),
        source: None,
        has_flags: false,
        about: About::default(),
        variables: &[],
    };
    let batch = Waiting {
        position: 1,
        request: ObjectId::from_bytes([0; 12]),
        account: AccountNo(1),
        list: LIST,
        kind: BatchKind::Upsert,
        restore_erased: false,
        token: String::new(),
        items: Vec::new(),
    };
    let plan = Plan { batches: vec![Some(vec![item])] };
    let decided = rule::apply(&[batch], &plan, work, Timestamp::from_millis(2));
    match outcome::read(&decided[0].results).unwrap()[0] {
        Outcome::Done(action, number, _) => Ok((action, number.0)),
        Outcome::Failed(failure, ..) => Err(failure),
        ref other => panic!("no rename ends in {other:?}"),
    }
}

#[test]
fn each_is_found_under_the_hash_that_they_share() {
    let work = crowded(&["a", "b", "c"]);
    let find = |list, kind, text| work.find(list, kind, text, SHARED).unwrap();
    for (index, user_id) in (0..).zip(["a", "b", "c"]) {
        assert_eq!(find(LIST, IdentifierKind::UserId, user_id), Some(index));
        assert_eq!(find(LIST, IdentifierKind::Email, user_id), None);
        assert_eq!(find(ListNo(2), IdentifierKind::UserId, user_id), None);
    }
    assert_eq!(find(LIST, IdentifierKind::UserId, "d"), None);
}

#[test]
fn a_shared_hash_makes_nobody_taken_and_nobody_found() {
    let mut work = crowded(&["a", "b", "c"]);
    assert_eq!(rename(&mut work, "b", "b"), Ok((Action::Unchanged, 2)));
    assert_eq!(rename(&mut work, "b", "a"), Err(Failure::IdentifierTaken));
    assert_eq!(rename(&mut work, "b", "d"), Ok((Action::Updated, 2)));
    assert_eq!(rename(&mut work, "d", "d"), Ok((Action::Unchanged, 2)));
    assert_eq!(rename(&mut work, "a", "b"), Ok((Action::Updated, 1)), "the name came free");
    assert_eq!(rename(&mut work, "c", "d"), Err(Failure::IdentifierTaken));
    assert_eq!(rename(&mut work, "e", "e"), Ok((Action::Created, 4)));
}
