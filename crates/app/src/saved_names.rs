//! Saved filters that name a person who is erased. Pure, but for reading them.

use serde_json::Value;
use url::form_urlencoded::parse;

use super::Commands;
use domain::contact::identifier::IdentifierKind;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use domain::problem::Problem;
use storage::{Error, SavedKind, SavedQuery};

/// Filters of one answer.
const MAX: usize = 20;

impl Commands {
    /// A warning for each segment and view of the account, up to 20, that has exactly one of these identifiers as a value.
    ///
    /// # Errors
    /// The store fails.
    pub(super) async fn filters_naming(
        &self,
        account: AccountNo,
        identifiers: &[(IdentifierKind, String)],
    ) -> Result<Vec<Problem>, Error> {
        let saved = self.0.storage.all_saved_queries(account).await?;
        let naming = saved.into_iter().filter(|(_, query)| match query.kind {
            SavedKind::Segment => names_in_json(&query.content, identifiers),
            SavedKind::View => parse(query.content.as_bytes())
                .any(|(_, value)| is_named(&value, identifiers) || names_in_json(&value, identifiers)),
        });
        let warning = |(list, query): (ObjectId, SavedQuery)| {
            let what = if query.kind == SavedKind::Segment { "segment" } else { "view" };
            let text = format!(
                "The {what} {} of list {list} has an identifier of the person in its filter: change or remove it",
                query.name
            );
            Problem::new("SAVED_FILTER_NAMES_PERSON", text)
        };
        Ok(naming.take(MAX).map(warning).collect())
    }
}

fn is_named(text: &str, identifiers: &[(IdentifierKind, String)]) -> bool {
    identifiers.iter().any(|(kind, identifier)| kind.same(identifier, text.trim()))
}

/// Whether a text or a number of a JSON text is an identifier.
fn names_in_json(text: &str, identifiers: &[(IdentifierKind, String)]) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return false };
    let mut open = vec![&value];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) if is_named(text, identifiers) => return true,
            Value::Number(number) if is_named(&number.to_string(), identifiers) => return true,
            Value::Array(values) => open.extend(values),
            Value::Object(members) => open.extend(members.values()),
            _ => {}
        }
    }
    false
}
