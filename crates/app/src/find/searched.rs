//! `search` among what is asked for.

use domain::contact::document::Document;
use domain::contact::record::Malformed;
use domain::json::Raw;
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use domain::search::{Entry, MAX_LENGTH, MAX_WORDS, Query, QueryError, Tier};

/// What is searched for.
pub const SEARCH: FieldSpec = FieldSpec::optional(
    "search",
    ValueType::TEXT,
    "Words of the name, firstName, lastName and e-mail address, whole or their beginnings, in any order. All words must \
     match. Case, accents and spelling do not matter. The last six or more digits of a phone number are found too, and \
     a whole userId or contact id. Up to 255 characters and 10 words; all contacts if it is blank.",
);

/// Reads what is searched for; what is wrong with it is added to the problems.
pub fn read(raw: Option<Raw<'_>>, problems: &mut Vec<Problem>) -> Option<Query> {
    match raw?.as_text() {
        Some(text) => parse(&text, problems),
        None => {
            problems.push(problem::not_a_string("search"));
            None
        }
    }
}

/// Reads what was typed; nothing where it is blank.
pub fn parse(text: &str, problems: &mut Vec<Problem>) -> Option<Query> {
    if text.trim().is_empty() {
        return None;
    }
    Query::parse(text).map_err(|error| problems.push(wrong(error))).ok()
}

/// What is wrong with a text that is searched for.
pub fn wrong(error: QueryError) -> Problem {
    let text = match error {
        QueryError::Empty => "Argument search must have a letter or a digit".to_owned(),
        QueryError::TooLong => {
            format!("Argument search must have at most {MAX_LENGTH} characters and {MAX_WORDS} words")
        }
    };
    Problem::new("INVALID_SEARCH", text).of("search")
}

/// How well a contact matches by its fields; `None` if it does not. It may match by its id, too.
///
/// # Errors
/// [`Malformed`] where it does not read.
pub fn tier(query: &Query, document: &Document<'_>) -> Result<Option<Tier>, Malformed> {
    let identifiers = document.identifiers()?;
    let typed = query.identifiers();
    let mut typed = typed.iter();
    if typed.any(|(kind, typed)| identifiers.get(*kind).is_some_and(|borne| kind.same(borne, typed))) {
        return Ok(Some(Tier::Exact));
    }
    Ok(query.tier(&Entry::of(document)?))
}
