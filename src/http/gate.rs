//! Who calls: the access token, its user, its account (contract, section 1).

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use axum::http::request::Parts;

use super::method::{Access, Method, Reach};
use super::{admission, client};
use crate::app::App;
use crate::catalogue::Viewer;
use crate::id::ObjectId;
use crate::intake::problem::Problem;
use crate::journal::AccountNo;
use crate::storage::{self, UserRole};
use crate::token::{PresentedToken, SecretHash};

/// The header that bears the access token.
pub const ACCESS_TOKEN: &str = "Access-Token";

/// A caller who may call.
#[derive(Clone, Debug)]
pub struct Caller {
    /// What histories and request/list show as its token: the public part of one, or [`Caller::user`]'s.
    pub token: String,
    /// The account, and the lists of it that the caller may see.
    pub viewer: Viewer,
    /// Whether the caller may only look.
    pub read_only: bool,
    /// What an error may say of the token.
    shown: String,
    /// The account's name.
    pub account_name: String,
}

impl Caller {
    /// A user who is signed in and works in this process: all of the account may be seen, and changed if the role
    /// allows it. The caller of this function has checked that user and account are enabled.
    pub fn user(account: AccountNo, account_name: String, user: ObjectId, role: UserRole) -> Self {
        let token = format!("user:{user}");
        let viewer = Viewer { account, lists: None };
        Self { shown: token.clone(), token, viewer, read_only: role < UserRole::Editor, account_name }
    }
}

/// Why a caller may not.
#[derive(Debug)]
pub enum Denial {
    /// The status, and what is told.
    Refused(StatusCode, Problem),
    /// Too many tokens of the client's address were none; how long it must wait.
    Guessing(Duration),
    /// The token could not be looked up.
    Store(storage::Error),
}

fn denied(status: StatusCode, code: &'static str, text: String) -> Denial {
    Denial::Refused(status, Problem::new(code, text))
}

/// There is no token, or something else.
pub fn invalid_token() -> Problem {
    Problem::new("INVALID_TOKEN", "Invalid authorization token!")
}

/// A token, as much of it as may be shown, may only look.
pub fn read_only(shown: &str) -> Problem {
    Problem::new("TOKEN_READ_ONLY", format!("access token {shown} is read-only"))
}

/// Looks the caller's token up. No text holds a secret: of the token the first 8 characters are shown.
///
/// # Errors
/// See [`Denial`].
pub async fn admit(app: &App, head: &Parts) -> Result<Caller, Denial> {
    let unauthorized = |code, text| denied(StatusCode::UNAUTHORIZED, code, text);
    let header = head.headers.get(ACCESS_TOKEN).and_then(|value| value.to_str().ok());
    let token = header
        .and_then(|text| PresentedToken::parse(text.trim()))
        .ok_or_else(|| Denial::Refused(StatusCode::UNAUTHORIZED, invalid_token()))?;
    let guesser = client::address(head, &app.limits.proxies);
    let wait = guesser.and_then(|address| app.guesses.wait(address, Instant::now()));
    if let Some(wait) = wait.filter(|_| !app.catalogue.has_seen(&token)) {
        return Err(Denial::Guessing(wait));
    }
    let access = app.catalogue.access(token.key).await.map_err(Denial::Store)?;
    // Compared also where there is nothing to compare with: neither case is told by its time.
    let fits = access.as_ref().map_or(SecretHash::NONE, |access| access.secret_hash).fits(token.secret);
    if let Some(address) = guesser.filter(|_| !fits) {
        app.guesses.wrong(address, Instant::now());
    }
    let Some(access) = access else {
        let text = format!("no matches found for access token {}", token.shown());
        return Err(unauthorized("UNKNOWN_TOKEN", text));
    };
    let expired = access.expires_at.is_some_and(|end| end <= app.clock.now());
    if !fits || access.revoked || expired {
        let text = format!("access token check failed for key/secret {}/{}", token.key, token.shown());
        return Err(unauthorized("TOKEN_CHECK_FAILED", text));
    }
    let Some(account) = &access.account else {
        let text = format!("no data found for key {}", access.user);
        return Err(unauthorized("ACCOUNT_GONE", text));
    };
    if !access.user_enabled || !account.enabled {
        let text = format!("user {} not enabled", access.user);
        return Err(denied(StatusCode::FORBIDDEN, "USER_NOT_ENABLED", text));
    }
    admission::admit(head);
    app.used.note(token.key, app.clock.now());
    Ok(Caller {
        token: token.key.to_owned(),
        viewer: Viewer { account: account.no, lists: access.scope.lists.clone() },
        read_only: access.scope.read_only,
        shown: token.shown(),
        account_name: account.name.clone(),
    })
}

/// Whether the caller's token may call a method. What a method shows of lists that the token may not see is decided
/// where lists are looked up.
///
/// # Errors
/// [`Denial::Refused`] where the token is read-only and the method changes something, or where the token is limited
/// to lists and the method reaches further.
pub fn permit(caller: &Caller, method: &Method) -> Result<(), Denial> {
    if caller.read_only && method.access != Access::Read {
        return Err(Denial::Refused(StatusCode::FORBIDDEN, read_only(&caller.shown)));
    }
    if caller.viewer.lists.is_some() && method.reach == Reach::Account {
        let text = format!("access token {} is limited to lists", caller.shown);
        return Err(denied(StatusCode::FORBIDDEN, "TOKEN_LIMITED", text));
    }
    Ok(())
}
