//! The commands that are clients of a server.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;

use files::api::must;
use files::remote::{Remote, Reply, Transport};

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(60);

/// How often it is reported that requests wait.
const TELL: Duration = Duration::from_secs(10);

/// The longest answer that is read.
const MAX_ANSWER: usize = 256 << 20;

/// A server that is asked over HTTP.
pub type ServerClient = Remote<Server>;

/// Where a command finds a server.
#[derive(Debug, clap::Args)]
pub struct ServerArguments {
    /// Address of the server
    #[arg(long, value_name = "URL", env = "ROLLBOOK_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Access token; the environment hides it from other users
    #[arg(
        long,
        value_name = "TOKEN",
        env = "ROLLBOOK_TOKEN",
        hide_env_values = true,
        required_unless_present = "token_file"
    )]
    token: Option<String>,
    /// File with the access token, in place of --token
    #[arg(long, value_name = "FILE", env = "ROLLBOOK_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Seconds to retry a request while the server does not answer
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    patience: u64,
}

impl ServerArguments {
    /// How long to retry a request.
    pub const fn patience(&self) -> Duration {
        Duration::from_secs(self.patience)
    }

    /// Calls a method that must succeed, and returns its answer. Retries while the server does not answer.
    pub async fn call(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.call_for(path, body, self.patience()).await
    }

    /// The same without a retry.
    pub async fn call_once(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.call_for(path, body, Duration::ZERO).await
    }

    async fn call_for(&self, path: &str, body: &Value, patience: Duration) -> Result<Value, String> {
        let client = self.client()?;
        let body = Bytes::from(body.to_string());
        let answer = must(&client, patience, || client.call(path, None, body.clone())).await;
        let answer = answer.map_err(|error| error.to_string())?;
        serde_json::from_slice(&answer).map_err(|error| format!("{path}: {error}"))
    }

    /// The access token. A file that is named in the arguments or the environment has priority.
    fn token(&self) -> Result<String, String> {
        match (&self.token_file, &self.token) {
            (Some(file), _) => {
                std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
            }
            (None, token) => Ok(token.clone().unwrap_or_default()),
        }
    }

    /// A client of the server.
    pub fn client(&self) -> Result<ServerClient, String> {
        let url = url::Url::parse(&self.url).map_err(|error| format!("--url {}: {error}", self.url))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("--url {}: this is not an http or https address", self.url));
        }
        let mut token = HeaderValue::from_str(self.token()?.trim())
            .map_err(|_| "the token has characters that no token has".to_owned())?;
        token.set_sensitive(true);
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(Duration::from_secs(10)));
        let roots = HttpsConnectorBuilder::new().with_native_roots();
        let connector = match roots {
            Ok(builder) => builder.https_or_http().enable_http1().wrap_connector(tcp),
            Err(error) => return Err(format!("the machine's root certificates are unreadable: {error}")),
        };
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        let base = self.url.trim_end_matches('/').to_owned();
        Ok(Remote(Server { base, token, client, told: Mutex::default() }))
    }
}

/// A server, over pooled connections.
pub struct Server {
    base: String,
    token: HeaderValue,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// When it was reported last that a request waits.
    told: Mutex<Option<Instant>>,
}

impl Server {
    /// Sends a body with more headers.
    pub async fn send(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
        body: Bytes,
    ) -> Result<Reply, String> {
        let told = |error: &dyn std::fmt::Display| format!("no answer of a server at {}: {error}", self.base);
        let mut request = Request::post(format!("{}{path}", self.base))
            .header("access-token", &self.token)
            .header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).map_err(|error| error.to_string())?;
        let answer = async {
            let response = self.client.request(request).await.map_err(|error| told(&error))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| told(&error))?;
            let seconds = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            let retry_after = seconds.map(Duration::from_secs);
            Ok(Reply { status: head.status.as_u16(), retry_after, body: body.to_bytes() })
        };
        let late = || told(&format_args!("it took longer than {} seconds", ANSWER.as_secs()));
        tokio::time::timeout(ANSWER, answer).await.unwrap_or_else(|_| Err(late()))
    }
}

#[async_trait]
impl Transport for Server {
    async fn post(&self, path: &str, key: Option<&str>, body: Bytes) -> Result<Reply, String> {
        let key = key.map(|key| ("idempotency-key", key));
        self.send(path, key.as_slice(), body).await
    }

    /// On standard error, beside the progress. Requests in flight wait for the same reason: one line for all.
    fn waits(&self, why: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= TELL) {
            *told = Some(Instant::now());
            super::note(&format!("\nwaiting, and trying again: {why}"));
        }
    }
}
