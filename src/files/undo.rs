//! An import that is taken back: its requests are undone, the last one first.

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::api::{self, Api};
use super::send::{Counts, Results};
use super::{Error, Result};

const UNDO: &str = "/v3/request/undo";
const FIND: &str = "/v3/request/find";

/// Requests that are undone before it is asked what became of them.
const SOME: usize = 20;

/// How long it waits before it asks again.
const ASK_AGAIN: Duration = Duration::from_millis(25);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Accepted {
    request_id: String,
}

#[derive(Deserialize)]
struct Found<'a> {
    #[serde(borrow)]
    requests: HashMap<&'a str, Done<'a>>,
}

#[derive(Deserialize)]
struct Done<'a> {
    status: &'a str,
    #[serde(borrow)]
    results: Results<'a>,
}

/// Undoes requests in this order, and returns what became of their contacts, with the first faults.
///
/// # Errors
/// If the server cannot be reached. The same call then undoes the rest: what was undone stays so.
pub async fn run(
    api: &dyn Api,
    ids: &[String],
    patience: Duration,
    mut watch: impl FnMut(usize),
) -> Result<(Counts, Vec<String>)> {
    let (mut counts, mut faults) = (Counts::default(), Vec::new());
    for (place, some) in ids.chunks(SOME).enumerate() {
        let mut sent = Vec::new();
        for id in some {
            let body = json!({ "requestId": id }).to_string();
            // One by one: what a later request has changed, an earlier one does not put back.
            let reply = api::post(api, UNDO, Some(&format!("undo-{id}")), body.into(), patience).await?;
            match reply.status {
                200 => sent.push(api::read::<Accepted>(UNDO, &reply.body)?.request_id),
                400..=499 => faults.push(api::refusal(UNDO, &reply.body)),
                _ => return Err(Error::Told(api::refusal(UNDO, &reply.body))),
            }
        }
        let (done, failed) = results(api, &sent, patience).await?;
        counts = counts.plus(done);
        faults.extend(failed);
        watch(place * SOME + some.len());
    }
    counts.failed = faults.len() as u64;
    Ok((counts, faults))
}

async fn results(api: &dyn Api, sent: &[String], patience: Duration) -> Result<(Counts, Vec<String>)> {
    if sent.is_empty() {
        return Ok(Default::default());
    }
    loop {
        let body = api::call(api, FIND, &json!({ "ids": sent }), patience).await?;
        let found: Found<'_> = api::read(FIND, &body)?;
        if found.requests.values().any(|request| request.status != "processed") {
            tokio::time::sleep(ASK_AGAIN).await;
            continue;
        }
        let (mut counts, mut faults) = (Counts::default(), Vec::new());
        for request in found.requests.values() {
            let places: Vec<_> = (0..request.results.len()).collect();
            counts = counts.plus(request.results.tell(&places, &mut faults));
        }
        return Ok((counts, faults.into_iter().map(|(_, text)| text).collect()));
    }
}
