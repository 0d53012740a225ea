//! The sign of life that a node gives. What it has out is free once it has been silent for the length of a lease.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use deadpool_postgres::Pool;
use tokio::task::JoinHandle;
use tokio_postgres::SimpleQueryMessage;

use super::session::error;
use super::shared::Shared;
use super::store::connection;
use crate::storage::Error;

/// The task that says that the node lives.
pub struct Heart(JoinHandle<()>);

impl Heart {
    /// Says it once, and then for as long as this is held.
    pub async fn start(pool: &Pool, shared: &Arc<Shared>) -> Result<Self, Error> {
        beat(pool, shared).await?;
        let (pool, shared) = (pool.clone(), Arc::clone(shared));
        Ok(Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(shared.lease / 4).await;
                if let Err(error) = beat(&pool, &shared).await {
                    tracing::warn!(%error, "node: heartbeat failed");
                }
            }
        })))
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a node of this version says of the forms that it reads: those of the first version are 1, and such a node says
/// nothing. Since 3 results have notes, and changes what they put in place; since 4 changes may be compressed.
const FORMS: i64 = 4;

async fn beat(pool: &Pool, shared: &Shared) -> Result<(), Error> {
    let client = connection(pool).await?;
    let id: String = shared.node.iter().map(|byte| format!("{byte:02x}")).collect();
    // A node that is not there has been silent for longer than any lease. The text is ours alone, so it goes as it is,
    // and leaves no statement behind on a connection that may be a pooler's.
    let beat = format!(
        "INSERT INTO node (id, heard_at, forms) VALUES ('\\x{id}', now(), {FORMS}) \
         ON CONFLICT (id) DO UPDATE SET heard_at = excluded.heard_at; \
         DELETE FROM node WHERE heard_at < now() - interval '1 day'; \
         SELECT 1 FROM node WHERE coalesce(forms, 1) < {FORMS} AND heard_at > now() - interval '1 minute' LIMIT 1"
    );
    let told = client.simple_query(&beat).await.map_err(error)?;
    let is_row = |message: &SimpleQueryMessage| matches!(message, SimpleQueryMessage::Row(_));
    shared.earlier_nodes.store(told.iter().any(is_row), Ordering::Relaxed);
    Ok(())
}
