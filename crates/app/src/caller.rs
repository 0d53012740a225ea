//! The caller of a use case, and its rights.

use super::{Access, Operation, Reach};
use crate::catalogue::AccessScope;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use domain::problem::Problem;
use storage::UserRole;

/// What the tokens of jobs begin with.
pub const JOB: &str = "job:";

/// A caller whose token or session was checked.
#[derive(Clone, Debug)]
pub struct Caller {
    /// What histories and request/list show as its token: the public part of one, or [`Caller::user`]'s.
    pub token: String,
    /// The account, and the lists of it that the caller may see.
    pub scope: AccessScope,
    /// Whether the caller may only read.
    pub read_only: bool,
    /// The account's name.
    pub account_name: String,
    /// How errors name the token.
    shown: String,
    is_user: bool,
}

impl Caller {
    /// A user who is signed in: all of the account may be seen, and changed if the role allows it. The caller of this
    /// function has checked that user and account are enabled.
    pub fn user(account: AccountNo, account_name: String, user: ObjectId, role: UserRole) -> Self {
        let token = format!("user:{user}");
        let scope = AccessScope { account, lists: None };
        let read_only = role < UserRole::Editor;
        Self { shown: token.clone(), token, scope, read_only, account_name, is_user: true }
    }

    /// The same user, whose job sends its requests under a name of their own.
    pub fn for_job(self, job: ObjectId) -> Self {
        Self { token: format!("{JOB}{job}"), ..self }
    }

    /// An access token. `shown` is how errors name it: it holds no secret.
    pub const fn token(
        token: String,
        shown: String,
        scope: AccessScope,
        read_only: bool,
        account_name: String,
    ) -> Self {
        Self { token, scope, read_only, account_name, shown, is_user: false }
    }

    /// Whether it is a user who works in this process, by pages or by jobs.
    pub const fn is_user(&self) -> bool {
        self.is_user
    }

    /// Whether the caller may call an operation. What it returns of lists that the caller may not see is decided
    /// where lists are looked up.
    ///
    /// # Errors
    /// The caller is read-only and the operation changes something, or the caller is limited to lists and the
    /// operation reaches further.
    pub fn permit(&self, operation: &Operation) -> Result<(), Problem> {
        if self.read_only && operation.access != Access::Read {
            return Err(read_only(&self.shown));
        }
        if self.scope.lists.is_some() && operation.reach == Reach::Account {
            let text = format!("access token {} is limited to lists", self.shown);
            return Err(Problem::new("TOKEN_LIMITED", text));
        }
        Ok(())
    }
}

/// The token, as far as it may be shown, may only read.
pub fn read_only(shown: &str) -> Problem {
    Problem::new("TOKEN_READ_ONLY", format!("access token {shown} is read-only"))
}
