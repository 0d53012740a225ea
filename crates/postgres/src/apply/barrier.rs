//! What is about an account waits until each of its lists has come as far, and the lists wait for it.

use crate::queue::{LOCK_PROGRESS, WAITING};
use crate::session::{Session, Value, Values, get};
use domain::apply::plan::Waiting;
use storage::Error;

/// Takes the locks of the lists in which the batch has a fence, in their order, and tells whether all of them have come
/// to it.
pub fn is_reached(session: &Session, batch: &Waiting) -> Result<bool, Error> {
    let request = batch.request.to_bytes().to_vec();
    let fences = "SELECT list FROM batch WHERE request = $1 AND fence ORDER BY list";
    let rows = session.query(fences, &[&request])?;
    let lists = rows.iter().map(|row| get(row, 0)).collect::<Result<Vec<i64>, _>>()?;
    let values: Vec<[Value<'_>; 2]> = lists.iter().map(|list| [list as Value<'_>, &request]).collect();
    let lock: Vec<(&str, Values<'_>)> = values.iter().map(|of| (LOCK_PROGRESS, &of[..1])).collect();
    session.pipeline(&lock)?;
    let ahead = format!(
        "SELECT FROM batch WHERE list = $1 AND {WAITING} \
         AND position < (SELECT position FROM batch WHERE list = $1 AND request = $2 AND fence) LIMIT 1"
    );
    let all: Vec<(&str, Values<'_>)> = values.iter().map(|of| (&*ahead, of.as_slice())).collect();
    Ok(session.query_all(&all)?.iter().all(Vec::is_empty))
}

/// Lets the lists go on.
pub fn take_away(session: &Session, applied: &[Waiting]) -> Result<(), Error> {
    let requests: Vec<_> = applied.iter().map(|batch| batch.request.to_bytes().to_vec()).collect();
    session.execute("DELETE FROM batch WHERE request = ANY($1) AND fence", &[&requests]).map(drop)
}
