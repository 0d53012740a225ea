//! Which role a page needs. The table of routes states it once, and [`User`](super::User) checks it: so it holds for
//! each page, and for the methods that pages call.

use axum::Router;
use axum::extract::Extension;
use axum::http::request::Parts;

use storage::UserRole;

/// The role that a route needs.
#[derive(Clone, Copy, Debug)]
struct Needs(UserRole);

/// Routes that need a role.
pub fn needs<S: Clone + Send + Sync + 'static>(role: UserRole, routes: Router<S>) -> Router<S> {
    routes.route_layer(Extension(Needs(role)))
}

/// The role that the requested route needs; the highest for a route that states none.
pub fn needed(parts: &Parts) -> UserRole {
    parts.extensions.get::<Needs>().map_or(UserRole::Owner, |needs| needs.0)
}
