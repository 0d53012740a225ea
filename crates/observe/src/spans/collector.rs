//! The collector: the queue before it, and the HTTP client that it is reached by.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use opentelemetry::KeyValue;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanProcessor};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Handle;
use url::Url;

/// Spans that wait, about half a KiB each.
const QUEUE: usize = 4_096;

/// Spans of one request to the collector.
const BATCH: usize = 512;

/// How long spans wait for others.
const DELAY: Duration = Duration::from_secs(1);

/// How long the collector has for an answer.
const ANSWER: Duration = Duration::from_secs(5);

/// The longest answer that is read.
const MAX_ANSWER: usize = 64 << 10;

/// The queue, and the thread that empties it to the collector.
pub fn processor(endpoint: &Url) -> Result<BatchSpanProcessor, String> {
    let told = |error: &dyn std::fmt::Display| format!("otlp_endpoint: {error}");
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Post::new(endpoint)?)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/')))
        .with_timeout(ANSWER)
        .build()
        .map_err(|error| told(&error))?;
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE)
        .with_max_export_batch_size(BATCH)
        .with_scheduled_delay(DELAY)
        .build();
    let mut processor = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    processor
        .set_resource(&Resource::builder().with_service_name("rollbook").with_attribute(version).build());
    Ok(processor)
}

/// Posts to the collector from the thread of the queue, on the runtime of everything else.
#[derive(Debug)]
struct Post {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    runtime: Handle,
    /// Whether the last spans did not arrive: it is told when that changes, and not each second.
    lost: Arc<AtomicBool>,
}

impl Post {
    fn new(endpoint: &Url) -> Result<Self, String> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(ANSWER));
        let builder = HttpsConnectorBuilder::new();
        let builder = if endpoint.scheme() == "https" {
            builder
                .with_native_roots()
                .map_err(|error| format!("otlp_endpoint: root certificates: {error}"))?
        } else {
            // In the clear none are needed, and a small machine may have none.
            let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|error| error.to_string())?;
            let roots = RootCertStore::empty();
            builder.with_tls_config(config.with_root_certificates(roots).with_no_client_auth())
        };
        let connector = builder.https_or_http().enable_http1().wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        Ok(Self { client, runtime: Handle::current(), lost: Arc::default() })
    }

    fn tell(&self, outcome: &Result<Response<Bytes>, HttpError>) {
        let why = match outcome {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("answered {}", response.status().as_u16())),
            Err(error) => Some(error.to_string()),
        };
        let lost = self.lost.swap(why.is_some(), Ordering::Relaxed);
        match why {
            Some(why) if !lost => tracing::warn!(why, "traces: sending spans failed, spans dropped"),
            None if lost => tracing::info!("traces: sending spans succeeds again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Post {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let posting = async move {
            let (head, body) = client.request(request.map(Full::new)).await?.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(head, body))
        };
        // The thread that waits here has no timers or sockets of its own.
        let posted = self.runtime.spawn(async { tokio::time::timeout(ANSWER, posting).await }).await;
        let outcome = match posted {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(late)) => Err(late.into()),
            Err(ended) => Err(ended.into()),
        };
        self.tell(&outcome);
        outcome
    }
}
