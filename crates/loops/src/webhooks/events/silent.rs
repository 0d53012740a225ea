//! Events that are no changes of contacts: of suppressed addresses, and of segments.

use tokio::sync::watch;

use super::EventSender;
use crate::webhooks::messages;
use app::Caller;
use app::webhook::position::Position;
use domain::clock::Timestamp;
use storage::{AccountWebhook, Error};

impl EventSender {
    /// Sends the events of the suppressions that were added meanwhile. Whether the worker goes on.
    pub(super) async fn send_suppressed(
        &self,
        webhook: &mut AccountWebhook,
        caller: &Caller,
        stop: &watch::Receiver<bool>,
        stored_at: &mut Timestamp,
    ) -> Result<bool, Error> {
        let position = Position::of(&webhook.progress);
        let Some(after) = position.suppressed else { return Ok(true) };
        let (added, next) = {
            let _place = self.reading.acquire().await;
            self.queries.suppressed_contacts(caller, after).await?
        };
        if next == after {
            return Ok(true);
        }
        let messages = messages::of_suppressions(webhook, &position, added);
        let end = Position { suppressed: Some(next), ..position };
        self.send_all(webhook, messages, end, stop, stored_at).await
    }

    /// Sends the events of one page of contacts that joined or left segments. Whether there are more; `None` ends the
    /// worker.
    pub(super) async fn send_segments(
        &self,
        webhook: &mut AccountWebhook,
        caller: &Caller,
        stop: &watch::Receiver<bool>,
        stored_at: &mut Timestamp,
    ) -> Result<Option<bool>, Error> {
        let position = Position::of(&webhook.progress);
        let Some(after) =
            position.segments.filter(|_| webhook.progress.attempts == 0 || self.is_due(webhook))
        else {
            return Ok(Some(false));
        };
        let read = {
            let _place = self.reading.acquire().await;
            self.queries.segment_changes(caller, after).await?
        };
        if read.lost {
            tracing::warn!(
                webhook = webhook.key.no.0,
                "webhooks: events of segments no longer stored, skipped"
            );
            webhook.progress.skipped_at = Some(self.clock.now());
        }
        if read.next == after {
            return Ok(Some(false));
        }
        let messages = messages::of_segments(webhook, &position, &read.changes);
        let end = Position { segments: Some(read.next), ..position };
        let goes_on = self.send_all(webhook, messages, end, stop, stored_at).await?;
        Ok(goes_on.then_some(read.more))
    }

    /// Whether the next attempt is due: after a failure, the worker waits.
    fn is_due(&self, webhook: &AccountWebhook) -> bool {
        webhook.progress.next_at <= self.clock.now()
    }
}
