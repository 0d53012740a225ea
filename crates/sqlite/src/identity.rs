//! Accounts, users and tokens: see [`Identity`].

use super::catalogue;

use async_trait::async_trait;

use super::store::SqliteStore;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use storage::{Access, Account, Error, Identity, LINK_KEY, NewAccount, NewToken, Token, TokenError};

#[async_trait]
impl Identity for SqliteStore {
    async fn find_access(&self, key: String) -> Result<Option<Access>, Error> {
        self.gate.call(move |intake| catalogue::tokens::find_access(intake, &key)).await
    }

    fn link_key(&self) -> [u8; 32] {
        self.shared.key.derive(LINK_KEY)
    }

    async fn add_account(&self, account: NewAccount, now: Timestamp) -> Result<(), Error> {
        self.intake.call(move |intake| catalogue::accounts::add(intake, &account, now)).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, Error> {
        self.read(|pair, _| catalogue::accounts::all(&pair.intake)).await
    }

    async fn set_account_enabled(&self, id: ObjectId, enabled: bool) -> Result<bool, Error> {
        self.intake.call(move |intake| catalogue::accounts::set_enabled(intake, id, enabled)).await
    }

    async fn remove_account(&self, id: ObjectId) -> Result<bool, Error> {
        self.intake.call(move |intake| catalogue::accounts::remove(intake, id)).await
    }

    async fn webhook_secret(&self, id: ObjectId) -> Result<Option<String>, Error> {
        self.read(move |pair, _| catalogue::accounts::webhook_secret(&pair.intake, id)).await
    }

    async fn set_webhook_secret(
        &self,
        id: ObjectId,
        secret: String,
        previous_until: Timestamp,
    ) -> Result<bool, Error> {
        self.intake
            .call(move |intake| catalogue::accounts::set_webhook_secret(intake, id, &secret, previous_until))
            .await
    }

    async fn add_token(&self, user: ObjectId, token: NewToken, now: Timestamp) -> Result<(), TokenError> {
        self.intake.call(move |intake| Ok(catalogue::tokens::add(intake, user, &token, now))).await?
    }

    async fn tokens(&self, account: Option<ObjectId>) -> Result<Vec<Token>, Error> {
        self.read(move |pair, _| catalogue::tokens::all(&pair.intake, account)).await
    }

    async fn revoke_token(&self, key: String, now: Timestamp) -> Result<bool, Error> {
        self.intake.call(move |intake| catalogue::tokens::revoke(intake, &key, now)).await
    }
}
