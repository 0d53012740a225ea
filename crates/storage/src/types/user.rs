//! Users of an account.

use std::str::FromStr;

use domain::id::ObjectId;

/// What a user may do in the console; each role may also do what the roles before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UserRole {
    /// Read everything of the account but its credentials.
    Viewer,
    /// Change contacts, lists, variables and sources.
    Editor,
    /// Manage users, API keys and the webhook secret.
    Owner,
}

impl UserRole {
    /// All of them, the most powerful first.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Editor, Self::Viewer];

    /// The name in the store, in forms and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Editor => "editor",
            Self::Viewer => "viewer",
        }
    }
}

/// Not the name of a role.
#[derive(Debug, thiserror::Error)]
#[error("a role is owner, editor or viewer")]
pub struct NoRole;

impl FromStr for UserRole {
    type Err = NoRole;

    fn from_str(text: &str) -> Result<Self, NoRole> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or(NoRole)
    }
}

/// A user, as users of the same account see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The public id.
    pub id: ObjectId,
    /// The name.
    pub name: String,
    /// The sign-in address; `None` until an invitation link is used.
    pub address: Option<String>,
    /// False refuses the user's sessions and the API keys of the user.
    pub enabled: bool,
    /// What the user may do.
    pub role: UserRole,
}

/// The outcome of a change of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// The change is stored.
    Done,
    /// There is no such user, or the user who takes over the keys is not enabled or not of the same account.
    NoUser,
    /// Refused: the account would lose its last owner.
    LastOwner,
}

impl UserChange {
    /// Whether the change is stored.
    pub fn is_done(self) -> bool {
        self == Self::Done
    }
}

/// What decides whether an account can do without a user as its owner. Read and used in one transaction.
#[derive(Clone, Copy, Debug)]
pub struct OwnerCheck {
    /// Whether the user is an enabled owner.
    pub is_owner: bool,
    /// Whether the user has a password.
    pub can_sign_in: bool,
    /// The other enabled owners of the account.
    pub others: i64,
    /// Those of them who have a password.
    pub others_who_sign_in: i64,
}

impl OwnerCheck {
    /// Whether the user is the last owner who can sign in. An account that nobody signs in to, whose users only stand
    /// for API keys, has no such owner: there any user can be disabled.
    pub const fn is_last_to_sign_in(&self) -> bool {
        self.is_owner && self.can_sign_in && self.others_who_sign_in == 0
    }

    /// Whether the account would have no owner, or none who can sign in, without this one.
    pub const fn is_last(&self) -> bool {
        self.is_last_to_sign_in() || (self.is_owner && self.others == 0)
    }
}
