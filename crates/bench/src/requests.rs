//! request/find: what became of what was accepted.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use super::Result;
use super::client::Client;
use super::quantiles::Latencies;

/// A backlog of which nothing is applied for so long never will be.
const APPLIED_WITHIN: Duration = Duration::from_secs(900);
/// Between two polls: the resolution of every "until applied".
const POLL: Duration = Duration::from_millis(10);
/// Asked for at once, where the oldest is processed.
const IDS: usize = 20;

/// What request/find tells of a request.
#[derive(Deserialize)]
pub struct Found {
    /// `processed` at the end.
    pub status: String,
    /// Of its items.
    #[serde(default)]
    pub results: Option<Results>,
}

/// What became of the items.
#[derive(Default, Deserialize)]
pub struct Results {
    /// What was done.
    pub success: Vec<Success>,
    /// What was not.
    pub errors: Vec<Value>,
}

/// An item that was done.
#[derive(Deserialize)]
pub struct Success {
    /// Its place in the request.
    pub position: usize,
    /// `created` or `updated`.
    pub action: String,
}

#[derive(Deserialize)]
struct Answer {
    requests: HashMap<String, Found>,
}

/// A request that is watched until it is applied.
pub struct Watched {
    /// Its id.
    pub id: String,
    /// When its 200 came.
    pub answered: Instant,
    /// How many contacts were accepted by then.
    pub accepted: u64,
}

/// At most 100 requests.
///
/// # Errors
/// Where the server refuses.
pub fn find(client: &mut Client, ids: &[&str]) -> Result<HashMap<String, Found>> {
    let answer = client.call("/v3/request/find", &json!({"ids": ids}))?;
    Ok(serde_json::from_value::<Answer>(answer)?.requests)
}

/// Waits until every one of these requests is processed.
///
/// # Errors
/// Where that takes too long.
pub fn wait_until_applied(client: &mut Client, mut waiting: Vec<String>) -> Result<()> {
    let mut last_change = Instant::now();
    while !waiting.is_empty() {
        if !remove_applied(client, &mut waiting, String::as_str)?.is_empty() {
            last_change = Instant::now();
        } else if last_change.elapsed() > APPLIED_WITHIN {
            return Err(format!("not applied after {APPLIED_WITHIN:?}: {waiting:?}").into());
        } else {
            sleep(POLL);
        }
    }
    Ok(())
}

/// Takes accepted requests as they come, and tells how long each took from its 200 to `processed`; `applied` is how
/// many contacts are applied, as far as these requests tell.
///
/// # Errors
/// Where nothing is applied any more.
pub fn watch(client: &mut Client, accepted: &Receiver<Watched>, applied: &AtomicU64) -> Result<Latencies> {
    let (mut waiting, mut latencies) = (Vec::new(), Latencies::default());
    let mut last_change = Instant::now();
    loop {
        let more = take_ready(accepted, &mut waiting);
        for request in remove_applied(client, &mut waiting, |request: &Watched| request.id.as_str())? {
            last_change = Instant::now();
            latencies.record(last_change.saturating_duration_since(request.answered));
            applied.fetch_max(request.accepted, Relaxed);
        }
        if !more && waiting.is_empty() {
            return Ok(latencies);
        }
        if waiting.is_empty() {
            last_change = Instant::now();
        } else if last_change.elapsed() > APPLIED_WITHIN {
            return Err(format!("nothing was applied for {APPLIED_WITHIN:?}").into());
        }
        sleep(POLL);
    }
}

/// Whether more may come.
fn take_ready<T>(receiver: &Receiver<T>, waiting: &mut Vec<T>) -> bool {
    loop {
        match receiver.try_recv() {
            Ok(item) => waiting.push(item),
            Err(error) => return error == TryRecvError::Empty,
        }
    }
}

/// Asks for the oldest of those that wait, and takes out the processed ones. Batches are applied in their order, so
/// those behind are asked for only where that one is processed: asking is not what is measured.
fn remove_applied<T>(client: &mut Client, waiting: &mut Vec<T>, id: impl Fn(&T) -> &str) -> Result<Vec<T>> {
    let mut removed = Vec::new();
    let mut count = 1;
    while !waiting.is_empty() {
        let processed = remove_first(client, waiting, &id, count)?;
        if processed.is_empty() {
            break;
        }
        removed.extend(processed);
        count = IDS;
    }
    Ok(removed)
}

/// Asks for the first so many, and takes out the processed ones.
fn remove_first<T>(
    client: &mut Client,
    waiting: &mut Vec<T>,
    id: &impl Fn(&T) -> &str,
    count: usize,
) -> Result<Vec<T>> {
    let ids: Vec<_> = waiting.iter().take(count).map(id).collect();
    let found = find(client, &ids)?;
    if let Some(lost) = ids.iter().find(|id| !found.contains_key(**id)) {
        return Err(format!("request {lost} was accepted, and request/find does not know it").into());
    }
    let processed = |item: &mut T| found.get(id(item)).is_some_and(|request| request.status == "processed");
    Ok(waiting.extract_if(.., processed).collect())
}
