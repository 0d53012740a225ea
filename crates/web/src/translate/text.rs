//! A text of a page with its values: translated where it is shown.

use std::borrow::Cow;
use std::fmt::{self, Display};

use askama::filters::{Html, escape};

use super::{Language, catalogue};

/// A text with the values for its `{name}` places.
#[derive(Clone, Debug)]
pub struct Text<'a> {
    message: Cow<'a, str>,
    values: Vec<(&'static str, String)>,
    links: Vec<String>,
}

/// The text in the current language. A text that has no translation stays as it is.
pub fn t<T: AsRef<str> + ?Sized>(message: &T) -> Text<'_> {
    let message = message.as_ref();
    let message = match Language::current() {
        Language::English => Cow::Borrowed(message),
        Language::Pseudo => Cow::Owned(bracketed(message)),
        language => Cow::Borrowed(catalogue::of(language).one(message).unwrap_or(message)),
    };
    Text { message, values: Vec::new(), links: Vec::new() }
}

/// The text for a number, which it shows as `{n}`: in the form that the current language has for it.
pub fn tn(one: &'static str, other: &'static str, count: impl Count) -> Text<'static> {
    let count = count.count();
    let english = if count == 1 { one } else { other };
    let language = Language::current();
    let message = match language {
        Language::English => Cow::Borrowed(english),
        Language::Pseudo => Cow::Owned(bracketed(english)),
        language => {
            Cow::Borrowed(catalogue::of(language).many(one, plural(language, count)).unwrap_or(english))
        }
    };
    Text { message, values: vec![("n", language.number(count))], links: Vec::new() }
}

fn bracketed(message: &str) -> String {
    format!("⟦{message}⟧")
}

/// Which of its plural forms a language uses for a number: the rules of Unicode CLDR, for whole numbers.
pub(super) fn plural(language: Language, count: u64) -> usize {
    match language {
        Language::Ukrainian => match (count % 10, count % 100) {
            (1, hundred) if hundred != 11 => 0,
            (2..=4, hundred) if !(12..=14).contains(&hundred) => 1,
            _ => 2,
        },
        _ => usize::from(count != 1),
    }
}

/// How many plural forms a language has.
#[cfg(test)]
pub(super) const fn plurals(language: Language) -> usize {
    if matches!(language, Language::Ukrainian) { 3 } else { 2 }
}

/// A number of things.
pub trait Count {
    /// As a whole number.
    fn count(&self) -> u64;
}

impl Count for u64 {
    fn count(&self) -> u64 {
        *self
    }
}

impl Count for u32 {
    fn count(&self) -> u64 {
        u64::from(*self)
    }
}

impl Count for usize {
    fn count(&self) -> u64 {
        // A usize has 64 bits at most on every platform that there is.
        *self as u64
    }
}

impl<T: Count + ?Sized> Count for &T {
    fn count(&self) -> u64 {
        (**self).count()
    }
}

impl Text<'_> {
    /// The value for a place.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.values.push((name, value.to_string()));
        self
    }

    /// The address for the next `<a>` of a rich text.
    #[must_use]
    pub fn link(mut self, href: impl Display) -> Self {
        self.links.push(href.to_string());
        self
    }

    /// The next part of the last address.
    #[must_use]
    pub fn and(mut self, part: impl Display) -> Self {
        if let Some(link) = self.links.last_mut() {
            link.push_str(&part.to_string());
        }
        self
    }

    /// The text as HTML: its tags are markup, and its values are escaped.
    pub fn rich(&self) -> String {
        let mut html = self.filled(escaped);
        for link in &self.links {
            html = html.replacen("<a>", &format!("<a href=\"{}\">", escaped(link)), 1);
        }
        html
    }

    /// The text with its values. What a value holds is not looked at again.
    fn filled(&self, show: impl Fn(&str) -> String) -> String {
        let mut filled = String::with_capacity(self.message.len() + 16);
        let mut rest: &str = &self.message;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let found = after.split_once('}').and_then(|(name, rest)| {
                let value = self.values.iter().find(|(known, _)| *known == name);
                value.map(|(_, value)| (value, rest))
            });
            match found {
                Some((value, after)) => {
                    filled.push_str(&show(value));
                    rest = after;
                }
                None => {
                    filled.push('{');
                    rest = after;
                }
            }
        }
        filled.push_str(rest);
        filled
    }
}

fn escaped(value: &str) -> String {
    let Ok(safe) = escape(value, Html);
    safe.to_string()
}

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.filled(str::to_owned))
    }
}

impl From<Text<'_>> for String {
    fn from(text: Text<'_>) -> Self {
        text.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_put_in_once_and_escaped_in_rich_texts() {
        let text = t("{name} of {list}").with("name", "{list}").with("list", "<b>");
        assert_eq!(text.to_string(), "{list} of <b>");
        assert_eq!(text.rich(), "{list} of &#60;b&#62;");
        let text = t("See <a>{name}</a> {other}").with("name", "<a>&").link("/x?a=\"");
        assert_eq!(text.rich(), "See <a href=\"/x?a=&#34;\">&#60;a&#62;&#38;</a> {other}");
    }

    #[test]
    fn ukrainian_has_three_forms() {
        for (count, form) in [
            (0, 2),
            (1, 0),
            (2, 1),
            (4, 1),
            (5, 2),
            (11, 2),
            (12, 2),
            (14, 2),
            (21, 0),
            (22, 1),
            (111, 2),
            (1_001, 0),
        ] {
            assert_eq!(plural(Language::Ukrainian, count), form, "{count}");
        }
        for (count, form) in [(0, 1), (1, 0), (2, 1), (21, 1)] {
            assert_eq!(plural(Language::German, count), form, "{count}");
        }
    }

    #[tokio::test]
    async fn a_number_chooses_its_form_and_is_grouped() {
        let said = |language: Language, count: u64| {
            language.scope(async move { tn("{n} contact", "{n} contacts", count).to_string() })
        };
        assert_eq!(said(Language::English, 1).await, "1 contact");
        assert_eq!(said(Language::English, 1_200).await, "1,200 contacts");
        assert_eq!(said(Language::Ukrainian, 3).await, "3 контакти");
        assert_eq!(said(Language::Ukrainian, 21).await, "21 контакт");
        assert_eq!(said(Language::German, 1_200).await, "1.200 Kontakte");
        assert_eq!(said(Language::Spanish, 1).await, "1 contacto");
        assert_eq!(said(Language::Pseudo, 2).await, "⟦2 contacts⟧");
    }
}
