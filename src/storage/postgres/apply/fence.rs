//! What is about an account waits until each of its lists has come as far, and the lists wait for it.

use crate::apply::plan::Waiting;
use crate::storage::Error;
use crate::storage::postgres::session::Session;

/// Takes the locks of the lists in which the batch has a fence, and tells whether all of them have come to it.
pub fn is_reached(session: &Session, batch: &Waiting) -> Result<bool, Error> {
    let request = batch.request.to_bytes().to_vec();
    let lock = "SELECT FROM progress WHERE list IN (SELECT list FROM batch WHERE request = $1 AND fence) \
                ORDER BY list FOR UPDATE";
    session.execute(lock, &[&request])?;
    let ahead = "SELECT FROM batch f JOIN batch b ON b.list = f.list AND b.position < f.position \
                 WHERE f.request = $1 AND f.fence LIMIT 1";
    Ok(session.query_opt(ahead, &[&request])?.is_none())
}

/// Lets the lists go on.
pub fn take_away(session: &Session, applied: &[Waiting]) -> Result<(), Error> {
    let requests: Vec<_> = applied.iter().map(|batch| batch.request.to_bytes().to_vec()).collect();
    session.execute("DELETE FROM batch WHERE request = ANY($1) AND fence", &[&requests]).map(drop)
}
