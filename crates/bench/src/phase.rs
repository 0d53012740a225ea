//! One load, measured from its first request until the last is applied and the files have come to rest.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use serde::Serialize;

use super::disk::Disk;
use super::load::{Load, Pace, Sent};
use super::process::Process;
use super::quantiles::{Latencies, Quantiles};
use super::target::Place;
use super::timeline::{Point, Progress};
use super::{Result, probe, requests};

/// CPU counts from the first request until everything is applied and the files have come to rest.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Phase {
    /// What was sent, and when.
    pub name: String,
    /// Contacts due a second; only on schedule.
    pub offered_per_second: Option<f64>,
    /// Connections.
    pub connections: u32,
    /// Requests that were accepted.
    pub requests: usize,
    /// Contacts of them.
    pub contacts: u64,
    /// Answers 503 and 429 that were waited out.
    pub retries: u64,
    /// Contacts of requests that were answered 503, where that was not waited out.
    pub refused: u64,
    /// Of those refusals, the ones with another status or without `Retry-After`.
    pub badly_refused: u64,
    /// Contacts that were not sent, since no connection was free when they were due.
    pub not_sent: u64,
    /// From the first request to the last 200.
    pub accepted_per_second: f64,
    /// From the first request until all is applied.
    pub applied_per_second: f64,
    /// Seconds from the last 200 until all is applied.
    pub drained_seconds: f64,
    /// CPU of the server, where its process is known.
    pub server_micros_per_contact: Option<f64>,
    /// CPU of the load generator.
    pub client_micros_per_contact: f64,
    /// Milliseconds from sending (on schedule: from when it was due) to the 200.
    pub accept: Quantiles,
    /// The same, to the 503.
    pub refuse: Quantiles,
    /// Milliseconds by which requests were sent late; only on schedule.
    pub late: Quantiles,
    /// Milliseconds from the 200 until request/find says `processed`; of a sample.
    pub accepted_to_applied: Quantiles,
    /// Milliseconds of an fdatasync of 4 KB at the same time; only on schedule, and on the machine of the store.
    pub fdatasync: Option<Quantiles>,
    /// Resident memory at the end, in bytes.
    pub rss_bytes: Option<u64>,
    /// The most that was resident since the server started, in bytes.
    pub peak_rss_bytes: Option<u64>,
    /// What the store takes on disk at the end.
    pub disk: Option<Disk>,
    /// What had been done when.
    pub timeline: Vec<Point>,
}

/// What all phases of a run share.
pub struct Bench<'a> {
    /// Where the server is.
    pub place: &'a Place,
    /// The generator itself.
    pub own: &'a Process,
    /// Of the run.
    pub start: Instant,
    /// Of the run.
    pub progress: &'a Progress,
}

impl Bench<'_> {
    /// Measures one load.
    ///
    /// # Errors
    /// Where the server answers what it should not, or goes away.
    pub fn measure(&self, name: &str, load: &Load<'_>) -> Result<(Sent, Phase)> {
        let Place { process, database, .. } = self.place;
        let server_cpu = process.as_ref().map(Process::cpu_seconds).transpose()?;
        let own_cpu = self.own.cpu_seconds()?;
        let begun = Instant::now();
        let done = self.run(load)?;
        let last_answer = done.sent.last_answer.ok_or("nothing was accepted")?;
        let contacts = load.target.all_contacts();
        let disk = database.as_deref().map(|database| Disk::settled(database, contacts)).transpose()?;
        let count = done.sent.contacts();
        let micros = |seconds: f64| seconds * 1e6 / count as f64;
        let server_cpu = match (process, server_cpu) {
            (Some(process), Some(before)) => Some(process.cpu_seconds()? - before),
            _ => None,
        };
        let rate = |end: Instant| count as f64 / (end - begun).as_secs_f64();
        let phase = Phase {
            name: name.to_owned(),
            offered_per_second: load.pace.requests_per_second().map(|rate| rate * f64::from(load.batch)),
            connections: load.connections,
            requests: done.sent.requests.len(),
            contacts: count,
            retries: done.sent.retries,
            refused: done.sent.refused,
            badly_refused: done.sent.badly_refused,
            not_sent: done.sent.not_sent,
            accepted_per_second: rate(last_answer),
            applied_per_second: rate(done.applied),
            drained_seconds: (done.applied - last_answer).as_secs_f64(),
            server_micros_per_contact: server_cpu.map(micros),
            client_micros_per_contact: micros(self.own.cpu_seconds()? - own_cpu),
            accept: done.sent.accept.quantiles(),
            refuse: done.sent.refuse.quantiles(),
            late: done.sent.late.quantiles(),
            accepted_to_applied: done.accepted_to_applied.quantiles(),
            fdatasync: done.fdatasync.map(|latencies| latencies.quantiles()),
            rss_bytes: process.as_ref().map(Process::rss).transpose()?,
            peak_rss_bytes: process.as_ref().map(Process::peak_rss).transpose()?,
            disk,
            timeline: done.timeline,
        };
        Ok((done.sent, phase))
    }

    /// Runs the load until all of it is applied, with whatever watches it beside it.
    fn run(&self, load: &Load<'_>) -> Result<Done> {
        let (watch, watched) = mpsc::channel();
        let [mut watcher, mut last] = [self.place.connect(0)?, self.place.connect(0)?];
        let [sent_all, over] = [(); 2].map(|()| AtomicBool::new(false));
        let (sent_all, over) = (&sent_all, &over);
        let directory = self.place.database.as_deref().and_then(Path::parent);
        let directory = directory.filter(|_| load.pace.requests_per_second().is_some());
        thread::scope(|scope| {
            let applied =
                scope.spawn(move || requests::watch(&mut watcher, &watched, &self.progress.applied));
            let probe = directory.map(|directory| {
                scope.spawn(move || probe::fdatasync(directory, || !sent_all.load(Relaxed)))
            });
            let process = self.place.process.as_ref();
            let timeline = scope.spawn(move || self.progress.watch(self.start, process, over));
            let sent = load.run(&watch);
            // This is what ends the watcher.
            drop(watch);
            sent_all.store(true, Relaxed);
            // The watcher's own error first: one that fails makes the load fail too.
            let watched = applied.join();
            let all = sent.and_then(|mut sent| {
                requests::wait_until_applied(&mut last, std::mem::take(&mut sent.last))?;
                let applied = Instant::now();
                self.progress.applied.store(self.progress.accepted.load(Relaxed), Relaxed);
                Ok((sent, applied))
            });
            over.store(true, Relaxed);
            let accepted_to_applied = watched.map_err(|_| "the watcher panicked")??;
            let fdatasync = probe.map(|probe| probe.join().map_err(|_| "the probe panicked"));
            let (sent, applied) = all?;
            Ok(Done {
                sent,
                applied,
                accepted_to_applied,
                fdatasync: fdatasync.transpose()?.transpose()?,
                timeline: timeline.join().map_err(|_| "the timeline's thread panicked")?,
            })
        })
    }
}

struct Done {
    sent: Sent,
    applied: Instant,
    accepted_to_applied: Latencies,
    fdatasync: Option<Latencies>,
    timeline: Vec<Point>,
}

impl Pace {
    /// Requests that are due a second; `None` in a closed loop.
    pub fn requests_per_second(&self) -> Option<f64> {
        match self {
            Self::Closed { .. } => None,
            Self::Scheduled { interval, .. } => Some(1.0 / interval.as_secs_f64()),
        }
    }
}
