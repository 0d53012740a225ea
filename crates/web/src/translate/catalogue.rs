//! The translations of a language: `translations/CODE.po`, compiled in and read once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use super::Language;

/// The translations of one language, by the English text, or by that for one where there are more forms.
#[derive(Debug, Default)]
pub struct Catalogue {
    texts: HashMap<Cow<'static, str>, Vec<Cow<'static, str>>>,
}

static GERMAN: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::read(include_str!("../../../../translations/de.po")));
static UKRAINIAN: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::read(include_str!("../../../../translations/uk.po")));
static SPANISH: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::read(include_str!("../../../../translations/es.po")));
static NONE: LazyLock<Catalogue> = LazyLock::new(Catalogue::default);

/// The translations of a language.
pub fn of(language: Language) -> &'static Catalogue {
    match language {
        Language::German => &GERMAN,
        Language::Ukrainian => &UKRAINIAN,
        Language::Spanish => &SPANISH,
        Language::English | Language::Pseudo => &NONE,
    }
}

impl Catalogue {
    /// The translation of a text.
    pub fn one(&self, english: &str) -> Option<&str> {
        self.many(english, 0)
    }

    /// The translation of a text in one of its plural forms.
    pub fn many(&self, english: &str, form: usize) -> Option<&str> {
        Some(self.texts.get(english)?.get(form)?.as_ref())
    }

    /// Reads the part of the gettext format that the files use: `msgid`, `msgid_plural`, `msgstr` and `msgstr[N]`, each
    /// with one string on its line. A test holds the files to it.
    fn read(file: &'static str) -> Self {
        let mut texts: HashMap<_, Vec<_>> = HashMap::new();
        let mut key = Cow::Borrowed("");
        for line in file.lines() {
            let Some((word, string)) = line.split_once(' ') else { continue };
            match word {
                "msgid" => key = string_of(string),
                _ if word.starts_with("msgstr") => {
                    texts.entry(key.clone()).or_default().push(string_of(string));
                }
                _ => {}
            }
        }
        Self { texts }
    }
}

/// A quoted string; `\"`, `\\` and `\n` are its escapes.
fn string_of(quoted: &'static str) -> Cow<'static, str> {
    let inner = quoted.trim().strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default();
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    Cow::Owned(inner.replace("\\\"", "\"").replace("\\n", "\n").replace("\\\\", "\\"))
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests;
