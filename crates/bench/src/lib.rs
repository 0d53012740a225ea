//! `rollbook bench`: what a contact costs a running server. It is driven over HTTP, as any client would, and looked
//! at from outside: CPU and memory as the operating system accounts them to its process, the disk by its files. At
//! the end it is checked that all that was accepted was done, and done right.

pub mod bodies;
pub mod check;
pub mod client;
pub mod compare;
pub mod disk;
pub mod follow;
pub mod load;
pub mod overload;
pub mod own;
pub mod phase;
pub mod plot;
pub mod probe;
pub mod process;
pub mod quantiles;
pub mod report;
pub mod requests;
pub mod target;
pub mod timeline;

use std::time::{Duration, Instant};

use clap::ValueEnum;

use self::check::Checks;
use self::compare::Comparison;
use self::follow::Follow;
use self::load::{Load, Pace, Sent, Work};
use self::overload::Verdict;
use self::phase::{Bench, Phase};
use self::process::Process;
use self::report::Report;
use self::target::{CONNECTIONS_PER_TOKEN, Place, Target};
use self::timeline::Progress;

/// What it fails with: a sentence.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Connections of a load on schedule: enough that a request rarely waits for a free one.
pub const SCHEDULED_CONNECTIONS: u32 = 32;
/// The same, where more is offered than can be done.
pub const OVERLOAD_CONNECTIONS: u32 = 64;
/// How long updates are sent, at most, only to learn how fast they are taken.
const TRIAL: Duration = Duration::from_secs(20);
/// What overload means.
const OVERLOAD: f64 = 2.0;

/// A kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// Create contacts with all fields in empty lists; always runs first
    Insert,
    /// Change 5 fields of random contacts, at full speed
    Update,
    /// Send the same on schedule at half the rate, to read latencies
    Half,
    /// Change contacts and create one in five, at full speed
    Mixed,
    /// Compare updates that change a flag with updates that change none
    Flags,
    /// Measure following: its cost, reading, latency, and webhooks
    Follow,
    /// Send changes at twice the full rate, and check the limits
    Overload,
}

impl Workload {
    /// Whether it sends at half the rate.
    const fn is_scheduled(self) -> bool {
        matches!(self, Self::Half | Self::Follow)
    }
}

/// What is done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which loads, in this order.
    pub workloads: Vec<Workload>,
    /// Contacts of all lists together.
    pub contacts: u32,
    /// Lists.
    pub lists: u32,
    /// Connections of the loads that are not on schedule.
    pub connections: u32,
    /// Contacts of a request.
    pub batch: u32,
    /// How long each load lasts; an insert lasts until all is sent.
    pub duration: Duration,
    /// Contacts a second, where they are to be sent on schedule.
    pub rate: Option<f64>,
    /// Whether the lists stay on the server.
    pub keep: bool,
    /// Whether changes leave names as they are.
    pub keep_names: bool,
    /// What the lists are called: something new, of letters and digits.
    pub name: String,
}

impl Plan {
    /// How many connections it takes at most.
    pub fn most_connections(&self) -> u32 {
        let scheduled = match (self.workloads.contains(&Workload::Overload), self.rate) {
            (true, _) => OVERLOAD_CONNECTIONS,
            (false, None) if !self.workloads.iter().any(|workload| workload.is_scheduled()) => 0,
            _ => SCHEDULED_CONNECTIONS,
        };
        // Those who follow have a token of their own, as other programs have.
        let followers = if self.workloads.contains(&Workload::Follow) { CONNECTIONS_PER_TOKEN } else { 0 };
        self.connections.max(scheduled) + followers
    }
}

/// A run: a load after the other on the same lists.
pub struct Run {
    place: Place,
    plan: Plan,
    target: Target,
    own: Process,
    start: Instant,
    progress: Progress,
    sent: Vec<Sent>,
    phases: Vec<Phase>,
    verdicts: Vec<Verdict>,
    comparisons: Vec<Comparison>,
    follow: Option<Follow>,
    /// What was wrong, beside the checks at the end.
    failures: Vec<String>,
}

impl Run {
    /// Makes the lists.
    ///
    /// # Errors
    /// Where the server is away, or refuses.
    pub fn start(place: Place, plan: Plan) -> Result<Self> {
        let mut target = Target::prepare(&mut place.connect(0)?, &plan.name, plan.lists, plan.contacts)?;
        if plan.keep_names {
            target.keep_names();
        }
        let least = place.connections(plan.most_connections());
        if target.per_list() < least {
            return Err(format!("each list needs {least} contacts, one for each connection").into());
        }
        let (own, start, progress) = (Process::own()?, Instant::now(), Progress::default());
        Ok(Self {
            place,
            plan,
            target,
            own,
            start,
            progress,
            sent: Vec::new(),
            phases: Vec::new(),
            verdicts: Vec::new(),
            comparisons: Vec::new(),
            follow: None,
            failures: Vec::new(),
        })
    }

    /// The lists.
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// What was measured so far.
    pub fn phases(&self) -> &[Phase] {
        &self.phases
    }

