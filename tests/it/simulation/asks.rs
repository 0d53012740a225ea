//! What clients ask for.

use serde_json::{Value, json};

use super::dice::Dice;
use super::ground;
use super::network;
use super::world::{Sent, State};
use crate::undo_model::plain::{Ask, Item};
use crate::undo_model::{TEXTS, to_json};

const NAMES: [Option<&str>; 6] = [None, None, Some(""), Some("x"), Some("y"), Some("z")];

fn text(dice: &mut Dice, kind: usize) -> String {
    dice.pick(TEXTS[kind]).to_owned()
}

fn identifier(dice: &mut Dice, kind: usize) -> Option<String> {
    match dice.index(8) {
        0..=3 => None,
        4 => Some(String::new()),
        _ => Some(text(dice, kind)),
    }
}

fn item(dice: &mut Dice) -> Item {
    let kind = dice.index(2);
    let contact = text(dice, kind);
    let named = [identifier(dice, 0), identifier(dice, 1), name(dice), name(dice)];
    let named = named.into_iter().enumerate().filter_map(|(field, text)| Some((field, text?)));
    Item { contact, named: named.collect() }
}

fn name(dice: &mut Dice) -> Option<String> {
    dice.pick(&NAMES).map(str::to_owned)
}

/// An item of contacts/add names an identifier.
fn addable(dice: &mut Dice) -> Item {
    loop {
        let item = item(dice);
        if [0, 1].iter().any(|kind| item.named.get(kind).is_some_and(|text| !text.is_empty())) {
            return item;
        }
    }
}

/// What is asked of a list: anything, or to undo the request in some place.
pub fn ask(dice: &mut Dice, accepted: usize) -> Ask {
    match dice.index(12) {
        0..=4 => {
            let items = (0..dice.between(1, 5)).map(|_| item(dice)).collect();
            Ask::Update { upsert: dice.chance(700), items }
        }
        5..=6 => Ask::Add((0..dice.between(1, 4)).map(|_| addable(dice)).collect()),
        7..=8 => {
            let kind = dice.index(2);
            Ask::Remove { kind, texts: (0..dice.between(1, 3)).map(|_| text(dice, kind)).collect() }
        }
        _ if accepted > 0 => Ask::Undo(dice.index(accepted)),
        _ => ask(dice, 0),
    }
}

/// The path and the body of an ask.
pub fn body(state: &State, list: usize, ask: &Ask) -> (&'static str, Value) {
    match ask {
        Ask::Undo(place) => {
            ("/v3/request/undo", json!({ "requestId": state.book.shelves[list].ids[*place] }))
        }
        ask => to_json(ask, &ground::list_id(list).to_string(), &[]),
    }
}

/// The next thing that a client sends: something new, something again, or something that must be refused.
pub fn next(state: &mut State, lists: usize, receivers: usize) -> Sent {
    let again: Vec<usize> = (0..state.sent.len()).filter(|no| state.sent[*no].key.is_some()).collect();
    if !again.is_empty() && state.dice.chance(150) {
        let before = state.sent[state.dice.pick(&again)].clone();
        if state.dice.chance(700) {
            return before;
        }
        // The same key with whatever comes.
        return Sent { key: before.key, ..fresh(state, before.list, receivers) };
    }
    let list = state.dice.index(lists);
    fresh(state, list, receivers)
}

fn fresh(state: &mut State, list: usize, receivers: usize) -> Sent {
    let ids = state.book.shelves[list].ids.len();
    let ask = ask(&mut state.dice, ids);
    let (path, mut body) = body(state, list, &ask);
    let uri = state.dice.chance(500).then(|| network::uri(state.dice.index(receivers)));
    body["webHookUri"] = json!(uri);
    let refused = path == "/v3/contacts/update" && state.dice.chance(80);
    if refused {
        body["contacts"][0]["email"] = json!("nobody");
    }
    let key = state.dice.chance(500).then(|| format!("key-{}", state.dice.between(1, 1_000_000)));
    Sent {
        id: String::new(),
        list,
        ask: (!refused).then_some(ask),
        path,
        body: body.to_string(),
        key,
        uri,
        began: 0,
        ended: u64::MAX,
        answer: None,
    }
}
