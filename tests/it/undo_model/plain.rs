//! What the README says of histories and undoing, as plain code that keeps every state of every contact.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// The fields in the order in which they are told; the first two are the identifiers.
pub const FIELDS: [&str; 4] = ["userId", "email", "name", "lastName"];

/// A contact's fields; what it has not is not in it.
pub type State = BTreeMap<usize, String>;

/// What an item names; an empty text clears.
#[derive(Clone, Debug)]
pub struct Item {
    pub contact: String,
    pub named: State,
}

impl Item {
    pub fn to_json(&self, with_contact: bool) -> Value {
        let mut item = json!({});
        if with_contact {
            item["contact"] = json!(self.contact);
        }
        for (field, text) in &self.named {
            item[FIELDS[*field]] = json!(text);
        }
        item
    }

    fn kind(&self) -> usize {
        usize::from(self.contact.contains('@'))
    }
}

#[derive(Clone, Debug)]
pub enum Ask {
    Update {
        upsert: bool,
        items: Vec<Item>,
    },
    Add(Vec<Item>),
    Remove {
        kind: usize,
        texts: Vec<String>,
    },
    /// Of the request in that place.
    Undo(usize),
}

/// A change of a contact: what it was and what it became; nothing where it was or is not there.
#[derive(Clone, Debug)]
struct Change {
    request: usize,
    contact: usize,
    before: Option<State>,
    after: Option<State>,
}

#[derive(Clone, Default)]
pub struct Model {
    contacts: Vec<Option<State>>,
    log: Vec<Change>,
    requests: usize,
}

/// What became of an item: its action or error; the contact and its identifiers then; what an undo put back and not.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub word: String,
    pub contact: Option<usize>,
    pub identifiers: [Option<String>; 2],
    pub fields: Option<(Vec<String>, Vec<[String; 2]>)>,
}

fn failed(error: &str) -> Told {
    Told { word: error.to_owned(), contact: None, identifiers: [None, None], fields: None }
}

/// The fields in which two states differ.
fn differences(one: &State, other: &State) -> BTreeSet<usize> {
    (0..FIELDS.len()).filter(|field| one.get(field) != other.get(field)).collect()
}

fn laid_over(state: &State, named: &State) -> State {
    let mut state = state.clone();
    state.extend(named.clone());
    state.retain(|_, text| !text.is_empty());
    state
}

fn bears_none(state: &State) -> bool {
    !state.contains_key(&0) && !state.contains_key(&1)
}

/// What undoing is to do with a contact.
struct Wish {
    contact: usize,
    /// What it would be; the same as now where it is left alone.
    goal: Option<State>,
    restored: BTreeSet<usize>,
    kept: BTreeMap<usize, &'static str>,
}

impl Model {
    pub fn bearer(&self, kind: usize, text: &str) -> Option<usize> {
        self.contacts.iter().position(|contact| {
            contact.as_ref().is_some_and(|contact| contact.get(&kind).is_some_and(|borne| borne == text))
        })
    }

    /// How many contacts there have ever been: the number of the next.
    pub fn made(&self) -> usize {
        self.contacts.len()
    }

    /// How many contacts there are.
    pub fn count(&self) -> usize {
        self.contacts.iter().flatten().count()
    }

    pub fn state(&self, contact: usize) -> Option<&State> {
        self.contacts[contact].as_ref()
    }

