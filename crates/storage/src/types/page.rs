//! Some rows of many.

/// Which rows of all that match are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many are left out at the beginning.
    pub offset: u64,
    /// At most so many follow.
    pub limit: u32,
}

impl Window {
    /// How many rows at most, and how many before them, as PostgreSQL counts.
    pub fn signed(self) -> [i64; 2] {
        [i64::from(self.limit), i64::try_from(self.offset).unwrap_or(i64::MAX)]
    }
}

/// Some rows of all that match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Those in the window.
    pub rows: Vec<T>,
    /// How many match in all.
    pub total: u64,
}

/// Contacts that were counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Contacts that match.
    pub matching: u64,
    /// Contacts that are damaged on disk: whether they match is not known.
    pub damaged: u64,
}

impl Counted {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { matching: self.matching + other.matching, damaged: self.damaged + other.damaged }
    }
}
