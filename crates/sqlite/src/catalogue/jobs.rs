//! Jobs and their parts.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::super::{error, signed, unsigned};
use super::users::read_role;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use storage::{
    ActiveJob, Error, JobAdded, JobKey, JobLimits, JobReport, JobState, NewJob, StoredJob, UserRole,
};

const COLUMNS: &str = "account, list, id, user, created_at, changed_at, directory, description, subject, state, \
                       dry_run, stop_requested, progress, faults, parts, lease";

fn begin_change(intake: &mut Connection) -> Result<Transaction<'_>, Error> {
    intake.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)
}

fn key(row: &Row<'_>) -> rusqlite::Result<JobKey> {
    let id = ObjectId::from_bytes(row.get(2)?);
    Ok(JobKey { account: AccountNo(row.get(0)?), list: ListNo(row.get(1)?), id })
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredJob> {
    let state: i64 = row.get(9)?;
    let state = JobState::of(state).ok_or(rusqlite::Error::IntegralValueOutOfRange(9, state))?;
    Ok(StoredJob {
        key: key(row)?,
        user: ObjectId::from_bytes(row.get(3)?),
        created_at: Timestamp::from_millis(row.get(4)?),
        changed_at: Timestamp::from_millis(row.get(5)?),
        directory: row.get::<_, Option<_>>(6)?.map(ObjectId::from_bytes),
        description: row.get(7)?,
        subject: row.get(8)?,
        state,
        dry_run: row.get(10)?,
        stop_requested: row.get(11)?,
        progress: row.get(12)?,
        faults: row.get(13)?,
        parts: row.get(14).map(unsigned)?,
        lease: row.get(15).map(unsigned)?,
    })
}

/// Adds a job.
pub fn add(intake: &mut Connection, job: &NewJob, limits: JobLimits) -> Result<JobAdded, Error> {
    let transaction = begin_change(intake)?;
    let added = add_within(&transaction, job, limits).map_err(error)?;
    transaction.commit().map_err(error)?;
    Ok(added)
}

/// Adds a job that a client runs, or writes down how far it is.
pub fn record(
    intake: &mut Connection,
    job: &NewJob,
    limits: JobLimits,
    part: Option<&[u8]>,
) -> Result<JobAdded, Error> {
    let transaction = begin_change(intake)?;
    let recorded = record_within(&transaction, job, limits, part).map_err(error)?;
    transaction.commit().map_err(error)?;
    Ok(recorded)
}

fn record_within(
    transaction: &Transaction<'_>,
    job: &NewJob,
    limits: JobLimits,
    part: Option<&[u8]>,
) -> rusqlite::Result<JobAdded> {
    let (account, id) = (job.key.account.0, job.key.id.to_bytes());
    if add_within(transaction, job, limits)? == JobAdded::TooMany {
        return Ok(JobAdded::TooMany);
    }
    let update = "UPDATE job SET description = ?4, progress = ?5, faults = ?6, changed_at = ?7, parts = parts + ?8 \
                  WHERE account = ?1 AND id = ?2 AND list = ?3 AND state = 4 RETURNING parts";
    let (list, changed) = (job.key.list.0, job.created_at.millis());
    let values =
        params![account, id, list, job.description, job.progress, job.faults, changed, part.is_some()];
    let parts = transaction.prepare_cached(update)?.query_row(values, |row| row.get(0)).optional()?;
    let Some(parts) = parts else { return Ok(JobAdded::Exists) };
    if let Some(part) = part {
        put_part(transaction, job.key, parts, part)?;
    }
    Ok(JobAdded::Added)
}

fn add_within(transaction: &Transaction<'_>, job: &NewJob, limits: JobLimits) -> rusqlite::Result<JobAdded> {
    let (account, id) = (job.key.account.0, job.key.id.to_bytes());
    let there = "SELECT 1 FROM job WHERE account = ?1 AND id = ?2";
    if transaction.prepare_cached(there)?.exists(params![account, id])? {
        return Ok(JobAdded::Exists);
    }
    let count = "SELECT count(*) FROM job WHERE account = ?1 AND state <> 4";
    let open: i64 = transaction.query_row(count, [account], |row| row.get(0))?;
    if open >= limit(limits.open) {
        return Ok(JobAdded::TooMany);
    }
    let old = "SELECT id FROM job WHERE account = ?1 AND state = 4 ORDER BY id DESC LIMIT -1 OFFSET ?2";
    let old = transaction
        .prepare_cached(old)?
        .query_map([account, (limit(limits.all) - 1 - open).max(0)], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<[u8; 12]>>>()?;
    for old in old {
        delete(transaction, account, ObjectId::from_bytes(old))?;
    }
    transaction.execute(
        "INSERT INTO job (account, id, list, user, created_at, changed_at, directory, description, subject, state, \
         progress, faults, parts, dry_run, stop_requested, lease) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, 0, 0)",
        params![
            account,
            id,
            job.key.list.0,
            job.user.to_bytes(),
            job.created_at.millis(),
            job.directory.map(|id| id.to_bytes()),
            job.description,
            job.subject,
            job.state.code(),
            job.progress,
            job.faults,
            job.output.is_some(),
        ],
    )?;
    if let Some(output) = &job.output {
        put_part(transaction, job.key, 1, output)?;
    }
    Ok(JobAdded::Added)
}

fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn delete(transaction: &Connection, account: i64, id: ObjectId) -> rusqlite::Result<()> {
    transaction
        .execute("DELETE FROM job_part WHERE account = ?1 AND job = ?2", params![account, id.to_bytes()])?;
    transaction
        .execute("DELETE FROM job WHERE account = ?1 AND id = ?2", params![account, id.to_bytes()])
        .map(drop)
}

/// The jobs of an account.
pub fn all(intake: &Connection, account: AccountNo) -> Result<Vec<StoredJob>, Error> {
    intake
        .prepare_cached(&format!("SELECT {COLUMNS} FROM job WHERE account = ?1 ORDER BY id DESC"))
        .and_then(|mut select| select.query_map([account.0], read)?.collect())
        .map_err(error)
}

/// A job of an account.
pub fn find(intake: &Connection, account: AccountNo, id: ObjectId) -> Result<Option<StoredJob>, Error> {
    intake
        .prepare_cached(&format!("SELECT {COLUMNS} FROM job WHERE account = ?1 AND id = ?2"))
        .and_then(|mut select| select.query_row(params![account.0, id.to_bytes()], read).optional())
        .map_err(error)
}

/// Lets a job wait for its turn.
pub fn begin(
    intake: &Connection,
    key: JobKey,
    user: ObjectId,
    description: &[u8],
    dry_run: bool,
    now: Timestamp,
) -> Result<bool, Error> {
    // 0, 3 and 5: ready, stopped, failed.
    let update = "UPDATE job SET state = 1, stop_requested = 0, user = ?3, description = ?4, dry_run = ?5, \
                  changed_at = ?6 WHERE account = ?1 AND id = ?2 AND state IN (0, 3, 5)";
    let values =
        params![key.account.0, key.id.to_bytes(), user.to_bytes(), description, dry_run, now.millis()];
    intake.execute(update, values).map(|rows| rows > 0).map_err(error)
}

/// Asks for a stop.
pub fn stop(intake: &Connection, key: JobKey, now: Timestamp) -> Result<(), Error> {
    // A dry run that has not begun leaves the job as ready as it was before.
    let update = "UPDATE job SET stop_requested = 1, changed_at = ?3, \
                  state = CASE WHEN state = 2 THEN 2 WHEN dry_run THEN 0 ELSE 3 END \
                  WHERE account = ?1 AND id = ?2 AND state IN (1, 2)";
    intake.execute(update, params![key.account.0, key.id.to_bytes(), now.millis()]).map(drop).map_err(error)
}

/// Removes a job that is not active.
pub fn remove(intake: &mut Connection, key: JobKey) -> Result<bool, Error> {
    let transaction = begin_change(intake)?;
    let idle = "SELECT 1 FROM job WHERE account = ?1 AND id = ?2 AND state NOT IN (1, 2)";
    let values = params![key.account.0, key.id.to_bytes()];
    let idle = transaction.prepare_cached(idle).and_then(|mut select| select.exists(values));
    let idle = idle.map_err(error)?;
    if idle {
        delete(&transaction, key.account.0, key.id).map_err(error)?;
    }
    transaction.commit().map_err(error)?;
    Ok(idle)
}

/// All jobs that wait or run.
pub fn active(intake: &Connection) -> Result<Vec<ActiveJob>, Error> {
    let read = |row: &Row<'_>| {
        Ok(ActiveJob {
            key: key(row)?,
            created_at: Timestamp::from_millis(row.get(3)?),
            directory: row.get::<_, Option<_>>(4)?.map(ObjectId::from_bytes),
            lease: row.get(5).map(unsigned)?,
            free: true,
        })
    };
    intake
        .prepare_cached(
            "SELECT account, list, id, created_at, directory, lease FROM job WHERE state IN (1, 2)",
        )
        .and_then(|mut select| select.query_map([], read)?.collect())
        .map_err(error)
}

/// Takes a job.
pub fn claim(
    intake: &mut Connection,
    key: JobKey,
    lease: u64,
    now: Timestamp,
) -> Result<Option<StoredJob>, Error> {
    let transaction = begin_change(intake)?;
    let update = "UPDATE job SET state = 2, lease = lease + 1, changed_at = ?4 \
                  WHERE account = ?1 AND id = ?2 AND lease = ?3 AND state IN (1, 2)";
    let values = params![key.account.0, key.id.to_bytes(), signed(lease), now.millis()];
    let claimed = transaction.execute(update, values).map_err(error)? > 0;
    let job = if claimed { find(&transaction, key.account, key.id)? } else { None };
    transaction.commit().map_err(error)?;
    Ok(job)
}

/// Writes down how a claimed job is.
pub fn report(
    intake: &mut Connection,
    key: JobKey,
    lease: u64,
    report: &JobReport,
) -> Result<Option<bool>, Error> {
    let transaction = begin_change(intake)?;
    let Some(stop) = stop_requested(&transaction, key, lease)? else { return Ok(None) };
    report_within(&transaction, key, report).map_err(error)?;
    transaction.commit().map_err(error)?;
    Ok(Some(stop))
}

fn report_within(transaction: &Transaction<'_>, key: JobKey, report: &JobReport) -> rusqlite::Result<()> {
    let (account, id) = (key.account.0, key.id.to_bytes());
    let part = report.part.as_ref().map(|(number, bytes)| (signed(*number), bytes));
    let parts = [report.checkpoint.as_ref().map(|bytes| (0, bytes)), part];
    for (number, bytes) in parts.into_iter().flatten() {
        put_part(transaction, key, number, bytes)?;
    }
    let done = report.state == JobState::Done;
    transaction
        .prepare_cached(
            "UPDATE job SET state = ?3, progress = ?4, faults = ?5, parts = max(parts, ?6), changed_at = ?7, \
             subject = iif(?8, NULL, subject) WHERE account = ?1 AND id = ?2",
        )?
        .execute(params![
            account,
            id,
            report.state.code(),
            report.progress,
            report.faults,
            part.map_or(0, |(number, _)| number),
            report.now.millis(),
            done
        ])?;
    if done {
        // Nothing goes on from there.
        let delete = "DELETE FROM job_part WHERE account = ?1 AND job = ?2 AND number = 0";
        transaction.execute(delete, params![account, id])?;
    }
    Ok(())
}

fn put_part(transaction: &Transaction<'_>, key: JobKey, number: i64, bytes: &[u8]) -> rusqlite::Result<()> {
    let insert =
        "INSERT OR REPLACE INTO job_part (account, job, number, list, bytes) VALUES (?1, ?2, ?3, ?4, ?5)";
    transaction
        .prepare_cached(insert)?
        .execute(params![key.account.0, key.id.to_bytes(), number, key.list.0, bytes])
        .map(drop)
}

/// Whether a stop is asked for.
pub fn stop_requested(intake: &Connection, key: JobKey, lease: u64) -> Result<Option<bool>, Error> {
    intake
        .prepare_cached(
            "SELECT stop_requested FROM job WHERE account = ?1 AND id = ?2 AND lease = ?3 AND state = 2",
        )
        .and_then(|mut select| {
            let values = params![key.account.0, key.id.to_bytes(), signed(lease)];
            select.query_row(values, |row| row.get(0)).optional()
        })
        .map_err(error)
}

/// A part.
pub fn part(intake: &Connection, key: JobKey, number: u64) -> Result<Option<Vec<u8>>, Error> {
    intake
        .prepare_cached("SELECT bytes FROM job_part WHERE account = ?1 AND job = ?2 AND number = ?3")
        .and_then(|mut select| {
            let values = params![key.account.0, key.id.to_bytes(), signed(number)];
            select.query_row(values, |row| row.get(0)).optional()
        })
        .map_err(error)
}

/// The name of an enabled account and the role of an enabled user of it.
pub fn rights(
    intake: &Connection,
    account: AccountNo,
    user: ObjectId,
) -> Result<Option<(String, UserRole)>, Error> {
    intake
        .prepare_cached(
            "SELECT a.name, u.role FROM user u JOIN account a ON a.no = u.account \
             WHERE a.no = ?1 AND u.id = ?2 AND u.enabled AND a.enabled",
        )
        .and_then(|mut select| {
            let read = |row: &Row<'_>| Ok((row.get(0)?, read_role(row, 1)?));
            select.query_row(params![account.0, user.to_bytes()], read).optional()
        })
        .map_err(error)
}

/// The accounts that have jobs.
pub fn accounts(intake: &Connection) -> Result<Vec<AccountNo>, Error> {
    intake
        .prepare_cached("SELECT DISTINCT account FROM job")
        .and_then(|mut select| select.query_map([], |row| row.get(0).map(AccountNo))?.collect())
        .map_err(error)
}

/// Removes jobs that nothing was written of for long.
pub fn prune(intake: &mut Connection, before: Timestamp, done_before: Timestamp) -> Result<(), Error> {
    let transaction = begin_change(intake)?;
    let old = "SELECT account, id FROM job WHERE (changed_at < ?1 AND state NOT IN (1, 2, 4)) \
               OR (changed_at < ?2 AND state = 4)";
    let old = transaction
        .prepare_cached(old)
        .and_then(|mut select| {
            let rows = select.query_map([before.millis(), done_before.millis()], |row| {
                Ok((row.get(0)?, ObjectId::from_bytes(row.get(1)?)))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })
        .map_err(error)?;
    for (account, id) in old {
        delete(&transaction, account, id).map_err(error)?;
    }
    transaction.commit().map_err(error)
}

/// Jobs of an account that an erase is about, and that no node has.
const FORGETTABLE: &str = "account = ?1 AND created_at <= ?2 AND state NOT IN (1, 2)";

/// Whether there is anything that [`forget`] would delete.
pub fn has_people(intake: &Connection, account: AccountNo, until: Timestamp) -> Result<bool, Error> {
    let select = format!(
        "SELECT 1 FROM job WHERE {FORGETTABLE} AND (subject IS NOT NULL OR faults IS NOT NULL OR EXISTS \
         (SELECT 1 FROM job_part p WHERE p.account = job.account AND p.job = job.id AND p.number = 0)) LIMIT 1"
    );
    intake
        .prepare_cached(&select)
        .and_then(|mut select| select.exists(params![account.0, until.millis()]))
        .map_err(error)
}

/// Deletes what people can be read from.
pub fn forget(intake: &mut Connection, account: AccountNo, until: Timestamp) -> Result<(), Error> {
    let transaction = begin_change(intake)?;
    for statement in [
        format!(
            "DELETE FROM job_part WHERE account = ?1 AND number = 0 AND job IN (SELECT id FROM job WHERE {FORGETTABLE})"
        ),
        format!("UPDATE job SET subject = NULL, faults = NULL WHERE {FORGETTABLE}"),
    ] {
        transaction.execute(&statement, params![account.0, until.millis()]).map_err(error)?;
    }
    transaction.commit().map_err(error)
}
