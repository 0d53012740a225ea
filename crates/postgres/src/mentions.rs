//! The requests that mention a person.

use std::collections::HashSet;

use tokio_postgres::Row;

use super::session::{Session, get, get_id, get_time};
use domain::journal::{AccountNo, ListNo};
use storage::rows::person::{mentions_in_items, mentions_in_results};
use storage::rows::results::kind;
use storage::{Error, Mention, Mentions, Subject};

/// As many as anybody is told, and one more.
const MAX: usize = 10_001;

/// All of them in one chunk, the oldest first: nobody waits for whoever reads here, and what waits and what is applied
/// is read as of one moment. On several machines that is one moment of each, so the journal comes first: what leaves it
/// meanwhile is found among the results.
pub fn find(session: &Session, account: AccountNo, subject: &Subject) -> Result<Mentions, Error> {
    let mut waiting = Vec::new();
    let select = "SELECT request, kind, list, list_id, accepted_at, items FROM batch \
                  WHERE account = $1 AND NOT fence ORDER BY accepted_at, request";
    session.stream(select, &[&account.0], |row| {
        let (code, list) = (get(row, 1)?, ListNo(get(row, 2)?));
        let positions = mentions_in_items(subject, list, kind(code), get(row, 5)?);
        note(&mut waiting, row, positions, false)
    })?;
    let mut found = Vec::new();
    let processed = "SELECT id, kind, list, list_id, accepted_at, results FROM request WHERE account = $1 \
                     ORDER BY accepted_at, id";
    session.stream(processed, &[&account.0], |row| {
        let positions = mentions_in_results(subject, ListNo(get(row, 2)?), get(row, 5)?);
        note(&mut found, row, positions, true)
    })?;
    let there: HashSet<_> = found.iter().map(|mention: &Mention| mention.request).collect();
    found.extend(waiting.into_iter().filter(|mention| !there.contains(&mention.request)));
    // Ids rise: they tell the order of those of one moment.
    found.sort_by_key(|mention| (mention.accepted_at, mention.request));
    found.truncate(MAX);
    Ok(Mentions { found, next: None })
}

/// Notes a request where it mentions the person; whether there is room for more.
fn note(found: &mut Vec<Mention>, row: &Row, positions: Vec<usize>, processed: bool) -> Result<bool, Error> {
    if !positions.is_empty() {
        found.push(Mention {
            request: get_id(row, 0)?,
            kind: kind(get(row, 1)?),
            list_id: get_id(row, 3)?,
            accepted_at: get_time(row, 4)?,
            processed,
            positions,
        });
    }
    Ok(found.len() < MAX)
}
