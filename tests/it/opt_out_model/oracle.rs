//! What the contacts must hold to, known from the requests, the links that were used and their results alone.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::{Value, json};

use super::{FLAGS, Item};

/// A flag that was turned off.
#[derive(Clone, Debug)]
struct No {
    /// The request that said so last; a click has none that can be undone.
    last: String,
    /// When it was turned off: a number that rises with each request.
    since: usize,
}

/// What was said of a contact: which flags are turned off.
type Said = [Option<No>; FLAGS.len()];

/// The identifiers that a contact had last.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its userId.
    pub user: Option<String>,
    /// Its address.
    pub email: Option<String>,
}

/// A merge that holds.
#[derive(Clone, Debug)]
struct Merge {
    winner: String,
    at: usize,
}

/// See the module.
#[derive(Default)]
pub struct Oracle {
    /// By the contact's id: an erased or removed one is another when it is made again.
    said: HashMap<String, Said>,
    /// What was said before each request.
    before: HashMap<String, HashMap<String, Said>>,
    suppressed: HashSet<String>,
    /// The contacts that are there.
    pub present: HashSet<String>,
    /// What all contacts had last that were not erased.
    pub last: HashMap<String, Shown>,
    /// By the loser.
    merges: HashMap<String, Merge>,
    /// Merges that an undo has ended, by that request and the loser.
    ended: HashMap<(String, String), Merge>,
    now: usize,
    /// How many items met an opt-out.
    pub kept: usize,
    /// How many links were of contacts that were gone.
    pub gone: usize,
}

impl Oracle {
    /// A request was applied.
    pub fn begin(&mut self, request: &str) {
        self.now += 1;
        self.before.insert(request.to_owned(), self.said.clone());
    }

    fn no(&self, last: &str, known: Option<&No>) -> No {
        No { last: last.to_owned(), since: known.map_or(self.now, |no| no.since) }
    }

    /// An item was applied to a contact.
    pub fn apply(&mut self, request: &str, contact: &str, item: &Item, result: &Value) {
        let mut said = self.said.get(contact).cloned().unwrap_or_default();
        let notes = result["notes"].as_array().cloned().unwrap_or_default();
        self.kept += notes.iter().filter(|note| note["code"] == "OPTED_OUT").count();
        for (flag, value) in item.flags.into_iter().enumerate() {
            match value {
                Some(false) => said[flag] = Some(self.no(request, said[flag].as_ref())),
                Some(true) if item.resubscribe => said[flag] = None,
                _ => {}
            }
        }
        self.said.insert(contact.to_owned(), said);
    }

    /// A person was erased: which of the contacts that were gone already are known as theirs is not followed here.
    pub fn erase(&mut self) {
        self.merges.clear();
        self.ended.clear();
        let present = &self.present;
        self.last.retain(|contact, _| present.contains(contact));
    }

    /// A request was undone: what only it had said is as it was before, where the undo has put the flag back.
    pub fn undo(&mut self, request: &str, undone: &str, contact: &str, result: &Value) {
        self.undo_merge(request, undone, contact, result);
        let Some(said) = self.said.get(contact) else { return };
        let mut said = said.clone();
        let before = self.before[undone].get(contact).cloned().unwrap_or_default();
        let restored = result["restored"].as_array().expect("an array");
        for (flag, name) in FLAGS.iter().enumerate() {
            let is_restored = restored.contains(&json!(name));
            // Where a later request has said no, it is not the request's own any more.
            if is_restored && said[flag].as_ref().is_none_or(|no| no.last == undone) {
                // A no that is back is the undo's own: undoing that takes it away again.
                said[flag] = before[flag].as_ref().map(|_| self.no(request, None));
            }
        }
        self.said.insert(contact.to_owned(), said);
    }

