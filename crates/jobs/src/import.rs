//! An uploaded file on its way into a list: what `rollbook import` does, within the process.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::job::{Import, Plan};
use super::store::JobFiles;
use super::upload::told;
use files::api::{self, Api};
use files::checkpoint::{Checkpoint, History};
use files::failures::Failures;
use files::import::{self, Job, Outcome, Progress};
use files::layout::Said;
use files::mapping::{Mapping, Variable};
use files::row::Reading;
use files::send::Way;
use files::state::State;
use files::survey::Survey;
use files::target::Target;
use files::{Error, Result, table};

/// Requests in flight of one import.
const PARALLEL: usize = 8;

/// For how long a request is tried: nobody waits at a terminal.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// Imports a file, or tries it.
///
/// # Errors
/// Where the file or the API fails, or it was stopped: the same call then goes on.
pub async fn run(
    api: Arc<dyn Api>,
    (files, history): (&JobFiles, Option<Box<dyn History>>),
    import: &Import,
    list: &str,
    trying: bool,
    watch: impl FnMut(Progress),
    stop: impl Future<Output = ()>,
) -> Result<Outcome> {
    let path = files.upload();
    let done = import_file(api, (files, history), import, list, trying, watch, stop).await;
    done.map_err(|error| match error {
        Error::Message(text) => Error::Message(told(&path, &import.file, &text)),
        Error::Away(text) => Error::Away(text),
        Error::Changed(text) => Error::Changed(told(&path, &import.file, &text)),
        Error::Stopped => Error::Stopped,
    })
}

async fn import_file(
    api: Arc<dyn Api>,
    (files, history): (&JobFiles, Option<Box<dyn History>>),
    import: &Import,
    list: &str,
    trying: bool,
    watch: impl FnMut(Progress),
    stop: impl Future<Output = ()>,
) -> Result<Outcome> {
    let Some(plan) = &import.plan else {
        return Err(Error::Message("it was not said what the columns are".to_owned()));
    };
    let known = api::list(api.as_ref(), list, PATIENCE).await?.known();
    let (upload, plan) = (files.upload(), plan.clone());
    let made = tokio::task::spawn_blocking(move || prepare(&upload, &plan, &known, trying)).await;
    let (survey, header, reading) = made.map_err(|error| Error::Message(error.to_string()))??;
    let choices = import.plan.as_ref().map(Plan::choices).unwrap_or_default();
    let resubscribe = import.plan.as_ref().is_some_and(|plan| plan.resubscribe);
    let way = Way {
        list: list.to_owned(),
        mode: choices.mode(),
        by: choices.by(),
        leave_out: choices.values.leave_out,
        dry_run: trying,
        resubscribe,
        patience: PATIENCE,
    };
    let job = Job { survey, header, reading, choices, way, parallel: PARALLEL };
    let checkpoint = if trying {
        Checkpoint::default()
    } else {
        open_checkpoint(api.as_ref(), (files, history), &job).await?
    };
    import::run(api, job, checkpoint, watch, stop).await
}

fn prepare(
    path: &Path,
    plan: &Plan,
    known: &[Variable],
    trying: bool,
) -> Result<(Survey, csv::StringRecord, Reading)> {
    // The user who began it has seen the guess.
    let survey = Survey::of(path, &Said { accept_doubt: true, ..plan.said.clone() })?;
    let (header, _) = table::beginning(&survey, 0)?;
    let (mapping, choices) = (mapping(plan, &header)?, plan.choices());
    let made = files::plan::plan(&survey, &header, mapping, &choices, plan.empty_clears, known, trying)?;
    Ok((survey, header, made.reading))
}

/// The columns as they were said.
///
/// # Errors
/// Where they cannot be so.
pub fn mapping(plan: &Plan, header: &csv::StringRecord) -> Result<Mapping> {
    if plan.columns.len() != header.len() {
        return Err(Error::Message("the file has other columns than it was said".to_owned()));
    }
    let targets = plan
        .columns
        .iter()
        .map(|name| Target::named(name).ok_or_else(|| Error::Message(format!("there is no field {name}"))));
    let targets = targets.collect::<Result<Vec<_>>>()?;
    Mapping::said(header, targets, plan.new_variables.clone())
        .map_err(|fault| Error::Message(fault.to_string()))
}

async fn open_checkpoint(
    api: &dyn Api,
    (files, history): (&JobFiles, Option<Box<dyn History>>),
    job: &Job,
) -> Result<Checkpoint> {
    // Of one that goes on they are there already.
    let known = api::list(api, &job.way.list, job.way.patience).await?.variables();
    let new = job.reading.mapping.new_variables.iter().filter(|new| !known.contains(&new.name));
    let new: Vec<_> = new.cloned().collect();
    if !new.is_empty() {
        api::add_variables(api, &job.way.list, &new, job.way.patience).await?;
    }
    let state = State::open(&files.state(), &job.identity())?;
    let failures = Failures::open(&files.failures(), &job.header, Some(state.point.failures))?;
    Ok(Checkpoint::new(state, failures, None, history))
}
