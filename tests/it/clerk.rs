//! A client that sends batch after batch and knows exactly what each must have done, whatever befell the server.
//!
//! Each clerk has a baton: a contact that every batch of the clerk renames, from the name that the batch before
//! it gave. A batch that is applied twice, left out or applied before its time finds no baton, and its results
//! say so. Besides, every batch makes a contact that bears the batch's name, and writes its number on two
//! contacts that all clerks share.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::process::{Process, wait_for};
use crate::wire::Wire;

/// The shop whose contacts the clerks write.
pub struct Shop {
    pub token: String,
    pub list: String,
    /// Counts events: what was answered before something else was sent is known by it.
    tick: AtomicU64,
}

/// A batch that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    pub clerk: u64,
    pub number: u64,
    /// When it was sent.
    sent: u64,
    /// When it was answered, or found to be applied.
    answered: u64,
    /// The id that the answer gave; `None` where the server was killed before it answered.
    pub request: Option<String>,
}

impl Sent {
    /// What no other batch of any clerk writes.
    fn score(&self) -> u64 {
        self.number * 100 + self.clerk
    }

    fn name(&self) -> String {
        format!("batch-{}-{}", self.clerk, self.number)
    }
}

pub struct Clerk {
    pub no: u64,
    /// The number of the batch that has renamed the baton last.
    held: u64,
    next: u64,
    /// Batches that were accepted, or that were in doubt and turned out to be applied.
    pub applied: Vec<Sent>,
    /// Batches that were in doubt and turned out not to be kept.
    pub lost: Vec<Sent>,
    doubt: Option<Sent>,
}

fn baton(clerk: u64, number: u64) -> String {
    format!("baton-{clerk}-{number}")
}

impl Shop {
    /// Opens a list with the two shared contacts and each clerk's baton in it.
    pub fn open(server: &Process, token: &str, clerks: u64) -> Self {
        let list = server.list(token);
        let batons = (0..clerks).map(|clerk| json!({ "contact": baton(clerk, 0) }));
        let shared = ["left", "right"].map(|contact| json!({ "contact": contact }));
        let request = server.upsert(token, &list, batons.chain(shared).collect());
        server.processed(token, &request);
        Self { token: token.to_owned(), list, tick: AtomicU64::new(0) }
    }

    fn tick(&self) -> u64 {
        self.tick.fetch_add(1, Ordering::SeqCst)
    }

    fn ask(&self, wire: &mut Wire, path: &str, body: &Value) -> io::Result<Value> {
        let reply = wire.post(path, &self.token, body)?;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        Ok(reply.json())
    }

    fn find(&self, wire: &mut Wire, request: &str) -> io::Result<Value> {
        let found = self.ask(wire, "/v3/request/find", &json!({ "ids": [request] }))?;
        let object = found["requests"][request].clone();
        assert!(object.is_object(), "request/find knows every request that was answered 200: {found}");
        Ok(object)
    }

    fn contact(&self, wire: &mut Wire, user_id: &str) -> io::Result<Value> {
        let body = json!({ "contactListId": self.list, "userId": user_id });
        Ok(self.ask(wire, "/v3/contact/get", &body)?["contact"].clone())
    }

    /// Whether that request is processed.
    pub fn is_processed(&self, server: &Process, request: &str) -> bool {
        let found = self.find(&mut server.connect(), request).expect("an answer");
        found["status"] == "processed"
    }
}

impl Clerk {
    pub fn new(no: u64) -> Self {
        Self { no, held: 0, next: 1, applied: Vec::new(), lost: Vec::new(), doubt: None }
    }

    /// Sends batches until there are so many, or until the server is gone.
    pub fn work(&mut self, shop: &Shop, address: SocketAddr, batches: usize) -> io::Result<()> {
        let mut wire = Wire::open(address)?;
        if let Some(request) = self.applied.last().and_then(|sent| sent.request.as_deref()) {
            shop.find(&mut wire, request)?;
        }
        self.settle(shop, &mut wire)?;
        while self.applied.len() < batches {
            self.send(shop, &mut wire)?;
        }
        Ok(())
    }

    fn send(&mut self, shop: &Shop, wire: &mut Wire) -> io::Result<()> {
        let (clerk, number) = (self.no, self.next);
        let mut sent = Sent { clerk, number, sent: shop.tick(), answered: 0, request: None };
        let score = sent.score();
        let body = json!({ "contactListId": shop.list, "upsert": true, "contacts": [
            { "contact": baton(clerk, self.held), "userId": baton(clerk, number),
              "variables": [{ "name": "lastBatch", "value": sent.name() }] },
            { "contact": sent.name(), "contactScore": score },
            { "contact": "left", "contactScore": score },
            { "contact": "right", "contactScore": score },
        ] });
        self.next += 1;
        // In doubt from the first byte until the answer.
        self.doubt = Some(sent.clone());
        let answer = shop.ask(wire, "/v3/contacts/update", &body)?;
        self.doubt = None;
        sent.answered = shop.tick();
        sent.request = answer["requestId"].as_str().map(str::to_owned);
        assert!(sent.request.is_some(), "{answer}");
        self.held = number;
        self.applied.push(sent);
        Ok(())
    }

