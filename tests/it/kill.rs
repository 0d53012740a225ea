//! Accepted is kept: the server is killed at random moments, and nothing that it has accepted is lost, done twice
//! or done out of order.

use std::time::{Duration, SystemTime};

use rusqlite::Connection;

use crate::clerk::{Clerk, Shop, audit};
use crate::process::{Process, Store, wait_for};

/// How often the server is killed where ROLLBOOK_TEST_KILLS does not say.
const KILLS: u64 = 16;

/// A small generator (splitmix64): the same seed gives the same moments again.
pub struct Random(u64);

impl Random {
    /// Seeded by ROLLBOOK_TEST_SEED, else by the time; the seed is printed when the test fails.
    pub fn new() -> Self {
        let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        let seed = number("ROLLBOOK_TEST_SEED").unwrap_or(u64::from(time.subsec_nanos()));
        println!("ROLLBOOK_TEST_SEED={seed}");
        Self(seed)
    }

    /// The same numbers every time.
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// A random moment within so many milliseconds.
    pub fn moment(&mut self, millis: u64) {
        std::thread::sleep(Duration::from_micros(self.below(millis * 1_000)));
    }
}

pub fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} must be a number, not {text}")))
}

/// Lets all clerks work until the server is gone or each has so many batches applied.
fn work(shop: &Shop, clerks: &mut [Clerk], server: &Process, batches: usize, meanwhile: impl FnOnce()) {
    let address = server.address;
    std::thread::scope(|scope| {
        for clerk in clerks {
            scope.spawn(move || {
                // An error is the kill that this test is about; a server that failed otherwise fails the audit.
                let _ = clerk.work(shop, address, batches);
            });
        }
        meanwhile();
    });
}

fn clerks(count: u64) -> Vec<Clerk> {
    (0..count).map(Clerk::new).collect()
}

#[test]
fn a_server_that_is_killed_again_and_again_keeps_what_it_has_accepted() {
    let (store, mut random) = (Store::in_files(), Random::new());
    let token = store.account("Shop").token;
    let mut server = store.serve();
    let mut clerks = clerks(4);
    let shop = Shop::open(&server, &token, 4);
    for kill in 0..number("ROLLBOOK_TEST_KILLS").unwrap_or(KILLS) {
        if kill % 4 == 3 {
            // Killed while it starts: what was half recovered is recovered again.
            server.kill();
            let starting = store.spawn(|_| {});
            random.moment(60);
            starting.kill();
            server = store.serve();
        }
        let killed = server;
        work(&shop, &mut clerks, &killed, usize::MAX, || {
            random.moment(400);
            killed.signal("KILL");
        });
        drop(killed);
        server = store.serve();
    }
    let enough = clerks.iter().map(|clerk| clerk.applied.len() + 5).max().expect("clerks");
    work(&shop, &mut clerks, &server, enough, || {});
    let count = |of: fn(&Clerk) -> usize| clerks.iter().map(of).sum::<usize>();
    let answered = |clerk: &Clerk| clerk.applied.iter().filter(|sent| sent.request.is_some()).count();
    println!(
        "{} batches were answered; {} of those that were not are applied, {} are not",
        count(answered),
        count(|clerk| clerk.applied.len()) - count(answered),
        count(|clerk| clerk.lost.len()),
    );
    audit(&server, &shop, &clerks);
}

#[test]
fn a_server_that_is_killed_while_many_batches_wait_applies_them_in_order() {
    let (store, mut random) = (Store::in_files(), Random::new());
    let token = store.account("Shop").token;
    let mut server = store.serve();
    let mut clerks = clerks(8);
    let shop = Shop::open(&server, &token, 8);
    // While another process holds the lock on the contacts, batches are accepted and wait.
    let blocker = Connection::open(&store.database).expect("the store's file");
    blocker.execute_batch("BEGIN IMMEDIATE").expect("its lock");
    work(&shop, &mut clerks, &server, 500, || {});
    let waiting: Vec<&str> =
        clerks.iter().flat_map(|clerk| &clerk.applied).filter_map(|sent| sent.request.as_deref()).collect();
    assert_eq!(waiting.len(), 4_000, "all were accepted");
    assert!(
        !waiting.iter().step_by(100).any(|request| shop.is_processed(&server, request)),
        "none is applied"
    );
    blocker.execute_batch("ROLLBACK").expect("it is given back");
    drop(blocker);
    let mut in_the_middle = 0;
    for step in [0, 130, 260, 390] {
        // The clerks took turns, so that those of one clerk lie all along the queue.
        wait_for("some to be applied", || shop.is_processed(&server, waiting[step]).then_some(()));
        random.moment(20);
        in_the_middle += u32::from(!shop.is_processed(&server, waiting[499]));
        server.kill();
        server = store.serve();
    }
    println!("{in_the_middle} kills came while some were applied and others waited");
    assert!(in_the_middle > 0, "the kills come in the middle");
    audit(&server, &shop, &clerks);
}
