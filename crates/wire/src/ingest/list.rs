//! The list that a body names.

use std::borrow::Cow;
use std::sync::Arc;

use app::{Caller, Queries};
use domain::json::Raw;
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use storage::List;

/// The list that a request is about.
pub const LIST_ID: FieldSpec = FieldSpec::required(
    "contactListId",
    ValueType::filled(usize::MAX),
    "The id of the list, as contact-list/create gave it.",
);

/// The list that a body names, if the caller may see it; what is wrong with the name is added to the problems.
///
/// # Errors
/// Where the store cannot be read.
pub async fn find_list(
    queries: &Queries,
    caller: &Caller,
    raw: Option<Raw<'_>>,
    problems: &mut Vec<Problem>,
) -> Result<Option<Arc<List>>, storage::Error> {
    let id = match read_list_id(raw) {
        Ok(id) => id,
        Err(problem) => {
            problems.push(problem);
            return Ok(None);
        }
    };
    let list = queries.list(caller, &id).await?;
    if list.is_none() {
        problems.push(problem::list_not_found(&id));
    }
    Ok(list)
}

/// The id of a list.
///
/// # Errors
/// Where it is absent, no text, or empty.
pub fn read_list_id(raw: Option<Raw<'_>>) -> Result<String, Problem> {
    let raw = raw.ok_or_else(|| problem::required("contactListId"))?;
    let text = raw.as_trimmed().filter(|text| !text.is_empty());
    text.map(Cow::into_owned).ok_or_else(problem::list_id)
}
