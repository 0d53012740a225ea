//! The two kinds of load: closed-loop (the next request when the last is answered) and on schedule (whether it is or
//! not).

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::Sender;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use super::Result;
use super::bodies::{Body, Random};
use super::client::{self, Client};
use super::quantiles::Latencies;
use super::requests::Watched;
use super::target::{Place, Share, Target};

/// Requests whose way from accepted to applied is watched, a second. Each answer tells of a hundred contacts: with 20 a
/// second, the threads that read took a tenth of the server's CPU.
const WATCHED_PER_SECOND: u64 = 5;
/// What is due for longer and finds no free connection is not sent at all, where refusals are not waited out.
const LATE: Duration = Duration::from_secs(1);

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Every contact once, into empty lists.
    Insert,
    /// Changes of five fields of random contacts.
    Update,
    /// The same, but one contact in five is a new one.
    Mixed,
    /// Changes of five fields, none of them a flag.
    Plain,
    /// Changes of four of these fields and of one flag, which is turned each time.
    Flag,
}

/// When it is sent.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// Each connection sends when its last request is answered; 503 and 429 are waited out.
    Closed {
        /// For how long; an insert ends when all is sent.
        duration: Duration,
    },
    /// On schedule.
    Scheduled {
        /// From one request to the next.
        interval: Duration,
        /// For how long.
        duration: Duration,
        /// Whether 503 and 429 are waited out.
        patient: bool,
    },
}

/// A request that was answered 200.
#[derive(Debug)]
pub struct Request {
    /// Its id.
    pub id: String,
    /// Contacts that it makes.
    pub created: u32,
    /// Contacts that it changes.
    pub updated: u32,
}

/// What one or all connections of a phase sent.
#[derive(Debug, Default)]
pub struct Sent {
    /// All that were accepted.
    pub requests: Vec<Request>,
    /// The last request id of each connection.
    pub last: Vec<String>,
    /// When the last 200 came.
    pub last_answer: Option<Instant>,
    /// 503 and 429 that were waited out.
    pub retries: u64,
    /// Contacts of requests that were answered 503, where that is not waited out.
    pub refused: u64,
    /// The refusals among them that had another status, or did not say when to come again.
    pub badly_refused: u64,
    /// Contacts that were not sent: no connection was free when they were due.
    pub not_sent: u64,
    /// Until the 200: from the moment of sending, or from when it was due.
    pub accept: Latencies,
    /// Until the 503.
    pub refuse: Latencies,
    /// From when it was due until it was sent; empty in a closed loop.
    pub late: Latencies,
}

impl Sent {
    /// Contacts that were accepted.
    pub fn contacts(&self) -> u64 {
        self.requests.iter().map(|request| u64::from(request.created + request.updated)).sum()
    }

    fn add(&mut self, other: Sent) {
        self.last.extend(other.requests.last().map(|request| request.id.clone()));
        self.requests.extend(other.requests);
        self.last_answer = self.last_answer.max(other.last_answer);
        self.retries += other.retries;
        self.refused += other.refused;
        self.badly_refused += other.badly_refused;
        self.not_sent += other.not_sent;
        self.accept.add(&other.accept);
        self.refuse.add(&other.refuse);
        self.late.add(&other.late);
    }
}

/// A load, as all its connections share it.
pub struct Load<'a> {
    /// What it is sent to.
    pub target: &'a Target,
    /// Where that is.
    pub place: &'a Place,
    /// What is sent.
    pub work: Work,
    /// When.
    pub pace: Pace,
    /// Connections.
    pub connections: u32,
    /// Contacts of a request.
    pub batch: u32,
    /// Counts contacts that were accepted.
    pub accepted: &'a AtomicU64,
}

impl Load<'_> {
    /// Sends it. Some of the requests that were accepted go to `watch`.
    ///
    /// # Errors
    /// Where the server answers what it should not.
    pub fn run(&self, watch: &Sender<Watched>) -> Result<Sent> {
        let shared = Shared { start: Instant::now(), turn: AtomicU32::new(0), watched: AtomicU64::new(0) };
        let shared = &shared;
        thread::scope(|scope| {
            let threads: Vec<_> = (0..self.connections)
                .map(|number| scope.spawn(move || Connection::open(self, shared, number)?.send_all(watch)))
                .collect();
            let mut all = Sent::default();
            for thread in threads {
                all.add(thread.join().map_err(|_| "a connection's thread panicked")??);
            }
            Ok(all)
        })
    }

    /// Batches of a list, where all contacts are made.
    fn batches_of_list(&self) -> u32 {
        self.target.per_list().div_ceil(self.batch)
    }
}

