//! What is counted of account webhooks: attempts, their states, and how far they are behind the changes.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::ByWord;
use domain::clock::Timestamp;
use storage::{WebhookCounts, WebhookKey};

/// What became of an attempt to send a message with events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventsSent {
    /// The receiver has answered 2xx.
    Delivered,
    /// It has not, and will be tried again.
    Failed,
    /// It has not, and the webhook was paused.
    Paused,
}

impl EventsSent {
    const ALL: [Self; 3] = [Self::Delivered, Self::Failed, Self::Paused];

    const fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Paused => "paused",
        }
    }
}

/// The states, as webhook/list names them.
const STATES: [&str; 3] = ["active", "failing", "paused"];

/// All that is counted of account webhooks.
#[derive(Debug, Default)]
pub struct AccountWebhooksMetrics {
    attempts: ByWord,
    events: prometheus_client::metrics::counter::Counter,
    states: Family<[(&'static str, &'static str); 1], Gauge>,
    lag_seconds: Gauge<f64, AtomicU64>,
    /// The webhooks of this process that have changes before them: when the oldest of these was applied.
    behind: Mutex<HashMap<WebhookKey, Timestamp>>,
}

impl AccountWebhooksMetrics {
    /// Shows all series, from 0 on.
    pub fn register(&self, registry: &mut Registry) {
        for sent in EventsSent::ALL {
            drop(self.attempts.get_or_create(&[("outcome", sent.word())]));
        }
        for state in STATES {
            drop(self.states.get_or_create(&[("state", state)]));
        }
        let help = "Attempts to send a message of an account webhook";
        registry.register("account_webhook_attempts", help, self.attempts.clone());
        let help = "Events of account webhooks that were delivered";
        registry.register("account_webhook_events", help, self.events.clone());
        registry.register("account_webhooks", "Account webhooks of the store, by state", self.states.clone());
        let help = "Age of the oldest change that an account webhook of this process has not sent yet";
        registry.register_with_unit("account_webhook_lag", help, Unit::Seconds, self.lag_seconds.clone());
    }

    /// A message with so many events was sent, or was not.
    pub fn sent(&self, sent: EventsSent, events: u32) {
        self.attempts.get_or_create(&[("outcome", sent.word())]).inc();
        if sent == EventsSent::Delivered {
            self.events.inc_by(events.into());
        }
    }

    /// A webhook has changes before it, the oldest of which was applied then, or has none.
    pub fn reached(&self, webhook: WebhookKey, oldest: Option<Timestamp>) {
        let mut behind = self.behind.lock().unwrap_or_else(PoisonError::into_inner);
        match oldest {
            Some(oldest) => drop(behind.insert(webhook, oldest)),
            None => drop(behind.remove(&webhook)),
        }
    }

    /// Forgets the webhooks that this process does not work any more.
    pub fn retain(&self, is_worked: impl Fn(&WebhookKey) -> bool) {
        let mut behind = self.behind.lock().unwrap_or_else(PoisonError::into_inner);
        behind.retain(|webhook, _| is_worked(webhook));
    }

    /// The webhooks of the store, and how far those of this process are behind now.
    pub fn look(&self, counts: Option<WebhookCounts>, now: Timestamp) {
        if let Some(WebhookCounts { active, failing, paused }) = counts {
            for (state, count) in STATES.into_iter().zip([active, failing, paused]) {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                self.states.get_or_create(&[("state", state)]).set(count);
            }
        }
        let behind = self.behind.lock().unwrap_or_else(PoisonError::into_inner);
        let lag = behind.values().map(|oldest| now.since(*oldest)).max();
        self.lag_seconds.set(lag.unwrap_or_default().as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use domain::journal::AccountNo;
    use storage::WebhookNo;

    #[test]
    fn the_lag_is_that_of_the_webhook_that_is_furthest_behind_and_is_worked() {
        let metrics = AccountWebhooksMetrics::default();
        let key = |no| WebhookKey { account: AccountNo(1), no: WebhookNo(no) };
        let at = |seconds: u64| Timestamp::from_millis(0).after(Duration::from_secs(seconds));
        let lag = |now| {
            metrics.look(None, at(now));
            metrics.lag_seconds.get()
        };
        assert!(lag(9) < 0.1);
        metrics.reached(key(1), Some(at(10)));
        metrics.reached(key(2), Some(at(14)));
        assert!((lag(20) - 10.0).abs() < 0.1);
        metrics.reached(key(1), None);
        assert!((lag(20) - 6.0).abs() < 0.1);
        metrics.retain(|webhook| *webhook != key(2));
        assert!(lag(20) < 0.1);
    }
}
