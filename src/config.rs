//! Settings: a file, over it the environment, over it the command line. Checked once; unknown keys are refused.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use config::{Config, Environment, File, FileFormat};
use ipnet::IpNet;
use serde::Deserialize;
use url::Url;

use app::Limits;
use app::suppressions::SuppressionExpiry;
use storage::Backlog;
use stores::database::Database;
use web::login::PublicUrl;

/// The default file, with every setting and what it means: what `rollbook config` prints.
pub const DEFAULT_FILE: &str = include_str!("../rollbook.toml");

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// Where browsers find the server; made of `listen` where it is not set.
    #[serde(deserialize_with = "maybe")]
    pub public_url: Option<PublicUrl>,
    /// The address of the server in unsubscribe links; `public_url` if it is not set.
    #[serde(deserialize_with = "maybe")]
    pub unsubscribe_url: Option<PublicUrl>,
    /// Where metrics are served, if anywhere.
    #[serde(deserialize_with = "maybe")]
    pub metrics_listen: Option<SocketAddr>,
    /// The certificate of the server and those that vouch for it, as PEM; without it the server speaks no TLS.
    #[serde(deserialize_with = "maybe")]
    pub tls_certificate: Option<PathBuf>,
    /// The private key of the certificate, as PEM.
    #[serde(deserialize_with = "maybe")]
    pub tls_key: Option<PathBuf>,
    /// The collector that spans are sent to, if any.
    #[serde(deserialize_with = "maybe")]
    pub otlp_endpoint: Option<Url>,
    /// Of a hundred requests, those whose spans are sent.
    pub otlp_percent: u8,
    /// Where the store is.
    pub database: Database,
    /// Ranges to which webhooks may go though they are not public.
    #[serde(deserialize_with = "ranges")]
    pub webhook_allow: Vec<IpNet>,
    /// Root certificates, as PEM, that https receivers of webhooks may have besides the machine's.
    #[serde(deserialize_with = "maybe")]
    pub webhook_ca_file: Option<PathBuf>,
    /// Where proxies stand that are believed for whom they ask.
    #[serde(deserialize_with = "ranges")]
    pub trusted_proxies: Vec<IpNet>,
    /// Decompressed bytes of a request's body.
    pub max_body_bytes: usize,
    /// Seconds that a body may take to arrive.
    pub body_timeout_seconds: u64,
    /// Requests of one token at a time.
    pub max_in_flight: usize,
    /// Connections at a time.
    pub max_connections: usize,
    /// Batches that may wait to be applied.
    pub max_backlog: u64,
    /// MiB of batches that may wait to be applied.
    pub max_backlog_mib: u64,
    /// Days for which histories of contacts are kept.
    pub history_days: u32,
    /// Days after which a suppression for `hard` expires; 0 for never.
    pub suppression_hard_days: u32,
    /// Days after which a suppression for `undeliverable` expires; 0 for never.
    pub suppression_undeliverable_days: u32,
    /// MiB of page cache for the thread that applies.
    pub cache_mib: u64,
    /// Where files of imports are; beside the store where it is empty.
    pub files: PathBuf,
    /// MiB of the largest file that is taken in.
    pub max_upload_mib: u64,
    /// What is logged, see `tracing_subscriber::EnvFilter`.
    pub log: String,
    /// How it is logged.
    pub log_format: LogFormat,
}

/// A value that may be left empty.
fn maybe<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

/// Ranges of addresses; an address alone is the range of itself.
fn ranges<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let read = |text: String| {
        let range = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let wrong = || format!("{text:?} is not an address or range, such as 192.0.2.1 or 10.0.0.0/8");
        range.map_err(|_| serde::de::Error::custom(wrong()))
    };
    Vec::<String>::deserialize(deserializer)?.into_iter().map(read).collect()
}

/// Whether a range begins at an IPv4-mapped address and has a prefix that cuts into `::ffff:0:0/96`, as if it were
/// counted from the IPv4 address.
fn is_half_mapped(range: &IpNet) -> bool {
    matches!(range, IpNet::V6(range) if range.prefix_len() < 96 && range.addr().to_ipv4_mapped().is_some())
}

