//! A store in maps: it loads what the plan asks for and nothing else, and keeps what the unit of work says has changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::asks::{Batch, Fields, LISTS, SOURCE, key_of, stored};
use super::model::{Person, Three, Told};
use crate::apply::outcome::{self, NoteCode, Outcome};
use crate::apply::plan::{Plan, Waiting};
use crate::apply::rule;
use crate::apply::unit_of_work::{Former, IndexEntry, ListState, UnitOfWork};
use crate::clock::Timestamp;
use crate::contact::choice::{Flags, State};
use crate::contact::document::Document;
use crate::contact::identifier::{HashKey, IdentifierKind, Identifiers};
use crate::contact::record::Reader;
use crate::id::ObjectId;
use crate::journal::{AccountNo, BatchKind, ContactNo, ListNo};

const KEY: HashKey = HashKey::from_bytes([7; 16]);

type Id = (ListNo, ContactNo);

/// The results of a batch, as they are kept.
#[derive(Debug, PartialEq, Eq)]
pub struct Results {
    position: u64,
    list: ListNo,
    outcomes: Vec<u8>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kept {
    documents: BTreeMap<Id, Vec<u8>>,
    index: BTreeSet<IndexEntry>,
    next: BTreeMap<ListNo, u64>,
    formers: BTreeMap<(Id, u64, u32), Vec<u8>>,
    pub results: Vec<Results>,
}

impl Kept {
    /// One apply transaction.
    pub fn apply(&mut self, batches: &[Batch], now: i64) {
        let waiting: Vec<_> = (self.results.len() as u64 + 1..).zip(batches).map(waiting).collect();
        let plan = Plan::read(&waiting, &KEY);
        let mut work = self.load(&waiting, &plan);
        let decided = rule::apply(&waiting, &plan, &mut work, Timestamp::from_millis(now));
        self.write(&work);
        self.results.extend(waiting.iter().zip(decided).map(|(batch, decided)| Results {
            position: batch.position,
            list: batch.list,
            outcomes: decided.results,
        }));
    }

    fn load(&self, waiting: &[Waiting], plan: &Plan<'_>) -> UnitOfWork {
        let state = |list: ListNo| {
            let there = LISTS.iter().find(|(no, _)| *no == list.0);
            ListState {
                alive: there.is_some(),
                next: self.next.get(&list).copied().unwrap_or(1),
                variables: there
                    .map(|(_, variables)| variables.iter().copied().collect())
                    .unwrap_or_default(),
                ..ListState::default()
            }
        };
        let lists: HashMap<_, _> = waiting.iter().map(|batch| (batch.list, state(batch.list))).collect();
        let sources = plan.sources().into_iter().filter(|source| *source == SOURCE).collect();
        let mut work = UnitOfWork::new(KEY, lists, sources);
        let hashes = plan.hashes(waiting, &KEY);
        let holds = |entry: &&IndexEntry| hashes.binary_search(&(entry.hash, entry.list)).is_ok();
        let ids: BTreeSet<Id> =
            self.index.iter().filter(holds).map(|entry| (entry.list, entry.number)).collect();
        for id in ids {
            // Only the hashes that were asked for, as the store finds them.
            let found = self.index.iter().filter(holds).filter(|entry| (entry.list, entry.number) == id);
            work.load(id.0, id.1, &self.documents[&id], found.map(|entry| entry.hash)).unwrap();
        }
        work
    }

    fn write(&mut self, work: &UnitOfWork) {
        for slot in work.changed() {
            let old = self.documents.insert((slot.list, slot.number), work.document(slot).to_vec());
            assert_eq!(old.is_none(), slot.new, "a number is never given twice");
        }
        let (stale, fresh) = work.index_changes().unwrap();
        for entry in stale {
            assert!(self.index.remove(&entry), "only what is there is taken out: {entry:?}");
        }
        for entry in fresh {
            assert!(self.index.insert(entry), "only what is not there is put in: {entry:?}");
        }
        for (list, state) in work.lists().filter(|(_, state)| state.made > 0) {
            let next = self.next.entry(list).or_insert(1);
            *next += state.made;
            assert_eq!(*next, state.next);
        }
        for Former { list, number, position, item, identifiers } in &work.formers {
            let place = ((*list, *number), *position, *item);
            assert!(self.formers.insert(place, identifiers.clone()).is_none(), "one per item");
        }
    }

