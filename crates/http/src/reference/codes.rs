//! What codes mean: read from docs/errors.md, which is the one place that says so.

use axum::http::StatusCode;

/// The texts about errors, in Markdown.
pub const ERRORS: &str = include_str!("../../../../docs/errors.md");

/// A code and what it means, in Markdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The code.
    pub code: &'static str,
    /// Its meaning.
    pub meaning: &'static str,
}

/// The codes with which a request may be refused with a status.
pub fn of_status(status: StatusCode) -> Vec<Code> {
    let of_request = rows("Codes of the request").filter(|row| row.first() == Some(&status.as_str()));
    let mut codes: Vec<_> = of_request.filter_map(|row| code(&row[1..])).collect();
    if status == StatusCode::BAD_REQUEST {
        codes.extend(rows("Codes of a body").filter_map(|row| code(&row)));
    }
    codes
}

/// The codes of warnings.
pub fn of_warnings() -> Vec<Code> {
    rows("Warnings").filter_map(|row| code(&row)).collect()
}

fn code(cells: &[&'static str]) -> Option<Code> {
    let [code, meaning, ..] = cells else { return None };
    Some(Code { code: code.strip_prefix('`')?.strip_suffix('`')?, meaning })
}

/// The rows of the tables of a section, their heads left out.
fn rows(section: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let sections = ERRORS.split("\n## ");
    let text = sections.filter_map(|text| text.split_once('\n')).find(|(heading, _)| *heading == section);
    let lines = text.map(|(_, text)| text.lines()).into_iter().flatten();
    let rows = lines.filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.filter(|row| row.contains('`')).map(|row| row.split(" | ").collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_from_the_tables() {
        let large = of_status(StatusCode::PAYLOAD_TOO_LARGE);
        let meaning = "the body is over the limit, as sent or decompressed";
        assert_eq!(large, [Code { code: "BODY_TOO_LARGE", meaning }]);
        let invalid = of_status(StatusCode::BAD_REQUEST);
        assert_eq!(invalid[0].code, "BAD_REQUEST");
        assert!(invalid.iter().any(|code| code.code == "INVALID_EMAIL"));
        assert!(of_warnings().iter().any(|code| code.code == "UNKNOWN_FIELD"));
        let lines = ERRORS.lines().filter(|line| line.starts_with("| `") || line.starts_with("| 4")).count();
        assert!(lines > invalid.len(), "{lines}");
    }
}
