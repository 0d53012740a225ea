//! Whom a body is about, by one or more identifiers.

use domain::contact::identifier::{IdentifierKind, MAX_BYTES};
use domain::json::Raw;
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};

/// The keys, in the order in which [`read`] takes them.
pub const PARAMS: [FieldSpec; 4] = [
    FieldSpec::optional("userId", ValueType::TEXT, "The userId of the contact; compared exactly."),
    FieldSpec::optional(
        "email",
        ValueType::TEXT,
        "The e-mail address of the contact; compared without case.",
    ),
    FieldSpec::optional("phoneNumber", ValueType::TEXT, "The phone number of the contact; compared exactly."),
    FieldSpec::optional(
        "externalId",
        ValueType::TEXT,
        "An old name of `userId`. Not looked at where `userId` is given.",
    ),
];

/// Reads the identifiers, in the order in which contacts are looked up by them. There must be one at least. One that is
/// too long for any contact to bear finds nobody, and is left out: looking for it in thousands of lists takes long.
pub fn read(raw: [Option<Raw<'_>>; 4], problems: &mut Vec<Problem>) -> Vec<(IdentifierKind, String)> {
    let before = problems.len();
    let (mut identifiers, mut is_given) = (Vec::new(), false);
    let [user_id, email, phone_number, external_id] = raw;
    for (kind, raw) in IdentifierKind::ALL.into_iter().zip([user_id.or(external_id), email, phone_number]) {
        match raw.map(Raw::as_trimmed) {
            None => {}
            Some(None) => problems.push(problem::not_a_string(kind.field().name())),
            Some(Some(text)) if text.is_empty() => {}
            Some(Some(text)) => {
                is_given = true;
                if text.len() <= MAX_BYTES {
                    identifiers.push((kind, text.into_owned()));
                }
            }
        }
    }
    if !is_given && problems.len() == before {
        let text = "email, phoneNumber or externalId/userId must be filled";
        problems.push(Problem::new("IDENTIFIER_REQUIRED", text));
    }
    identifiers
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use domain::json::{Keys, read_members};

    #[test]
    fn an_identifier_that_is_too_long_for_anybody_is_given_and_not_looked_for() {
        let longest = "\u{10000}".repeat(255);
        for (user_id, kept) in [(longest.clone(), 1), (format!("{longest}a"), 0), ("a".repeat(1 << 20), 0)] {
            let body = format!(r#"{{"userId": "{user_id}"}}"#);
            let members = read_members(&body, &Keys::of(&PARAMS)).unwrap();
            let mut problems = Vec::new();
            let read = read([0, 1, 2, 3].map(|place| members.get(place)), &mut problems);
            assert_eq!((read.len(), problems), (kept, Vec::new()));
        }
    }
}
