//! Clients: they send, are not answered, send again, and look at what became of it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::asks;
use super::book::shows;
use super::ground;
use super::node::Node;
use super::world::{Answered, Sent, World};
use crate::undo_model::TEXTS;
use crate::undo_model::plain::{Ask, FIELDS};

/// How long a request is known at least, in milliseconds.
pub const KNOWN: i64 = 7 * 24 * 3_600_000;

pub struct Client {
    pub no: usize,
    pub node: Arc<Node>,
}

impl Client {
    fn world(&self) -> &World {
        &self.node.world
    }

    /// Goes on with what is left, until nothing is.
    pub async fn run(self) {
        loop {
            let (doubt, left) = {
                let mut state = self.world().state();
                let memory = &mut state.memories[self.no];
                (memory.doubt.take(), memory.left)
            };
            if let Some(doubt) = doubt
                && self.roll(750)
            {
                let again = self.world().state().sent[doubt].clone();
                self.send(again).await;
                continue;
            }
            if left == 0 {
                return;
            }
            self.world().state().memories[self.no].left -= 1;
            self.set_about_something().await;
        }
    }

    fn roll(&self, per_mille: u64) -> bool {
        self.world().state().dice.chance(per_mille)
    }

    async fn set_about_something(&self) {
        let (what, pause) = {
            let mut state = self.world().state();
            let dice = &mut state.dice;
            (dice.index(12), Duration::from_millis(dice.between(0, 400)))
        };
        match what {
            0 => sleep(pause).await,
            1 => self.try_out().await,
            2..=3 => self.look().await,
            4 => self.read().await,
            _ => {
                let next = asks::next(
                    &mut self.world().state(),
                    self.world().plan.lists,
                    self.world().plan.receivers.len(),
                );
                self.send(next).await;
            }
        }
    }

    /// Sends what is to be queued, and hangs up when it takes too long.
    pub async fn send(&self, what: Sent) {
        let world = self.world();
        let patience = Duration::from_millis(world.state().dice.between(30, 4_000));
        let place = {
            let mut state = world.state();
            let began = state.tick();
            state.sent.push(Sent { began, ended: u64::MAX, answer: None, ..what.clone() });
            let place = state.sent.len() - 1;
            state.memories[self.no].doubt = Some(place);
            place
        };
        let note = |id: &str| {
            world.state().sent[place].id = id.to_owned();
            world.note(format!("client {} sends {id} {} {:?}: {}", self.no, what.path, what.key, what.body));
        };
        let call = self.node.call(self.no, (what.path, &what.body), what.key.as_deref(), note);
        let Ok((status, answer)) = timeout(patience, call).await else {
            world.note(format!("client {} hangs up", self.no));
            return;
        };
        let answered = answered(status, &answer);
        {
            let mut state = world.state();
            let ended = state.tick();
            let sent = &mut state.sent[place];
            (sent.ended, sent.answer) = (ended, Some(answered.clone()));
            if matches!(answered, Answered::Accepted(_)) || status == 400 {
                state.memories[self.no].doubt = None;
            }
        }
        world.check(self.judge(place, &answered));
    }

    /// Whether what was sent could be answered so.
    fn judge(&self, place: usize, answered: &Answered) -> Result<(), String> {
        let stormy = self.world().plan.is_stormy();
        let state = self.world().state();
        let sent = &state.sent[place];
        let wrong = |why: &str| Err(format!("{} was answered {answered:?}: {why}", sent.id));
        match answered {
            Answered::Accepted(id) => {
                let Some(entry) = state.book.entries.get(id) else {
                    return wrong("it is not in the journal");
                };
                let kept = &state.sent[entry.sent];
                let same = (&kept.body, kept.path, &kept.key) == (&sent.body, sent.path, &sent.key);
                if !same || (*id != sent.id && sent.key.is_none()) {
                    return wrong("that is another one");
                }
                Ok(())
            }
            Answered::Refused(400, code) if code == "IDEMPOTENCY_KEY_USED" => {
                let other = state.book.entries.values().map(|entry| &state.sent[entry.sent]);
                let mut other = other.filter(|other| other.key.is_some() && other.key == sent.key);
                match other.any(|other| other.body != sent.body || other.path != sent.path) {
                    true => Ok(()),
                    false => wrong("the key was not used with another body"),
                }
            }
            Answered::Refused(400, code) if code == "INVALID_EMAIL" && sent.ask.is_none() => Ok(()),
            Answered::Unknown | Answered::Refused(500 | 503, _) if stormy => Ok(()),
            // Those whom nobody waits for any more are in flight yet.
            Answered::Refused(429, _) => Ok(()),
            _ => wrong("nothing was wrong with it"),
        }
    }

    /// Tries something out: what it would do is what the model says of some state since.
    async fn try_out(&self) {
        let world = self.world();
        let (list, ask, path, mut body) = {
            let mut state = world.state();
            let list = state.dice.index(world.plan.lists);
            let ask = asks::ask(&mut state.dice, 0);
            let (path, body) = asks::body(&state, list, &ask);
            (list, ask, path, body)
        };
        body["dryRun"] = json!(true);
        let (status, answer) = self.node.ask(self.no, path, &body).await;
        if status == 200 {
            world.check(self.check_try(list, &ask, &answer["results"]));
        } else {
            world.check(self.may_fail(status, path));
        }
    }

