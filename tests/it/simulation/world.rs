//! All that is outside of the node: what was sent and received, what happened, and what was wrong with it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::clock::Clock as _;
use storage::DeliveryEnd;
use tokio::sync::Notify;

use super::book::Book;
use super::dice::Dice;
use super::ground::{self, Ground, START};
use super::plan::Plan;
use super::time::SimClock;
use crate::undo_model::plain::Ask;

/// What a client was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// 200, and the id.
    Accepted(String),
    /// 503, and nobody knows.
    Unknown,
    /// Anything else: nothing was kept.
    Refused(u16, String),
}

/// A request that was sent to be queued.
#[derive(Clone, Debug)]
pub struct Sent {
    pub id: String,
    pub list: usize,
    /// `None` where it is none that can be accepted.
    pub ask: Option<Ask>,
    pub path: &'static str,
    pub body: String,
    pub key: Option<String>,
    pub uri: Option<String>,
    /// Counts events: what was answered before something else was sent is known by it.
    pub began: u64,
    pub ended: u64,
    pub answer: Option<Answered>,
}

/// An attempt to deliver a webhook, as the receiver has seen it.
#[derive(Clone, Debug)]
pub struct Receipt {
    pub id: String,
    pub at: i64,
    pub life: u32,
    pub body: String,
    /// `None` where the node died meanwhile.
    pub outcome: Option<DeliveryEnd>,
}

/// What a client remembers from one life of the node to the next.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// What it will yet set about.
    pub left: u64,
    /// The place of what it has sent and not heard of.
    pub doubt: Option<usize>,
}

pub struct State {
    pub dice: Dice,
    pub trace: Vec<String>,
    pub book: Book,
    pub sent: Vec<Sent>,
    pub receipts: Vec<Receipt>,
    pub memories: Vec<Memory>,
    /// How far a request was seen to be, by its id.
    pub seen: BTreeMap<String, usize>,
    pub ticks: u64,
    /// Which life of the node this is.
    pub life: u32,
    pub path: PathBuf,
    /// Whether anything may go wrong.
    pub storm: bool,
    /// Moves of the clock during the storm.
    pub jumps: Vec<(i64, i64)>,
    /// How many transactions of which nobody has to know were made to fail.
    pub faults: u32,
    pub crashes: u32,
    /// What was found to be wrong first.
    pub fault: Option<String>,
}

pub struct World {
    pub plan: Plan,
    pub clock: SimClock,
    pub ground: Ground,
    state: Mutex<State>,
}

/// One life of the node.
#[derive(Default)]
pub struct Life {
    over: AtomicBool,
    ended: Notify,
}

impl Life {
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        self.ended.notify_one();
    }

    pub async fn until_over(&self) {
        self.ended.notified().await;
    }

    /// Whoever asks goes on only if the node is alive.
    pub async fn go_on(&self) {
        if self.is_over() {
            std::future::pending::<()>().await;
        }
    }
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let plan = Plan::draw(&mut dice);
        let ground = Ground::new();
        let memory = Memory { left: plan.deeds, ..Memory::default() };
        let state = State {
            dice,
            trace: vec![format!("{plan:?}")],
            book: Book::new(plan.lists),
            sent: Vec::new(),
            receipts: Vec::new(),
            memories: vec![memory; plan.clients],
            seen: BTreeMap::new(),
            ticks: 0,
            life: 0,
            path: ground.first(),
            storm: true,
            jumps: Vec::new(),
            faults: 0,
            crashes: 0,
            fault: None,
        };
        Self { plan, clock: SimClock::new(START), ground, state: Mutex::new(state) }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        // A panic is what a history then tells of; what led to it is here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down what happens.
    pub fn note(&self, text: impl AsRef<str>) {
        let line = format!("{} {}", self.clock.now().millis() - START.millis(), text.as_ref());
        self.state().trace.push(line);
    }

    /// Writes down what is wrong.
    pub fn check(&self, outcome: Result<(), String>) {
        if let Err(fault) = outcome {
            self.note(format!("WRONG: {fault}"));
            self.state().fault.get_or_insert(fault);
        }
    }

    /// The process dies: what is on disk at this moment is all that is left.
    pub fn crash(&self, life: &Life, when: &str) {
        self.note(format!("crash {when}"));
        let to = self.ground.place();
        let mut state = self.state();
        ground::copy(&state.path, &to);
        state.path = to;
        state.crashes += 1;
        life.end();
    }

    pub fn may_crash(&self) -> bool {
        let state = self.state();
        state.storm && state.crashes < self.plan.crashes
    }
}

impl State {
    pub fn tick(&mut self) -> u64 {
        self.ticks += 1;
        self.ticks
    }
}
