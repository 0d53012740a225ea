//! The table `due`: in which lists and to which receivers something is to be sent that nobody has out.
//!
//! Whoever makes a delivery ready to be claimed says so here, in the same transaction; whoever claims puts right what
//! is left. The row is locked by both until they commit: so none is forgotten.
//!
//! Locks are taken in the order of lists and receivers. Rows of `activity` come after them.

use std::collections::BTreeMap;

use super::queue::of_list;
use super::session::{Session, Value, Values, get};
use domain::journal::ListNo;
use storage::Error;

/// Says that a list, `$1`, has something for receivers, each of them once and in their order, from a time on.
pub const NOTE: &str = concat!(
    "INSERT INTO due AS d (list, receiver, next_at) SELECT p.list, u.* FROM ",
    of_list!(),
    " unnest($2::text[], $3::bigint[]) AS u ON CONFLICT (receiver, list) \
     DO UPDATE SET next_at = least(d.next_at, excluded.next_at)"
);

/// What is due of a list: receivers, and when the first is.
#[derive(Debug, Default)]
pub struct Receivers<'a>(BTreeMap<&'a str, i64>);

impl<'a> Receivers<'a> {
    /// One delivery more.
    pub fn add(&mut self, receiver: &'a str, next_at: i64) {
        self.0.entry(receiver).and_modify(|first| *first = next_at.min(*first)).or_insert(next_at);
    }

    /// The values of [`NOTE`] behind the list.
    pub fn columns(&self) -> (Vec<&'a str>, Vec<i64>) {
        self.0.iter().unzip()
    }
}

/// Notes, of at most so many lists and receivers, what is due and was not noted: by nodes of before there was this table,
/// which may go on while others are exchanged. Returns of how many.
pub fn put_right(session: &Session, max: i64) -> Result<u64, Error> {
    let select = "SELECT d.list, d.receiver, min(d.next_at) FROM delivery d WHERE d.state = 0 AND d.node IS NULL \
                  AND NOT EXISTS (SELECT 1 FROM due u WHERE u.list = d.list AND u.receiver = d.receiver) \
                  GROUP BY d.list, d.receiver LIMIT $1";
    let rows = session.query(select, &[&max])?;
    let mut lists: BTreeMap<ListNo, Receivers<'_>> = BTreeMap::new();
    for row in &rows {
        lists.entry(ListNo(get(row, 0)?)).or_default().add(get(row, 1)?, get(row, 2)?);
    }
    note(session, &lists)?;
    Ok(rows.len() as u64)
}

/// Notes what is due of lists.
pub fn note(session: &Session, lists: &BTreeMap<ListNo, Receivers<'_>>) -> Result<(), Error> {
    let columns: Vec<_> = lists.iter().map(|(list, due)| (list.0, due.columns())).collect();
    let values: Vec<[Value<'_>; 3]> =
        columns.iter().map(|(list, (receivers, times))| [list as Value<'_>, receivers, times]).collect();
    let all: Vec<(&str, Values<'_>)> = values.iter().map(|values| (NOTE, values.as_slice())).collect();
    session.pipeline(&all).map(drop)
}
