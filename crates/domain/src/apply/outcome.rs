//! What became of each item, and the form in which that is kept: a contact's number and a code.
//!
//! Texts are made when the results are read, so that names of people live in one place. Only a failed item
//! keeps what it asked for, since no contact holds that.

use crate::contact::choice::Flags;
use crate::contact::field::{Field, Key};
use crate::contact::identifier::{IdentifierKind, Identifiers};
use crate::contact::record::{Malformed, Reader, put_bytes, put_key, put_number};
use crate::id::ObjectId;
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
    /// Removed it.
    Removed,
    /// Erased it, with all that was kept of the person.
    Erased,
}

impl Action {
    /// Every one; their order is part of the stored form.
    pub const ALL: [Self; 5] = [Self::Created, Self::Updated, Self::Unchanged, Self::Removed, Self::Erased];

    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Removed => "removed",
            Self::Erased => "erased",
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
    /// A contact of the list has an identifier of the one that was to be added.
    ContactExists,
    /// The person was erased, and the request was not to bring them back.
    ContactErased,
    /// What was to be undone was changed again since.
    ChangedSince,
    /// The history that it takes to undo a request is not kept any more.
    HistoryGone,
    /// The contact was changed too often since for its history to be walked.
    HistoryTooLong,
}

impl Failure {
    /// Every one; their order is part of the stored form.
    pub const ALL: [Self; 12] = [
        Self::ContactNotFound,
        Self::IdentifierTaken,
        Self::IdentifierRequired,
        Self::VariableNotFound,
        Self::SourceNotFound,
        Self::ListNotFound,
        Self::Damaged,
        Self::ContactExists,
        Self::ContactErased,
        Self::ChangedSince,
        Self::HistoryGone,
        Self::HistoryTooLong,
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
            Self::ContactExists => "CONTACT_EXISTS",
            Self::ContactErased => "CONTACT_ERASED",
            Self::ChangedSince => "CHANGED_SINCE",
            Self::HistoryGone => "HISTORY_GONE",
            Self::HistoryTooLong => "HISTORY_TOO_LONG",
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
            Self::ContactExists => "A contact of the list has this userId, email or phoneNumber already",
            Self::ContactErased => "The person was erased, and the request was not told to bring them back",
            Self::ChangedSince => "It was changed again after the request",
            Self::HistoryGone => "The history of the request is not kept any more",
            Self::HistoryTooLong => "The contact was changed too often after the request",
        }
    }
}

/// What is to be said of an item that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteCode {
    /// The flag was set to false before, and stays false.
    OptedOut,
    /// The flag was set to false before, and is true now.
    Resubscribed,
}

impl NoteCode {
    /// Every one; their order is part of the stored form.
    pub const ALL: [Self; 2] = [Self::OptedOut, Self::Resubscribed];

    /// The code on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::OptedOut => "OPTED_OUT",
            Self::Resubscribed => "RESUBSCRIBED",
        }
    }

    /// The code in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::OptedOut => "It was set to false before and stays false",
            Self::Resubscribed => "It was set to false before and is true now",
        }
    }
}

/// What is to be said of a flag of an item that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// The flag.
    pub field: Field,
    /// What is to be said.
    pub code: NoteCode,
}

/// An identifier that an item asked for and another contact has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Which identifier.
    pub kind: IdentifierKind,
    /// The contact that has it.
    pub holder: ContactNo,
}

/// What became of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It was applied.
    Done(Action, ContactNo, Vec<Note>),
    /// It was not, and asked for these identifiers, one of which may be another contact's.
    Failed(Failure, Identifiers<Option<&'a str>>, Option<Taken>),
    /// What a request did to a contact was undone, as far as could be.
    Undone(Action, ContactNo, Undone),
    /// A person was erased: the contact's public id, since it may be of any list.
    Erased(ObjectId),
}

/// How many items came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those that were applied, in the order of [`Action::ALL`].
    pub done: [u64; Action::ALL.len()],
    /// Those that were not, in the order of [`Failure::ALL`].
    pub failed: [u64; Failure::ALL.len()],
}

impl Tally {
    /// Counts outcomes in their stored form; those that do not read are left out.
    pub fn add(&mut self, stored: &[u8]) {
        for outcome in read(stored).unwrap_or_default() {
            match outcome {
                Outcome::Done(action, ..) | Outcome::Undone(action, _, _) => self.done[action as usize] += 1,
                Outcome::Erased(_) => self.done[Action::Erased as usize] += 1,
                Outcome::Failed(failure, ..) => self.failed[failure as usize] += 1,
            }
        }
    }
}

impl Tally {
    /// Adds what others came to.
    pub fn merge(&mut self, other: &Self) {
        self.done.iter_mut().zip(other.done).for_each(|(sum, more)| *sum += more);
        self.failed.iter_mut().zip(other.failed).for_each(|(sum, more)| *sum += more);
    }
}

/// What became of each field when a request was undone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// Those that were put back.
    pub restored: Vec<Key>,
    /// Those that were not, and why.
    pub kept: Vec<(Key, Failure)>,
}

/// Actions are numbered from 0, with their fields where something was undone from here.
const FIRST_UNDONE: u8 = 8;

