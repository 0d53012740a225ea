//! What is done with bytes that somebody else has made. The fuzzer calls these functions, and a test calls them with
//! all that the fuzzer has found worth keeping: a fault that was found once stays found.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "each target calls one of these"
)]

use domain::apply::outcome;
use domain::clock::Timestamp;
use domain::contact::document::Document;
use domain::contact::record;
use domain::history;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ItemsWriter, ListNo, read_items};
use domain::problem::MAX_PROBLEMS;
use files::batch;
use files::layout::Said;
use files::mapping::{Mapping, Wishes};
use files::row::Reading;
use files::survey::Survey;
use files::table::{Go, beginning};
use files::values::Values;
use storage::{List, ListAbout, Variable, VariableKind};
use wire::ingest::contacts::check_update;

/// A body of contacts/update: read, checked, encoded. What is encoded reads as a batch.
pub fn body(bytes: &[u8]) {
    let variables = [("plan", VariableKind::String), ("since", VariableKind::Date)];
    let variables = variables.into_iter().zip(64..).map(|((name, kind), number)| Variable {
        number,
        name: name.to_owned(),
        kind,
    });
    let id = ObjectId::from_bytes([7; 12]);
    let list = List::new(ListNo(1), id, AccountNo(1), ListAbout::default(), variables.collect());
    for list in [None, Some(&list)] {
        match check_update(bytes, list) {
            Ok(items) => {
                let items = read_items(&items).expect("what was written reads");
                assert!((1..=100).contains(&items.len()));
                for item in items {
                    item.asked().expect("a patch");
                    item.named().expect("a patch");
                    history::fields(item.patch).expect("a record");
                }
            }
            Err(problems) => {
                assert!((1..=MAX_PROBLEMS).contains(&problems.len()));
                assert!(
                    problems.iter().all(|problem| !problem.message.is_empty() && !problem.code.is_empty())
                );
            }
        }
    }
}

/// A table: surveyed, its rows read into batches of contacts. Each contact is a JSON object.
pub fn table(bytes: &[u8]) {
    let path = std::env::temp_dir().join(format!("rollbook-fuzz-{}", std::process::id()));
    std::fs::write(&path, bytes).expect("a file");
    read_table(&path);
    std::fs::remove_file(&path).expect("it is there");
}

fn read_table(path: &std::path::Path) {
    let Ok(survey) = Survey::of(path, &Said::default()) else { return };
    let Ok((header, _)) = beginning(&survey, 3) else { return };
    let wishes = Wishes { ignore_others: true, ..Wishes::default() };
    let Ok(mapping) = Mapping::of(&header, &wishes, &["plan".to_owned()]) else { return };
    for (empty_clears, ours) in [(false, false), (true, true)] {
        let (by, values, absent) = (None, Values::default(), Vec::new());
        let reading = Reading { mapping: mapping.clone(), empty_clears, ours, by, values, absent };
        let mut rows = 0;
        let read = batch::read(&survey, &reading, (0, 0), |batch| {
            rows = batch.rows_read;
            for row in 0..batch.items.len() {
                if let Some(contact) = batch.contact(row) {
                    assert!(contact.starts_with('{') && contact.ends_with('}'), "{contact}");
                    // As the contacts of a body, whatever is in them: a body is never broken by a cell.
                    let body = format!("{{\"contactListId\":\"x\",\"contacts\":[{contact}]}}");
                    let problems = check_update(body.as_bytes(), None).err().unwrap_or_default();
                    assert!(problems.iter().all(|problem| problem.code != "BAD_REQUEST"), "{body}");
                }
            }
            Ok(Go::On)
        });
        if read.is_ok() {
            assert_eq!(rows, survey.rows, "every row is read once");
        }
    }
}

/// What lies in a store: items, results, histories, documents. Whatever the disk has made of it, reading it ends, and
/// what reads can be read again.
pub fn journal(bytes: &[u8]) {
    if let Ok(items) = read_items(bytes) {
        let mut writer = ItemsWriter::default();
        for item in &items {
            let _ = (item.asked(), item.named());
            writer.add(item.kind, item.contact, item.patch);
        }
        let again = writer.finish();
        assert_eq!(read_items(&again).expect("what was written reads"), items);
    }
    if let Ok(outcomes) = outcome::read(bytes) {
        let mut again = Vec::new();
        outcomes.iter().for_each(|outcome| outcome::put(&mut again, outcome));
        assert_eq!(outcome::read(&again).as_ref(), Ok(&outcomes));
    }
    if let Ok(changes) = history::read(bytes) {
        let mut again = Vec::new();
        changes.iter().for_each(|change| change.put(&mut again));
        assert_eq!(history::read(&again).map(|again| again.len()), Ok(changes.len()));
        if let Ok(mut backwards) = history::Backwards::from(Some(bytes)) {
            for change in &changes {
                let _ = change.identifiers();
                if backwards.step(change).is_err() {
                    break;
                }
            }
        }
    }
    if let Ok(document) = Document::read(bytes) {
        let _ = history::fields(document.record);
        assert!(document.header.created_at >= Timestamp::default());
    }
    // A document and a patch, split anywhere.
    let (one, two) = bytes.split_at(bytes.first().map_or(0, |at| usize::from(*at)).min(bytes.len()));
    let (mut merged, mut undo) = (Vec::new(), Vec::new());
    if record::merge(one, two, &mut merged, &mut undo).is_ok() {
        history::fields(&merged).expect("what was merged reads");
    }
}
