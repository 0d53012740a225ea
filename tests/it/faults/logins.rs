//! Users of the console: reading and changing fail on demand, as all else does.

use async_trait::async_trait;
use rollbook::clock::Timestamp;
use rollbook::id::ObjectId;
use rollbook::journal::AccountNo;
use rollbook::storage::{
    Error, FirstAccount, LinkError, LinkFor, Login, Logins, NewLogin, NewSession, Session, SignedIn,
    TextHash, User, UserChange, UserRole,
};

use super::{Fault, Faulty};

#[async_trait]
impl Logins for Faulty {
    async fn has_logins(&self) -> Result<bool, Error> {
        self.read()?;
        self.store.has_logins().await
    }

    async fn users(&self, account: AccountNo) -> Result<Vec<User>, Error> {
        self.read()?;
        self.store.users(account).await
    }

    async fn add_user(
        &self,
        account: ObjectId,
        user: ObjectId,
        about: (String, UserRole),
        max: usize,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.change()?;
        self.store.add_user(account, user, about, max, now).await
    }

    async fn rename_user(&self, user: ObjectId, name: String) -> Result<bool, Error> {
        self.change()?;
        self.store.rename_user(user, name).await
    }

    async fn set_user_role(&self, user: ObjectId, role: UserRole) -> Result<UserChange, Error> {
        self.change()?;
        self.store.set_user_role(user, role).await
    }

    async fn enable_user(&self, user: ObjectId) -> Result<bool, Error> {
        self.change()?;
        self.store.enable_user(user).await
    }

    async fn disable_user(&self, user: ObjectId, keys_to: Option<ObjectId>) -> Result<UserChange, Error> {
        self.change()?;
        self.store.disable_user(user, keys_to).await
    }

    async fn find_login(&self, address: String) -> Result<Option<Login>, Error> {
        self.read()?;
        self.store.find_login(address).await
    }

    async fn set_password(
        &self,
        user: ObjectId,
        present: String,
        password: String,
        keep: TextHash,
    ) -> Result<bool, Error> {
        self.change()?;
        self.store.set_password(user, present, password, keep).await
    }

    async fn add_session(
        &self,
        user: ObjectId,
        password: String,
        session: NewSession,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.change()?;
        self.store.add_session(user, password, session, now).await
    }

    async fn find_session(
        &self,
        hash: TextHash,
        idle_since: Timestamp,
        now: Timestamp,
    ) -> Result<Option<SignedIn>, Error> {
        if self.switch.get() != Fault::Away {
            self.read()?;
        }
        self.store.find_session(hash, idle_since, now).await
    }

    async fn touch_session(&self, hash: TextHash, now: Timestamp) -> Result<(), Error> {
        self.change()?;
        self.store.touch_session(hash, now).await
    }

    async fn sessions(
        &self,
        user: ObjectId,
        idle_since: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Session>, Error> {
        self.read()?;
        self.store.sessions(user, idle_since, now).await
    }

    async fn remove_session(&self, hash: TextHash) -> Result<(), Error> {
        self.change()?;
        self.store.remove_session(hash).await
    }

    async fn remove_other_sessions(&self, user: ObjectId, keep: TextHash) -> Result<(), Error> {
        self.change()?;
        self.store.remove_other_sessions(user, keep).await
    }

    async fn add_link(
        &self,
        hash: TextHash,
        user: Option<ObjectId>,
        expires_at: Timestamp,
    ) -> Result<bool, Error> {
        self.change()?;
        self.store.add_link(hash, user, expires_at).await
    }

    async fn find_link(&self, hash: TextHash, now: Timestamp) -> Result<Option<LinkFor>, Error> {
        self.read()?;
        self.store.find_link(hash, now).await
    }

    async fn use_link(
        &self,
        hash: TextHash,
        account: FirstAccount,
        login: NewLogin,
        session: NewSession,
        now: Timestamp,
    ) -> Result<(), LinkError> {
        self.change()?;
        self.store.use_link(hash, account, login, session, now).await
    }

    async fn note_used(&self, used: Vec<(String, Timestamp)>) -> Result<(), Error> {
        self.change()?;
        self.store.note_used(used).await
    }
}
