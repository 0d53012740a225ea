//! Who looks at a page.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use url::form_urlencoded;

use super::{PageError, cookie, guard, redirect, rights};
use app::Caller;
use storage::{SignedIn, TextHash};
use web::App;
use web::admission;
use web::translate::Language;

/// A session that nobody has used for this long has ended.
pub const IDLE: Duration = Duration::from_secs(12 * 3_600);

/// A session ends after this, however much it is used.
pub const LONGEST: Duration = Duration::from_secs(14 * 24 * 3_600);

/// How exactly it is noted when a session was used: a write each.
const TOUCH: Duration = Duration::from_secs(60);

/// The header of what a page asks for by itself.
const POLL: &str = "x-poll";

/// A user who is signed in.
pub struct User {
    /// The server.
    pub app: Arc<App>,
    /// Who it is.
    pub signed_in: SignedIn,
    /// The session.
    pub session: TextHash,
    /// The token of the session's forms.
    pub csrf: String,
}

impl User {
    /// Whose session the cookie is of. The store is asked each time: a session that was ended, or whose user or
    /// account was disabled, ends with this very request.
    pub async fn find(app: &Arc<App>, headers: &HeaderMap) -> Result<Option<Self>, storage::Error> {
        let secure = app.console.public_url.is_secure();
        let Some(cookie) = cookie::read(headers, secure).filter(|cookie| !cookie.is_empty()) else {
            return Ok(None);
        };
        let (session, now) = (cookie::hash(cookie), app.clock.now());
        let found = app.storage.find_session(session, now.before(IDLE), now).await?;
        let Some(signed_in) = found else { return Ok(None) };
        // A page that is open asks again and again by itself: that does not keep a session alive.
        if now.since(signed_in.seen_at) >= TOUCH && !headers.contains_key(POLL) {
            app.storage.touch_session(session, now).await?;
        }
        if let Some(language) = signed_in.language.as_deref().and_then(Language::named) {
            language.speak();
        }
        Ok(Some(Self { app: Arc::clone(app), signed_in, session, csrf: guard::token_of(cookie) }))
    }

    /// The user as a caller of use cases.
    pub fn caller(&self) -> Caller {
        let known = &self.signed_in;
        Caller::user(known.account, known.account_name.clone(), known.user, known.role)
    }
}

impl FromRequestParts<Arc<App>> for User {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        match Self::find(app, &parts.headers).await {
            Ok(Some(user)) => {
                admission::admit(parts);
                let needed = rights::needed(parts);
                if user.signed_in.role >= needed {
                    Ok(user)
                } else {
                    Err(PageError::Role(needed).into_response())
                }
            }
            Ok(None) => Err(to_sign_in(parts)),
            Err(error) => Err(PageError::from(error).into_response()),
        }
    }
}

/// Leads to the sign-in, and back from there to the page: the one that was asked for, or the one that has the part or the
/// form.
fn to_sign_in(parts: &Parts) -> Response {
    let looks = matches!(parts.method, Method::GET | Method::HEAD);
    let is_part = parts.headers.contains_key("hx-request");
    let back = match (looks, is_part) {
        (true, false) => parts.uri.path_and_query().map(|path| path.as_str().to_owned()),
        (_, true) => path_of(parts, "hx-current-url"),
        (false, false) => path_of(parts, "referer"),
    };
    let path = match back.filter(|back| back != "/") {
        Some(back) => {
            let mut query = form_urlencoded::Serializer::new(String::new());
            format!("/sign-in?{}", query.append_pair("to", &back).finish())
        }
        None => "/sign-in".to_owned(),
    };
    if is_part {
        let mut response = StatusCode::UNAUTHORIZED.into_response();
        // A serialized query is ASCII.
        let to = HeaderValue::from_str(&path).unwrap_or(HeaderValue::from_static("/sign-in"));
        response.headers_mut().insert("hx-redirect", to);
        return response;
    }
    redirect(&path)
}

/// The path and query of the address in a header. Of an address elsewhere the path is not ours, and leads to a page that
/// does not exist.
fn path_of(parts: &Parts, header: &str) -> Option<String> {
    let url = url::Url::parse(parts.headers.get(header)?.to_str().ok()?).ok()?;
    Some(url[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
}
