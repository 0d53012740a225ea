//! A transaction in one round trip.

use deadpool_postgres::Object;
use futures_util::{StreamExt, pin_mut};
use tokio_postgres::{Error, Row, Statement};

use super::session::{BEGIN_APPEND, Values};

/// What a statement returned: its rows, and how many it was about.
pub type Returned = (Vec<Row>, u64);

/// Appends, in a transaction of statements that do not depend on each other's answers: all are sent at once, and the answers
/// are one round trip away. A statement that fails leaves nothing behind.
///
/// # Errors
/// The first failure, and whether the transaction may have been committed.
pub async fn in_one(
    client: &Object,
    statements: &[(&str, Values<'_>)],
) -> Result<Vec<Returned>, (Error, bool)> {
    let mut prepared = Vec::with_capacity(statements.len());
    for (statement, values) in statements {
        let ready = client.prepare_cached(statement).await.map_err(|error| (error, false))?;
        prepared.push((ready, *values));
    }
    let all = prepared.iter().map(|(statement, values)| run(client, statement, values));
    let all = futures_util::future::join_all(all);
    // They are sent in the order in which they are polled first. Behind one that failed, the commit rolls back.
    let (begun, done, committed) =
        futures_util::join!(client.batch_execute(BEGIN_APPEND), all, client.batch_execute("COMMIT"));
    let lost = |error: Error| {
        let is_lost = error.code().is_none();
        (error, is_lost)
    };
    begun.map_err(lost)?;
    let done = done.into_iter().collect::<Result<Vec<_>, _>>().map_err(lost)?;
    committed.map_err(|error| (error, true))?;
    Ok(done)
}

async fn run(client: &Object, statement: &Statement, values: Values<'_>) -> Result<Returned, Error> {
    let rows = client.query_raw(statement, values.iter().copied()).await?;
    pin_mut!(rows);
    let mut returned = Vec::new();
    while let Some(row) = rows.next().await {
        returned.push(row?);
    }
    Ok((returned, rows.rows_affected().unwrap_or_default()))
}
