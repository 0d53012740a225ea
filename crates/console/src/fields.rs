//! Names and values, as a form or a query has them.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use url::form_urlencoded;

use app::find::picked_time;

/// Names with their values, in the order sent.
#[derive(Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded`; whatever it is, it reads as something.
    pub fn read(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The value of a name, blanks around it left out; empty where there is none.
    pub fn get(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The value of a name, as it was sent.
    pub fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// All values of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether there is something of that name, such as a box that was ticked.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// What stands behind the question mark of an address.
#[derive(Debug, Default)]
pub struct Query(Fields);

impl std::ops::Deref for Query {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Fields::read(parts.uri.query().unwrap_or_default().as_bytes())))
    }
}

/// The attributes of a field for a time in UTC: a picker, or a line where what was typed is no time, so that it stays.
pub fn time_field(typed: &str) -> (&'static str, String) {
    match picked_time(typed) {
        Some(time) => ("datetime-local", time.to_string().replace(' ', "T")),
        None if typed.trim().is_empty() => ("datetime-local", String::new()),
        None => ("text", typed.to_owned()),
    }
}

#[test]
fn a_time_has_a_picker_and_what_is_no_time_a_line() {
    for (typed, field) in [
        ("", ("datetime-local", "")),
        ("2026-01-31", ("datetime-local", "2026-01-31T00:00:00")),
        ("2026-01-31T12:00", ("datetime-local", "2026-01-31T12:00:00")),
        ("2026-01-31 12:00:30", ("datetime-local", "2026-01-31T12:00:30")),
        ("tomorrow", ("text", "tomorrow")),
    ] {
        assert_eq!(time_field(typed), (field.0, field.1.to_owned()), "{typed}");
    }
}
