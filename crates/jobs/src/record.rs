//! Imports that clients run: a job of each in the history.

use super::job::{Description, Import, Progress, Task, encode};
use super::service::{Error, JobService, LIMITS};
use app::Caller;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use files::requests::{ImportedRequest, lines};
use files::send::Counts;
use storage::{JobAdded, JobKey, JobLimits, JobState, List, NewJob};

/// How far an import of a client is.
#[derive(Clone, Debug)]
pub struct ImportReport {
    /// The id that the client has given it.
    pub id: ObjectId,
    /// What the file is called.
    pub file: String,
    /// The bytes of the file.
    pub bytes: u64,
    /// The rows of the file.
    pub rows: u64,
    /// Rows that are done.
    pub done: u64,
    /// The results of these rows.
    pub counts: Counts,
    /// Its requests since the last report.
    pub requests: Vec<ImportedRequest>,
}

impl JobService {
    /// Records an import that a client runs. Whether it could: another job may have its id.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn record(
        &self,
        caller: &Caller,
        list: &List,
        report: ImportReport,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let account = caller.scope.account;
        let known = self.one(account, report.id).await?;
        if known.as_ref().is_some_and(|job| !job.is_of_client() || job.key.list != list.no) {
            return Ok(false);
        }
        let ImportReport { id, file, bytes, rows, done, counts, requests } = report;
        let import = Import { file, bytes, rows, ..Import::default() };
        let description = Description {
            list: list.id.to_string(),
            list_name: list.about.name.clone(),
            task: Task::Import(import),
            token: Some(caller.token.clone()),
        };
        let began = known.map_or(now, |job| job.created_at).millis();
        let progress = Progress {
            done,
            of: rows,
            counts,
            began: (0, began),
            told_at: now.millis(),
            ..Progress::default()
        };
        let job = NewJob {
            key: JobKey { account, list: list.no, id },
            user: NO_USER,
            created_at: now,
            directory: None,
            state: JobState::Done,
            description: encode(&description)?,
            subject: None,
            progress: Some(encode(&progress)?),
            faults: None,
            output: None,
        };
        let part = (!requests.is_empty()).then(|| lines(&requests).into_bytes());
        // It holds no file, so it does not count among the jobs that are not done.
        let limits = JobLimits { open: usize::MAX, ..LIMITS };
        Ok(self.storage.record_job(job, limits, part).await? == JobAdded::Added)
    }
}

/// A client began it, and no user of the console.
const NO_USER: ObjectId = ObjectId::from_bytes([0; 12]);