/// A `u32` of days fits 64 bits of seconds.
fn days(days: u32) -> Duration {
    Duration::from_secs(u64::from(days) * 24 * 3_600)
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// What the command line sets; what it leaves out comes from the environment, the file or the default.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--listen`
    pub listen: Option<String>,
    /// `--metrics-listen`
    pub metrics_listen: Option<String>,
    /// `--database`
    pub database: Option<String>,
    /// `--webhook-allow`, once for each range.
    pub webhook_allow: Vec<String>,
}

/// Variables of the commands that are clients of a server: they are no settings.
const CLIENT: [&str; 2] = ["ROLLBOOK_URL", "ROLLBOOK_TOKEN"];

impl Settings {
    /// Puts the sources together.
    ///
    /// # Errors
    /// A sentence that names the key: it is unknown, or its value is not of the right form.
    pub fn load(file: Option<&Path>, flags: Flags) -> Result<Self, String> {
        let mut sources = Config::builder().add_source(File::from_str(DEFAULT_FILE, FileFormat::Toml));
        if let Some(path) = file {
            let text =
                std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            sources = sources.add_source(File::from_str(&text, FileFormat::Toml));
        }
        // Whoever imports a file has these set, and serves or makes tokens in the same shell.
        let variables = std::env::vars_os().filter(|(name, _)| !CLIENT.iter().any(|client| name == client));
        let variables =
            variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let environment = Environment::with_prefix("ROLLBOOK")
            .source(Some(variables.collect()))
            .prefix_separator("_")
            .ignore_empty(true)
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("webhook_allow")
            .with_list_parse_key("trusted_proxies");
        let sources = sources
            .add_source(environment)
            .set_override_option("listen", flags.listen)
            .and_then(|sources| sources.set_override_option("metrics_listen", flags.metrics_listen))
            .and_then(|sources| sources.set_override_option("database", flags.database))
            .and_then(|sources| {
                let ranges = Some(flags.webhook_allow).filter(|ranges| !ranges.is_empty());
                sources.set_override_option("webhook_allow", ranges)
            })
            .map_err(|error| error.to_string())?;
        let settings: Self =
            sources.build().and_then(Config::try_deserialize).map_err(|error| error.to_string())?;
        settings.check()
    }

    fn check(self) -> Result<Self, String> {
        let bounds = [
            ("max_body_bytes", self.max_body_bytes),
            ("max_in_flight", self.max_in_flight),
            ("max_connections", self.max_connections),
        ];
        if let Some((key, _)) = bounds.into_iter().find(|(_, bound)| *bound == 0) {
            return Err(format!("{key} must be at least 1"));
        }
        if self.tls_certificate.is_some() != self.tls_key.is_some() {
            return Err("tls_certificate and tls_key are set together, or neither is".to_owned());
        }
        if self.otlp_endpoint.as_ref().is_some_and(|url| !matches!(url.scheme(), "http" | "https")) {
            return Err("otlp_endpoint must be an http or https address".to_owned());
        }
        for (key, ranges) in
            [("webhook_allow", &self.webhook_allow), ("trusted_proxies", &self.trusted_proxies)]
        {
            if let Some(range) = ranges.iter().find(|range| is_half_mapped(range)) {
                return Err(format!(
                    "{key}: {range} is wider than the IPv4-mapped addresses (::ffff:0:0/96) and would cover ::1 and \
                     others; write the IPv4 range, such as 10.0.0.0/8"
                ));
            }
        }
        if self.otlp_percent > 100 {
            return Err("otlp_percent must be at most 100".to_owned());
        }
        Ok(self)
    }

    /// The files of the certificate and its key, where TLS is to be spoken.
    pub fn tls(&self) -> Option<(&Path, &Path)> {
        self.tls_certificate.as_deref().zip(self.tls_key.as_deref())
    }

