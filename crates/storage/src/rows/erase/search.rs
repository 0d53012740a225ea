//! Who a person is: which contacts, and what these bear and bore.
//!
//! Identifiers lead to contacts, and these to further identifiers:
//!
//! - An identifier that was given leads to who bears it; where nobody of a list bears it now, to who bore it last.
//! - A contact leads on with its userId and its e-mail address, in whatever list. A phone number is shared and handed
//!   on more lightly: it leads to contacts only where it was given itself.
//! - All of these lead also to contacts that bore them and were removed since: of such only a history is left. One
//!   leads on itself where it bore the identifier when it was removed.
//! - What a contact bore before it was changed leads nowhere, for it may be somebody else's now, or have been put
//!   there by mistake.

use std::collections::HashSet;

use super::super::Rows;
use super::super::contacts::{self, Holder};
use super::super::history::{self, Walk};
use super::{Known, Person, Trace, trace};
use crate::Error;
use domain::contact::document::Document;
use domain::contact::identifier::{IdentifierKind, Identifiers};
use domain::contact::record::Malformed;
use domain::id::ObjectId;
use domain::journal::{ContactNo, ListNo};

/// The search for the person's contacts.
pub struct Search<'s, R> {
    rows: &'s R,
    lists: &'s [(ListNo, ObjectId)],
    person: Person,
}

impl<'s, R: Rows> Search<'s, R> {
    /// Among the contacts of these lists.
    pub fn new(rows: &'s R, lists: &'s [(ListNo, ObjectId)]) -> Self {
        Self { rows, lists, person: Person::default() }
    }

    /// Follows identifiers to contacts, and these to further ones.
    pub fn of(mut self, given: Vec<Trace>) -> Result<Person, Error> {
        let given: HashSet<_> = given.iter().map(|(kind, text)| trace(*kind, text)).collect();
        self.person.traces.extend(given.iter().cloned());
        let mut open: Vec<_> = given.iter().cloned().collect();
        let mut seen = HashSet::new();
        while let Some(next) = open.pop() {
            if seen.insert(next.clone()) {
                for (list, _) in self.lists {
                    self.follow(*list, &next, given.contains(&next), &mut open)?;
                }
            }
        }
        Ok(self.person)
    }

    /// Adds whom an identifier leads to in a list.
    fn follow(
        &mut self,
        list: ListNo,
        (kind, text): &Trace,
        is_given: bool,
        open: &mut Vec<Trace>,
    ) -> Result<(), Error> {
        let bearers = bearers(self.rows, list, *kind, text)?;
        let mut nobody_since = is_given && bearers.is_empty();
        for bearer in bearers {
            self.add(list, bearer.number, Some(bearer.document), |_| true, open)?;
        }
        for number in history::former_holders(self.rows, list, *kind, text)? {
            let last = std::mem::take(&mut nobody_since);
            let document = self.rows.document((list, number))?;
            if document.is_none() || last {
                let bore = (*kind, text.clone());
                self.add(list, number, document, |borne| last || borne.contains(&bore), open)?;
            }
        }
        Ok(())
    }

    /// Adds a contact, all that it bears or bore, and what of that leads on.
    fn add(
        &mut self,
        list: ListNo,
        number: ContactNo,
        document: Option<Vec<u8>>,
        leads: impl Fn(&[Trace]) -> bool,
        open: &mut Vec<Trace>,
    ) -> Result<(), Error> {
        if !self.person.contacts.contains_key(&(list, number)) {
            let past = past(self.rows, list, number, document.as_deref())?;
            self.person.traces.extend(past.bears.iter().chain(&past.bore).cloned());
            let known = Known { document, changed_at: past.changed_at, borne: past.bears, leads: false };
            self.person.contacts.insert((list, number), known);
        }
        if let Some(known) = self.person.contacts.get_mut(&(list, number))
            && !known.leads
            && leads(&known.borne)
        {
            known.leads = true;
            let further = known.borne.iter().filter(|(kind, _)| *kind != IdentifierKind::PhoneNumber);
            open.extend(further.cloned());
        }
        Ok(())
    }
}

/// Who bears an identifier now. A contact in its place in the index that does not read may be the one: that is an
/// error, though another bears the identifier by now.
pub fn bearers(
    rows: &impl Rows,
    list: ListNo,
    kind: IdentifierKind,
    text: &str,
) -> Result<Vec<Holder>, Error> {
    match contacts::bearers(rows, list, kind, text)? {
        (_, Some(damaged)) => Err(damaged),
        (bearers, None) => Ok(bearers),
    }
}

fn damaged(malformed: Malformed) -> Error {
    Error::Damaged(malformed.to_string())
}

/// What is kept of a contact's past.
pub struct Past {
    /// The positions of all batches that changed it.
    pub changed_at: Vec<u64>,
    /// What it bears, or bore when it was removed.
    bears: Vec<Trace>,
    /// What it bore before.
    bore: Vec<Trace>,
}

/// The past of a contact, from its stored form, or from its removal where there is none.
pub fn past(rows: &impl Rows, list: ListNo, number: ContactNo, stored: Option<&[u8]>) -> Result<Past, Error> {
    let mut past = Past { changed_at: Vec::new(), bears: Vec::new(), bore: Vec::new() };
    let head = match stored {
        Some(stored) => {
            let read = Document::read(stored).map_err(damaged)?;
            put(&mut past.bears, &read.identifiers().map_err(damaged)?);
            read.header.changed_at
        }
        None => rows.removed_at((list, number))?,
    };
    let mut left = stored.is_none();
    let mut walk = Walk::unbounded(rows, (list, number), head);
    while walk.step(|entry, change| {
        past.changed_at.push(entry.position);
        // The last of a contact that was removed is its removal.
        let traces = if std::mem::take(&mut left) { &mut past.bears } else { &mut past.bore };
        put(traces, &change.identifiers().map_err(damaged)?);
        Ok(())
    })? {}
    past.changed_at.dedup();
    Ok(past)
}

fn put(traces: &mut Vec<Trace>, identifiers: &Identifiers<Option<&str>>) {
    for kind in IdentifierKind::ALL {
        traces.extend(identifiers.get(kind).filter(|text| !text.is_empty()).map(|text| trace(kind, text)));
    }
}
