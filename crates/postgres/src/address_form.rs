//! See [`storage::rows::address_form`]: done by pruning, a chunk at a time, under the lock of the list's progress.
//! It begins once no node of the first version is left: what such a one writes lacks the entries.

use super::queue::LOCK_PROGRESS;
use super::rows::View;
use super::session::{get, get_id};
use domain::journal::{ContactNo, ListNo};
use storage::Error;
use storage::rows::address_form::{step, tell_twins};

/// The settings that say where this has come to: the list, and its last contact.
pub const LIST: &str = "address_form_list";
const CONTACT: &str = "address_form_contact";

/// The list that it says at the end.
pub const DONE: i64 = i64::MAX;

/// Does one chunk, and returns whether there may be more. The caller holds the lock of pruning.
pub fn bring(view: &View<'_>) -> Result<bool, Error> {
    let session = view.session;
    let select = "SELECT coalesce(max(number) FILTER (WHERE name = $1), 0), \
                  coalesce(max(number) FILTER (WHERE name = $2), 0) FROM setting WHERE name IN ($1, $2)";
    let Some(row) = session.query_opt(select, &[&LIST, &CONTACT])? else { return Ok(false) };
    let (list, after): (i64, i64) = (get(&row, 0)?, get(&row, 1)?);
    if list == DONE || view.shared.has_earlier_nodes() {
        return Ok(false);
    }
    session.query_opt(LOCK_PROGRESS, &[&list])?;
    let id = session.query_opt("SELECT id FROM list WHERE no = $1", &[&list])?;
    let id = id.map(|row| get_id(&row, 0)).transpose()?;
    let step = step(view, ListNo(list), ContactNo(after.unsigned_abs()))?;
    let (hashes, numbers): (Vec<i64>, Vec<i64>) = step.entries.iter().copied().unzip();
    if !hashes.is_empty() {
        let insert = "INSERT INTO identifier (list, hash, number) \
                      SELECT $1, * FROM unnest($2::bigint[], $3::bigint[]) ON CONFLICT DO NOTHING";
        session.execute(insert, &[&list, &hashes, &numbers])?;
        tell_twins(view, ListNo(list), id, &step)?;
    }
    let (list, after) = match step.reached {
        Some(number) => (list, number.0.cast_signed()),
        None => {
            let next = "SELECT min(list) FROM progress WHERE list > $1";
            let row = session.query_opt(next, &[&list])?;
            let next: Option<i64> = row.map_or(Ok(None), |row| get(&row, 0))?;
            (next.unwrap_or(DONE), 0)
        }
    };
    for (name, number) in [(LIST, list), (CONTACT, after)] {
        let keep = "INSERT INTO setting (name, number) VALUES ($1, $2) \
                    ON CONFLICT (name) DO UPDATE SET number = excluded.number";
        session.execute(keep, &[&name, &number])?;
    }
    Ok(true)
}
