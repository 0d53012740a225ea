//! One attempt to send a message, and what is stored of it.

use std::time::{Duration, Instant};

use super::{EventSender, PAUSE};
use crate::webhooks::messages::Events;
use app::webhook::send::Message;
use app::webhook::sign::{self, Secret};
use domain::clock::Timestamp;
use storage::{
    AccountWebhook, DeliveryEnd, Error, LoggedAttempt, Response, WebhookKey, WebhookProgress, WebhookReport,
};

impl EventSender {
    pub(super) async fn report(
        &self,
        webhook: &mut AccountWebhook,
        progress: WebhookProgress,
        attempts: Vec<LoggedAttempt>,
    ) -> Result<bool, Error> {
        let report =
            WebhookReport { key: webhook.key, lease: webhook.lease, progress: progress.clone(), attempts };
        let holds = self.storage.report_webhook(report).await?;
        webhook.progress = progress;
        Ok(holds)
    }

    pub(super) async fn secrets(&self, key: WebhookKey) -> Result<Vec<Secret>, Error> {
        let secrets = self.storage.webhook_secrets(key.account, self.clock.now()).await?;
        Ok(secrets.iter().filter_map(|text| Secret::parse(text)).collect())
    }

    /// Makes one attempt to send a message.
    pub(super) async fn send(
        &self,
        webhook: &AccountWebhook,
        events: &Events,
        secrets: &[Secret],
    ) -> (Response, Duration) {
        if secrets.is_empty() {
            return (DeliveryEnd::Unsigned.into(), Duration::ZERO);
        }
        let _place = self.out.acquire().await;
        loop {
            // Receivers compare it with their own clocks.
            let timestamp_seconds = self.clock.system().seconds();
            let message = Message {
                account: webhook.key.account,
                uri: webhook.config.to.uri.clone(),
                id: events.id.clone(),
                timestamp_seconds,
                signature: sign::signatures(secrets, &events.id, timestamp_seconds, &events.body),
                body: events.body.clone(),
            };
            let start = Instant::now();
            if let Some(response) = self.transport.send(message).await {
                return (response, start.elapsed());
            }
            // The account has no look-up left: that is no attempt.
            tokio::time::sleep(PAUSE).await;
        }
    }

    pub(super) fn logged(
        &self,
        webhook: &AccountWebhook,
        events: &Events,
        response: Response,
        took: Duration,
        number: u32,
        at: Timestamp,
    ) -> LoggedAttempt {
        LoggedAttempt {
            id: self.ids.next(at),
            webhook: Some(webhook.key.no),
            request: None,
            uri: webhook.config.to.uri.clone(),
            receiver: webhook.config.to.receiver.clone(),
            number,
            events: events.count,
            at,
            took,
            end: response.end,
            status: response.status,
            answer: Some(response.answer),
        }
    }
}
