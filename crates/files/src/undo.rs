//! An import that is taken back: its requests are undone, the last one first.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::Result;
use super::api::{Api, Failure, must, retry};
use super::send::Counts;
use wire::ingest::BodyKind;

/// Requests that are undone before it is asked what became of them.
const SOME: usize = 20;

/// How long it waits before it asks again.
const ASK_AGAIN: Duration = Duration::from_millis(25);

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
            let (body, key) = (Bytes::from(json!({ "requestId": id }).to_string()), format!("undo-{id}"));
            // One by one: what a later request has changed, an earlier one does not put back.
            let submit = || api.submit(BodyKind::Undo, Some(&key), body.clone());
            match retry(api, patience, submit).await? {
                Ok(accepted) => sent.push(accepted.request),
                Err(Failure::Invalid(_, text) | Failure::Other(text)) => faults.push(text),
                Err(failure) => return Err(failure.into()),
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
        let found = must(api, patience, || api.results(sent)).await?;
        if found.values().any(Option::is_none) {
            tokio::time::sleep(ASK_AGAIN).await;
            continue;
        }
        let (mut counts, mut faults) = (Counts::default(), Vec::new());
        for results in found.values().flatten() {
            let places: Vec<_> = (0..results.len()).collect();
            counts = counts.plus(Counts::of(results, &places, &mut faults));
        }
        return Ok((counts, faults.into_iter().map(|(_, text)| text).collect()));
    }
}
