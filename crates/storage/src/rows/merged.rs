//! Contacts that were merged: which contact is left, and what its owner has turned off since.

use super::{ContactId, Rows};
use crate::{Error, Place};
use domain::apply::ledger::{self, Said};
use domain::contact::choice::{Flags, Head, State};
use domain::contact::document::Document;
use domain::contact::record::Malformed;
use domain::journal::{ContactNo, ListNo};

use super::consent::{MAX_RECORDS, begins_at, damaged};

/// Merges one behind the other that are followed at most. A longer chain ends there.
const MAX_MERGES: usize = 10_000;

/// The last winner of each contact that was merged, by its own number. Such a winner may be gone by a removal.
///
/// # Errors
/// The store cannot be read.
pub fn follow(rows: &impl Rows, contacts: &[ContactId]) -> Result<Vec<(ContactId, ContactNo)>, Error> {
    let mut followed = Vec::new();
    for of_list in contacts.chunk_by(|one, other| one.0 == other.0) {
        let list = of_list[0].0;
        let losers: Vec<_> = of_list.iter().map(|(_, number)| *number).collect();
        // All of a list at once: many links of a list may be used at a time, and few contacts are merged.
        for (loser, first) in rows.winners(list, &losers)? {
            followed.push(((list, loser), last_winner(rows, list, first)?));
        }
    }
    Ok(followed)
}

fn last_winner(rows: &impl Rows, list: ListNo, winner: ContactNo) -> Result<ContactNo, Error> {
    let mut last = winner;
    for _ in 0..MAX_MERGES {
        let Some((_, next)) = rows.winners(list, &[last])?.pop() else { break };
        last = next;
    }
    Ok(last)
}

/// The end of the consent ledger of a contact that is gone.
///
/// # Errors
/// The store cannot be read, or the ledger does not read.
pub fn ledger_end(rows: &impl Rows, (list, number): ContactId) -> Result<Option<Head>, Error> {
    let position = rows.tombstone_consent((list, number))?;
    let place = Place { list, position };
    let row = if position > 0 { rows.consent_at(place)? } else { None };
    let Some(row) = row else { return Ok(None) };
    let records = ledger::read(&row).map_err(damaged(place))?;
    let last = records.iter().rev().find(|record| record.number == number);
    Ok(last.map(|record| Head { position, hash: record.hash }))
}

/// The flags that the owner of a contact has turned off since it was removed: by its link, and as the winner of its
/// merge. A flag that is on again since does not count.
///
/// # Errors
/// The store cannot be read, or what it has does not read.
pub fn opted_out_since(rows: &impl Rows, contact: ContactId, removed_at: u64) -> Result<Flags, Error> {
    let (list, mut loser) = contact;
    let (mut flags, mut since) = (rows.opted_out(contact)?, removed_at);
    for _ in 0..MAX_MERGES {
        let Some((_, winner)) = rows.winners(list, &[loser])?.pop() else { break };
        let document = rows.document((list, winner))?;
        let said = refused_since(rows, (list, winner), document.as_deref(), since)?;
        let Some(document) = document else {
            flags = flags.with(said).with(rows.opted_out((list, winner))?);
            since = rows.removed_at((list, winner))?;
            loser = winner;
            continue;
        };
        let state = Document::read(&document).and_then(|document| State::read(document.record));
        let state = state.map_err(|malformed: Malformed| Error::Damaged(malformed.to_string()))?;
        let mut refused = Flags::default();
        Flags::ALL.into_iter().for_each(|flag| refused.set(flag, state.is_refused(flag)));
        flags = flags.with(said.and(refused));
        break;
    }
    Ok(flags)
}

/// The flags that the ledger of a contact has turned off last behind a position. If there are too many records, all
/// count: rather one too many is off.
fn refused_since(
    rows: &impl Rows,
    (list, number): ContactId,
    document: Option<&[u8]>,
    position: u64,
) -> Result<Flags, Error> {
    let (mut seen, mut off) = (Flags::default(), Flags::default());
    let mut next = begins_at(rows, (list, number), document)?;
    for _ in 0..MAX_RECORDS {
        if next <= position {
            return Ok(off);
        }
        let place = Place { list, position: next };
        let Some(row) = rows.consent_at(place)? else { return Ok(off) };
        let records = ledger::read(&row).map_err(damaged(place))?;
        let mut own = records.iter().filter(|record| record.number == number).rev().peekable();
        next = 0;
        while let Some(record) = own.next() {
            if !record.contents.is_empty() {
                let said = Said::read(record.contents).map_err(damaged(place))?;
                for (flag, value) in said.flags().filter(|(flag, _)| !seen.has(*flag)).collect::<Vec<_>>() {
                    seen.set(flag, true);
                    off.set(flag, !value);
                }
            }
            if own.peek().is_none() {
                // A chain only goes back: a damaged one ends.
                next = record.previous.min(place.position - 1);
            }
        }
    }
    Ok(Flags::every())
}
