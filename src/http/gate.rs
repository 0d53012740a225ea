//! Who calls: the access token, its user, its account (contract, section 1).

use axum::http::{HeaderMap, StatusCode};

use super::method::{Access, Method, Reach};
use crate::app::App;
use crate::catalogue::Viewer;
use crate::intake::problem::Problem;
use crate::storage;
use crate::token::PresentedToken;

/// A caller who may call.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The public part of the token.
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

/// Why a caller may not.
#[derive(Debug)]
pub enum Denial {
    /// The status, and what is told.
    Refused(StatusCode, Problem),
    /// The token could not be looked up.
    Store(storage::Error),
}

fn denied(status: StatusCode, code: &'static str, text: String) -> Denial {
    Denial::Refused(status, Problem::new(code, text))
}

/// Looks the caller's token up. No text holds a secret: of the token the first 8 characters are shown.
///
/// # Errors
/// See [`Denial`].
pub async fn admit(app: &App, headers: &HeaderMap) -> Result<Caller, Denial> {
    let unauthorized = |code, text| denied(StatusCode::UNAUTHORIZED, code, text);
    let header = headers.get("access-token").and_then(|value| value.to_str().ok());
    let token = header
        .and_then(|text| PresentedToken::parse(text.trim()))
        .ok_or_else(|| unauthorized("INVALID_TOKEN", "Invalid authorization token!".to_owned()))?;
    let access = app.catalogue.access(token.key).await.map_err(Denial::Store)?;
    let Some(access) = access else {
        let text = format!("no matches found for access token {}", token.shown());
        return Err(unauthorized("UNKNOWN_TOKEN", text));
    };
    let expired = access.expires_at.is_some_and(|end| end <= app.clock.now());
    if !access.secret_hash.fits(token.secret) || access.revoked || expired {
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
    let forbidden = |code, what: &str| {
        denied(StatusCode::FORBIDDEN, code, format!("access token {} is {what}", caller.shown))
    };
    if caller.read_only && method.access == Access::Write {
        return Err(forbidden("TOKEN_READ_ONLY", "read-only"));
    }
    if caller.viewer.lists.is_some() && method.reach == Reach::Account {
        return Err(forbidden("TOKEN_LIMITED", "limited to lists"));
    }
    Ok(())
}
