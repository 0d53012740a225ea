//! Accounts, and who may send.

use crate::User;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use domain::token::SecretHash;

/// What a token may do in its account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Whether it may only look.
    pub read_only: bool,
    /// The lists that it is limited to, also those that are gone; `None` where it is not limited.
    pub lists: Option<Vec<ObjectId>>,
}

/// A token, its user and its account, as the gate needs them.
#[derive(Clone, Debug)]
pub struct Access {
    /// The hash of its secret part.
    pub secret_hash: SecretHash,
    /// Whether it was revoked.
    pub revoked: bool,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// What it may do.
    pub scope: Scope,
    /// The user.
    pub user: ObjectId,
    /// Whether the user may do anything.
    pub user_enabled: bool,
    /// The account; `None` once it is gone.
    pub account: Option<AccessAccount>,
}

impl Access {
    /// Whether the token may be used at that time, apart from its secret.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        let expired = self.expires_at.is_some_and(|end| end <= now);
        let enabled = self.account.as_ref().is_some_and(|account| account.enabled);
        !self.revoked && !expired && self.user_enabled && enabled
    }
}

/// An account, as the gate needs it.
#[derive(Clone, Debug)]
pub struct AccessAccount {
    /// Its number.
    pub no: AccountNo,
    /// Its name.
    pub name: String,
    /// Whether its users may do anything.
    pub enabled: bool,
}

/// What has changed of accounts, users, tokens, lists, variables and sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueChanges {
    /// The present version: the number of changes.
    pub version: u64,
    /// The accounts that were changed since; `None` where these are not known any more, or a change was of no one
    /// account.
    pub accounts: Option<Vec<AccountNo>>,
}

/// An account, for those who administer it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its public id.
    pub id: ObjectId,
    /// Its name.
    pub name: String,
    /// Whether its users may do anything.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its users, the oldest first.
    pub users: Vec<User>,
}

/// An account that is to be made, with its first user.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its public id.
    pub id: ObjectId,
    /// Its name.
    pub name: String,
    /// The first user's public id.
    pub user: ObjectId,
    /// Its webhook secret, `whsec_…`.
    pub webhook_secret: String,
    /// The user's first token.
    pub token: NewToken,
}

/// A token that is to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its public part.
    pub key: String,
    /// The hash of its secret part.
    pub secret_hash: SecretHash,
    /// What it is for.
    pub name: String,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// What it may do.
    pub scope: Scope,
}

/// A token, for those who administer it.
#[derive(Clone, Debug)]
pub struct Token {
    /// Its public part.
    pub key: String,
    /// What it is for.
    pub name: String,
    /// Its user.
    pub user: ObjectId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was used last, to some minutes; `None` where it never was, or not since this is noted.
    pub used_at: Option<Timestamp>,
    /// What it may do.
    pub scope: Scope,
}
