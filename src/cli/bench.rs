//! `rollbook bench`

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::serve::stop_signal;
use super::{Result, now, print};
use crate::bench::own::OwnServer;
use crate::bench::process::Process;
use crate::bench::report::{Report, ServerTimes};
use crate::bench::target::Place;
use crate::bench::{self, Plan, Run, Workload, bodies, plot};

/// The most contacts that the numbers in the bodies have digits for, with room for those that a load makes.
const MOST: i64 = 50_000_000;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The server to measure, http://host:port; one of its own on a throw-away store if not given. Several of one
    /// store may be given: the connections are spread over them
    #[arg(long, requires = "token")]
    url: Vec<String>,
    /// An access token of that server. With the default of `max_in_flight` each is good for 8 connections: give
    /// several, of one account, for more
    #[arg(long, requires = "url")]
    token: Vec<String>,
    /// The process id of that server, of one where there are several, where it runs on this machine: for its CPU and
    /// memory
    #[arg(long, requires = "url")]
    pid: Option<u32>,
    /// The path of that server's store, where it is on this machine: for its size
    #[arg(long, value_name = "PATH", requires = "url")]
    store: Option<PathBuf>,
    /// Leave the lists and the contacts on that server
    #[arg(long, requires = "url")]
    keep: bool,
    /// Where the throw-away store is made [default: the system's temporary directory]
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    dir: Option<PathBuf>,
    /// What to send, one after the other
    #[arg(long, value_enum, value_delimiter = ',', default_value = "insert,update,half,mixed")]
    workload: Vec<Workload>,
    /// Contacts in the lists
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=MOST))]
    contacts: u32,
    /// Lists that they are spread over
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    lists: u32,
    /// Connections; loads on schedule have 32 or 64 of their own
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    connections: u32,
    /// Contacts of a request
    #[arg(long, default_value_t = bodies::MAX_BATCH, value_parser = clap::value_parser!(u32).range(1..=i64::from(bodies::MAX_BATCH)))]
    batch: u32,
    /// How long each load lasts; `insert` lasts until all contacts are sent
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Send on schedule, this many contacts a second, whether or not the last request was answered
    #[arg(long, value_name = "CONTACTS")]
    rate: Option<u32>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Draw the rates over time, as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// Measures. It fails where what was accepted was not done, or done wrong.
pub async fn run(arguments: Arguments) -> Result {
    let plan = Plan {
        workloads: arguments.workload.clone(),
        contacts: arguments.contacts,
        lists: arguments.lists,
        connections: arguments.connections,
        batch: arguments.batch,
        duration: Duration::from_secs(arguments.seconds),
        rate: arguments.rate.filter(|rate| *rate > 0).map(f64::from),
        // A store that is thrown away need not be tidied.
        keep: arguments.keep || arguments.url.is_empty(),
        name: format!("bench{}", now().millis()),
    };
    let report = if arguments.url.is_empty() {
        measure_own(arguments.dir.as_deref(), plan).await?
    } else {
        let place = place(&arguments)?;
        let measured = tokio::task::spawn_blocking(move || measure(place, plan));
        measured.await.map_err(|error| error.to_string())??
    };
    if let Some(path) = &arguments.plot {
        let drawing = plot::svg(&report.phases).map_err(|error| error.to_string())?;
        std::fs::write(path, drawing).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if arguments.json {
        print(&serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?);
    } else {
        print(report.to_string().trim_end());
    }
    match report.failures().len() {
        0 => Ok(()),
        count => Err(format!("{count} check(s) failed: see the report")),
    }
}

fn place(arguments: &Arguments) -> Result<Place> {
    let addresses = arguments.url.iter().map(|url| Place::address_of(url));
    let process = arguments.pid.map(Process::new).transpose().map_err(|error| error.to_string())?;
    Ok(Place {
        addresses: addresses.collect::<bench::Result<_>>().map_err(|error| error.to_string())?,
        tokens: arguments.token.clone(),
        process,
        database: arguments.store.clone(),
    })
}

fn measure(place: Place, plan: Plan) -> Result<Report> {
    let measured = Run::start(place, plan).and_then(|mut run| run.all().and_then(|()| run.finish()));
    measured.map_err(|error| error.to_string())
}

/// Measures a server of its own, of which nothing is left when this returns.
async fn measure_own(directory: Option<&Path>, plan: Plan) -> Result<Report> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let started = OwnServer::start(&program, directory, None, plan.most_connections());
    let server = Arc::new(started.map_err(|error| error.to_string())?);
    let measured = tokio::task::spawn_blocking({
        let server = Arc::clone(&server);
        move || -> Result<Report> {
            let place = server.place().map_err(|error| error.to_string())?;
            let mut report = measure(place, plan).map_err(|sentence| server.with_last_words(sentence))?;
            report.server = Some(times(&server).map_err(|error| error.to_string())?);
            Ok(report)
        }
    });
    tokio::select! {
        report = measured => report.map_err(|error| error.to_string())?,
        () = stop_signal() => {
            // What still measures finds its server gone, and ends too.
            server.end();
            Err("stopped".to_owned())
        }
    }
}

fn times(server: &OwnServer) -> crate::bench::Result<ServerTimes> {
    let (stopped, started) = server.restart()?;
    Ok(ServerTimes {
        idle_rss_bytes: server.idle_rss,
        first_start_seconds: server.started_in.as_secs_f64(),
        stop_seconds: stopped.as_secs_f64(),
        start_seconds: started.as_secs_f64(),
    })
}
