//! Whatever is sent, imported, changed in bulk, added, removed, erased, suppressed, merged, clicked and undone: a channel
//! that was turned off is on again only where an item said `resubscribe`, or where the very request was undone that
//! turned it off and no later one had named it. A click on an unsubscribe link is never undone, also if its contact was
//! merged or removed at that time. And a contact shows the suppressions of the address that it has.
//!
//! `ROLLBOOK_TEST_SEQUENCES` is the number of sequences for each store, 16 by default.

mod oracle;

use std::collections::HashMap;

use futures_util::{StreamExt as _, stream};
use hyper::{Method, StatusCode};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use self::oracle::{Oracle, Shown};
use crate::harness::{Server, Setup, StoreKind};
use crate::kill::number;

/// All flags; each but the first is a channel with links.
const FLAGS: [&str; 7] = [
    "active",
    "emailSubscribe",
    "smsSubscribe",
    "desktopWebPushSubscribe",
    "mobileWebPushSubscribe",
    "telegramSubscribe",
    "viberSubscribe",
];

/// The channels of links, in the order of their flags.
const CHANNELS: [&str; 6] = ["email", "sms", "desktopWebPush", "mobileWebPush", "telegram", "viber"];
const PEOPLE: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
struct Item {
    who: &'static str,
    flags: [Option<bool>; FLAGS.len()],
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
    /// A message with the link of a person's contact is sent.
    Send(&'static str, usize),
    /// One of the links that were sent is used.
    Click(Index),
    /// Of one of the requests before it.
    Undo(Index),
}

/// The link of a contact for a flag.
struct Sent {
    contact: String,
    flag: usize,
    path: String,
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let flag = || select(vec![None, Some(true), Some(true), Some(false)]);
    let flags = prop::array::uniform7(flag());
    let item = (select(&PEOPLE[..]), flags, prop::bool::weighted(0.1));
    let item = item.prop_map(|(who, flags, resubscribe)| Item { who, flags, resubscribe });
    prop::collection::vec(item, 1..4)
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let who = || select(&PEOPLE[..]);
    let ask = prop_oneof![
        6 => (any::<bool>(), items()).prop_map(|(import, items)| Ask::Update { import, items }),
        2 => items().prop_map(Ask::Add),
        2 => (0..FLAGS.len(), any::<bool>()).prop_map(|(flag, to)| Ask::Bulk { flag, to }),
        2 => who().prop_map(Ask::Remove),
        1 => who().prop_map(Ask::Erase),
        3 => (who(), who()).prop_map(|(winner, loser)| Ask::Merge(winner, loser)),
        1 => (who(), any::<bool>()).prop_map(|(who, on)| Ask::Suppress(who, on)),
        4 => (who(), 1..FLAGS.len()).prop_map(|(who, flag)| Ask::Send(who, flag)),
        5 => any::<Index>().prop_map(Ask::Click),
        6 => any::<Index>().prop_map(Ask::Undo),
    ];
    prop::collection::vec(ask, 1..24)
}

/// A sequence in which an item meets an opt-out, and the link of a contact is used that was merged and one that is there.
fn story(runner: &mut TestRunner) -> Vec<Ask> {
    // Of one link, whichever it is.
    let mut only = || any::<Index>().new_tree(runner).expect("an index").current();
    let all = PEOPLE.map(|who| Item { who, flags: [Some(true); FLAGS.len()], resubscribe: false });
    vec![
        Ask::Update { import: false, items: all.to_vec() },
        Ask::Bulk { flag: 2, to: false },
        Ask::Bulk { flag: 2, to: true },
        Ask::Send("a", 6),
        Ask::Merge("b", "a"),
        Ask::Click(only()),
        Ask::Add(all.to_vec()),
        Ask::Click(only()),
        Ask::Bulk { flag: 6, to: true },
        Ask::Merge("c", "b"),
        Ask::Click(only()),
        Ask::Bulk { flag: 6, to: true },
    ]
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
            let mut flags = [None; FLAGS.len()];
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
        Ask::Send(..) | Ask::Click(_) => return None,
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
    oracle: &mut Oracle,
    ids: &mut HashMap<&'static str, String>,
) -> Result<(), TestCaseError> {
    let users = PEOPLE.map(|who| json!({ "userId": user(case, who) }));
    let emails = PEOPLE.map(|who| json!({ "email": email(case, who) }));
    let wanted: Vec<_> = users.into_iter().chain(emails).collect();
    let body = json!({ "contactListId": list, "contacts": wanted });
    let answer = server.ok("/v3/contact/get-many", &body).await;
    ids.clear();
    oracle.present.clear();
    for found in answer["found"].as_array().expect("an array") {
        let contact = found["contactId"].as_str().expect("an id").to_owned();
        let text = |key: &str| found["contact"][key].as_str().map(str::to_owned);
        let position = found["position"].as_u64().and_then(|position| usize::try_from(position).ok());
        if let Some(who) = PEOPLE.get(position.expect("a position")) {
            ids.insert(who, contact.clone());
        }
        oracle.last.insert(contact.clone(), Shown { user: text("userId"), email: text("email") });
        oracle.present.insert(contact);
    }
    for found in answer["found"].as_array().expect("an array") {
        oracle.check(found["contactId"].as_str().expect("an id"), &found["contact"])?;
    }
    Ok(())
}

/// Makes the link of a person's contact, as a message has it.
async fn link(server: &Server, (case, list): (usize, &str), who: &str, flag: usize) -> Option<String> {
    let body = json!({ "contactListId": list, "userIds": [user(case, who)], "channel": CHANNELS[flag - 1] });
    let links = server.ok("/v3/contacts/unsubscribe-links", &body).await;
    let path = links["links"][0]["url"].as_str()?.strip_prefix("https://contacts.example.com");
    Some(path.expect("the address of the setting").to_owned())
}

/// What has happened in a sequence so far.
#[derive(Default)]
struct Run {
    oracle: Oracle,
    requests: Vec<String>,
    ids: HashMap<&'static str, String>,
    sent: Vec<Sent>,
}

impl Run {
    async fn step(&mut self, server: &Server, at: (usize, &str), ask: &Ask) -> Result<(), TestCaseError> {
        match ask {
            Ask::Send(who, flag) => {
                if let (Some(path), Some(contact)) = (link(server, at, who, *flag).await, self.ids.get(who)) {
                    self.sent.push(Sent { contact: contact.clone(), flag: *flag, path });
                }
            }
            Ask::Click(index) => {
                if !self.sent.is_empty() {
                    let Sent { contact, flag, path } = index.get(&self.sent);
                    let clicked = server.send(Method::POST, path, &[], "List-Unsubscribe=One-Click").await;
                    prop_assert_eq!(clicked.status, StatusCode::OK);
                    self.oracle.click(contact, *flag);
                }
            }
            Ask::Suppress(who, on) => {
                let (path, body, _) = to_json(ask, at, &[], &self.ids).expect("a request");
                let answer = server.post(path, &body).await.json();
                prop_assert_eq!(&answer["result"], true, "{}", answer);
                self.oracle.suppress(email(at.0, who), *on);
            }
            _ => self.request(server, at, ask).await,
        }
        check(server, at, &mut self.oracle, &mut self.ids).await?;
        if matches!(ask, Ask::Erase(_)) {
            self.oracle.erase();
            self.sent.retain(|sent| self.oracle.present.contains(&sent.contact));
        }
        Ok(())
    }

