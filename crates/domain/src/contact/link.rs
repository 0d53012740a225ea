//! The six profile links of a contact.

use url::Host;

use super::http_url;

/// Whether `text` is an http or https URL with a host and without credentials, of at most 2,048 characters.
/// The scheme may be left out, as in the vendor's `facebook.com/wooxy.com`; then the host needs a dot.
pub fn is_valid(text: &str) -> bool {
    is_plain(text.as_bytes()) || is_valid_url(text)
}

/// Whether it is one of the many that need no URL parser: at most `http://` or `https://`, a host of two or
/// more plain labels, and a path of visible ASCII.
fn is_plain(text: &[u8]) -> bool {
    let rest = text.strip_prefix(b"https://").or_else(|| text.strip_prefix(b"http://")).unwrap_or(text);
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    let (host, path) = rest.split_at(end.unwrap_or(rest.len()));
    text.len() <= http_url::MAX_CHARS
        && is_plain_host(host)
        && path.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'\\')
}

/// Labels of letters, digits and lone hyphens, the last of them begun by a letter. An A-label (`xn--…`) must be
/// decoded and a number at the end makes an IPv4 address: neither is plain.
fn is_plain_host(host: &[u8]) -> bool {
    let mut dots = 0;
    let mut before = b'.';
    let mut last_begins_with = b'.';
    for &byte in host {
        match byte {
            b'.' if before != b'.' => dots += 1,
            b'-' if before != b'-' => {}
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => {}
            _ => return false,
        }
        if before == b'.' {
            last_begins_with = byte;
        }
        before = byte;
    }
    dots > 0 && before != b'.' && last_begins_with.is_ascii_alphabetic()
}

fn is_valid_url(text: &str) -> bool {
    if !http_url::is_clean(text) {
        return false;
    }
    match http_url::split_scheme(text) {
        Some(_) => http_url::parse(text).is_some(),
        None => is_valid_without_scheme(text),
    }
}