    fn check_try(&self, list: usize, ask: &Ask, results: &Value) -> Result<(), String> {
        let state = self.world().state();
        let shelf = &state.book.shelves[list];
        let outcomes = (0..shelf.models.len()).rev().map(|place| shelf.could_be(place, ask, results));
        let mut wrong = String::new();
        for outcome in outcomes {
            match outcome {
                Ok(()) => return Ok(()),
                Err(why) => wrong = why,
            }
        }
        Err(format!("a dry run of {ask:?} told {wrong}"))
    }

    fn may_fail(&self, status: u16, path: &str) -> Result<(), String> {
        match status {
            429 => Ok(()),
            500 | 503 if self.world().plan.is_stormy() => Ok(()),
            _ => Err(format!("{path} was answered {status}")),
        }
    }

    /// Looks at requests: none that was accepted is lost, and none goes back.
    async fn look(&self) {
        let world = self.world();
        let ids: Vec<String> = {
            let mut state = world.state();
            let all: Vec<_> = state.book.entries.keys().cloned().collect();
            if all.is_empty() {
                return;
            }
            let count = state.dice.between(1, 4);
            (0..count).map(|_| state.dice.pick(&all)).collect()
        };
        match self.node.find(self.no, &ids).await {
            Some(requests) => ids.iter().for_each(|id| world.check(check_state(world, id, &requests[id]))),
            None => world.check(self.may_fail(500, "request/find")),
        }
    }

    /// Reads a contact, as it is once a request is processed.
    async fn read(&self) {
        let world = self.world();
        let (list, id, kind, text) = {
            let mut state = world.state();
            let all: Vec<_> = state.book.entries.keys().cloned().collect();
            let list = state.dice.index(world.plan.lists);
            let id = (!all.is_empty()).then(|| state.dice.pick(&all));
            let kind = state.dice.index(2);
            (list, id, kind, state.dice.pick(TEXTS[kind]))
        };
        let body = json!({ "contactListId": ground::list_id(list), FIELDS[kind]: text, "waitFor": id });
        let begun = Instant::now();
        let (status, answer) = self.node.ask(self.no, "/v3/contact/get", &body).await;
        // Each look may be a slow one.
        let is_soon = begun.elapsed() < Duration::from_secs(30);
        world.check(
            is_soon.then_some(()).ok_or_else(|| format!("{id:?} was waited for: {:?}", begun.elapsed())),
        );
        if status == 400 {
            // It may be forgotten by now.
            let known = id.and_then(|id| world.state().book.entries.get(&id).map(|entry| entry.accepted_at));
            let old = known.is_some_and(|accepted| world.clock.latest() - accepted >= KNOWN);
            world.check(if old { Ok(()) } else { Err(format!("contact/get has lost a request: {answer}")) });
        } else if status != 200 {
            world.check(self.may_fail(status, "contact/get"));
        } else {
            let state = world.state();
            let waited = answer.get("warnings").is_none();
            let entry = id.and_then(|id| state.book.entries.get(&id).cloned()).filter(|_| waited);
            let from = entry.filter(|entry| entry.list == list).map_or(0, |entry| entry.place + 1);
            let mut since = state.book.shelves[list].models[from..].iter();
            let expected = |model: &crate::undo_model::plain::Model| {
                shows(&answer["contact"], model.bearer(kind, text).and_then(|bearer| model.state(bearer)))
            };
            let found = since.any(expected);
            drop(state);
            let wrong = || format!("{text} of list {list} was never so since {from}: {answer}");
            world.check(found.then_some(()).ok_or_else(wrong));
        }
    }
}

/// What is answered, as far as it matters.
fn answered(status: u16, answer: &Value) -> Answered {
    let code = answer["details"][0]["code"].as_str().unwrap_or_default();
    match (status, code) {
        (200, _) => Answered::Accepted(answer["requestId"].as_str().unwrap_or_default().to_owned()),
        (_, "OUTCOME_UNKNOWN") => Answered::Unknown,
        _ => Answered::Refused(status, code.to_owned()),
    }
}

/// Holds what request/find says of a request against the book.
pub fn check_state(world: &World, id: &str, object: &Value) -> Result<(), String> {
    let latest = world.clock.latest();
    let mut state = world.state();
    if object.is_null() {
        let accepted_at = state.book.entries[id].accepted_at;
        return match latest - accepted_at >= KNOWN {
            true => Ok(()),
            false => Err(format!("{id} is lost")),
        };
    }
    let stages = ["queued", "processing", "processed"];
    let stage = stages.iter().position(|stage| object["status"] == *stage);
    let stage = stage.ok_or_else(|| format!("{id} is told as {object}"))?;
    // What a crash has taken back was never told to be done.
    let before = state.seen.insert(id.to_owned(), stage).unwrap_or_default();
    if before == 2 && stage < 2 {
        return Err(format!("{id} was processed, and is {}", stages[stage]));
    }
    state.book.check_request(id, object)
}
