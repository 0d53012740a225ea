//! `/account/users`: the users of an account. Owners only.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

use super::account::refuse_invitation;
use super::page::render_with;
use super::welcome::name_problem;
use super::{Form, Page, PageError, Query, Result, Section, User, links, redirect, render};
use domain::id::ObjectId;
use storage::{Token, UserChange, UserRole};
use web::translate::mark;

/// The most users of an account.
pub const MAX_USERS: usize = 200;

const LAST_OWNER: &str =
    mark("This is the last owner of the account who can sign in. Make another user an owner first.");

const DONE: [(&str, &str); 2] = [
    ("role", mark("The role is changed.")),
    ("enabled", mark("The user is enabled. The previous password and API keys work again.")),
];

/// Which form of a user's page an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Role,
    Link,
    Enable,
}

#[derive(Template)]
#[template(path = "user.html")]
struct UserPage {
    page: Page,
    user: storage::User,
    is_me: bool,
    /// The user's API keys that are not revoked.
    keys: Vec<Token>,
    wrong: Option<(Part, &'static str)>,
}

impl UserPage {
    async fn of(by: &User, user: storage::User) -> Result<Self> {
        let keys = keys(by, user.id).await?;
        let is_me = user.id == by.signed_in.user;
        Ok(Self { page: by.page(Section::Account), user, is_me, keys, wrong: None })
    }

    fn role_error(&self) -> Option<&'static str> {
        self.error(Part::Role)
    }

    fn link_error(&self) -> Option<&'static str> {
        self.error(Part::Link)
    }

    fn enable_error(&self) -> Option<&'static str> {
        self.error(Part::Enable)
    }

    fn error(&self, part: Part) -> Option<&'static str> {
        self.wrong.filter(|(about, _)| *about == part).map(|(_, text)| text)
    }

    async fn refuse(
        by: &User,
        user: storage::User,
        part: Part,
        (status, text): (StatusCode, &'static str),
    ) -> Result {
        render_with(status, &Self { wrong: Some((part, text)), ..Self::of(by, user).await? })
    }
}

/// A user of the account.
pub async fn one(by: User, Path(id): Path<String>, query: Query) -> Result {
    let user = find(&by, &id).await?;
    let mut page = UserPage::of(&by, user).await?;
    page.page = page.page.done(query.get("done"), &DONE);
    render(&page)
}

#[derive(Template)]
#[template(path = "invited.html")]
struct Invited {
    page: Page,
    name: String,
    link: String,
    /// Whether the user has had a password.
    again: bool,
}

/// Adds a user, and shows the invitation link this once.
pub async fn invite_new(form: Form) -> Result {
    let (app, name) = (&form.user.app, form.get("name"));
    let role = form.get("role").parse();
    let chosen = *role.as_ref().unwrap_or(&UserRole::Editor);
    let refuse = async |status, error| refuse_invitation(&form.user, (name, chosen), status, error).await;
    let Ok(role) = role else {
        return refuse(StatusCode::BAD_REQUEST, (Some(mark("Choose a role.")), None)).await;
    };
    if let Some(error) = name_problem(name) {
        return refuse(StatusCode::BAD_REQUEST, (Some(error), None)).await;
    }
    if let Some(wrong) = form.confirm().await? {
        return refuse(wrong.status, (None, Some(wrong.text))).await;
    }
    let (account, now) = (form.user.signed_in.account_id, app.clock.now());
    let user = app.ids.next(now);
    if !app.storage.add_user(account, user, (name.to_owned(), role), MAX_USERS, now).await? {
        let full = Some(mark("An account has at most 200 users."));
        return refuse(StatusCode::BAD_REQUEST, (full, None)).await;
    }
    invited(&form.user, user, name.to_owned(), false).await
}

/// A link for another user: a new invitation, or a password reset, which signs that user out everywhere.
pub async fn invite_again(Path(id): Path<String>, form: Form) -> Result {
    let user = find_other(&form.user, &id).await?;
    if let Some(wrong) = form.confirm().await? {
        return UserPage::refuse(&form.user, user, Part::Link, (wrong.status, wrong.text)).await;
    }
    invited(&form.user, user.id, user.name, user.address.is_some()).await
}

async fn invited(by: &User, user: ObjectId, name: String, again: bool) -> Result {
    let app = &by.app;
    let link = links::invite(app.storage.as_ref(), &app.console.public_url, user, app.clock.now()).await?;
    let link = link.ok_or(PageError::NotFound)?;
    render(&Invited { page: by.page(Section::Account), name, link, again })
}

