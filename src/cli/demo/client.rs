//! The demo as a client of its own server.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::cli::Result;

/// How long the demo waits for its own server: far more than a working server takes.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often it asks meanwhile.
const INTERVAL: Duration = Duration::from_millis(20);

pub struct Client {
    address: SocketAddr,
    token: String,
    http: legacy::Client<HttpConnector, Full<Bytes>>,
}

impl Client {
    pub fn new(address: SocketAddr, token: &str) -> Self {
        let http = legacy::Client::builder(TokioExecutor::new()).build_http();
        Self { address, token: token.to_owned(), http }
    }

    /// The address of the server, without a path.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    /// Calls a method and returns its answer, whatever it is.
    pub async fn call(&self, path: &str, body: &Value) -> Result<Value> {
        let request = Request::post(format!("{}{path}", self.base()))
            .header("access-token", &self.token)
            .header("content-type", "application/json")
            .body(Full::from(body.to_string()))
            .map_err(|error| error.to_string())?;
        let response = self.http.request(request).await.map_err(|error| format!("{path}: {error}"))?;
        let body = response.into_body().collect().await.map_err(|error| format!("{path}: {error}"))?;
        serde_json::from_slice(&body.to_bytes()).map_err(|error| format!("{path}: {error}"))
    }

    /// Calls a method that must succeed.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let answer = self.call(path, body).await?;
        if answer["result"] == json!(true) { Ok(answer) } else { Err(format!("{path} answered {answer}")) }
    }

    /// Waits until the request object of an accepted request fulfils a condition.
    pub async fn wait(&self, request: &Value, done: impl Fn(&Value) -> bool) -> Result<Value> {
        let asking = async {
            loop {
                let answer = self.post("/v3/request/find", &json!({ "ids": [request] })).await?;
                let object = &answer["requests"][request.as_str().unwrap_or_default()];
                if done(object) {
                    return Ok(object.clone());
                }
                tokio::time::sleep(INTERVAL).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, asking).await;
        waited.unwrap_or_else(|_| Err(format!("request {request} was not processed in time")))
    }

    /// A line for the user to try.
    pub fn curl_line(&self, list: &str) -> String {
        let body = json!({
            "contactListId": list, "upsert": true,
            "contacts": [{ "contact": "someone@example.com", "firstName": "Some", "lastName": "One", "active": true }],
        });
        format!(
            "curl {}/v3/contacts/update \\\n  -H 'Access-Token: {}' \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'",
            self.base(),
            self.token
        )
    }
}
