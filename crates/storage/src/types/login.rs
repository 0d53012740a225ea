//! Users of the console, their sessions, and the links that let them in.

use crate::{User, UserRole};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;

/// SHA-256 of the random text of a cookie or a link.
pub type TextHash = [u8; 32];

/// What an address signs in to.
#[derive(Clone, Debug)]
pub struct Login {
    /// Whose it is.
    pub user: ObjectId,
    /// The hash of the password, in its PHC form.
    pub password: String,
    /// Whether both the user and the account are there and enabled.
    pub enabled: bool,
}

/// A session that is to be made.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Of the cookie's text.
    pub hash: TextHash,
    /// How the browser calls itself.
    pub agent: String,
    /// When it ends, however much it is used.
    pub expires_at: Timestamp,
}

/// A session, for its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Of the cookie's text.
    pub hash: TextHash,
    /// How the browser calls itself.
    pub agent: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was used last, to the minute.
    pub seen_at: Timestamp,
}

/// Who is signed in by a session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The user.
    pub user: ObjectId,
    /// The user's name.
    pub user_name: String,
    /// What the user may do.
    pub role: UserRole,
    /// What the user signs in with.
    pub address: String,
    /// The language of the user's pages, as a BCP 47 tag; `None` leaves it to the browser.
    pub language: Option<String>,
    /// The account's number.
    pub account: AccountNo,
    /// The account's id.
    pub account_id: ObjectId,
    /// The account's name.
    pub account_name: String,
    /// When the user signed in.
    pub signed_in_at: Timestamp,
    /// When the session was used last, to the minute.
    pub seen_at: Timestamp,
}

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkFor {
    /// The first account of the store, with its first user.
    FirstAccount,
    /// A user's password, and the address where there is none yet.
    User {
        /// The user.
        user: User,
        /// The account's name.
        account: String,
    },
}

/// A user's way in, as a link is used for it.
#[derive(Clone, Debug)]
pub struct NewLogin {
    /// What the user is called.
    pub name: String,
    /// What the user signs in with, in lower case.
    pub address: String,
    /// The hash of the password, in its PHC form.
    pub password: String,
}

/// The account that a link makes.
#[derive(Clone, Debug)]
pub struct FirstAccount {
    /// Its public id.
    pub id: ObjectId,
    /// Its name.
    pub name: String,
    /// Its user's public id.
    pub user: ObjectId,
    /// Its webhook secret, `whsec_…`.
    pub webhook_secret: String,
}

/// Why a link could not be used.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// There is no such link: it was used, or its time is up, or whoever it is for is gone or disabled.
    #[error("there is no such link")]
    Gone,
    /// Another user signs in with the address.
    #[error("another user has that address")]
    Taken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] crate::Error),
}
