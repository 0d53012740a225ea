//! `/account/webhook-secret`: the secret that signs the account's webhooks.

use askama::Template;
use axum::http::StatusCode;

use super::confirm::Wrong;
use super::page::render_with;
use super::{Form, Page, Query, Result, Section, User, redirect, render};
use app::webhook::sign::{OVERLAP, Secret};
use web::translate::mark;

const DONE: [(&str, &str); 1] =
    [("rotated", mark("The new secret is in use. The previous one also signs for 24 hours."))];

#[derive(Template)]
#[template(path = "webhook-secret.html")]
struct SecretPage {
    page: Page,
    /// `None` until the user has confirmed.
    secret: Option<String>,
    error: Option<&'static str>,
}

impl SecretPage {
    async fn of(user: &User, confirmed: bool) -> Result<Self> {
        let page = user.page(Section::Account);
        let secret = user.app.storage.webhook_secret(user.signed_in.account_id).await?;
        Ok(Self { page, secret: secret.filter(|_| confirmed), error: None })
    }

    async fn refuse(user: &User, wrong: Wrong) -> Result {
        let page = Self { error: Some(wrong.text), ..Self::of(user, false).await? };
        render_with(wrong.status, &page)
    }
}

/// The page; it shows the secret if the sign-in is fresh.
pub async fn page(user: User, query: Query) -> Result {
    let mut page = SecretPage::of(&user, user.is_fresh()).await?;
    page.page = page.page.done(query.get("done"), &DONE);
    render(&page)
}

/// Shows the secret, once confirmed.
pub async fn reveal(form: Form) -> Result {
    match form.confirm().await? {
        None => render_with(StatusCode::OK, &SecretPage::of(&form.user, true).await?),
        Some(wrong) => SecretPage::refuse(&form.user, wrong).await,
    }
}

/// Puts a new webhook secret in place; the previous one also signs for a while.
pub async fn rotate(form: Form) -> Result {
    if let Some(wrong) = form.confirm().await? {
        return SecretPage::refuse(&form.user, wrong).await;
    }
    let (app, account) = (&form.user.app, form.user.signed_in.account_id);
    let secret = Secret::generate(domain::secret::random()).to_text();
    app.storage.set_webhook_secret(account, secret, app.clock.now().after(OVERLAP)).await?;
    Ok(redirect("/account/webhook-secret?done=rotated"))
}
