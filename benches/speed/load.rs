//! The two kinds of load: closed-loop (the next request when the last is answered) and on schedule (whether it is or not).

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc::Sender;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use crate::Result;
use crate::bodies::{self, BATCH, Owner, Random};
use crate::client::Client;
use crate::target::Target;

/// A request that was answered 200.
pub struct Request {
    pub id: String,
    pub contacts: u32,
    pub answered: Instant,
}

/// What one or all connections of a phase sent.
#[derive(Default)]
pub struct Sent {
    pub requests: Vec<Request>,
    /// The last request id of each connection.
    pub last: Vec<String>,
    /// 503 and 429 that were waited out.
    pub retries: u64,
    /// From the due time to the 200; only on schedule.
    pub accept: Vec<Duration>,
    /// From the due time until the client began to send; only on schedule.
    pub lag: Vec<Duration>,
}

impl Sent {
    pub fn contacts(&self) -> u64 {
        self.requests.iter().map(|request| u64::from(request.contacts)).sum()
    }

    pub fn last_answer(&self) -> Option<Instant> {
        self.requests.iter().map(|request| request.answered).max()
    }

    fn send(&mut self, client: &mut Client, body: &[u8], contacts: u32) -> Result<Instant> {
        let accepted = client.update(body)?;
        let answered = Instant::now();
        self.retries += accepted.retries;
        self.requests.push(Request { id: accepted.id, contacts, answered });
        Ok(answered)
    }

    fn add(&mut self, other: Sent) {
        self.last.extend(other.requests.last().map(|request| request.id.clone()));
        self.requests.extend(other.requests);
        self.retries += other.retries;
        self.accept.extend(other.accept);
        self.lag.extend(other.lag);
    }
}

/// Creates every contact once.
pub fn fill(target: &Target, connections: u32) -> Result<Sent> {
    let next = AtomicU32::new(0);
    on_each(connections, |number| {
        let (mut client, mut body, mut sent) = (target.connect(number)?, Vec::new(), Sent::default());
        loop {
            let first = next.fetch_add(BATCH, Relaxed);
            if first >= target.contacts {
                return Ok(sent);
            }
            let contacts = first..target.contacts.min(first + BATCH);
            let count = contacts.len() as u32;
            bodies::fill(&mut body, target, contacts)?;
            sent.send(&mut client, &body, count)?;
        }
    })
}

/// Updates random contacts, as fast as the answers come, for that long.
pub fn update(target: &Target, connections: u32, duration: Duration) -> Result<Sent> {
    let end = Instant::now() + duration;
    on_each(connections, |number| {
        let (mut client, mut body, mut sent) = (target.connect(number)?, Vec::new(), Sent::default());
        let (owner, mut random) = (Owner { number, of: connections }, Random::new(number));
        while Instant::now() < end {
            bodies::update(&mut body, target, &mut random, owner)?;
            sent.send(&mut client, &body, BATCH)?;
        }
        Ok(sent)
    })
}

/// When each request of a phase is due.
#[derive(Clone, Copy)]
pub struct Schedule {
    pub start: Instant,
    pub interval: Duration,
    pub duration: Duration,
}

/// Updates random contacts on schedule. A request that finds all connections busy is sent late, and its latency counts
/// from when it was due. Every `sampled`-th is handed to `watch` when it is answered.
pub fn update_on_schedule(
    target: &Target,
    connections: u32,
    schedule: Schedule,
    sampled: u32,
    watch: &Sender<(String, Instant)>,
) -> Result<Sent> {
    let next = AtomicU32::new(0);
    on_each(connections, |number| {
        let (mut client, mut body, mut sent) = (target.connect(number)?, Vec::new(), Sent::default());
        let (owner, mut random) = (Owner { number, of: connections }, Random::new(1000 + number));
        loop {
            let turn = next.fetch_add(1, Relaxed);
            let offset = schedule.interval * turn;
            if offset >= schedule.duration {
                return Ok(sent);
            }
            let due = schedule.start + offset;
            bodies::update(&mut body, target, &mut random, owner)?;
            sleep(due.saturating_duration_since(Instant::now()));
            sent.lag.push(due.elapsed());
            let answered = sent.send(&mut client, &body, BATCH)?;
            sent.accept.push(answered.saturating_duration_since(due));
            if turn.is_multiple_of(sampled)
                && let Some(request) = sent.requests.last()
            {
                watch.send((request.id.clone(), answered))?;
            }
        }
    })
}

/// Runs the work on that many threads and adds up what they sent.
fn on_each(connections: u32, work: impl Fn(u32) -> Result<Sent> + Sync) -> Result<Sent> {
    let work = &work;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..connections).map(|number| scope.spawn(move || work(number))).collect();
        let mut all = Sent::default();
        for thread in threads {
            all.add(thread.join().map_err(|_| "a connection's thread panicked")??);
        }
        Ok(all)
    })
}
