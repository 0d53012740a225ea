//! One history, from its first request to the time when all of it is forgotten.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use domain::clock::Clock as _;
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::Dispatch;
use tracing_subscriber::fmt::MakeWriter;

use super::client::Client;
use super::node::Node;
use super::world::{Life, World};
use super::{hooks, judge};

/// If there is only one subscriber, `tracing` 0.1 asks the thread that reaches a line of the log first, and stores its
/// answer for all threads. A test without a subscriber would silence that line here. With two, it asks both.
static SECOND: LazyLock<Dispatch> =
    LazyLock::new(|| tracing_subscriber::fmt().with_writer(std::io::sink).finish().into());

/// No life of a node takes longer, in its own time.
const LONGEST: Duration = Duration::from_secs(1_800);

/// Long enough for what the jump of a clock has woken.
const MOMENT: Duration = Duration::from_millis(500);

/// Longer than the server is at a request once all is quiet.
const IN_FLIGHT: Duration = Duration::from_secs(30);

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// What one history was.
pub struct Told {
    /// What was wrong, if anything.
    pub fault: Option<String>,
    pub trace: Vec<String>,
    /// Of the whole trace.
    pub hash: String,
    /// The batches that were accepted, the attempts to deliver, the crashes.
    pub counts: [usize; 3],
}

/// Runs the history of a seed.
pub fn run(seed: u64) -> Told {
    let world = Arc::new(World::new(seed));
    let ended = catch_unwind(AssertUnwindSafe(|| while !live(&world) {}));
    if let Err(panic) = ended {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        world.check(Err(format!("panicked: {text:?}")));
    }
    let state = world.state();
    let hash = Sha256::digest(state.trace.join("\n")).iter().map(|byte| format!("{byte:02x}")).collect();
    let counts = [state.book.entries.len(), state.receipts.len(), state.crashes as usize];
    Told { fault: state.fault.clone(), trace: state.trace.clone(), hash, counts }
}

/// One life of the node; whether all was done in it.
fn live(world: &Arc<World>) -> bool {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let life = Arc::new(Life::default());
    // The log of a life is part of its history.
    let log = tracing_subscriber::fmt().with_ansi(false).without_time().with_writer(Log(Arc::clone(world)));
    LazyLock::force(&SECOND);
    let _log = tracing::subscriber::set_default(log.finish());
    let done = runtime.block_on(async {
        world.clock.begin();
        let node = Arc::new(Node::start(world, &life));
        let all = timeout(LONGEST, whole(Arc::clone(&node)));
        let done = tokio::select! {
            biased;
            () = life.until_over() => false,
            ended = all => {
                world.check(ended.unwrap_or_else(|_| Err("nothing moves any more".to_owned())));
                true
            }
        };
        world.clock.end();
        done
    });
    // All tasks end where they are, and the store with them.
    drop(runtime);
    done || world.state().fault.is_some()
}

/// Writes lines of the log down.
#[derive(Clone)]
struct Log(Arc<World>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.0.note(format!("log {}", text.trim()));
        let is_clean = !text.contains('@') && !text.contains("rb_") && !text.contains("example.com");
        self.0.check(is_clean.then_some(()).ok_or_else(|| format!("the log tells of people: {text}")));
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The storm, and the quiet after it.
async fn whole(node: Arc<Node>) -> Result<(), String> {
    let world = Arc::clone(&node.world);
    if world.state().storm {
        storm(&node).await?;
        world.note("quiet");
        world.state().storm = false;
        // What was sent by those who have hung up is journaled before it is judged.
        sleep(IN_FLIGHT).await;
    }
    let path = world.state().path.clone();
    let eyes = Eyes::open(&path);
    eyes.wait(
        &node,
        "all is applied",
        "SELECT count(*) = 0 FROM intake.batch WHERE position > \
               (SELECT value FROM setting WHERE name = 'applied')",
    )
    .await?;
    judge::answers(&world.state())?;
    judge::everything(&node).await?;
    settle(&node, &eyes).await?;
    hooks::all(&node).await?;
    if world.state().dice.chance(300) {
        forget(&node, &eyes).await?;
    }
    world.state().fault.clone().map_or(Ok(()), Err)
}

async fn storm(node: &Arc<Node>) -> Result<(), String> {
    let mut tasks = JoinSet::new();
    for no in 0..node.world.plan.clients {
        tasks.spawn(Client { no, node: Arc::clone(node) }.run());
    }
    let turned = Arc::clone(node);
    let sky = tokio::spawn(async move { turn_the_clock(&turned).await });
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|error| format!("a client has panicked: {error}"))?;
    }
    sky.abort();
    Ok(())
}