    /// What the winner has turned off since the merge is off for the loser that comes back, too.
    fn undo_merge(&mut self, request: &str, undone: &str, contact: &str, result: &Value) {
        let key = (undone.to_owned(), contact.to_owned());
        if result["action"] == "removed" {
            if let Some(merge) = self.ended.get(&key).cloned() {
                self.merges.insert(contact.to_owned(), Merge { at: self.now, ..merge });
            }
            return;
        }
        let Some(merge) = self.merges.get(contact).filter(|_| result["action"] == "created").cloned() else {
            return;
        };
        let mut said = self.said.get(contact).cloned().unwrap_or_default();
        let mut next = Some(merge.clone());
        while let Some(Merge { winner, at }) = next {
            let of_winner = self.said.get(&winner).cloned().unwrap_or_default();
            for (own, other) in said.iter_mut().zip(of_winner) {
                if own.is_none() && other.as_ref().is_some_and(|no| no.since > at) {
                    *own = Some(self.no(request, None));
                }
            }
            next = self.merges.get(&winner).cloned();
        }
        self.said.insert(contact.to_owned(), said);
        self.merges.remove(contact);
        self.ended.insert((request.to_owned(), contact.to_owned()), merge);
    }

    /// What the loser had turned off is off for the winner, who says so by the merge.
    pub fn merge(&mut self, request: &str, body: &Value) {
        let [winner, loser] = ["winner", "loser"].map(|key| body[key].as_str().expect("an id").to_owned());
        let said = |id: &String| self.said.get(id).cloned().unwrap_or_default();
        let (mut own, others) = (said(&winner), said(&loser));
        for (own, other) in own.iter_mut().zip(others) {
            if own.is_none() && other.is_some() {
                *own = Some(self.no(request, None));
            }
        }
        self.said.insert(winner.clone(), own);
        self.merges.insert(loser, Merge { winner, at: self.now });
    }

    /// A link was used: of the contact itself, and of what took its place if it is gone.
    pub fn click(&mut self, contact: &str, flag: usize) {
        self.now += 1;
        self.gone += usize::from(!self.present.contains(contact));
        let mut contacts = vec![contact.to_owned()];
        let mut place = 0;
        while let Some(contact) = contacts.get(place).cloned() {
            place += 1;
            // An erased contact is not known any more, but the winner of its merge may be.
            let Some(shown) = self.last.get(&contact).cloned() else { continue };
            let own = &mut self.said.entry(contact.clone()).or_default()[flag];
            // Where a link is used again, or the flag is off already, there may be no second record.
            let known = own.as_ref().filter(|no| place > 1 || no.last.starts_with("click"));
            let since = known.map_or(self.now, |no| no.since);
            *own = Some(No { last: format!("click {}", self.now), since });
            if self.present.contains(&contact) {
                continue;
            }
            let mut next = Vec::new();
            let mut last = &contact;
            while let Some(Merge { winner, .. }) = self.merges.get(last) {
                last = winner;
            }
            next.extend((*last != contact).then(|| last.clone()));
            match FLAGS[flag] {
                "emailSubscribe" => {
                    if let Some(email) = &shown.email {
                        match self.holder(|other| other.email.as_ref() == Some(email)) {
                            Some(holder) => next.push(holder),
                            None => drop(self.suppressed.insert(email.clone())),
                        }
                    }
                }
                "smsSubscribe" | "viberSubscribe" => {}
                _ if shown.user.is_none() => {}
                _ => next.extend(self.holder(|other| other.user == shown.user)),
            }
            for contact in next {
                if !contacts.contains(&contact) {
                    contacts.push(contact);
                }
            }
        }
    }

    fn holder(&self, has: impl Fn(&Shown) -> bool) -> Option<String> {
        self.present.iter().find(|contact| self.last.get(*contact).is_some_and(&has)).cloned()
    }

    /// An address was suppressed, or is not any more.
    pub fn suppress(&mut self, email: String, on: bool) {
        match on {
            true => self.suppressed.insert(email),
            false => self.suppressed.remove(&email),
        };
    }

    /// Whether a contact is as it must be.
    pub fn check(&self, contact: &str, shown: &Value) -> Result<(), TestCaseError> {
        for (flag, name) in FLAGS.iter().enumerate() {
            let no = self.said.get(contact).and_then(|said| said[flag].as_ref());
            prop_assert!(no.is_none() || shown[*name] == false, "{name} of {shown}: {no:?} turned it off");
        }
        let is_suppressed = shown["email"].as_str().is_some_and(|email| self.suppressed.contains(email));
        prop_assert_eq!(shown.get("suppressed").is_some(), is_suppressed, "{}", shown);
        Ok(())
    }
}
