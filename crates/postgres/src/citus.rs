//! Spreading a database over several machines with Citus: tables that grow are distributed by the list, all in one way,
//! so that what belongs to a list lies on one of them; small ones are on each.

use tokio_postgres::Client;

use super::address::Address;
use super::migrate;
use super::session::error;
use super::store::{connection, pool};
use storage::Error;

/// Tables that grow. Each has the column `list` in its primary key and in every unique index.
pub const DISTRIBUTED: [&str; 32] = [
    "queue",
    "progress",
    "batch",
    "once",
    "contact",
    "identifier",
    "former_identifiers",
    "request",
    "delivery",
    "due",
    "history",
    "tombstone",
    "history_floor",
    "departed",
    "merged_into",
    "former_bearer",
    "consent",
    "activity",
    "job",
    "job_part",
    "suppression",
    "delivery_attempt",
    "suppression_change",
    "search_feed",
    "search_entry",
    "segment_feed",
    "followed_segment",
    "segment_block",
    "segment_due",
    "segment_event",
    "segment_serial",
    "segment_day",
];

/// Small tables that statements about a list read: each machine has them whole.
pub const REFERENCE: [&str; 13] = [
    "account",
    "account_user",
    "token",
    "token_list",
    "list",
    "variable",
    "removed_variable",
    "saved_query",
    "source",
    "removed_source",
    "erased",
    "session",
    "link",
];

/// Tables that only the coordinator knows: no statement reads or locks them with others.
pub const LOCAL: [&str; 6] =
    ["schema_version", "setting", "node", "catalogue_change", "rejection", "webhook"];

/// For each list in which something waits: its number, its account, how many batches of how many bytes, and when the
/// oldest was accepted. One database is asked in a form that costs less.
pub const WAITING: &str = "SELECT list, min(account), count(*) FILTER (WHERE NOT fence), sum(bytes)::bigint, \
                           min(accepted_at) FILTER (WHERE NOT fence) FROM batch GROUP BY list";

/// Brings the database to the present schema and distributes what is not distributed yet; returns the statements that
/// were run.
///
/// # Errors
/// Where the extension is not there, or refuses.
pub async fn distribute(url: &str) -> Result<Vec<String>, Error> {
    let mut client = connection(&pool(&Address::read(url)?, 1)?).await?;
    migrate::migrate(&mut client).await?;
    let there = "SELECT to_regclass('pg_dist_partition') IS NOT NULL AND EXISTS \
                 (SELECT FROM pg_proc WHERE proname = 'create_distributed_table')";
    if !client.query_typed_one(there, &[]).await.map_err(error)?.get::<_, bool>(0) {
        let text = "the database has the present schema, and the extension citus is not in it: nothing was \
                    distributed. Run CREATE EXTENSION citus on the coordinator, see docs/scaling.md";
        return Err(Error::Unavailable(text.to_owned()));
    }
    let mut statements = missing(&client).await?;
    for statement in &statements {
        client.batch_execute(statement).await.map_err(error)?;
    }
    let local = left_behind(&client).await?;
    for statement in &local {
        client.batch_execute(statement).await.map_err(error)?;
    }
    statements.extend(local);
    Ok(statements)
}

/// The statements for the tables whose rows of before are still in the files of the coordinator. No query sees them
/// there, and no erasure: they are deleted, also after a run that was stopped between both.
async fn left_behind(client: &Client) -> Result<Vec<String>, Error> {
    let select = "SELECT logicalrelid::regclass::text FROM pg_dist_partition \
                  WHERE pg_relation_size(logicalrelid) > 0 ORDER BY 1";
    let rows = client.query_typed(select, &[]).await.map_err(error)?;
    let ours = |table: &String| DISTRIBUTED.iter().chain(&REFERENCE).any(|our| our == table);
    let truncate = |table| format!("SELECT truncate_local_data_after_distributing_table('{table}')");
    Ok(rows.iter().map(|row| row.get(0)).filter(ours).map(truncate).collect())
}

/// The statements for the tables that Citus does not know yet: one that was stopped goes on.
async fn missing(client: &Client) -> Result<Vec<String>, Error> {
    let known = client.query_typed("SELECT logicalrelid::regclass::text FROM pg_dist_partition", &[]).await;
    let known: Vec<String> = known.map_err(error)?.iter().map(|row| row.get(0)).collect();
    let is_missing = |table: &&str| !known.iter().any(|known| known == table);
    let reference = |table: &str| format!("SELECT create_reference_table('{table}')");
    let [first, ..] = DISTRIBUTED;
    let distributed = |table: &str| {
        let with = if table == first { String::new() } else { format!(", colocate_with => '{first}'") };
        format!("SELECT create_distributed_table('{table}', 'list'{with})")
    };
    let small = REFERENCE.into_iter().filter(is_missing).map(reference);
    Ok(small.chain(DISTRIBUTED.into_iter().filter(is_missing).map(distributed)).collect())
}
