//! Two nodes on one database that are stopped and started again one after the other, as in an upgrade, while clients
//! write: nobody sees anything but 200, 503 or a connection that ends, and nothing is lost, doubled or out of order.
//!
//! Both are of this version. What a later one does to the schema before it serves is done by the test, while both run.

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::every_release::connect;
use crate::idempotency_race::request;
use crate::process::{Over, Process, Store, wait_for};
use crate::wire::Wire;

const CLIENTS: usize = 6;

/// Requests of each client between one event and the next.
const STEP: usize = 15;

/// A migration that a node of before can live with: it adds, and takes nothing away.
const EXPANDS: &str = "SET LOCAL lock_timeout = '2s'; ALTER TABLE contact ADD COLUMN later bytea; ALTER TABLE batch ADD COLUMN later text; \
                       ALTER TABLE request ADD COLUMN later bigint NOT NULL DEFAULT 0; \
                       ALTER TABLE history ADD COLUMN later bigint; ALTER TABLE list ADD COLUMN later text; \
                       ALTER TABLE token ADD COLUMN later text; ALTER TABLE delivery ADD COLUMN later text; \
                       CREATE TABLE later (list bigint PRIMARY KEY); CREATE INDEX later_kind ON request (list, kind)";

struct Scene {
    token: String,
    list: String,
    nodes: Mutex<[SocketAddr; 2]>,
    stop: AtomicBool,
}

/// A client whose every request gives its contact the next name.
struct Client {
    no: usize,
    done: AtomicUsize,
    answered: Mutex<Vec<String>>,
    again: AtomicUsize,
}

impl Client {
    fn name(&self, number: usize) -> String {
        format!("c{}-{number}", self.no)
    }

    /// Sends one request after the other, each with its key until it is answered, now to this node and now to that.
    fn work(&self, scene: &Scene) {
        let (mut wire, mut node) = (None, self.no);
        while !scene.stop.load(Ordering::Relaxed) {
            let number = self.done.load(Ordering::Relaxed);
            let body = json!({ "contactListId": scene.list, "upsert": number == 0, "contacts": [
                { "contact": self.name(number), "userId": self.name(number + 1) },
            ] });
            let bytes = request(&scene.token, "/v3/contacts/update", &self.name(number), &body);
            let id = wait_for("an answer", || match send(scene, &mut wire, node, &bytes) {
                Ok(id) => Some(id),
                Err(_) => {
                    (wire, node) = (None, node + 1);
                    self.again.fetch_add(1, Ordering::Relaxed);
                    None
                }
            });
            self.answered.lock().expect("no panic").push(id);
            self.done.fetch_add(1, Ordering::Relaxed);
            if number % 5 == 4 {
                (wire, node) = (None, node + 1);
            }
        }
    }
}

fn send(scene: &Scene, wire: &mut Option<Wire>, node: usize, bytes: &[u8]) -> io::Result<String> {
    let address = scene.nodes.lock().expect("no panic")[node % 2];
    let wire = match wire {
        Some(wire) => wire,
        None => wire.insert(Wire::open(address)?),
    };
    wire.write(bytes)?;
    let reply = wire.read()?;
    // While the schema changes, a node may have to wait for the database longer than it lets a client wait.
    if reply.status == 503 {
        return Err(io::Error::other("nothing was kept, or it is not known: the key tells"));
    }
    assert_eq!(reply.status, 200, "{}", reply.text());
    Ok(reply.json()["requestId"].as_str().expect("an id").to_owned())
}

fn wait_for_more(clients: &[Client]) {
    let enough: Vec<_> = clients.iter().map(|client| client.done.load(Ordering::Relaxed) + STEP).collect();
    let done = |(client, enough): (&Client, &usize)| client.done.load(Ordering::Relaxed) >= *enough;
    wait_for("requests to be answered", || clients.iter().zip(&enough).all(done).then_some(()));
}

