//! The language of a page: chosen by the user or the browser, and held for one request.
//!
//! A text is written in English where it is shown, by [`t`] or [`tn`]; the English text is the key of its translation.
//! A text of a table that is shown elsewhere is marked by [`mark`]. A translation is a file in `translations/`, in the
//! format of gettext. A test of `catalogue` reads the sources, and fails if a language lacks a text.

mod catalogue;
mod text;

use std::cell::Cell;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

pub use self::text::{Text, t, tn};

/// A language of pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// The language of the sources.
    #[default]
    English,
    /// `de`
    German,
    /// `uk`
    Ukrainian,
    /// `es`
    Spanish,
    /// English in brackets, `qps-ploc`: it shows which texts are not translated. Browsers do not ask for it.
    Pseudo,
}

tokio::task_local! {
    /// The language of the request that this task answers.
    static SPOKEN: Cell<Language>;
}

impl Language {
    /// The languages that a user can choose.
    pub const ALL: [Self; 4] = [Self::English, Self::German, Self::Ukrainian, Self::Spanish];

    /// The BCP 47 tag.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::Ukrainian => "uk",
            Self::Spanish => "es",
            Self::Pseudo => "qps-ploc",
        }
    }

    /// Its name in itself, so that a reader who knows only this language finds it.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
            Self::Ukrainian => "Українська",
            Self::Spanish => "Español",
            Self::Pseudo => "Pseudo",
        }
    }

    /// The language of a tag, by its first part.
    pub fn named(tag: &str) -> Option<Self> {
        let first = tag.split('-').next().unwrap_or_default().trim();
        let known = [Self::English, Self::German, Self::Ukrainian, Self::Spanish, Self::Pseudo];
        known.into_iter().find(|known| known.code().split('-').next() == Some(&first.to_ascii_lowercase()))
    }

    /// The language that the browser prefers among those that there are: RFC 9110, section 12.5.4.
    pub fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
        let mut best = (0.0, Self::English);
        for part in lines.flat_map(|line| line.split(',')) {
            let (tag, weight) = part.split_once(';').unwrap_or((part, "q=1"));
            let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
            if let (Some(language), Some(weight)) = (Self::named(tag), weight)
                && weight > best.0
            {
                best = (weight, language);
            }
        }
        best.1
    }

    /// The language of the request that this task answers, or English outside of one.
    pub fn current() -> Self {
        SPOKEN.try_with(Cell::get).unwrap_or_default()
    }

    /// Answers the rest of the request in this language. Outside of a request there is nothing to set.
    pub fn speak(self) {
        let _ = SPOKEN.try_with(|spoken| spoken.set(self));
    }

    /// Runs a future that begins in this language.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        SPOKEN.scope(Cell::new(self), future).await
    }

    /// What stands between groups of three digits, and from how many digits on.
    const fn grouping(self) -> (&'static str, usize) {
        match self {
            Self::English | Self::Pseudo => (",", 4),
            Self::German => (".", 4),
            // A no-break space, and no group of a single digit: CLDR.
            Self::Ukrainian => ("\u{a0}", 4),
            Self::Spanish => (".", 5),
        }
    }

    /// A whole number as readers of this language write it.
    pub fn number(self, number: u64) -> String {
        let (digits, (separator, from)) = (number.to_string(), self.grouping());
        if digits.len() < from {
            return digits;
        }
        let mut text = String::with_capacity(digits.len() + digits.len() / 3 * separator.len());
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push_str(separator);
            }
            text.push(digit);
        }
        text
    }
}

/// The code of the current language: the `lang` of a page.
pub fn code() -> &'static str {
    Language::current().code()
}

/// Marks a text of a table, which [`t`] translates where it is shown.
pub const fn mark(text: &'static str) -> &'static str {
    text
}

/// Answers a request in the language of the browser. A handler that knows the user changes it to that of the user.
pub async fn choose(request: Request, next: Next) -> Response {
    let language = Language::of(request.headers());
    language.scope(with_language(next.run(request))).await
}

/// Names the language of the current task in the header of an answer, unless an inner task did.
pub async fn with_language(answer: impl Future<Output = Response>) -> Response {
    let mut response = answer.await;
    response.headers_mut().entry(CONTENT_LANGUAGE).or_insert(HeaderValue::from_static(code()));
    response
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn asked(line: &str) -> Language {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, line.parse().unwrap());
        Language::of(&headers)
    }

    #[test]
    fn the_browser_chooses_by_weight_and_then_by_order() {
        for (line, language) in [
            ("de", Language::German),
            ("de-AT,de;q=0.9,en;q=0.8", Language::German),
            ("fr,uk;q=0.5,es;q=0.7", Language::Spanish),
            ("en;q=0.2, UK-ua ; q=0.3", Language::Ukrainian),
            ("es,de", Language::Spanish),
            ("de;q=0,fr", Language::English),
            ("*", Language::English),
            ("de;q=x", Language::English),
            ("", Language::English),
            ("den", Language::English),
        ] {
            assert_eq!(asked(line), language, "{line}");
        }
        assert_eq!(Language::of(&HeaderMap::new()), Language::English);
    }

    #[test]
    fn numbers_are_grouped_as_readers_write_them() {
        for (language, short, long) in [
            (Language::English, "1,234", "12,345,678"),
            (Language::German, "1.234", "12.345.678"),
            (Language::Ukrainian, "1\u{a0}234", "12\u{a0}345\u{a0}678"),
            (Language::Spanish, "1234", "12.345.678"),
        ] {
            assert_eq!((language.number(1_234), language.number(12_345_678)), (short.into(), long.into()));
            assert_eq!((language.number(0), language.number(999)), ("0".to_owned(), "999".to_owned()));
        }
    }

    #[tokio::test]
    async fn the_language_is_of_one_request() {
        let german = Language::German.scope(async {
            let before = Language::current();
            Language::Spanish.speak();
            (before, Language::current())
        });
        assert_eq!(german.await, (Language::German, Language::Spanish));
        assert_eq!(Language::current(), Language::English);
    }
}
