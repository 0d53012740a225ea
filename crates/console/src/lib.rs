//! The console: pages for people, made on the server, whole without a script.
//!
//! # How a page is added
//!
//! 1. A file here with its handlers, and a template in `templates/` that begins with
//!    `{% extends "layout.html" %}`, has the blocks `title` and `main`, and whose struct has a field `page: Page`
//!    (from [`User::page`], which names the section of the menu).
//! 2. What reads takes a [`User`] (who is not signed in is sent to `/sign-in`) and, where it has parameters, a
//!    [`Query`]. What changes something is a POST and takes a [`Form`]: its user is signed in, its CSRF token and
//!    origin are checked, its fields are read. A handler returns `Result<Response, PageError>`: [`render`] makes the
//!    answer of a template, [`redirect`] leads to another page. Every form has `{{ page.csrf_field()|safe }}` in it; htmx
//!    sends the token by itself.
//! 3. It does something by a use case of [`app`], as [`User::caller`]; [`Refused::of`] gives the text for a
//!    form's field, by the table in `texts`. Pages about credentials and users use the store, with the user's account.
//! 4. Its route stands in [`router`], under the role that it needs. What concerns credentials is confirmed first, by
//!    [`Form::confirm`]. Macros that all pages share are in `templates/parts.html`, and styles in
//!    `web/assets/console.css`. Nothing is inline: no `style=`, no `<script>`, no `on…=`.

mod account;
mod all_contacts;
mod bulk;
mod columns;
mod confirm;
mod contact;
mod contacts;
mod cookie;
mod download;
mod duplicates;
mod error;
mod export;
mod fields;
mod filter;
mod form;
mod guard;
mod import;
mod jobs;
mod keys;
mod links;
mod lists;
mod metered;
mod overview;
pub mod page;
mod people;
mod refused;
mod requests;
mod rights;
mod segments;
mod sessions;
mod sign_in;
mod sources;
mod suppression;
mod texts;
mod user;
mod variables;
mod webhook_secret;
mod webhooks;
mod welcome;
#[cfg(test)]
mod words;

// Templates name these.
use web::translate::{t, tn};

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, map_response};
use axum::response::Response;
use axum::routing::{get, post};

pub use self::error::{PageError, not_found};
pub use self::fields::{Fields, Query, time_field};
pub use self::form::Form;
pub use self::guard::wants_page;
pub use self::links::{first_link, invite};
pub use self::page::{Page, Section, redirect, render};
pub use self::people::MAX_USERS;
pub use self::refused::Refused;
use self::rights::needs;
pub use self::user::User;
use storage::UserRole;
use web::translate;
use web::{App, assets};

/// What a handler of a page returns.
pub type Result<T = Response, E = PageError> = std::result::Result<T, E>;

/// The routes of the console: each stands under the role that it needs.
pub fn router() -> Router<Arc<App>> {
    let open = Router::new()
        .route("/sign-in", get(sign_in::ask).post(sign_in::try_in))
        .route("/welcome/{link}", get(welcome::ask).post(welcome::begin))
        .route("/email-list", get(async || redirect("/lists")));
    open.merge(needs(UserRole::Viewer, viewer()))
        .merge(needs(UserRole::Editor, editor()))
        .merge(needs(UserRole::Owner, owner()))
        .layer(from_fn(guard::finish))
        .layer(from_fn(translate::choose))
        .layer(map_response(guard::secure))
        .merge(assets::router())
}

/// Pages that change nothing, and a user's own affairs.
fn viewer() -> Router<Arc<App>> {
    Router::new()
        .route("/sign-out", post(sign_in::out))
        .route("/", get(overview::overview))
        .route("/contacts", get(all_contacts::search))
        .route("/lists", get(lists::all))
        .route("/lists/{id}", get(contacts::all))
        .route("/lists/{id}/rest", get(contacts::rest))
        .route("/lists/{id}/count", get(contacts::count_matching))
        .route("/lists/{id}/columns", post(contacts::pick))
        .route("/lists/{id}/contacts/{contact}", get(contact::show_contact))
        .route("/lists/{id}/contacts/{contact}/step", get(contact::step))
        .route("/lists/{id}/contacts/{contact}/person.json", get(contact::export))
        .route("/lists/{id}/variables", get(variables::all))
        .route("/lists/{id}/segments", get(segments::all))
        .route("/lists/{id}/segments/{segment}/size", get(segments::size))
        .route("/lists/{id}/duplicates", get(duplicates::all))
        .route("/lists/{id}/export", get(export::ask))
        .route("/lists/{id}/export/file", get(export::file))
        .route("/sources", get(sources::all))
        .route("/suppression", get(suppression::all))
        .route("/suppression/export.csv", get(suppression::export))
        .route("/requests", get(requests::all))
        .route("/requests/rows", get(requests::rows))
        .route("/requests/rejected", get(requests::rejected))
        .route("/requests/{id}", get(requests::show_request))
        .route("/webhooks", get(webhooks::all))
        .route("/webhooks/attempts/{id}", get(webhooks::one))
        .route("/jobs", get(jobs::all))
        .route("/jobs/{id}", get(jobs::one))
        .route("/jobs/{id}/progress", get(jobs::progress))
        .route("/jobs/{id}/contacts", get(jobs::contacts))
        .route("/jobs/{id}/failed.csv", get(jobs::failures))
        .route("/jobs/{id}/requests.txt", get(jobs::requests))
        .route("/account", get(account::show_account))
        .route("/account/name", post(account::rename))
        .route("/account/language", post(account::set_language))
        .route("/account/password", post(account::change_password))
        .route("/account/sessions/end-others", post(sessions::end_others))
}

