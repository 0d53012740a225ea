//! `rollbook bench`

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::serve::stop_signal;
use super::{Result, now, print};
use bench::own::OwnServer;
use bench::process::Process;
use bench::report::{Report, ServerTimes};
use bench::target::Place;
use bench::{Plan, Run, Workload, bodies, plot};

/// The most contacts that the numbers in the bodies have digits for, with room for those that a load makes.
const MOST: i64 = 50_000_000;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Server to measure, repeatable [default: a temporary one]
    #[arg(long, requires = "token")]
    url: Vec<String>,
    /// Access token of that server, one for 8 connections; repeatable
    #[arg(long, requires = "url")]
    token: Vec<String>,
    /// Process id of that server, to measure CPU and memory
    #[arg(long, requires = "url")]
    pid: Option<u32>,
    /// Path of that server's store, to measure its size
    #[arg(long, value_name = "PATH", requires = "url")]
    store: Option<PathBuf>,
    /// Leave lists and contacts on that server
    #[arg(long, requires = "url")]
    keep: bool,
    /// Leave names as they are: search has nothing to index
    #[arg(long)]
    keep_names: bool,
    /// Directory of the temporary store [default: that of the system]
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    dir: Option<PathBuf>,
    /// Loads to send, in this order
    #[arg(long, value_enum, value_delimiter = ',', default_value = "insert,update,half,mixed")]
    workload: Vec<Workload>,
    /// Contacts in all lists
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=MOST))]
    contacts: u32,
    /// Lists to create
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    lists: u32,
    /// Connections; loads on schedule open 32 or 64
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    connections: u32,
    /// Contacts in each request
    #[arg(long, default_value_t = bodies::MAX_BATCH, value_parser = clap::value_parser!(u32).range(1..=i64::from(bodies::MAX_BATCH)))]
    batch: u32,
    /// Duration of each load; `insert` ends when all contacts are sent
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Contacts to send each second, on schedule
    #[arg(long, value_name = "CONTACTS")]
    rate: Option<u32>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// SVG file to draw the rates over time
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// Measures. It fails where what was accepted was not done, or done wrong.
pub async fn run(arguments: Arguments) -> Result<Option<String>> {
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
        keep_names: arguments.keep_names,
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
        0 => Ok(None),
        count => Ok(Some(format!("{count} check(s) failed: see the report"))),
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

fn times(server: &OwnServer) -> bench::Result<ServerTimes> {
    let (stopped, started) = server.restart()?;
    Ok(ServerTimes {
        idle_rss_bytes: server.idle_rss,
        first_start_seconds: server.started_in.as_secs_f64(),
        stop_seconds: stopped.as_secs_f64(),
        start_seconds: started.as_secs_f64(),
    })
}
