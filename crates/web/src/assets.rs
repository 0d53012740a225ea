//! The style, scripts and icon of pages of the console, and of the page to unsubscribe.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::routing::get;

use super::App;
use super::file::{Assets, File, ICON, THEME};

/// What a page may load: the server's own style, scripts and images; nothing inline, nothing from elsewhere. htmx asks
/// the server itself; forms go nowhere else.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                          form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let style = [
        THEME,
        include_str!("assets/console.css"),
        include_str!("assets/forms.css"),
        include_str!("assets/views.css"),
    ]
    .concat();
    let licence = include_str!("assets/htmx.LICENSE");
    let files = vec![
        ("console.css", File::new(CSS, style)),
        ("console.js", File::new(SCRIPT, include_str!("assets/console.js"))),
        ("htmx.min.js", File::new(SCRIPT, include_str!("assets/htmx.min.js"))),
        ("icon.svg", File::new("image/svg+xml", ICON)),
        ("htmx.LICENSE", File::new("text/plain; charset=utf-8", licence)),
    ];
    Assets { path: "/console/", policy: POLICY, files }
});

/// The URL of a file, for pages.
pub fn url(name: &str) -> String {
    ASSETS.url(name)
}

/// Their routes.
pub fn router() -> Router<Arc<App>> {
    let answer = async |Path(name): Path<String>, headers: HeaderMap| ASSETS.answer(&name, &headers);
    Router::new().route("/console/{name}", get(answer))
}
