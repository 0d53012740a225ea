//! `/account`: the user's own things, and those of the account.

use askama::Template;
use axum::http::StatusCode;

use super::page::render_with;
use super::user::IDLE;
use super::welcome::name_problem;
use super::{Form, Page, PageError, Query, Result, Section, User, redirect, render};
use domain::id::ObjectId;
use storage::{OptOut, Session, TextHash, UserRole};
use web::login::password;
use web::translate::{Language, mark};

const DONE: [(&str, &str); 8] = [
    ("language", mark("Your language is saved.")),
    ("renamed", mark("Your name is changed.")),
    ("password", mark("Your password is changed. Your other sessions are signed out.")),
    ("opt-out", mark("The rule for opt-outs is saved.")),
    ("ended", mark("Your other sessions are signed out.")),
    ("role", mark("Your role is changed.")),
    ("disabled", mark("The user is disabled. Sessions and API keys of this user no longer work.")),
    ("handed", mark("The user is disabled. The API keys keep working and now belong to the user you chose.")),
];

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    page: Page,
    me: ObjectId,
    address: String,
    account_id: ObjectId,
    /// The code of the chosen language; empty leaves it to the browser.
    language: String,
    opt_out: OptOut,
    session: TextHash,
    sessions: Vec<Session>,
    users: Vec<storage::User>,
    name: String,
    name_error: Option<&'static str>,
    present_error: Option<&'static str>,
    password_error: Option<&'static str>,
    invite: String,
    invite_role: UserRole,
    invite_error: Option<&'static str>,
    invite_present_error: Option<&'static str>,
}

impl Account {
    async fn of(user: &User) -> Result<Self> {
        let (storage, now, known) = (&user.app.storage, user.app.clock.now(), &user.signed_in);
        Ok(Self {
            page: user.page(Section::Account),
            me: known.user,
            address: known.address.clone(),
            account_id: known.account_id,
            language: known.language.clone().unwrap_or_default(),
            opt_out: storage.opt_out(known.account_id).await?.unwrap_or_default(),
            session: user.session,
            sessions: storage.sessions(known.user, now.before(IDLE), now).await?,
            users: storage.users(known.account).await?,
            name: known.user_name.clone(),
            name_error: None,
            present_error: None,
            password_error: None,
            invite: String::new(),
            invite_role: UserRole::Editor,
            invite_error: None,
            invite_present_error: None,
        })
    }
}

/// The page.
pub async fn show_account(user: User, query: Query) -> Result {
    let mut account = Account::of(&user).await?;
    account.page = account.page.done(query.get("done"), &DONE);
    render(&account)
}

/// The page with the errors of an invitation: of its name, and of the password.
pub async fn refuse_invitation(
    user: &User,
    (name, role): (&str, UserRole),
    status: StatusCode,
    (name_error, present_error): (Option<&'static str>, Option<&'static str>),
) -> Result {
    let mut account = Account::of(user).await?;
    name.clone_into(&mut account.invite);
    account.invite_role = role;
    account.invite_error = name_error;
    account.invite_present_error = present_error;
    render_with(status, &account)
}

/// Gives the user another name.
pub async fn rename(form: Form) -> Result {
    let (user, name) = (&form.user, form.get("name"));
    if let Some(error) = name_problem(name) {
        let mut account = Account::of(user).await?;
        name.clone_into(&mut account.name);
        account.name_error = Some(error);
        return render_with(StatusCode::BAD_REQUEST, &account);
    }
    user.app.storage.rename_user(user.signed_in.user, name.to_owned()).await?;
    Ok(redirect("/account?done=renamed"))
}

/// Sets the language of the user's pages; what is no language leaves it to the browser.
pub async fn set_language(form: Form) -> Result {
    let language = Language::ALL.into_iter().find(|language| language.code() == form.get("language"));
    let (user, code) = (&form.user, language.map(|language| language.code().to_owned()));
    user.app.storage.set_user_language(user.signed_in.user, code).await?;
    Ok(redirect("/account?done=language"))
}

/// Changes what lists do about opt-outs that say nothing of it themselves.
pub async fn set_opt_out(form: Form) -> Result {
    let (app, account) = (&form.user.app, &form.user.signed_in);
    let opt_out = OptOut::named(form.get("opt_out")).ok_or(PageError::NotFound)?;
    app.storage.set_opt_out(account.account_id, opt_out).await?;
    app.catalogue.account_changed(account.account);
    Ok(redirect("/account?done=opt-out"))
}

/// Puts another password in place of the present one.
pub async fn change_password(form: Form) -> Result {
    let (app, user) = (&form.user.app, &form.user.signed_in);
    let mut account = Account::of(&form.user).await?;
    account.password_error = password::problem(form.raw("password"), form.raw("again"), &user.address);
    if account.password_error.is_some() {
        return render_with(StatusCode::BAD_REQUEST, &account);
    }
    let present = match form.check_password().await? {
        Ok(present) => present,
        Err(wrong) => {
            account.present_error = Some(wrong.text);
            return render_with(wrong.status, &account);
        }
    };
    let hash = app.console.passwords.hash(form.raw("password")).await.map_err(|_| PageError::Busy)?;
    if !app.storage.set_password(user.user, present, hash, form.user.session).await? {
        account.present_error = Some(mark("The password was changed meanwhile."));
        return render_with(StatusCode::CONFLICT, &account);
    }
    Ok(redirect("/account?done=password"))
}
