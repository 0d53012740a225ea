//! Users of the console.

use async_trait::async_trait;

use super::SqliteStore;
use super::catalogue::{links, logins, tokens, users};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use storage::{
    Error, FirstAccount, LinkError, LinkFor, Login, Logins, NewLogin, NewSession, Session, SignedIn,
    TextHash, User, UserChange, UserRole,
};

#[async_trait]
impl Logins for SqliteStore {
    async fn has_logins(&self) -> Result<bool, Error> {
        self.gate.call(|intake| logins::any(intake)).await
    }

    async fn users(&self, account: AccountNo) -> Result<Vec<User>, Error> {
        self.gate.call(move |intake| users::all(intake, account)).await
    }

    async fn add_user(
        &self,
        account: ObjectId,
        user: ObjectId,
        (name, role): (String, UserRole),
        max: usize,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.intake.call(move |intake| users::add(intake, account, (user, &name, role), max, now)).await
    }

    async fn rename_user(&self, user: ObjectId, name: String) -> Result<bool, Error> {
        self.intake.call(move |intake| users::rename(intake, user, &name)).await
    }

    async fn set_user_language(&self, user: ObjectId, language: Option<String>) -> Result<bool, Error> {
        self.intake.call(move |intake| users::set_language(intake, user, language.as_deref())).await
    }

    async fn set_user_role(&self, user: ObjectId, role: UserRole) -> Result<UserChange, Error> {
        self.intake.call(move |intake| users::set_role(intake, user, role)).await
    }

    async fn enable_user(&self, user: ObjectId) -> Result<bool, Error> {
        self.intake.call(move |intake| users::enable(intake, user)).await
    }

    async fn disable_user(&self, user: ObjectId, keys_to: Option<ObjectId>) -> Result<UserChange, Error> {
        self.intake.call(move |intake| users::disable(intake, user, keys_to)).await
    }

    async fn find_login(&self, address: String) -> Result<Option<Login>, Error> {
        self.gate.call(move |intake| logins::find(intake, &address)).await
    }

    async fn set_password(
        &self,
        user: ObjectId,
        present: String,
        password: String,
        keep: TextHash,
    ) -> Result<bool, Error> {
        self.intake.call(move |intake| logins::set_password(intake, user, &present, &password, &keep)).await
    }

    async fn add_session(
        &self,
        user: ObjectId,
        password: String,
        session: NewSession,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.intake.call(move |intake| logins::add_session(intake, user, &password, &session, now)).await
    }

    async fn find_session(
        &self,
        hash: TextHash,
        idle_since: Timestamp,
        now: Timestamp,
    ) -> Result<Option<SignedIn>, Error> {
        self.gate.call(move |intake| logins::find_session(intake, &hash, idle_since, now)).await
    }

    async fn touch_session(&self, hash: TextHash, now: Timestamp) -> Result<(), Error> {
        self.intake.call(move |intake| logins::touch_session(intake, &hash, now)).await
    }

    async fn sessions(
        &self,
        user: ObjectId,
        idle_since: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Session>, Error> {
        self.gate.call(move |intake| logins::sessions(intake, user, idle_since, now)).await
    }

    async fn remove_session(&self, hash: TextHash) -> Result<(), Error> {
        self.intake.call(move |intake| logins::remove_session(intake, &hash)).await
    }

    async fn remove_other_sessions(&self, user: ObjectId, keep: TextHash) -> Result<(), Error> {
        self.intake.call(move |intake| logins::remove_other_sessions(intake, user, &keep)).await
    }

    async fn add_link(
        &self,
        hash: TextHash,
        user: Option<ObjectId>,
        expires_at: Timestamp,
    ) -> Result<bool, Error> {
        self.intake.call(move |intake| links::add(intake, &hash, user, expires_at)).await
    }

    async fn find_link(&self, hash: TextHash, now: Timestamp) -> Result<Option<LinkFor>, Error> {
        self.gate.call(move |intake| links::find(intake, &hash, now)).await
    }

    async fn use_link(
        &self,
        hash: TextHash,
        account: FirstAccount,
        login: NewLogin,
        session: NewSession,
        now: Timestamp,
    ) -> Result<(), LinkError> {
        self.intake
            .call(move |intake| Ok(links::use_once(intake, &hash, &account, &login, &session, now)))
            .await?
    }

    async fn note_used(&self, used: Vec<(String, Timestamp)>) -> Result<(), Error> {
        self.intake.call(move |intake| tokens::note_used(intake, &used)).await
    }
}
