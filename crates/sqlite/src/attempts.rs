//! The delivery log.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params, params};

use super::{Shared, SqliteStore, error, unsigned};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use storage::rows::attempts::{HEALTH, duration, health, millis, redact, webhook_code, webhook_of};
use storage::{
    AttemptFilter, DeliveryEnd, EndpointHealth, Error, LoggedAttempt, MAX_ATTEMPTS, MAX_ENDPOINTS,
    NewAttempt, Page, Webhooks, Window,
};

#[async_trait]
impl Webhooks for SqliteStore {
    async fn log_attempt(&self, attempt: NewAttempt) -> Result<(), Error> {
        self.write(move |pair, shared| {
            let transaction = pair.store.transaction().map_err(error)?;
            log(&transaction, shared, vec![(attempt.account, attempt.attempt)]).map_err(error)?;
            transaction.commit().map_err(error)
        })
        .await
    }

    async fn attempts(
        &self,
        account: AccountNo,
        filter: AttemptFilter,
        window: Window,
    ) -> Result<Page<LoggedAttempt>, Error> {
        self.read(move |pair, _| page(&mut pair.store, account, &filter, window).map_err(error)).await
    }

    async fn endpoint_health(&self, account: AccountNo) -> Result<Vec<EndpointHealth>, Error> {
        self.read(move |pair, _| endpoints(&pair.store, account).map_err(error)).await
    }

    async fn resend_failed(
        &self,
        account: AccountNo,
        since: Timestamp,
        now: Timestamp,
        max: u32,
    ) -> Result<u32, Error> {
        self.write(move |pair, _| resend_failed(&pair.store, account, since, now, max).map_err(error)).await
    }
}

/// Writes attempts of accounts into the log.
pub fn log(
    store: &Transaction<'_>,
    shared: &Shared,
    attempts: Vec<(AccountNo, LoggedAttempt)>,
) -> rusqlite::Result<()> {
    let mut insert = store.prepare_cached(
        "INSERT INTO delivery_attempt (account, id, webhook, request, uri, receiver, number, events, at, took, met, \
         status, answer) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    let mut erased = store.prepare_cached("SELECT max(erased_at) FROM erased WHERE account = ?1")?;
    let mut accounts: Vec<_> = attempts.iter().map(|(account, _)| *account).collect();
    let count = attempts.len();
    for (account, mut attempt) in attempts {
        let last: Option<i64> = erased.query_row([account.0], |row| row.get(0))?;
        redact(&mut attempt, last.map(Timestamp::from_millis));
        insert.execute(params![
            account.0,
            attempt.id.to_bytes(),
            webhook_code(attempt.webhook),
            attempt.request.map(ObjectId::to_bytes),
            attempt.uri,
            attempt.receiver,
            attempt.number,
            attempt.events,
            attempt.at.millis(),
            millis(attempt.took),
            attempt.end.code(),
            attempt.status,
            attempt.answer,
        ])?;
    }
    if shared.logged.is_due(count) {
        accounts.sort_unstable();
        accounts.dedup();
        accounts.into_iter().try_for_each(|account| trim(store, account))?;
    }
    Ok(())
}

/// Deletes the oldest attempts of an account that has too many.
fn trim(store: &Connection, account: AccountNo) -> rusqlite::Result<()> {
    let mut oldest = store.prepare_cached(
        "SELECT id FROM delivery_attempt WHERE account = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2",
    )?;
    let kept: Option<Vec<u8>> =
        oldest.query_row(params![account.0, MAX_ATTEMPTS - 1], |row| row.get(0)).optional()?;
    let mut delete = store.prepare_cached("DELETE FROM delivery_attempt WHERE account = ?1 AND id < ?2")?;
    kept.map_or(Ok(0), |kept| delete.execute(params![account.0, kept])).map(drop)
}

/// The condition that attempts are asked with.
const FITS: &str = "FROM delivery_attempt WHERE account = :account AND (:id IS NULL OR id = :id) \
                    AND (:failed IS NULL OR (met <> 0) = :failed) AND (:webhook IS NULL OR webhook = :webhook) \
                    AND (:request IS NULL OR request = :request) AND (:receiver IS NULL OR receiver = :receiver)";

fn page(
    store: &mut Connection,
    account: AccountNo,
    filter: &AttemptFilter,
    window: Window,
) -> rusqlite::Result<Page<LoggedAttempt>> {
    let store = store.transaction()?;
    let [limit, offset] = window.signed();
    let (id, request) = (filter.id.map(ObjectId::to_bytes), filter.request.map(ObjectId::to_bytes));
    let webhook = filter.webhook.map(|webhook| webhook.0);
    let values = named_params! {
        ":account": account.0, ":id": id, ":failed": filter.failed, ":webhook": webhook, ":request": request,
        ":receiver": filter.receiver,
    };
    let mut count = store.prepare_cached(&format!("SELECT count(*) {FITS}"))?;
    let total = count.query_row(values, |row| row.get(0).map(unsigned))?;
    let select = format!(
        "SELECT id, webhook, request, uri, receiver, number, events, at, took, met, status, answer {FITS} \
         ORDER BY id DESC LIMIT {limit} OFFSET {offset}"
    );
    let rows = store.prepare(&select)?.query_map(values, read)?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(Page { rows, total })
}

fn read(row: &Row<'_>) -> rusqlite::Result<LoggedAttempt> {
    Ok(LoggedAttempt {
        id: ObjectId::from_bytes(row.get(0)?),
        webhook: webhook_of(row.get(1)?),
        request: row.get::<_, Option<_>>(2)?.map(ObjectId::from_bytes),
        uri: row.get(3)?,
        receiver: row.get(4)?,
        number: row.get(5)?,
        events: row.get(6)?,
        at: Timestamp::from_millis(row.get(7)?),
        took: duration(row.get(8)?),
        end: DeliveryEnd::from_code(row.get(9)?),
        status: row.get(10)?,
        answer: row.get(11)?,
    })
}

fn endpoints(store: &Connection, account: AccountNo) -> rusqlite::Result<Vec<EndpointHealth>> {
    let select = format!(
        "SELECT {HEALTH} FROM delivery_attempt WHERE account = ?1 GROUP BY webhook, receiver \
         ORDER BY max(at) DESC, webhook, receiver LIMIT ?2"
    );
    let mut select = store.prepare_cached(&select)?;
    let rows = select.query_map(params![account.0, MAX_ENDPOINTS], |row| {
        let counts = [row.get(2)?, row.get(3)?, row.get(4)?];
        Ok(health(row.get(0)?, row.get(1)?, counts, row.get(5)?))
    })?;
    rows.collect()
}

fn resend_failed(
    store: &Connection,
    account: AccountNo,
    since: Timestamp,
    now: Timestamp,
    max: u32,
) -> rusqlite::Result<u32> {
    let update = "UPDATE delivery SET state = 0, attempts = 0, next_at = ?3, generation = generation + 1 \
                  WHERE position IN (SELECT d.position FROM delivery d JOIN request r USING (position) \
                  WHERE d.state = 2 AND d.last_at >= ?2 AND d.last_at < ?3 AND r.account = ?1 LIMIT ?4)";
    let rows = store.execute(update, params![account.0, since.millis(), now.millis(), max])?;
    Ok(u32::try_from(rows).unwrap_or(max))
}