fn migrate_as_a_later_version(store: &Store) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut client = connect(store.database.to_str().expect("an address")).await;
        // The nodes take the locks of tables in another order: as a migration does, it begins again where it has met
        // one of them.
        for tries in 1.. {
            let transaction = client.transaction().await.expect("a transaction");
            match transaction.batch_execute(EXPANDS).await {
                Ok(()) => return transaction.commit().await.expect("kept"),
                Err(error) => assert!(tries < 30, "the schema could not grow: {error}"),
            }
        }
    });
}

#[test]
fn nodes_are_exchanged_one_after_the_other_and_nothing_is_lost_or_doubled() {
    let store = Store::in_postgres();
    let token = store.account("Shop").token;
    let mut nodes = [store.serve(), store.serve()];
    let list = nodes[0].list(&token);
    let addresses = Mutex::new([nodes[0].address, nodes[1].address]);
    let scene = Scene { token, list, nodes: addresses, stop: AtomicBool::new(false) };
    let clients: Vec<_> = (0..CLIENTS)
        .map(|no| Client {
            no,
            done: AtomicUsize::new(0),
            answered: Mutex::default(),
            again: AtomicUsize::new(0),
        })
        .collect();
    std::thread::scope(|scope| {
        let _over = Over(&scene.stop);
        for client in &clients {
            let scene = &scene;
            scope.spawn(move || client.work(scene));
        }
        wait_for_more(&clients);
        migrate_as_a_later_version(&store);
        wait_for_more(&clients);
        for (index, node) in nodes.iter_mut().enumerate() {
            node.signal("TERM");
            assert!(node.wait().success(), "{}", node.log());
            // Its port may be anybody's from now on.
            let mut addresses = scene.nodes.lock().expect("no panic");
            addresses[index] = addresses[1 - index];
            drop(addresses);
            wait_for_more(&clients);
            *node = store.serve();
            scene.nodes.lock().expect("no panic")[index] = node.address;
            wait_for_more(&clients);
        }
    });
    let again: usize = clients.iter().map(|client| client.again.load(Ordering::Relaxed)).sum();
    assert!(again > 0, "some had to send again");
    clients.iter().for_each(|client| audit(&nodes[0], &scene, client));
    let sent: usize = clients.iter().map(|client| client.done.load(Ordering::Relaxed)).sum();
    let listed = nodes[1].ok("/v3/request/list", &scene.token, &json!({ "limit": 1 }));
    assert_eq!(listed["totalCount"], json!(sent), "none was accepted twice");
}

fn audit(node: &Process, scene: &Scene, client: &Client) {
    let answered = client.answered.lock().expect("no panic");
    for (number, id) in answered.iter().enumerate() {
        let request = node.processed(&scene.token, id);
        let action = if number == 0 { "created" } else { "updated" };
        let told = &request["results"]["success"];
        assert_eq!(
            (&told[0]["action"], told.as_array().map(Vec::len)),
            (&json!(action), Some(1)),
            "{request}"
        );
    }
    let last = client.name(answered.len());
    assert_eq!(node.contact(&scene.token, &scene.list, &last)["userId"], last);
    let (mut names, mut offset) = (Vec::new(), 0);
    loop {
        let body = json!({ "contactListId": scene.list, "userId": last, "limit": 100, "offset": offset });
        let page = node.ok("/v3/contact/history", &scene.token, &body);
        let page: Vec<Value> = page["data"].as_array().expect("an array").clone();
        if page.is_empty() {
            break;
        }
        offset += page.len();
        let new = |change: &Value| {
            let fields = change["changes"].as_array().expect("an array").iter();
            fields.filter(|field| field["field"] == "userId").map(|field| field["new"].clone()).next_back()
        };
        names.extend(page.iter().filter_map(new));
    }
    names.reverse();
    let expected: Vec<_> = (1..=answered.len()).map(|number| json!(client.name(number))).collect();
    assert_eq!(names, expected, "each change once, in the order in which it was sent");
}
