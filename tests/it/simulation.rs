//! Thousands of short histories of clients, a node, its crashes, and receivers of webhooks, each made by one number.
//!
//! The server is the real one, on the real files; what lies outside of it is not. Time passes only when nobody has
//! anything to do, transactions take turns on one thread, and dice decide which are slow, fail or are the last before
//! the process dies, when clients hang up, when the clock is moved, and what receivers do. What was accepted is read
//! from the journal, and from there on a plain model says what everybody must see.
//!
//! `ROLLBOOK_TEST_SEED=N` runs the history of one number and shows it; `ROLLBOOK_TEST_HISTORIES=N` runs so many.

mod asks;
mod book;
mod client;
mod dice;
mod ground;
mod history;
mod hooks;
mod judge;
mod network;
mod node;
mod plan;
mod time;
mod weather;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

/// Those that every run goes through.
const FIXED: u64 = 240;

/// Those that each run chooses anew.
const CHOSEN: u64 = 60;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Shows a history that went wrong, and how to see it again.
fn show(seed: u64, told: &history::Told) -> String {
    let last =
        told.trace.len().saturating_sub(number("ROLLBOOK_TEST_LINES").map_or(60, |lines| lines as usize));
    let fault = told.fault.as_deref().unwrap_or_default();
    format!("{}\n\nROLLBOOK_TEST_SEED={seed}: {fault}", told.trace[last..].join("\n"))
}

/// Runs histories side by side, and returns how many of them went wrong, and the first of these.
fn run_all(seeds: &[u64]) -> (usize, Option<String>, [usize; 3]) {
    let next = AtomicU64::new(0);
    let work = || {
        let (mut wrong, mut counts) = (Vec::new(), [0; 3]);
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
            let told = history::run(*seed);
            for (count, more) in counts.iter_mut().zip(told.counts) {
                *count += more;
            }
            if told.fault.is_some() {
                eprintln!("ROLLBOOK_TEST_SEED={seed}: {:.300}", told.fault.as_deref().unwrap_or_default());
                wrong.push((*seed, show(*seed, &told)));
            }
        }
        (wrong, counts)
    };
    let done = std::thread::scope(|scope| {
        let threads = [(); 2].map(|()| scope.spawn(work));
        threads.map(|thread| thread.join().unwrap())
    });
    let counts = [0, 1, 2].map(|no| done.iter().map(|(_, counts)| counts[no]).sum());
    let mut wrong: Vec<_> = done.into_iter().flat_map(|(wrong, _)| wrong).collect();
    wrong.sort();
    (wrong.len(), wrong.into_iter().next().map(|(_, text)| text), counts)
}

#[test]
fn whatever_befalls_it_every_history_is_as_the_contract_says() {
    if let Some(seed) = number("ROLLBOOK_TEST_SEED") {
        let told = history::run(seed);
        println!("{}", told.trace.join("\n"));
        assert_eq!(told.fault, None, "ROLLBOOK_TEST_SEED={seed}");
        return;
    }
    let chosen = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as u64;
    let count = number("ROLLBOOK_TEST_HISTORIES").unwrap_or(FIXED + CHOSEN);
    let fixed = (0..count.min(FIXED)).chain(chosen..chosen + count.saturating_sub(FIXED));
    println!("seeds 0 to {} and {chosen} to {}", count.min(FIXED), chosen + count.saturating_sub(FIXED));
    let start = Instant::now();
    let (wrong, first, counts) = run_all(&fixed.collect::<Vec<_>>());
    println!("{count} histories in {:?}: {counts:?} batches, attempts, crashes", start.elapsed());
    assert_eq!(wrong, 0, "of {count} histories. The first:\n{}", first.unwrap_or_default());
}

#[test]
fn a_history_that_is_run_again_is_the_same() {
    let mut long = 0;
    for seed in 0..12 {
        let (one, other) = (history::run(seed), history::run(seed));
        let differ = one.trace.iter().zip(&other.trace).find(|(one, other)| one != other);
        assert_eq!(differ, None, "the history of {seed}");
        assert_eq!(one.hash, other.hash, "the history of {seed}");
        long += usize::from(one.trace.len() > 10);
    }
    // By their dice some have next to nothing in them.
    assert!(long >= 9, "{long} of 12 have more than 10 lines");
}
