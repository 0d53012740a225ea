//! request/find: what became of what was accepted.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Result;
use crate::client::Client;

/// A backlog that is not applied by then never will be.
const APPLIED_WITHIN: Duration = Duration::from_secs(900);
/// Between two polls: the resolution of every "until applied".
pub const POLL: Duration = Duration::from_millis(10);
/// The most ids of one request/find.
const IDS: usize = 100;

#[derive(Deserialize)]
pub struct Found {
    pub status: String,
    #[serde(default)]
    pub results: Option<Results>,
}

#[derive(Default, Deserialize)]
pub struct Results {
    pub success: Vec<Success>,
    pub errors: Vec<Value>,
}

#[derive(Deserialize)]
pub struct Success {
    pub position: usize,
    pub action: String,
}

#[derive(Deserialize)]
struct Answer {
    requests: HashMap<String, Found>,
}

/// At most 100 requests.
pub fn find(client: &mut Client, ids: &[String]) -> Result<HashMap<String, Found>> {
    let answer = client.post("/v3/request/find", json!({"ids": ids}).to_string().as_bytes())?;
    if answer.status != 200 {
        let body = String::from_utf8_lossy(answer.body);
        return Err(format!("request/find was answered {}: {body}", answer.status).into());
    }
    Ok(serde_json::from_slice::<Answer>(answer.body)?.requests)
}

/// Waits until every one of these requests is processed; answers when that was seen.
pub fn wait_until_applied(client: &mut Client, ids: &[String]) -> Result<Instant> {
    let deadline = Instant::now() + APPLIED_WITHIN;
    let mut waiting = ids.to_vec();
    loop {
        remove_applied(client, &mut waiting, String::as_str)?;
        let now = Instant::now();
        if waiting.is_empty() {
            return Ok(now);
        }
        if now > deadline {
            return Err(format!("not applied after {APPLIED_WITHIN:?}: {waiting:?}").into());
        }
        sleep(POLL);
    }
}

/// Takes accepted requests as they come and answers how long each took from its 200 to `processed`.
pub fn watch_until_applied(
    client: &mut Client,
    accepted: &Receiver<(String, Instant)>,
) -> Result<Vec<Duration>> {
    let (mut waiting, mut latencies) = (Vec::new(), Vec::new());
    let mut last_change = Instant::now();
    loop {
        let more = take_ready(accepted, &mut waiting);
        for (_, answered) in remove_applied(client, &mut waiting, |(id, _)| id.as_str())? {
            last_change = Instant::now();
            latencies.push(last_change.saturating_duration_since(answered));
        }
        if !more && waiting.is_empty() {
            return Ok(latencies);
        }
        if last_change.elapsed() > APPLIED_WITHIN {
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

/// Asks for the oldest of those that wait, and takes out the processed ones.
fn remove_applied<T>(client: &mut Client, waiting: &mut Vec<T>, id: impl Fn(&T) -> &str) -> Result<Vec<T>> {
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = waiting.iter().take(IDS).map(|item| id(item).to_owned()).collect();
    let found = find(client, &ids)?;
    if let Some(lost) = ids.iter().find(|id| !found.contains_key(*id)) {
        return Err(format!("request {lost} was accepted, and request/find does not know it").into());
    }
    let processed = |item: &mut T| found.get(id(item)).is_some_and(|request| request.status == "processed");
    Ok(waiting.extract_if(.., processed).collect())
}
