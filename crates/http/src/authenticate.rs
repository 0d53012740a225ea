//! Who calls: the access token, its user, its account (contract, section 1).

use std::borrow::Cow;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use axum::http::request::Parts;

use app::Caller;
use app::catalogue::AccessScope;
use domain::problem::Problem;
use domain::token::{PresentedToken, SecretHash};
use web::App;
use web::{admission, client};

/// The header that bears the access token.
pub const ACCESS_TOKEN: &str = "Access-Token";

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

/// Looks the caller's token up; rejections are counted under `path`. No text holds a secret: of the token the first 8 characters are shown.
///
/// # Errors
/// See [`Denial`].
pub async fn admit(app: &App, head: &Parts, path: &'static str) -> Result<Caller, Denial> {
    let unauthorized = |code, text| denied(StatusCode::UNAUTHORIZED, code, text);
    let header = head.headers.get(ACCESS_TOKEN).and_then(|value| value.to_str().ok());
    let token = header
        .and_then(|text| PresentedToken::parse(text.trim()))
        .ok_or_else(|| Denial::Refused(StatusCode::UNAUTHORIZED, invalid_token()))?;
    let guesser = client::address(head, &app.limits.proxies);
    let wait = guesser.and_then(|address| app.auth_throttle.wait(address, Instant::now()));
    if let Some(wait) = wait.filter(|_| !app.catalogue.has_seen(&token)) {
        return Err(Denial::Guessing(wait));
    }
    let access = app.catalogue.access(token.key).await.map_err(Denial::Store)?;
    // Compared also where there is nothing to compare with: neither case is told by its time.
    let fits = access.as_ref().map_or(SecretHash::NONE, |access| access.secret_hash).fits(token.secret);
    if let Some(address) = guesser.filter(|_| !fits) {
        app.auth_throttle.wrong(address, Instant::now());
    }
    let Some(access) = access else {
        let text = format!("no matches found for access token {}", token.shown());
        return Err(unauthorized("UNKNOWN_TOKEN", text));
    };
    let expired = access.expires_at.is_some_and(|end| end <= app.clock.now());
    if !fits || access.revoked || expired {
        let text = format!("access token check failed for key/secret {}/{}", token.key, token.shown());
        if let Some(account) = &access.account {
            let code = Cow::Borrowed("TOKEN_CHECK_FAILED");
            app.rejections.note(account.no, token.key, path, 401, [&code], app.clock.now());
        }
        return Err(unauthorized("TOKEN_CHECK_FAILED", text));
    }
    let Some(account) = &access.account else {
        let text = format!("no data found for key {}", access.user);
        return Err(unauthorized("ACCOUNT_GONE", text));
    };
    if !access.user_enabled || !account.enabled {
        let text = format!("user {} not enabled", access.user);
        let code = Cow::Borrowed("USER_NOT_ENABLED");
        app.rejections.note(account.no, token.key, path, 403, [&code], app.clock.now());
        return Err(denied(StatusCode::FORBIDDEN, "USER_NOT_ENABLED", text));
    }
    admission::admit(head);
    app.last_used.note(token.key, app.clock.now());
    let scope = AccessScope { account: account.no, lists: access.scope.lists.clone() };
    let (key, read_only) = (token.key.to_owned(), access.scope.read_only);
    Ok(Caller::token(key, token.shown(), scope, read_only, account.name.clone()))
}
