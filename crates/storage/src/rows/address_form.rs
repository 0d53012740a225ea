//! The index of identifiers brought to the present form of addresses, see [`domain::contact::email::form`]. The first
//! version compared them by another: contacts that it has written are not found by every spelling.
//!
//! A step reads some contacts of a list and says which entries the index lacks. Entries are only added: what was there
//! is what nodes of the first version look for. Contacts that are made or changed meanwhile are right by themselves.
//!
//! Two contacts of a list may turn out to bear one address. They are named in the log, and by `rollbook check`, and left
//! as they are: only people know whether the one or the other is right.

use super::check::index::IndexEntry;
use super::{ContactId, Rows, check, contacts};
use crate::{Error, Way};
use domain::contact::document::Document;
use domain::contact::identifier::IdentifierKind;
use domain::id::ObjectId;
use domain::journal::{ContactNo, ListNo};

/// Contacts that one transaction looks at: applying waits no longer than that.
const CHUNK: u32 = 2_000;

/// What a step has found.
#[derive(Debug, Default)]
pub struct Step {
    /// Entries that the index must have.
    pub entries: Vec<IndexEntry>,
    /// The contacts of these, with their addresses.
    addresses: Vec<(ContactNo, String)>,
    /// The last contact that was looked at; `None` where there are no more behind it.
    pub reached: Option<ContactNo>,
}

/// Looks at the next contacts of a list.
///
/// # Errors
/// Where the store cannot be read.
pub fn step(rows: &impl Rows, list: ListNo, after: ContactNo) -> Result<Step, Error> {
    let (mut step, mut seen) = (Step::default(), 0);
    rows.documents_on(list, Way::Up(after), CHUNK, &mut |number, document| {
        seen += 1;
        step.reached = Some(number);
        // One that does not read is told by `check`; plain ASCII has one form.
        let email = Document::read(document).and_then(|read| Ok(read.identifiers()?.email));
        if let Ok(Some(email)) = email
            && !email.is_ascii()
        {
            check::index::entries(rows.key(), (list, number), document, |entry| step.entries.push(entry));
            step.addresses.push((number, email.to_owned()));
        }
        true
    })?;
    if seen < CHUNK {
        step.reached = None;
    }
    Ok(step)
}

/// Names contacts of a step whose address another bears that was made before; the entries must be there by now.
///
/// # Errors
/// Where the store cannot be read.
pub fn tell_twins(rows: &impl Rows, list: ListNo, id: Option<ObjectId>, step: &Step) -> Result<(), Error> {
    for (number, address) in &step.addresses {
        for twin in twins(rows, (list, *number), address)? {
            let [contact, other] =
                [*number, twin].map(|number| id.map(|id| ObjectId::of_contact(id, number.0).to_string()));
            tracing::warn!(
                list = list.0,
                number = number.0,
                contact,
                other_number = twin.0,
                other,
                "store: two contacts have the same e-mail address in different spellings"
            );
        }
    }
    Ok(())
}

fn twins(rows: &impl Rows, (list, number): ContactId, address: &str) -> Result<Vec<ContactNo>, Error> {
    let (bearers, _) = contacts::bearers(rows, list, IdentifierKind::Email, address)?;
    Ok(bearers.into_iter().map(|bearer| bearer.number).filter(|other| *other < number).collect())
}
