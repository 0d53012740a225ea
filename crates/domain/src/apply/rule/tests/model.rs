//! What an update does, written from the contract's section 4 and from nothing else: lists of people, searched
//! from end to end.

use std::collections::{BTreeMap, BTreeSet};

use super::asks::{Ask, Batch, FLAGS, Fields, LISTS, SOURCE};
use crate::apply::outcome::{Action, Failure};

/// In the order of look-up.
pub const IDENTIFIERS: [&str; 3] = ["userId", "email", "phoneNumber"];

/// Flags, each with whether it stays false.
pub type Notes = Vec<(&'static str, bool)>;

/// userId, e-mail address, phone number.
pub type Three = [Option<String>; 3];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub number: u64,
    pub created_at: i64,
    pub updated_at: i64,
    pub fields: Fields,
    /// Flags that a request set to false.
    pub refused: BTreeSet<&'static str>,
}

/// What the caller is told of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// With the contact's identifiers after the item, and what is said of flags.
    Done(Action, u64, Three, Notes),
    /// With the identifiers that the item asked for.
    Failed(Failure, Three),
}

#[derive(Debug, Default)]
pub struct Model {
    pub lists: BTreeMap<i64, Vec<Person>>,
}

impl Model {
    pub fn apply(&mut self, batch: &Batch, now: i64) -> Vec<Told> {
        if batch.damaged {
            return vec![Told::Failed(Failure::Damaged, [None, None, None])];
        }
        let told = |ask| {
            self.item(batch, ask, now).unwrap_or_else(|failure| Told::Failed(failure, asked(batch, ask)))
        };
        batch.asks.iter().map(told).collect()
    }

    /// Whole or not at all: nothing is written before the last `?`.
    fn item(&mut self, batch: &Batch, ask: &Ask, now: i64) -> Result<Told, Failure> {
        check_references(batch.list, ask)?;
        let people = self.lists.entry(batch.list).or_default();
        let found = look_up(people, batch, ask.contact);
        let before = match found {
            Some(found) => people[found].fields.clone(),
            None if batch.upsert => Fields::from([(name_of(batch, ask.contact), ask.contact.to_owned())]),
            None => return Err(Failure::ContactNotFound),
        };
        let refused = found.map(|found| people[found].refused.clone()).unwrap_or_default();
        let (refused, after, notes) = change_flags(refused, &before, ask);
        if IDENTIFIERS.iter().all(|name| !after.contains_key(name)) {
            return Err(Failure::IdentifierRequired);
        }
        let takes_from = |person: &Person| IDENTIFIERS.iter().any(|name| same(name, &person.fields, &after));
        if people.iter().enumerate().any(|(index, person)| Some(index) != found && takes_from(person)) {
            return Err(Failure::IdentifierTaken);
        }
        let shown = identifiers(&after);
        let Some(found) = found else {
            let number = people.len() as u64 + 1;
            people.push(Person { number, created_at: now, updated_at: now, fields: after, refused });
            return Ok(Told::Done(Action::Created, number, shown, notes));
        };
        let person = &mut people[found];
        person.refused = refused;
        if person.fields == after {
            return Ok(Told::Done(Action::Unchanged, person.number, shown, notes));
        }
        (person.fields, person.updated_at) = (after, now);
        Ok(Told::Done(Action::Updated, person.number, shown, notes))
    }
}

/// What went between acceptance and application; the list before the variable before the source.
fn check_references(list: i64, ask: &Ask) -> Result<(), Failure> {
    let (_, variables) = LISTS.into_iter().find(|(no, _)| *no == list).ok_or(Failure::ListNotFound)?;
    let mut named = ask.fields.keys().filter_map(|name| name.strip_prefix("variable "));
    if named.any(|number| !variables.contains(&number.parse().unwrap())) {
        return Err(Failure::VariableNotFound);
    }
    match ask.fields.get("sourceId") {
        Some(source) if !source.is_empty() && *source != SOURCE.to_string() => Err(Failure::SourceNotFound),
        _ => Ok(()),
    }
}

/// As userId, then as e-mail, then as phone number; the first that matches is the contact. Where the caller says what
/// it is, as that alone.
fn look_up(people: &[Person], batch: &Batch, contact: &str) -> Option<usize> {
    let mut names = IDENTIFIERS.iter().filter(|name| batch.by.is_none_or(|by| by.field().name() == **name));
    names.find_map(|name| {
        let wanted = Fields::from([(*name, contact.to_owned())]);
        people.iter().position(|person| same(name, &person.fields, &wanted))
    })
}

fn same(name: &str, one: &Fields, other: &Fields) -> bool {
    let (Some(one), Some(other)) = (one.get(name), other.get(name)) else { return false };
    one == other || name == "email" && one.to_lowercase() == other.to_lowercase()
}

/// The identifier that `contact` fills.
fn name_of(batch: &Batch, contact: &str) -> &'static str {
    batch.kind_of(contact).field().name()
}

/// The fields that the item names are set, an empty one cleared; all others stay.
fn change(before: &Fields, ask: &Ask) -> Fields {
    let mut after = before.clone();
    after.extend(ask.fields.clone());
    after.retain(|_, value| !value.is_empty());
    after
}

/// The same, where a flag that was set to false stays so if the item is to keep it.
fn change_flags(
    mut refused: BTreeSet<&'static str>,
    before: &Fields,
    ask: &Ask,
) -> (BTreeSet<&'static str>, Fields, Notes) {
    let (mut ask, mut notes) = (ask.clone(), Notes::new());
    for flag in FLAGS {
        let Some(value) = ask.fields.get(flag) else { continue };
        if value.is_empty() {
            refused.insert(flag);
        } else if refused.contains(flag) && !before.contains_key(flag) {
            notes.push((flag, ask.keep));
            if ask.keep {
                ask.fields.remove(flag);
            } else {
                refused.remove(flag);
            }
        }
    }
    let after = change(before, &ask);
    (refused, after, notes)
}

fn asked(batch: &Batch, ask: &Ask) -> Three {
    identifiers(&change(&Fields::from([(name_of(batch, ask.contact), ask.contact.to_owned())]), ask))
}

pub fn identifiers(fields: &Fields) -> Three {
    IDENTIFIERS.map(|name| fields.get(name).cloned())
}
