//! The rows that changes are read from, and where the changes of a list begin and end.

use crate::rows::{Entry, Rows};
use crate::{ChangesError, Error, Mark};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{ContactNo, ListNo};

/// A batch of a list: its position and request.
pub type Place = (u64, ObjectId);

/// Where the changes of a list begin and end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ends {
    /// The last batch or erase.
    pub last: Option<Place>,
    /// The last that retention has deleted.
    pub floor: Option<Place>,
}

impl Ends {
    /// Behind all changes; nothing where there never was one.
    pub fn end(&self) -> Option<Place> {
        self.last.max(self.floor)
    }

    /// The position behind all changes, 0 where there never was one.
    pub fn position(&self) -> u64 {
        self.end().map_or(0, |(position, _)| position)
    }
}

/// An erased contact.
#[derive(Clone, Debug)]
pub struct Tombstone {
    /// The position of the erase in the list.
    pub position: u64,
    /// The contact.
    pub number: ContactNo,
    /// The erase.
    pub request: ObjectId,
    /// The public part of the token that sent it.
    pub token: String,
    /// When it was applied.
    pub erased_at: Timestamp,
}

/// The rows that changes are read from.
pub trait ChangeRows: Rows {
    /// Where the changes of each list begin and end.
    fn ends(&self, lists: &[ListNo]) -> Result<Vec<Ends>, Error>;

    /// The rows of a list's history from a position on, in their order: at most so many, and of so many bytes but for
    /// the first.
    fn entries_from(&self, list: ListNo, from: u64, rows: u32, bytes: usize) -> Result<Vec<Entry>, Error>;

    /// The tombstones of a list from a position on, by position and number.
    fn tombstones_from(&self, list: ListNo, from: u64) -> Result<Vec<Tombstone>, Error>;
}

/// Whether there are changes behind a mark, as far as the ends of the list show.
pub fn has_more(mark: Option<Mark>, ends: &Ends) -> Result<bool, ChangesError> {
    let Some(mark) = mark else {
        return match ends.floor {
            // Changes of a list that the reader has never read are gone.
            Some(_) => Err(ChangesError::Expired),
            None => Ok(ends.last.is_some()),
        };
    };
    if ends.floor.is_some_and(|(floor, _)| floor > mark.position) {
        return Err(ChangesError::Expired);
    }
    match ends.end() {
        Some((position, request)) if position == mark.position => {
            if Mark::check(request) == mark.check {
                Ok(mark.index < Mark::ALL)
            } else {
                Err(ChangesError::Unknown)
            }
        }
        Some((position, _)) if position > mark.position => Ok(true),
        // The store has lost what the reader has seen: an older backup was restored.
        _ => Err(ChangesError::Unknown),
    }
}
