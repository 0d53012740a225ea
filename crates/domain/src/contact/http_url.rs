//! What profile links and webhook URIs have in common: the checks around the `url` crate's own.

use url::{Host, Url};

/// The longest URL taken, in characters.
pub const MAX_CHARS: usize = 2048;

/// Whether `text` is short enough, and one that the `url` crate reads as it stands: it strips blanks and line
/// breaks and turns a backslash into a slash, all without a word.
pub(super) fn is_clean(text: &str) -> bool {
    let unclean = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    !text.contains(unclean) && (text.len() <= MAX_CHARS || text.chars().count() <= MAX_CHARS)
}

/// The scheme of `text` and what follows its `://`, if it has one: in `a.b/?to=http://c.d` nothing is a scheme.
pub(super) fn split_scheme(text: &str) -> Option<(&str, &str)> {
    text.split_once("://").filter(|(scheme, _)| !scheme.contains(['/', '?', '#']))
}

/// The part before path, query and fragment: credentials, host and port (RFC 3986, section 3.2).
pub(super) fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// The URL that a clean `text` is: http or https, `://`, a host, and no credentials.
pub(super) fn parse(text: &str) -> Option<Url> {
    let (scheme, rest) = split_scheme(text)?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    // The `url` crate skips any number of slashes to find a host, and drops empty credentials.
    let authority = authority(rest);
    if authority.is_empty() || authority.contains('@') {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let has_host = match url.host()? {
        Host::Domain(name) => without_root(name).split('.').all(|label| !label.is_empty()),
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    };
    has_host.then_some(url)
}

/// A host name without the dot of the DNS root that may end it.
pub(super) fn without_root(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::{authority, is_clean, split_scheme};

    #[test]
    fn the_length_counts_characters() {
        assert!(is_clean(&"a".repeat(2048)));
        assert!(is_clean(&"я".repeat(2048)));
        assert!(!is_clean(&"a".repeat(2049)));
        assert!(!is_clean(&"я".repeat(2049)));
    }

    #[test]
    fn what_the_url_crate_would_change_is_not_clean() {
        for text in [
            "a b",
            " a",
            "a ",
            "a\t",
            "a\nb",
            "a\rb",
            "a\u{0}",
            "a\u{7f}",
            "a\u{85}",
            "a\u{a0}b",
            "a\u{2028}b",
            "a\u{3000}b",
            "a\\b",
        ] {
            assert!(!is_clean(text), "{text:?}");
        }
    }

    #[test]
    fn a_scheme_stands_at_the_beginning() {
        assert_eq!(split_scheme("http://a.b/c"), Some(("http", "a.b/c")));
        assert_eq!(split_scheme("http://a.b?c=d://e"), Some(("http", "a.b?c=d://e")));
        for text in ["a.b", "a.b:80/c", "a.b/?to=http://c.d", "a.b#http://c.d", "mailto:a@b.c", "http:/a.b"] {
            assert_eq!(split_scheme(text), None, "{text}");
        }
        assert_eq!(authority("a@b.c:80?d/e#f"), "a@b.c:80");
    }
}
