//! What was accepted, in the order in which it was, and what the plain model says of it.

use std::collections::BTreeMap;

use domain::clock::Timestamp;
use serde_json::{Value, json};

use crate::undo_model::entries;
use crate::undo_model::plain::{Ask, FIELDS, Model, State, Told};

/// A batch in the journal.
#[derive(Clone, Debug)]
pub struct Entry {
    pub position: i64,
    pub accepted_at: i64,
    /// When it was in the journal.
    pub kept_at: i64,
    pub list: usize,
    /// Among the batches of its list.
    pub place: usize,
    /// The place in [`super::world::State::sent`].
    pub sent: usize,
}

/// A list: its batches, and the contacts after each of them.
pub struct Shelf {
    /// One more than there are batches: first comes the empty list.
    pub models: Vec<Model>,
    pub told: Vec<Vec<Told>>,
    /// The requests.
    pub ids: Vec<String>,
    /// The numbers that the model gave to contacts, by their ids.
    contacts: BTreeMap<String, usize>,
}

#[derive(Default)]
pub struct Book {
    pub entries: BTreeMap<String, Entry>,
    pub shelves: Vec<Shelf>,
    /// The last position.
    pub reached: i64,
}

impl Book {
    pub fn new(lists: usize) -> Self {
        let shelf = |_| Shelf {
            models: vec![Model::default()],
            told: Vec::new(),
            ids: Vec::new(),
            contacts: BTreeMap::new(),
        };
        Self { shelves: (0..lists).map(shelf).collect(), ..Self::default() }
    }

    /// Writes down that a batch is in the journal.
    pub fn accept(
        &mut self,
        id: &str,
        position: i64,
        [accepted_at, kept_at]: [i64; 2],
        (list, sent, ask): (usize, usize, &Ask),
    ) {
        let shelf = &mut self.shelves[list];
        let place = shelf.ids.len();
        let mut model = shelf.models[place].clone();
        shelf.told.push(model.apply(ask));
        shelf.models.push(model);
        shelf.ids.push(id.to_owned());
        self.entries.insert(id.to_owned(), Entry { position, accepted_at, kept_at, list, place, sent });
    }

    /// Holds a request object against what the model says.
    pub fn check_request(&mut self, id: &str, object: &Value) -> Result<(), String> {
        let entry = self.entries.get(id).ok_or_else(|| format!("{id} was never accepted: {object}"))?;
        let created = Timestamp::from_millis(entry.accepted_at).to_string();
        if object["createdAt"] != json!(created) || object["id"] != json!(id) {
            return Err(format!("{id}, accepted at {created}, is told as {object}"));
        }
        if object["status"] == "processed" {
            let shelf = &mut self.shelves[entry.list];
            let told = shelf.told[entry.place].clone();
            shelf.same(&told, &object["results"]).map_err(|why| format!("{id}: {why}"))?;
        }
        Ok(())
    }
}

impl Shelf {
    /// Whether results say what the model says.
    fn same(&mut self, expected: &[Told], results: &Value) -> Result<(), String> {
        for (id, contact) in alike(expected, results)? {
            match (id, contact) {
                (Some(id), Some(contact)) => self.is_known_as(&id, contact)?,
                (None, None) => {}
                _ => return Err(differ(expected, results)),
            }
        }
        Ok(())
    }

    /// Whether a dry run has told what would become of the contacts as they were after some batch.
    pub fn could_be(&self, place: usize, ask: &Ask, results: &Value) -> Result<(), String> {
        let mut model = self.models[place].clone();
        let next = model.made();
        let expected = model.apply(ask);
        for (id, contact) in alike(&expected, results)? {
            let fits = match (&id, contact) {
                // A contact that would be made has no id yet.
                (None, Some(contact)) => contact >= next,
                (Some(id), Some(contact)) => self.contacts.get(id).is_none_or(|known| *known == contact),
                (id, None) => id.is_none(),
            };
            if !fits {
                return Err(differ(&expected, results));
            }
        }
        Ok(())
    }

    /// An id is one contact's, and a contact has one id.
    pub fn is_known_as(&mut self, id: &str, contact: usize) -> Result<(), String> {
        let known = self.contacts.iter().find(|(other, known)| *other == id || **known == contact);
        match known {
            Some((other, known)) if other == id && *known == contact => Ok(()),
            Some((other, known)) => Err(format!("contact {contact} is {id}, but {known} was {other}")),
            None => {
                self.contacts.insert(id.to_owned(), contact);
                Ok(())
            }
        }
    }
}

fn differ(expected: &[Told], results: &Value) -> String {
    format!("{results} in place of {expected:?}")
}

/// The id that a result tells of a contact, and the contact's number in the model.
type Named = (Option<String>, Option<usize>);

/// The contacts in results, where these are the same results otherwise.
fn alike(expected: &[Told], results: &Value) -> Result<Vec<Named>, String> {
    let told = entries(results);
    let contents = |told: &Told| (told.word.clone(), told.identifiers.clone(), told.fields.clone());
    let are_same = told.len() == expected.len()
        && told.iter().zip(expected).all(|((told, _), expected)| contents(told) == contents(expected));
    if !are_same {
        return Err(differ(expected, results));
    }
    Ok(told.into_iter().zip(expected).map(|((_, id), expected)| (id, expected.contact)).collect())
}

/// Whether contact/get answers that contact, or that there is none.
pub fn shows(contact: &Value, expected: Option<&State>) -> bool {
    match expected {
        None => contact.is_null(),
        Some(expected) => {
            !contact.is_null()
                && FIELDS
                    .iter()
                    .enumerate()
                    .all(|(field, name)| contact[*name] == json!(expected.get(&field)))
        }
    }
}
