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