struct Shared {
    start: Instant,
    turn: AtomicU32,
    /// The last share of a second of which a request is watched; a second has [`WATCHED_PER_SECOND`].
    watched: AtomicU64,
}

/// When a request is to be sent, and whether it is its time that counts.
enum Due {
    Now(u32),
    At(u32, Instant),
    Never,
}

struct Connection<'a> {
    load: &'a Load<'a>,
    shared: &'a Shared,
    share: Share,
    client: Client,
    random: Random,
    body: Body,
    sent: Sent,
}

impl<'a> Connection<'a> {
    fn open(load: &'a Load<'a>, shared: &'a Shared, number: u32) -> Result<Self> {
        Ok(Self {
            load,
            shared,
            share: Share { number, of: load.connections },
            client: load.place.connect(number)?,
            // Stamps are never given twice: so each phase has a sequence of its own.
            random: Random::new(load.target.take_stamps(1).start),
            body: Body::default(),
            sent: Sent::default(),
        })
    }

    fn send_all(mut self, watch: &Sender<Watched>) -> Result<Sent> {
        loop {
            let (turn, due) = match self.due() {
                Due::Now(turn) => (turn, None),
                Due::At(turn, due) => (turn, Some(due)),
                Due::Never => return Ok(self.sent),
            };
            let patient = !matches!(self.load.pace, Pace::Scheduled { patient: false, .. });
            if !patient && due.is_some_and(|due| due.elapsed() > LATE) {
                self.sent.not_sent += u64::from(self.load.batch);
                continue;
            }
            if !self.make(turn)? {
                return Ok(self.sent);
            }
            if let Some(due) = due {
                sleep(due.saturating_duration_since(Instant::now()));
                self.sent.late.record(due.elapsed());
            }
            self.send(due.unwrap_or_else(Instant::now), patient, watch)?;
        }
    }

    fn due(&self) -> Due {
        let turn = self.shared.turn.fetch_add(1, Relaxed);
        match self.load.pace {
            Pace::Closed { duration } => {
                let over = self.load.work != Work::Insert && self.shared.start.elapsed() > duration;
                if over { Due::Never } else { Due::Now(turn) }
            }
            Pace::Scheduled { interval, duration, .. } => {
                let offset = interval * turn;
                if offset < duration { Due::At(turn, self.shared.start + offset) } else { Due::Never }
            }
        }
    }

    /// Whether there is anything left to send.
    fn make(&mut self, turn: u32) -> Result<bool> {
        let Load { target, work, batch, .. } = *self.load;
        if work != Work::Insert {
            self.body.change(target, &mut self.random, self.share, batch, work)?;
            return Ok(true);
        }
        let (list, first) = (turn % target.lists(), turn / target.lists() * batch);
        if turn / target.lists() >= self.load.batches_of_list() {
            return Ok(false);
        }
        self.body.fill(target, list, first..target.per_list().min(first + batch))?;
        Ok(true)
    }

    fn send(&mut self, from: Instant, patient: bool, watch: &Sender<Watched>) -> Result<()> {
        match self.client.update(&self.body.bytes, patient)? {
            client::Sent::Refused { status, says_when } => {
                self.sent.refuse.record(from.elapsed());
                self.sent.refused += u64::from(self.body.contacts());
                self.sent.badly_refused += u64::from(status != 503 || !says_when);
            }
            client::Sent::Accepted { id, retries } => {
                let answered = Instant::now();
                self.sent.accept.record(answered.saturating_duration_since(from));
                self.sent.last_answer = Some(answered);
                self.sent.retries += retries;
                self.load.target.remember(&self.body.changes);
                let contacts = u64::from(self.body.contacts());
                let accepted = self.load.accepted.fetch_add(contacts, Relaxed) + contacts;
                let turn = self.shared.start.elapsed().as_millis() as u64 * WATCHED_PER_SECOND / 1000 + 1;
                if self.shared.watched.fetch_max(turn, Relaxed) < turn {
                    watch.send(Watched { id: id.clone(), answered, accepted })?;
                }
                let (created, updated) = (self.body.created, self.body.changes.len() as u32);
                self.sent.requests.push(Request { id, created, updated });
            }
        }
        Ok(())
    }
}
