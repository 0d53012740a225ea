//! Jobs that versions before the table of jobs have left: `FILES/ACCOUNT/JOB/` with a `job.json`.
//!
//! Such a directory says of which account it is by a number that every store gives out, so it may be another store's.
//! It is this store's if the user who made the job is one of that account here: ids of users are random. Then it
//! becomes a row: what was done stays with its failed rows, what was not begun can be begun. A job that was under way
//! cannot go on, since what it had reached was written in another form; it is shown as failed. All others are left.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::JobRuntime;
use super::job::{Action, Bulk, Description, Faults, Import, Progress, Subject, Task, Whom, encode};
use super::service::{Error, blocking};
use super::store::names;
use super::upload::Preview;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use files::send::Counts;
use storage::{JobKey, JobLimits, JobState, NewJob};

/// An old account may have more jobs than it could make now; all are taken over.
const NO_LIMITS: JobLimits = JobLimits { all: usize::MAX / 2, open: usize::MAX / 2 };

/// The small files of such a directory that nobody needs any more.
const SMALL: [&str; 7] =
    ["job.json", "wish.json", "progress.json", "preview.json", "requests", "lock", "state"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OldDescription {
    user: String,
    list: String,
    list_name: String,
    created_at: i64,
    task: OldTask,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::large_enum_variant, reason = "few are held at a time")]
enum OldTask {
    Import(Import),
    Bulk(OldBulk),
}

#[derive(Deserialize)]
struct OldBulk {
    action: Action,
    whom: Whom,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OldProgress {
    trying: bool,
    phase: String,
    done: u64,
    of: u64,
    counts: Counts,
    told_at: i64,
    first_faults: Vec<(u64, String)>,
}

/// What a directory holds.
struct Old {
    description: OldDescription,
    begun: bool,
    progress: Option<OldProgress>,
    preview: Option<Preview>,
    requests: Option<Vec<u8>>,
    has_upload: bool,
}

/// Takes over what is this store's, and says once how many directories are not.
///
/// # Errors
/// If the store or the files fail; what was taken over until then stays so.
pub async fn adopt(app: &JobRuntime) -> Result<(), Error> {
    let root = app.jobs.files.clone();
    if matches!(root.try_exists(), Ok(false)) {
        return Ok(());
    }
    let mut left = 0_usize;
    for (account, id, path) in blocking(move || directories(&root)).await? {
        match adopt_one(app, account, id, path).await {
            Ok(true) => {}
            Ok(false) => left += 1,
            Err(Error::Files(error)) => {
                tracing::error!(job = %id, %error, "jobs: reading a job of an earlier version failed");
                left += 1;
            }
            Err(error) => return Err(error),
        }
    }
    if left > 0 {
        let directory = app.jobs.files.display();
        tracing::warn!(
            %directory,
            jobs = left,
            "jobs: files of an earlier version left, they may be of another store"
        );
    }
    Ok(())
}

fn directories(root: &Path) -> io::Result<Vec<(AccountNo, ObjectId, PathBuf)>> {
    let mut found = Vec::new();
    for account in names(root)? {
        let Ok(number) = account.parse() else { continue };
        for job in names(&root.join(&account))? {
            if let Some(id) = ObjectId::parse(&job) {
                found.push((AccountNo(number), id, root.join(&account).join(job)));
            }
        }
    }
    Ok(found)
}

async fn adopt_one(app: &JobRuntime, account: AccountNo, id: ObjectId, path: PathBuf) -> Result<bool, Error> {
    let read = path.clone();
    let Some(old) = blocking(move || Old::read(&read)).await? else { return Ok(false) };
    let Some(user) = ObjectId::parse(&old.description.user) else { return Ok(false) };
    if !app.storage.users(account).await?.iter().any(|known| known.id == user) {
        return Ok(false);
    }
    let list = match ObjectId::parse(&old.description.list) {
        Some(list) => app.storage.find_list(list).await?.filter(|list| list.account == account),
        None => None,
    };
    let Some(list) = list else {
        tracing::warn!(job = %id, "jobs: job of an earlier version deleted, its list was removed");
        blocking(move || std::fs::remove_dir_all(path)).await?;
        return Ok(true);
    };
    let (store, fresh) = (std::sync::Arc::clone(&app.jobs.store), app.ids.next(app.clock.now()));
    let directory = blocking(move || store.directory(fresh)).await?;
    let job = old.row(JobKey { account, list: list.no, id }, user, directory)?;
    // The row first: files that no row speaks of are removed. After a crash in between it is there already.
    app.storage.add_job(job, NO_LIMITS).await?;
    let files = app.jobs.store.files(account, id);
    blocking(move || files.take_over(&path, &SMALL)).await?;
    tracing::info!(job = %id, "jobs: job of an earlier version stored");
    Ok(true)
}

impl Old {
    /// `None` if the directory has no description.
    fn read(path: &Path) -> io::Result<Option<Self>> {
        let Some(description) = read(&path.join("job.json"))? else { return Ok(None) };
        Ok(Some(Self {
            description,
            begun: read::<Value>(&path.join("wish.json"))?.is_some_and(|wish| wish["trying"] != true),
            progress: read(&path.join("progress.json"))?,
            preview: read(&path.join("preview.json"))?,
            requests: bytes(&path.join("requests"))?,
            has_upload: path.join("upload").exists(),
        }))
    }

    fn row(self, key: JobKey, user: ObjectId, directory: ObjectId) -> io::Result<NewJob> {
        let progress = self.progress.filter(|progress| !progress.trying);
        let done = progress.as_ref().is_some_and(|progress| progress.phase == "done");
        let ready = !self.begun && self.has_upload && self.preview.is_some();
        let (state, fault) = match (done, ready) {
            (true, _) => (JobState::Done, None),
            (false, true) => (JobState::Ready, None),
            (false, false) => {
                let text = "it was begun by an earlier version and cannot go on: begin it anew; what is done already \
                            then counts as unchanged";
                (JobState::Failed, Some(text.to_owned()))
            }
        };
        let (task, directory) = match self.description.task {
            OldTask::Import(import) => (Task::Import(import), Some(directory)),
            OldTask::Bulk(OldBulk { action, whom }) => {
                (Task::Bulk(Bulk { action, extent: whom.extent() }), None)
            }
        };
        let first = progress.as_ref().map(|progress| progress.first_faults.clone()).unwrap_or_default();
        let progress = progress.map(|old| Progress {
            dry_run: false,
            done: old.done,
            of: old.of,
            counts: old.counts,
            began: (old.done, old.told_at),
            told_at: old.told_at,
        });
        let subject = self.preview.filter(|_| state == JobState::Ready).map(Subject::Rows);
        let (list, list_name) = (self.description.list, self.description.list_name);
        Ok(NewJob {
            key,
            user,
            created_at: Timestamp::from_millis(self.description.created_at),
            directory,
            description: encode(&Description { list, list_name, task, token: None })?,
            subject: subject.map(|subject| encode(&subject)).transpose()?,
            state,
            progress: progress.map(|progress| encode(&progress)).transpose()?,
            faults: Some(encode(&Faults { fault, first, ..Faults::default() })?),
            output: self.requests,
        })
    }
}

fn bytes(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    let bytes = bytes(path)?;
    bytes.map(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::other)).transpose()
}
