//! `/keys`: access tokens, which people call API keys.

use std::collections::HashMap;
use std::time::Duration;

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use serde_json::json;

use super::page::render_with;
use super::welcome::name_problem;
use super::{Fields, Form, Page, PageError, Query, Result, Section, User, redirect, render};
use app::lists::ListQuery;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::token::FreshToken;
use storage::{List, NewToken, Scope, Token, TokenError, Window};
use web::translate::mark;

/// Keys that an account may have that are not revoked.
const MAX: usize = 500;

/// Lists that a key can be limited to on the page; there are commands for more.
const LISTS: u32 = 200;

/// Revoked keys that are shown.
const REVOKED: usize = 20;

const DONE: [(&str, &str); 1] = [("revoked", mark("The key is revoked. Requests with it are refused."))];

/// After how many days a key may end, and how that is called.
const EXPIRIES: [(&str, &str); 5] = [
    ("", mark("Never")),
    ("7", mark("In 7 days")),
    ("30", mark("In 30 days")),
    ("90", mark("In 90 days")),
    ("365", mark("In a year")),
];

/// A key as the page shows it.
struct Row {
    token: Token,
    user: String,
    /// Whether the user is disabled: the key is refused then.
    user_disabled: bool,
    lists: Vec<String>,
    used_at: Option<Timestamp>,
    expired: bool,
}

#[derive(Template)]
#[template(path = "keys.html")]
struct Keys {
    page: Page,
    keys: Vec<Row>,
    lists: Vec<List>,
    name: String,
    expires: String,
    read_only: bool,
    limited: Vec<String>,
    error: Option<String>,
    present_error: Option<&'static str>,
    expiries: &'static [(&'static str, &'static str)],
}

impl Keys {
    async fn of(user: &User, query: &Query) -> Result<Self> {
        let window = Window { offset: 0, limit: LISTS };
        let lists = user.app.queries.lists(&user.caller(), ListQuery::default(), window).await?.rows;
        Ok(Self {
            page: user.page(Section::Keys).done(query.get("done"), &DONE),
            keys: rows(user, &lists).await?,
            lists,
            name: String::new(),
            expires: String::new(),
            read_only: false,
            limited: Vec::new(),
            error: None,
            present_error: None,
            expiries: &EXPIRIES,
        })
    }

    /// Keeps what was typed.
    fn keep(&mut self, fields: &Fields) {
        fields.get("name").clone_into(&mut self.name);
        fields.get("expires").clone_into(&mut self.expires);
        self.read_only = fields.has("read_only");
        self.limited = fields.all("list").map(str::to_owned).collect();
    }

    fn is_limited(&self, list: &ObjectId) -> bool {
        self.limited.contains(&list.to_string())
    }
}

/// Keys that work, the newest first, then the last that were revoked.
async fn rows(user: &User, lists: &[List]) -> Result<Vec<Row>> {
    let now = user.app.clock.now();
    let mut tokens = user.app.storage.tokens(Some(user.signed_in.account_id)).await?;
    tokens.sort_by_key(|token| (token.revoked_at, token.created_at));
    tokens.reverse();
    let (revoked, mut shown): (Vec<_>, Vec<_>) =
        tokens.into_iter().partition(|token| token.revoked_at.is_some());
    shown.extend(revoked.into_iter().take(REVOKED));
    let users = user.app.storage.users(user.signed_in.account).await?;
    let users: HashMap<_, _> = users.into_iter().map(|user| (user.id, user)).collect();
    let name = |id: &ObjectId| {
        let known = lists.iter().find(|list| list.id == *id);
        known.map_or_else(|| id.to_string(), |list| list.about.name.clone())
    };
    let row = |token: Token| Row {
        user: users.get(&token.user).map(|user| user.name.clone()).unwrap_or_default(),
        user_disabled: users.get(&token.user).is_some_and(|user| !user.enabled),
        lists: token.scope.lists.iter().flatten().map(name).collect(),
        used_at: token.used_at.max(user.app.last_used.last(&token.key)),
        expired: token.expires_at.is_some_and(|end| end <= now),
        token,
    };
    Ok(shown.into_iter().map(row).collect())
}

/// All keys of the account.
pub async fn all(user: User, query: Query) -> Result {
    render(&Keys::of(&user, &query).await?)
}