/// Failures are numbered from here.
const FIRST_FAILURE: u8 = 16;

/// The same with the contact that has the identifier: the number of its kind, then that of the contact, follow.
const FIRST_TAKEN: u8 = 64;

/// Actions with notes are numbered from here: how many there are follows behind the contact, then each as its flag and
/// its code.
const FIRST_NOTED: u8 = 128;

/// Appends an outcome in its stored form.
pub fn put(out: &mut Vec<u8>, outcome: &Outcome<'_>) {
    match outcome {
        Outcome::Done(action, number, notes) => {
            out.push(*action as u8 + if notes.is_empty() { 0 } else { FIRST_NOTED });
            put_number(out, number.0);
            if !notes.is_empty() {
                put_number(out, notes.len() as u64);
            }
            for note in notes {
                out.extend([note.field as u8, note.code as u8]);
            }
        }
        Outcome::Failed(failure, asked, taken) => {
            out.push(*failure as u8 + if taken.is_some() { FIRST_TAKEN } else { FIRST_FAILURE });
            for kind in IdentifierKind::ALL {
                put_bytes(out, asked.get(kind).unwrap_or_default().as_bytes());
            }
            if let Some(Taken { kind, holder }) = taken {
                out.push(*kind as u8);
                put_number(out, holder.0);
            }
        }
        Outcome::Undone(action, number, undone) => {
            out.push(FIRST_UNDONE + *action as u8);
            put_number(out, number.0);
            put_number(out, undone.restored.len() as u64);
            undone.restored.iter().for_each(|key| put_key(out, *key));
            put_number(out, undone.kept.len() as u64);
            for (key, failure) in &undone.kept {
                put_key(out, *key);
                out.push(*failure as u8);
            }
        }
        Outcome::Erased(id) => {
            out.push(Action::Erased as u8);
            out.extend_from_slice(&id.to_bytes());
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
    if let Some(index) = code.checked_sub(FIRST_NOTED) {
        return Ok(Outcome::Done(read_action(index)?, ContactNo(reader.number()?), read_notes(reader)?));
    }
    if let Some(index) = code.checked_sub(FIRST_TAKEN) {
        let (failure, asked) = (read_failure(index)?, read_asked(reader)?);
        let kind = IdentifierKind::ALL.get(usize::from(reader.byte()?)).ok_or(Malformed)?;
        let taken = Taken { kind: *kind, holder: ContactNo(reader.number()?) };
        return Ok(Outcome::Failed(failure, asked, Some(taken)));
    }
    if let Some(index) = code.checked_sub(FIRST_FAILURE) {
        return Ok(Outcome::Failed(read_failure(index)?, read_asked(reader)?, None));
    }
    if let Some(index) = code.checked_sub(FIRST_UNDONE) {
        return Ok(Outcome::Undone(read_action(index)?, ContactNo(reader.number()?), read_undone(reader)?));
    }
    match read_action(code)? {
        Action::Erased => Ok(Outcome::Erased(ObjectId::from_bytes(reader.array()?))),
        action => Ok(Outcome::Done(action, ContactNo(reader.number()?), Vec::new())),
    }
}

fn read_notes(reader: &mut Reader<'_>) -> Result<Vec<Note>, Malformed> {
    let mut notes = Vec::new();
    for _ in 0..reader.number()? {
        let field = Flags::of_key(reader.key()?).ok_or(Malformed)?;
        let code = *NoteCode::ALL.get(usize::from(reader.byte()?)).ok_or(Malformed)?;
        notes.push(Note { field, code });
    }
    Ok(notes)
}

fn read_asked<'a>(reader: &mut Reader<'a>) -> Result<Identifiers<Option<&'a str>>, Malformed> {
    let mut asked = Identifiers::default();
    for kind in IdentifierKind::ALL {
        *asked.get_mut(kind) = Some(reader.text()?).filter(|text| !text.is_empty());
    }
    Ok(asked)
}

/// Outcomes in their stored form as earlier versions read them: the first does not know who has an identifier, and none
/// of them knows notes.
pub fn plain(stored: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(stored.len());
    // They were made by this program just now, and read.
    for outcome in read(stored).unwrap_or_default() {
        match outcome {
            Outcome::Failed(failure, asked, _) => put(&mut out, &Outcome::Failed(failure, asked, None)),
            Outcome::Done(action, number, _) => put(&mut out, &Outcome::Done(action, number, Vec::new())),
            other => put(&mut out, &other),
        }
    }
    out
}

fn read_action(index: u8) -> Result<Action, Malformed> {
    Action::ALL.get(usize::from(index)).copied().ok_or(Malformed)
}

fn read_failure(index: u8) -> Result<Failure, Malformed> {
    Failure::ALL.get(usize::from(index)).copied().ok_or(Malformed)
}

fn read_undone(reader: &mut Reader<'_>) -> Result<Undone, Malformed> {
    let mut undone = Undone::default();
    for _ in 0..reader.number()? {
        undone.restored.push(reader.key()?);
    }
    for _ in 0..reader.number()? {
        undone.kept.push((reader.key()?, read_failure(reader.byte()?)?));
    }
    Ok(undone)
}

#[cfg(test)]
mod tests;