/// The clock jumps on, and back; now and then the machine dies between two transactions.
async fn turn_the_clock(node: &Node) {
    let world = &node.world;
    loop {
        let pause = world.state().dice.between(50, 2_500);
        sleep(Duration::from_millis(pause)).await;
        if world.may_crash() && world.plan.crash > 0 && world.state().dice.chance(60) {
            world.crash(&node.life, "between");
            return;
        }
        if !world.state().dice.chance(world.plan.jumps) {
            continue;
        }
        let by = {
            let mut state = world.state();
            let dice = &mut state.dice;
            match dice.index(8) {
                0 if world.plan.set_back => -i64::try_from(dice.between(1, 3_600_000)).unwrap(),
                0..=2 => 100_000,
                3..=4 => 600_000,
                5 => HOUR,
                6 => 23 * HOUR,
                _ => i64::try_from(dice.between(1, 72)).unwrap() * HOUR,
            }
        };
        let from = world.clock.now().millis();
        world.note(format!("the clock moves by {by} ms"));
        world.clock.jump(by);
        world.state().jumps.push((from, from + by));
    }
}

/// Jumps from one attempt to the next, until no webhook is pending.
async fn settle(node: &Node, eyes: &Eyes) -> Result<(), String> {
    const NEXT: &str = "SELECT min(next_at) FROM delivery WHERE state = 0";
    while let Some(next) = eyes.ask::<Option<i64>>(NEXT) {
        let wait = next - node.world.clock.now().millis();
        if wait > 0 {
            node.world.clock.jump(wait);
        }
        // Then it is made, and what came of it is written down.
        let moved = format!("SELECT coalesce(({NEXT}), {}) > {next}", i64::MAX);
        eyes.wait(node, "a webhook that is due is sent", &moved).await?;
    }
    Ok(())
}

/// A key is known for a day, whoever comes again with it.
async fn come_again(node: &Arc<Node>) -> Result<(), String> {
    let last = {
        let state = node.world.state();
        let keyed = state.book.entries.values().filter(|entry| state.sent[entry.sent].key.is_some());
        keyed
            .max_by_key(|entry| entry.position)
            .map(|entry| (entry.accepted_at, state.sent[entry.sent].clone()))
    };
    let Some((accepted_at, sent)) = last else { return Ok(()) };
    let left = accepted_at + DAY - HOUR - node.world.clock.latest();
    if left > 0 {
        node.world.clock.jump(left);
        sleep(MOMENT).await;
        Client { no: 0, node: Arc::clone(node) }.send(sent).await;
        // Where that has hung up, the server may be at it still. No request takes a week.
        sleep(IN_FLIGHT).await;
        judge::answers(&node.world.state())?;
    }
    Ok(())
}

/// Until its time, all is kept, and after it nothing.
async fn forget(node: &Arc<Node>, eyes: &Eyes) -> Result<(), String> {
    come_again(node).await?;
    // Set back, it may have been later before.
    let ahead = node.world.clock.latest() - node.world.clock.now().millis();
    node.world.clock.jump(ahead + 7 * DAY - HOUR);
    sleep(MOMENT).await;
    judge::everything(node).await?;
    let ids: Vec<String> = node.world.state().book.entries.keys().cloned().collect();
    node.world.clock.jump(HOUR + 1);
    let gone = "SELECT (SELECT count(*) FROM request) + (SELECT count(*) FROM delivery) + \
                (SELECT count(*) FROM former_identifiers) + (SELECT count(*) FROM intake.batch) + \
                (SELECT count(*) FROM intake.once) = 0";
    eyes.wait(node, "requests and keys are forgotten", gone).await?;
    let found = node.find(0, &ids[..ids.len().min(100)]).await.ok_or("request/find has failed")?;
    if found.as_object().is_none_or(|found| !found.is_empty()) {
        return Err(format!("requests are kept past their time: {found}"));
    }
    node.world.clock.jump(83 * DAY);
    let gone = "SELECT (SELECT count(*) FROM history) + (SELECT count(*) FROM departed) + \
                (SELECT count(*) FROM former_bearer) = 0";
    eyes.wait(node, "histories are forgotten", gone).await
}

/// Sees what is in the files.
struct Eyes(Connection);

impl Eyes {
    fn open(path: &Path) -> Self {
        let connection = Connection::open(path).unwrap();
        let intake = path.with_file_name("store.intake");
        connection.execute("ATTACH ?1 AS intake", [intake.to_str().unwrap()]).unwrap();
        Self(connection)
    }

    fn ask<T: rusqlite::types::FromSql>(&self, sql: &str) -> T {
        self.0.prepare_cached(sql).unwrap().query_row([], |row| row.get(0)).unwrap()
    }

    /// Waits until a statement is true; that is to be soon.
    async fn wait(&self, node: &Node, what: &str, sql: &str) -> Result<(), String> {
        for _ in 0..7_000 {
            if self.ask::<bool>(sql) {
                return Ok(());
            }
            if let Some(fault) = node.world.state().fault.clone() {
                return Err(fault);
            }
            sleep(Duration::from_millis(10)).await;
        }
        let left = ["request", "delivery", "former_identifiers", "intake.batch", "intake.once", "history"]
            .map(|table| format!("{table} {}", self.ask::<i64>(&format!("SELECT count(*) FROM {table}"))));
        Err(format!("in vain it was waited until {what}; there are {left:?}"))
    }
}
