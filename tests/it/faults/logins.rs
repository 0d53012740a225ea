//! Users of the console: reading and changing fail on demand, as all else does.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use storage::{
    Error, FirstAccount, LinkError, LinkFor, Login, Logins, NewLogin, NewSession, Session, SignedIn,
    TextHash, User, UserChange, UserRole,
};

use super::{Fault, Faulty, forward};

forward! { Logins:
    read fn has_logins() -> Result<bool, Error>;
    read fn users(account: AccountNo) -> Result<Vec<User>, Error>;
    change fn add_user(account: ObjectId, user: ObjectId, about: (String, UserRole), max: usize, now: Timestamp) -> Result<bool, Error>;
    change fn rename_user(user: ObjectId, name: String) -> Result<bool, Error>;
    change fn set_user_language(user: ObjectId, language: Option<String>) -> Result<bool, Error>;
    change fn set_user_role(user: ObjectId, role: UserRole) -> Result<UserChange, Error>;
    change fn enable_user(user: ObjectId) -> Result<bool, Error>;
    change fn disable_user(user: ObjectId, keys_to: Option<ObjectId>) -> Result<UserChange, Error>;
    read fn find_login(address: String) -> Result<Option<Login>, Error>;
    change fn set_password(user: ObjectId, present: String, password: String, keep: TextHash) -> Result<bool, Error>;
    change fn add_session(user: ObjectId, password: String, session: NewSession, now: Timestamp) -> Result<bool, Error>;
    change fn touch_session(hash: TextHash, now: Timestamp) -> Result<(), Error>;
    read fn sessions(user: ObjectId, idle_since: Timestamp, now: Timestamp) -> Result<Vec<Session>, Error>;
    change fn remove_session(hash: TextHash) -> Result<(), Error>;
    change fn remove_other_sessions(user: ObjectId, keep: TextHash) -> Result<(), Error>;
    change fn add_link(hash: TextHash, user: Option<ObjectId>, expires_at: Timestamp) -> Result<bool, Error>;
    read fn find_link(hash: TextHash, now: Timestamp) -> Result<Option<LinkFor>, Error>;
    change fn use_link(hash: TextHash, account: FirstAccount, login: NewLogin, session: NewSession, now: Timestamp) -> Result<(), LinkError>;
    change fn note_used(used: Vec<(String, Timestamp)>) -> Result<(), Error>;
    + by hand:

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
}
