//! The delivery log of webhooks, sending again, and test events.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;

use super::{Caller, Commands, Operation, Queries, Reach, Refusal, Result, Services, account_webhooks};
use crate::webhook::send::Message;
use crate::webhook::sign::{self, Secret};
use domain::clock::Timestamp;
use domain::contact::webhook_uri::WebHookUri;
use domain::id::ObjectId;
use domain::journal::{AccountNo, WebHook};
use domain::problem::Problem;
use storage::{
    AttemptFilter, DeliveryEnd, EndpointHealth, LoggedAttempt, NewAttempt, Page, Response, WebhookNo, Window,
};

/// Reads the delivery log.
pub static DELIVERIES: Operation = Operation::read("/v3/webhook/deliveries", Reach::Account);
/// Reads how receivers fare.
pub static HEALTH: Operation = Operation::read("/v3/webhook/health", Reach::Account);
/// Sends the status webhook of a request again.
pub static RESEND: Operation = Operation::write("/v3/webhook/resend", Reach::Account);
/// Sends status webhooks again that were given up.
pub static RESEND_FAILED: Operation = Operation::write("/v3/webhook/resend-failed", Reach::Account);
/// Sends a test event.
pub static TEST: Operation = Operation::write("/v3/webhook/test", Reach::Account);

/// Webhooks that one transaction makes due again: applying waits no longer than that.
const CHUNK: u32 = 500;

/// Webhooks that one call makes due again.
pub const MAX_RESENT: u32 = 10_000;

/// The name of a test event.
pub const TEST_EVENT: &str = "webhook.test";

/// How often a test is tried while the server itself has no connection for the account, and the wait between.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(100);

/// What sending again came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resent {
    /// The webhooks that are due again.
    pub count: u32,
    /// Whether there may be more.
    pub more: bool,
}

/// Where a webhook is sent: an absolute http or https URI without credentials.
#[derive(Clone, Debug)]
pub struct WebhookUrl(WebHook);

impl WebhookUrl {
    /// Where it goes.
    pub fn into_webhook(self) -> WebHook {
        self.0
    }

    /// Checks a URL; `None` is a value that is not a text.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(url: Option<&str>) -> Result<Self, Problem> {
        let uri = url.and_then(WebHookUri::parse);
        let uri = uri.map(|uri| WebHook { receiver: uri.receiver(), uri: uri.as_str().to_owned() });
        let text = "Argument url must be a valid URI";
        uri.map(Self).ok_or_else(|| Problem::new("INVALID_URL", text).of("url"))
    }
}

/// Where a test event is sent.
#[derive(Clone, Debug)]
pub enum TestTarget {
    /// To any receiver.
    Url(WebhookUrl),
    /// To the receiver of an account webhook.
    Webhook(WebhookNo),
}

impl Queries {
    /// The attempts that fit, the newest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn deliveries(
        &self,
        caller: &Caller,
        filter: AttemptFilter,
        window: Window,
    ) -> Result<Page<LoggedAttempt>, storage::Error> {
        self.0.storage.attempts(caller.scope.account, filter, window).await
    }

    /// The attempt with that id.
    ///
    /// # Errors
    /// The store fails.
    pub async fn delivery(
        &self,
        caller: &Caller,
        id: ObjectId,
    ) -> Result<Option<LoggedAttempt>, storage::Error> {
        let filter = AttemptFilter { id: Some(id), ..AttemptFilter::default() };
        let found = self.deliveries(caller, filter, Window { offset: 0, limit: 1 }).await?;
        Ok(found.rows.into_iter().next())
    }

    /// How each receiver fares.
    ///
    /// # Errors
    /// The store fails.
    pub async fn endpoint_health(&self, caller: &Caller) -> Result<Vec<EndpointHealth>, storage::Error> {
        self.0.storage.endpoint_health(caller.scope.account).await
    }
}

impl Commands {
    /// Makes the status webhook of a request due again, in whatever state it is. Whether the request has one.
    ///
    /// # Errors
    /// The caller may not, or the store fails.
    pub async fn resend_webhook(&self, caller: &Caller, request: ObjectId) -> Result<bool> {
        let app = &self.0;
        let work = async {
            let resent = app.storage.resend(Some(caller.scope.account), request, app.clock.now()).await;
            resent.map_err(Refusal::NotSaved)
        };
        app.run(&RESEND, caller, work).await
    }