/// What changes contacts, lists, variables and sources, and the pages that ask for it.
fn editor() -> Router<Arc<App>> {
    Router::new()
        .route("/lists", post(lists::make))
        .route("/lists/{id}/rename", get(lists::ask_name).post(lists::rename))
        .route("/lists/{id}/remove", get(lists::ask_removal).post(lists::remove))
        .route("/lists/{id}/contacts/new", get(contact::ask_new).post(contact::add))
        .route("/lists/{id}/contacts/{contact}", post(contact::save))
        .route("/lists/{id}/contacts/{contact}/remove", get(contact::ask_removal).post(contact::remove))
        .route("/lists/{id}/contacts/{contact}/erase", get(contact::ask_erasure).post(contact::erase))
        .route("/lists/{id}/variables", post(variables::add))
        .route("/lists/{id}/variables/{name}/rename", get(variables::ask_name).post(variables::rename))
        .route("/lists/{id}/variables/{name}/remove", get(variables::ask_removal).post(variables::remove))
        .route("/sources", post(sources::add))
        .route("/sources/{id}", get(sources::one).post(sources::change))
        .route("/sources/{id}/remove", get(sources::ask_removal).post(sources::remove))
        .route("/suppression/add", post(suppression::add))
        .route("/suppression/remove", post(suppression::remove))
        .route("/suppression/import", post(suppression::import).layer(DefaultBodyLimit::disable()))
        .route("/requests/{id}/resend", post(requests::resend))
        .route("/webhooks/test", post(webhooks::test))
        .route("/webhooks/{id}/resume", post(webhooks::resume))
        .route("/webhooks/resend-failed", post(webhooks::resend_failed))
        .route("/webhooks/attempts/{id}/resend", post(webhooks::resend))
        .route("/requests/{id}/undo", get(requests::ask_undo).post(requests::undo))
        .route("/lists/{id}/import", get(import::ask).post(import::upload).layer(DefaultBodyLimit::disable()))
        .route("/lists/{id}/bulk", post(bulk::change))
        .route("/lists/{id}/segments", post(segments::save))
        .route("/lists/{id}/segments/{segment}/rename", post(segments::rename))
        .route("/lists/{id}/segments/{segment}/remove", post(segments::remove))
        .route("/lists/{id}/views/{view}/remove", post(segments::remove_view))
        .route("/lists/{id}/duplicates", post(duplicates::merge))
        .route("/jobs/{id}/begin", post(jobs::begin))
        .route("/jobs/{id}/stop", post(jobs::stop))
        .route("/jobs/{id}/undo", post(jobs::undo))
        .route("/jobs/{id}/resume", post(jobs::resume))
        .route("/jobs/{id}/remove", post(jobs::remove))
}

/// What concerns credentials and users.
fn owner() -> Router<Arc<App>> {
    Router::new()
        .route("/keys", get(keys::all).post(keys::make))
        .route("/keys/{key}/revoke", get(keys::ask_revocation).post(keys::revoke))
        .route("/account/opt-out", post(account::set_opt_out))
        .route("/webhooks/new", post(webhooks::make))
        .route("/webhooks/{id}/remove", get(webhooks::ask_removal).post(webhooks::remove))
        .route("/account/webhook-secret", get(webhook_secret::page).post(webhook_secret::rotate))
        .route("/account/webhook-secret/show", post(webhook_secret::reveal))
        .route("/account/users", post(people::invite_new))
        .route("/account/users/{user}", get(people::one))
        .route("/account/users/{user}/role", post(people::set_role))
        .route("/account/users/{user}/invite", post(people::invite_again))
        .route("/account/users/{user}/disable", get(people::ask_disable).post(people::disable))
        .route("/account/users/{user}/enable", post(people::enable))
}
