//! The users of an account.

use askama::Template;
use axum::extract::Path;

use super::account::refuse_invitation;
use super::welcome::name_problem;
use super::{Form, Page, Result, Section, Trouble, User, links, see, show};
use crate::id::ObjectId;
use crate::storage;

/// The most users of an account.
pub const MAX_USERS: usize = 200;

#[derive(Template)]
#[template(path = "console/invited.html")]
struct Invited {
    page: Page,
    name: String,
    link: String,
    /// Whether the user has had a password.
    again: bool,
}

/// Adds a user, and shows the link to hand on: this once.
pub async fn invite_new(form: Form) -> Result {
    let (app, name) = (&form.user.app, form.get("name"));
    if let Some(error) = name_problem(name) {
        return refuse_invitation(&form.user, name, error).await;
    }
    let (account, now) = (form.user.signed_in.account_id, app.clock.now());
    let user = app.ids.next(now);
    if !app.storage.add_user(account, user, name.to_owned(), MAX_USERS, now).await? {
        return refuse_invitation(&form.user, name, "An account has at most 200 users.").await;
    }
    invited(&form.user, user, name.to_owned(), false).await
}

/// A link for a user who is there: who lost the first one, or forgot the password.
pub async fn invite_again(Path(id): Path<String>, form: Form) -> Result {
    let user = find(&form.user, &id).await?;
    invited(&form.user, user.id, user.name, user.address.is_some()).await
}

async fn invited(by: &User, user: ObjectId, name: String, again: bool) -> Result {
    let app = &by.app;
    let link = links::invite(app.storage.as_ref(), &app.console.public_url, user, app.clock.now()).await?;
    let link = link.ok_or(Trouble::NotFound)?;
    show(&Invited { page: by.page(Section::Account), name, link, again })
}

/// Disables another user of the account.
pub async fn disable(Path(id): Path<String>, form: Form) -> Result {
    set_enabled(&form, &id, false).await
}

/// Enables another user of the account.
pub async fn enable(Path(id): Path<String>, form: Form) -> Result {
    set_enabled(&form, &id, true).await
}

async fn set_enabled(form: &Form, id: &str, enabled: bool) -> Result {
    let user = find(&form.user, id).await?;
    if user.id == form.user.signed_in.user {
        // The page offers it for others only: nobody shuts the own account from inside.
        return Err(Trouble::NotFound);
    }
    form.user.app.storage.set_user_enabled(user.id, enabled).await?;
    form.user.app.catalogue.changed();
    Ok(see(if enabled { "/account?done=enabled" } else { "/account?done=disabled" }))
}

/// A user of the account.
async fn find(by: &User, id: &str) -> Result<storage::User> {
    let id = ObjectId::parse(id).ok_or(Trouble::NotFound)?;
    let users = by.app.storage.users(by.signed_in.account).await?;
    users.into_iter().find(|user| user.id == id).ok_or(Trouble::NotFound)
}
