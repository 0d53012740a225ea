//! Jobs and their parts. Both tables are distributed by the list; what is changed names it.

use std::collections::HashSet;

use tokio_postgres::Row;

use super::users::read_role;
use crate::session::{Session, Values, get, get_id, get_number, get_time};
use crate::shared::Shared;
use crate::signals::Notice;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use storage::{
    ActiveJob, Error, JobAdded, JobKey, JobLimits, JobReport, JobState, NewJob, StoredJob, UserRole,
};

const COLUMNS: &str = "account, list, id, user_id, created_at, changed_at, directory, description, subject, state, \
                       dry_run, stop_requested, progress, faults, parts, lease";

fn key(row: &Row) -> Result<JobKey, Error> {
    Ok(JobKey { account: AccountNo(get(row, 0)?), list: ListNo(get(row, 1)?), id: get_id(row, 2)? })
}

fn directory(row: &Row, column: usize) -> Result<Option<ObjectId>, Error> {
    let there: Option<&[u8]> = get(row, column)?;
    there.map(|_| get_id(row, column)).transpose()
}

fn read(row: &Row) -> Result<StoredJob, Error> {
    let state: i64 = get(row, 9)?;
    let state = JobState::of(state).ok_or_else(|| Error::Damaged(format!("a job in the state {state}")))?;
    Ok(StoredJob {
        key: key(row)?,
        user: get_id(row, 3)?,
        created_at: get_time(row, 4)?,
        changed_at: get_time(row, 5)?,
        directory: directory(row, 6)?,
        description: get(row, 7)?,
        subject: get(row, 8)?,
        state,
        dry_run: get(row, 10)?,
        stop_requested: get(row, 11)?,
        progress: get(row, 12)?,
        faults: get(row, 13)?,
        parts: get_number(row, 14)?,
        lease: get_number(row, 15)?,
    })
}

/// Adds a job.
pub fn add(session: &Session, job: &NewJob, limits: JobLimits) -> Result<JobAdded, Error> {
    let (account, id) = (job.key.account.0, job.key.id.to_bytes());
    // Two that are added at once count each other.
    session.execute("SELECT FROM account WHERE no = $1 FOR NO KEY UPDATE", &[&account])?;
    let there = "SELECT FROM job WHERE account = $1 AND id = $2";
    if session.query_opt(there, &[&account, &id.as_slice()])?.is_some() {
        return Ok(JobAdded::Exists);
    }
    let count = "SELECT count(*) FROM job WHERE account = $1 AND state <> 4";
    let open: i64 = session.query_opt(count, &[&account])?.map_or(Ok(0), |row| get(&row, 0))?;
    if open >= limit(limits.open) {
        return Ok(JobAdded::TooMany);
    }
    let old = "SELECT account, list, id FROM job WHERE account = $1 AND state = 4 ORDER BY id DESC OFFSET $2";
    let kept = (limit(limits.all) - 1 - open).max(0);
    for row in session.query(old, &[&account, &kept])? {
        delete(session, key(&row)?)?;
    }
    let directory = job.directory.map(|id| id.to_bytes().to_vec());
    let values: Values<'_> = &[
        &job.key.list.0,
        &account,
        &id.as_slice(),
        &job.user.to_bytes().to_vec(),
        &job.created_at.millis(),
        &directory,
        &job.description,
        &job.subject,
        &job.state.code(),
        &job.progress,
        &job.faults,
        &i64::from(job.output.is_some()),
    ];
    session.execute(
        "INSERT INTO job (list, account, id, user_id, created_at, changed_at, directory, description, subject, state, \
         progress, faults, parts, dry_run, stop_requested, lease) \
         VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $11, $12, false, false, 0)",
        values,
    )?;
    if job.state == JobState::Waiting {
        Notice::Jobs.send(session);
    }
    if let Some(output) = &job.output {
        put_part(session, job.key, 1, output)?;
    }
    Ok(JobAdded::Added)
}

fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn delete(session: &Session, key: JobKey) -> Result<(), Error> {
    let id = key.id.to_bytes();
    let values: Values<'_> = &[&key.list.0, &key.account.0, &id.as_slice()];
    session.pipeline(&[
        ("DELETE FROM job_part WHERE list = $1 AND account = $2 AND job = $3", values),
        ("DELETE FROM job WHERE list = $1 AND account = $2 AND id = $3", values),
    ])?;
    Ok(())
}

/// The jobs of an account.
pub fn all(session: &Session, account: AccountNo) -> Result<Vec<StoredJob>, Error> {
    let select = format!("SELECT {COLUMNS} FROM job WHERE account = $1 ORDER BY id DESC");
    session.query(&select, &[&account.0])?.iter().map(read).collect()
}

/// A job of an account.
pub fn find(session: &Session, account: AccountNo, id: ObjectId) -> Result<Option<StoredJob>, Error> {
    let select = format!("SELECT {COLUMNS} FROM job WHERE account = $1 AND id = $2");
    let row = session.query_opt(&select, &[&account.0, &id.to_bytes().as_slice()])?;
    row.map(|row| read(&row)).transpose()
}

/// Lets a job wait for its turn.
pub fn begin(
    session: &Session,
    key: JobKey,
    user: ObjectId,
    description: &[u8],
    dry_run: bool,
    now: Timestamp,
) -> Result<bool, Error> {
    Notice::Jobs.send(session);
    // 0, 3 and 5: ready, stopped, failed.
    let update = "UPDATE job SET state = 1, stop_requested = false, user_id = $4, description = $5, dry_run = $6, \
                  changed_at = $7, runner = NULL WHERE list = $1 AND account = $2 AND id = $3 AND state IN (0, 3, 5)";
    let (id, user) = (key.id.to_bytes(), user.to_bytes());
    let values: Values<'_> = &[
        &key.list.0,
        &key.account.0,
        &id.as_slice(),
        &user.as_slice(),
        &description,
        &dry_run,
        &now.millis(),
    ];
    session.execute(update, values).map(|rows| rows > 0)
}

/// Asks for a stop.
pub fn stop(session: &Session, key: JobKey, now: Timestamp) -> Result<(), Error> {
    Notice::Jobs.send(session);
    // A dry run that has not begun leaves the job as ready as it was before.
    let update = "UPDATE job SET stop_requested = true, changed_at = $4, \
                  state = CASE WHEN state = 2 THEN 2 WHEN dry_run THEN 0 ELSE 3 END \
                  WHERE list = $1 AND account = $2 AND id = $3 AND state IN (1, 2)";
    let id = key.id.to_bytes();
    session.execute(update, &[&key.list.0, &key.account.0, &id.as_slice(), &now.millis()]).map(drop)
}

/// Removes a job that is not active.
pub fn remove(session: &Session, key: JobKey) -> Result<bool, Error> {
    let idle =
        "SELECT FROM job WHERE list = $1 AND account = $2 AND id = $3 AND state NOT IN (1, 2) FOR UPDATE";
    let id = key.id.to_bytes();
    let idle = session.query_opt(idle, &[&key.list.0, &key.account.0, &id.as_slice()])?.is_some();
    if idle {
        delete(session, key)?;
    }
    Ok(idle)
}

/// All jobs that wait or run.
pub fn active(session: &Session, shared: &Shared) -> Result<Vec<ActiveJob>, Error> {
    let live = "SELECT id FROM node WHERE heard_at > now() - $1::bigint * interval '1 millisecond'";
    let select =
        "SELECT account, list, id, created_at, directory, lease, runner FROM job WHERE state IN (1, 2)";
    let lease = i64::try_from(shared.lease.as_millis()).unwrap_or(i64::MAX);
    let found = session.query_all(&[(live, &[&lease]), (select, &[])])?;
    let [live, rows] = found.as_slice() else { return Ok(Vec::new()) };
    let live = live.iter().map(|row| get(row, 0)).collect::<Result<HashSet<&[u8]>, _>>()?;
    let read = |row: &Row| {
        let runner: Option<&[u8]> = get(row, 6)?;
        Ok(ActiveJob {
            key: key(row)?,
            created_at: get_time(row, 3)?,
            directory: directory(row, 4)?,
            lease: get_number(row, 5)?,
            free: runner.is_none_or(|runner| runner == shared.node || !live.contains(runner)),
        })
    };
    rows.iter().map(read).collect()
}

