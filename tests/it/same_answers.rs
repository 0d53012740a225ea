//! One seeded sequence of calls of all methods, asked of a store in files and of one on PostgreSQL (or on the Citus that
//! `ROLLBOOK_TEST_CITUS` names): all answers are the same, once ids, cursors, times and secrets have names in place of
//! their values. `ROLLBOOK_TEST_CALLS` and `ROLLBOOK_TEST_SEED` ask for another sequence.

use std::collections::HashMap;

use http::METHODS;
use serde_json::{Map, Value, json};

use crate::harness::{Server, Setup, StoreKind, is_id};
use crate::kill::{Random, number};

/// Calls of a sequence: some of each method.
const CALLS: u64 = 300;

/// What is left out of bodies: webhooks are sent beside the sequence, and the search index follows it.
const LEFT_OUT: [&str; 3] = ["webHookUri", "search", "waitSeconds"];

/// Names of values of one server, in the order in which its answers had them.
#[derive(Default)]
struct Names {
    by_value: HashMap<String, String>,
    values: HashMap<String, String>,
}

impl Names {
    fn of(&mut self, kind: &str, value: &str) -> String {
        let next = self.values.len();
        let name = self.by_value.entry(value.to_owned()).or_insert_with(|| format!("<{kind} {next}>"));
        self.values.insert(name.clone(), value.to_owned());
        name.clone()
    }

    /// An answer with names in place of what differs between two servers.
    fn hide(&mut self, key: &str, value: &mut Value) {
        match value {
            Value::Object(members) => {
                let hidden = std::mem::take(members).into_iter().map(|(key, mut value)| {
                    self.hide(&key, &mut value);
                    let key = if is_id(&json!(key)) { self.of("id", &key) } else { key };
                    (key, value)
                });
                *members = hidden.collect();
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.hide(key, value)),
            Value::String(text) => *text = self.hide_text(key, text),
            // Of an account webhook: it is drawn.
            Value::Number(id) if key == "id" => *value = json!(self.of("webhook", &id.to_string())),
            Value::Number(_) if key == "durationMs" => *value = json!("<duration>"),
            _ => {}
        }
    }

    fn hide_text(&mut self, key: &str, text: &str) -> String {
        match key {
            "after" | "next" | "cursor" => return self.of("cursor", text),
            "token" | "secret" | "signature" | "link" | "links" => return self.of("secret", text),
            _ => {}
        }
        // As answers have them, and as RFC 3339.
        let is_time = |word: &str| {
            let bytes = word.as_bytes();
            bytes.len() >= 19
                && bytes[4] == b'-'
                && bytes[7] == b'-'
                && b"T ".contains(&bytes[10])
                && bytes[13] == b':'
        };
        if is_time(text) {
            return "<time>".to_owned();
        }
        let trim = |sign: char| !sign.is_ascii_alphanumeric();
        let hidden = text.split(' ').map(|word| match word.trim_matches(trim) {
            id if is_id(&json!(id)) => word.replace(id, &self.of("id", id)),
            time if is_time(time) => "<time>".to_owned(),
            _ if word.starts_with("https://contacts.example.com/") => "<link>".to_owned(),
            _ => word.to_owned(),
        });
        hidden.collect::<Vec<_>>().join(" ")
    }

    /// A body with the values of this server in place of names.
    fn show(&self, value: &mut Value) {
        match value {
            Value::Object(members) => members.values_mut().for_each(|value| self.show(value)),
            Value::Array(values) => values.iter_mut().for_each(|value| self.show(value)),
            Value::String(text) => {
                if let Some(value) = self.values.get(text.as_str()) {
                    text.clone_from(value);
                }
            }
            _ => {}
        }
    }
}

/// Makes bodies from the description of the API and from what answers have named.
struct Writer {
    random: Random,
    description: Value,
    seen: HashMap<&'static str, Vec<Value>>,
    /// Objects around the value that is made: a filter may hold filters.
    depth: u32,
}

