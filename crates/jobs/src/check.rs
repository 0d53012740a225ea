//! What `rollbook check` says of jobs: their rows, and the files of this node.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use serde::de::DeserializeOwned;

use super::job::{Description, Faults, Progress, Subject, Task};
use super::store::JobStore;
use storage::{JobState, StoredJob};

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// What is wrong: a sentence each, that names no person.
    pub findings: Vec<String>,
    /// Jobs that were looked at.
    pub jobs: usize,
    /// Directories that no job speaks of. A server removes them within minutes.
    pub orphans: usize,
}

/// Looks at the jobs of the store with that id, and at their files in a directory.
///
/// # Errors
/// If the directory cannot be read.
pub fn check(jobs: &[StoredJob], store: [u8; 16], files: &Path) -> io::Result<Found> {
    let store = JobStore::new(files, store);
    let mut found = Found { jobs: jobs.len(), ..Found::default() };
    for job in jobs {
        for what in wrong(job, &store) {
            found.findings.push(format!("job {} of account {}: {what}", job.key.id, job.key.account.0));
        }
    }
    let known: HashSet<_> = jobs.iter().map(|job| (job.key.account, job.key.id)).collect();
    let all = store.all()?;
    found.orphans = all.iter().filter(|(account, files)| !known.contains(&(*account, files.id))).count();
    Ok(found)
}

fn wrong(job: &StoredJob, store: &JobStore) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    let description = serde_json::from_slice::<Description>(&job.description);
    if description.is_err() {
        wrong.push("its description is damaged; it can be removed in the console");
    }
    let parts = [
        (reads::<Subject>(job.subject.as_ref()), "what it is about is damaged"),
        (reads::<Progress>(job.progress.as_ref()), "how far it has come is damaged"),
        (reads::<Faults>(job.faults.as_ref()), "what failed is damaged"),
    ];
    wrong.extend(parts.into_iter().filter(|(reads, _)| !reads).map(|(_, what)| what));
    let is_import = description.is_ok_and(|description| matches!(description.task, Task::Import(_)));
    let here = job.directory.is_some_and(|directory| store.is(directory));
    // An erase removes the subject with the file.
    let needs_file = is_import && here && job.state != JobState::Done && job.subject.is_some();
    if needs_file && !store.files(job.key.account, job.key.id).upload().exists() {
        wrong.push("its uploaded file is missing; it must be uploaded again");
    }
    wrong
}

fn reads<T: DeserializeOwned>(bytes: Option<&Vec<u8>>) -> bool {
    bytes.is_none_or(|bytes| serde_json::from_slice::<T>(bytes).is_ok())
}
