//! Counts of rejected requests, and requests by job.

use async_trait::async_trait;
use rusqlite::{Connection, Row, TransactionBehavior, named_params, params};

use super::{SqliteStore, error, signed, unsigned};
use domain::clock::Timestamp;
use domain::journal::AccountNo;
use storage::{ApiActivity, Error, HOUR, JobRequests, Page, Rejection, RejectionFilter, Window};

#[async_trait]
impl ApiActivity for SqliteStore {
    async fn add_rejections(&self, rejections: Vec<(AccountNo, Rejection)>) -> Result<(), Error> {
        self.intake.call(move |intake| add(intake, &rejections).map_err(error)).await
    }

    async fn rejections(
        &self,
        account: AccountNo,
        filter: RejectionFilter,
        window: Window,
    ) -> Result<Page<Rejection>, Error> {
        self.read(move |pair, _| page(&mut pair.intake, account, &filter, window).map_err(error)).await
    }

    async fn job_requests(&self, account: AccountNo, max: u32) -> Result<Vec<JobRequests>, Error> {
        self.read(move |pair, _| job_requests(&pair.store, account, max).map_err(error)).await
    }
}

fn add(intake: &mut Connection, rejections: &[(AccountNo, Rejection)]) -> rusqlite::Result<()> {
    let transaction = intake.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (account, rejection) in rejections {
        let mut upsert = transaction.prepare_cached(
            "INSERT INTO rejection (account, hour, token, method, status, code, count, last_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE \
             SET count = count + excluded.count, last_at = max(last_at, excluded.last_at)",
        )?;
        upsert.execute(params![
            account.0,
            rejection.hour,
            rejection.token,
            rejection.method,
            rejection.status,
            rejection.code,
            signed(rejection.count),
            rejection.last_at.millis(),
        ])?;
    }
    transaction.commit()
}

fn page(
    intake: &mut Connection,
    account: AccountNo,
    filter: &RejectionFilter,
    window: Window,
) -> rusqlite::Result<Page<Rejection>> {
    let fits = "FROM rejection WHERE account = :account AND hour >= :since \
                AND (:token IS NULL OR token = :token) AND (:code IS NULL OR code = :code)";
    let intake = intake.transaction()?;
    let since = filter.since.map_or(i64::MIN, |since| since.millis().div_euclid(HOUR));
    let values = named_params! {
        ":account": account.0, ":since": since, ":token": filter.token, ":code": filter.code,
    };
    let mut count = intake.prepare_cached(&format!("SELECT count(*) {fits}"))?;
    let total = count.query_row(values, |row| row.get(0).map(unsigned))?;
    let [limit, offset] = window.signed();
    let select = format!(
        "SELECT hour, token, method, status, code, count, last_at {fits} \
         ORDER BY hour DESC, count DESC, token, method, code LIMIT {limit} OFFSET {offset}"
    );
    let read = |row: &Row<'_>| {
        Ok(Rejection {
            hour: row.get(0)?,
            token: row.get(1)?,
            method: row.get(2)?,
            status: row.get(3)?,
            code: row.get(4)?,
            count: unsigned(row.get(5)?),
            last_at: Timestamp::from_millis(row.get(6)?),
        })
    };
    let rows = intake.prepare(&select)?.query_map(values, read)?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(Page { rows, total })
}

fn job_requests(store: &Connection, account: AccountNo, max: u32) -> rusqlite::Result<Vec<JobRequests>> {
    let mut select = store.prepare_cached(
        "SELECT token, count(*), sum(failed), min(accepted_at), max(accepted_at) FROM request \
         WHERE account = ?1 AND token >= 'job:' AND token < 'job;' GROUP BY token \
         ORDER BY max(accepted_at) DESC, token LIMIT ?2",
    )?;
    let rows = select.query_map(params![account.0, max], |row| {
        Ok(JobRequests {
            token: row.get(0)?,
            requests: unsigned(row.get(1)?),
            failed: unsigned(row.get(2)?),
            accepted: (Timestamp::from_millis(row.get(3)?), Timestamp::from_millis(row.get(4)?)),
        })
    })?;
    rows.collect()
}
