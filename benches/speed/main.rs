//! The server beside the bare engine: the same load goes to both, in turn, on one machine, and what counts is the
//! ratio. `cargo bench --bench speed -- --help`.

mod bare;
mod engine;
mod postgres;
mod report;
mod sqlite;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bench::own::OwnServer;
use bench::report::ServerTimes;
use bench::{Plan, Run, Workload};
use clap::Parser;
use domain::clock::{Clock, SystemClock};

use crate::bare::{Bare, Cost};
use crate::postgres::Postgres;
use crate::report::{Comparison, Pair};
use crate::sqlite::Sqlite;

type Result<T> = bench::Result<T>;

/// Measures the server's cost and latency, and the bare engine's beside it.
#[derive(Parser)]
struct Arguments {
    /// Where the throw-away directory is made; the system's temporary directory if not given
    #[arg(long)]
    dir: Option<PathBuf>,
    /// A PostgreSQL on this machine, postgres://…, with an empty database: it is filled, and left so; a store in the
    /// throw-away directory if not given
    #[arg(long)]
    database: Option<String>,
    /// Contacts in the list
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(100..50_000_000))]
    contacts: u32,
    /// How long updates are sent, each time
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// How often both do updates, in turn
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Connections of the closed-loop phases
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    connections: u32,
    /// Contacts of a request
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    batch: u32,
    /// One JSON object instead of tables
    #[arg(long)]
    json: bool,
    /// The server to measure; the one that cargo has built if not given
    #[arg(long, default_value = env!("CARGO_BIN_EXE_rollbook"))]
    server: PathBuf,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("speed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all checks have held.
fn run(arguments: &Arguments) -> Result<bool> {
    let plan = Plan {
        workloads: vec![Workload::Half],
        contacts: arguments.contacts,
        lists: 1,
        connections: arguments.connections,
        batch: arguments.batch,
        duration: Duration::from_secs(arguments.seconds),
        rate: None,
        keep: true,
        keep_names: false,
        name: format!("speed{}", SystemClock.now().millis()),
    };
    let server = OwnServer::start(
        &arguments.server,
        arguments.dir.as_deref(),
        arguments.database.as_deref(),
        plan.most_connections(),
    )?;
    let measured = measure(arguments, plan, &server).map_err(|error| server.with_last_words(error))?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&measured)?);
    } else {
        print!("{measured}");
    }
    Ok(measured.server.failures().is_empty() && measured.bare_failures.is_empty())
}

fn measure(arguments: &Arguments, plan: Plan, server: &OwnServer) -> Result<Comparison> {
    let place = server.place()?;
    let beside = place.database.clone();
    let mut run = Run::start(place, plan)?;
    let mut bare = Bare::create(&server.directory().join("bare"), arguments.contacts, |own| {
        Ok(match (&arguments.database, beside) {
            (Some(url), _) => Box::new(Postgres::open(url)?),
            (None, beside) => Box::new(Sqlite::open(own, beside.ok_or("no store")?)?),
        })
    })?;
    let mut turns = Turns { database_works: arguments.database.is_some(), reached: 0 };
    let mut pairs =
        vec![turns.pair(&mut run, Workload::Insert, &mut bare, |bare, groups| {
            bare.insert(arguments.batch, groups)
        })?];
    for _ in 0..arguments.rounds {
        let update = |bare: &mut Bare, groups: &[u32]| bare.update(arguments.batch, groups);
        pairs.push(turns.pair(&mut run, Workload::Update, &mut bare, update)?);
    }
    run.workload(Workload::Half)?;
    eprintln!("checking");
    let (bare_bytes_per_contact, bare_failures) = (bare.bytes_per_contact()?, bare.check()?);
    let mut report = run.finish()?;
    let (stopped, started) = server.restart()?;
    report.server = Some(ServerTimes {
        idle_rss_bytes: server.idle_rss,
        first_start_seconds: server.started_in.as_secs_f64(),
        stop_seconds: stopped.as_secs_f64(),
        start_seconds: started.as_secs_f64(),
    });
    Ok(Comparison { pairs, server: report, bare_bytes_per_contact, bare_failures })
}

/// The server first, then the bare engine in transactions of the sizes that the server's had.
struct Turns {
    /// Whether the store is a process of its own, whose CPU counts too.
    database_works: bool,
    reached: u64,
}

impl Turns {
    fn pair(
        &mut self,
        run: &mut Run,
        workload: Workload,
        bare: &mut Bare,
        work: impl FnOnce(&mut Bare, &[u32]) -> Result<Cost>,
    ) -> Result<Pair> {
        let before = bare.engine.cpu()?;
        let phase = run.workload(workload)?.clone();
        // This thread only waits meanwhile: it is the database's.
        let database = if self.database_works { bare.engine.cpu()? - before } else { Duration::ZERO };
        let (reached, groups) = bare.engine.server_transactions(self.reached)?;
        self.reached = reached;
        eprintln!("{}, bare engine", phase.name);
        let cost = work(bare, &groups)?;
        Ok(Pair::new(&phase, database, cost, &groups))
    }
}
