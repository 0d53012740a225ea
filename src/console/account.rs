//! `/account`: the user's own things, and those of the account.

use askama::Template;
use axum::http::StatusCode;

use super::attempts::Attempt;
use super::page::show_with;
use super::user::IDLE;
use super::welcome::name_problem;
use super::{Form, Page, Query, Result, Section, Trouble, User, password, see, show};
use crate::id::ObjectId;
use crate::notify::sign::{OVERLAP, Secret};
use crate::storage::{self, Session, TextHash};

const DONE: [(&str, &str); 6] = [
    ("renamed", "You have your new name."),
    ("password", "The password is changed. Other sessions of yours have ended."),
    ("ended", "Your other sessions have ended."),
    ("rotated", "A new webhook secret signs. The one before it signs too for 24 hours."),
    ("disabled", "The user is disabled: sessions and API keys are refused from now on."),
    ("enabled", "The user is enabled. The same password and API keys work again."),
];

#[derive(Template)]
#[template(path = "console/account.html")]
struct Account {
    page: Page,
    me: ObjectId,
    address: String,
    account_id: ObjectId,
    session: TextHash,
    sessions: Vec<Session>,
    secret: String,
    users: Vec<storage::User>,
    name: String,
    name_error: Option<&'static str>,
    present_error: Option<&'static str>,
    password_error: Option<&'static str>,
    invite: String,
    invite_error: Option<&'static str>,
}

impl Account {
    async fn of(user: &User) -> Result<Self> {
        let (storage, now, known) = (&user.app.storage, user.app.clock.now(), &user.signed_in);
        let secret = storage.webhook_secret(known.account_id).await?;
        Ok(Self {
            page: user.page(Section::Account),
            me: known.user,
            address: known.address.clone(),
            account_id: known.account_id,
            session: user.session,
            sessions: storage.sessions(known.user, now.before(IDLE), now).await?,
            secret: secret.unwrap_or_default(),
            users: storage.users(known.account).await?,
            name: known.user_name.clone(),
            name_error: None,
            present_error: None,
            password_error: None,
            invite: String::new(),
            invite_error: None,
        })
    }
}

/// The page.
pub async fn show_account(user: User, query: Query) -> Result {
    let mut account = Account::of(&user).await?;
    account.page = account.page.done(query.get("done"), &DONE);
    show(&account)
}

/// The page with what is wrong with an invitation.
pub async fn refuse_invitation(user: &User, name: &str, error: &'static str) -> Result {
    let mut account = Account::of(user).await?;
    name.clone_into(&mut account.invite);
    account.invite_error = Some(error);
    show_with(StatusCode::BAD_REQUEST, &account)
}

/// Gives the user another name.
pub async fn rename(form: Form) -> Result {
    let (user, name) = (&form.user, form.get("name"));
    if let Some(error) = name_problem(name) {
        let mut account = Account::of(user).await?;
        name.clone_into(&mut account.name);
        account.name_error = Some(error);
        return show_with(StatusCode::BAD_REQUEST, &account);
    }
    user.app.storage.rename_user(user.signed_in.user, name.to_owned()).await?;
    Ok(see("/account?done=renamed"))
}

/// Puts another password in place of the present one.
pub async fn change_password(form: Form) -> Result {
    let (app, user) = (&form.user.app, &form.user.signed_in);
    let mut account = Account::of(&form.user).await?;
    account.password_error = password::problem(form.raw("password"), form.raw("again"), &user.address);
    if account.password_error.is_some() {
        return show_with(StatusCode::BAD_REQUEST, &account);
    }
    // Whoever has found a browser signed in may guess the password here: as often as at the sign-in.
    let login = app.storage.find_login(user.address.clone()).await?.ok_or(Trouble::NotFound)?;
    let attempt = Attempt::inside(&user.user.to_string());
    if app.console.attempts.begin(attempt, app.clock.now()).is_err() {
        account.present_error = Some("There were too many attempts. Try again in some minutes.");
        return show_with(StatusCode::TOO_MANY_REQUESTS, &account);
    }
    let fits = app.console.passwords.fits(form.raw("present"), Some(login.password.clone())).await;
    if !fits.map_err(|_| Trouble::Busy)? {
        account.present_error = Some("This is not your present password.");
        return show_with(StatusCode::BAD_REQUEST, &account);
    }
    app.console.attempts.succeeded(attempt);
    let hash = app.console.passwords.hash(form.raw("password")).await.map_err(|_| Trouble::Busy)?;
    if !app.storage.set_password(user.user, login.password, hash, form.user.session).await? {
        account.present_error = Some("The password was changed meanwhile.");
        return show_with(StatusCode::CONFLICT, &account);
    }
    Ok(see("/account?done=password"))
}

/// Puts another webhook secret in place; the one before signs too for a while.
pub async fn rotate(form: Form) -> Result {
    let (app, account) = (&form.user.app, form.user.signed_in.account_id);
    let secret = Secret::generate(crate::secret::random()).to_text();
    app.storage.set_webhook_secret(account, secret, app.clock.now().after(OVERLAP)).await?;
    Ok(see("/account?done=rotated"))
}
