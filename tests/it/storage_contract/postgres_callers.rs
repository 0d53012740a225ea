//! Callers that go on whatever befalls the servers and the database, and know afterwards what each of their batches must
//! have done. Every batch makes a contact of its own and writes its number on a contact of its caller, whose history
//! tells what was applied, how often, and in which order.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::{Over, Process, wait_for};
use crate::wire::{Reply, Wire};

/// What a caller knows of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was answered with 200; the request.
    Kept(String),
    /// It was refused: nothing of it may be there.
    Refused,
    /// There was no answer, or one that did not know.
    Unknown,
}

pub struct Callers {
    pub token: String,
    pub callers: Vec<Caller>,
    webhook: Option<String>,
}

pub struct Caller {
    list: String,
    no: usize,
    /// The number of a batch is its place, from 1.
    pub sent: Vec<Fate>,
}

impl Callers {
    /// So many callers, on so many lists.
    pub fn new(server: &Process, token: &str, callers: usize, lists: usize) -> Self {
        let lists: Vec<_> = (0..lists).map(|_| server.list(token)).collect();
        let caller = |no: usize| Caller { list: lists[no % lists.len()].clone(), no, sent: Vec::new() };
        Self { token: token.to_owned(), callers: (0..callers).map(caller).collect(), webhook: None }
    }

    /// Whose batches are reported to a receiver.
    pub fn reporting_to(self, uri: String) -> Self {
        Self { webhook: Some(uri), ..self }
    }

    /// Lets all of them send, each to one server after the other, until `meanwhile` is over.
    pub fn work(&mut self, servers: &[SocketAddr], meanwhile: impl FnOnce()) {
        let (over, token, webhook) = (AtomicBool::new(false), &self.token, self.webhook.as_deref());
        std::thread::scope(|scope| {
            for caller in &mut self.callers {
                let over = &over;
                scope.spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        let server = servers[(caller.no + caller.sent.len()) % servers.len()];
                        let fate = caller.send(server, token, webhook);
                        caller.sent.push(fate);
                        // What they send is known one by one, and so is looked at one by one afterwards.
                        std::thread::sleep(Duration::from_millis(10));
                    }
                });
            }
            let _over = Over(&over);
            meanwhile();
        });
    }

    /// Sends until one batch of each caller is kept.
    pub fn work_until_kept(&mut self, server: &Process) {
        for caller in &mut self.callers {
            wait_for("the server to accept", || {
                let fate = caller.send(server.address, &self.token, self.webhook.as_deref());
                caller.sent.push(fate);
                matches!(caller.sent.last(), Some(Fate::Kept(_))).then_some(())
            });
        }
    }

    /// How many batches had that fate.
    pub fn count(&self, of: impl Fn(&Fate) -> bool) -> usize {
        self.callers.iter().flat_map(|caller| &caller.sent).filter(|fate| of(fate)).count()
    }

    /// The requests that were answered with 200.
    pub fn kept(&self) -> BTreeSet<String> {
        let sent = self.callers.iter().flat_map(|caller| &caller.sent);
        sent.filter_map(|fate| if let Fate::Kept(id) = fate { Some(id.clone()) } else { None }).collect()
    }

    /// Proves that what was accepted was applied, once and in order, and that nothing else was.
    pub fn audit(&self, server: &Process) {
        wait_until_processed(server, &self.token, &self.kept());
        for caller in &self.callers {
            let applied: Vec<_> = (1..=caller.sent.len())
                .filter(|number| {
                    let there = !server.contact(&self.token, &caller.list, &caller.name(*number)).is_null();
                    match &caller.sent[number - 1] {
                        Fate::Kept(_) => assert!(there, "{} was accepted", caller.name(*number)),
                        Fate::Refused => assert!(!there, "{} was refused", caller.name(*number)),
                        Fate::Unknown => {}
                    }
                    there
                })
                .collect();
            assert_eq!(caller.history(server, &self.token), applied, "each once and in order");
        }
    }
}

/// Waits until all of these are processed without errors.
pub fn wait_until_processed(server: &Process, token: &str, requests: &BTreeSet<String>) {
    let requests: Vec<_> = requests.iter().collect();
    for some in requests.chunks(50) {
        wait_for("requests to be processed", || {
            let found = server.ok("/v3/request/find", token, &json!({ "ids": some }));
            let all = some.iter().map(|id| &found["requests"][id.as_str()]);
            let done = all.filter(|request| {
                assert!(request.is_object(), "request/find knows what was answered with 200: {found}");
                request["status"] == "processed" && request["results"]["errors"] == json!([])
            });
            (done.count() == some.len()).then_some(())
        });
    }
}

impl Caller {
    fn name(&self, number: usize) -> String {
        format!("batch-{}-{number}", self.no)
    }

    fn send(&self, server: SocketAddr, token: &str, webhook: Option<&str>) -> Fate {
        let number = self.sent.len() + 1;
        let mut body = json!({ "contactListId": self.list, "upsert": true, "contacts": [
            { "contact": self.name(number) }, { "contact": format!("caller-{}", self.no), "contactScore": number },
        ] });
        if let Some(webhook) = webhook {
            body["webHookUri"] = json!(webhook);
        }
        // Where nobody listens, nothing was sent.
        let Ok(mut wire) = Wire::open(server) else { return Fate::Refused };
        let Ok(reply) = wire.post("/v3/contacts/update", token, &body) else { return Fate::Unknown };
        read(&reply)
    }

    /// The numbers on the caller's contact, from the first.
    fn history(&self, server: &Process, token: &str) -> Vec<usize> {
        let (mut numbers, mut offset) = (Vec::new(), 0);
        loop {
            let body = json!({ "contactListId": self.list, "userId": format!("caller-{}", self.no),
                               "limit": 100, "offset": offset });
            let page = server.ok("/v3/contact/history", token, &body);
            let changes = page["data"].as_array().expect("an array");
            for change in changes {
                let fields = change["changes"].as_array().expect("an array");
                let score = fields.iter().find(|field| field["field"] == "contactScore").expect("its number");
                numbers.push(score["new"].to_string().trim_matches('"').parse().expect("a number"));
            }
            if changes.len() < 100 {
                numbers.reverse();
                return numbers;
            }
            offset += 100;
        }
    }
}

/// Whatever happens, a caller is told to come again, or that this may do it twice.
fn read(reply: &Reply) -> Fate {
    let body: Value = reply.json();
    if reply.status == 200 {
        return Fate::Kept(body["requestId"].as_str().expect("an id").to_owned());
    }
    assert_eq!(reply.status, 503, "{}", reply.text());
    let is_unknown = body["details"][0]["code"] == "OUTCOME_UNKNOWN";
    assert_ne!(reply.header("retry-after").is_some(), is_unknown, "{}", reply.text());
    if is_unknown { Fate::Unknown } else { Fate::Refused }
}
