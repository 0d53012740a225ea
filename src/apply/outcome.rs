//! What became of each item, and the form in which that is kept: a contact's number and a code.
//!
//! Texts are made when the results are read, so that names of people live in one place. Only a failed item
//! keeps what it asked for, since no contact holds that.

use crate::contact::identifier::{IdentifierKind, Identifiers};
use crate::contact::record::{Malformed, Reader, put_bytes, put_number};
use crate::journal::ContactNo;

/// What an item did to its contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Made it.
    Created,
    /// Changed it.
    Updated,
    /// Found that it says all that already.
    Unchanged,
}

impl Action {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        }
    }
}

/// Why an item was not applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nobody in the list has that identifier, and the item was not to make one.
    ContactNotFound,
    /// Another contact of the list has an identifier that the item would give.
    IdentifierTaken,
    /// The item would leave its contact with no identifier.
    IdentifierRequired,
    /// A variable went between acceptance and application.
    VariableNotFound,
    /// The source went between acceptance and application.
    SourceNotFound,
    /// The list went between acceptance and application.
    ListNotFound,
    /// The accepted batch, or what is stored of the contact, was damaged on disk.
    Damaged,
}

impl Failure {
    /// Every one; their order is part of the stored form.
    pub const ALL: [Self; 7] = [
        Self::ContactNotFound,
        Self::IdentifierTaken,
        Self::IdentifierRequired,
        Self::VariableNotFound,
        Self::SourceNotFound,
        Self::ListNotFound,
        Self::Damaged,
    ];

    /// The code on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ContactNotFound => "CONTACT_NOT_FOUND",
            Self::IdentifierTaken => "IDENTIFIER_TAKEN",
            Self::IdentifierRequired => "IDENTIFIER_REQUIRED",
            Self::VariableNotFound => "VARIABLE_NOT_FOUND",
            Self::SourceNotFound => "SOURCE_NOT_FOUND",
            Self::ListNotFound => "LIST_NOT_FOUND",
            Self::Damaged => "STORE_DAMAGED",
        }
    }

    /// The code in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::ContactNotFound => "No contact of the list has this userId, email or phoneNumber",
            Self::IdentifierTaken => "Another contact of the list has this userId, email or phoneNumber",
            Self::IdentifierRequired => "A contact must keep a userId, an email or a phoneNumber",
            Self::VariableNotFound => "A variable was removed from the list before the request was applied",
            Self::SourceNotFound => "The source was removed before the request was applied",
            Self::ListNotFound => "The list was removed before the request was applied",
            Self::Damaged => "What was accepted could not be read back: the disk has damaged it",
        }
    }
}

/// What became of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It was applied.
    Done(Action, ContactNo),
    /// It was not, and asked for these identifiers.
    Failed(Failure, Identifiers<Option<&'a str>>),
}

/// Failures are numbered from here; actions from 0.
const FIRST_FAILURE: u8 = 16;

/// Appends an outcome in its stored form.
pub fn put(out: &mut Vec<u8>, outcome: &Outcome<'_>) {
    match outcome {
        Outcome::Done(action, number) => {
            out.push(*action as u8);
            put_number(out, number.0);
        }
        Outcome::Failed(failure, asked) => {
            out.push(FIRST_FAILURE + *failure as u8);
            for kind in IdentifierKind::ALL {
                put_bytes(out, asked.get(kind).unwrap_or_default().as_bytes());
            }
        }
    }
}

/// Reads the outcomes of a request, in the order of its items.
///
/// # Errors
/// [`Malformed`] where they do not read to the end.
pub fn read(bytes: &[u8]) -> Result<Vec<Outcome<'_>>, Malformed> {
    let mut reader = Reader::new(bytes);
    let mut outcomes = Vec::new();
    while !reader.is_empty() {
        outcomes.push(read_one(&mut reader)?);
    }
    Ok(outcomes)
}

fn read_one<'a>(reader: &mut Reader<'a>) -> Result<Outcome<'a>, Malformed> {
    let code = reader.byte()?;
    let action = match code {
        0 => Action::Created,
        1 => Action::Updated,
        2 => Action::Unchanged,
        _ => {
            let index = code.checked_sub(FIRST_FAILURE).ok_or(Malformed)?;
            let failure = *Failure::ALL.get(usize::from(index)).ok_or(Malformed)?;
            let mut asked = Identifiers::default();
            for kind in IdentifierKind::ALL {
                *asked.get_mut(kind) = Some(reader.text()?).filter(|text| !text.is_empty());
            }
            return Ok(Outcome::Failed(failure, asked));
        }
    };
    Ok(Outcome::Done(action, ContactNo(reader.number()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_read_as_written() {
        let asked = Identifiers { user_id: None, email: Some("user@example.com"), phone_number: None };
        let mut all: Vec<_> = Failure::ALL.iter().map(|failure| Outcome::Failed(*failure, asked)).collect();
        all.push(Outcome::Done(Action::Created, ContactNo(1)));
        all.push(Outcome::Done(Action::Updated, ContactNo(1 << 39)));
        all.push(Outcome::Done(Action::Unchanged, ContactNo(300)));
        let mut bytes = Vec::new();
        for outcome in &all {
            put(&mut bytes, outcome);
        }
        assert_eq!(read(&bytes), Ok(all));
        assert_eq!(read(&[3, 1]), Err(Malformed));
        assert_eq!(read(&[FIRST_FAILURE + 7]), Err(Malformed));
    }
}
