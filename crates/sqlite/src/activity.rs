//! What was done, by the minute.

use rusqlite::{Connection, Row, Transaction, params_from_iter};

use super::{Pair, error, marks, signed, unsigned};
use domain::journal::AccountNo;
use storage::rows::activity::{COUNTED, MINUTE, Minutes, first_minute, told};
use storage::{Activities, Activity, ActivityWindow, Error};

/// Adds what was done.
pub fn add(store: &Transaction<'_>, minutes: &Minutes) -> rusqlite::Result<()> {
    let sums = COUNTED.map(|column| format!("{column} = {column} + excluded.{column}")).join(", ");
    let upsert = format!(
        "INSERT INTO activity VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
         ON CONFLICT DO UPDATE SET {sums}"
    );
    let mut upsert = store.prepare_cached(&upsert)?;
    for ((account, minute), activity) in minutes {
        let counts = activity.to_array().map(signed);
        upsert.execute(params_from_iter([account.0, *minute].into_iter().chain(counts)))?;
    }
    Ok(())
}

/// What the account has had done.
pub fn find(pair: &mut Pair, account: AccountNo, window: ActivityWindow) -> Result<Activities, Error> {
    // The journal first, in one transaction: what is applied meanwhile is known by the position that is read after it.
    let intake = pair.intake.transaction().map_err(error)?;
    let store = pair.store.transaction().map_err(error)?;
    let applied = signed(marks::applied_of(&store, account)?);
    let waiting = intake
        .prepare_cached(
            "SELECT accepted_at / ?3, count(*) FROM batch WHERE account = ?1 AND position > ?2 GROUP BY 1",
        )
        .and_then(|mut select| {
            let read = |row: &Row<'_>| Ok((row.get(0)?, unsigned(row.get(1)?)));
            select.query_map([account.0, applied, MINUTE], read)?.collect()
        })
        .map_err(error)?;
    Ok(told(window, done(&store, account, window).map_err(error)?, waiting))
}

fn done(
    store: &Connection,
    account: AccountNo,
    window: ActivityWindow,
) -> rusqlite::Result<Vec<(i64, Activity)>> {
    let select =
        format!("SELECT minute, {} FROM activity WHERE account = ?1 AND minute >= ?2", COUNTED.join(", "));
    let mut select = store.prepare_cached(&select)?;
    let rows = select.query_map([account.0, first_minute(window)], |row| {
        let mut counts = [0; COUNTED.len()];
        for (column, count) in (1..).zip(&mut counts) {
            *count = unsigned(row.get(column)?);
        }
        Ok((row.get(0)?, Activity::from_array(counts)))
    })?;
    rows.collect()
}
