//! Whatever is sent, imported, changed in bulk, added, removed, erased, suppressed, merged and undone: a channel that was
//! turned off is on again only where an item said `resubscribe`, or where the very request was undone that turned it off
//! and no later one had named it. And a contact shows the suppressions of the address that it has, whatever became of it.
//!
//! `ROLLBOOK_TEST_SEQUENCES` is the number of sequences for each store, 16 by default.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt as _, stream};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use crate::harness::{Server, Setup, StoreKind};
use crate::kill::number;

const FLAGS: [&str; 3] = ["active", "emailSubscribe", "smsSubscribe"];
const PEOPLE: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
struct Item {
    who: &'static str,
    flags: [Option<bool>; 3],
    resubscribe: bool,
}

#[derive(Clone, Debug)]
enum Ask {
    /// By a program, under the list's rule; or an import, which says the rule itself.
    Update {
        import: bool,
        items: Vec<Item>,
    },
    Add(Vec<Item>),
    /// One flag of all, as the server's own job sends it.
    Bulk {
        flag: usize,
        to: bool,
    },
    Remove(&'static str),
    Erase(&'static str),
    /// The first stays.
    Merge(&'static str, &'static str),
    /// The person's address, or an end of that.
    Suppress(&'static str, bool),
    /// Of one of the requests before it.
    Undo(Index),
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let flag = || select(vec![None, Some(true), Some(true), Some(false)]);
    let item = (select(&PEOPLE[..]), [flag(), flag(), flag()], prop::bool::weighted(0.1));
    let item = item.prop_map(|(who, flags, resubscribe)| Item { who, flags, resubscribe });
    prop::collection::vec(item, 1..4)
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let ask = prop_oneof![
        8 => (any::<bool>(), items()).prop_map(|(import, items)| Ask::Update { import, items }),
        2 => items().prop_map(Ask::Add),
        2 => (0..3_usize, any::<bool>()).prop_map(|(flag, to)| Ask::Bulk { flag, to }),
        1 => select(&PEOPLE[..]).prop_map(Ask::Remove),
        1 => select(&PEOPLE[..]).prop_map(Ask::Erase),
        2 => (select(&PEOPLE[..]), select(&PEOPLE[..])).prop_map(|(winner, loser)| Ask::Merge(winner, loser)),
        2 => (select(&PEOPLE[..]), any::<bool>()).prop_map(|(who, on)| Ask::Suppress(who, on)),
        6 => any::<Index>().prop_map(Ask::Undo),
    ];
    prop::collection::vec(ask, 1..20)
}

/// The userId of a person of a sequence: an erasure reaches all lists of the account.
fn user(case: usize, who: &str) -> String {
    format!("{who}{case}")
}

fn email(case: usize, who: &str) -> String {
    format!("{who}{case}@example.com")
}

impl Item {
    fn to_json(&self, key: &str, case: usize) -> Value {
        let (user, email) = (user(case, self.who), email(case, self.who));
        let mut item = json!({ key: user, "email": email, "resubscribe": self.resubscribe });
        for (name, flag) in FLAGS.iter().zip(self.flags) {
            item[*name] = json!(flag);
        }
        item
    }
}

/// What was said of a contact: the request by which each flag was turned off last.
type Said = [Option<String>; 3];

/// What the world must hold to, told from the requests and their results alone.
#[derive(Default)]
struct Oracle {
    /// By the contact's id: an erased or removed one is another when it is made again.
    said: HashMap<String, Said>,
    /// What was said before each request.
    before: HashMap<String, HashMap<String, Said>>,
    suppressed: HashSet<String>,
    kept: usize,
}

impl Oracle {
    /// An item was applied to a contact.
    fn apply(&mut self, request: &str, contact: &str, item: &Item, result: &Value) {
        let said = self.said.entry(contact.to_owned()).or_default();
        let notes = result["notes"].as_array().cloned().unwrap_or_default();
        self.kept += notes.iter().filter(|note| note["code"] == "OPTED_OUT").count();
        for (flag, value) in item.flags.into_iter().enumerate() {
            match value {
                Some(false) => said[flag] = Some(request.to_owned()),
                Some(true) if item.resubscribe => said[flag] = None,
                _ => {}
            }
        }
    }

    /// A request was undone: what only it had said is as it was before, where the undo has put the flag back.
    fn undo(&mut self, request: &str, undone: &str, contact: &str, result: &Value) {
        let Some(said) = self.said.get_mut(contact) else { return };
        let before = self.before[undone].get(contact).cloned().unwrap_or_default();
        let restored = result["restored"].as_array().expect("an array");
        for (flag, name) in FLAGS.iter().enumerate() {
            let is_restored = restored.contains(&json!(name));
            // Where somebody has said no since, it is not the request's own any more.
            if is_restored && said[flag].as_deref().is_none_or(|last| last == undone) {
                // A no that is back is the undo's own: undoing that takes it away again.
                said[flag] = before[flag].as_ref().map(|_| request.to_owned());
            }
        }
    }

    /// What the loser had turned off is off for the winner, who says so by the merge.
    fn merge(&mut self, request: &str, body: &Value) {
        let said = |key: &str| self.said.get(body[key].as_str().expect("an id")).cloned().unwrap_or_default();
        let (mut winner, loser) = (said("winner"), said("loser"));
        for (own, other) in winner.iter_mut().zip(loser) {
            if own.is_none() && other.is_some() {
                *own = Some(request.to_owned());
            }
        }
        self.said.insert(body["winner"].as_str().expect("an id").to_owned(), winner);
    }

    fn check(&self, contact: &str, shown: &Value) -> Result<(), TestCaseError> {
        for (flag, name) in FLAGS.iter().enumerate() {
            let no = self.said.get(contact).and_then(|said| said[flag].as_ref());
            prop_assert!(no.is_none() || shown[*name] == false, "{name} of {shown}: {no:?} turned it off");
        }
        let is_suppressed = shown["email"].as_str().is_some_and(|email| self.suppressed.contains(email));
        prop_assert_eq!(shown.get("suppressed").is_some(), is_suppressed, "{}", shown);
        Ok(())
    }
}

/// The path and body of a request, and the items as they will be numbered in its results.
fn to_json(
    ask: &Ask,
    (case, list): (usize, &str),
    requests: &[String],
    ids: &HashMap<&str, String>,
) -> Option<(&'static str, Value, Vec<Item>)> {
    let all = |items: &[Item], key| items.iter().map(|item| item.to_json(key, case)).collect::<Value>();
    let (path, body) = match ask {
        Ask::Update { import, items } => {
            let keep = import.then_some("keep");
            let body = json!({ "contactListId": list, "upsert": true, "contactBy": "userId", "optOut": keep,
                "contacts": all(items, "contact") });
            return Some(("/v3/contacts/update", body, items.clone()));
        }
        Ask::Add(items) => {
            let body =
                json!({ "contactListId": list, "restoreErased": true, "contacts": all(items, "userId") });
            return Some(("/v3/contacts/add", body, items.clone()));
        }
        Ask::Bulk { flag, to } => {
            let mut flags = [None; 3];
            flags[*flag] = Some(*to);
            let items: Vec<_> = PEOPLE.map(|who| Item { who, flags, resubscribe: false }).into();
            let body = json!({ "contactListId": list, "contactBy": "userId", "optOut": "keep",
                "contacts": all(&items, "contact") });
            return Some(("/v3/contacts/update", body, items));
        }
        Ask::Remove(who) => {
            ("/v3/contacts/remove", json!({ "contactListId": list, "userIds": [user(case, who)] }))
        }
        Ask::Erase(who) => ("/v3/contact/erase", json!({ "userId": user(case, who) })),
        Ask::Merge(winner, loser) => {
            let (winner, loser) = (ids.get(winner)?, ids.get(loser)?);
            ("/v3/contacts/merge", json!({ "contactListId": list, "winner": winner, "loser": loser }))
        }
        Ask::Suppress(who, true) => {
            let record = json!({ "email": email(case, who), "rejectType": "complaint" });
            ("/v3/blacklist/add", json!({ "records": [record] }))
        }
        Ask::Suppress(who, false) => ("/v3/blacklist/remove", json!({ "email": email(case, who) })),
        Ask::Undo(index) => {
            let id = (!requests.is_empty()).then(|| index.get(requests))?;
            ("/v3/request/undo", json!({ "requestId": id }))
        }
    };
    Some((path, body, Vec::new()))
}

/// Compares the contacts with what was said, and remembers their ids.
async fn check(
    server: &Server,
    (case, list): (usize, &str),
    oracle: &Oracle,
    ids: &mut HashMap<&'static str, String>,
) -> Result<(), TestCaseError> {
    let wanted = PEOPLE.map(|who| json!({ "userId": user(case, who) }));
    let body = json!({ "contactListId": list, "contacts": wanted });
    let answer = server.ok("/v3/contact/get-many", &body).await;
    for found in answer["found"].as_array().expect("an array") {
        let contact = found["contactId"].as_str().expect("an id");
        oracle.check(contact, &found["contact"])?;
        let position = found["position"].as_u64().and_then(|position| usize::try_from(position).ok());
        ids.insert(PEOPLE[position.expect("a position")], contact.to_owned());
    }
    Ok(())
}

async fn run(server: &Server, case: usize, asks: &[Ask]) -> Result<usize, TestCaseError> {
    let list = server.list().await;
    server.ok("/v3/contact-list/update", &json!({ "contactListId": list, "optOut": "keep" })).await;
    let (mut oracle, mut requests, mut ids) = (Oracle::default(), Vec::<String>::new(), HashMap::new());
    for ask in asks {
        let Some((path, body, items)) = to_json(ask, (case, &list), &requests, &ids) else { continue };
        let answer = server.post(path, &body).await.json();
        if let Ask::Suppress(who, on) = ask {
            prop_assert_eq!(&answer["result"], true, "{}", answer);
            match on {
                true => oracle.suppressed.insert(email(case, who)),
                false => oracle.suppressed.remove(&email(case, who)),
            };
            check(server, (case, &list), &oracle, &mut ids).await?;
            continue;
        }
        let Some(id) = answer["requestId"].as_str().filter(|_| answer["result"] == true) else { continue };
        // The server waits for it: asking again and again would take longer than all else.
        let wait = json!({ "contactListId": list, "userId": user(case, PEOPLE[0]), "waitFor": id });
        server.ok("/v3/contact/get", &wait).await;
        let request = server.processed(id).await;
        oracle.before.insert(id.to_owned(), oracle.said.clone());
        for result in request["results"]["success"].as_array().expect("an array") {
            let contact = result["id"].as_str().expect("an id");
            if path == "/v3/request/undo" {
                oracle.undo(id, body["requestId"].as_str().expect("an id"), contact, result);
                continue;
            }
            let position = result["position"].as_u64().expect("a position");
            let item = usize::try_from(position).ok().and_then(|position| items.get(position));
            if let Some(item) = item {
                oracle.apply(id, contact, item, result);
            }
        }
        if path == "/v3/contacts/merge" && request["results"]["errors"] == json!([]) {
            oracle.merge(id, &body);
        }
        // An erasure is of the account, and nothing of it can be undone.
        if path != "/v3/contact/erase" {
            requests.push(id.to_owned());
        }
        check(server, (case, &list), &oracle, &mut ids).await?;
    }
    Ok(oracle.kept)
}

/// Sequences at a time: a token has 10 requests.
const AT_ONCE: usize = 8;

#[test]
fn no_channel_is_on_again_that_its_owner_turned_off() {
    let cases =
        number("ROLLBOOK_TEST_SEQUENCES").map_or(16, |count| usize::try_from(count).expect("a count"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let config = Config { max_shrink_iters: 300, failure_persistence: None, ..Config::default() };
    for store in [StoreKind::Sqlite, StoreKind::Postgres] {
        let started = runtime.block_on(Server::with(Setup { store, ..Setup::default() }));
        let server = &started;
        let mut runner = TestRunner::new(config.clone());
        let trees: Vec<_> = (0..cases).map(|_| asks().new_tree(&mut runner).expect("a sequence")).collect();
        let sequences: Vec<_> = trees.iter().map(|tree| tree.current()).collect();
        let runs = stream::iter(sequences.iter().enumerate())
            .map(|(case, asks)| async move { (case, run(server, case, asks).await) })
            .buffer_unordered(AT_ONCE);
        let ended: Vec<_> = runtime.block_on(runs.collect());
        let mut kept = 0;
        let mut trees: Vec<_> = trees.into_iter().map(Some).collect();
        let next = std::cell::Cell::new(cases);
        for (case, outcome) in ended {
            match outcome {
                Ok(count) => kept += count,
                // Once more and smaller, under names of its own.
                Err(error) => {
                    let tree = trees[case].take().expect("each ends once");
                    let shrunk = runner.run_one(tree, |asks| {
                        next.set(next.get() + 1);
                        runtime.block_on(run(server, next.get(), &asks)).map(drop)
                    });
                    panic!("{store:?}: {error}; smaller: {shrunk:?}; at first: {:?}", sequences[case]);
                }
            }
        }
        assert!(kept > 0, "some items met an opt-out");
        runtime.block_on(started.stop());
    }
}
