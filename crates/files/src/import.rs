//! The import itself: batches are sent several at a time, what became of them is asked for, and what is known of all
//! up to a row is written down in the order of the file.
//!
//! Several requests in flight may be accepted in any order. So a batch that names an identifier which one in flight
//! names too waits until that one is accepted: rows about one identifier take effect in their order.

mod job;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::api::{Api, Results, must};
use super::batch::{self, Batch};
use super::checkpoint::Checkpoint;
use super::escape_formulas::FAILED_COLUMNS;
use super::failures::Failures;
use super::key::{IdentityHash, ImportId};
use super::notes::{Note, Notes};
use super::requests::ImportedRequest;
use super::send::{Counts, Fault, Sent, send};
use super::state::Point;
use super::table::Go;
use super::{Error, Result};

pub use self::job::{Job, Outcome, Progress};

/// Requests that are asked for at a time.
const ASKED: usize = 50;

/// How long it waits before it asks again, where nothing was processed.
const ASK_AGAIN: Duration = Duration::from_millis(25);

/// The longest such wait.
const ASK_AGAIN_LONGEST: Duration = Duration::from_millis(50);

/// How often the point that was reached is written down.
const CHECKPOINT: Duration = Duration::from_secs(1);

/// Bytes of rows that are sent and not known to be applied.
const MAX_WINDOW_BYTES: usize = 24 << 20;

/// Batches that are sent and not known to be applied. What waits is applied as one group, which takes memory too.
const MAX_WINDOW: usize = 300;

/// Faults that are told beside the file of failed rows.
pub const FIRST_FAULTS: usize = 20;

/// A batch that is on its way.
struct Entry {
    batch: Arc<Batch>,
    accepted: bool,
    /// Requests of it that are not known to be processed.
    open: Vec<(String, Vec<usize>)>,
    faults: Vec<Fault>,
    counts: Counts,
    notes: Vec<(usize, Note)>,
    ids: Vec<ImportedRequest>,
}

/// Requests that were asked for, and the results of those that are processed.
type Asked = (Vec<String>, Result<HashMap<String, Option<Results>>>);

struct Engine {
    api: Arc<dyn Api>,
    job: Job,
    import: ImportId,
    checkpoint: Checkpoint,
    window: VecDeque<Entry>,
    window_bytes: usize,
    /// Identifiers that batches in flight name.
    busy: HashMap<u64, usize, IdentityHash>,
    sending: JoinSet<(u64, Result<Sent>)>,
    asking: JoinSet<Asked>,
    pause: Duration,
    point: Point,
    first_faults: Vec<(u64, String)>,
    notes: Notes,
}

/// Imports until the file is at its end or `stop` comes.
///
/// # Errors
/// Where the file or the server fails, or it was stopped: the same call then goes on where it has come to.
pub async fn run(
    api: Arc<dyn Api>,
    job: Job,
    checkpoint: Checkpoint,
    mut watch: impl FnMut(Progress),
    stop: impl Future<Output = ()>,
) -> Result<Outcome> {
    let point = checkpoint.state.as_ref().map(|state| state.point).unwrap_or_default();
    let import = checkpoint.state.as_ref().map_or_else(ImportId::new, |state| state.import.clone());
    let mut engine = Engine {
        api,
        job,
        import,
        checkpoint,
        window: VecDeque::new(),
        window_bytes: 0,
        busy: HashMap::default(),
        sending: JoinSet::new(),
        asking: JoinSet::new(),
        pause: Duration::ZERO,
        point,
        first_faults: Vec::new(),
        notes: Notes::default(),
    };
    let ended = tokio::select! {
        ended = engine.work(&mut watch) => ended,
        () = stop => Err(Error::Stopped),
    };
    engine.checkpoint().await?;
    watch(engine.progress());
    // Nobody can go on with it.
    if matches!(ended, Err(Error::Changed(_)))
        && let Some(state) = engine.checkpoint.state.take()
    {
        state.remove()?;
    }
    ended?;
    let state = engine.checkpoint.state.take();
    let notes = engine.notes.all();
    Ok(Outcome { counts: engine.point.counts, first_faults: engine.first_faults, notes, state })
}

