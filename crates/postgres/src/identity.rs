//! Accounts, users and tokens: see [`Identity`].

use super::catalogue;

use async_trait::async_trait;

use super::store::PostgresStore;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use storage::{Access, Account, Error, Identity, LINK_KEY, NewAccount, NewToken, Token, TokenError};

#[async_trait]
impl Identity for PostgresStore {
    async fn find_access(&self, key: String) -> Result<Option<Access>, Error> {
        self.read(move |session, _| catalogue::tokens::find_access(session, &key)).await
    }

    fn link_key(&self) -> [u8; 32] {
        self.shared.key.derive(LINK_KEY)
    }

    async fn add_account(&self, account: NewAccount, now: Timestamp) -> Result<(), Error> {
        self.change(move |session| catalogue::accounts::add(session, &account, now)).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, Error> {
        self.read(|session, _| catalogue::accounts::all(session)).await
    }

    async fn set_account_enabled(&self, id: ObjectId, enabled: bool) -> Result<bool, Error> {
        self.change(move |session| catalogue::accounts::set_enabled(session, id, enabled)).await
    }

    async fn remove_account(&self, id: ObjectId) -> Result<bool, Error> {
        self.change(move |session| catalogue::accounts::remove(session, id)).await
    }

    async fn webhook_secret(&self, id: ObjectId) -> Result<Option<String>, Error> {
        self.read(move |session, _| catalogue::accounts::webhook_secret(session, id)).await
    }

    async fn set_webhook_secret(
        &self,
        id: ObjectId,
        secret: String,
        previous_until: Timestamp,
    ) -> Result<bool, Error> {
        self.change(move |session| {
            catalogue::accounts::set_webhook_secret(session, id, &secret, previous_until)
        })
        .await
    }

    async fn add_token(&self, user: ObjectId, token: NewToken, now: Timestamp) -> Result<(), TokenError> {
        self.change(move |session| catalogue::tokens::add(session, user, &token, now)).await
    }

    async fn tokens(&self, account: Option<ObjectId>) -> Result<Vec<Token>, Error> {
        self.read(move |session, _| catalogue::tokens::all(session, account)).await
    }

    async fn revoke_token(&self, key: String, now: Timestamp) -> Result<bool, Error> {
        self.change(move |session| catalogue::tokens::revoke(session, &key, now)).await
    }
}