    /// Makes status webhooks due again that were given up and were last tried at `since` or later, at most
    /// [`MAX_RESENT`].
    ///
    /// # Errors
    /// The caller may not, or the store fails; some may be due again then.
    pub async fn resend_failed_webhooks(&self, caller: &Caller, since: Timestamp) -> Result<Resent> {
        let app = &self.0;
        let work = async {
            let (mut count, now) = (0, app.clock.now());
            loop {
                let resent = app.storage.resend_failed(caller.scope.account, since, now, CHUNK).await;
                let resent = resent.map_err(Refusal::NotSaved)?;
                count += resent;
                if resent < CHUNK || count >= MAX_RESENT {
                    return Ok(Resent { count, more: resent >= CHUNK });
                }
                // A chunk at a time, so that applying gets its turns.
                tokio::task::yield_now().await;
            }
        };
        app.run(&RESEND_FAILED, caller, work).await
    }

    /// Sends a signed test event at once, and logs the attempt.
    ///
    /// # Errors
    /// The caller may not, there is no such webhook, the server has no connection left for the account, or the store
    /// fails.
    pub async fn test_webhook(&self, caller: &Caller, to: TestTarget) -> Result<LoggedAttempt> {
        let app = &self.0;
        let work = async {
            let (webhook, to) = match to {
                TestTarget::Url(url) => (None, url.0),
                TestTarget::Webhook(no) => {
                    let known = app.storage.account_webhooks(caller.scope.account).await?;
                    let webhook = known.into_iter().find(|webhook| webhook.key.no == no);
                    (Some(no), webhook.ok_or_else(|| account_webhooks::not_found(no))?.config.to)
                }
            };
            let attempt = app.send_test(caller.scope.account, webhook, to).await?.ok_or_else(|| {
                let text = "The server has no connection left for this account, please try again later";
                Problem::new("TEST_NOT_SENT", text)
            })?;
            let new = NewAttempt { account: caller.scope.account, attempt: attempt.clone() };
            app.storage.log_attempt(new).await.map_err(Refusal::NotSaved)?;
            Ok(attempt)
        };
        app.run(&TEST, caller, work).await
    }
}

impl Services {
    /// Sends a test event. `None` if nothing was tried.
    async fn send_test(
        &self,
        account: AccountNo,
        webhook: Option<WebhookNo>,
        to: WebHook,
    ) -> Result<Option<LoggedAttempt>, storage::Error> {
        let (now, start) = (self.clock.now(), Instant::now());
        let id = self.ids.next(now);
        let secrets = self.storage.webhook_secrets(account, now).await?;
        let secrets: Vec<Secret> = secrets.iter().filter_map(|text| Secret::parse(text)).collect();
        let timestamp_seconds = self.clock.system().seconds();
        let body = json!({ "datetime": timestamp_seconds, "event": TEST_EVENT, "id": id }).to_string();
        let message = Message {
            account,
            uri: to.uri.clone(),
            signature: sign::signatures(&secrets, &id.to_string(), timestamp_seconds, body.as_bytes()),
            id: id.to_string(),
            timestamp_seconds,
            body: Bytes::from(body),
        };
        let response = match secrets.is_empty() {
            true => Some(Response::from(DeliveryEnd::Unsigned)),
            false => self.try_to_send(message).await,
        };
        Ok(response.map(|response| LoggedAttempt {
            id,
            webhook,
            request: None,
            uri: to.uri,
            receiver: to.receiver,
            number: 0,
            events: 1,
            at: self.clock.now(),
            took: start.elapsed(),
            end: response.end,
            status: response.status,
            answer: Some(response.answer),
        }))
    }

    async fn try_to_send(&self, message: Message) -> Option<Response> {
        for _ in 1..TRIES {
            if let Some(response) = self.transport.send(message.clone()).await {
                return Some(response);
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.transport.send(message).await
    }
}