/// Takes a job.
pub fn claim(
    session: &Session,
    shared: &Shared,
    key: JobKey,
    lease: u64,
    now: Timestamp,
) -> Result<Option<StoredJob>, Error> {
    let update = format!(
        "UPDATE job SET state = 2, lease = lease + 1, changed_at = $5, runner = $6 WHERE list = $1 AND account = $2 \
         AND id = $3 AND lease = $4 AND state IN (1, 2) RETURNING {COLUMNS}"
    );
    let (id, lease) = (key.id.to_bytes(), lease.cast_signed());
    let node = shared.node.as_slice();
    let values: Values<'_> = &[&key.list.0, &key.account.0, &id.as_slice(), &lease, &now.millis(), &node];
    session.query_opt(&update, values)?.map(|row| read(&row)).transpose()
}

/// Adds a job that a client runs, or writes down how far it is.
pub fn record(
    session: &Session,
    job: &NewJob,
    limits: JobLimits,
    part: Option<&[u8]>,
) -> Result<JobAdded, Error> {
    if add(session, job, limits)? == JobAdded::TooMany {
        return Ok(JobAdded::TooMany);
    }
    let update = "UPDATE job SET description = $4, progress = $5, faults = $6, changed_at = $7, parts = parts + $8 \
                  WHERE list = $1 AND account = $2 AND id = $3 AND state = 4 RETURNING parts";
    let (id, more) = (job.key.id.to_bytes(), i64::from(part.is_some()));
    let changed = job.created_at.millis();
    let values: Values<'_> = &[
        &job.key.list.0,
        &job.key.account.0,
        &id.as_slice(),
        &job.description,
        &job.progress,
        &job.faults,
        &changed,
        &more,
    ];
    let Some(row) = session.query_opt(update, values)? else { return Ok(JobAdded::Exists) };
    if let Some(part) = part {
        put_part(session, job.key, get(&row, 0)?, part)?;
    }
    Ok(JobAdded::Added)
}

/// Writes down how a claimed job is.
pub fn report(session: &Session, key: JobKey, lease: u64, report: &JobReport) -> Result<Option<bool>, Error> {
    let select = "SELECT stop_requested FROM job WHERE list = $1 AND account = $2 AND id = $3 AND lease = $4 \
                  AND state = 2 FOR UPDATE";
    let (id, lease) = (key.id.to_bytes(), lease.cast_signed());
    let (list, account, id) = (key.list.0, key.account.0, id.as_slice());
    let Some(row) = session.query_opt(select, &[&list, &account, &id, &lease])? else { return Ok(None) };
    let part = report.part.as_ref().map(|(number, bytes)| (number.cast_signed(), bytes));
    let parts = [report.checkpoint.as_ref().map(|bytes| (0, bytes)), part];
    for (number, bytes) in parts.into_iter().flatten() {
        put_part(session, key, number, bytes)?;
    }
    let done = report.state == JobState::Done;
    let back = report.state != JobState::Running;
    if back {
        Notice::Jobs.send(session);
    }
    let values: Values<'_> = &[
        &list,
        &account,
        &id,
        &report.state.code(),
        &report.progress,
        &report.faults,
        &part.map_or(0, |(number, _)| number),
        &report.now.millis(),
        &done,
        &back,
    ];
    session.execute(
        "UPDATE job SET state = $4, progress = $5, faults = $6, parts = greatest(parts, $7), changed_at = $8, \
         subject = CASE WHEN $9 THEN NULL ELSE subject END, runner = CASE WHEN $10 THEN NULL ELSE runner END \
         WHERE list = $1 AND account = $2 AND id = $3",
        values,
    )?;
    if done {
        // Nothing goes on from there.
        let delete = "DELETE FROM job_part WHERE list = $1 AND account = $2 AND job = $3 AND number = 0";
        session.execute(delete, &[&list, &account, &id])?;
    }
    get(&row, 0).map(Some)
}

