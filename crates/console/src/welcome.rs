//! `/welcome/{link}`: the first account, an invited user, a forgotten password.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::cookie;
use super::form::OpenForm;
use super::page::{render, render_with};
use super::sign_in::{new_session, normal, signed_in};
use super::{Fields, PageError, Result};
use app::webhook::sign::Secret;
use domain::contact::email;
use storage::{FirstAccount, LinkError, LinkFor, NewLogin};
use web::App;
use web::login::password;
use web::translate::mark;

/// The longest name of a user or an account, in characters.
pub const MAX_NAME: usize = 100;

#[derive(Template, Default)]
#[template(path = "welcome.html")]
struct Welcome {
    /// Whether the link makes the first account.
    first: bool,
    /// The account that the link leads into, or its name as it was typed.
    account: String,
    name: String,
    email: String,
    /// Whether the user has an address, so that only a password is set.
    known: bool,
    account_error: Option<&'static str>,
    name_error: Option<&'static str>,
    email_error: Option<&'static str>,
    password_error: Option<&'static str>,
}

impl Welcome {
    fn of(link: LinkFor) -> Self {
        match link {
            LinkFor::FirstAccount => Self { first: true, ..Self::default() },
            LinkFor::User { user, account } => Self {
                // A command names the first user after the account: that is nobody's name.
                name: if user.name == account { String::new() } else { user.name },
                account,
                known: user.address.is_some(),
                email: user.address.unwrap_or_default(),
                ..Self::default()
            },
        }
    }

    /// Takes in what was typed, and says what is wrong with it.
    fn take(&mut self, fields: &Fields) -> bool {
        if self.first {
            fields.get("account").clone_into(&mut self.account);
            self.account_error = name_problem(&self.account);
        }
        if !self.known {
            fields.get("name").clone_into(&mut self.name);
            fields.get("email").clone_into(&mut self.email);
            self.name_error = name_problem(&self.name);
            let valid = email::is_valid(&self.email);
            self.email_error = (!valid).then_some(mark("Enter an e-mail address."));
        }
        let (password, again) = (fields.raw("password"), fields.raw("again"));
        self.password_error = password::problem(password, again, &normal(&self.email));
        let errors = [self.account_error, self.name_error, self.email_error, self.password_error];
        errors.iter().all(Option::is_none)
    }
}

/// What is wrong with the name of a user or an account.
pub fn name_problem(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some(mark("Enter a name."))
    } else if name.chars().count() > MAX_NAME {
        Some(mark("Use at most 100 characters."))
    } else if name.chars().any(char::is_control) {
        Some(mark("A name has no line breaks or other control characters."))
    } else {
        None
    }
}

#[derive(Template)]
#[template(path = "link-gone.html")]
struct LinkGone;

/// The form.
pub async fn ask(State(app): State<Arc<App>>, Path(link): Path<String>) -> Result {
    match app.storage.find_link(cookie::hash(&link), app.clock.now()).await? {
        Some(link) => render(&Welcome::of(link)),
        None => render_with(StatusCode::NOT_FOUND, &LinkGone),
    }
}

/// Uses the link, and signs in.
pub async fn begin(State(app): State<Arc<App>>, Path(link): Path<String>, form: OpenForm) -> Result {
    let (hash, now) = (cookie::hash(&link), app.clock.now());
    // Asked first: who has no link shall not have passwords hashed.
    let Some(link) = app.storage.find_link(hash, now).await? else {
        return render_with(StatusCode::NOT_FOUND, &LinkGone);
    };
    let mut page = Welcome::of(link);
    if !page.take(&form.fields) {
        return render_with(StatusCode::BAD_REQUEST, &page);
    }
    let password = app.console.passwords.hash(form.fields.raw("password")).await;
    let password = password.map_err(|_| PageError::Busy)?;
    let (name, address) = (page.name.clone(), normal(&page.email));
    let account = FirstAccount {
        id: app.ids.next(now),
        name: page.account.clone(),
        user: app.ids.next(now),
        webhook_secret: Secret::generate(domain::secret::random()).to_text(),
    };
    let (secret, session) = new_session(&form.head.headers, now);
    let login = NewLogin { name, address, password };
    match app.storage.use_link(hash, account, login, session, now).await {
        Ok(()) => {
            app.catalogue.changed();
            Ok(signed_in(&app, &secret, "/"))
        }
        Err(LinkError::Gone) => render_with(StatusCode::NOT_FOUND, &LinkGone),
        Err(LinkError::Taken) => {
            page.email_error = Some(mark("Another user signs in with this address."));
            render_with(StatusCode::CONFLICT, &page)
        }
        Err(LinkError::Store(error)) => Err(error.into()),
    }
}
