//! Sections 4 and 5 of the contract as twenty lines of plain code, and the server beside it: whatever the batches,
//! both say the same.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::harness::Server;

/// The identifiers in the order of look-up, and their names in a request and in results.
const KINDS: [(&str, &str); 3] = [("userId", "userId"), ("email", "email"), ("phoneNumber", "phone")];

/// Few, so that they meet: some are of one kind by their form and userIds all the same.
const TEXTS: [&[&str]; 3] = [
    &["one", "two", "ONE", "a@example.com", "+15555551"],
    &["a@example.com", "A@Example.com", "b@example.com"],
    &["+15555551", "+15555552"],
];

type Identifiers = [Option<String>; 3];

#[derive(Clone, Debug)]
struct Item {
    contact: String,
    /// Empty clears.
    named: Identifiers,
    name: Option<&'static str>,
}

impl Item {
    fn to_json(&self) -> Value {
        let mut item = json!({ "contact": self.contact, "name": self.name });
        for ((key, _), text) in KINDS.iter().zip(&self.named) {
            item[key] = json!(text);
        }
        item
    }

    /// What `contact` is by its form.
    fn kind(&self) -> usize {
        if self.contact.contains('@') { 1 } else { 2 * usize::from(self.contact.starts_with('+')) }
    }

    /// What the item has its contact bear: what it names, and what `contact` fills.
    fn asked(&self) -> Identifiers {
        let mut asked = self.named.clone();
        asked[self.kind()].get_or_insert(self.contact.clone());
        asked.map(|text| text.filter(|text| !text.is_empty()))
    }
}

/// A contact: its identifiers and its name.
#[derive(Clone, Debug, Default, PartialEq)]
struct Person {
    identifiers: Identifiers,
    name: Option<&'static str>,
}

/// The contacts of a list, and the rule.
#[derive(Default)]
struct Model(Vec<Person>);

impl Model {
    fn find(&self, kind: usize, text: &str) -> Option<usize> {
        let fold = |text: &str| if kind == 1 { text.to_lowercase() } else { text.to_owned() };
        self.0.iter().position(|person| {
            person.identifiers[kind].as_deref().is_some_and(|borne| fold(borne) == fold(text))
        })
    }

    /// What the item does, or why it does nothing; and the identifiers to show.
    fn apply(&mut self, item: &Item, upsert: bool) -> (&'static str, Identifiers) {
        let found = (0..3).find_map(|kind| self.find(kind, &item.contact));
        let before = match found {
            Some(found) => self.0[found].clone(),
            None if upsert => Person::default(),
            None => return ("CONTACT_NOT_FOUND", item.asked()),
        };
        let mut after = before.clone();
        if found.is_none() {
            after.identifiers = item.asked();
        }
        for kind in 0..3 {
            if let Some(text) = &item.named[kind] {
                after.identifiers[kind] = Some(text.clone()).filter(|text| !text.is_empty());
            }
        }
        after.name = item.name.or(before.name);
        if after.identifiers.iter().all(Option::is_none) {
            return ("IDENTIFIER_REQUIRED", item.asked());
        }
        for (kind, text) in after.identifiers.iter().enumerate() {
            let holder = text.as_deref().and_then(|text| self.find(kind, text));
            if holder.is_some() && holder != found {
                return ("IDENTIFIER_TAKEN", item.asked());
            }
        }
        let identifiers = after.identifiers.clone();
        match found {
            Some(_) if after == before => ("unchanged", identifiers),
            Some(found) => {
                self.0[found] = after;
                ("updated", identifiers)
            }
            None => {
                self.0.push(after);
                ("created", identifiers)
            }
        }
    }
}

/// The entries of both halves of `results` in the order of their positions.
fn told(request: &Value) -> Vec<(String, Identifiers)> {
    let results = &request["results"];
    let entries = results["success"].as_array().unwrap().iter().chain(results["errors"].as_array().unwrap());
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by_key(|entry| entry["position"].as_u64());
    let entry = |entry: &&Value| {
        let (word, holder) = match entry.get("action") {
            Some(action) => (action, *entry),
            None => (&entry["error"], &entry["contact"]),
        };
        let identifiers = KINDS.map(|(_, key)| holder[key].as_str().map(str::to_owned));
        (word.as_str().unwrap().to_owned(), identifiers)
    };
    entries.iter().map(entry).collect()
}

fn items() -> impl Strategy<Value = Item> {
    let of = |kind: usize| prop::sample::select(TEXTS[kind]).prop_map(str::to_owned);
    let named = |kind: usize| prop_oneof![5 => Just(None), 1 => Just(Some(String::new())), 3 => of(kind).prop_map(Some)];
    let contact = prop_oneof![of(0), of(1), of(2)];
    let name = prop::sample::select(vec![None, Some("John"), Some("Jane")]);
    let item = (contact, named(0), named(1), named(2), name);
    item.prop_map(|(contact, user_id, email, phone, name)| Item {
        contact,
        named: [user_id, email, phone],
        name,
    })
    .prop_filter("an item that empties all three is refused", |item| {
        !item.named.iter().all(|text| text.as_deref() == Some(""))
    })
}

#[test]
fn whatever_the_batches_the_server_says_what_the_contract_says() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start());
    let batches = proptest::collection::vec((any::<bool>(), proptest::collection::vec(items(), 1..8)), 1..8);
    let mut runner = TestRunner::new(Config { cases: 100, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&batches, |batches| {
        let list = runtime.block_on(server.list());
        let mut model = Model::default();
        let mut requests = Vec::new();
        for (upsert, items) in &batches {
            let expected: Vec<_> = items.iter().map(|item| model.apply(item, *upsert)).collect();
            let contacts = json!(items.iter().map(Item::to_json).collect::<Vec<_>>());
            let request = runtime.block_on(server.update(&list, *upsert, contacts));
            let expected: Vec<_> = expected.into_iter().map(|(word, ids)| (word.to_owned(), ids)).collect();
            prop_assert_eq!(told(&request), expected);
            requests.push(request);
        }
        for request in requests {
            let later = runtime.block_on(server.processed(request["id"].as_str().unwrap()));
            prop_assert_eq!(&later["results"], &request["results"]);
        }
        for kind in 0..3 {
            for text in TEXTS[kind] {
                let shown = runtime.block_on(server.contact(&list, KINDS[kind].0, text));
                let name = model.find(kind, text).map(|found| json!(model.0[found].name));
                prop_assert_eq!(shown.get("name"), name.as_ref());
            }
        }
        Ok(())
    });
    outcome.unwrap();
    runtime.block_on(server.stop());
}