    /// Finds out what became of a batch that was not answered: once a later batch is applied, it is or never will be.
    fn settle(&mut self, shop: &Shop, wire: &mut Wire) -> io::Result<()> {
        let Some(mut sent) = self.doubt.clone() else { return Ok(()) };
        let marker = json!([{ "contact": format!("marker-{}", self.no) }]);
        let body = json!({ "contactListId": shop.list, "upsert": true, "contacts": marker });
        let answer = shop.ask(wire, "/v3/contacts/update", &body)?;
        let request = answer["requestId"].as_str().expect("an id");
        wait_for("the marker to be processed", || match shop.find(wire, request) {
            Ok(object) => (object["status"] == "processed").then_some(Ok(())),
            Err(gone) => Some(Err(gone)),
        })?;
        let renamed = !shop.contact(wire, &baton(self.no, sent.number))?.is_null();
        let still = !shop.contact(wire, &baton(self.no, self.held))?.is_null();
        assert!(renamed != still, "the baton is where {} or the batch before it has left it", sent.name());
        let made = !shop.contact(wire, &sent.name())?.is_null();
        assert_eq!(renamed, made, "{} is applied whole or not at all", sent.name());
        sent.answered = shop.tick();
        if renamed {
            self.held = sent.number;
            self.applied.push(sent);
        } else {
            self.lost.push(sent);
        }
        self.doubt = None;
        Ok(())
    }
}

/// Proves that every batch that was accepted is applied, once and in order, and that no other is.
pub fn audit(server: &Process, shop: &Shop, clerks: &[Clerk]) {
    let mut wire = server.connect();
    for clerk in clerks {
        assert!(clerk.doubt.is_none(), "clerk {} knows what became of every batch", clerk.no);
        for sent in &clerk.applied {
            if let Some(request) = &sent.request {
                audit_results(shop, &mut wire, sent, request);
            }
            let contact = shop.contact(&mut wire, &sent.name()).expect("an answer");
            assert_eq!(contact["contactScore"], sent.score().to_string(), "{}", sent.name());
        }
        for sent in &clerk.lost {
            let contact = shop.contact(&mut wire, &sent.name()).expect("an answer");
            assert!(contact.is_null(), "{} was not kept, not even in part", sent.name());
        }
        let baton = shop.contact(&mut wire, &baton(clerk.no, clerk.held)).expect("an answer");
        let last = clerk.applied.last().expect("every clerk has sent something");
        assert_eq!(baton["variables"][1], json!({ "name": "lastBatch", "value": last.name() }));
    }
    audit_shared(shop, &mut wire, clerks);
}

/// The results of a batch: each of its items did what only the right moment could let it do.
fn audit_results(shop: &Shop, wire: &mut Wire, sent: &Sent, request: &str) {
    let object = wait_for("the request to be processed", || {
        let object = shop.find(wire, request).expect("an answer");
        (object["status"] == "processed").then_some(object)
    });
    let mut results = object["results"].clone();
    for success in results["success"].as_array_mut().into_iter().flatten() {
        assert!(success["id"].is_string());
        success["id"] = json!("an id");
    }
    let done = |position: usize, action: &str, user_id: &str| {
        json!({ "position": position, "action": action, "id": "an id",
                "email": null, "phone": null, "userId": user_id })
    };
    let expected = json!({ "success": [
        done(0, "updated", &baton(sent.clerk, sent.number)),
        done(1, "created", &sent.name()),
        done(2, "updated", "left"),
        done(3, "updated", "right"),
    ], "errors": [] });
    assert_eq!(results, expected, "{}", sent.name());
}

/// The last batch that wrote the shared contacts is one after whose answer no other was sent.
fn audit_shared(shop: &Shop, wire: &mut Wire, clerks: &[Clerk]) {
    let [left, right] =
        ["left", "right"].map(|name| shop.contact(wire, name).expect("an answer")["contactScore"].clone());
    assert_eq!(left, right, "one batch has written both");
    let all = || clerks.iter().flat_map(|clerk| &clerk.applied);
    let last = all().find(|sent| json!(sent.score().to_string()) == left).expect("a batch that was accepted");
    if let Some(later) = all().find(|sent| sent.sent > last.answered) {
        panic!("{} was accepted after {} and applied before it", later.name(), last.name());
    }
}