fn put_part(session: &Session, key: JobKey, number: i64, bytes: &[u8]) -> Result<(), Error> {
    let insert = "INSERT INTO job_part (list, account, job, number, bytes) VALUES ($1, $2, $3, $4, $5) \
                  ON CONFLICT (list, account, job, number) DO UPDATE SET bytes = excluded.bytes";
    let id = key.id.to_bytes();
    session.execute(insert, &[&key.list.0, &key.account.0, &id.as_slice(), &number, &bytes]).map(drop)
}

/// Whether a stop is asked for.
pub fn stop_requested(session: &Session, key: JobKey, lease: u64) -> Result<Option<bool>, Error> {
    let select = "SELECT stop_requested FROM job WHERE list = $1 AND account = $2 AND id = $3 AND lease = $4 \
                  AND state = 2";
    let (id, lease) = (key.id.to_bytes(), lease.cast_signed());
    let row = session.query_opt(select, &[&key.list.0, &key.account.0, &id.as_slice(), &lease])?;
    row.map(|row| get(&row, 0)).transpose()
}

/// A part.
pub fn part(session: &Session, key: JobKey, number: u64) -> Result<Option<Vec<u8>>, Error> {
    let select = "SELECT bytes FROM job_part WHERE list = $1 AND account = $2 AND job = $3 AND number = $4";
    let (id, number) = (key.id.to_bytes(), number.cast_signed());
    let row = session.query_opt(select, &[&key.list.0, &key.account.0, &id.as_slice(), &number])?;
    row.map(|row| get(&row, 0)).transpose()
}

/// The name of an enabled account and the role of an enabled user of it.
pub fn rights(
    session: &Session,
    account: AccountNo,
    user: ObjectId,
) -> Result<Option<(String, UserRole)>, Error> {
    let select = "SELECT a.name, u.role FROM account_user u JOIN account a ON a.no = u.account \
                  WHERE a.no = $1 AND u.id = $2 AND u.enabled AND a.enabled";
    let row = session.query_opt(select, &[&account.0, &user.to_bytes().as_slice()])?;
    row.map(|row| Ok((get(&row, 0)?, read_role(&row, 1)?))).transpose()
}

/// The accounts that have jobs.
pub fn accounts(session: &Session) -> Result<Vec<AccountNo>, Error> {
    let rows = session.query("SELECT DISTINCT account FROM job", &[])?;
    rows.iter().map(|row| get(row, 0).map(AccountNo)).collect()
}

/// Removes jobs that nothing was written of for long.
pub fn prune(session: &Session, before: Timestamp, done_before: Timestamp) -> Result<(), Error> {
    let old = "SELECT account, list, id FROM job WHERE (changed_at < $1 AND state NOT IN (1, 2, 4)) \
               OR (changed_at < $2 AND state = 4)";
    for row in session.query(old, &[&before.millis(), &done_before.millis()])? {
        // One that was begun meanwhile stays.
        remove(session, key(&row)?)?;
    }
    Ok(())
}

/// Deletes what people can be read from.
pub fn forget(session: &Session, account: AccountNo, until: Timestamp) -> Result<(), Error> {
    let some = "SELECT account, list, id FROM job WHERE account = $1 AND created_at <= $2 AND state NOT IN (1, 2) \
                AND (subject IS NOT NULL OR faults IS NOT NULL)";
    for row in session.query(some, &[&account.0, &until.millis()])? {
        let key = key(&row)?;
        let id = key.id.to_bytes();
        let values: Values<'_> = &[&key.list.0, &account.0, &id.as_slice()];
        let update = "UPDATE job SET subject = NULL, faults = NULL WHERE list = $1 AND account = $2 AND id = $3 \
                      AND state NOT IN (1, 2)";
        if session.execute(update, values)? > 0 {
            let delete = "DELETE FROM job_part WHERE list = $1 AND account = $2 AND job = $3 AND number = 0";
            session.execute(delete, values)?;
        }
    }
    Ok(())
}