    /// Whether the index is what one would make from the contacts alone.
    pub fn index_is_exact(&self) -> bool {
        let mut index = BTreeSet::new();
        for ((list, number), document) in &self.documents {
            let borne = Document::read(document).unwrap().identifiers().unwrap();
            for kind in IdentifierKind::ALL {
                let Some(text) = borne.get(kind) else { continue };
                let (hash, former) = KEY.index(list.0.unsigned_abs(), kind, text);
                let entry = |hash| IndexEntry { hash, list: *list, number: *number };
                index.extend(former.into_iter().chain([hash]).map(entry));
            }
        }
        index == self.index
    }

    /// Whether the contacts are these people, with all their fields and no other.
    pub fn assert_holds(&self, lists: &BTreeMap<i64, Vec<Person>>) {
        let count: usize = lists.values().map(Vec::len).sum();
        assert_eq!(self.documents.len(), count);
        for (list, person) in lists.iter().flat_map(|(list, people)| people.iter().map(move |p| (list, p))) {
            let document = &self.documents[&(ListNo(*list), ContactNo(person.number))];
            let document = Document::read(document).unwrap();
            assert_eq!(document.header.created_at.millis(), person.created_at, "{person:?}");
            assert_eq!(document.header.updated_at.millis(), person.updated_at, "{person:?}");
            assert_eq!(entries(&document), wanted(&person.fields), "{person:?}");
            let flags = State::read(document.record).unwrap();
            for flag in Flags::ALL {
                let refused =
                    person.refused.contains(flag.name()) && !person.fields.contains_key(flag.name());
                assert_eq!(flags.is_refused(flag), refused, "{person:?}");
            }
        }
    }

    /// What a caller who asks now is told of the batch.
    pub fn told(&self, results: &Results) -> Vec<Told> {
        let outcomes = outcome::read(&results.outcomes).unwrap();
        let told = |(item, outcome)| match outcome {
            Outcome::Failed(failure, asked, _) => Told::Failed(failure, owned(&asked)),
            Outcome::Done(action, number, notes) => {
                let notes =
                    notes.into_iter().map(|note| (note.field.name(), note.code == NoteCode::OptedOut));
                let shown = self.shown((results.list, number), results.position, item);
                Told::Done(action, number.0, shown, notes.collect())
            }
            Outcome::Undone(..) | Outcome::Erased(_) => panic!("no batch asks for that"),
        };
        (0..).zip(outcomes).map(told).collect()
    }

    /// The identifiers after an item: those that the next change replaced, or those of now.
    fn shown(&self, id: Id, position: u64, item: u32) -> Three {
        let document = Document::read(&self.documents[&id]).unwrap();
        let later = (id, position, item + 1)..=(id, u64::MAX, u32::MAX);
        match self.formers.range(later).next() {
            Some((_, former)) => {
                // The header's promise: without this a reader would not look for it.
                assert!(document.header.renamed_at >= position);
                let mut reader = Reader::new(former);
                [(); 3].map(|()| Some(reader.text().unwrap().to_owned()).filter(|text| !text.is_empty()))
            }
            None => owned(&document.identifiers().unwrap()),
        }
    }
}

fn waiting((position, batch): (u64, &Batch)) -> Waiting {
    let kind = BatchKind::update(batch.upsert, batch.by.is_some());
    Waiting {
        position,
        request: ObjectId::from_bytes([0; 12]),
        account: AccountNo(1),
        list: ListNo(batch.list),
        kind,
        restore_erased: false,
        token: String::new(),
        items: batch.items(),
    }
}

fn entries(document: &Document<'_>) -> Vec<(crate::contact::field::Key, Vec<u8>)> {
    let mut reader = Reader::new(document.record);
    let shown = std::iter::from_fn(|| reader.entry().unwrap()).filter(|entry| entry.key.is_shown());
    shown.map(|entry| (entry.key, entry.value.to_vec())).collect()
}

fn wanted(fields: &Fields) -> Vec<(crate::contact::field::Key, Vec<u8>)> {
    let mut wanted: Vec<_> = fields.iter().map(|(name, value)| (key_of(name), stored(name, value))).collect();
    wanted.sort();
    wanted
}

fn owned(identifiers: &Identifiers<Option<&str>>) -> Three {
    IdentifierKind::ALL.map(|kind| identifiers.get(kind).map(str::to_owned))
}