/// Gives a user another role.
pub async fn set_role(Path(id): Path<String>, form: Form) -> Result {
    let user = find(&form.user, &id).await?;
    let refuse = async |user, wrong| UserPage::refuse(&form.user, user, Part::Role, wrong).await;
    let Ok(role) = form.get("role").parse() else {
        return refuse(user, (StatusCode::BAD_REQUEST, mark("Choose a role."))).await;
    };
    if let Some(wrong) = form.confirm().await? {
        return refuse(user, (wrong.status, wrong.text)).await;
    }
    match form.user.app.storage.set_user_role(user.id, role).await? {
        // An owner who gives up the role cannot see the user's page any more.
        UserChange::Done if user.id == form.user.signed_in.user => Ok(redirect("/account?done=role")),
        UserChange::Done => Ok(redirect(&format!("/account/users/{}?done=role", user.id))),
        UserChange::LastOwner => refuse(user, (StatusCode::CONFLICT, LAST_OWNER)).await,
        UserChange::NoUser => Err(PageError::NotFound),
    }
}

/// Enables another user.
pub async fn enable(Path(id): Path<String>, form: Form) -> Result {
    let user = find_other(&form.user, &id).await?;
    if let Some(wrong) = form.confirm().await? {
        return UserPage::refuse(&form.user, user, Part::Enable, (wrong.status, wrong.text)).await;
    }
    form.user.app.storage.enable_user(user.id).await?;
    form.user.app.catalogue.account_changed(form.user.signed_in.account);
    Ok(redirect(&format!("/account/users/{}?done=enabled", user.id)))
}

#[derive(Template)]
#[template(path = "user-disable.html")]
struct DisablePage {
    page: Page,
    user: storage::User,
    keys: Vec<Token>,
    /// Users who can take over the keys, and whether each is chosen.
    heirs: Vec<(storage::User, bool)>,
    error: Option<&'static str>,
    present_error: Option<&'static str>,
}

impl DisablePage {
    async fn of(by: &User, user: storage::User, chosen: &str) -> Result<Self> {
        let keys = keys(by, user.id).await?;
        let users = by.app.storage.users(by.signed_in.account).await?;
        let heirs = users.into_iter().filter(|heir| heir.enabled && heir.id != user.id);
        let heirs = heirs.map(|heir| (heir.id.to_string() == chosen, heir)).map(|(is, heir)| (heir, is));
        let (page, heirs) = (by.page(Section::Account), heirs.collect());
        Ok(Self { page, user, keys, heirs, error: None, present_error: None })
    }
}

/// Asks whether to disable another user, and what becomes of the user's API keys.
pub async fn ask_disable(by: User, Path(id): Path<String>) -> Result {
    let user = find_other(&by, &id).await?;
    render(&DisablePage::of(&by, user, "").await?)
}

/// Disables another user. The user's API keys stop, or are handed to the user that `keys_to` names.
pub async fn disable(Path(id): Path<String>, form: Form) -> Result {
    let user = find_other(&form.user, &id).await?;
    let (id, chosen) = (user.id, form.get("keys_to"));
    let page = DisablePage::of(&form.user, user, chosen).await?;
    if let Some(wrong) = form.confirm().await? {
        return render_with(wrong.status, &DisablePage { present_error: Some(wrong.text), ..page });
    }
    let heir = page.heirs.iter().find(|(_, is_chosen)| *is_chosen).map(|(heir, _)| heir.id);
    let app = &form.user.app;
    let changed = match (chosen, heir) {
        // Somebody has disabled the heir since the page was made: keys must not stop without a word.
        (chosen, None) if !chosen.is_empty() => UserChange::NoUser,
        _ => app.storage.disable_user(id, heir).await?,
    };
    let error = match changed {
        UserChange::Done => {
            app.catalogue.account_changed(form.user.signed_in.account);
            return Ok(redirect(if heir.is_some() {
                "/account?done=handed"
            } else {
                "/account?done=disabled"
            }));
        }
        UserChange::LastOwner => LAST_OWNER,
        UserChange::NoUser => {
            mark("The user who was to take over the keys is not enabled. Nothing was changed.")
        }
    };
    render_with(StatusCode::CONFLICT, &DisablePage { error: Some(error), ..page })
}

/// The API keys of a user that are not revoked.
async fn keys(by: &User, user: ObjectId) -> Result<Vec<Token>> {
    let mut tokens = by.app.storage.tokens(Some(by.signed_in.account_id)).await?;
    tokens.retain(|token| token.user == user && token.revoked_at.is_none());
    Ok(tokens)
}

/// A user of the account.
async fn find(by: &User, id: &str) -> Result<storage::User> {
    let id = ObjectId::parse(id).ok_or(PageError::NotFound)?;
    let users = by.app.storage.users(by.signed_in.account).await?;
    users.into_iter().find(|user| user.id == id).ok_or(PageError::NotFound)
}

/// The same, but not the user who asks: nobody shuts himself out, or makes a link that sets his own password without
/// the present one.
async fn find_other(by: &User, id: &str) -> Result<storage::User> {
    let user = find(by, id).await?;
    if user.id == by.signed_in.user { Err(PageError::NotFound) } else { Ok(user) }
}
