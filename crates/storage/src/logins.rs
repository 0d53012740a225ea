//! What a store promises about users of the console.

use async_trait::async_trait;

use super::{
    Error, FirstAccount, LinkError, LinkFor, Login, NewLogin, NewSession, Session, SignedIn, TextHash, User,
    UserChange, UserRole,
};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;

/// The most sessions of one user at a time; a new one ends the one that was unused for longest.
pub const MAX_SESSIONS: usize = 20;

/// The most links to a first account that are good at a time: nodes that start together give out one each.
pub const MAX_FIRST_LINKS: usize = 8;

/// Addresses and passwords, sessions, one-time links.
///
/// A session ends with its time, with its user's new password, and when its user or account is disabled or removed.
#[async_trait]
pub trait Logins: Send + Sync + 'static {
    /// Whether anybody can sign in.
    async fn has_logins(&self) -> Result<bool, Error>;

    /// The users of an account, the oldest first.
    async fn users(&self, account: AccountNo) -> Result<Vec<User>, Error>;

    /// Adds a user to an account, at most `max` in all; whether the account is there and has room.
    async fn add_user(
        &self,
        account: ObjectId,
        user: ObjectId,
        (name, role): (String, UserRole),
        max: usize,
        now: Timestamp,
    ) -> Result<bool, Error>;

    /// Gives a user another name; whether the user is there.
    async fn rename_user(&self, user: ObjectId, name: String) -> Result<bool, Error>;

    /// Sets the language of a user's pages, as a BCP 47 tag; whether the user is there. `None` leaves it to the browser.
    async fn set_user_language(&self, user: ObjectId, language: Option<String>) -> Result<bool, Error>;

    /// Gives a user a role, unless the account would lose its last owner.
    async fn set_user_role(&self, user: ObjectId, role: UserRole) -> Result<UserChange, Error>;

    /// Enables a user; whether the user is there.
    async fn enable_user(&self, user: ObjectId) -> Result<bool, Error>;

    /// Disables a user, unless it is the last owner who can sign in: the user's sessions and links end. In the same
    /// transaction the user's keys are handed to `keys_to`, an enabled user of the same account; without one they are
    /// refused for as long as the user is disabled.
    async fn disable_user(&self, user: ObjectId, keys_to: Option<ObjectId>) -> Result<UserChange, Error>;

    /// What an address, in lower case, signs in to.
    async fn find_login(&self, address: String) -> Result<Option<Login>, Error>;

    /// Puts another password in place of `present`, and ends the user's sessions but `keep`. Whether `present` was
    /// still the password.
    async fn set_password(
        &self,
        user: ObjectId,
        present: String,
        password: String,
        keep: TextHash,
    ) -> Result<bool, Error>;

    /// Begins a session; whether the user may sign in, and `password` is still the hash of the password.
    async fn add_session(
        &self,
        user: ObjectId,
        password: String,
        session: NewSession,
        now: Timestamp,
    ) -> Result<bool, Error>;

    /// Who is signed in by a session that has not ended and was used since `idle_since`.
    async fn find_session(
        &self,
        hash: TextHash,
        idle_since: Timestamp,
        now: Timestamp,
    ) -> Result<Option<SignedIn>, Error>;

    /// Notes that a session is used.
    async fn touch_session(&self, hash: TextHash, now: Timestamp) -> Result<(), Error>;

    /// A user's sessions that have not ended and were used since `idle_since`, the last used first.
    async fn sessions(
        &self,
        user: ObjectId,
        idle_since: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Session>, Error>;

    /// Ends a session.
    async fn remove_session(&self, hash: TextHash) -> Result<(), Error>;

    /// Ends a user's sessions but one.
    async fn remove_other_sessions(&self, user: ObjectId, keep: TextHash) -> Result<(), Error>;

    /// Adds a link: for a user, in place of the one before, and the user's sessions end; without one, for the first account, where nobody can sign
    /// in yet. Whether it was added.
    async fn add_link(
        &self,
        hash: TextHash,
        user: Option<ObjectId>,
        expires_at: Timestamp,
    ) -> Result<bool, Error>;

    /// What a link is for, as long as it can be used.
    async fn find_link(&self, hash: TextHash, now: Timestamp) -> Result<Option<LinkFor>, Error>;

    /// Uses a link once: all in one transaction, of two that race one succeeds. The user's other sessions end, and
    /// `session` begins. `account` is made where the link is for the first.
    async fn use_link(
        &self,
        hash: TextHash,
        account: FirstAccount,
        login: NewLogin,
        session: NewSession,
        now: Timestamp,
    ) -> Result<(), LinkError>;

    /// Notes when tokens were used last, each a public part.
    async fn note_used(&self, tokens: Vec<(String, Timestamp)>) -> Result<(), Error>;
}
