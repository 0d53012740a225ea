//! Account webhooks. One process serves a store: what it finds is its own.

use async_trait::async_trait;
use rusqlite::{Connection, Row, TransactionBehavior, params};

use super::{Pair, Shared, SqliteStore, attempts, error, signed, unsigned};
use domain::clock::Timestamp;
use domain::journal::{AccountNo, WebHook};
use storage::{
    AccountWebhook, AccountWebhooks, DeliveryEnd, Error, WebhookConfig, WebhookCounts, WebhookKey, WebhookNo,
    WebhookProgress, WebhookReport,
};

#[async_trait]
impl AccountWebhooks for SqliteStore {
    async fn add_webhook(&self, webhook: AccountWebhook, max: usize) -> Result<bool, Error> {
        self.write(move |pair, _| add(&mut pair.store, &webhook, max).map_err(error)).await
    }

    async fn account_webhooks(&self, account: AccountNo) -> Result<Vec<AccountWebhook>, Error> {
        self.read(move |pair, _| {
            let select = format!("SELECT {COLUMNS} FROM webhook WHERE account = ?1 ORDER BY created_at, no");
            select_all(&pair.store, &select, [account.0]).map_err(error)
        })
        .await
    }

    async fn count_webhooks(&self) -> Result<WebhookCounts, Error> {
        self.read(|pair, _| {
            let count = "SELECT count(*) FILTER (WHERE paused_at IS NULL AND attempts = 0), \
                         count(*) FILTER (WHERE paused_at IS NULL AND attempts > 0), \
                         count(*) FILTER (WHERE paused_at IS NOT NULL) FROM webhook";
            let read = |row: &Row<'_>| {
                let [active, failing, paused] = [row.get(0)?, row.get(1)?, row.get(2)?].map(unsigned);
                Ok(WebhookCounts { active, failing, paused })
            };
            let counted = pair.store.prepare_cached(count).and_then(|mut count| count.query_row([], read));
            counted.map_err(error)
        })
        .await
    }

    async fn remove_webhook(&self, key: WebhookKey) -> Result<bool, Error> {
        self.write(move |pair, _| {
            let delete = "DELETE FROM webhook WHERE account = ?1 AND no = ?2";
            pair.store.execute(delete, [key.account.0, key.no.0]).map(|rows| rows > 0).map_err(error)
        })
        .await
    }

    async fn resume_webhook(&self, key: WebhookKey, now: Timestamp) -> Result<bool, Error> {
        self.write(move |pair, _| {
            let update = "UPDATE webhook SET attempts = 0, next_at = ?3, failing_since = NULL, paused_at = NULL, \
                          paused_end = NULL, lease = lease + 1 WHERE account = ?1 AND no = ?2";
            let values = [key.account.0, key.no.0, now.millis()];
            pair.store.execute(update, values).map(|rows| rows > 0).map_err(error)
        })
        .await
    }

    async fn claim_webhooks(&self) -> Result<Vec<AccountWebhook>, Error> {
        self.read(|pair, _| claimed(pair).map_err(error)).await
    }

    async fn report_webhook(&self, report: WebhookReport) -> Result<bool, Error> {
        self.write(move |pair, shared| write_report(&mut pair.store, shared, report).map_err(error)).await
    }
}

/// The columns of [`read`].
const COLUMNS: &str = "account, no, title, uri, receiver, events, domain, parallel, batch, created_at, cursor, attempts, \
                       next_at, failing_since, paused_at, paused_end, skipped_at, lease, segments";

