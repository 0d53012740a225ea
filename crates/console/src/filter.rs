//! Which contacts of a list are meant, as addresses and forms say it.

use axum::http::StatusCode;
use url::form_urlencoded::Serializer;

use super::{Fields, PageError, Result, texts};
use app::find::ContactQuery;
use storage::List;

/// Reads what a form or an address asks for.
///
/// # Errors
/// What is wrong with it.
pub fn read(fields: &Fields, list: &List) -> Result<ContactQuery> {
    let query = Serializer::new(String::new()).extend_pairs(fields.iter()).finish();
    let mut problems = Vec::new();
    let wanted = ContactQuery::from_query(&query, list, &mut problems);
    if problems.is_empty() {
        return Ok(wanted);
    }
    let texts: Vec<_> = problems.iter().map(texts::text).collect();
    Err(PageError::Refused(StatusCode::BAD_REQUEST, texts.join(" ")))
}
