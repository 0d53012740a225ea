//! What must be true of webhooks once none is pending.

use serde_json::Value;
use storage::DeliveryEnd;

use super::node::Node;
use super::world::{Receipt, State};

/// The seconds before each retry, as the vendor documents them: 3 of 100 s, 6 of 600 s, 6 of 3,600 s.
const WAITS: [i64; 15] = [100, 100, 100, 600, 600, 600, 600, 600, 600, 3600, 3600, 3600, 3600, 3600, 3600];

/// How late an attempt may be where nothing holds it up, in milliseconds.
const LATE: i64 = 5_000;

pub async fn all(node: &Node) -> Result<(), String> {
    let ids: Vec<String> = node.world.state().book.entries.keys().cloned().collect();
    for ids in ids.chunks(100) {
        let requests = node.find(0, ids).await.ok_or("request/find has failed")?;
        for id in ids.iter().filter(|id| !requests[*id].is_null()) {
            let state = node.world.state();
            let receipts: Vec<_> = state.receipts.iter().filter(|receipt| receipt.id == *id).collect();
            one(&state, id, &requests[id], &receipts).map_err(|why| {
                format!("the webhook of {id}: {why}: {} {receipts:?}", requests[id]["webHook"])
            })?;
        }
    }
    Ok(())
}

fn one(state: &State, id: &str, object: &Value, receipts: &[&Receipt]) -> Result<(), String> {
    let attempts = usize::try_from(object["webHook"]["attempts"].as_u64().unwrap()).unwrap();
    let told = object["webHook"]["status"].as_str().unwrap();
    if state.sent[state.book.entries[id].sent].uri.is_none() {
        return if told == "none" && receipts.is_empty() {
            Ok(())
        } else {
            Err("nobody asked for it".into())
        };
    }
    let mut expected = object.clone();
    expected.as_object_mut().unwrap().shift_remove("webHook");
    let expected = expected.to_string();
    if let Some(other) = receipts.iter().find(|receipt| receipt.body != expected) {
        return Err(format!("it told {} in place of {expected}", other.body));
    }
    let was = |outcome: DeliveryEnd| receipts.iter().any(|receipt| receipt.outcome == Some(outcome));
    let lives = receipts.windows(2).filter(|pair| pair[0].life != pair[1].life).count();
    // Each life may have made one attempt more than it could write down.
    if attempts > receipts.len() || attempts + lives < receipts.len() {
        return Err("attempts are counted wrongly".into());
    }
    match told {
        "delivered" if was(DeliveryEnd::Delivered) => {}
        "failed" if was(DeliveryEnd::Forbidden) => {}
        "failed" if attempts == 16 => {}
        _ => return Err("it ended wrongly".into()),
    }
    spacing(state, receipts)
}

/// No attempt comes before its time, nor after it.
fn spacing(state: &State, receipts: &[&Receipt]) -> Result<(), String> {
    let lives = receipts.windows(2).filter(|pair| pair[0].life != pair[1].life).count();
    for (place, pair) in receipts.windows(2).enumerate() {
        let (first, second) = (pair[0], pair[1]);
        if first.life != second.life {
            // What the first came to may not have been written down.
            continue;
        }
        if matches!(first.outcome, Some(DeliveryEnd::Delivered | DeliveryEnd::Forbidden)) {
            return Err("there was an attempt after the last".into());
        }
        let gap = second.at - first.at;
        // Of the attempts before, each change of life may have left one uncounted.
        let mut waits =
            WAITS[place.saturating_sub(lives)..=place.min(14)].iter().map(|seconds| seconds * 1_000);
        let between = |(from, to): &&(i64, i64)| *from.max(to) >= first.at && *from.min(to) <= second.at;
        let moved = state.jumps.iter().any(|jump| between(&jump));
        // The node's own time goes on where the clock is set back: by that much less the clock shows as gone by.
        let back: i64 = state.jumps.iter().filter(between).map(|(from, to)| (from - to).max(0)).sum();
        let held_up = moved || state.faults > 0;
        if !waits.any(|wait| gap + back >= wait && (held_up || gap <= wait + LATE)) {
            return Err(format!("attempt {} came {gap} ms after the one before", place + 2));
        }
    }
    Ok(())
}
