//! `/u/{token}`: what an unsubscribe link leads to.
//!
//! A GET shows a page with a button and changes nothing: programs that scan mails fetch links too. A POST turns the
//! channel off (RFC 8058), whatever its body and origin are. Nothing here redirects: that would make a POST a GET. A page
//! does not say whether the contact exists. It speaks the language of the browser.

use std::sync::Arc;
use std::time::Instant;

use askama::Template;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, RETRY_AFTER, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::get;
use http_body_util::BodyExt as _;

use app::unsubscribe::Proof;
use app::unsubscribe::link::{CHANNELS, Link};
use web::App;
use web::drain::Draining;
use web::translate::{self, mark, t};
use web::{admission, client};

/// What these answers are counted as.
const COUNTED: &str = "/u";

/// Bytes of a POST that are looked at; more are read and dropped.
const LOOKED_AT: usize = 4_096;

/// The field that distinguishes the form of the page from a mail program.
const PAGE_FIELD: &str = "by=page";

/// What a page may load: a style sheet of this server, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The routes.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/u/{token}", get(ask).post(turn_off)).layer(from_fn(translate::choose))
}

#[derive(Template)]
#[template(path = "unsubscribe.html")]
struct Page {
    title: &'static str,
    /// The account's name and the channel, while the list is there.
    account: Option<String>,
    channel: &'static str,
    shows_form: bool,
    text: &'static str,
}

impl Page {
    const fn plain(title: &'static str, text: &'static str) -> Self {
        Self { title, account: None, channel: "", shows_form: false, text }
    }

    fn answer(&self, status: StatusCode) -> Response {
        let page = self.render().unwrap_or_else(|error| {
            tracing::error!(%error, "unsubscribe: rendering a page failed");
            t(self.title).to_string()
        });
        let mut response = Response::new(Body::from(page));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        for (name, value) in [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CACHE_CONTROL, "no-store"),
            (VARY, "accept-language"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (REFERRER_POLICY, "no-referrer"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("10"));
        }
        response
    }
}

/// What a channel is called on the page.
const fn label(channel: usize) -> &'static str {
    match channel {
        0 => mark("e-mails"),
        1 => mark("text messages"),
        2 | 3 => mark("push notifications"),
        4 => mark("Telegram messages"),
        _ => mark("Viber messages"),
    }
}

fn channel(link: &Link) -> &'static str {
    label(CHANNELS.iter().position(|(_, field)| *field == link.channel).unwrap_or_default())
}

/// The link, if the token is one. Wrong tokens cost their sender time, and right ones never do.
fn verify(app: &App, head: &Parts, token: &str) -> Result<Link, Page> {
    if let Some(link) = app.links.verify(token) {
        admission::admit(head);
        return Ok(link);
    }
    if let Some(address) = client::address(head, &app.limits.proxies) {
        app.link_throttle.wrong(address, Instant::now());
    }
    Err(Page::plain(
        mark("This link is not valid"),
        mark("The link is not complete. Copy the whole link from the message."),
    ))
}

async fn ask(State(app): State<Arc<App>>, Path(token): Path<String>, request: Request) -> Response {
    let start = Instant::now();
    let (head, body) = request.into_parts();
    drop(Draining::new(body));
    let (status, page) = match throttled(&app, &head, &token) {
        Some(page) => (StatusCode::TOO_MANY_REQUESTS, page),
        None => match verify(&app, &head, &token) {
            Ok(link) => question(&app, &link).await,
            Err(page) => (StatusCode::NOT_FOUND, page),
        },
    };
    app.metrics.answered(COUNTED, status.as_u16(), start.elapsed());
    page.answer(status)
}

/// Whether the sender has tried too many wrong tokens, and this one is wrong too.
fn throttled(app: &App, head: &Parts, token: &str) -> Option<Page> {
    let address = client::address(head, &app.limits.proxies)?;
    app.link_throttle.wait(address, Instant::now())?;
    // A good token is never asked to wait: mail providers send many requests from one address.
    if app.links.verify(token).is_some() {
        return None;
    }
    Some(Page::plain(mark("Try again later"), mark("Too many wrong links were opened from your network.")))
}

async fn question(app: &App, link: &Link) -> (StatusCode, Page) {
    match app.queries.link_owner(link).await {
        Ok(owner) => {
            let (title, shows_form) = (mark("Unsubscribe"), owner.is_some());
            let text = if shows_form { "" } else { mark("You do not receive messages from this list.") };
            let account = owner.map(|owner| owner.account_name);
            (StatusCode::OK, Page { title, account, channel: channel(link), shows_form, text })
        }
        Err(error) => {
            tracing::error!(%error, "unsubscribe: reading the list failed");
            away()
        }
    }
}

fn away() -> (StatusCode, Page) {
    let text = mark("The server cannot do this now. Nothing was changed. Try again in a minute.");
    (StatusCode::SERVICE_UNAVAILABLE, Page::plain(mark("Try again later"), text))
}

async fn turn_off(State(app): State<Arc<App>>, Path(token): Path<String>, request: Request) -> Response {
    let start = Instant::now();
    let (head, body) = request.into_parts();
    let body = Draining::new(body);
    let (status, page) = match throttled(&app, &head, &token) {
        Some(page) => (StatusCode::TOO_MANY_REQUESTS, page),
        None => match verify(&app, &head, &token) {
            Ok(link) => {
                let sent = tokio::time::timeout(app.limits.body_timeout, beginning(body)).await;
                // A body that does not arrive is as good as none.
                let is_page = sent.is_ok_and(|sent| is_of_page(&sent));
                let proof = if is_page { Proof::Page } else { Proof::OneClick };
                // In a task of its own: it is finished though the sender hangs up.
                let commands = app.commands.clone();
                let done = tokio::spawn(async move { commands.unsubscribe(link, proof).await }).await;
                outcome(&link, done)
            }
            Err(page) => (StatusCode::NOT_FOUND, page),
        },
    };
    app.metrics.answered(COUNTED, status.as_u16(), start.elapsed());
    page.answer(status)
}

fn outcome(link: &Link, done: Result<app::Result<()>, tokio::task::JoinError>) -> (StatusCode, Page) {
    match done {
        Ok(Ok(())) => {
            let text = mark("A message that is already on its way can still arrive.");
            let page = Page {
                title: mark("You are unsubscribed"),
                account: None,
                channel: channel(link),
                shows_form: false,
                text,
            };
            (StatusCode::OK, page)
        }
        Ok(Err(refusal)) => {
            let error = refusal.store_error().map(ToString::to_string);
            tracing::error!(error, "unsubscribe: storing an opt-out failed");
            away()
        }
        Err(error) => {
            tracing::error!(%error, "unsubscribe: handler panicked");
            away()
        }
    }
}

/// The beginning of a body; what follows is dropped.
async fn beginning(mut body: Draining) -> Bytes {
    let mut bytes = Vec::new();
    while bytes.len() < LOOKED_AT {
        let Some(Ok(frame)) = body.frame().await else { break };
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    bytes.into()
}

fn is_of_page(sent: &[u8]) -> bool {
    sent.split(|byte| *byte == b'&').any(|pair| pair == PAGE_FIELD.as_bytes())
}
