//! Every route of the server.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;

use web::App;

/// Every route: the API and the console.
pub fn router(app: Arc<App>) -> Router {
    http::router(&app)
        .merge(console::router())
        .fallback(|state, request| no_route(StatusCode::NOT_FOUND, state, request))
        .method_not_allowed_fallback(|state, request| {
            no_route(StatusCode::METHOD_NOT_ALLOWED, state, request)
        })
        .with_state(app)
}

async fn no_route(status: StatusCode, State(app): State<Arc<App>>, request: Request) -> Response {
    if console::wants_page(request.method(), request.uri(), request.headers()) {
        return console::not_found(request.headers()).await;
    }
    http::no_method(&app, status, request)
}
