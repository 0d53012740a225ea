//! The history of imports, as a client tells the server of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

use crate::cli::client::ServerClient;
use files::Result;
use files::api::{Failure, retry};
use files::checkpoint::History;
use files::import::{Job, Progress};
use files::key::ImportId;
use files::requests::ImportedRequest;

/// Requests of one report.
const MOST: usize = 1_000;

/// Letters of the name of a file.
const MAX_NAME: usize = 255;

const REPORT: &str = "/v3/import/report";

/// An import in the history of the server.
pub struct RemoteHistory {
    client: ServerClient,
    id: String,
    list: String,
    file: String,
    bytes: u64,
    patience: Duration,
    /// Whether the server has no history, or does not take this import.
    refused: AtomicBool,
}

impl RemoteHistory {
    /// Of an import that is known by an id.
    pub fn new(client: ServerClient, job: &Job, import: &ImportId) -> Self {
        let name = job.survey.path.file_name().unwrap_or_default().to_string_lossy();
        let id = import.id().map(|id| id.to_string());
        Self {
            client,
            refused: AtomicBool::new(id.is_none()),
            id: id.unwrap_or_default(),
            list: job.way.list.clone(),
            file: name.chars().filter(|letter| !letter.is_control()).take(MAX_NAME).collect(),
            bytes: job.survey.bytes,
            patience: job.way.patience,
        }
    }

    async fn report(&self, requests: &[ImportedRequest], progress: &Progress) -> Result<()> {
        let counts = progress.counts;
        let requests: Vec<_> = requests
            .iter()
            .map(|request| {
                json!({ "requestId": request.id, "firstLine": request.first, "lastLine": request.last })
            })
            .collect();
        let body = json!({
            "importId": self.id, "contactListId": self.list, "fileName": self.file, "bytes": self.bytes,
            "rows": progress.of, "done": progress.rows, "created": counts.created, "updated": counts.updated,
            "unchanged": counts.unchanged, "failed": counts.failed, "optedOut": counts.opted_out,
            "warnings": counts.warnings, "requests": requests,
        });
        let body = bytes::Bytes::from(body.to_string());
        match retry(&self.client, self.patience, || self.client.call(REPORT, None, body.clone())).await? {
            Ok(_) => {}
            Err(Failure::Invalid(_, text) | Failure::Other(text) | Failure::TooLarge(text)) => {
                eprintln!("the server does not record this import: {text}");
                self.refused.store(true, Ordering::Relaxed);
            }
            Err(failure) => return Err(failure.into()),
        }
        Ok(())
    }
}

#[async_trait]
impl History for RemoteHistory {
    async fn record(&self, requests: &[ImportedRequest], progress: &Progress) -> Result<()> {
        let mut rest = requests;
        // Once also without requests: the counts.
        loop {
            if self.refused.load(Ordering::Relaxed) {
                return Ok(());
            }
            let (some, behind) = rest.split_at(rest.len().min(MOST));
            self.report(some, progress).await?;
            rest = behind;
            if rest.is_empty() {
                return Ok(());
            }
        }
    }
}
