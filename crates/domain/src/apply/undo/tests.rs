//! What contacts get back, and what they cannot have: identifiers above all, which others may bear.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::apply::unit_of_work::{EraseForm, ListState};
use crate::contact::document::Header;
use crate::id::ObjectId;
use crate::journal::{AccountNo, BatchKind, ListNo};

const KEY: HashKey = HashKey::from_bytes([1; 16]);
const LIST: ListNo = ListNo(1);
const KINDS: [IdentifierKind; 3] = IdentifierKind::ALL;

type Three = [Option<&'static str>; 3];

/// A contact before the request and now; `None` where it was or is not there.
#[derive(Clone, Debug)]
struct Case {
    before: Option<Three>,
    now: Option<Three>,
}

/// userId alone.
fn case(before: Option<&'static str>, now: Option<&'static str>) -> Case {
    let three = |text: Option<&'static str>| text.map(|text| [Some(text), None, None]);
    Case { before: three(before), now: three(now) }
}

fn record(three: Three) -> Fields {
    let fields = KINDS.iter().zip(three);
    fields.filter_map(|(kind, text)| Some((kind.field().key(), text?.as_bytes().to_vec()))).collect()
}

fn subject(number: u64, case: &Case) -> Subject {
    let (before, now) = (record(case.before.unwrap_or_default()), record(case.now.unwrap_or_default()));
    let keys = before.keys().chain(now.keys());
    let changed = keys.filter(|key| before.get(key) != now.get(key));
    let replaced = changed.map(|key| (*key, before.get(key).cloned().unwrap_or_default())).collect();
    let recorded_change = RecordedChange {
        was_there: case.before.is_some(),
        is_there: case.now.is_some(),
        created_at: Timestamp::from_millis(1),
        replaced,
        erased: false,
    };
    Subject {
        number: ContactNo(number),
        recorded_change,
        since: Since::default(),
        slot: None,
        removed_at: 0,
        undone_at: 0,
        opted_out: Flags::default(),
        recorded: Flags::default(),
        ledger_end: None,
    }
}

struct Scene {
    work: UnitOfWork,
    batch: Waiting,
    subjects: Vec<Subject>,
    loaded: BTreeMap<u64, [Option<String>; 3]>,
}

impl Scene {
    fn new(cases: &[Case], strangers: &[Three]) -> Self {
        let state = ListState { alive: true, next: 100, ..ListState::default() };
        let work = UnitOfWork::new(KEY, HashMap::from([(LIST, state)]), HashSet::new());
        let batch = Waiting {
            position: 9,
            request: ObjectId::from_bytes([0; 12]),
            account: AccountNo(1),
            list: LIST,
            kind: BatchKind::Undo,
            restore_erased: false,
            token: String::new(),
            items: Vec::new(),
        };
        let mut scene = Self { work, batch, subjects: Vec::new(), loaded: BTreeMap::new() };
        for (number, case) in (1..).zip(cases) {
            let mut subject = subject(number, case);
            subject.slot = case.now.map(|now| scene.load(number, now, &[]));
            scene.subjects.push(subject);
        }
        for (number, stranger) in (50..).zip(strangers) {
            scene.load(number, *stranger, &[]);
        }
        scene
    }

    /// Puts a contact into the unit of work; `noise` behind its record.
    fn load(&mut self, number: u64, borne: Three, noise: &[u8]) -> u32 {
        let header = Header {
            created_at: Timestamp::from_millis(1),
            updated_at: Timestamp::from_millis(2),
            renamed_at: 0,
            changed_at: 5,
        };
        let mut document = Vec::new();
        header.put(&mut document);
        document.extend(patch(&record(borne)));
        document.extend_from_slice(noise);
        self.loaded.insert(number, owned(borne));
        let texts = KINDS.iter().zip(borne).filter_map(|(kind, text)| Some(KEY.hash(1, *kind, text?)));
        self.work.load(LIST, ContactNo(number), &document, texts).unwrap()
    }

    /// Per contact: what was done, what was put back, what was not and why; or why nothing was.
    fn undo(&mut self) -> Vec<Result<(Action, Undone), Failure>> {
        let decided = undo(&self.batch, &self.subjects, &mut self.work, &KEY, Timestamp::from_millis(3));
        let outcomes = outcome::read(&decided.results).unwrap();
        let told = outcomes.into_iter().map(|outcome| match outcome {
            Outcome::Undone(action, _, undone) => Ok((action, undone)),
            Outcome::Failed(failure, ..) => Err(failure),
            other => panic!("{other:?}"),
        });
        told.collect()
    }

    /// Who is there, by number, with what they bear.
    fn people(&self) -> BTreeMap<u64, [Option<String>; 3]> {
        let mut people = self.loaded.clone();
        for slot in self.work.changed() {
            people.remove(&slot.number.0);
            if slot.removed_at.is_none() {
                let borne = Document::read(self.work.document(slot)).unwrap().identifiers().unwrap();
                people.insert(slot.number.0, KINDS.map(|kind| borne.get(kind).map(str::to_owned)));
            }
        }
        people
    }

    fn user_ids(&self) -> Vec<(u64, String)> {
        let people = self.people().into_iter();
        people.map(|(number, [user_id, ..])| (number, user_id.unwrap_or_default())).collect()
    }
}

fn kept(failures: &[(IdentifierKind, Failure)]) -> Undone {
    let kept = failures.iter().map(|(kind, failure)| (kind.field().key(), *failure)).collect();
    Undone { restored: Vec::new(), kept }
}

const TAKEN: (IdentifierKind, Failure) = (IdentifierKind::UserId, Failure::IdentifierTaken);

#[test]
fn three_that_have_passed_an_identifier_round_get_theirs_back() {
    let cases = [case(Some("a"), Some("b")), case(Some("b"), Some("c")), case(Some("c"), Some("a"))];
    let mut scene = Scene::new(&cases, &[]);
    for told in scene.undo() {
        let restored = vec![IdentifierKind::UserId.field().key()];
        assert_eq!(told, Ok((Action::Updated, Undone { restored, kept: Vec::new() })));
    }
    assert_eq!(scene.user_ids(), [(1, "a".to_owned()), (2, "b".to_owned()), (3, "c".to_owned())]);
}

#[test]
fn who_does_not_get_an_identifier_keeps_the_one_that_the_next_would_have() {
    let cases = [case(Some("a"), Some("b")), case(Some("b"), Some("c")), case(Some("c"), Some("d"))];
    let mut scene = Scene::new(&cases, &[[Some("a"), None, None]]);
    assert_eq!(scene.undo(), vec![Ok((Action::Unchanged, kept(&[TAKEN]))); 3]);
    assert_eq!(scene.user_ids()[..3], [(1, "b".to_owned()), (2, "c".to_owned()), (3, "d".to_owned())]);
}

#[test]
fn who_was_made_frees_what_others_get_back_and_who_was_removed_takes_it() {
    let cases = [case(None, Some("a")), case(Some("a"), None), case(Some("b"), Some("c"))];
    let mut scene = Scene::new(&cases, &[]);
    let actions: Vec<_> = scene.undo().into_iter().map(|told| told.unwrap().0).collect();
    assert_eq!(actions, [Action::Removed, Action::Created, Action::Updated]);
    assert_eq!(scene.user_ids(), [(2, "a".to_owned()), (3, "b".to_owned())]);
}

#[test]
fn nobody_comes_back_without_an_identifier() {
    let name = (Field::Name.key(), b"x".to_vec());
    for (strangers, failure) in
        [(vec![[Some("a"), None, None]], Failure::IdentifierTaken), (vec![], Failure::ContactErased)]
    {
        let mut scene = Scene::new(&[case(Some("a"), None)], &strangers);
        if strangers.is_empty() {
            let hash = KEY.erased(1, IdentifierKind::UserId, "a");
            scene.work = scene.work.without(HashMap::from([((AccountNo(1), hash), EraseForm::Exact)]));
        }
        for with_name in [false, true] {
            let mut expected = vec![(IdentifierKind::UserId.field().key(), failure)];
            if with_name {
                scene.subjects[0].recorded_change.replaced.extend([name.clone()]);
                expected.push((name.0, Failure::IdentifierRequired));
            }
            let undone = Undone { restored: Vec::new(), kept: expected };
            assert_eq!(scene.undo(), [Ok((Action::Unchanged, undone))]);
        }
        assert_eq!(scene.people().len(), strangers.len());
    }
}

#[test]
fn who_cannot_be_read_is_told_so_and_gives_up_nothing() {
    let cases = [case(Some("a"), Some("x")), case(Some("b"), None)];
    let mut scene = Scene::new(&cases, &[]);
    // It reads as far as its identifiers; of a name there is the length alone.
    scene.subjects[0].slot = Some(scene.load(1, [Some("b"), None, None], &[4, 50]));
    assert_eq!(scene.undo(), [Err(Failure::Damaged), Ok((Action::Unchanged, kept(&[TAKEN])))]);
}

#[test]
fn a_list_that_is_gone_and_a_person_who_was_erased_are_failures() {
    let mut scene = Scene::new(&[case(Some("a"), Some("b"))], &[]);
    scene.subjects[0].recorded_change.erased = true;
    assert_eq!(scene.undo(), [Err(Failure::ContactErased)]);
    scene.work = UnitOfWork::new(KEY, HashMap::from([(LIST, ListState::default())]), HashSet::new());
    assert_eq!(scene.undo(), [Err(Failure::ListNotFound)]);
}

#[test]
fn a_deed_is_what_was_before_its_first_change() {
    let entry = |value: &str| {
        let mut patch = Vec::new();
        put_entry(&mut patch, Field::Name.key(), value.as_bytes());
        patch
    };
    let (first, second) = (entry("1"), entry("2"));
    let change = |kind, before| Change { kind, number: ContactNo(1), previous: 0, before, after: None };
    let mut recorded_change = RecordedChange::default();
    recorded_change.add(&change(ChangeKind::Updated, &first), true).unwrap();
    recorded_change.add(&change(ChangeKind::Updated, &second), false).unwrap();
    assert!(recorded_change.was_there && recorded_change.is_there);
    assert_eq!(recorded_change.replaced, Fields::from([(Field::Name.key(), b"1".to_vec())]));
    let mut made = RecordedChange::default();
    made.add(&change(ChangeKind::Created, &[]), true).unwrap();
    made.add(&change(ChangeKind::Updated, &second), false).unwrap();
    assert!(!made.was_there && made.is_there);
    assert_eq!(RecordedChange::default().add(&change(ChangeKind::Removed, &[9]), true), Err(Malformed));
}

const TEXTS: [[&str; 4]; 3] = [
    ["a", "b", "c", "d"],
    ["a@x.com", "b@x.com", "c@x.com", "d@x.com"],
    ["+15555551", "+15555552", "+15555553", "+15555554"],
];

/// Each text once: whoever comes later goes without.
fn unique(drawn: Vec<Option<[Option<usize>; 3]>>, spare: [&'static str; 6]) -> Vec<Option<Three>> {
    let mut used = HashSet::new();
    let mut people = Vec::new();
    for (drawn, spare) in drawn.into_iter().zip(spare) {
        people.push(drawn.map(|drawn| {
            let mut three: Three = [0, 1, 2]
                .map(|kind| drawn[kind].map(|text| TEXTS[kind][text]).filter(|text| used.insert(*text)));
            if three.iter().all(Option::is_none) {
                three[0] = Some(spare);
            }
            three
        }));
    }
    people
}

fn people(count: usize) -> impl Strategy<Value = Vec<Option<[Option<usize>; 3]>>> {
    let three = prop::array::uniform3(prop::option::of(0..4_usize));
    prop::collection::vec(prop::option::weighted(0.8, three), count)
}

proptest! {
    /// Whatever a request has done, all of it can be undone where nobody has taken anything since.
    #[test]
    fn all_get_back_what_they_had_where_nobody_took_it(before in people(6), now in people(6)) {
        let before = unique(before, ["u1", "u2", "u3", "u4", "u5", "u6"]);
        let now = unique(now, ["v1", "v2", "v3", "v4", "v5", "v6"]);
        let cases: Vec<_> =
            before.into_iter().zip(now).map(|(before, now)| Case { before, now }).collect();
        let mut scene = Scene::new(&cases, &[]);
        for told in scene.undo() {
            prop_assert_eq!(told.map(|(_, undone)| undone.kept), Ok(Vec::new()));
        }
        let before = (1..).zip(&cases).filter_map(|(number, case)| Some((number, owned(case.before?))));
        prop_assert_eq!(scene.people(), before.collect());
    }

    /// No two bear the same, nobody bears nothing, and what was refused as taken is borne by another in the end.
    #[test]
    fn what_others_have_taken_stays_with_them(before in people(6), now in people(6)) {
        let before = unique(before, ["u1", "u2", "u3", "u4", "u5", "u6"]);
        let now = unique(now, ["v1", "v2", "v3", "v4", "v5", "v6"]);
        let strangers: Vec<Three> = now[4..].iter().flatten().copied().collect();
        let cases: Vec<_> =
            before.into_iter().zip(now).take(4).map(|(before, now)| Case { before, now }).collect();
        let mut scene = Scene::new(&cases, &strangers);
        let told = scene.undo();
        let people = scene.people();
        let all = |kind: usize| people.values().filter_map(|borne| borne[kind].clone()).collect::<Vec<_>>();
        for kind in 0..3 {
            let mut borne = all(kind);
            borne.sort_unstable();
            let count = borne.len();
            borne.dedup();
            prop_assert_eq!(borne.len(), count);
        }
        for borne in people.values() {
            prop_assert!(borne.iter().any(Option::is_some));
        }
        for (number, stranger) in (50..).zip(&strangers) {
            prop_assert_eq!(&people[&number], &owned(*stranger));
        }
        for (case, told) in cases.iter().zip(told) {
            for (key, failure) in told.unwrap().1.kept {
                let kind = KINDS.iter().position(|kind| kind.field().key() == key).unwrap();
                if failure == Failure::IdentifierTaken {
                    let wanted = case.before.unwrap()[kind].unwrap().to_owned();
                    prop_assert!(all(kind).contains(&wanted));
                } else {
                    prop_assert_eq!(failure, Failure::IdentifierRequired);
                }
            }
        }
    }
}

fn owned(borne: Three) -> [Option<String>; 3] {
    borne.map(|text| text.map(str::to_owned))
}
