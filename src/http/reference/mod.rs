//! The reference: `/openapi.json` for programs, `/docs` for people. Both are made of the table of methods and of the
//! types of what is read and answered; nothing in them is a second copy.

mod about;
mod answers;
mod codes;
mod document;
mod fields;
mod markdown;
mod open;
mod operation;
mod page;

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::header::HeaderMap;
use axum::routing::get;

use super::file::{File, THEME};
use crate::app::App;

/// Where the description is.
const DESCRIPTION: &str = "/openapi.json";
/// Where the page is.
const PAGE: &str = "/docs";
const STYLE: &str = "/docs/reference.css";
const SCRIPT: &str = "/docs/reference.js";
const ICON: &str = "/docs/icon.svg";

/// What the page may load: its own style, script and icon; nothing inline, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// The files, made when the first of them is asked for.
#[derive(Default)]
struct Files(OnceLock<[(&'static str, File); 5]>);

impl Files {
    fn get(&self, app: &App) -> &[(&'static str, File); 5] {
        self.0.get_or_init(|| {
            let url = app.console.public_url.to_string();
            let description = document::describe(&app.limits, url.trim_end_matches('/'));
            let page = page::render(&description);
            // Only a map with keys that are no strings could fail, and there is none.
            let json = serde_json::to_vec_pretty(&description).unwrap_or_default();
            [
                (DESCRIPTION, File::new("application/json", json)),
                (PAGE, File::new("text/html; charset=utf-8", page)),
                (
                    STYLE,
                    File::new("text/css; charset=utf-8", [THEME, include_str!("reference.css")].concat()),
                ),
                (SCRIPT, File::new("text/javascript; charset=utf-8", include_str!("reference.js"))),
                (ICON, File::new("image/svg+xml", include_str!("icon.svg"))),
            ]
        })
    }
}

/// The routes of the reference. They need no token: what they tell is no secret.
pub fn router() -> Router<Arc<App>> {
    let files = Arc::new(Files::default());
    let mut router = Router::new();
    for (place, path) in [DESCRIPTION, PAGE, STYLE, SCRIPT, ICON].into_iter().enumerate() {
        let files = Arc::clone(&files);
        let answer = async move |State(app): State<Arc<App>>, headers: HeaderMap| {
            let (_, file) = &files.get(&app)[place];
            file.answer(POLICY, &headers)
        };
        router = router.route(path, get(answer));
    }
    router
}
