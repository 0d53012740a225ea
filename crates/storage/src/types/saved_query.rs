//! Saved filters of lists.

use domain::clock::Timestamp;
use domain::id::ObjectId;

/// What a saved filter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavedKind {
    /// A segment: its content is a filter as JSON.
    Segment,
    /// A view of the console: its content is the query of an address.
    View,
}

impl SavedKind {
    /// The kind of a stored code.
    pub const fn from_code(code: i64) -> Self {
        if code == Self::Segment.code() { Self::Segment } else { Self::View }
    }

    /// As it is stored.
    pub const fn code(self) -> i64 {
        self as i64
    }
}

/// A saved filter of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedQuery {
    /// Its id.
    pub id: ObjectId,
    /// What it is for.
    pub kind: SavedKind,
    /// Its name: no other of its kind and list has it.
    pub name: String,
    /// See [`SavedKind`].
    pub content: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What is changed of a saved filter; `None` leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedChange {
    /// Its new name.
    pub name: Option<String>,
    /// Its new content.
    pub content: Option<String>,
}