    fn set(&mut self, contact: usize, after: Option<State>) -> &'static str {
        let before = self.contacts[contact].clone();
        if before == after {
            return "unchanged";
        }
        let word = match (&before, &after) {
            (None, _) => "created",
            (_, None) => "removed",
            _ => "updated",
        };
        self.contacts[contact] = after.clone();
        self.log.push(Change { request: self.requests, contact, before, after });
        word
    }

    fn told(&self, word: &str, contact: usize, shown: Option<&State>) -> Told {
        let identifiers = [0, 1].map(|kind| shown.and_then(|state| state.get(&kind).cloned()));
        Told { word: word.to_owned(), contact: Some(contact), identifiers, fields: None }
    }

    pub fn apply(&mut self, ask: &Ask) -> Vec<Told> {
        let told = match ask {
            Ask::Update { upsert, items } => items.iter().map(|item| self.update(item, *upsert)).collect(),
            Ask::Add(items) => items.iter().map(|item| self.create(&item.named, "CONTACT_EXISTS")).collect(),
            Ask::Remove { kind, texts } => texts.iter().map(|text| self.remove(*kind, text)).collect(),
            Ask::Undo(request) => self.undo(*request),
        };
        self.requests += 1;
        told
    }

    fn create(&mut self, named: &State, taken: &str) -> Told {
        let state = laid_over(&State::new(), named);
        if bears_none(&state) {
            return failed("IDENTIFIER_REQUIRED");
        }
        if [0, 1].iter().any(|kind| state.get(kind).is_some_and(|text| self.bearer(*kind, text).is_some())) {
            return failed(taken);
        }
        self.contacts.push(None);
        let contact = self.contacts.len() - 1;
        let word = self.set(contact, Some(state.clone()));
        self.told(word, contact, Some(&state))
    }

    fn update(&mut self, item: &Item, upsert: bool) -> Told {
        let Some(found) = [0, 1].into_iter().find_map(|kind| self.bearer(kind, &item.contact)) else {
            if !upsert {
                return failed("CONTACT_NOT_FOUND");
            }
            let mut named = item.named.clone();
            named.entry(item.kind()).or_insert_with(|| item.contact.clone());
            return self.create(&named, "IDENTIFIER_TAKEN");
        };
        let after = laid_over(self.contacts[found].as_ref().unwrap(), &item.named);
        if bears_none(&after) {
            return failed("IDENTIFIER_REQUIRED");
        }
        for kind in [0, 1] {
            let holder = after.get(&kind).and_then(|text| self.bearer(kind, text));
            if holder.is_some_and(|holder| holder != found) {
                return failed("IDENTIFIER_TAKEN");
            }
        }
        let word = self.set(found, Some(after.clone()));
        self.told(word, found, Some(&after))
    }

    fn remove(&mut self, kind: usize, text: &str) -> Told {
        let Some(found) = self.bearer(kind, text) else { return failed("CONTACT_NOT_FOUND") };
        let before = self.contacts[found].clone();
        let word = self.set(found, None);
        self.told(word, found, before.as_ref())
    }

    fn undo(&mut self, request: usize) -> Vec<Told> {
        let mut contacts = Vec::new();
        for change in self.log.iter().filter(|change| change.request == request) {
            if !contacts.contains(&change.contact) {
                contacts.push(change.contact);
            }
        }
        let mut wishes: Vec<_> = contacts.iter().map(|contact| self.wish(request, *contact)).collect();
        while self.one_is_refused(&mut wishes) {}
        let mut told = Vec::new();
        // Backwards: an undo of this comes to them in that order.
        for wish in wishes.into_iter().rev() {
            let before = self.contacts[wish.contact].clone();
            let word = self.set(wish.contact, wish.goal.clone());
            let shown = if word == "removed" { before } else { wish.goal };
            let kept = wish.kept.into_iter().map(|(field, error)| [FIELDS[field], error].map(str::to_owned));
            let restored = wish.restored.into_iter().map(|field| FIELDS[field].to_owned());
            let fields = Some((restored.collect(), kept.collect()));
            told.push(Told { fields, ..self.told(word, wish.contact, shown.as_ref()) });
        }
        told.reverse();
        told
    }

    /// What a contact would be, were it alone.
    fn wish(&self, request: usize, contact: usize) -> Wish {
        let own: Vec<_> = self.log.iter().filter(|change| change.contact == contact).collect();
        let deeds: Vec<_> = own.iter().filter(|change| change.request == request).collect();
        let since: Vec<_> = own.iter().filter(|change| change.request > request).collect();
        let nothing = State::new();
        let (before, after) = (&deeds[0].before, &deeds[deeds.len() - 1].after);
        let mut changed = BTreeSet::new();
        for deed in &deeds {
            let [one, other] = [&deed.before, &deed.after].map(|state| state.as_ref().unwrap_or(&nothing));
            changed.extend(differences(one, other));
        }
        // A removal and the return after it have changed what did not come back as it was.
        let (mut touched, mut last) = (BTreeSet::new(), after.as_ref().unwrap_or(&nothing));
        for change in &since {
            if let Some(state) = &change.after {
                touched.extend(differences(last, state));
                last = state;
            }
        }
        let now = self.contacts[contact].clone();
        let mut wish = Wish { contact, goal: now.clone(), restored: BTreeSet::new(), kept: BTreeMap::new() };
        match (before, after, &now) {
            (None, None, _) | (None, Some(_), None) | (Some(_), None, Some(_)) => {}
            (None, Some(_), Some(_)) if touched.is_empty() => {
                (wish.goal, wish.restored) = (None, changed);
            }
            (_, Some(_), Some(now)) => {
                let was = before.as_ref().unwrap_or(&nothing);
                let mut back = State::new();
                for field in changed {
                    if touched.contains(&field) {
                        wish.kept.insert(field, "CHANGED_SINCE");
                    } else {
                        wish.restored.insert(field);
                        back.insert(field, was.get(&field).cloned().unwrap_or_default());
                    }
                }
                wish.goal = Some(laid_over(now, &back));
            }
            (Some(was), None, None) if since.is_empty() => {
                (wish.goal, wish.restored) = (Some(was.clone()), was.keys().copied().collect());
            }
            (Some(was), None, None) => {
                wish.kept = was.keys().map(|field| (*field, "CHANGED_SINCE")).collect()
            }
            (Some(_), Some(_), None) => {
                wish.kept = changed.into_iter().map(|field| (field, "CONTACT_NOT_FOUND")).collect();
            }
        }
        wish
    }

    /// Refuses one thing that cannot be: two bearers of an identifier, or a contact with none.
    fn one_is_refused(&self, wishes: &mut [Wish]) -> bool {
        let mut all = self.contacts.clone();
        for wish in &*wishes {
            all[wish.contact] = wish.goal.clone();
        }
        for wish in wishes {
            let Some(goal) = &mut wish.goal else { continue };
            let now = self.contacts[wish.contact].as_ref();
            for kind in [0, 1] {
                let Some(text) = goal.get(&kind) else { continue };
                let is_new = now.is_none_or(|now| now.get(&kind) != Some(text));
                let is_twice =
                    all.iter().flatten().filter(|state| state.get(&kind) == Some(text)).count() > 1;
                if is_new && is_twice {
                    wish.restored.remove(&kind);
                    wish.kept.insert(kind, "IDENTIFIER_TAKEN");
                    match now.and_then(|now| now.get(&kind)) {
                        Some(text) => goal.insert(kind, text.clone()),
                        None => goal.remove(&kind),
                    };
                    return true;
                }
            }
            if bears_none(goal) {
                let refused: Vec<_> =
                    wish.restored.iter().copied().filter(|field| now.is_none() || *field < 2).collect();
                for field in refused {
                    wish.restored.remove(&field);
                    wish.kept.insert(field, "IDENTIFIER_REQUIRED");
                    match now.and_then(|now| now.get(&field)) {
                        Some(text) => drop(goal.insert(field, text.clone())),
                        None => drop(goal.remove(&field)),
                    }
                }
                if now.is_none() {
                    wish.goal = None;
                }
                return true;
            }
        }
        false
    }

    /// The changes of a contact, the newest first: the request, the action, and the fields.
    pub fn history(&self, contact: usize) -> Vec<(usize, Value)> {
        let own = self.log.iter().rev().filter(|change| change.contact == contact);
        own.map(|change| {
            let action = match (&change.before, &change.after) {
                (None, _) => "created",
                (_, None) => "removed",
                _ => "updated",
            };
            let nothing = State::new();
            let [old, new] = [&change.before, &change.after].map(|state| state.as_ref().unwrap_or(&nothing));
            let fields: Vec<_> = differences(old, new)
                .into_iter()
                .map(
                    |field| json!({ "field": FIELDS[field], "old": old.get(&field), "new": new.get(&field) }),
                )
                .collect();
            (change.request, json!([action, fields]))
        })
        .collect()
    }

    /// Who bore an identifier last that nobody bears; `None` also where two gave it up in one request.
    pub fn former_bearer(&self, kind: usize, text: &str) -> Option<usize> {
        let gave_up = self.log.iter().rev().filter(|change| {
            let bears = |state: &Option<State>| {
                state.as_ref().is_some_and(|state| state.get(&kind).is_some_and(|borne| borne == text))
            };
            bears(&change.before) && !bears(&change.after)
        });
        let mut gave_up = gave_up.peekable();
        let last = gave_up.next()?;
        let other = gave_up.find(|change| change.request != last.request || change.contact != last.contact);
        other.is_none_or(|other| other.request != last.request).then_some(last.contact)
    }
}