fn read(row: &Row<'_>) -> rusqlite::Result<AccountWebhook> {
    let time = |column| row.get::<_, Option<i64>>(column).map(|millis| millis.map(Timestamp::from_millis));
    let events: String = row.get(5)?;
    Ok(AccountWebhook {
        key: WebhookKey { account: AccountNo(row.get(0)?), no: WebhookNo(row.get(1)?) },
        config: WebhookConfig {
            title: row.get(2)?,
            to: WebHook { uri: row.get(3)?, receiver: row.get(4)? },
            // Written by this program.
            events: serde_json::from_str(&events).unwrap_or_default(),
            domain: row.get(6)?,
            parallel: row.get(7)?,
            batch: row.get(8)?,
        },
        created_at: Timestamp::from_millis(row.get(9)?),
        progress: WebhookProgress {
            cursor: row.get(10)?,
            attempts: row.get(11)?,
            next_at: Timestamp::from_millis(row.get(12)?),
            failing_since: time(13)?,
            paused: time(14)?.zip(row.get::<_, Option<i64>>(15)?.map(DeliveryEnd::from_code)),
            segments: row.get::<_, Option<i64>>(18)?.map(unsigned),
            skipped_at: time(16)?,
        },
        lease: row.get(17)?,
    })
}

fn select_all(
    store: &Connection,
    select: &str,
    values: impl rusqlite::Params,
) -> rusqlite::Result<Vec<AccountWebhook>> {
    store.prepare_cached(select)?.query_map(values, read)?.collect()
}

fn add(store: &mut Connection, webhook: &AccountWebhook, max: usize) -> rusqlite::Result<bool> {
    let transaction = store.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let account = webhook.key.account.0;
    let count = "SELECT count(*) FROM webhook WHERE account = ?1";
    let count: i64 = transaction.query_row(count, [account], |row| row.get(0))?;
    if usize::try_from(count).is_ok_and(|count| count >= max) {
        return Ok(false);
    }
    let (config, progress) = (&webhook.config, &webhook.progress);
    let insert = format!(
        "INSERT OR IGNORE INTO webhook ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, \
         NULL, NULL, NULL, NULL, 0, ?14)"
    );
    let rows = transaction.execute(
        &insert,
        params![
            account,
            webhook.key.no.0,
            config.title,
            config.to.uri,
            config.to.receiver,
            serde_json::json!(config.events).to_string(),
            config.domain,
            config.parallel,
            config.batch,
            webhook.created_at.millis(),
            progress.cursor,
            progress.attempts,
            progress.next_at.millis(),
            progress.segments.map(signed),
        ],
    )?;
    transaction.commit()?;
    Ok(rows > 0)
}

fn claimed(pair: &Pair) -> rusqlite::Result<Vec<AccountWebhook>> {
    let select = format!("SELECT {COLUMNS} FROM webhook WHERE paused_at IS NULL ORDER BY account, no");
    let all = select_all(&pair.store, &select, [])?;
    let mut enabled = pair.intake.prepare_cached("SELECT 1 FROM account WHERE no = ?1 AND enabled")?;
    let mut claimed = Vec::with_capacity(all.len());
    for webhook in all {
        if enabled.exists([webhook.key.account.0])? {
            claimed.push(webhook);
        }
    }
    Ok(claimed)
}

fn write_report(store: &mut Connection, shared: &Shared, report: WebhookReport) -> rusqlite::Result<bool> {
    let transaction = store.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let progress = &report.progress;
    let update = "UPDATE webhook SET cursor = ?4, attempts = ?5, next_at = ?6, failing_since = ?7, paused_at = ?8, \
                  paused_end = ?9, skipped_at = ?10, segments = ?11 WHERE account = ?1 AND no = ?2 AND lease = ?3";
    let known = transaction.prepare_cached(update)?.execute(params![
        report.key.account.0,
        report.key.no.0,
        report.lease,
        progress.cursor,
        progress.attempts,
        progress.next_at.millis(),
        progress.failing_since.map(Timestamp::millis),
        progress.paused.map(|(at, _)| at.millis()),
        progress.paused.map(|(_, end)| end.code()),
        progress.skipped_at.map(Timestamp::millis),
        progress.segments.map(signed),
    ])?;
    if known == 0 {
        return Ok(false);
    }
    let log = report.attempts.into_iter().map(|attempt| (report.key.account, attempt)).collect();
    attempts::log(&transaction, shared, log)?;
    transaction.commit()?;
    Ok(true)
}
