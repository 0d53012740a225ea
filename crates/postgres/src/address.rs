//! The address of a database: what PostgreSQL's own programs read, as far as the driver does not read it itself, and
//! whether a pooler stands in between.

use std::path::PathBuf;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use url::form_urlencoded;

use storage::Error;

/// How a connection is encrypted, and whose certificate is good: the `sslmode` of PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    Disable,
    /// Where the server can; whoever it is.
    Prefer,
    /// Always, whoever the server is.
    Require,
    /// Always, to a server with a certificate of a known authority.
    VerifyAuthority,
    /// The same, and the certificate is for the name in the address.
    VerifyFull,
}

/// An address that was read.
#[derive(Clone)]
pub struct Address {
    /// What the driver reads.
    pub config: Config,
    /// `sslmode`.
    pub security: Security,
    /// `sslrootcert`: a file with authorities; those of the machine where there is none.
    pub authorities: Option<PathBuf>,
    /// `sslcert` and `sslkey`: files with a certificate of ours and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// `pooler=transaction`: each transaction may be on another connection of the database.
    pub pooled: bool,
}

fn wrong(text: &str) -> Error {
    Error::Unavailable(format!("the database's address does not read: {text}"))
}

impl Address {
    /// Reads a `postgres://` address.
    ///
    /// # Errors
    /// A sentence. It quotes nothing of the address, in which there may be a password.
    pub fn read(text: &str) -> Result<Self, Error> {
        // A password may hold a question mark.
        let host = text.find('@').unwrap_or_default();
        let (base, query) = match text[host..].find('?') {
            Some(at) => (&text[..host + at], &text[host + at + 1..]),
            None => (text, ""),
        };
        let (mut left, mut mode) = (Vec::new(), None);
        let (mut authorities, mut certificate, mut key, mut pooled) = (None, None, None, false);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            // A plus is one here, as in PostgreSQL's own programs.
            let decoded = pair.replace('+', "%2B");
            let Some((name, value)) = form_urlencoded::parse(decoded.as_bytes()).next() else { continue };
            match name.as_ref() {
                "sslmode" => mode = Some(security(&value)?),
                "sslrootcert" if value == "system" => {}
                "sslrootcert" => authorities = Some(PathBuf::from(value.as_ref())),
                "sslcert" => certificate = Some(PathBuf::from(value.as_ref())),
                "sslkey" => key = Some(PathBuf::from(value.as_ref())),
                "pooler" => match value.as_ref() {
                    "transaction" => pooled = true,
                    "session" | "none" => pooled = false,
                    _ => return Err(wrong("pooler is transaction, session or none")),
                },
                _ => left.push(pair),
            }
        }
        let rest = match left.is_empty() {
            true => base.to_owned(),
            false => format!("{base}?{}", left.join("&")),
        };
        let mut config: Config =
            rest.parse().map_err(|_| wrong("see the settings of PostgreSQL's own programs"))?;
        let local = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        // As there, who names an authority wants it asked.
        let security = match mode.unwrap_or(Security::Prefer) {
            Security::Require if authorities.is_some() => Security::VerifyAuthority,
            // A socket of this machine: nobody is in between, and PostgreSQL does not encrypt there.
            _ if local => Security::Disable,
            mode => mode,
        };
        config.ssl_mode(match security {
            Security::Disable => SslMode::Disable,
            Security::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        });
        let identity = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(wrong("sslcert and sslkey belong together")),
        };
        Ok(Self { config, security, authorities, identity, pooled })
    }
}

fn security(mode: &str) -> Result<Security, Error> {
    Ok(match mode {
        "disable" => Security::Disable,
        "prefer" => Security::Prefer,
        "require" => Security::Require,
        "verify-ca" => Security::VerifyAuthority,
        "verify-full" => Security::VerifyFull,
        _ => return Err(wrong("sslmode is disable, prefer, require, verify-ca or verify-full")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Address {
        Address::read(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn what_the_driver_does_not_read_is_read_here() {
        let address = read(
            "postgres://me:p%40ss?+word@db.example.com:5433/contacts?sslmode=verify-full&connect_timeout=3\
             &sslrootcert=%2Fetc%2Fca+1.pem&sslcert=/a.pem&sslkey=/a.key&pooler=transaction",
        );
        assert_eq!(address.config.get_dbname(), Some("contacts"));
        assert_eq!(address.config.get_password(), Some(&b"p@ss?+word"[..]));
        assert_eq!(address.config.get_connect_timeout(), Some(&std::time::Duration::from_secs(3)));
        assert_eq!(address.config.get_ssl_mode(), SslMode::Require);
        assert_eq!(address.security, Security::VerifyFull);
        assert_eq!(address.authorities, Some(PathBuf::from("/etc/ca+1.pem")));
        assert_eq!(address.identity, Some((PathBuf::from("/a.pem"), PathBuf::from("/a.key"))));
        assert!(address.pooled);
    }

    #[test]
    fn modes_mean_what_they_mean_to_postgresql_s_own_programs() {
        let security = |query: &str| read(&format!("postgres://me@db.example.com/contacts{query}")).security;
        assert_eq!(security(""), Security::Prefer);
        assert_eq!(security("?sslmode=disable"), Security::Disable);
        assert_eq!(security("?sslmode=require"), Security::Require);
        assert_eq!(security("?sslmode=require&sslrootcert=/ca.pem"), Security::VerifyAuthority);
        assert_eq!(security("?sslmode=verify-ca&sslrootcert=system"), Security::VerifyAuthority);
        assert_eq!(
            read("postgres://me@%2Frun%2Fpostgresql/contacts?sslmode=require").security,
            Security::Disable
        );
    }

    #[test]
    fn what_is_wrong_is_told_without_a_password() {
        let told = |text: &str| match Address::read(text) {
            Ok(_) => panic!("{text} reads"),
            Err(error) => error.to_string(),
        };
        for (query, text) in [
            ("sslmode=secret", "sslmode is disable, prefer, require, verify-ca or verify-full"),
            ("pooler=secret", "pooler is transaction, session or none"),
            ("sslcert=secret", "sslcert and sslkey belong together"),
            ("secret=1", "see the settings of PostgreSQL's own programs"),
        ] {
            let told = told(&format!("postgres://me:secret@db.example.com/contacts?{query}"));
            assert!(told.contains(text) && !told.contains("secret"), "{told}");
        }
    }
}
