//! Undoing what a job has done, all of it or from a line of its file on, as a job of its own.

use sha2::{Digest as _, Sha256};

use super::JobRuntime;
use super::job::{Action, Files, Job, Task, Whom};
use super::service::{Error, JobService, Order, blocking};
use domain::id::ObjectId;
use files::requests::{self, ImportedRequest};

impl JobService {
    /// Undoes what a job has done: the requests with rows at a line of the file or behind it, or all. Sent twice, it makes
    /// one job. Returns its id.
    ///
    /// # Errors
    /// The job has not ended, what it has done is not known on this node, or there are too many jobs.
    pub async fn undo(
        &self,
        app: &JobRuntime,
        order: &Order,
        job: &Job,
        from_line: Option<u64>,
    ) -> Result<ObjectId, Error> {
        if job.status.is_active() {
            return Err(Error::message("the job has not ended: stop it first"));
        }
        let import = match &job.description.task {
            Task::Import(_) => true,
            Task::Bulk(_) => false,
            Task::Damaged => return Err(Error::message("what is stored of the job is damaged: remove it")),
        };
        let requests = self.requests_of(job).await?;
        let of_all = requests.len();
        let ids: Vec<_> = requests
            .into_iter()
            .filter(|request| from_line.is_none_or(|line| request.last >= line))
            .map(|request| request.id)
            .collect();
        if ids.is_empty() {
            return Err(Error::message("the job has changed nothing"));
        }
        let counts = job.progress.as_ref().map(|progress| progress.counts).unwrap_or_default();
        let all = counts.created + counts.updated;
        // A part of the import has no counts of its own: it changed at most one contact for each row.
        let contacts = if ids.len() == of_all { all } else { all.min(100 * ids.len() as u64) };
        let action = Action::Undo { job: job.key.id.to_string(), import, contacts };
        let id = undo_id(job.key.id, from_line);
        self.change_many(app, order, id, action, Whom::Ids(ids)).await?;
        Ok(id)
    }

    /// The requests of a job, the last one first.
    ///
    /// # Errors
    /// The store cannot be read, or they are on another node.
    pub async fn requests_of(&self, job: &Job) -> Result<Vec<ImportedRequest>, Error> {
        let mut text = Vec::new();
        for number in 1..=job.parts {
            text.extend(self.storage.job_part(job.key, number).await?.unwrap_or_default());
        }
        if job.parts > 0 || !matches!(job.description.task, Task::Import(_)) {
            return Ok(requests::reversed(&String::from_utf8_lossy(&text)));
        }
        // An earlier release wrote those of an import into a file.
        match &job.files {
            Files::Here(files) => {
                let path = files.requests();
                let read = move || match requests::last_first(&path) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
                    read => read,
                };
                Ok(blocking(read).await?)
            }
            Files::Elsewhere => Err(Error::message(
                "what the import has done is stored on another node of this server: try again",
            )),
            Files::None => Ok(Vec::new()),
        }
    }
}

/// The id of the job that undoes a job: made twice, it is the same.
fn undo_id(job: ObjectId, from_line: Option<u64>) -> ObjectId {
    let mut hash = Sha256::new().chain_update(b"undo").chain_update(job.to_bytes());
    if let Some(line) = from_line {
        hash.update(line.to_le_bytes());
    }
    let hash: [u8; 32] = hash.finalize().into();
    let mut bytes = job.to_bytes();
    // The time stays that of the job.
    bytes[4..].copy_from_slice(&hash[..8]);
    ObjectId::from_bytes(bytes)
}
