//! Users of the console.

use async_trait::async_trait;

use super::PostgresStore;
use super::catalogue::{links, logins, tokens, users};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use storage::{
    Error, FirstAccount, LinkError, LinkFor, Login, Logins, NewLogin, NewSession, Session, SignedIn,
    TextHash, User, UserChange, UserRole,
};

#[async_trait]
impl Logins for PostgresStore {
    async fn has_logins(&self) -> Result<bool, Error> {
        self.read(|session, _| logins::any(session)).await
    }

    async fn users(&self, account: AccountNo) -> Result<Vec<User>, Error> {
        self.read(move |session, _| users::all(session, account)).await
    }

    async fn add_user(
        &self,
        account: ObjectId,
        user: ObjectId,
        (name, role): (String, UserRole),
        max: usize,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.change(move |session| users::add(session, account, (user, &name, role), max, now)).await
    }

    async fn rename_user(&self, user: ObjectId, name: String) -> Result<bool, Error> {
        self.change(move |session| users::rename(session, user, &name)).await
    }

    async fn set_user_language(&self, user: ObjectId, language: Option<String>) -> Result<bool, Error> {
        self.change(move |session| users::set_language(session, user, language.as_deref())).await
    }

    async fn set_user_role(&self, user: ObjectId, role: UserRole) -> Result<UserChange, Error> {
        self.change(move |session| users::set_role(session, user, role)).await
    }

    async fn enable_user(&self, user: ObjectId) -> Result<bool, Error> {
        self.change(move |session| users::enable(session, user)).await
    }

    async fn disable_user(&self, user: ObjectId, keys_to: Option<ObjectId>) -> Result<UserChange, Error> {
        self.change(move |session| users::disable(session, user, keys_to)).await
    }

    async fn find_login(&self, address: String) -> Result<Option<Login>, Error> {
        self.read(move |session, _| logins::find(session, &address)).await
    }

    async fn set_password(
        &self,
        user: ObjectId,
        present: String,
        password: String,
        keep: TextHash,
    ) -> Result<bool, Error> {
        self.change(move |session| logins::set_password(session, user, &present, &password, &keep)).await
    }

    async fn add_session(
        &self,
        user: ObjectId,
        password: String,
        session: NewSession,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.change(move |store| logins::add_session(store, user, &password, &session, now)).await
    }

    async fn find_session(
        &self,
        hash: TextHash,
        idle_since: Timestamp,
        now: Timestamp,
    ) -> Result<Option<SignedIn>, Error> {
        self.read(move |session, _| logins::find_session(session, &hash, idle_since, now)).await
    }

    async fn touch_session(&self, hash: TextHash, now: Timestamp) -> Result<(), Error> {
        self.change(move |session| logins::touch_session(session, &hash, now)).await
    }

    async fn sessions(
        &self,
        user: ObjectId,
        idle_since: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Session>, Error> {
        self.read(move |session, _| logins::sessions(session, user, idle_since, now)).await
    }

    async fn remove_session(&self, hash: TextHash) -> Result<(), Error> {
        self.change(move |session| logins::remove_session(session, &hash)).await
    }

    async fn remove_other_sessions(&self, user: ObjectId, keep: TextHash) -> Result<(), Error> {
        self.change(move |session| logins::remove_other_sessions(session, user, &keep)).await
    }

    async fn add_link(
        &self,
        hash: TextHash,
        user: Option<ObjectId>,
        expires_at: Timestamp,
    ) -> Result<bool, Error> {
        self.change(move |session| links::add(session, &hash, user, expires_at)).await
    }

    async fn find_link(&self, hash: TextHash, now: Timestamp) -> Result<Option<LinkFor>, Error> {
        self.read(move |session, _| links::find(session, &hash, now)).await
    }

    async fn use_link(
        &self,
        hash: TextHash,
        account: FirstAccount,
        login: NewLogin,
        session: NewSession,
        now: Timestamp,
    ) -> Result<(), LinkError> {
        self.change(move |store| links::use_once(store, &hash, &account, &login, &session, now)).await
    }

    async fn note_used(&self, used: Vec<(String, Timestamp)>) -> Result<(), Error> {
        self.change(move |session| tokens::note_used(session, &used)).await
    }
}
