//! What the console of a running server knows, and where it is reached.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use super::password::Passwords;
use super::throttle::LoginThrottle;

/// The address of the server as browsers know it: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// What a server is reached at that listens there, on this machine.
    pub fn of(listen: SocketAddr) -> Self {
        let mut reached = listen;
        if listen.ip().is_unspecified() {
            let loopback =
                if listen.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
            reached.set_ip(loopback);
        }
        Self(format!("http://{reached}"))
    }

    /// The same, over TLS.
    pub fn over_tls(self) -> Self {
        Self(self.0.replacen("http://", "https://", 1))
    }

    /// Whether it is spoken over TLS.
    pub fn is_secure(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// As text, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not of the form https://contacts.example.com");
        let url = url::Url::parse(text).map_err(|_| wrong())?;
        let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let nobody = url.username().is_empty() && url.password().is_none();
        if !plain || !nobody || !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(wrong());
        }
        Ok(Self(url.origin().ascii_serialization()))
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the console keeps in memory.
#[derive(Debug)]
pub struct Console {
    /// Where browsers find it.
    pub public_url: PublicUrl,
    /// Who has failed to sign in.
    pub attempts: LoginThrottle,
    /// Hashes passwords.
    pub passwords: Passwords,
}

impl Console {
    /// Reached at that address.
    pub fn new(public_url: PublicUrl) -> Self {
        Self { public_url, attempts: LoginThrottle::default(), passwords: Passwords::default() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_scheme_host_and_port() {
        for (text, kept) in [
            ("https://contacts.example.com", "https://contacts.example.com"),
            ("https://contacts.example.com/", "https://contacts.example.com"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("HTTPS://Contacts.Example.com:443", "https://contacts.example.com"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().as_str(), kept);
        }
        for text in [
            "",
            "contacts.example.com",
            "ftp://example.com",
            "https://example.com/x",
            "https://a@example.com",
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
        assert_eq!(PublicUrl::of("0.0.0.0:80".parse().unwrap()).as_str(), "http://127.0.0.1:80");
    }
}
