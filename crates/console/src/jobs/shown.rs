//! A job as pages show it.

use std::collections::HashMap;

use crate::requests::view::sender;
use domain::clock::Timestamp;
use domain::contact::field::Field;
use domain::id::ObjectId;
use jobs::job::{Action, Bulk, Extent, Faults, Files, Job, Progress, Status, Task};
use web::translate::{mark, t, tn};

/// A job as pages show it.
pub struct Shown {
    pub id: ObjectId,
    pub list: String,
    pub list_name: String,
    pub what: String,
    pub made_at: Timestamp,
    /// The user or the key that began it.
    pub who: String,
    pub is_of_client: bool,
    pub status: Status,
    pub progress: Option<Progress>,
    pub faults: Faults,
    pub is_import: bool,
    pub is_damaged: bool,
    pub removes: bool,
    pub has_failures: bool,
    pub has_requests: bool,
    /// Whether it has changed contacts and can be undone here.
    pub can_undo: bool,
    /// What it needs to go on was deleted.
    pub is_gone: bool,
    /// Its files are on another node.
    pub is_elsewhere: bool,
}

impl Shown {
    /// What a page shows of it. `names` are those of users, keys and jobs.
    pub fn of(job: &Job, names: &HashMap<String, String>) -> Self {
        let token = job.description.token.clone().unwrap_or_else(|| format!("user:{}", job.user));
        let task = &job.description.task;
        let (files, is_import) = (job.files_here(), matches!(task, Task::Import(_)));
        Self {
            id: job.key.id,
            list: job.description.list.clone(),
            list_name: job.description.list_name.clone(),
            what: what(task),
            made_at: job.created_at,
            who: sender(&token, names),
            is_of_client: job.is_of_client(),
            status: job.status,
            progress: job.progress.clone(),
            faults: job.faults.clone(),
            is_import,
            is_damaged: *task == Task::Damaged,
            removes: matches!(task, Task::Bulk(Bulk { action: Action::Remove, .. })),
            has_failures: files.is_some_and(|files| files.failures().exists()),
            has_requests: job.parts > 0,
            can_undo: !job.dry_run
                && !job.status.is_active()
                && !matches!(task, Task::Bulk(Bulk { action: Action::Undo { .. }, .. }))
                && (job.parts > 0 || files.is_some_and(|files| files.requests().exists())),
            is_gone: !job.is_of_client() && job.subject.is_none()
                || files.is_some_and(|files| !files.upload().exists()),
            is_elsewhere: matches!(job.files, Files::Elsewhere),
        }
    }

    /// The colour of its status.
    pub fn tone(&self) -> &'static str {
        match self.status {
            Status::Done => "good",
            Status::Failed => "bad",
            status if status.is_active() => "busy",
            _ => "",
        }
    }

    /// The list with the contacts that changed since the job was made.
    pub fn changed(&self) -> String {
        format!("/lists/{}?updatedSince={}", self.list, self.made_at.to_string().replace(' ', "+"))
    }

    /// When it is done, as far as that can be told.
    pub fn left(&self) -> Option<String> {
        let seconds = self.progress.as_ref()?.seconds_left().filter(|_| self.status == Status::Running)?;
        Some(format!("{}:{:02}", seconds / 60, seconds % 60))
    }
}

/// What a task does, in a few words.
pub fn what(task: &Task) -> String {
    match task {
        Task::Import(import) => t("Import of {file}").with("file", &import.file).to_string(),
        Task::Bulk(Bulk { action: Action::Undo { import, .. }, extent: Extent::Chosen(count) }) => {
            let text = if *import {
                tn("Undo of an import: {n} request", "Undo of an import: {n} requests", *count)
            } else {
                tn("Undo of a bulk change: {n} request", "Undo of a bulk change: {n} requests", *count)
            };
            text.to_string()
        }
        Task::Bulk(Bulk { action, extent }) => {
            let whom = match extent {
                Extent::Chosen(count) => tn("{n} contact", "{n} contacts", *count),
                Extent::All => t("all contacts"),
                Extent::Matching => t("all contacts that match"),
            };
            format!("{}: {whom}", doing(action))
        }
        Task::Damaged => t("A job that cannot be read").to_string(),
    }
}

/// What is done to contacts, in a few words.
pub fn doing(action: &Action) -> String {
    match action {
        Action::Remove => t("Delete").to_string(),
        Action::Undo { .. } => t("Undo").to_string(),
        Action::Set { field, to, .. } if field == "active" => {
            t(if *to { mark("Activate") } else { mark("Deactivate") }).to_string()
        }
        Action::Set { field, to: true, .. } => {
            t("Turn on {channel}").with("channel", t(channel(field))).to_string()
        }
        Action::Set { field, to: false, .. } => {
            t("Turn off {channel}").with("channel", t(channel(field))).to_string()
        }
    }
}

/// The label of a channel.
fn channel(name: &str) -> &str {
    match Field::ALL.into_iter().find(|field| field.name() == name) {
        Some(field) => field.label(),
        None => name,
    }
}
