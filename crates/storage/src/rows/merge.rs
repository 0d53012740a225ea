//! Merging two contacts: loads both, and lets the rule decide.

use std::collections::{HashMap, HashSet};

use super::Rows;
use crate::Error;
use domain::apply::merge::{self, Asked};
use domain::apply::outcome::Failure;
use domain::apply::plan::Waiting;
use domain::apply::rule::{Decided, Tried};
use domain::apply::unit_of_work::UnitOfWork;
use domain::clock::Timestamp;
use domain::contact::document::Document;
use domain::contact::identifier::IdentifierKind;
use domain::contact::record::Malformed;

/// Decides what merging does; the unit of work says what is to be written.
///
/// # Errors
/// Where the store cannot be read, or what it holds does not read.
pub fn decide(rows: &impl Rows, batch: &Waiting, now: Timestamp) -> Result<(UnitOfWork, Decided), Error> {
    let (asked, mut work, slots) = load(rows, batch)?;
    let decided = match asked {
        Ok(asked) => merge::merge(batch, &asked, slots, &mut work, now),
        Err(Malformed) => Decided::failed(Failure::Damaged),
    };
    Ok((work, decided))
}

/// What merging would do.
///
/// # Errors
/// Where the store cannot be read, or what it holds does not read.
pub fn dry_run(rows: &impl Rows, batch: &Waiting, now: Timestamp) -> Result<Vec<Tried>, Error> {
    let (asked, mut work, slots) = load(rows, batch)?;
    let asked = asked.map_err(|malformed| Error::Damaged(malformed.to_string()))?;
    Ok(merge::dry_run(batch, &asked, slots, &mut work, now))
}

type Loaded = (Result<Asked, Malformed>, UnitOfWork, [Option<u32>; 2]);

fn load(rows: &impl Rows, batch: &Waiting) -> Result<Loaded, Error> {
    let lists = HashMap::from([(batch.list, rows.list_state(batch.list)?)]);
    let mut work = UnitOfWork::new(*rows.key(), lists, HashSet::new());
    let mut slots = [None; 2];
    let asked = match Asked::read(&batch.items) {
        Ok(asked) => asked,
        Err(malformed) => return Ok((Err(malformed), work, slots)),
    };
    let damaged = |malformed: Malformed| Error::Damaged(malformed.to_string());
    for (slot, number) in slots.iter_mut().zip([asked.winner, asked.loser]) {
        let Some(stored) = rows.document((batch.list, number))? else { continue };
        let borne = Document::read(&stored).and_then(|document| document.identifiers()).map_err(damaged)?;
        let hash = |kind: IdentifierKind| {
            borne.get(kind).map(|text| rows.key().hash(batch.list.0.unsigned_abs(), kind, text))
        };
        let hashes: Vec<_> = IdentifierKind::ALL.into_iter().filter_map(hash).collect();
        *slot = Some(work.load(batch.list, number, &stored, hashes.into_iter()).map_err(damaged)?);
    }
    Ok((Ok(asked), work, slots))
}
