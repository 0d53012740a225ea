//! `rollbook health`: the health check of a container or a service, with nothing installed beside the program.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;

use super::{Result, print};
use crate::config::{Flags, Settings};

/// How long the server has: less than a supervisor waits for this command.
const PATIENCE: Duration = Duration::from_secs(8);

/// The longest answer that is read.
const MAX_ANSWER: usize = 64 << 10;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Check readiness too: a readable store, a backlog under its limit
    #[arg(long)]
    ready: bool,
    /// Configuration file, see `rollbook config`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The answer of a health check.
#[derive(Debug, Deserialize)]
struct Health {
    result: bool,
    errors: Vec<String>,
}

pub async fn run(arguments: Arguments) -> Result {
    let settings = Settings::load(arguments.config.as_deref(), Flags::default())?;
    let address = address(&settings)?;
    let path = if arguments.ready { "readyz" } else { "healthz" };
    let asked = tokio::time::timeout(PATIENCE, ask(format!("http://{address}/{path}"))).await;
    let health = asked.map_err(|_| format!("the server at {address} does not answer"))?;
    let health = health.map_err(|error| format!("no answer of a server at {address}: {error}"))?;
    if !health.result {
        return Err(health.errors.join("; "));
    }
    print(if arguments.ready { "ready" } else { "alive" });
    Ok(())
}

/// Where the server of these settings can be asked in the clear, from the same machine.
fn address(settings: &Settings) -> Result<SocketAddr> {
    let mut address = match settings.metrics_listen {
        Some(metrics) => metrics,
        None if settings.tls().is_some() => {
            return Err("with TLS, health is asked at metrics_listen, and that is not set".to_owned());
        }
        None => settings.listen,
    };
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(address)
}

async fn ask(url: String) -> std::result::Result<Health, Box<dyn std::error::Error + Send + Sync>> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(Request::get(url).body(Empty::<Bytes>::new())?).await?;
    let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await?.to_bytes();
    Ok(serde_json::from_slice(&body)?)
}
