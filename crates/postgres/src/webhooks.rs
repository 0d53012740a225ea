//! Account webhooks. A claim counts for as long as its node is heard of (see [`super::node`]).

use std::collections::HashSet;

use async_trait::async_trait;
use tokio_postgres::Row;

use super::session::{Session, Values, get, get_small, get_time};
use super::shared::Shared;
use super::signals::Notice;
use super::{PostgresStore, attempts};
use domain::clock::Timestamp;
use domain::journal::{AccountNo, ListNo, WebHook};
use storage::{
    AccountWebhook, AccountWebhooks, DeliveryEnd, Error, WebhookConfig, WebhookCounts, WebhookKey, WebhookNo,
    WebhookProgress, WebhookReport,
};

#[async_trait]
impl AccountWebhooks for PostgresStore {
    async fn add_webhook(&self, webhook: AccountWebhook, max: usize) -> Result<bool, Error> {
        self.change(move |session| {
            Notice::Webhooks.send(session);
            add(session, &webhook, max)
        })
        .await
    }

    async fn account_webhooks(&self, account: AccountNo) -> Result<Vec<AccountWebhook>, Error> {
        self.read(move |session, _| {
            let select = format!("SELECT {COLUMNS} FROM webhook WHERE account = $1 ORDER BY created_at, no");
            session.query(&select, &[&account.0])?.iter().map(read).collect()
        })
        .await
    }

    async fn count_webhooks(&self) -> Result<WebhookCounts, Error> {
        self.read(|session, _| {
            let count = "SELECT count(*) FILTER (WHERE paused_at IS NULL AND attempts = 0), \
                         count(*) FILTER (WHERE paused_at IS NULL AND attempts > 0), \
                         count(*) FILTER (WHERE paused_at IS NOT NULL) FROM webhook";
            let Some(row) = session.query_opt(count, &[])? else { return Ok(WebhookCounts::default()) };
            let [active, failing, paused] = [0, 1, 2].map(|column| get::<i64>(&row, column));
            Ok(WebhookCounts {
                active: active?.unsigned_abs(),
                failing: failing?.unsigned_abs(),
                paused: paused?.unsigned_abs(),
            })
        })
        .await
    }

    async fn remove_webhook(&self, key: WebhookKey) -> Result<bool, Error> {
        self.change(move |session| {
            Notice::Webhooks.send(session);
            let delete = "DELETE FROM webhook WHERE account = $1 AND no = $2";
            Ok(session.execute(delete, &[&key.account.0, &key.no.0])? > 0)
        })
        .await
    }

    async fn resume_webhook(&self, key: WebhookKey, now: Timestamp) -> Result<bool, Error> {
        self.change(move |session| {
            Notice::Webhooks.send(session);
            let update = "UPDATE webhook SET attempts = 0, next_at = $3, failing_since = NULL, paused_at = NULL, \
                          paused_end = NULL, lease = lease + 1 WHERE account = $1 AND no = $2";
            Ok(session.execute(update, &[&key.account.0, &key.no.0, &now.millis()])? > 0)
        })
        .await
    }

    async fn claim_webhooks(&self) -> Result<Vec<AccountWebhook>, Error> {
        self.write(claim).await
    }

    async fn report_webhook(&self, report: WebhookReport) -> Result<bool, Error> {
        let done = self.write(move |session, shared| write_report(session, shared, report.clone())).await?;
        let Some(logged) = done else { return Ok(false) };
        if let Err(error) = self.trim(logged).await {
            // The report is stored; the oldest attempts go the next time.
            tracing::warn!(%error, "webhooks: deleting old attempts failed");
        }
        Ok(true)
    }
}

/// The columns of [`read`].
const COLUMNS: &str = "account, no, title, uri, receiver, events, domain, parallel, batch, created_at, cursor, attempts, \
                       next_at, failing_since, paused_at, paused_end, skipped_at, lease, segments";

fn read(row: &Row) -> Result<AccountWebhook, Error> {
    let time = |column| {
        let millis: Option<i64> = get(row, column)?;
        Ok::<_, Error>(millis.map(Timestamp::from_millis))
    };
    let (events, paused_end): (&str, Option<i64>) = (get(row, 5)?, get(row, 15)?);
    Ok(AccountWebhook {
        key: WebhookKey { account: AccountNo(get(row, 0)?), no: WebhookNo(get(row, 1)?) },
        config: WebhookConfig {
            title: get(row, 2)?,
            to: WebHook { uri: get(row, 3)?, receiver: get(row, 4)? },
            // Written by this program.
            events: serde_json::from_str(events).unwrap_or_default(),
            domain: get(row, 6)?,
            parallel: get(row, 7)?,
            batch: get_small(row, 8)?,
        },
        created_at: get_time(row, 9)?,
        progress: WebhookProgress {
            cursor: get(row, 10)?,
            attempts: get_small(row, 11)?,
            next_at: get_time(row, 12)?,
            failing_since: time(13)?,
            paused: time(14)?.zip(paused_end.map(DeliveryEnd::from_code)),
            segments: get::<Option<i64>>(row, 18)?.map(i64::cast_unsigned),
            skipped_at: time(16)?,
        },
        lease: get(row, 17)?,
    })
}

