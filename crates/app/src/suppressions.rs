//! Suppression: addresses of an account that must not be written to.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Caller, Commands, Operation, Queries, Reach, Refusal, Result};
use crate::find::suppressed::suppressions;
use domain::clock::Timestamp;
use domain::contact::suppression::{Channel, Reason};
use domain::contact::{email, phone};
use domain::problem::Problem;
use storage::{
    AddError, Address, Contact, MAX_SUPPRESSIONS_PER_ACCOUNT, NewSuppression, Page, Suppression,
    SuppressionFilter, SuppressionPlace, Window,
};

/// Suppresses e-mail addresses.
pub static ADD_EMAILS: Operation = Operation::write("/v3/blacklist/add", Reach::Account);
/// Removes suppressions of an e-mail address.
pub static REMOVE_EMAIL: Operation = Operation::write("/v3/blacklist/remove", Reach::Account);
/// Finds suppressed e-mail addresses.
pub static FIND_EMAILS: Operation = Operation::read("/v3/blacklist/find", Reach::Account);
/// Suppresses phone numbers.
pub static ADD_PHONES: Operation = Operation::write("/v3/phone-blacklist/add", Reach::Account);
/// Removes suppressions of a phone number.
pub static REMOVE_PHONE: Operation = Operation::write("/v3/phone-blacklist/remove", Reach::Account);
/// Finds suppressed phone numbers.
pub static FIND_PHONES: Operation = Operation::read("/v3/phone-blacklist/find", Reach::Account);
/// Reads all suppressions, a page at a time.
pub static LIST: Operation = Operation::read("/v3/suppression/list", Reach::Account);

/// The longest log of a suppression, in bytes: the vendor's limit.
pub const MAX_RAW_LOG: usize = 1_024;

/// After how long suppressions expire; `None` for never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SuppressionExpiry {
    /// Those for [`Reason::Hard`].
    pub hard: Option<Duration>,
    /// Those for [`Reason::Undeliverable`].
    pub undeliverable: Option<Duration>,
}

impl SuppressionExpiry {
    fn of(self, reason: Reason, created_at: Timestamp) -> Option<Timestamp> {
        let lasts = match reason {
            Reason::Hard => self.hard,
            Reason::Undeliverable => self.undeliverable,
            _ => None,
        };
        lasts.map(|lasts| created_at.after(lasts))
    }
}

/// A valid address of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidAddress(Address);

impl ValidAddress {
    /// Checks an address.
    ///
    /// # Errors
    /// It is not one of that channel.
    pub fn parse(channel: Channel, text: &str) -> Result<Self, Problem> {
        match channel {
            Channel::Email if !email::is_valid(text) => {
                Err(Problem::new("INVALID_EMAIL", format!("Invalid RFC2822 email {text}")).of("email"))
            }
            Channel::Phone if !phone::is_valid(text) => {
                let text = format!("{text} is not a valid E.164 phone number");
                Err(Problem::new("INVALID_PHONE_NUMBER", text).of("phoneNumber"))
            }
            _ => Ok(Self(Address { channel, text: text.to_owned() })),
        }
    }
}

/// What a receiving server answered: at most [`MAX_RAW_LOG`] bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawLog(String);

