//! Account webhooks: what they send, where to, and how far they have come.

use super::changes::MAX_LISTS;
use super::webhooks::WebhookUrl;
use super::{Caller, Commands, Operation, Queries, Reach, Refusal, Result};
use crate::webhook::event;
use crate::webhook::position::Position;
use domain::contact::field::fits;
use domain::problem::Problem;
use storage::{AccountWebhook, WebhookConfig, WebhookKey, WebhookNo, WebhookProgress};

/// Makes a webhook.
pub static CREATE: Operation = Operation::write("/v3/webhook/create", Reach::Account);
/// Reads the webhooks.
pub static LIST: Operation = Operation::read("/v3/webhook/list", Reach::Account);
/// Lets a webhook continue.
pub static RESUME: Operation = Operation::write("/v3/webhook/resume", Reach::Account);
/// Removes a webhook.
pub static REMOVE: Operation = Operation::write("/v3/webhook/remove", Reach::Account);

/// Webhooks of an account.
pub const MAX_WEBHOOKS: usize = 20;

/// The longest title, in Unicode scalar values.
pub const MAX_TITLE: usize = 150;

/// The names of events that a webhook may have.
pub const MAX_EVENTS: usize = 100;

/// Events of a message.
pub const MAX_BATCH: u32 = 100;

/// The title of a webhook: not blank, at most [`MAX_TITLE`] characters.
#[derive(Clone, Debug)]
pub struct Title(String);

impl Title {
    /// Checks a title; `None` is a value that is not a text.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(title: Option<&str>) -> Result<Self, Problem> {
        let text = "Argument title must be a non-empty string with max length 150 chars";
        title
            .filter(|title| !title.trim().is_empty() && fits(title, MAX_TITLE) && !title.contains('\0'))
            .map(|title| Self(title.to_owned()))
            .ok_or_else(|| Problem::new("INVALID_TITLE", text).of("title"))
    }
}

/// Names of events that a webhook may be made for, each once.
#[derive(Clone, Debug)]
pub struct EventNames(Vec<String>);

impl EventNames {
    /// Checks names; `None` is a value that is no array of texts.
    ///
    /// # Errors
    /// There is none, there are too many, or one is unknown.
    pub fn parse(names: Option<Vec<String>>) -> Result<Self, Problem> {
        let names = names.filter(|names| (1..=MAX_EVENTS).contains(&names.len())).ok_or_else(|| {
            let text = format!("Argument events must be an array of 1 to {MAX_EVENTS} names of events");
            Problem::new("INVALID_EVENTS", text).of("events")
        })?;
        let mut known: Vec<String> = Vec::with_capacity(names.len());
        for name in names {
            if !event::is_accepted(&name) {
                let text = format!("There is no event {name}");
                return Err(Problem::new("UNKNOWN_EVENT", text).of("events"));
            }
            if !known.contains(&name) {
                known.push(name);
            }
        }
        Ok(Self(known))
    }

    /// Names that are accepted and never sent.
    pub fn never_sent(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str).filter(|name| !event::is_sent(name))
    }
}

/// A webhook that is to be made.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// Its title.
    pub title: Title,
    /// Where it is sent.
    pub to: WebhookUrl,
    /// Its events.
    pub events: EventNames,
    /// A domain of the vendor, which is only echoed.
    pub domain: Option<String>,
    /// Whether several messages may be out at a time.
    pub parallel: bool,
    /// Events of a message, at most [`MAX_BATCH`].
    pub batch: u32,
}

impl Queries {
    /// The account's webhooks, the oldest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn account_webhooks(&self, caller: &Caller) -> Result<Vec<AccountWebhook>, storage::Error> {
        self.0.storage.account_webhooks(caller.scope.account).await
    }
}