fn add(session: &Session, webhook: &AccountWebhook, max: usize) -> Result<bool, Error> {
    let account = webhook.key.account.0;
    // Two that are added at once must not be one too many.
    session.query_opt("SELECT FROM account WHERE no = $1 FOR NO KEY UPDATE", &[&account])?;
    let count = session.query_opt("SELECT count(*) FROM webhook WHERE account = $1", &[&account])?;
    let count: i64 = count.map_or(Ok(0), |row| get(&row, 0))?;
    if usize::try_from(count).is_ok_and(|count| count >= max) {
        return Ok(false);
    }
    let (config, progress) = (&webhook.config, &webhook.progress);
    let insert = format!(
        "INSERT INTO webhook ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, NULL, NULL, \
         NULL, NULL, 0, $14) ON CONFLICT DO NOTHING"
    );
    let rows = session.execute(
        &insert,
        &[
            &account,
            &webhook.key.no.0,
            &config.title,
            &config.to.uri,
            &config.to.receiver,
            &serde_json::json!(config.events).to_string(),
            &config.domain,
            &config.parallel,
            &i64::from(config.batch),
            &webhook.created_at.millis(),
            &progress.cursor,
            &i64::from(progress.attempts),
            &progress.next_at.millis(),
            &progress.segments.map(u64::cast_signed),
        ],
    )?;
    Ok(rows > 0)
}

fn claim(session: &Session, shared: &Shared) -> Result<Vec<AccountWebhook>, Error> {
    let (node, lease) = (shared.node.as_slice(), i64::try_from(shared.lease.as_millis()).unwrap_or(i64::MAX));
    let free = "SELECT w.account, w.no FROM webhook w WHERE w.paused_at IS NULL AND (w.node IS NULL OR NOT EXISTS \
                (SELECT FROM node n WHERE n.id = w.node AND n.heard_at > now() - $1::bigint * interval '1 millisecond')) \
                ORDER BY w.account, w.no FOR UPDATE OF w SKIP LOCKED";
    let rows = session.query(free, &[&lease])?;
    if !rows.is_empty() {
        let accounts = rows.iter().map(|row| get(row, 0)).collect::<Result<Vec<i64>, _>>()?;
        let numbers = rows.iter().map(|row| get(row, 1)).collect::<Result<Vec<i64>, _>>()?;
        let take = "UPDATE webhook w SET node = $3, lease = w.lease + 1 FROM unnest($1::bigint[], $2::bigint[]) \
                    AS u (account, no) WHERE w.account = u.account AND w.no = u.no";
        session.execute(take, &[&accounts, &numbers, &node])?;
    }
    let select =
        format!("SELECT {COLUMNS} FROM webhook WHERE node = $1 AND paused_at IS NULL ORDER BY account, no");
    let mut webhooks = session.query(&select, &[&node])?.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if webhooks.is_empty() {
        return Ok(webhooks);
    }
    // Two statements: Citus joins no table of the coordinator's alone with one that each machine has.
    let accounts: Vec<i64> = webhooks.iter().map(|webhook| webhook.key.account.0).collect();
    let enabled = session.query("SELECT no FROM account WHERE enabled AND no = ANY($1)", &[&accounts])?;
    let enabled = enabled.iter().map(|row| get(row, 0)).collect::<Result<HashSet<i64>, _>>()?;
    webhooks.retain(|webhook| enabled.contains(&webhook.key.account.0));
    Ok(webhooks)
}

fn write_report(
    session: &Session,
    shared: &Shared,
    report: WebhookReport,
) -> Result<Option<Vec<AccountNo>>, Error> {
    let progress = &report.progress;
    let update = "UPDATE webhook SET cursor = $4, attempts = $5, next_at = $6, failing_since = $7, paused_at = $8, \
                  paused_end = $9, skipped_at = $10, segments = $12 WHERE account = $1 AND no = $2 AND lease = $3 AND node = $11";
    let values: Values<'_> = &[
        &report.key.account.0,
        &report.key.no.0,
        &report.lease,
        &progress.cursor,
        &i64::from(progress.attempts),
        &progress.next_at.millis(),
        &progress.failing_since.map(Timestamp::millis),
        &progress.paused.map(|(at, _)| at.millis()),
        &progress.paused.map(|(_, end)| end.code()),
        &progress.skipped_at.map(Timestamp::millis),
        &shared.node.as_slice(),
        &progress.segments.map(u64::cast_signed),
    ];
    if session.execute(update, values)? == 0 {
        return Ok(None);
    }
    let list = ListNo(-report.key.account.0);
    let log = report.attempts.into_iter().map(|attempt| (list, report.key.account, attempt)).collect();
    attempts::log(session, log).map(Some)
}

/// Deletes webhooks of accounts that were removed.
pub fn prune(session: &Session) -> Result<u64, Error> {
    // Two statements: Citus joins no table of the coordinator's alone with one that each machine has.
    let rows = session.query("SELECT no FROM account", &[])?;
    let accounts = rows.iter().map(|row| get(row, 0)).collect::<Result<Vec<i64>, _>>()?;
    session.execute("DELETE FROM webhook WHERE NOT (account = ANY($1))", &[&accounts])
}
