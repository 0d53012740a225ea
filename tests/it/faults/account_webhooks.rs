//! Account webhooks: reading and changing fail on demand, as all else does.

use async_trait::async_trait;
use rollbook::clock::Timestamp;
use rollbook::journal::AccountNo;
use rollbook::storage::{AccountWebhook, AccountWebhooks, Error, WebhookKey, WebhookReport};

use super::Faulty;

#[async_trait]
impl AccountWebhooks for Faulty {
    async fn add_webhook(&self, webhook: AccountWebhook, max: usize) -> Result<bool, Error> {
        self.change()?;
        self.store.add_webhook(webhook, max).await
    }

    async fn account_webhooks(&self, account: AccountNo) -> Result<Vec<AccountWebhook>, Error> {
        self.read()?;
        self.store.account_webhooks(account).await
    }

    async fn remove_webhook(&self, key: WebhookKey) -> Result<bool, Error> {
        self.change()?;
        self.store.remove_webhook(key).await
    }

    async fn resume_webhook(&self, key: WebhookKey, now: Timestamp) -> Result<bool, Error> {
        self.change()?;
        self.store.resume_webhook(key, now).await
    }

    async fn claim_webhooks(&self) -> Result<Vec<AccountWebhook>, Error> {
        self.change()?;
        self.store.claim_webhooks().await
    }

    async fn report_webhook(&self, report: WebhookReport) -> Result<bool, Error> {
        self.change()?;
        self.store.report_webhook(report).await
    }
}
