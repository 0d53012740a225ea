//! A field is a row of the table of fields and nothing else: one that exists only in unit tests is read from bodies,
//! shown, described, filtered by, exported and recognized in files. Forms and columns of pages have such tests too.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::time::Duration;

use schemars::SchemaGenerator;
use serde_json::json;

use app::Limits;
use domain::clock::Timestamp;
use domain::contact::document::{Document, Header};
use domain::contact::field::Field;
use domain::filter::{self, Fit, Resolved};
use domain::id::ObjectId;
use domain::journal::{AccountNo, BatchKind, ListNo};
use domain::json::{Raw, read_members};
use domain::list::{List, ListAbout};
use files::export::stored::Layout;
use files::target::{COLUMNS, Target};
use http::reference::document;
use storage::{Backlog, Contact};
use wire::contact::Shown;
use wire::ingest::check::{CheckedContact, KEYS};

const FIELD: Field = Field::Nickname;

fn list() -> List {
    List::new(ListNo(1), ObjectId::from_bytes([7; 12]), AccountNo(1), ListAbout::default(), vec![])
}

/// A contact with the field, as a body sets it.
fn contact() -> Contact {
    let body = json!({ "contact": "jo@example.com", "lastName": "Doe", FIELD.name(): "Jo" }).to_string();
    let members = read_members(&body, &KEYS).unwrap();
    let mut checked = CheckedContact::check(&members, 0, (BatchKind::Upsert, None), Some(&list()));
    assert_eq!((checked.problems, checked.warnings), (vec![], vec![]));
    let time = Timestamp::from_millis(1_791_993_600_000);
    let mut document = Vec::new();
    Header { created_at: time, updated_at: time, renamed_at: 0, changed_at: 0 }.put(&mut document);
    checked.patch.put(false, &mut document);
    Contact { document, source: None, source_cac: None }
}

#[test]
fn it_is_read_from_a_body_and_shown() {
    let shown = serde_json::to_value(Shown::of(&contact(), &list(), &[]).unwrap()).unwrap();
    assert_eq!((&shown[FIELD.name()], &shown["lastName"]), (&json!("Jo"), &json!("Doe")));
    let schema = SchemaGenerator::default().into_root_schema_for::<Shown>();
    assert_eq!(schema.get("properties").unwrap()[FIELD.name()]["description"], FIELD.text());
}

#[test]
fn it_is_in_the_description_of_the_api() {
    let limits = Limits {
        body: 1,
        body_timeout: Duration::ZERO,
        in_flight: 1,
        backlog: Backlog { batches: 1, bytes: 1 },
        history: Duration::ZERO,
        proxies: vec![],
        suppression_expiry: Default::default(),
        unsubscribe_url: None,
    };
    let description = document::describe(&limits, "https://contacts.example.com");
    for schema in ["Contact", "ContactInput", "ContactToAdd"] {
        let members = &description["components"]["schemas"][schema]["properties"];
        assert!(members[FIELD.name()]["description"].as_str().unwrap().starts_with(FIELD.text()), "{schema}");
    }
}

#[test]
fn it_is_filtered_by() {
    for (text, fits) in [("jo", true), ("al", false)] {
        let filter = json!({ "field": FIELD.name(), "op": "beginsWith", "value": text }).to_string();
        let mut problems = Vec::new();
        let tree = filter::decode(Raw::parse(&filter).unwrap(), None, &mut Vec::new(), &mut problems);
        let resolved =
            Resolved { now: Timestamp::from_millis(0), sources: HashMap::new(), segments: HashMap::new() };
        let matcher = tree.unwrap().compile(&resolved);
        let contact = contact();
        let document = Document::read(&contact.document).unwrap();
        assert!(matches!(matcher.fit(&document), Ok(Fit::Sure(is)) if is == fits), "{text}");
    }
}

#[test]
fn it_is_a_column_of_files() {
    let (contact, mut cells) = (contact(), Vec::new());
    Layout::of(&list()).read(&contact, &mut cells).unwrap();
    let place = COLUMNS.iter().position(|column| *column == FIELD.name()).unwrap();
    assert_eq!(cells[place], "Jo");
    for header in ["nickname", "Nickname", "NICK NAME", "Known as"] {
        assert_eq!(Target::guess(header, &[]), Some(Target::Field(FIELD)), "{header}");
    }
    assert_eq!(Target::near("Niknames", &[]), Some(Target::Field(FIELD)));
}