impl Engine {
    async fn work(&mut self, watch: &mut impl FnMut(Progress)) -> Result<()> {
        let (give, mut incoming) = mpsc::channel(4);
        let (survey, reading) = (self.job.survey.clone(), self.job.reading.clone());
        let done = (self.point.batches, self.point.rows);
        let reader = tokio::task::spawn_blocking(move || {
            batch::read(&survey, &reading, done, |batch| {
                Ok(if give.blocking_send(batch).is_ok() { Go::On } else { Go::Stop })
            })
        });
        let (mut held, mut at_end) = (None, false);
        let mut tick = tokio::time::interval(CHECKPOINT);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if let Some(batch) = held.take_if(|batch| self.has_room_for(batch)) {
                self.start(batch);
            }
            self.finish()?;
            if at_end && held.is_none() && self.window.is_empty() {
                break;
            }
            self.ask();
            tokio::select! {
                batch = incoming.recv(), if held.is_none() && !at_end => {
                    at_end = batch.is_none();
                    held = batch;
                }
                Some(sent) = self.sending.join_next() => {
                    let (number, sent) = sent.map_err(|error| Error::Message(error.to_string()))?;
                    self.accepted(number, sent?);
                }
                Some(found) = self.asking.join_next() => {
                    let (ids, found) = found.map_err(|error| Error::Message(error.to_string()))?;
                    self.found(&ids, &found?)?;
                }
                _ = tick.tick() => {
                    self.checkpoint().await?;
                    watch(self.progress());
                }
            }
        }
        // What was read is done; now it is known whether that was all.
        reader.await.map_err(|error| Error::Message(error.to_string()))?
    }

    fn has_room_for(&self, batch: &Batch) -> bool {
        let fits = self.window_bytes + batch.bytes <= MAX_WINDOW_BYTES && self.window.len() < MAX_WINDOW;
        (fits || self.window.is_empty())
            && self.sending.len() < self.job.parallel
            && batch.identifiers.iter().all(|identifier| !self.busy.contains_key(identifier))
    }

    fn start(&mut self, batch: Batch) {
        let batch = Arc::new(batch);
        for identifier in &batch.identifiers {
            *self.busy.entry(*identifier).or_default() += 1;
        }
        let (api, way, import) = (Arc::clone(&self.api), self.job.way.clone(), self.import.clone());
        let (number, going) = (batch.number, Arc::clone(&batch));
        self.sending.spawn(async move { (number, send(api, way, import, going).await) });
        self.window_bytes += batch.bytes;
        let counts = Counts::default();
        let (open, faults, notes, ids) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        self.window.push_back(Entry { batch, accepted: false, open, faults, counts, notes, ids });
    }

    fn accepted(&mut self, number: u64, sent: Sent) {
        let Some(entry) = self.window.iter_mut().find(|entry| entry.batch.number == number) else { return };
        entry.accepted = true;
        let line = |place: Option<&usize>| place.map_or(0, |place| entry.batch.items[*place].line);
        let imported = |(id, rows): &(String, Vec<usize>)| ImportedRequest {
            id: id.clone(),
            first: line(rows.first()),
            last: line(rows.last()),
        };
        entry.ids = sent.requests.iter().map(imported).collect();
        entry.open = sent.requests;
        entry.faults = sent.faults;
        entry.counts = sent.counts;
        entry.notes = sent.notes;
        for identifier in &entry.batch.identifiers {
            if let Some(count) = self.busy.get_mut(identifier) {
                *count -= 1;
                if *count == 0 {
                    self.busy.remove(identifier);
                }
            }
        }
        // The sender has let go of it by now.
        if let Some(batch) = Arc::get_mut(&mut entry.batch) {
            self.window_bytes -= batch.forget_contacts();
        }
    }

    /// Asks what became of the oldest requests, one question at a time.
    fn ask(&mut self) {
        if !self.asking.is_empty() {
            return;
        }
        let open = self.window.iter().flat_map(|entry| &entry.open);
        let ids: Vec<_> = open.map(|(id, _)| id.clone()).take(ASKED).collect();
        if ids.is_empty() {
            return;
        }
        let (api, patience, pause) = (Arc::clone(&self.api), self.job.way.patience, self.pause);
        self.asking.spawn(async move {
            tokio::time::sleep(pause).await;
            let found = must(api.as_ref(), patience, || api.results(&ids)).await;
            (ids, found)
        });
    }

    fn found(&mut self, ids: &[String], found: &HashMap<String, Option<Results>>) -> Result<()> {
        if let Some(id) = ids.iter().find(|id| !found.contains_key(*id)) {
            return Err(Error::Message(format!("the server does not know request {id}, which it accepted")));
        }
        let mut any = false;
        for Entry { open, faults, counts, .. } in &mut self.window {
            open.retain(|(id, rows)| match found.get(id) {
                Some(Some(results)) => {
                    *counts = counts.plus(Counts::of(results, rows, faults));
                    any = true;
                    false
                }
                _ => true,
            });
        }
        self.pause = if any { Duration::ZERO } else { (self.pause * 2).clamp(ASK_AGAIN, ASK_AGAIN_LONGEST) };
        Ok(())
    }

    /// Writes down what became of the batches before the first that is not done.
    fn finish(&mut self) -> Result<()> {
        while self.window.front().is_some_and(|entry| entry.accepted && entry.open.is_empty()) {
            let Some(Entry { batch, mut faults, counts, notes, ids, .. }) = self.window.pop_front() else {
                break;
            };
            self.window_bytes -= batch.bytes;
            self.checkpoint.add(ids)?;
            let unread = batch.items.iter().enumerate();
            faults.extend(unread.filter_map(|(place, item)| Some((place, item.fault()?.to_owned()))));
            faults.sort_unstable();
            let told = |(place, text): &Fault| (batch.items[*place].line, text.clone());
            let room = FIRST_FAULTS - self.first_faults.len();
            self.first_faults.extend(faults.iter().take(room).map(told));
            if !faults.is_empty() {
                self.write_down(&batch, &faults)?;
            }
            let warnings = self.note(&batch, &faults, &notes);
            let failed = Counts { failed: faults.len() as u64, warnings, ..Counts::default() };
            self.point = Point {
                batches: batch.number + 1,
                rows: batch.rows_read,
                failures: self.checkpoint.failures.as_ref().map_or(0, Failures::length),
                counts: self.point.counts.plus(counts).plus(failed),
            };
        }
        Ok(())
    }

    /// Adds remarks on rows that were imported, and returns how many there are.
    fn note(&mut self, batch: &Batch, faults: &[Fault], notes: &[(usize, Note)]) -> u64 {
        let columns = &self.job.reading.mapping.columns;
        let name = |place: usize| columns.get(place).map(|column| column.header.as_str());
        let failed = |place: usize| faults.binary_search_by_key(&place, |(at, _)| *at).is_ok();
        let of_rows = batch.items.iter().enumerate();
        let of_rows = of_rows.flat_map(|(place, item)| item.notes.iter().map(move |note| (place, note)));
        let all = of_rows.chain(notes.iter().map(|(place, note)| (*place, note)));
        let mut count = 0;
        for (place, note) in all.filter(|(place, _)| !failed(*place)) {
            self.notes.add(batch.items[place].line, note, name);
            count += 1;
        }
        count
    }

    fn write_down(&mut self, batch: &Batch, faults: &[Fault]) -> Result<()> {
        let Some(failures) = &mut self.checkpoint.failures else { return Ok(()) };
        let header = self.job.header.iter().enumerate();
        let own: Vec<_> =
            header.filter(|(_, name)| FAILED_COLUMNS.contains(name)).map(|(place, _)| place).collect();
        let rows =
            faults.iter().map(|(place, text)| (batch.items[*place].line, batch.cells(*place), text.as_str()));
        failures.add(rows, &own)
    }

    async fn checkpoint(&mut self) -> Result<()> {
        let progress = self.progress();
        self.checkpoint.checkpoint(self.point, &progress).await
    }

    fn progress(&self) -> Progress {
        Progress {
            rows: self.point.rows,
            of: self.job.survey.rows,
            counts: self.point.counts,
            first_faults: self.first_faults.clone(),
            notes: self.notes.all(),
        }
    }
}
