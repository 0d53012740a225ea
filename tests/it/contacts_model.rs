//! What contacts/update, add and remove do as a page of plain code, and the server beside it: whatever the batches, both
//! say the same.

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

/// A contact of a request.
#[derive(Clone, Debug)]
pub struct Item {
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

/// The order in which contacts/remove takes kinds of identifiers.
const REMOVAL: [usize; 3] = [1, 2, 0];

/// A request.
#[derive(Clone, Debug)]
pub enum Batch {
    /// With `upsert` or without.
    Update(bool, Vec<Item>),
    Add(Vec<Item>),
    /// By the kind of identifier.
    Remove([Vec<String>; 3]),
}

impl Batch {
    pub const fn path(&self) -> &'static str {
        match self {
            Self::Update(..) => "/v3/contacts/update",
            Self::Add(_) => "/v3/contacts/add",
            Self::Remove(_) => "/v3/contacts/remove",
        }
    }

    pub fn body(&self, list: &str) -> Value {
        let contacts = |items: &[Item]| items.iter().map(Item::to_json).collect::<Vec<_>>();
        match self {
            Self::Update(upsert, items) => {
                json!({ "contactListId": list, "upsert": upsert, "contacts": contacts(items) })
            }
            Self::Add(items) => json!({ "contactListId": list, "contacts": contacts(items) }),
            Self::Remove([user_ids, emails, phone_numbers]) => {
                json!({ "contactListId": list, "userIds": user_ids, "emails": emails, "phoneNumbers": phone_numbers })
            }
        }
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

    /// What each item of a batch does, or why it does nothing; and the identifiers to show.
    fn apply(&mut self, batch: &Batch) -> Vec<(&'static str, Identifiers)> {
        match batch {
            Batch::Update(upsert, items) => items.iter().map(|item| self.update(item, *upsert)).collect(),
            Batch::Add(items) => items.iter().map(|item| self.add(item)).collect(),
            Batch::Remove(named) => {
                let in_order =
                    REMOVAL.into_iter().flat_map(|kind| named[kind].iter().map(move |text| (kind, text)));
                in_order.map(|(kind, text)| self.remove(kind, text)).collect()
            }
        }
    }

    fn add(&mut self, item: &Item) -> (&'static str, Identifiers) {
        let identifiers = item.named.clone().map(|text| text.filter(|text| !text.is_empty()));
        let taken =
            |kind: usize| identifiers[kind].as_deref().is_some_and(|text| self.find(kind, text).is_some());
        if (0..3).any(taken) {
            return ("CONTACT_EXISTS", identifiers);
        }
        self.0.push(Person { identifiers: identifiers.clone(), name: item.name });
        ("created", identifiers)
    }

    fn remove(&mut self, kind: usize, text: &str) -> (&'static str, Identifiers) {
        match self.find(kind, text) {
            Some(found) => ("removed", self.0.remove(found).identifiers),
            None => {
                let mut asked = Identifiers::default();
                asked[kind] = Some(text.to_owned());
                ("CONTACT_NOT_FOUND", asked)
            }
        }
    }

    fn update(&mut self, item: &Item, upsert: bool) -> (&'static str, Identifiers) {
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

/// Batches of all methods, none of which is refused.
pub fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let many = |items| proptest::collection::vec(items, 1..8);
    let added = items().prop_filter("a contact that is added has an identifier", |item| {
        item.named.iter().flatten().any(|text| !text.is_empty())
    });
    let some = |kind: usize| {
        let text = prop::sample::select(TEXTS[kind]).prop_map(str::to_owned);
        proptest::collection::vec(text, 0..3)
    };
    let removed =
        (some(0), some(1), some(2)).prop_map(|(user_ids, emails, phones)| [user_ids, emails, phones]);
    let removed =
        removed.prop_filter("somebody is to be removed", |named| named.iter().any(|texts| !texts.is_empty()));
    let batch = prop_oneof![
        3 => (any::<bool>(), many(items().boxed())).prop_map(|(upsert, items)| Batch::Update(upsert, items)),
        2 => many(added.boxed()).prop_map(Batch::Add),
        2 => removed.prop_map(Batch::Remove),
    ];
    proptest::collection::vec(batch, 1..10)
}

/// Sends a batch and returns its processed request.
pub async fn send(server: &Server, list: &str, batch: &Batch) -> Value {
    let answer = server.ok(batch.path(), &batch.body(list)).await;
    server.processed(answer["requestId"].as_str().unwrap()).await
}

#[test]
fn whatever_the_batches_the_server_says_what_the_contract_says() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start());
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&batches(), |batches| {
        let list = runtime.block_on(server.list());
        let mut model = Model::default();
        let mut requests = Vec::new();
        for batch in &batches {
            let expected = model.apply(batch);
            let request = runtime.block_on(send(&server, &list, batch));
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
