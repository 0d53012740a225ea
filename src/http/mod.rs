//! The v3 API over HTTP.

pub mod account;
pub mod answer;
pub mod body;
pub mod call;
pub mod contact;
pub mod contact_list;
pub mod contact_source;
pub mod contacts;
pub mod drain;
pub mod gate;
pub mod page;
pub mod request;
pub mod serve;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;

use self::call::{Call, Outcome};
use crate::app::App;

/// Every route.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v3/account/info", method(account::info))
        .route("/v3/contact-list/create", method(contact_list::create))
        .route("/v3/contact-list/find", method(contact_list::show::find))
        .route("/v3/contact-list/get", method(contact_list::show::get))
        .route("/v3/contact-list/remove", method(contact_list::change::remove))
        .route("/v3/contact-list/update", method(contact_list::change::update))
        .route("/v3/contact-list/variables/add", method(contact_list::add_variables))
        .route("/v3/contact-list/variables/remove", method(contact_list::variables::remove))
        .route("/v3/contact-list/variables/rename", method(contact_list::variables::rename))
        .route("/v3/contact-source/add", method(contact_source::add))
        .route("/v3/contact-source/find", method(contact_source::show::find))
        .route("/v3/contact-source/get", method(contact_source::show::get))
        .route("/v3/contact-source/remove", method(contact_source::change::remove))
        .route("/v3/contact-source/update", method(contact_source::change::update))
        .route("/v3/contact/get", method(contact::get))
        .route("/v3/contacts/update", method(contacts::update))
        .route("/v3/request/find", method(request::find))
        .route("/v3/request/list", method(request::list::list))
        .fallback(|state, request| no_method(StatusCode::NOT_FOUND, state, request))
        .method_not_allowed_fallback(|state, request| {
            no_method(StatusCode::METHOD_NOT_ALLOWED, state, request)
        })
        .with_state(app)
}

/// A method of the API: the gate, then the handler, then the answer.
fn method<H, F>(handler: H) -> axum::routing::MethodRouter<Arc<App>>
where
    H: Fn(Call) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    post(move |State(app): State<Arc<App>>, request: Request| call::run(app, request, handler))
}

async fn no_method(status: StatusCode, State(app): State<Arc<App>>, request: Request) -> Response {
    let request_id = call::request_id(&app, request.uri().path());
    // Read in the background, so that a client that is still writing sees the answer.
    drop(drain::Draining::new(request.into_body()));
    let text = status.canonical_reason().unwrap_or_default();
    let code = if status == StatusCode::NOT_FOUND { "NOT_FOUND" } else { "METHOD_NOT_ALLOWED" };
    answer::refusal(status, request_id, vec![crate::intake::problem::Problem::new(code, text)], None)
}
