//! What a contact costs: starts the server on a throw-away store, fills a list, updates it as fast as the server goes,
//! then on schedule at half that rate, and reports CPU, memory, disk and latency. `cargo bench --bench speed -- --help`.

mod bodies;
mod check;
mod client;
mod disk;
mod load;
mod probe;
mod report;
mod requests;
mod server;
mod target;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;

use crate::check::Checks;
use crate::disk::Disk;
use crate::load::{Schedule, Sent};
use crate::report::{Latencies, Phase, Quantiles, Report};
use crate::server::{Installation, Server};
use crate::target::{Target, Tokens};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Enough that a request on schedule rarely waits for a free connection.
const SCHEDULED_CONNECTIONS: u32 = 32;
/// Requests whose way from accepted to applied is watched, a second: more would be a load of their own.
const WATCHED_PER_SECOND: f64 = 20.0;
const QUIET_PROBE: Duration = Duration::from_secs(1);

/// Measures the server's cost and latency.
#[derive(Parser)]
struct Arguments {
    /// Where the throw-away directory is made; the system's temporary directory if not given
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Contacts in the list
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(100..100_000_000))]
    contacts: u32,
    /// How long updates are sent, in each of the two phases of updates
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Connections of the closed-loop phases
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    connections: u32,
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
        Ok(failures) if failures.is_empty() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("speed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Answers the checks that failed.
fn run(arguments: &Arguments) -> Result<Vec<String>> {
    let scratch = Scratch::create(arguments.dir.as_deref())?;
    let report = measure(arguments, &scratch.0)
        .map_err(|error| format!("{error}\nthe server's last words:\n{}", scratch.log_tail()))?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    Ok(report.checks.failures)
}

fn measure(arguments: &Arguments, scratch: &Path) -> Result<Report> {
    let Arguments { contacts, seconds, .. } = *arguments;
    let mut notes = Vec::new();
    let installation =
        Installation { program: arguments.server.clone(), database: scratch.join("store/rollbook.db") };
    let wanted = arguments.connections.max(SCHEDULED_CONNECTIONS);
    let tokens = Tokens::create(&installation, wanted, &mut notes)?;
    let server = Server::start(&installation, &scratch.join("server.log"))?;
    tokens.trivial_request(&server)?;
    let idle_rss = server.rss()?;
    let target = Target::prepare(&server, tokens, contacts, &mut notes)?;
    let connections = target.connections(arguments.connections);
    let bench = Bench { target, server, database: installation.database };

    let (filled, fill) = bench.phase("fill", |target| load::fill(target, connections))?;
    let duration = Duration::from_secs(seconds);
    let (updated, updates) = bench.phase("updates", |target| load::update(target, connections, duration))?;
    let rate = updates.applied_per_second / 2.0;
    let (scheduled, half_rate, latencies) = bench.half_rate(rate, duration, scratch)?;

    eprintln!("checking");
    let mut report = Report::new(contacts, connections, seconds, idle_rss, latencies);
    let sent = [(&filled, "created"), (&updated, "updated"), (&scheduled, "updated")];
    report.checks = Checks::run(&bench.target, &sent)?;
    report.phases = vec![fill, updates, half_rate];
    report.notes = notes;
    Ok(report)
}

struct Bench {
    target: Target,
    server: Server,
    database: PathBuf,
}

impl Bench {
    /// Measures one load from its first request until the last is applied and the files have come to rest.
    fn phase(&self, name: &'static str, load: impl FnOnce(&Target) -> Result<Sent>) -> Result<(Sent, Phase)> {
        eprintln!("{name}");
        let (server_cpu, client_cpu) = (self.server.cpu_seconds()?, self.server.client_cpu_seconds()?);
        let start = Instant::now();
        let sent = load(&self.target)?;
        let accepted = sent.last_answer().ok_or("nothing was sent")?;
        let applied = requests::wait_until_applied(&mut self.target.connect(0)?, &sent.last)?;
        let mut disk = Disk::settled(&self.database, self.target.contacts)?;
        let server_cpu = self.server.cpu_seconds()? - server_cpu;
        let client_cpu = self.server.client_cpu_seconds()? - client_cpu;
        disk.read_tables(&self.database);
        let contacts = sent.contacts() as f64;
        let phase = Phase {
            name,
            requests: sent.requests.len(),
            contacts: sent.contacts(),
            retries: sent.retries,
            accepted_per_second: contacts / (accepted - start).as_secs_f64(),
            applied_per_second: contacts / (applied - start).as_secs_f64(),
            server_micros_per_contact: server_cpu * 1e6 / contacts,
            client_micros_per_contact: client_cpu * 1e6 / contacts,
            rss_bytes: self.server.rss()?,
            peak_rss_bytes: self.server.peak_rss()?,
            disk,
        };
        Ok((sent, phase))
    }

    /// Updates on schedule, that many contacts a second, with the disk and the way to "applied" watched beside it.
    fn half_rate(&self, rate: f64, duration: Duration, scratch: &Path) -> Result<(Sent, Phase, Latencies)> {
        let fdatasync_quiet = probe::fdatasync(scratch, QUIET_PROBE)?;
        let requests_per_second = rate / f64::from(bodies::BATCH);
        let sampled = (requests_per_second / WATCHED_PER_SECOND).ceil().max(1.0) as u32;
        let connections = self.target.connections(SCHEDULED_CONNECTIONS);
        let (watch, watched) = mpsc::channel();
        let mut watcher = self.target.connect(0)?;
        thread::scope(|scope| {
            let applied = scope.spawn(move || requests::watch_until_applied(&mut watcher, &watched));
            let fdatasync = scope.spawn(|| probe::fdatasync(scratch, duration));
            let measured = self.phase("half rate", |target| {
                let interval = Duration::from_secs_f64(1.0 / requests_per_second);
                let schedule = Schedule { start: Instant::now(), interval, duration };
                // The watcher ends when `watch`, moved in here, is dropped.
                let watch = watch;
                load::update_on_schedule(target, connections, schedule, sampled, &watch)
            });
            // Theirs first: a watcher that fails makes the load fail too.
            let applied = applied.join().map_err(|_| "the watcher panicked")??;
            let fdatasync = fdatasync.join().map_err(|_| "the probe panicked")??;
            let (mut sent, phase) = measured?;
            let accept = Quantiles::of(std::mem::take(&mut sent.accept));
            let fdatasync_quiet = Quantiles::of(fdatasync_quiet);
            let fdatasync_loaded = Quantiles::of(fdatasync);
            let latencies = Latencies {
                requests_per_second,
                connections,
                accept_per_fdatasync: [accept.p99 / fdatasync_loaded.p99, accept.p99 / fdatasync_quiet.p99],
                accept,
                schedule_lag: Quantiles::of(std::mem::take(&mut sent.lag)),
                accepted_to_applied: Quantiles::of(applied),
                fdatasync_quiet,
                fdatasync_loaded,
            };
            Ok((sent, phase, latencies))
        })
    }
}

/// A new directory of our own, removed at the end whatever happened.
struct Scratch(PathBuf);

impl Scratch {
    fn create(parent: Option<&Path>) -> Result<Self> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_path_buf);
        let path = parent.join(format!("rollbook-speed-{}", std::process::id()));
        fs::create_dir_all(&parent)?;
        fs::create_dir(&path)?;
        fs::create_dir(path.join("store"))?;
        Ok(Self(path))
    }

    fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.0.join("server.log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("speed: {} is left behind: {error}", self.0.display());
        }
    }
}
