//! Forgetting the values of variables that were removed: they are personal data. The list's contacts come first, then
//! their histories. It is done under the lock of the list's progress: whatever is applied after that knows that the
//! variables are gone.

use super::queue::LOCK_PROGRESS;
use super::session::{Session, get, get_small};
use super::shared::Shared;
use domain::contact::record::Malformed;
use domain::contact::sealed;
use domain::journal::ListNo;
use storage::Error;
use storage::rows::purge::{MAX_BYTES, clearing, forgotten, without};

/// Contacts that one transaction looks at: applying waits no longer than that.
const CHUNK: i64 = 2_000;

/// Rows of the table history that one transaction looks at: each holds the changes of a batch.
const HISTORY_CHUNK: i64 = 200;

/// A cursor from here on has all contacts behind it, and the histories up to the position above this.
const HISTORY: i64 = 1 << 62;

/// Looks at one chunk, and returns how much was done; 0 where no removed variable has values any more.
pub fn purge(session: &Session, shared: &Shared) -> Result<u64, Error> {
    let first = "SELECT list FROM removed_variable ORDER BY list LIMIT 1";
    let Some(row) = session.query_opt(first, &[])? else { return Ok(0) };
    let list = ListNo(get(&row, 0)?);
    session.query_opt(LOCK_PROGRESS, &[&list.0])?;
    let select = "SELECT number, cursor FROM removed_variable WHERE list = $1 ORDER BY number";
    let rows = session.query(select, &[&list.0])?;
    let numbers = rows.iter().map(|row| get_small(row, 0)).collect::<Result<Vec<_>, _>>()?;
    let cursors = rows.iter().map(|row| get::<i64>(row, 1)).collect::<Result<Vec<_>, _>>()?;
    let Some(cursor) = cursors.into_iter().min() else { return Ok(0) };
    let (reached, looked_at) = if cursor < HISTORY {
        let patch = clearing(&numbers);
        let (reached, looked_at) =
            walk(session, list, "contact", "number", "document", cursor, CHUNK, |stored| {
                let changed = without(sealed::open(stored), &patch)?;
                Ok(changed.map(|document| shared.stored(&document)))
            })?;
        (Some(reached.unwrap_or(HISTORY)), looked_at)
    } else {
        let pack = !shared.has_earlier_nodes();
        let forget = |stored: &[u8]| forgotten(stored, &numbers, pack);
        let from = cursor - HISTORY;
        let (reached, looked_at) =
            walk(session, list, "history", "position", "changes", from, HISTORY_CHUNK, forget)?;
        (reached.map(|position| HISTORY + position), looked_at)
    };
    let these: Vec<_> = numbers.iter().map(|number| i64::from(*number)).collect();
    match reached {
        Some(reached) => session.execute(
            "UPDATE removed_variable SET cursor = greatest(cursor, $3) WHERE list = $1 AND number = ANY($2)",
            &[&list.0, &these, &reached],
        ),
        None => session
            .execute("DELETE FROM removed_variable WHERE list = $1 AND number = ANY($2)", &[&list.0, &these]),
    }?;
    Ok(looked_at + 1)
}

/// Goes on behind a key, and writes those rows again of which `change` makes something else. Returns the last key, or
/// `None` at the end, and how many rows it has looked at.
#[allow(clippy::too_many_arguments, reason = "a table, its two columns, and where to begin")]
fn walk(
    session: &Session,
    list: ListNo,
    table: &str,
    key: &str,
    value: &str,
    from: i64,
    chunk: i64,
    change: impl Fn(&[u8]) -> Result<Option<Vec<u8>>, Malformed>,
) -> Result<(Option<i64>, u64), Error> {
    let select =
        format!("SELECT {key}, {value} FROM {table} WHERE list = $1 AND {key} > $2 ORDER BY {key} LIMIT $3");
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    let (mut last, mut bytes, mut looked_at) = (None, 0, 0);
    let complete = session.stream(&select, &[&list.0, &from, &chunk], |row| {
        let (number, stored): (i64, &[u8]) = (get(row, 0)?, get(row, 1)?);
        match change(stored) {
            Ok(Some(changed)) => {
                keys.push(number);
                values.push(changed);
            }
            Ok(None) => {}
            Err(Malformed) => tracing::error!(number, table, "store: row damaged on disk, left as it is"),
        }
        last = Some(number);
        bytes += stored.len();
        looked_at += 1;
        Ok(bytes < MAX_BYTES)
    })?;
    if !keys.is_empty() {
        let update = format!(
            "UPDATE {table} t SET {value} = u.value FROM unnest($2::bigint[], $3::bytea[]) AS u (key, value) \
             WHERE t.list = $1 AND t.{key} = u.key"
        );
        session.execute(&update, &[&list.0, &keys, &values])?;
    }
    let ends = complete && looked_at < chunk.unsigned_abs();
    Ok((last.filter(|_| !ends), looked_at))
}
