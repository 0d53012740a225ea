//! The server is killed while people are erased: who was erased is gone from every list and every file, and nothing of
//! others is lost.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::kill::{Random, number};
use crate::process::{Process, Store, wait_for};
use crate::wire::Wire;

/// How often the server is killed where ROLLBOOK_TEST_KILLS does not say.
const KILLS: u64 = 6;

const PEOPLE: usize = 1_500;

/// Contacts that are changed again and again, and never erased.
const OTHERS: usize = 20;

/// What was sent: what was answered, and what the server was killed over.
#[derive(Default)]
struct Sent {
    next: usize,
    answered: Vec<usize>,
    doubtful: BTreeSet<usize>,
}

impl Sent {
    /// Sends one after the other until the server is gone or all are sent.
    fn send(
        &mut self,
        address: SocketAddr,
        token: &str,
        last: usize,
        request: impl Fn(usize) -> (&'static str, Value),
    ) {
        let Ok(mut wire) = Wire::open(address) else { return };
        while self.next < last {
            let number = self.next;
            self.next += 1;
            self.doubtful.insert(number);
            let (path, body) = request(number);
            let answer: io::Result<_> = wire.post(path, token, &body);
            let Ok(answer) = answer else { return };
            assert_eq!(answer.status, 200, "{}", answer.text());
            self.doubtful.remove(&number);
            self.answered.push(number);
        }
    }
}

fn email(person: usize) -> String {
    format!("person-{person:05}@example.com")
}

struct Shop {
    token: String,
    /// Everybody is in the first with an address, and in the second with a userId too.
    lists: [String; 2],
}

impl Shop {
    fn open(server: &Process, token: String) -> Self {
        let lists = [server.list(&token), server.list(&token)];
        for from in (0..PEOPLE).step_by(100) {
            let people = || from..from + 100;
            let first = people().map(|person| json!({ "contact": email(person) })).collect();
            let second = people()
                .map(|person| json!({ "contact": format!("id-{person}"), "email": email(person) }))
                .collect();
            server.upsert(&token, &lists[0], first);
            let request = server.upsert(&token, &lists[1], second);
            server.processed(&token, &request);
        }
        Self { token, lists }
    }

    /// Whether a person is in both lists, or in none.
    fn is_there(&self, wire: &mut Wire, person: usize) -> bool {
        let found = self.lists.each_ref().map(|list| {
            let body = json!({ "contactListId": list, "email": email(person) });
            let reply = wire.post("/v3/contact/get", &self.token, &body).expect("an answer");
            !reply.json()["contact"].is_null()
        });
        assert_eq!(found[0], found[1], "{} is erased as a whole or not at all", email(person));
        found[0]
    }

    fn update(&self, number: usize) -> (&'static str, Value) {
        // Whoever was erased already is not to be made again by the way.
        let contacts = json!([{ "contact": format!("other-{}", number % OTHERS), "contactScore": number },
            { "contact": email(number % PEOPLE), "firstName": "Jo" }]);
        (
            "/v3/contacts/update",
            json!({ "contactListId": self.lists[0], "upsert": true, "contacts": contacts }),
        )
    }
}

/// All that was accepted is applied once a request that came later is.
fn settle(server: &Process, shop: &Shop) {
    let request = server.upsert(&shop.token, &shop.lists[0], json!([{ "contact": "marker" }]));
    server.processed(&shop.token, &request);
}

fn audit_others(server: &Process, shop: &Shop, updates: &Sent) {
    for other in 0..OTHERS {
        let of_other = |number: &&usize| **number % OTHERS == other;
        let last = updates.answered.iter().rev().find(of_other).expect("it was changed");
        let score =
            server.contact(&shop.token, &shop.lists[0], &format!("other-{other}"))["contactScore"].clone();
        let score: usize = score.as_str().expect("a score").parse().expect("a number");
        let later = score > *last && updates.doubtful.contains(&score);
        assert!(score == *last || later, "other-{other} is {score}, and was last answered for {last}");
    }
}

#[test]
fn who_was_erased_stays_so_and_nothing_of_others_is_lost_whenever_the_server_is_killed() {
    let (store, mut random) = (Store::in_files(), Random::new());
    let token = store.account("Shop").token;
    let mut server = store.serve();
    let shop = Shop::open(&server, token);
    let (mut erases, mut updates) = (Sent::default(), Sent::default());
    let erase = |person: usize| ("/v3/contact/erase", json!({ "email": email(person) }));
    for _ in 0..number("ROLLBOOK_TEST_KILLS").unwrap_or(KILLS) {
        let address = server.address;
        std::thread::scope(|scope| {
            scope.spawn(|| erases.send(address, &shop.token, PEOPLE - 1, erase));
            scope.spawn(|| updates.send(address, &shop.token, usize::MAX, |number| shop.update(number)));
            random.moment(400);
            server.signal("KILL");
        });
        drop(server);
        server = store.serve();
    }
    settle(&server, &shop);
    let mut wire = server.connect();
    for person in &erases.answered {
        assert!(!shop.is_there(&mut wire, *person), "{} was erased", email(*person));
    }
    let gone: Vec<_> =
        erases.doubtful.iter().filter(|person| !shop.is_there(&mut wire, **person)).copied().collect();
    for person in erases.next..PEOPLE {
        assert!(shop.is_there(&mut wire, person), "{} was not erased", email(person));
    }
    audit_others(&server, &shop, &updates);
    println!(
        "{} were erased, {} of {} in doubt; {} updates were answered",
        erases.answered.len(),
        gone.len(),
        erases.doubtful.len(),
        updates.answered.len()
    );
    assert!(!erases.answered.is_empty() && erases.next < PEOPLE, "some were erased, and some were not");
    server.kill();
    let server = store.serve();
    wait_for("the files to be written anew", || {
        let connection = Connection::open(&store.database).expect("the store");
        let left = connection.query_row("SELECT count(*) FROM scrub", [], |row| row.get::<_, i64>(0));
        (left.expect("a count") == 0).then_some(())
    });
    server.kill();
    let path = |suffix: &str| store.directory.path(&format!("rollbook.db{suffix}"));
    let files =
        ["", "-wal", ".intake", ".intake-wal"].map(|suffix| std::fs::read(path(suffix)).unwrap_or_default());
    let stands = |person: usize| {
        let email = email(person);
        files.iter().any(|bytes| bytes.windows(email.len()).any(|window| window == email.as_bytes()))
    };
    assert!(stands(PEOPLE - 1), "who was not erased is in the files");
    // Looking for each would take long: the first and the last of them, and those that were in doubt.
    let few = erases.answered.iter().take(5).chain(erases.answered.iter().rev().take(20)).chain(&gone);
    for person in few {
        assert!(!stands(*person), "{} is in no file", email(*person));
    }
}
