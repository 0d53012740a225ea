//! A receiver of webhooks on this machine.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::sync::mpsc;

use super::client::PATIENCE;
use crate::cli::Result;
use app::webhook::sign::{self, Secret};

/// A webhook as it came.
pub struct Hook {
    pub headers: HeaderMap,
    pub body: Bytes,
}

pub struct Receiver {
    /// Where it listens.
    pub uri: String,
    received: mpsc::Receiver<Hook>,
}

impl Receiver {
    pub async fn start() -> Result<Self> {
        let listener =
            tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let (sender, received) = mpsc::channel(16);
        let router = axum::Router::new().route("/status", axum::routing::post(receive)).with_state(sender);
        tokio::spawn(async move {
            axum_server::from_tcp(listener.into_std()?)?.serve(router.into_make_service()).await
        });
        Ok(Self { uri: format!("http://{address}/status"), received })
    }

    /// Waits for the webhook of a request.
    pub async fn wait(&mut self, request: &Value) -> Result<Hook> {
        let wanted = async {
            while let Some(hook) = self.received.recv().await {
                let object: Value = serde_json::from_slice(&hook.body).unwrap_or_default();
                if object["id"] == *request {
                    return Some(hook);
                }
            }
            None
        };
        let hook = tokio::time::timeout(PATIENCE, wanted).await;
        hook.ok().flatten().ok_or_else(|| "the webhook did not arrive".to_owned())
    }
}

async fn receive(State(sender): State<mpsc::Sender<Hook>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    // The demo reads one webhook; it accepts and drops later ones.
    let _ = sender.try_send(Hook { headers, body });
    StatusCode::NO_CONTENT
}

impl Hook {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Its object, if the signature is right.
    pub fn verified(&self, secret: &str) -> Result<Value> {
        let secret = Secret::parse(secret).ok_or("the webhook secret is malformed")?;
        let seconds = self.header("webhook-timestamp").parse().map_err(|_| "the webhook has no time")?;
        let (id, signature) = (self.header("webhook-id"), self.header("webhook-signature"));
        if !sign::verifies(&secret, id, seconds, &self.body, signature) {
            return Err("the webhook's signature is wrong".to_owned());
        }
        serde_json::from_slice(&self.body).map_err(|error| error.to_string())
    }
}
