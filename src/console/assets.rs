//! The console's style, scripts and icon.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;

use crate::app::App;
use crate::http::file::{File, THEME};

/// What a page may load: the server's own style, scripts and images; nothing inline, nothing from elsewhere. htmx asks
/// the server itself; forms go nowhere else.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                          form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

static FILES: LazyLock<[(&str, File); 4]> = LazyLock::new(|| {
    let style = [
        THEME,
        include_str!("assets/console.css"),
        include_str!("assets/forms.css"),
        include_str!("assets/views.css"),
    ]
    .concat();
    [
        ("/console/console.css", File::new(CSS, style)),
        ("/console/console.js", File::new(SCRIPT, include_str!("assets/console.js"))),
        ("/console/htmx.min.js", File::new(SCRIPT, include_str!("assets/htmx.min.js"))),
        (
            "/console/htmx.LICENSE",
            File::new("text/plain; charset=utf-8", include_str!("assets/htmx.LICENSE")),
        ),
    ]
});

pub fn router() -> Router<Arc<App>> {
    let mut router = Router::new();
    for (path, file) in FILES.iter() {
        router = router.route(path, get(async |headers: HeaderMap| file.answer(POLICY, &headers)));
    }
    router
}
