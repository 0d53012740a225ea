//! Account webhooks: reading and changing fail on demand, as all else does.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::journal::AccountNo;
use storage::{AccountWebhook, AccountWebhooks, Error, WebhookCounts, WebhookKey, WebhookReport};

use super::{Faulty, forward};

forward! { AccountWebhooks:
    change fn add_webhook(webhook: AccountWebhook, max: usize) -> Result<bool, Error>;
    read fn account_webhooks(account: AccountNo) -> Result<Vec<AccountWebhook>, Error>;
    read fn count_webhooks() -> Result<WebhookCounts, Error>;
    change fn remove_webhook(key: WebhookKey) -> Result<bool, Error>;
    change fn resume_webhook(key: WebhookKey, now: Timestamp) -> Result<bool, Error>;
    change fn claim_webhooks() -> Result<Vec<AccountWebhook>, Error>;
    change fn report_webhook(report: WebhookReport) -> Result<bool, Error>;
}