    /// Sends a request and notes what it has said by its results.
    async fn request(&mut self, server: &Server, at: (usize, &str), ask: &Ask) {
        let Some((path, body, items)) = to_json(ask, at, &self.requests, &self.ids) else { return };
        let answer = server.post(path, &body).await.json();
        let Some(id) = answer["requestId"].as_str().filter(|_| answer["result"] == true) else { return };
        // The server waits for it: asking again and again would take longer than all else.
        let wait = json!({ "contactListId": at.1, "userId": user(at.0, PEOPLE[0]), "waitFor": id });
        server.ok("/v3/contact/get", &wait).await;
        let request = server.processed(id).await;
        let oracle = &mut self.oracle;
        oracle.begin(id);
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
            self.requests.push(id.to_owned());
        }
    }
}

/// How often an opt-out was met, and how often a link of a contact that was gone was used.
async fn run(server: &Server, case: usize, asks: &[Ask]) -> Result<(usize, usize), TestCaseError> {
    let list = server.list().await;
    server.ok("/v3/contact-list/update", &json!({ "contactListId": list, "optOut": "keep" })).await;
    let mut run = Run::default();
    for ask in asks {
        run.step(server, (case, &list), ask).await?;
    }
    Ok((run.oracle.kept, run.oracle.gone))
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
        let of_trees = trees.iter().map(|tree| tree.current());
        let sequences: Vec<_> = std::iter::once(story(&mut runner)).chain(of_trees).collect();
        let runs = stream::iter(sequences.iter().enumerate())
            .map(|(case, asks)| async move { (case, run(server, case, asks).await) })
            .buffer_unordered(AT_ONCE);
        let ended: Vec<_> = runtime.block_on(runs.collect());
        let (mut kept, mut gone) = (0, 0);
        let mut trees: Vec<_> = trees.into_iter().map(Some).collect();
        let next = std::cell::Cell::new(cases + 1);
        for (case, outcome) in ended {
            match outcome {
                Ok((of_kept, of_gone)) => (kept, gone) = (kept + of_kept, gone + of_gone),
                // Once more and smaller, under names of its own.
                Err(error) => {
                    let tree = case.checked_sub(1).and_then(|case| trees[case].take());
                    let Some(tree) = tree else { panic!("{store:?}: {error} in the first sequence") };
                    let shrunk = runner.run_one(tree, |asks| {
                        next.set(next.get() + 1);
                        runtime.block_on(run(server, next.get(), &asks)).map(drop)
                    });
                    panic!("{store:?}: {error}; smaller: {shrunk:?}; at first: {:?}", sequences[case]);
                }
            }
        }
        assert!(
            kept > 0 && gone > 0,
            "{kept} items met an opt-out, {gone} links were of contacts that were gone"
        );
        runtime.block_on(started.stop());
    }
}