    /// The bounds of the server.
    pub fn limits(&self) -> Limits {
        Limits {
            body: self.max_body_bytes,
            body_timeout: Duration::from_secs(self.body_timeout_seconds),
            in_flight: self.max_in_flight,
            backlog: Backlog {
                batches: self.max_backlog,
                bytes: self.max_backlog_mib.saturating_mul(1 << 20),
            },
            history: days(self.history_days),
            proxies: self.trusted_proxies.clone(),
            unsubscribe_url: self
                .unsubscribe_url
                .as_ref()
                .or(self.public_url.as_ref())
                .map(ToString::to_string),
            suppression_expiry: SuppressionExpiry {
                hard: Some(days(self.suppression_hard_days)).filter(|days| !days.is_zero()),
                undeliverable: Some(days(self.suppression_undeliverable_days)).filter(|days| !days.is_zero()),
            },
        }
    }

    /// Where browsers find a server that listens there.
    pub fn public_url(&self, listen: SocketAddr) -> PublicUrl {
        let own = || match self.tls() {
            Some(_) => PublicUrl::of(listen).over_tls(),
            None => PublicUrl::of(listen),
        };
        self.public_url.clone().unwrap_or_else(own)
    }

    /// The settings of jobs.
    pub fn jobs(&self) -> jobs::Settings {
        let beside = || self.database.files_directory();
        let directory = Some(&self.files).filter(|path| !path.as_os_str().is_empty());
        jobs::Settings {
            directory: directory.cloned().unwrap_or_else(beside),
            max_upload: self.max_upload_mib.saturating_mul(1 << 20),
        }
    }

    /// The settings of the embedded store.
    pub const fn sqlite(&self) -> sqlite::Settings {
        sqlite::Settings { cache_kib: self.cache_mib.saturating_mul(1_024), ..sqlite::Settings::DEFAULT }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_default_file_is_the_default() {
        let settings = Settings::load(None, Flags::default()).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.max_in_flight, 10);
        assert_eq!(settings.max_body_bytes, 1 << 20);
        let jobs = jobs::Settings { directory: PathBuf::from("rollbook.db.files"), max_upload: 2 << 30 };
        assert_eq!(settings.jobs(), jobs);
    }

    #[test]
    fn flags_go_over_the_file_and_the_file_over_the_default() {
        let file = std::env::temp_dir().join(format!("rollbook-config-{}.toml", std::process::id()));
        std::fs::write(
            &file,
            "listen = \"127.0.0.1:1\"\nmax_backlog = 7\nwebhook_allow = [\"10.0.0.0/8\"]\n",
        )
        .unwrap();
        let flags = Flags {
            listen: Some("127.0.0.1:2".to_owned()),
            webhook_allow: vec!["127.0.0.0/8".to_owned(), "::1/128".to_owned()],
            ..Flags::default()
        };
        let settings = Settings::load(Some(&file), flags).unwrap();
        assert_eq!((settings.listen.port(), settings.max_backlog), (2, 7));
        assert_eq!(settings.webhook_allow.len(), 2);
        std::fs::write(&file, "max_baklog = 7\n").unwrap();
        let error = Settings::load(Some(&file), Flags::default()).unwrap_err();
        assert!(error.contains("max_baklog"), "{error}");
        std::fs::write(&file, "max_in_flight = 0\n").unwrap();
        assert_eq!(
            Settings::load(Some(&file), Flags::default()).unwrap_err(),
            "max_in_flight must be at least 1"
        );
        for range in ["::ffff:10.0.0.0/8", "::ffff:0:0/95"] {
            for key in ["webhook_allow", "trusted_proxies"] {
                std::fs::write(&file, format!("{key} = [\"{range}\"]\n")).unwrap();
                let error = Settings::load(Some(&file), Flags::default()).unwrap_err();
                assert!(error.starts_with(&format!("{key}: ::ffff:")), "{error}");
            }
        }
        std::fs::write(&file, "webhook_allow = [\"::ffff:10.0.0.0/104\", \"::/0\", \"::1/128\"]\n").unwrap();
        assert_eq!(Settings::load(Some(&file), Flags::default()).unwrap().webhook_allow.len(), 3);
        std::fs::remove_file(&file).unwrap();
    }
}
