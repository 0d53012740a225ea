//! The change rule against a model of the contract's section 4, and a few of its stories told by hand.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod asks;
mod kept;
mod model;

use proptest::prelude::*;
use proptest::sample::Index;

use self::asks::{Ask, Batch, Fields};
use self::kept::Kept;
use self::model::{Model, Told};
use crate::apply::outcome::{Action, Failure};
use crate::contact::identifier::IdentifierKind;

/// Applies groups, each later than the one before, to the rule and to the model, and compares all that shows.
fn compare(groups: &[Vec<Batch>]) {
    let (mut kept, mut model) = (Kept::default(), Model::default());
    let mut told = Vec::new();
    for (now, group) in (1_000..).step_by(1_000).zip(groups) {
        kept.apply(group, now);
        told.extend(group.iter().map(|batch| model.apply(batch, now)));
        kept.assert_holds(&model.lists);
        assert!(kept.index_is_exact());
        // Results of earlier groups too: later changes of identifiers must not show in them.
        let shown: Vec<_> = kept.results.iter().map(|results| kept.told(results)).collect();
        assert_eq!(shown, told);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn the_rule_does_what_the_contract_says(
        groups in prop::collection::vec(prop::collection::vec(asks::batch(), 1..5), 1..6),
    ) {
        compare(&groups);
    }

    #[test]
    fn how_batches_are_grouped_shows_nowhere(
        batches in prop::collection::vec(asks::batch(), 1..14),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let mut whole = Kept::default();
        whole.apply(&batches, 1_000);
        let mut alone = Kept::default();
        for batch in &batches {
            alone.apply(std::slice::from_ref(batch), 1_000);
        }
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(batches.len())).collect();
        cuts.extend([0, batches.len()]);
        cuts.sort_unstable();
        let mut some = Kept::default();
        for ends in cuts.windows(2) {
            some.apply(&batches[ends[0]..ends[1]], 1_000);
        }
        prop_assert_eq!(&whole, &alone);
        prop_assert_eq!(&whole, &some);
    }
}

/// What was told of a batch of list 1.
fn upsert(kept: &mut Kept, asks: &[(&'static str, &[(&'static str, &str)])]) -> Vec<Told> {
    let asks = asks.iter().map(|(contact, fields)| Ask {
        contact,
        fields: fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect::<Fields>(),
        keep: false,
    });
    let batch = Batch { list: 1, upsert: true, by: None, damaged: false, asks: asks.collect() };
    kept.apply(std::slice::from_ref(&batch), 1_000);
    kept.told(kept.results.last().unwrap())
}

fn three(user_id: &str, email: &str, phone: &str) -> model::Three {
    [user_id, email, phone].map(|text| Some(text.to_owned()).filter(|text| !text.is_empty()))
}

fn done(action: Action, number: u64, user_id: &str, email: &str, phone: &str) -> Told {
    Told::Done(action, number, three(user_id, email, phone), Vec::new())
}

#[test]
fn what_a_batch_created_is_found_again_by_the_same_batch() {
    let mut kept = Kept::default();
    let asks: &[(_, &[_])] =
        &[("u@x.com", &[("firstName", "Jo")]), ("+1234567", &[]), ("a", &[("email", "v@x.com")])];
    let first = upsert(&mut kept, asks);
    let created = [
        done(Action::Created, 1, "", "u@x.com", ""),
        done(Action::Created, 2, "", "", "+1234567"),
        done(Action::Created, 3, "a", "v@x.com", ""),
    ];
    assert_eq!(first, created);
    let again = upsert(&mut kept, asks);
    let unchanged = created.map(|told| match told {
        Told::Done(_, number, shown, notes) => Told::Done(Action::Unchanged, number, shown, notes),
        failed => failed,
    });
    assert_eq!(again, unchanged);
}

#[test]
fn two_contacts_swap_an_address_by_way_of_a_third() {
    let mut kept = Kept::default();
    upsert(&mut kept, &[("a", &[("email", "u@x.com")]), ("b", &[("email", "v@x.com")])]);
    let told = upsert(
        &mut kept,
        &[
            ("a", &[("email", "V@x.com")]),
            ("a", &[("email", "")]),
            ("b", &[("email", "U@x.com")]),
            ("a", &[("email", "v@x.com")]),
        ],
    );
    let expected = [
        Told::Failed(Failure::IdentifierTaken, three("a", "V@x.com", "")),
        done(Action::Updated, 1, "a", "", ""),
        done(Action::Updated, 2, "b", "U@x.com", ""),
        done(Action::Updated, 1, "a", "v@x.com", ""),
    ];
    assert_eq!(told, expected);
    assert!(kept.index_is_exact());
}

#[test]
fn a_user_id_that_looks_like_an_address_is_found_before_the_address() {
    let mut kept = Kept::default();
    upsert(&mut kept, &[("u@x.com", &[("email", "v@x.com"), ("userId", "u@x.com")])]);
    let told = upsert(&mut kept, &[("b", &[("email", "u@x.com")]), ("u@x.com", &[("firstName", "Al")])]);
    let expected =
        [done(Action::Created, 2, "b", "u@x.com", ""), done(Action::Updated, 1, "u@x.com", "v@x.com", "")];
    assert_eq!(told, expected);
}

#[test]
fn who_says_which_identifier_it_is_finds_nobody_else_by_it() {
    let mut kept = Kept::default();
    upsert(&mut kept, &[("a", &[("userId", "u@x.com")]), ("b", &[("email", "u@x.com")])]);
    for (by, number, shown) in [
        (IdentifierKind::UserId, 1, three("u@x.com", "", "")),
        (IdentifierKind::Email, 2, three("b", "u@x.com", "")),
    ] {
        let fields = Fields::from([("firstName", by.field().name().to_owned())]);
        let asks = vec![Ask { contact: "u@x.com", fields, keep: false }];
        let batch = Batch { list: 1, upsert: false, by: Some(by), damaged: false, asks };
        kept.apply(std::slice::from_ref(&batch), 2_000);
        let told = kept.told(kept.results.last().unwrap());
        assert_eq!(told, [Told::Done(Action::Updated, number, shown, Vec::new())]);
    }
}

#[test]
fn a_contact_keeps_one_identifier_at_least() {
    let mut kept = Kept::default();
    let told = upsert(
        &mut kept,
        &[
            ("u@x.com", &[("email", "")]),
            ("u@x.com", &[("email", ""), ("userId", "a")]),
            ("a", &[("userId", "")]),
            ("a", &[("userId", ""), ("phoneNumber", "+1234567")]),
        ],
    );
    let expected = [
        Told::Failed(Failure::IdentifierRequired, three("", "", "")),
        done(Action::Created, 1, "a", "", ""),
        Told::Failed(Failure::IdentifierRequired, three("", "", "")),
        done(Action::Updated, 1, "", "", "+1234567"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn another_spelling_of_the_own_address_is_a_change_and_taken_from_nobody() {
    let mut kept = Kept::default();
    let told = upsert(&mut kept, &[("é@x.com", &[]), ("É@x.com", &[("email", "É@x.com")])]);
    assert_eq!(
        told,
        [done(Action::Created, 1, "", "é@x.com", ""), done(Action::Updated, 1, "", "É@x.com", "")]
    );
}
