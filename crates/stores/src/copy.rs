//! Moving a store from files to PostgreSQL.
//!
//! The rows of one store are those of the other, but for the list and the contact that files hold in one number: so
//! what is stored under a position keeps it, and all that points there (a contact's history, results, undo) finds it.
//! A copy that was stopped goes on behind the last rows that were committed. At the end both sides are read again, and
//! are the same in number and checksum, or the copy says in which table they are not.

use postgres::Target;
use sqlite::{Dump, Table};
use storage::Error;
use storage::transfer::Checksum;

/// Rows that are read ahead of those that are being written.
const AHEAD: usize = 4;

/// What a copy says while it runs.
pub enum Step {
    /// So many rows of so many are written.
    Copied(u64, u64),
    /// So many rows of so many were read again and compared.
    Compared(u64, u64),
}

/// Copies all that is not there yet, compares both sides, and makes the target a store that can be served. Returns how
/// many rows it has.
///
/// # Errors
/// Where a side cannot be read or written, or they differ at the end.
pub async fn copy(dump: Dump, target: &mut Target, mut told: impl FnMut(Step)) -> Result<u64, Error> {
    target.begin(&dump.fingerprint()?).await?;
    let (dump, counts) = blocking(dump, Dump::counts).await?;
    let all = counts.iter().sum();
    let mut done = 0;
    let mut dump = dump;
    for (table, count) in Dump::TABLES.iter().zip(&counts) {
        let there = target.copied(&table.there).await?;
        done += there;
        told(Step::Copied(done, all));
        if there < *count {
            dump = copy_table(dump, target, table, there, |rows| {
                done += rows;
                told(Step::Copied(done, all));
            })
            .await?;
        }
    }
    let mut compared = 0;
    for (table, count) in Dump::TABLES.iter().zip(&counts) {
        let reading = blocking(dump, |dump| dump.checksum(table));
        let (read, found) = tokio::join!(reading, target.checksum(&table.there));
        let (back, here) = read?;
        dump = back;
        let there = found?;
        if here.rows != *count {
            let text = format!("the table {} in the files is not what their contacts say", table.there.name);
            return Err(Error::Damaged(text));
        }
        if here != there {
            return Err(differ(table, here, there));
        }
        compared += here.rows;
        told(Step::Compared(compared, all));
    }
    target.finish(&dump.settings()?).await?;
    Ok(all)
}

fn differ(table: &Table, here: Checksum, there: Checksum) -> Error {
    let how = match here.rows == there.rows {
        true => "other values".to_owned(),
        false => format!("{} rows in place of {}", there.rows, here.rows),
    };
    Error::Damaged(format!(
        "the copy of the table {} has {how}: empty the target database, and copy again",
        table.there.name
    ))
}

/// Runs what reads files on a thread where that may take its time.
async fn blocking<T: Send + 'static>(
    dump: Dump,
    job: impl FnOnce(&Dump) -> Result<T, Error> + Send + 'static,
) -> Result<(Dump, T), Error> {
    let done = tokio::task::spawn_blocking(move || {
        let outcome = job(&dump)?;
        Ok((dump, outcome))
    });
    done.await.map_err(|panic| Error::Unavailable(panic.to_string()))?
}

/// A thread reads, and what it has read is written meanwhile.
async fn copy_table(
    dump: Dump,
    target: &mut Target,
    table: &'static Table,
    from: u64,
    mut written: impl FnMut(u64),
) -> Result<Dump, Error> {
    let (chunks, mut queue) = tokio::sync::mpsc::channel(AHEAD);
    let reading = tokio::spawn(blocking(dump, move |dump| {
        // Where nobody takes a chunk any more, writing has failed, and says so itself.
        dump.chunks(table, from, |chunk| chunks.blocking_send(chunk).is_ok())
    }));
    let mut there = from;
    while let Some(chunk) = queue.recv().await {
        let rows = chunk.len() as u64;
        target.write(&table.there, chunk, there).await?;
        there += rows;
        written(rows);
    }
    let (dump, ()) = reading.await.map_err(|panic| Error::Unavailable(panic.to_string()))??;
    Ok(dump)
}
