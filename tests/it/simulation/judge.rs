//! What must be true once all is quiet.

use std::collections::BTreeMap;

use domain::journal::KEEP_KEYS;
use serde_json::{Value, json};

use super::book::shows;
use super::client::check_state;
use super::ground;
use super::node::Node;
use super::world::{Answered, State};
use crate::undo_model::TEXTS;
use crate::undo_model::plain::FIELDS;

/// Everything that was answered is so in the journal: what was accepted is there, what was refused is not, and of two
/// requests that one sent after the other was answered, the first is first.
pub fn answers(state: &State) -> Result<(), String> {
    for (id, entry) in &state.book.entries {
        match &state.sent[entry.sent].answer {
            Some(Answered::Refused(status, code)) => {
                return Err(format!("{id} was refused with {status} {code}, and is in the journal"));
            }
            Some(Answered::Accepted(other)) if other != id => {
                return Err(format!("{id} was answered with {other}, and is in the journal"));
            }
            _ => {}
        }
    }
    let mut order: Vec<_> = state.book.entries.values().collect();
    order.sort_by_key(|entry| entry.position);
    for (place, first) in order.iter().enumerate() {
        for second in &order[place + 1..] {
            if state.sent[second.sent].ended < state.sent[first.sent].began {
                let [first, second] = [first.sent, second.sent].map(|sent| &state.sent[sent].id);
                return Err(format!("{second} was answered before {first} was sent, and comes after it"));
            }
        }
    }
    keys(state)
}

/// A key is used once within 24 hours.
fn keys(state: &State) -> Result<(), String> {
    let mut used: BTreeMap<(usize, &String), Vec<i64>> = BTreeMap::new();
    for entry in state.book.entries.values() {
        if let Some(key) = &state.sent[entry.sent].key {
            // Where the clock was moved between its sending and its keeping, its time may have been up by then.
            if entry.kept_at - entry.accepted_at < 60_000 {
                used.entry((entry.list, key)).or_default().push(entry.accepted_at);
            }
        }
    }
    let day = i64::try_from(KEEP_KEYS.as_millis()).unwrap();
    for ((list, key), mut times) in used {
        times.sort_unstable();
        if let Some(pair) = times.windows(2).find(|pair| pair[1] - pair[0] < day) {
            return Err(format!("{key} of list {list} was used twice: {pair:?}"));
        }
    }
    Ok(())
}

/// All requests, contacts and histories are as the model says.
pub async fn everything(node: &Node) -> Result<(), String> {
    let ids: Vec<String> = node.world.state().book.entries.keys().cloned().collect();
    for ids in ids.chunks(100) {
        let requests = node.find(0, ids).await.ok_or("request/find has failed")?;
        for id in ids {
            let object = &requests[id];
            check_state(&node.world, id, object)?;
            if !object.is_null() && object["status"] != "processed" {
                return Err(format!("{id} is not processed when all is quiet: {object}"));
            }
        }
    }
    for list in 0..node.world.plan.lists {
        for (kind, texts) in TEXTS.iter().enumerate() {
            for text in *texts {
                contact(node, list, kind, text).await?;
            }
        }
        count(node, list).await?;
    }
    Ok(())
}

async fn ok(node: &Node, path: &str, body: &Value) -> Result<Value, String> {
    match node.ask(0, path, body).await {
        (200, answer) => Ok(answer),
        (status, answer) => Err(format!("{path} {body}: {status} {answer}")),
    }
}

/// The list has the model's contacts, and no other.
async fn count(node: &Node, list: usize) -> Result<(), String> {
    let body = json!({ "contactListId": ground::list_id(list) });
    let found = ok(node, "/v3/contacts/find", &body).await?;
    let count = found["data"].as_array().unwrap().len();
    let expected = node.world.state().book.shelves[list].models.last().unwrap().count();
    match count == expected {
        true => Ok(()),
        false => Err(format!("list {list} has {count} contacts in place of {expected}")),
    }
}

/// The contact under an identifier, and the history of whoever bears it or bore it last.
async fn contact(node: &Node, list: usize, kind: usize, text: &str) -> Result<(), String> {
    let list_id = ground::list_id(list);
    let model = node.world.state().book.shelves[list].models.last().unwrap().clone();
    let bearer = model.bearer(kind, text);
    let shown = ok(node, "/v3/contact/get", &json!({ "contactListId": list_id, FIELDS[kind]: text })).await?;
    let shown = &shown["contact"];
    if !shows(shown, bearer.and_then(|bearer| model.state(bearer))) {
        let expected = bearer.and_then(|bearer| model.state(bearer));
        return Err(format!("{text} of list {list} is {shown} in place of {expected:?}"));
    }
    let Some(contact) = bearer.or_else(|| model.former_bearer(kind, text)) else { return Ok(()) };
    let body = json!({ "contactListId": list_id, FIELDS[kind]: text, "limit": 100 });
    let history = ok(node, "/v3/contact/history", &body).await?;
    let mut state = node.world.state();
    let shelf = &mut state.book.shelves[list];
    shelf.is_known_as(history["contactId"].as_str().unwrap_or_default(), contact)?;
    let change = |change: &Value| {
        let request = shelf.ids.iter().position(|id| change["requestId"] == **id);
        (request.unwrap_or(usize::MAX), json!([change["action"], change["changes"]]))
    };
    let told: Vec<_> = history["data"].as_array().unwrap().iter().map(change).collect();
    let expected = model.history(contact);
    match told == expected {
        true => Ok(()),
        false => Err(format!("the history of {text} of list {list} is {told:?} in place of {expected:?}")),
    }
}
