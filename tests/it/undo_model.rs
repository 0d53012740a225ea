//! Whatever is updated, added, removed and undone, the server says what a plain second model says: of the contacts,
//! of the results, now and later, and of the histories.

pub mod plain;

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use self::plain::{Ask, FIELDS, Item, Model, State, Told};
use crate::harness::Server;

/// Few, so that they meet.
pub const TEXTS: [&[&str]; 2] =
    [&["one", "two", "three"], &["a@example.com", "b@example.com", "c@example.com"]];

fn items() -> impl Strategy<Value = Item> {
    let text = |kind: usize| prop::sample::select(TEXTS[kind]).prop_map(str::to_owned);
    let identifier = |kind: usize| prop_oneof![4 => Just(None), 1 => Just(Some(String::new())), 3 => text(kind).prop_map(Some)];
    let name = || prop::sample::select(vec![None, None, Some(""), Some("x"), Some("y"), Some("z")]);
    let contact = prop_oneof![text(0), text(1)];
    (contact, identifier(0), identifier(1), name(), name()).prop_map(
        |(contact, user_id, email, name, last)| {
            let named = [user_id, email, name.map(str::to_owned), last.map(str::to_owned)];
            let named = named.into_iter().enumerate().filter_map(|(field, text)| Some((field, text?)));
            Item { contact, named: named.collect::<State>() }
        },
    )
}

/// An undo is of the request at that place among those before it.
fn asks() -> impl Strategy<Value = Result<Ask, Index>> {
    let addable = items().prop_filter("an item of contacts/add names an identifier", |item| {
        [0, 1].iter().any(|kind| item.named.get(kind).is_some_and(|text| !text.is_empty()))
    });
    let removal = (0..2_usize).prop_flat_map(|kind| {
        let texts = prop::collection::vec(prop::sample::select(TEXTS[kind]).prop_map(str::to_owned), 1..3);
        texts.prop_map(move |texts| Ok(Ask::Remove { kind, texts }))
    });
    prop_oneof![
        4 => (any::<bool>(), prop::collection::vec(items(), 1..5))
            .prop_map(|(upsert, items)| Ok(Ask::Update { upsert, items })),
        1 => prop::collection::vec(addable, 1..4).prop_map(|items| Ok(Ask::Add(items))),
        2 => removal,
        5 => any::<Index>().prop_map(Err),
    ]
}

/// The path and the body of a request.
pub fn to_json(ask: &Ask, list: &str, requests: &[Value]) -> (&'static str, Value) {
    let all =
        |items: &[Item], with_contact| items.iter().map(|item| item.to_json(with_contact)).collect::<Value>();
    match ask {
        Ask::Update { upsert, items } => (
            "/v3/contacts/update",
            json!({ "contactListId": list, "upsert": upsert, "contacts": all(items, true) }),
        ),
        Ask::Add(items) => {
            ("/v3/contacts/add", json!({ "contactListId": list, "contacts": all(items, false) }))
        }
        Ask::Remove { kind, texts } => {
            ("/v3/contacts/remove", json!({ "contactListId": list, ["userIds", "emails"][*kind]: texts }))
        }
        Ask::Undo(request) => ("/v3/request/undo", json!({ "requestId": requests[*request]["id"] })),
    }
}

/// The results of a request in the order of its items. Contacts get their numbers as they show up.
fn told(request: &Value, ids: &mut HashMap<String, usize>) -> Vec<Told> {
    let number = |(told, id): (Told, Option<String>)| {
        let next = ids.len();
        Told { contact: id.map(|id| *ids.entry(id).or_insert(next)), ..told }
    };
    entries(&request["results"]).into_iter().map(number).collect()
}

/// Results in the order of their items, with the ids of contacts in place of numbers.
pub fn entries(results: &Value) -> Vec<(Told, Option<String>)> {
    let entries = results["success"].as_array().unwrap().iter().chain(results["errors"].as_array().unwrap());
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by_key(|entry| entry["position"].as_u64());
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let one = |entry: &Value| {
        let Some(word) = text(&entry["action"]) else {
            let word = text(&entry["error"]).unwrap();
            return (Told { word, contact: None, identifiers: [None, None], fields: None }, None);
        };
        let fields = entry.get("restored").map(|restored| {
            let restored = restored.as_array().unwrap().iter().filter_map(text).collect();
            let kept = entry["kept"].as_array().unwrap().iter();
            (restored, kept.map(|kept| ["field", "error"].map(|key| text(&kept[key]).unwrap())).collect())
        });
        let identifiers = [text(&entry["userId"]), text(&entry["email"])];
        (Told { word, contact: None, identifiers, fields }, text(&entry["id"]))
    };
    entries.into_iter().map(one).collect()
}

async fn compare(server: &Server, asks: &[Result<Ask, Index>]) -> Result<(), TestCaseError> {
    let list = server.list().await;
    let (mut model, mut ids) = (Model::default(), HashMap::new());
    let mut requests: Vec<Value> = Vec::new();
    for ask in asks {
        let ask = match ask {
            Ok(ask) => ask.clone(),
            Err(_) if requests.is_empty() => continue,
            Err(index) => Ask::Undo(index.index(requests.len())),
        };
        let (path, body) = to_json(&ask, &list, &requests);
        let answer = server.ok(path, &body).await;
        let request = server.processed(answer["requestId"].as_str().unwrap()).await;
        prop_assert_eq!(told(&request, &mut ids), model.apply(&ask), "{} {}", path, body);
        requests.push(request);
    }
    for request in &requests {
        let later = server.processed(request["id"].as_str().unwrap()).await;
        prop_assert_eq!(&later["results"], &request["results"], "results say what they said");
    }
    for (kind, texts) in TEXTS.iter().enumerate() {
        for text in *texts {
            compare_contact(server, &list, &model, &ids, &requests, (kind, text)).await?;
        }
    }
    Ok(())
}

/// The contact under an identifier, and the history of whoever bears it or bore it last.
async fn compare_contact(
    server: &Server,
    list: &str,
    model: &Model,
    ids: &HashMap<String, usize>,
    requests: &[Value],
    (kind, text): (usize, &str),
) -> Result<(), TestCaseError> {
    let bearer = model.bearer(kind, text);
    let shown = server.contact(list, FIELDS[kind], text).await;
    let expected = bearer.and_then(|bearer| model.state(bearer));
    let fields = FIELDS.iter().enumerate();
    for (field, name) in fields {
        let expected = expected.and_then(|state| state.get(&field).cloned());
        prop_assert_eq!(&shown[*name], &json!(expected), "{} of {}", name, text);
    }
    let Some(contact) = bearer.or_else(|| model.former_bearer(kind, text)) else { return Ok(()) };
    let body = json!({ "contactListId": list, FIELDS[kind]: text, "limit": 100 });
    let history = server.ok("/v3/contact/history", &body).await;
    prop_assert_eq!(history["contactId"].as_str().and_then(|id| ids.get(id)), Some(&contact));
    let told: Vec<_> = history["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            let request = requests.iter().position(|request| request["id"] == change["requestId"]).unwrap();
            (request, json!([change["action"], change["changes"]]))
        })
        .collect();
    prop_assert_eq!(told, model.history(contact), "the history of {}", text);
    Ok(())
}

#[test]
fn whatever_is_undone_the_server_says_what_a_plain_model_says() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start());
    let mut runner = TestRunner::new(Config {
        cases: 150,
        max_shrink_iters: 300,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome =
        runner.run(&prop::collection::vec(asks(), 1..16), |asks| runtime.block_on(compare(&server, &asks)));
    outcome.unwrap();
    runtime.block_on(server.stop());
}
