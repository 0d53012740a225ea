//! `/mcp`: the Model Context Protocol over HTTP, without sessions. Each request is authenticated by itself.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, ORIGIN, TRANSFER_ENCODING,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::any;
use http_body_util::Full;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use super::authenticate::{self, ACCESS_TOKEN, Denial};
use super::call::{self, Refused};
use domain::problem::Problem;
use mcp::PATH;
use mcp::server::Tools;
use web::App;
use web::body;
use web::compress::Coding;
use web::drain::Draining;

type Service = StreamableHttpService<Tools, NeverSessionManager>;

/// The route.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let tools = Arc::clone(app);
    // Without sessions a restart cuts no client off. As JSON, since Python's client limits events to 1 MiB. The host is
    // not checked: servers have many names, and the origin, which is checked below, guards against DNS rebinding.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .disable_allowed_hosts()
        .with_max_request_body_bytes(app.limits.body);
    let service: Service =
        StreamableHttpService::new(move || Ok(Tools(Arc::clone(&tools))), Arc::default(), config);
    let app = Arc::clone(app);
    Router::new().route(PATH, any(move |request| run(Arc::clone(&app), service.clone(), request)))
}

async fn run(app: Arc<App>, service: Service, request: Request) -> Response {
    let (start, request_id) = (Instant::now(), app.ids.next(app.clock.now()));
    let accepted = Coding::accepted(request.headers(), Coding::FASTEST);
    let mut response = match answer(&app, &service, request).await {
        Ok(response) => response,
        Err(refused) => {
            let refused = refused.answered(None);
            let is_unknown = refused.status == StatusCode::UNAUTHORIZED;
            let mut response = call::limited(&app, refused, accepted);
            if is_unknown {
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            response
        }
    };
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let (status, took) = (response.status().as_u16(), start.elapsed());
    app.metrics.answered(PATH, status, took);
    app.spans.answered(request_id, PATH, status, start);
    tracing::debug!(request = %request_id, status, ?took, "mcp: request answered");
    response
}

async fn answer(app: &Arc<App>, service: &Service, request: Request) -> Result<Response, Refused> {
    let (mut head, body) = request.into_parts();
    let mut body = Draining::new(body);
    check_origin(app, &head)?;
    if let Some(token) = bearer(&head) {
        head.headers.insert(ACCESS_TOKEN, token);
    }
    let caller = authenticate::admit(app, &head, PATH).await.map_err(|denial| call::denied(app, denial))?;
    let flight = app
        .concurrency_limit
        .acquire(&caller.token)
        .ok_or_else(|| Refused::too_many(app.limits.in_flight))?;
    let body = body::read(&head.headers, &mut body, &app.limits).await?;
    for header in [CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING] {
        head.headers.remove(header);
    }
    head.extensions.insert(caller);
    let response = service.handle(Request::from_parts(head, Full::new(body))).await;
    drop(flight);
    Ok(response.map(Body::new))
}

/// A page of another site may not call this server, be it by a name that it points here. Clients that are no browsers
/// send no origin.
fn check_origin(app: &App, head: &Parts) -> Result<(), Refused> {
    let Some(origin) = head.headers.get(ORIGIN) else { return Ok(()) };
    if origin.as_bytes() == app.console.public_url.as_str().as_bytes() {
        return Ok(());
    }
    let text = "Pages of other sites may not call this server";
    let problem = Problem::new("ORIGIN_NOT_ALLOWED", text);
    Err(Denial::Refused(StatusCode::FORBIDDEN, problem).into())
}

/// The token of `Authorization: Bearer`, unless the request has an `Access-Token`.
fn bearer(head: &Parts) -> Option<HeaderValue> {
    if head.headers.contains_key(ACCESS_TOKEN) {
        return None;
    }
    let (scheme, token) = head.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let mut token =
        HeaderValue::from_str(token.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("bearer"))?;
    token.set_sensitive(true);
    Some(token)
}
