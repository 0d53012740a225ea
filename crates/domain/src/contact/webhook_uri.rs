//! The address to which the status of a request is sent.

use super::http_url;

/// An absolute http or https URI with a host and without credentials, of at most 2,048 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebHookUri {
    text: String,
    receiver: String,
}

impl WebHookUri {
    /// Reads the URI; white space, control characters and backslashes are refused wherever they stand.
    pub fn parse(text: &str) -> Option<Self> {
        if !http_url::is_clean(text) {
            return None;
        }
        let url = http_url::parse(text)?;
        let (scheme, host, port) = (url.scheme(), url.host_str()?, url.port_or_known_default()?);
        Some(Self { text: text.to_owned(), receiver: format!("{scheme}://{host}:{port}") })
    }

    /// The text as the client gave it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The party that answers at this address, `scheme://host:port` in lower case and with the port filled in:
    /// what one slow receiver is told from another by.
    pub fn receiver(&self) -> String {
        self.receiver.clone()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use proptest::prelude::*;

    use super::WebHookUri;

    #[test]
    fn the_receiver_is_scheme_host_and_port() {
        for (text, receiver) in [
            ("http://example.com", "http://example.com:80"),
            ("https://example.com", "https://example.com:443"),
            ("https://example.com:443/a?b#c", "https://example.com:443"),
            ("HTTPS://Hooks.Example.COM:8443/A", "https://hooks.example.com:8443"),
            ("http://example.com:/hook", "http://example.com:80"),
            ("https://bücher.example/ü", "https://xn--bcher-kva.example:443"),
            ("http://localhost:9000/hook", "http://localhost:9000"),
            ("http://192.0.2.1/hook?to=a@b.c", "http://192.0.2.1:80"),
            ("http://2130706433/", "http://127.0.0.1:80"),
            ("http://[2001:DB8::1]/hook", "http://[2001:db8::1]:80"),
            ("https://example.com/{id}?q=[1]", "https://example.com:443"),
        ] {
            let uri = WebHookUri::parse(text).unwrap();
            assert_eq!((uri.as_str(), uri.receiver().as_str()), (text, receiver));
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            " ",
            "example.com",
            "example.com/hook",
            "//example.com/hook",
            "/hook",
            "localhost:8080",
            "http:example.com",
            "http:/example.com",
            "http:///example.com",
            "https://",
            "https:///",
            "https://?a",
            "https://:443/",
            "https://.",
            "https://example..com",
            "ftp://example.com",
            "ws://example.com",
            "file:///etc/passwd",
            "javascript://example.com",
            "mailto:a@b.c",
            "https://user@example.com",
            "https://user:secret@example.com",
            "https://@example.com",
            "https://:@example.com",
            "https://example.com:65536",
            "https://example.com:port",
            "https://exa mple.com",
            " https://example.com",
            "https://example.com ",
            "https://example.com/\r\nHost: evil",
            "https://exam\nple.com",
            "https://example.com/\t",
            "https://example.com\\@evil.com",
            "https:\\\\example.com",
            "https://example.com/\u{0}",
            "https://exa%00mple.com",
            "https://1.2.3.256",
            "https://[::1",
            "https://[::1%25eth0]/",
        ] {
            assert_eq!(WebHookUri::parse(text), None, "{text:?} must be refused");
        }
    }

    #[test]
    fn at_most_2048_characters() {
        let longest = format!("https://example.com/{}", "a".repeat(2028));
        assert!(WebHookUri::parse(&longest).is_some());
        assert!(WebHookUri::parse(&format!("{longest}a")).is_none());
    }

    proptest! {
        #[test]
        fn the_receiver_is_its_own_receiver(text in r"[hH]ttps?://[a-zA-Zé0-9.\[\]:-]{1,16}(/[!-~]{0,8})?") {
            if let Some(uri) = WebHookUri::parse(&text) {
                let again = WebHookUri::parse(&uri.receiver()).unwrap();
                prop_assert_eq!(again.receiver(), uri.receiver());
                prop_assert!(!uri.receiver().bytes().any(|byte| byte.is_ascii_uppercase()));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), near in r"https?:/{0,2}[\x00-\x7f]{0,24}") {
            WebHookUri::parse(&text);
            WebHookUri::parse(&near);
        }
    }
}
