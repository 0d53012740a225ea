//! The v3 API over HTTP.

pub mod account;
pub mod authenticate;
pub mod blacklist;
pub mod call;
pub mod consent;
pub mod contact;
pub mod contact_list;
pub mod contact_source;
pub mod contacts;
pub mod import;
pub mod mcp;
pub mod method;
pub mod page;
pub mod reference;
pub mod request;
pub mod segment;
pub mod undo;
pub mod unsubscribe;
pub mod watch;
pub mod webhook;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;

use self::method::Method;
use domain::problem::Problem;
use web::App;
use web::answer::Answered;
use web::drain::Draining;

/// Every method of the API, in the order of the reference: routes and description are made from it.
pub static METHODS: [&Method; 54] = [
    &account::INFO,
    &contact_list::CREATE,
    &contact_list::ADD_VARIABLES,
    &contact_list::show::GET,
    &contact_list::show::FIND,
    &contact_source::ADD,
    &contact_source::show::GET,
    &contact_source::show::FIND,
    &contacts::UPDATE,
    &contacts::ADD,
    &contacts::REMOVE,
    &contacts::find::FIND,
    &segment::CREATE,
    &segment::GET,
    &segment::FIND,
    &segment::UPDATE,
    &segment::REMOVE,
    &contacts::duplicates::DUPLICATES,
    &contacts::links::UNSUBSCRIBE_LINKS,
    &contacts::changes::CHANGES,
    &contact::GET,
    &contact::get_many::GET_MANY,
    &contact::history::HISTORY,
    &contact::export::EXPORT,
    &consent::FIND,
    &request::FIND,
    &blacklist::email::ADD,
    &blacklist::email::FIND,
    &blacklist::phone::ADD,
    &blacklist::phone::FIND,
    &blacklist::list::LIST,
    &undo::UNDO,
    &contact::erase::ERASE,
    &request::list::LIST,
    &request::rejected::REJECTED,
    &webhook::config::CREATE,
    &webhook::config::LIST,
    &webhook::config::RESUME,
    &webhook::config::REMOVE,
    &webhook::deliveries::DELIVERIES,
    &webhook::deliveries::HEALTH,
    &webhook::resend::RESEND,
    &webhook::resend::RESEND_FAILED,
    &webhook::resend::TEST,
    &contacts::duplicates::MERGE,
    &import::REPORT,
    // What takes away or renames is told last: the examples before use what there is.
    &blacklist::email::REMOVE,
    &blacklist::phone::REMOVE,
    &contact_source::change::UPDATE,
    &contact_source::change::REMOVE,
    &contact_list::variables::RENAME,
    &contact_list::variables::REMOVE,
    &contact_list::change::UPDATE,
    &contact_list::change::REMOVE,
];

/// The routes of the API, its reference, unsubscribe links, health and the tools of assistants.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let mut router = Router::new();
    for method in METHODS {
        let run = move |State(app): State<Arc<App>>, request: Request| async move {
            let is_stream = std::ptr::eq(method, &raw const contacts::changes::CHANGES);
            if is_stream && contacts::stream::is_wanted(request.headers()) {
                return contacts::stream::run(app, method, request).await;
            }
            call::run(app, method, request).await
        };
        router = router.route(method.path(), post(run));
    }
    router
        .merge(watch::health())
        .merge(reference::router())
        .merge(unsubscribe::router())
        .merge(mcp::router(app))
}

/// The answer to a request for another path or with another HTTP method.
pub fn no_method(app: &App, status: StatusCode, request: Request) -> Response {
    let request_id = call::request_id(app, request.uri().path());
    // Read in the background, so that a client that is still writing sees the answer.
    drop(Draining::new(request.into_body()));
    let text = status.canonical_reason().unwrap_or_default();
    let code = if status == StatusCode::NOT_FOUND { "NOT_FOUND" } else { "METHOD_NOT_ALLOWED" };
    app.metrics.answered("other", status.as_u16(), Duration::ZERO);
    Answered::refusal(status, request_id, vec![Problem::new(code, text)], None).into_response()
}
