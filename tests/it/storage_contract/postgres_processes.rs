//! Servers as processes on one database: started at once, and killed in the middle.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::clock::SystemClock;

use super::postgres_callers::{Callers, wait_until_processed};
use crate::process::{Process, Store, wait_within};
use crate::receiver::Receiver;

/// Within this, what a server had is taken over by others.
const TAKEN_OVER: Duration = Duration::from_secs(10);

/// Deliveries to one receiver that a server has out at most.
const OUT: usize = 10;

#[test]
fn servers_that_start_at_once_make_one_store() {
    let store = Store::in_postgres();
    let starting: Vec<_> = std::thread::scope(|scope| {
        let start = || store.serve();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().expect("it starts")).collect()
    });
    let token = store.account("Shop").token;
    let list = starting[0].list(&token);
    for (number, server) in starting.iter().enumerate() {
        let request = server.upsert(&token, &list, serde_json::json!([{ "contact": format!("a{number}") }]));
        starting[3 - number].processed(&token, &request);
    }
}

#[test]
fn a_database_of_a_later_version_is_refused_by_every_command() {
    let store = Store::in_postgres();
    assert_eq!(store.ok(&["migrate"]), "The store has the present schema.\n");
    store.sql("INSERT INTO schema_version VALUES (1000000)");
    for command in [&["migrate"][..], &["migrate", "--citus"], &["serve"], &["account", "list"]] {
        let printed = store.run(command);
        assert_eq!(printed.code, Some(1), "{command:?}");
        let told = "the database was written by a later version of Rollbook; use that one\n";
        assert!(printed.err.ends_with(told), "{command:?}: {}", printed.err);
    }
}

fn serve(store: &Store) -> Process {
    store.serve_with(|command| {
        command.args(["--webhook-allow", "127.0.0.0/8"]);
    })
}

/// The requests of which the receiver was told, and how often.
fn told(receiver: &Receiver) -> BTreeMap<String, usize> {
    let mut told = BTreeMap::new();
    for hook in receiver.hooks() {
        *told.entry(hook.header("webhook-id").to_owned()).or_default() += 1;
    }
    told
}

#[test]
fn a_server_that_is_killed_in_the_middle_is_taken_over() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _entered = runtime.enter();
    let receiver = Receiver::start(Arc::new(SystemClock), &[], 204);
    let store = Store::in_postgres();
    let token = store.account("Shop").token;
    let (mut one, other) = (serve(&store), serve(&store));
    let mut callers = Callers::new(&other, &token, 4, 2).reporting_to(receiver.uri());
    let mut twice = 0;
    for _ in 0..2 {
        callers.work(&[one.address, other.address], || {
            std::thread::sleep(Duration::from_secs(1));
            one.signal("KILL");
        });
        let killed = Instant::now();
        drop(one);
        let kept = callers.kept();
        // What was accepted, by whom ever, is applied and reported.
        wait_until_processed(&other, &token, &kept);
        println!("applied {:?} after the kill", killed.elapsed());
        assert!(killed.elapsed() < TAKEN_OVER);
        let left = TAKEN_OVER.saturating_sub(killed.elapsed());
        wait_within(left, "all webhooks", || {
            let told: BTreeSet<_> = told(&receiver).into_keys().collect();
            kept.is_subset(&told).then_some(())
        });
        println!("reported {:?} after the kill", killed.elapsed());
        let more: usize = told(&receiver).values().map(|times| times - 1).sum();
        assert!(more - twice <= OUT, "{} were told twice: more than were out", more - twice);
        twice = more;
        one = serve(&store);
    }
    callers.audit(&one);
}