    /// All that the plan says.
    ///
    /// # Errors
    /// Where the server goes away, or answers what it should not.
    pub fn all(&mut self) -> Result<()> {
        self.workload(Workload::Insert)?;
        for workload in self.plan.workloads.clone() {
            if workload != Workload::Insert {
                self.workload(workload)?;
            }
        }
        Ok(())
    }

    /// One load, from its first request until it is applied.
    ///
    /// # Errors
    /// Where the server goes away, or answers what it should not.
    pub fn workload(&mut self, workload: Workload) -> Result<&Phase> {
        let duration = self.plan.duration;
        let closed = Pace::Closed { duration };
        let rate = self.plan.rate;
        match workload {
            Workload::Insert => self.phase("insert", Work::Insert, closed),
            Workload::Update => self.paced("update", Work::Update, rate, duration),
            Workload::Mixed => self.paced("mixed", Work::Mixed, rate, duration),
            Workload::Half => {
                let full = self.full_rate()?;
                self.paced("half", Work::Update, Some(full / 2.0), duration)
            }
            Workload::Flags => self.flags(closed),
            Workload::Follow => {
                follow::measure(self)?;
                self.phases.last().ok_or_else(|| "no phase".into())
            }
            Workload::Overload => {
                let rate = rate.map_or_else(|| Ok(self.full_rate()? * OVERLOAD), Result::Ok)?;
                let pace = Pace::Scheduled { interval: self.interval(rate), duration, patient: false };
                let verdicts = overload::judge(self.phase("overload", Work::Update, pace)?);
                self.verdicts.extend(verdicts);
                self.phases.last().ok_or_else(|| "no phase".into())
            }
        }
    }

    /// Checks what was done, removes the lists from the server if they are not to be kept, and reports.
    ///
    /// # Errors
    /// Where the server does not answer.
    pub fn finish(mut self) -> Result<Report> {
        let last = self.phases.last_mut().and_then(|phase| phase.disk.as_mut());
        if let (Some(disk), Some(database)) = (last, &self.place.database) {
            disk.read_tables(database);
        }
        let mut checks = Checks::run(&self.place, &self.target, &self.sent)?;
        checks.failures.append(&mut self.failures);
        if !self.plan.keep {
            self.target.remove(&mut self.place.connect(0)?, &self.plan.name)?;
        }
        let mut report = Report::new(&self.plan, &self.target, self.phases, self.verdicts, checks);
        (report.comparisons, report.follow) = (self.comparisons, self.follow);
        Ok(report)
    }

    fn paced(&mut self, name: &str, work: Work, rate: Option<f64>, duration: Duration) -> Result<&Phase> {
        let pace = rate.map_or(Pace::Closed { duration }, |rate| Pace::Scheduled {
            interval: self.interval(rate),
            duration,
            patient: true,
        });
        self.phase(name, work, pace)
    }

    fn interval(&self, contacts_per_second: f64) -> Duration {
        Duration::from_secs_f64(f64::from(self.plan.batch) / contacts_per_second)
    }

    /// The rate of updates that are sent as fast as they are taken; measured now if it was not.
    fn full_rate(&mut self) -> Result<f64> {
        let known = self.phases.iter().rev().find(|phase| phase.name == "update");
        match known.filter(|phase| phase.offered_per_second.is_none()) {
            Some(phase) => Ok(phase.applied_per_second),
            None => {
                let trial = self.plan.duration.min(TRIAL);
                Ok(self.paced("update", Work::Update, None, trial)?.applied_per_second)
            }
        }
    }

    /// Updates of five fields, of which one is a flag that changes, beside updates without a flag.
    fn flags(&mut self, pace: Pace) -> Result<&Phase> {
        let first = self.phases.len();
        for (name, work) in
            [("plain", Work::Plain), ("flag", Work::Flag), ("flag", Work::Flag), ("plain", Work::Plain)]
        {
            self.phase(name, work, pace)?;
        }
        let [one, two, three, four] = &self.phases[first..] else { return Err("a phase is missing".into()) };
        self.comparisons.push(Comparison::new("updates that change a flag", [one, two, three, four]));
        self.phases.last().ok_or_else(|| "no phase".into())
    }

    fn phase(&mut self, name: &str, work: Work, pace: Pace) -> Result<&Phase> {
        self.phase_beside(name, work, pace, 0)
    }

    /// A phase that leaves connections of the last token to others.
    fn phase_beside(&mut self, name: &str, work: Work, pace: Pace, spare: u32) -> Result<&Phase> {
        let wanted = match pace {
            Pace::Closed { .. } => self.plan.connections,
            Pace::Scheduled { patient: true, .. } => SCHEDULED_CONNECTIONS,
            Pace::Scheduled { patient: false, .. } => OVERLOAD_CONNECTIONS,
        };
        eprintln!("{name}");
        let Self { place, target, own, start, progress, .. } = &*self;
        let connections = place.connections(wanted).min(place.last_connection() + 1 - spare);
        let accepted = &progress.accepted;
        let load = Load { target, place, work, pace, connections, batch: self.plan.batch, accepted };
        let bench = Bench { place, own, start: *start, progress };
        let (sent, phase) = bench.measure(name, &load)?;
        self.sent.push(sent);
        self.phases.push(phase);
        self.phases.last().ok_or_else(|| "no phase".into())
    }
}