/// The host needs a dot, so that `localhost:8080`, `javascript:…` and `12345` are no hosts; and four numbers are
/// an address only as they stand, since `1.5` would become 1.0.0.5.
fn is_valid_without_scheme(text: &str) -> bool {
    let Some(url) = http_url::parse(&format!("https://{text}")) else {
        return false;
    };
    match url.host() {
        Some(Host::Domain(name)) => http_url::without_root(name).contains('.'),
        Some(Host::Ipv4(address)) => {
            let host = http_url::authority(text).split(':').next();
            host == Some(address.to_string().as_str())
        }
        Some(Host::Ipv6(_)) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{is_plain, is_valid, is_valid_url};

    #[test]
    fn links_are_accepted_with_and_without_a_scheme() {
        for text in [
            "img.wooxy.com/g/06c38b4568.jpg",
            "facebook.com/wooxy.com",
            "instagram.com/wooxy",
            "linkedin.com/company/wooxy",
            "tiktok.com/@wooxy",
            "https://www.tiktok.com/@wooxy?lang=en#top",
            "example.com",
            "example.com/",
            "example.com.",
            "Example.COM/Path",
            "http://example.com",
            "https://example.com",
            "HTTPS://EXAMPLE.COM/",
            "Http://example.com",
            "img.example.com:8080/x",
            "example.com:/x",
            "https://example.com:443",
            "https://localhost/x",
            "http://localhost:8080",
            "http://intranet",
            "example.com?a=b",
            "example.com#a",
            "example.com?a=user@host",
            "fb.com/l.php?u=https://example.com/a",
            "fb.com/l.php?u=javascript:alert(1)",
            "192.0.2.1/avatar.png",
            "192.0.2.1:8080/avatar.png",
            "https://192.0.2.1/",
            "https://[2001:db8::1]:8080/",
            "bücher.example/ü",
            "пример.рф/путь",
            "xn--bcher-kva.example",
            "my_site.example.com/x",
            "r3---sn.example.com",
            "a-b.example.com/%20%D1%84?x=%2F",
            "example.com//double//slash",
            "example.com/a:b",
            "example.co.uk/~user/index.html;v=1,2!$&'()*+=",
        ] {
            assert!(is_valid(text), "{text:?} must be accepted");
        }
    }

    #[test]
    fn other_schemes_and_what_only_looks_like_a_url_are_refused() {
        for text in [
            "",
            " ",
            ".",
            "..",
            "12345",
            "1.5",
            "127.1/x",
            "0x7f.1",
            "1.2.3.256",
            "01.2.3.4",
            "wooxy",
            "wooxy/profile",
            "@wooxy",
            "localhost",
            "localhost:8080",
            "localhost/a.b",
            "localhost.",
            "//example.com",
            "/example.com",
            "/a.b",
            "?a=b.c",
            "#a.b",
            ":8080",
            "://example.com",
            "mailto:a@b.c",
            "mailto:a.b.c",
            "javascript:alert(1)",
            "javascript:alert(1)//example.com",
            "javascript://example.com/%0aalert(1)",
            "data:text/html,a.b",
            "tel:+15555555",
            "ftp://example.com",
            "file:///etc/passwd",
            "ws://example.com",
            "httpss://example.com",
            "xhttp://example.com",
            "example.com://x",
            "http:example.com",
            "https:/example.com",
            "http:///example.com",
            "https://",
            "https://?a=b.c",
            "https://#a.b",
            "https://:80/",
            "https://.",
            "https://../",
            "user@host",
            "user@example.com",
            "@example.com",
            "user:secret@example.com",
            "user:secret@example.com/x",
            "https://user@example.com",
            "https://user:secret@example.com/",
            "https://@example.com",
            "https://:@example.com",
            "exa mple.com",
            " example.com",
            "example.com ",
            "example.com/a b",
            "example.com/\n",
            "exa\tmple.com",
            "https://example.com/\u{0}",
            "example.com/\u{a0}",
            "example.com/\u{2028}",
            "example.com\\x",
            "https:\\\\example.com",
            "https://example.com\\@evil.com",
            "example..com",
            ".example.com",
            "https://.example.com",
            "example.com..",
            "example.com:port",
            "example.com:65536",
            "example.com:-1",
            "https://exa%20mple.com",
            "https://exa<mple.com",
            "https://[2001:db8::1",
            "[2001:db8::1]/x",
            "[::ffff:192.0.2.1]",
            "xn--a.example",
            "http://xn--a/",
        ] {
            assert!(!is_valid(text), "{text:?} must be refused");
        }
    }

    #[test]
    fn at_most_2048_characters() {
        for (host, letter) in [("example.com/", "a"), ("example.com/", "я"), ("https://example.com:1/", "a")]
        {
            let longest = format!("{host}{}", letter.repeat(2048 - host.len()));
            assert!(is_valid(&longest));
            assert!(!is_valid(&format!("{longest}a")));
        }
    }

    proptest! {
        #[test]
        fn the_short_way_takes_nothing_that_the_long_way_refuses(
            scheme in "(https?://)?", host in r"[a-zA-Z0-9.-]{0,12}(xn--[a-z0-9]{0,4})?\.[a-z0-9.x-]{1,5}",
            rest in r"([/?#:][!-~]{0,8})?"
        ) {
            let text = format!("{scheme}{host}{rest}");
            prop_assert!(!is_plain(text.as_bytes()) || is_valid_url(&text), "{}", text);
        }

        #[test]
        fn what_has_no_scheme_is_accepted_with_one_too(text in r"[a-zа-я0-9.:@/?-]{0,16}") {
            if is_valid(&text) && !text.contains("://") {
                let with_scheme = format!("https://{text}");
                prop_assert!(is_valid(&with_scheme));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), near in r"(https?:)?/{0,2}[\x00-\x7f]{0,24}") {
            is_valid(&text);
            is_valid(&near);
        }
    }
}