impl RawLog {
    /// Checks its length.
    ///
    /// # Errors
    /// It is too long.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if text.len() > MAX_RAW_LOG {
            let text = format!("Argument rawLog cannot be longest {MAX_RAW_LOG} bytes");
            return Err(Problem::new("RAW_LOG_TOO_LONG", text).of("rawLog"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Reads the name of a reason.
///
/// # Errors
/// The channel has no such reason.
pub fn parse_reason(channel: Channel, name: &str) -> Result<Reason, Problem> {
    channel.reason(name).ok_or_else(|| {
        let allowed = channel.reason_names().join(", ");
        let text = match channel {
            Channel::Email => format!("Allowed rejectType is {allowed}, but {name} given"),
            Channel::Phone => format!("Allowed reject types are {allowed}, but {name} given"),
        };
        Problem::new("INVALID_REJECT_TYPE", text).of("rejectType")
    })
}

/// An address that is to be suppressed. Its reason is one of its channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppress {
    address: ValidAddress,
    reason: Reason,
    raw_log: Option<RawLog>,
    created_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

impl Suppress {
    /// From now on, and for as long as the settings say. A reason of the other channel becomes the channel's default.
    pub fn new(address: ValidAddress, reason: Reason, raw_log: Option<RawLog>) -> Self {
        let channel = address.0.channel;
        let reason = if reason.channel() == channel { reason } else { channel.default_reason() };
        Self { address, reason, raw_log, created_at: None, expires_at: None }
    }

    /// With the times of another system, where they are known.
    pub fn at(self, created_at: Option<Timestamp>, expires_at: Option<Timestamp>) -> Self {
        Self { created_at, expires_at, ..self }
    }

    /// The channel of its address.
    pub const fn channel(&self) -> Channel {
        self.address.0.channel
    }

    fn stored(self, expiry: SuppressionExpiry, now: Timestamp) -> NewSuppression {
        let created_at = self.created_at.unwrap_or(now).min(now);
        NewSuppression {
            address: self.address.0.text,
            reason: self.reason,
            raw_log: self.raw_log.map(|RawLog(log)| log),
            created_at,
            expires_at: self.expires_at.or_else(|| expiry.of(self.reason, created_at)),
        }
    }
}

impl Commands {
    /// Suppresses addresses of a channel: all of them, or none. Returns how many were not suppressed for their reason
    /// before.
    ///
    /// # Errors
    /// The caller may not, the account was removed or would have too many, or the store fails.
    pub async fn suppress(
        &self,
        caller: &Caller,
        channel: Channel,
        addresses: Vec<Suppress>,
    ) -> Result<usize> {
        let app = &self.0;
        let operation = match channel {
            Channel::Email => &ADD_EMAILS,
            Channel::Phone => &ADD_PHONES,
        };
        let work = async {
            let (account, now) = (caller.scope.account, app.clock.now());
            let stored = addresses.into_iter().map(|address| address.stored(app.suppression_expiry, now));
            // One that has expired already would count as absent.
            let lasting = |new: &NewSuppression| new.expires_at.is_none_or(|expires| expires > now);
            let stored: Vec<_> = stored.filter(lasting).collect();
            let added =
                app.storage.add_suppressions(account, stored, MAX_SUPPRESSIONS_PER_ACCOUNT, now).await;
            let added = added.map_err(|error| match error {
                AddError::TooMany(max) => {
                    let text = format!("Maximum count of suppressions per account is {max}");
                    Refusal::from(Problem::new("TOO_MANY_SUPPRESSIONS", text).of("records"))
                }
                other => other.into(),
            })?;
            app.metrics.suppressions_changed(true, added);
            Ok(added)
        };
        app.run(operation, caller, work).await
    }

    /// Removes the suppressions of an address, all or those for one reason. Returns how many there were.
    ///
    /// # Errors
    /// The caller may not, or the store fails.
    pub async fn unsuppress(
        &self,
        caller: &Caller,
        address: Address,
        reason: Option<Reason>,
    ) -> Result<usize> {
        let app = &self.0;
        let operation = match address.channel {
            Channel::Email => &REMOVE_EMAIL,
            Channel::Phone => &REMOVE_PHONE,
        };
        let work = async {
            let (account, now) = (caller.scope.account, app.clock.now());
            let removed = app.storage.remove_suppressions(account, address, reason, now).await;
            let removed = removed.map_err(Refusal::NotSaved)?;
            app.metrics.suppressions_changed(false, removed);
            Ok(removed)
        };
        app.run(operation, caller, work).await
    }
}

impl Queries {
    /// The account's suppressions that fit, the newest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn suppressions(
        &self,
        caller: &Caller,
        filter: SuppressionFilter,
        window: Window,
    ) -> Result<Page<Suppression>, storage::Error> {
        let app = &self.0;
        app.storage.find_suppressions(caller.scope.account, filter, window, app.clock.now()).await
    }

    /// The account's suppressions that fit behind a place, the oldest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn suppressions_after(
        &self,
        caller: &Caller,
        filter: SuppressionFilter,
        after: Option<SuppressionPlace>,
        limit: u32,
    ) -> Result<Vec<Suppression>, storage::Error> {
        let app = &self.0;
        app.storage.scan_suppressions(caller.scope.account, filter, after, limit, app.clock.now()).await
    }

    /// The suppressions of contacts, see [`suppressions`].
    ///
    /// # Errors
    /// The store fails.
    pub async fn suppressions_of<'a>(
        &self,
        caller: &Caller,
        contacts: impl IntoIterator<Item = &'a Contact>,
    ) -> Result<Vec<Vec<Suppression>>, storage::Error> {
        let app = &self.0;
        suppressions(&*app.storage, caller.scope.account, contacts, app.clock.now()).await
    }

    /// The suppressions of addresses, each once, the oldest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn suppressions_of_addresses(
        &self,
        caller: &Caller,
        addresses: Vec<Address>,
    ) -> Result<Vec<Suppression>, storage::Error> {
        let app = &self.0;
        let found = app.storage.suppressions_of(caller.scope.account, addresses, app.clock.now()).await?;
        // Two spellings of an address have the same suppressions.
        let by_place = found.into_iter().map(|(_, suppression)| (suppression.place(), suppression));
        Ok(by_place.collect::<BTreeMap<_, _>>().into_values().collect())
    }
}