impl Writer {
    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.random.below(of.len() as u64)).expect("an index")].clone()
    }

    fn is_one_in(&mut self, count: u64) -> bool {
        self.random.below(count) == 0
    }

    fn resolve(&self, schema: &Value) -> Value {
        match schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => self.resolve(self.description.pointer(pointer).expect("a schema")),
            None => schema.clone(),
        }
    }

    fn body(&mut self, path: &str) -> Value {
        let schema =
            self.description["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
                .clone();
        self.value(path, &schema)
    }

    fn value(&mut self, name: &str, schema: &Value) -> Value {
        let schema = self.resolve(schema);
        let kind =
            schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or("string").to_owned();
        let is_plain = !["object", "array"].contains(&kind.as_str());
        if let Some(value) = self.named(name).filter(|_| is_plain) {
            return value;
        }
        if let Some(values) = schema["enum"].as_array() {
            return self.pick(values);
        }
        match kind.as_str() {
            "object" => {
                let required = schema["required"].as_array().cloned().unwrap_or_default();
                let mut members = Map::new();
                for (name, schema) in schema["properties"].as_object().cloned().unwrap_or_default() {
                    let is_asked = required.contains(&json!(name)) || self.depth < 4 && self.is_one_in(3);
                    if is_asked && !LEFT_OUT.contains(&name.as_str()) {
                        self.depth += 1;
                        let value = self.value(&name, &schema);
                        self.depth -= 1;
                        members.insert(name, value);
                    }
                }
                Value::Object(members)
            }
            "array" => {
                let count = 1 + self.random.below(3);
                (0..count).map(|_| self.value(name.trim_end_matches('s'), &schema["items"])).collect()
            }
            "boolean" => json!(self.is_one_in(2)),
            "integer" => json!(self.random.below(4)),
            "number" => json!(0.5),
            _ => self.pick(&[json!("Jo"), json!("Doe"), json!("en"), json!("1990-02-01")]),
        }
    }

    /// Values that fit each other: few people, the ids that answers had.
    fn named(&mut self, name: &str) -> Option<Value> {
        let person = self.random.below(6);
        let (email, phone) = (format!("p{person}@example.com"), format!("+155555501{person:02}"));
        let user = format!("u{person}");
        let seen = match name {
            "contactListId" => "contactListId",
            "requestId" | "id" | "waitFor" => "requestId",
            "source" | "sourceId" => "sourceId",
            "winner" | "loser" => "contactId",
            "after" => "cursor",
            "email" => return Some(json!(email)),
            "phoneNumber" => return Some(json!(phone)),
            "userId" | "externalId" => return Some(json!(user)),
            "contact" => return Some(self.pick(&[json!(email), json!(phone), json!(user)])),
            "url" => return Some(json!("http://10.1.2.3/hook")),
            "limit" => return Some(json!(1 + self.random.below(20))),
            "from" | "updatedSince" | "createdAt" => return Some(json!("2026-01-01T00:00:00Z")),
            "to" | "expireAt" => return Some(json!("2099-01-01T00:00:00Z")),
            "token" => return Some(json!("unknown")),
            "contactListName" | "confirm" => return Some(self.pick(&[json!("First"), json!("Second")])),
            "name" | "newName" | "customerSourceId" => {
                return Some(self.pick(&[json!("one"), json!("two"), json!("three")]));
            }
            _ => return None,
        };
        let known = self.seen.get(seen).cloned().unwrap_or_default();
        Some(if known.is_empty() || self.is_one_in(20) { json!("nonsense") } else { self.pick(&known) })
    }

    /// Notes what an answer names, so that later bodies do.
    fn note(&mut self, answer: &Value) {
        match answer {
            Value::Object(members) => {
                for (key, value) in members {
                    let kind = ["contactListId", "requestId", "sourceId", "contactId"]
                        .into_iter()
                        .find(|kind| kind == key);
                    let kind = kind
                        .or_else(|| ["after", "next", "cursor"].contains(&key.as_str()).then_some("cursor"));
                    if let (Some(kind), Value::String(_)) = (kind, value) {
                        let seen = self.seen.entry(kind).or_default();
                        if !seen.contains(value) {
                            seen.push(value.clone());
                            let old = seen.len().saturating_sub(8);
                            seen.drain(..old);
                        }
                    }
                    self.note(value);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.note(value)),
            _ => {}
        }
    }
}

struct Asked {
    server: Server,
    names: Names,
}

impl Asked {
    async fn start(store: StoreKind) -> Self {
        Self { server: Server::with(Setup { store, ..Setup::default() }).await, names: Names::default() }
    }

    /// The status and the answer; what was accepted is applied when this returns.
    async fn ask(&mut self, path: &str, body: &Value) -> Value {
        let mut body = body.clone();
        self.names.show(&mut body);
        let answer = self.server.post(path, &body).await;
        let mut told = json!({ "status": answer.status.as_u16(), "body": answer.json() });
        if let (200, Some(id)) = (answer.status.as_u16(), told["body"]["requestId"].as_str()) {
            let find = json!({ "ids": [id] });
            self.server
                .wait_for("the request to be processed", async || {
                    let found = self.server.ok("/v3/request/find", &find).await;
                    // A test run and a look at a request have none that waits.
                    let request = found["requests"].as_object()?.values().next().cloned();
                    request
                        .is_none_or(|request| request.is_null() || request["status"] == "processed")
                        .then_some(())
                })
                .await;
        }
        // Those of one moment come in the order of hashes that are keyed by store.
        if let (true, Some(data)) = (path.ends_with("suppression/list"), told["body"]["data"].as_array_mut())
        {
            data.sort_by_key(|one| one["address"].to_string());
        }
        self.names.hide("", &mut told);
        told
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_stores_answer_a_sequence_of_all_methods_the_same() {
    let (mut files, mut database) =
        (Asked::start(StoreKind::Sqlite).await, Asked::start(StoreKind::Postgres).await);
    let description = crate::reference::description(&files.server).await;
    let seed = number("ROLLBOOK_TEST_SEED").unwrap_or(1);
    let mut writer = Writer { random: Random::seeded(seed), description, seen: HashMap::new(), depth: 0 };
    let mut paths: Vec<_> = METHODS.iter().map(|method| method.path()).collect();
    // What changes contacts is asked more often, and what takes a list away only in its turn.
    let often = ["/v3/contacts/update", "/v3/contacts/add", "/v3/contacts/update", "/v3/contacts/remove"];
    let frequent: Vec<_> = often
        .into_iter()
        .chain(paths.iter().copied().filter(|path| !path.ends_with("list/remove")))
        .collect();
    let mut statuses: HashMap<u64, u64> = HashMap::new();
    paths.sort_unstable_by_key(|path| !path.ends_with("contact-list/create"));
    for call in 0..number("ROLLBOOK_TEST_CALLS").unwrap_or(CALLS) {
        // Each once, and then as it comes.
        let path = match paths.get(usize::try_from(call).expect("an index")) {
            Some(path) => *path,
            None => writer.pick(&frequent),
        };
        let body = writer.body(path);
        let [one, other] = [files.ask(path, &body).await, database.ask(path, &body).await];
        assert_eq!(one, other, "seed {seed}, call {call}: {path} {body}");
        *statuses.entry(one["status"].as_u64().expect("a status")).or_default() += 1;
        writer.note(&one["body"]);
    }
    // It was not by refusing everything.
    assert!(statuses.get(&200).is_some_and(|count| *count > 100), "{statuses:?}");
    files.server.stop().await;
    database.server.stop().await;
}
