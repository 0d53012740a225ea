//! Accounts and their access tokens.

use async_trait::async_trait;

use super::{Access, Account, Error, NewAccount, NewToken, Token, TokenError};
use domain::clock::Timestamp;
use domain::id::ObjectId;

/// Accounts, their webhook secrets and their access tokens.
#[async_trait]
pub trait Identity: Send + Sync + 'static {
    /// The token with that public part.
    async fn find_access(&self, key: String) -> Result<Option<Access>, Error>;

    /// The key that signs unsubscribe links: derived from the store's own key, and so copied with the store.
    fn link_key(&self) -> [u8; 32];

    /// Makes an account with a user and a token.
    async fn add_account(&self, account: NewAccount, now: Timestamp) -> Result<(), Error>;

    /// All accounts.
    async fn accounts(&self) -> Result<Vec<Account>, Error>;

    /// Enables or disables an account; whether it is there.
    async fn set_account_enabled(&self, id: ObjectId, enabled: bool) -> Result<bool, Error>;

    /// Removes an account with its lists and sources at once. Its contacts follow as pruning gets to them; the
    /// results of its requests, which nobody can ask for any more, go when their time is up.
    /// Whether it was there.
    async fn remove_account(&self, id: ObjectId) -> Result<bool, Error>;

    /// The secret that signs an account's webhooks; `None` where there is no such account.
    async fn webhook_secret(&self, id: ObjectId) -> Result<Option<String>, Error>;

    /// Puts a new webhook secret in place; the old one signs too until `previous_until`. Whether the account is there.
    async fn set_webhook_secret(
        &self,
        id: ObjectId,
        secret: String,
        previous_until: Timestamp,
    ) -> Result<bool, Error>;

    /// Makes a token of a user, limited to lists that its account has.
    async fn add_token(&self, user: ObjectId, token: NewToken, now: Timestamp) -> Result<(), TokenError>;

    /// The tokens of an account, or all.
    async fn tokens(&self, account: Option<ObjectId>) -> Result<Vec<Token>, Error>;

    /// Revokes a token; whether it is there.
    async fn revoke_token(&self, key: String, now: Timestamp) -> Result<bool, Error>;
}
