//! The reference: `/openapi.json` for programs, `/docs` for people. Both are made of the table of methods and of the
//! types of what is read and answered; nothing in them is a second copy.

mod about;
mod answers;
mod codes;
pub mod document;
mod fields;
mod markdown;
mod open;
mod operation;
mod page;
mod samples;

use std::sync::{Arc, LazyLock, OnceLock};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::HeaderMap;
use axum::routing::get;

use web::App;
use web::file::{Assets, File, ICON, THEME};

/// Where the description is.
const DESCRIPTION: &str = "/openapi.json";
/// Where the page is.
const PAGE: &str = "/docs";

/// What the page may load: its own style, script and icon; nothing inline, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let style = [THEME, include_str!("reference.css")].concat();
    let files = vec![
        ("reference.css", File::new("text/css; charset=utf-8", style)),
        ("reference.js", File::new("text/javascript; charset=utf-8", include_str!("reference.js"))),
        ("icon.svg", File::new("image/svg+xml", ICON)),
    ];
    Assets { path: "/docs/", policy: POLICY, files }
});

/// The URL of a file, for the page.
fn url(name: &str) -> String {
    ASSETS.url(name)
}

/// The description and the page, made when the first of them is asked for.
#[derive(Default)]
struct Files(OnceLock<[File; 2]>);

impl Files {
    fn get(&self, app: &App) -> &[File; 2] {
        self.0.get_or_init(|| {
            let url = app.console.public_url.to_string();
            let description = document::describe(&app.limits, url.trim_end_matches('/'));
            let page = page::render(&description);
            // Only a map with keys that are no strings could fail, and there is none.
            let json = serde_json::to_vec_pretty(&description).unwrap_or_default();
            [File::new("application/json", json), File::new("text/html; charset=utf-8", page)]
        })
    }
}

/// The routes of the reference. They need no token: what they tell is no secret.
pub fn router() -> Router<Arc<App>> {
    let files = Arc::new(Files::default());
    let asset = async |Path(name): Path<String>, headers: HeaderMap| ASSETS.answer(&name, &headers);
    let mut router = Router::new().route("/docs/{name}", get(asset));
    for (place, path) in [DESCRIPTION, PAGE].into_iter().enumerate() {
        let files = Arc::clone(&files);
        let answer = async move |State(app): State<Arc<App>>, headers: HeaderMap| {
            files.get(&app)[place].answer(POLICY, &headers)
        };
        router = router.route(path, get(answer));
    }
    router
}