#[derive(Template)]
#[template(path = "key-made.html")]
struct Made {
    page: Page,
    name: String,
    key: String,
    curl: String,
}

/// Makes a key, and shows it: this once.
pub async fn make(form: Form) -> Result {
    let user = &form.user;
    let mut page = Keys::of(user, &Query::default()).await?;
    let working = page.keys.iter().filter(|row| row.token.revoked_at.is_none()).count();
    let too_many = (working >= MAX).then_some(mark("There are 500 keys already. Revoke some first."));
    page.keep(&form.fields);
    let lists: Vec<_> = form.all("list").filter_map(ObjectId::parse).collect();
    let no_lists =
        (form.has("limited") && lists.is_empty()).then_some(mark("Choose the lists that the key may use."));
    if let Some(error) = name_problem(form.get("name")).or(too_many).or(no_lists) {
        page.error = Some(error.to_owned());
        return render_with(StatusCode::BAD_REQUEST, &page);
    }
    if let Some(wrong) = form.confirm().await? {
        page.present_error = Some(wrong.text);
        return render_with(wrong.status, &page);
    }
    let (fresh, now) = (FreshToken::generate(), user.app.clock.now());
    let days = form.get("expires").parse().ok().filter(|days| *days <= 36_500);
    let token = NewToken {
        key: fresh.key,
        secret_hash: fresh.secret_hash,
        name: form.get("name").to_owned(),
        expires_at: days.map(|days: u64| now.after(Duration::from_secs(days * 24 * 3_600))),
        scope: Scope { read_only: form.has("read_only"), lists: form.has("limited").then_some(lists) },
    };
    let (name, scope) = (token.name.clone(), token.scope.clone());
    match user.app.storage.add_token(user.signed_in.user, token, now).await {
        Ok(()) => {
            user.app.catalogue.account_changed(user.signed_in.account);
            let curl = curl(&page, &scope, &fresh.text);
            render(&Made { page: user.page(Section::Keys), name, key: fresh.text, curl })
        }
        Err(TokenError::Store(error)) => Err(error.into()),
        Err(TokenError::NoUser | TokenError::NoList(_)) => Err(PageError::NotFound),
    }
}

/// A line that tries the key, with the reader's own list where there is one.
fn curl(page: &Keys, scope: &Scope, key: &str) -> String {
    let seen = |list: &&List| scope.lists.as_ref().is_none_or(|lists| lists.contains(&list.id));
    let list = page.lists.iter().find(seen).map(|list| list.id);
    let (method, body) = match list {
        Some(list) if !scope.read_only => (
            "contacts/update",
            json!({
                "contactListId": list, "upsert": true,
                "contacts": [{ "contact": "someone@example.com", "firstName": "Some", "lastName": "One" }],
            }),
        ),
        _ => ("contact-list/find", json!({})),
    };
    curl_line(&page.page.public_url, method, key, &body)
}

/// A line for a shell that calls a method. Nothing in the parts has a single quote.
pub fn curl_line(public_url: &str, method: &str, key: &str, body: &serde_json::Value) -> String {
    format!("curl {public_url}/v3/{method} \\\n  -H 'Access-Token: {key}' \\\n  -d '{body}'")
}

#[derive(Template)]
#[template(path = "key-revoke.html")]
struct Revoke {
    page: Page,
    token: Token,
}

/// Asks whether a key is to end.
pub async fn ask_revocation(user: User, Path(key): Path<String>) -> Result {
    let token = find(&user, &key).await?;
    render(&Revoke { page: user.page(Section::Keys), token })
}

/// Ends a key.
pub async fn revoke(Path(key): Path<String>, form: Form) -> Result {
    let token = find(&form.user, &key).await?;
    form.user.app.storage.revoke_token(token.key, form.user.app.clock.now()).await?;
    form.user.app.catalogue.account_changed(form.user.signed_in.account);
    Ok(redirect("/keys?done=revoked"))
}

/// A key of the user's own account.
async fn find(user: &User, key: &str) -> Result<Token> {
    let tokens = user.app.storage.tokens(Some(user.signed_in.account_id)).await?;
    tokens.into_iter().find(|token| token.key == key).ok_or(PageError::NotFound)
}
