//! `/sign-in` and `/sign-out`.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::header::{RETRY_AFTER, SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;

use super::cookie::{self, Secret};
use super::form::OpenForm;
use super::page::{own_path, redirect, render, render_with};
use super::user::{LONGEST, User};
use super::{Form, PageError, Query, Result};
use domain::clock::Timestamp;
use domain::contact::email;
use storage::NewSession;
use web::App;
use web::answer::MAX_RETRY_AFTER;
use web::client;
use web::login::throttle::Attempt;
use web::translate::{t, tn};

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignIn<'a> {
    email: &'a str,
    to: &'a str,
    error: Option<String>,
}

/// The form; who is signed in already goes on.
pub async fn ask(State(app): State<Arc<App>>, query: Query, headers: HeaderMap) -> Result {
    let to = own_path(query.get("to"));
    if User::find(&app, &headers).await?.is_some() {
        return Ok(redirect(to));
    }
    render(&SignIn { email: "", to, error: None })
}

/// Tries to sign in.
pub async fn try_in(State(app): State<Arc<App>>, form: OpenForm) -> Result {
    let (typed, to) = (form.fields.get("email"), own_path(form.fields.get("to")));
    let refused =
        |status, error: String| render_with(status, &SignIn { email: typed, to, error: Some(error) });
    let address = normal(typed);
    let (attempt, now) =
        (Attempt::new(&address, client::address(&form.head, &app.limits.proxies)), app.clock.now());
    if let Err(wait) = app.console.attempts.begin(attempt, now) {
        let minutes = wait.as_secs().div_ceil(60);
        let text = tn(
            "There were too many attempts. Try again in {n} minute.",
            "There were too many attempts. Try again in {n} minutes.",
            minutes,
        )
        .to_string();
        let mut response = refused(StatusCode::TOO_MANY_REQUESTS, text)?;
        // As every answer: a program that waits for an hour looks broken.
        let seconds = wait.as_secs().clamp(1, MAX_RETRY_AFTER.into());
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        return Ok(response);
    }
    let login = app.storage.find_login(address).await?;
    let known = login.as_ref().map(|login| login.password.clone());
    let fits = app.console.passwords.fits(form.fields.raw("password"), known).await;
    let fits = fits.map_err(|_| PageError::Busy)?;
    if let Some(login) = login.filter(|login| fits && login.enabled) {
        let (secret, session) = new_session(&form.head.headers, now);
        // Asked again with the password's hash: it may have been changed, or the user disabled, meanwhile.
        if app.storage.add_session(login.user, login.password, session, now).await? {
            app.console.attempts.succeeded(attempt);
            return Ok(signed_in(&app, &secret, to));
        }
    }
    refused(StatusCode::UNAUTHORIZED, t("The e-mail address or the password is wrong.").to_string())
}

/// Ends the session.
pub async fn out(State(app): State<Arc<App>>, form: Form) -> Result {
    app.storage.remove_session(form.user.session).await?;
    let mut response = redirect("/sign-in");
    response.headers_mut().insert(SET_COOKIE, cookie::end(app.console.public_url.is_secure()));
    Ok(response)
}

/// A fresh session: whatever cookie there was before is not made good by signing in.
pub fn new_session(headers: &HeaderMap, now: Timestamp) -> (Secret, NewSession) {
    let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let agent = agent.chars().take(300).collect();
    let secret = Secret::generate();
    let session = NewSession { hash: secret.hash(), agent, expires_at: now.after(LONGEST) };
    (secret, session)
}

/// Leads on with the session's cookie.
pub fn signed_in(app: &App, secret: &Secret, to: &str) -> Response {
    let mut response = redirect(to);
    let cookie = cookie::begin(secret, app.console.public_url.is_secure());
    response.headers_mut().insert(SET_COOKIE, cookie);
    response
}

/// An e-mail address as logins are found by it: users are kept under the form of the first version.
pub fn normal(address: &str) -> String {
    email::former_form(address).into_owned()
}
