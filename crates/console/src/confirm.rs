//! What concerns credentials needs the present password, or a sign-in of the last minutes: an open browser that
//! somebody finds is not enough to take over an account.

use std::time::Duration;

use axum::http::StatusCode;

use super::{Form, PageError, Result, User};
use web::login::throttle::Attempt;
use web::translate::mark;

/// For how long after a sign-in the password is not asked for again.
pub const FRESH: Duration = Duration::from_secs(10 * 60);

/// Why a password was not accepted.
#[derive(Clone, Copy, Debug)]
pub struct Wrong {
    /// The status of the answer.
    pub status: StatusCode,
    /// The text for the password field.
    pub text: &'static str,
}

impl User {
    /// Whether the user signed in less than [`FRESH`] ago.
    pub fn is_fresh(&self) -> bool {
        self.app.clock.now().since(self.signed_in.signed_in_at) < FRESH
    }
}

impl Form {
    /// Checks the password in the field `present`, unless the sign-in is fresh. `None`: the action is confirmed.
    ///
    /// # Errors
    /// The store failed, or too many passwords are checked at once.
    pub async fn confirm(&self) -> Result<Option<Wrong>> {
        if self.user.is_fresh() {
            return Ok(None);
        }
        Ok(self.check_password().await?.err())
    }

    /// Checks the password in the field `present`, and returns the hash that it fits.
    ///
    /// # Errors
    /// The store failed, or too many passwords are checked at once.
    pub async fn check_password(&self) -> Result<Result<String, Wrong>> {
        let (app, user) = (&self.user.app, &self.user.signed_in);
        let wrong = |status, text| Ok(Err(Wrong { status, text }));
        if self.raw("present").is_empty() {
            return wrong(StatusCode::BAD_REQUEST, mark("Enter your present password."));
        }
        let login = app.storage.find_login(user.address.clone()).await?.ok_or(PageError::NotFound)?;
        // Whoever has found a browser signed in may guess the password here: as often as at the sign-in.
        let attempt = Attempt::inside(&user.user.to_string());
        if app.console.attempts.begin(attempt, app.clock.now()).is_err() {
            let text = mark("There were too many attempts. Try again in some minutes.");
            return wrong(StatusCode::TOO_MANY_REQUESTS, text);
        }
        let fits = app.console.passwords.fits(self.raw("present"), Some(login.password.clone())).await;
        if !fits.map_err(|_| PageError::Busy)? {
            return wrong(StatusCode::BAD_REQUEST, mark("This is not your present password."));
        }
        app.console.attempts.succeeded(attempt);
        Ok(Ok(login.password))
    }
}