impl Commands {
    /// Makes a webhook, which gets the changes from now on.
    ///
    /// # Errors
    /// The caller may not, the account has as many as it may, or the store fails.
    pub async fn create_webhook(&self, caller: &Caller, new: NewWebhook) -> Result<AccountWebhook> {
        let app = &self.0;
        let work = async {
            let (account, now) = (caller.scope.account, app.clock.now());
            let lists = app.storage.account_lists(account).await?;
            if lists.len() > MAX_LISTS {
                let text = format!("Webhooks follow at most {MAX_LISTS} lists, and the account has more");
                return Err(Problem::new("TOO_MANY_LISTS", text).into());
            }
            let lists = lists.into_iter().map(|(list, _)| list).collect();
            let cursor = app.storage.change_cursor(account, None, lists).await?;
            // Behind the last change of suppressions.
            let suppressed = match new.events.0.iter().any(|name| name == event::SUPPRESSED) {
                true => {
                    Some(app.storage.added_suppressions(account, i64::MAX.unsigned_abs(), 1, now).await?.next)
                }
                false => None,
            };
            let follows_segments = |name: &String| event::SEGMENT.contains(&name.as_str());
            let segments = match new.events.0.iter().any(follows_segments) {
                true => Some(app.storage.segment_events(account, i64::MAX.unsigned_abs(), 1).await?.last),
                false => None,
            };
            let known = app.storage.account_webhooks(account).await?;
            // Numbers are of the account alone, and of removed webhooks the log still has them: so they are drawn.
            let number = i64::from(u32::from_be_bytes(domain::secret::random()) >> 1).max(1);
            let webhook = AccountWebhook {
                key: WebhookKey { account, no: WebhookNo(number) },
                config: WebhookConfig {
                    title: new.title.0,
                    to: new.to.into_webhook(),
                    events: new.events.0,
                    domain: new.domain,
                    parallel: new.parallel,
                    batch: new.batch.clamp(1, MAX_BATCH),
                },
                created_at: now,
                progress: WebhookProgress {
                    cursor: Position { changes: cursor.to_bytes(), suppressed, segments }.to_bytes(),
                    segments,
                    attempts: 0,
                    next_at: now,
                    failing_since: None,
                    paused: None,
                    skipped_at: None,
                },
                lease: 0,
            };
            let added = known.len() < MAX_WEBHOOKS
                && app.storage.add_webhook(webhook.clone(), MAX_WEBHOOKS).await.map_err(Refusal::NotSaved)?;
            if added {
                return Ok(webhook);
            }
            let text = format!("Maximum count of webhooks per account is {MAX_WEBHOOKS}");
            Err(Problem::new("TOO_MANY_WEBHOOKS", text).into())
        };
        app.run(&CREATE, caller, work).await
    }

    /// Lets a webhook continue that is paused or waits after a failure.
    ///
    /// # Errors
    /// The caller may not, there is no such webhook, or the store fails.
    pub async fn resume_webhook(&self, caller: &Caller, no: WebhookNo) -> Result<()> {
        let app = &self.0;
        let work = async {
            let key = WebhookKey { account: caller.scope.account, no };
            let resumed = app.storage.resume_webhook(key, app.clock.now()).await;
            if resumed.map_err(Refusal::NotSaved)? { Ok(()) } else { Err(not_found(no).into()) }
        };
        app.run(&RESUME, caller, work).await
    }

    /// Removes a webhook.
    ///
    /// # Errors
    /// The caller may not, there is no such webhook, or the store fails.
    pub async fn remove_webhook(&self, caller: &Caller, no: WebhookNo) -> Result<()> {
        let app = &self.0;
        let work = async {
            let key = WebhookKey { account: caller.scope.account, no };
            let removed = app.storage.remove_webhook(key).await.map_err(Refusal::NotSaved)?;
            if removed { Ok(()) } else { Err(not_found(no).into()) }
        };
        app.run(&REMOVE, caller, work).await
    }
}

/// The account has no webhook of this number.
pub fn not_found(no: WebhookNo) -> Problem {
    let text = format!("Web hook config {} not found in your account", no.0);
    Problem::new("WEBHOOK_NOT_FOUND", text).of("id")
}
