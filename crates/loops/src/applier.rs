//! The loop that applies what waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use domain::clock::Clock;
use observe::metrics::{Metrics, Work};
use observe::spans::Spans;
use storage::Applied;

/// Batches of one transaction. Large is fast: pages are written once however many of their contacts change.
const GROUP: usize = 1_000;

/// How long a look is put off when nobody has said that there is something: what another process appended is
/// noticed within this.
const LOOK: Duration = Duration::from_millis(100);

/// The longest wait after a failure.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// What the loop works with.
pub struct Applier {
    /// Where batches wait.
    pub storage: Arc<dyn storage::Applier>,
    /// Tells when a contact changed.
    pub clock: Arc<dyn Clock>,
    /// Told when something was appended.
    pub appended: Arc<Notify>,
    /// To be told when something was applied: all who wait for it.
    pub applied: Arc<Notify>,
    /// To be told when there are webhooks to send.
    pub reported: Arc<Notify>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Where spans go.
    pub spans: Spans,
}

impl Applier {
    /// Applies until told to stop; a transaction that has begun is finished.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut pause = Duration::from_millis(100);
        while !*stop.borrow() {
            let (start, now) = (Instant::now(), self.clock.now());
            match self.storage.apply_next(GROUP, now).await {
                Ok(applied) => {
                    pause = Duration::from_millis(100);
                    if applied.webhooks > 0 {
                        self.reported.notify_one();
                    }
                    if applied.batches > 0 {
                        let waited = applied.oldest.map_or(Duration::ZERO, |oldest| now.since(oldest));
                        self.metrics.applied(&applied, start.elapsed(), waited);
                        self.tell(&applied, start);
                        self.applied.notify_waiters();
                        continue;
                    }
                }
                // What waits is kept, and tried again: a full disk may have room later.
                Err(error) => {
                    tracing::error!(%error, "applier: applying batches failed, batches wait");
                    self.metrics.store_error(Work::Apply);
                    tokio::select! {
                        biased;
                        _ = stop.changed() => {}
                        () = self.clock.sleep(pause) => {}
                    }
                    pause = (pause * 2).min(MAX_PAUSE);
                    continue;
                }
            }
            tokio::select! {
                biased;
                // An error means that nobody can tell us to stop any more: then we stop.
                _ = stop.changed() => {}
                () = self.appended.notified() => {}
                () = self.clock.sleep(LOOK) => {}
            }
        }
    }

    /// Tells the log and the collector of each batch.
    fn tell(&self, applied: &Applied, start: Instant) {
        for request in &applied.requests {
            tracing::debug!(%request, "applier: batch applied");
        }
        self.spans.applied(&applied.requests, start);
        let (batches, took) = (applied.batches, start.elapsed());
        tracing::debug!(batches, ?took, "applier: transaction applied");
    }
}
