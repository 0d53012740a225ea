//! What all pages have in common, and how one is answered.

use askama::Template;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use url::form_urlencoded;

use super::{Result, User};
use storage::{UserRole, Window};
use web::answer;
use web::translate::Language;
use web::translate::mark;

/// A section of the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// `/`
    Overview,
    /// `/contacts`
    Contacts,
    /// `/lists`
    Lists,
    /// `/sources`
    Sources,
    /// `/suppression`
    Suppression,
    /// `/requests`
    Requests,
    /// `/webhooks`
    Webhooks,
    /// `/jobs`
    Jobs,
    /// `/keys`
    Keys,
    /// `/account`
    Account,
}

impl Section {
    /// The menu, in its order: sections that there are pages of.
    pub const MENU: [(Self, &'static str, &'static str); 10] = [
        (Self::Overview, "/", mark("Overview")),
        (Self::Contacts, "/contacts", mark("All contacts")),
        (Self::Lists, "/lists", mark("Lists")),
        (Self::Sources, "/sources", mark("Sources")),
        (Self::Suppression, "/suppression", mark("Suppression")),
        (Self::Requests, "/requests", mark("API activity")),
        (Self::Webhooks, "/webhooks", mark("Webhooks")),
        (Self::Jobs, "/jobs", mark("Import and bulk changes")),
        (Self::Keys, "/keys", mark("API keys")),
        (Self::Account, "/account", mark("Account")),
    ];
}

/// What the layout shows around a page.
#[derive(Debug)]
pub struct Page {
    /// The account's name.
    pub account: String,
    /// The user's name.
    pub user: String,
    /// The user's role.
    pub role: UserRole,
    /// Whether forms about credentials ask for the password.
    pub asks_password: bool,
    /// The token of the session's forms.
    pub csrf: String,
    /// Where in the menu the page stands.
    pub section: Section,
    /// What was just done, to be told once.
    pub notice: Option<&'static str>,
    /// Where the server is reached, for lines that a reader copies.
    pub public_url: String,
}

impl Page {
    /// The field that every form has.
    pub fn csrf_field(&self) -> String {
        // The alphabet of the token has nothing to escape.
        format!(r#"<input type="hidden" name="csrf" value="{}">"#, self.csrf)
    }

    /// Whether the user may change contacts, lists, variables and sources.
    pub fn may_change(&self) -> bool {
        self.role >= UserRole::Editor
    }

    /// Whether the user may manage users, API keys and the webhook secret.
    pub fn may_manage(&self) -> bool {
        self.role >= UserRole::Owner
    }

    /// The sections of the menu that the user may see.
    pub fn menu(&self) -> impl Iterator<Item = (bool, &'static str, &'static str)> {
        let seen =
            Section::MENU.into_iter().filter(|(section, ..)| *section != Section::Keys || self.may_manage());
        seen.map(|(section, path, name)| (section == self.section, path, name))
    }

    /// And what was just done, as `?done=` names it, by a table of the page's own.
    pub fn done(self, done: &str, texts: &[(&str, &'static str)]) -> Self {
        let notice = texts.iter().find(|(name, _)| *name == done).map(|(_, text)| *text);
        Self { notice, ..self }
    }
}

/// Which part of many rows a page shows.
#[derive(Debug)]
pub struct Pager {
    path: String,
    /// The number of the page, from 1.
    pub number: u64,
    rows: u32,
    /// How many rows there are in all.
    pub total: u64,
}

impl Pager {
    /// The page with that number, as an address gives it, of so many rows each; `path` may have a query of its own.
    pub fn at(path: impl Into<String>, number: &str, rows: u32) -> Self {
        let number = number.parse().unwrap_or(1).clamp(1, u64::MAX / u64::from(u32::MAX));
        Self { path: path.into(), number, rows, total: 0 }
    }

    /// The rows.
    pub fn window(&self) -> Window {
        Window { offset: (self.number - 1) * u64::from(self.rows), limit: self.rows }
    }

    /// How many pages there are; at least one.
    pub fn pages(&self) -> u64 {
        self.total.div_ceil(self.rows.into()).max(1)
    }

    /// The address of a page.
    pub fn link(&self, number: &u64) -> String {
        let sign = if self.path.contains('?') { '&' } else { '?' };
        format!("{}{sign}page={number}", self.path)
    }
}

impl User {
    /// What the layout shows to this user around a page of a section.
    pub fn page(&self, section: Section) -> Page {
        Page {
            account: self.signed_in.account_name.clone(),
            user: self.signed_in.user_name.clone(),
            role: self.signed_in.role,
            asks_password: !self.is_fresh(),
            csrf: self.csrf.clone(),
            section,
            notice: None,
            public_url: self.app.console.public_url.to_string(),
        }
    }
}

/// Answers with a page.
///
/// # Errors
/// Where the template fails.
pub fn render(template: &impl Template) -> Result {
    let mut response = Response::new(Body::from(template.render()?));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Ok(response)
}

/// The same with another status, for a form that was not taken.
///
/// # Errors
/// Where the template fails.
pub fn render_with(status: StatusCode, template: &impl Template) -> Result {
    let mut response = render(template)?;
    set_status(&mut response, status);
    Ok(response)
}

/// Gives a page its status. One that is for now only says when to come again.
pub fn set_status(response: &mut Response, status: StatusCode) {
    *response.status_mut() = status;
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(answer::RETRY_AFTER));
    }
}

/// Leads to another page of the server, which is then asked for by GET.
pub fn redirect(path: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, location);
    response
}

/// A path of this server, as somebody gave it; `/` where it could lead elsewhere.
pub fn own_path(path: &str) -> &str {
    let own = path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\');
    if own { path } else { "/" }
}

/// A query without its empty parameters, if it has any.
pub fn without_empty(query: &str) -> Option<String> {
    let pairs = || form_urlencoded::parse(query.as_bytes());
    if pairs().all(|(_, value)| !value.is_empty()) {
        return None;
    }
    let filled = pairs().filter(|(_, value)| !value.is_empty());
    Some(form_urlencoded::Serializer::new(String::new()).extend_pairs(filled).finish())
}

/// The address of a path with a query, which may be empty.
pub fn address(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// A number with its thousands apart.
pub fn number(number: impl std::borrow::Borrow<u64>) -> String {
    Language::current().number(*number.borrow())
}

/// A line for a shell that sends a contact to a list, the account's own where there is one.
pub fn curl_contact(public_url: &str, list: Option<&str>) -> String {
    let (list, contacts) = (list.unwrap_or("LIST"), r#"[{"contact":"user@example.com"}]"#);
    let body = format!(r#"{{"contactListId":"{list}","upsert":true,"contacts":{contacts}}}"#);
    curl(public_url, "contacts/update", &body)
}

/// A line for a shell that makes a list.
pub fn curl_list(public_url: &str) -> String {
    curl(public_url, "contact-list/create", r#"{"contactListName":"My first list"}"#)
}

/// A line for a shell that calls a method of the API; the reader puts a key in.
pub fn curl(public_url: &str, method: &str, body: &str) -> String {
    format!("curl -H 'Access-Token: KEY' {public_url}/v3/{method} \\\n  -d '{body}'")
}
