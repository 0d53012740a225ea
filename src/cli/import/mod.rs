//! `rollbook import`

mod arguments;
mod history;
mod show;
mod undo;

use std::io::{IsTerminal, stderr, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use csv::StringRecord;

pub use self::arguments::Arguments;
use self::arguments::ColumnArguments;
use self::history::RemoteHistory;
use super::client::ServerClient;
use super::progress::Bar;
use super::serve::stop_signal;
use super::{FAULTS, note, print};
use files::api::{self, Api, ListData};
use files::checkpoint::Checkpoint;
use files::choices::Choices;
use files::failures::Failures;
use files::import::{self, Job};
use files::mapping::{Mapping, Wishes};
use files::requests::Requests;
use files::send::{Counts, Way};
use files::state::State;
use files::survey::Survey;
use files::{Error, Result, plan, table};

/// Rows that are shown before an import.
const SHOWN_ROWS: usize = 3;

/// Runs the command. Rows that failed are faults: all others were imported.
pub fn main(arguments: Arguments) -> ExitCode {
    match super::block_on_any(run(arguments)) {
        Ok(Counts { failed: 0, .. }) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(FAULTS),
        Err(error) => super::failed(&error.to_string()),
    }
}

async fn run(arguments: Arguments) -> Result<Counts> {
    let api: Arc<dyn Api> = Arc::new(arguments.server.client().map_err(Error::Message)?);
    let patience = arguments.server.patience();
    if arguments.undo {
        return undo::run(api.as_ref(), &arguments.file, arguments.from_line, arguments.yes, patience).await;
    }
    let survey = Survey::of(&arguments.file, &arguments.file_form.said())?;
    let (header, rows) = table::beginning(&survey, SHOWN_ROWS)?;
    let ColumnArguments { map, new_variable, ignore, ignore_others } = arguments.columns;
    let mut request = Request {
        wishes: Wishes { map, new_variables: new_variable, ignore, ignore_others },
        choices: arguments.choices.choices(),
        empty_clears: arguments.empty_clears,
        dry_run: arguments.dry_run,
        resubscribe: arguments.resubscribe,
        parallel: usize::from(arguments.parallel),
        patience,
        survey,
        header,
    };
    let asks = !arguments.yes && stdin().is_terminal() && stderr().is_terminal();
    // Each list is looked at before the first is imported.
    let mut jobs = Vec::new();
    for id in &arguments.list {
        let list = api::list(api.as_ref(), id, patience).await?;
        let mut made = request.job(id, &list)?;
        if jobs.is_empty() {
            if asks {
                show::preview(&made.0, &list.contact_list_name, &rows, &made.1);
                if show::ask_for_all(&made.0, &mut request.choices)? {
                    made = request.job(id, &list)?;
                }
                show::confirm(&arguments.list)?;
            } else {
                show::remarks(&made.0, &made.1);
            }
        }
        jobs.push(made.0);
    }
    let mut counts = Counts::default();
    for (place, job) in jobs.into_iter().enumerate() {
        let list = job.way.list.clone();
        if arguments.list.len() > 1 {
            print(&format!("list {list}:"));
        }
        let failures = failures_of(&job, arguments.failures.as_deref(), Some(&list).filter(|_| place > 0));
        let client = arguments.server.client().map_err(Error::Message)?;
        counts = counts.plus(
            import(
                Arc::clone(&api),
                client,
                job,
                (failures, arguments.failures.is_some()),
                &arguments.list[0],
            )
            .await?,
        );
    }
    Ok(counts)
}

/// The file of failed rows. Each list but the first has one of its own.
fn failures_of(job: &Job, said: Option<&Path>, list: Option<&String>) -> PathBuf {
    let mut path = said.unwrap_or(&job.survey.path).as_os_str().to_owned();
    if let Some(list) = list {
        path.push(".");
        path.push(list);
    }
    if said.is_none() {
        path.push(".failed.csv");
    }
    path.into()
}

/// The work, for any list.
struct Request {
    wishes: Wishes,
    choices: Choices,
    empty_clears: bool,
    dry_run: bool,
    resubscribe: bool,
    parallel: usize,
    patience: Duration,
    survey: Survey,
    header: StringRecord,
}

impl Request {
    fn job(&self, id: &str, list: &ListData) -> Result<(Job, Vec<String>)> {
        let (choices, known) = (&self.choices, list.known());
        let mapping = Mapping::of(&self.header, &self.wishes, &list.variables())?;
        let (survey, header) = (&self.survey, &self.header);
        let plan = plan::plan(survey, header, mapping, choices, self.empty_clears, &known, self.dry_run)?;
        let way = Way {
            list: id.to_owned(),
            mode: choices.mode(),
            by: choices.by(),
            leave_out: choices.values.leave_out,
            dry_run: self.dry_run,
            resubscribe: self.resubscribe,
            patience: self.patience,
        };
        let job = Job {
            survey: survey.clone(),
            header: header.clone(),
            reading: plan.reading,
            choices: choices.clone(),
            way,
            parallel: self.parallel,
        };
        Ok((job, plan.remarks))
    }
}

async fn import(
    api: Arc<dyn Api>,
    client: ServerClient,
    job: Job,
    (failures, said): (PathBuf, bool),
    first: &str,
) -> Result<Counts> {
    let checkpoint = if job.way.dry_run {
        let failures = said.then(|| Failures::open(&failures, &job.header, None)).transpose()?;
        Checkpoint::of_failures(failures)
    } else {
        let mut checkpoint = open_checkpoint(client, &job, &failures, first)?;
        let new = &job.reading.mapping.new_variables;
        let made = api::add_variables(api.as_ref(), &job.way.list, new, job.way.patience).await;
        if made.is_err()
            && let Some(state) = checkpoint.state.take_if(|state| !state.resumed)
        {
            // Nothing was begun.
            state.remove()?;
        }
        made?;
        checkpoint
    };
    let (dry_run, rows) = (job.way.dry_run, job.survey.rows);
    let failed_rows = checkpoint.failures.as_ref().map(|failures| failures.path().to_owned());
    let (mut bar, way) = (Bar::of("rows"), job.way.clone());
    let watch = |progress: import::Progress| {
        let Counts { failed, warnings, .. } = progress.counts;
        let mut more = String::new();
        for (count, word) in
            [(failed, "failed"), (warnings, "warnings")].iter().filter(|(count, _)| *count > 0)
        {
            more.push_str(&format!(", {count} {word}"));
        }
        bar.show(progress.rows, Some(progress.of), &more);
    };
    let outcome = import::run(api, job, checkpoint, watch, stop_signal()).await;
    bar.end();
    match outcome {
        Ok(mut outcome) => {
            outcome.state.take().map_or(Ok(()), State::remove)?;
            show::tell(&outcome, rows, dry_run, failed_rows.as_deref());
            Ok(outcome.counts)
        }
        Err(Error::Stopped) if dry_run => Err(Error::Message("stopped".to_owned())),
        Err(Error::Stopped) => {
            Err(Error::Message("stopped; run the same command again to continue".to_owned()))
        }
        Err(Error::Message(text) | Error::Away(text)) if !way.dry_run => {
            Err(Error::Message(format!("{text}\nrollbook: run the same command again to continue")))
        }
        Err(error) => Err(error),
    }
}

fn open_checkpoint(client: ServerClient, job: &Job, path: &Path, first: &str) -> Result<Checkpoint> {
    let state = State::path_beside(path);
    if !state.exists() && path.exists() {
        // Told before a state is made that would speak of another's file.
        Failures::open(path, &job.header, None)?;
    }
    let state = State::open(&state, &job.identity())?;
    let failures = Failures::open(path, &job.header, Some(state.point.failures))?;
    if state.resumed {
        note(&format!("going on with an import that was stopped: {} rows are done", state.point.rows));
    }
    let requests =
        Requests::open(&undo::requests_of(&job.survey.path), state.resumed || job.way.list != first)?;
    let history = Box::new(RemoteHistory::new(client, job, &state.import));
    Ok(Checkpoint::new(state, failures, Some(requests), Some(history)))
}
