//! A receiver of status webhooks that writes down what comes, and answers as it is told.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use app::webhook::sign::{self, Secret};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use domain::clock::{Clock, Timestamp};
use serde_json::Value;

/// A webhook that came.
#[derive(Clone, Debug)]
pub struct Hook {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// When it came, by the test's clock.
    pub at: Timestamp,
}

/// What it answers next; what it answers after that.
struct Plan {
    next: VecDeque<StatusCode>,
    then: StatusCode,
    body: String,
}

#[derive(Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    clock: Arc<dyn Clock>,
    plan: Arc<Mutex<Plan>>,
    hooks: Arc<Mutex<Vec<Hook>>>,
}

impl Receiver {
    /// Answers with each status once, and then with `then` for ever.
    pub fn start(clock: Arc<dyn Clock>, next: &[u16], then: u16) -> Self {
        let status = |code: &u16| StatusCode::from_u16(*code).expect("a status");
        let plan = Plan { next: next.iter().map(status).collect(), then: status(&then), body: String::new() };
        Self::of(clock, plan)
    }

    /// Answers always with this status and this body.
    pub fn with_body(clock: Arc<dyn Clock>, status: u16, body: &str) -> Self {
        let then = StatusCode::from_u16(status).expect("a status");
        Self::of(clock, Plan { next: VecDeque::new(), then, body: body.to_owned() })
    }

    fn of(clock: Arc<dyn Clock>, plan: Plan) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket for tokio");

        let receiver = Self {
            address: listener.local_addr().expect("its address"),
            clock,
            plan: Arc::new(Mutex::new(plan)),
            hooks: Arc::default(),
        };
        let router = Router::new().fallback(receive).with_state(receiver.clone());
        let server = axum_server::from_tcp(listener).expect("a server");
        tokio::spawn(server.serve(router.into_make_service()));
        receiver
    }

    pub fn uri(&self) -> String {
        format!("http://{}/status", self.address)
    }

    /// All that came.
    pub fn hooks(&self) -> Vec<Hook> {
        self.hooks.lock().expect("a list").clone()
    }
}

async fn receive(
    State(receiver): State<Receiver>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let hook = Hook { path: format!("{method} {}", uri.path()), headers, body, at: receiver.clock.now() };
    receiver.hooks.lock().expect("a list").push(hook);
    let mut plan = receiver.plan.lock().expect("a plan");
    let status = plan.next.pop_front().unwrap_or(plan.then);
    // Followed, it would come back to this receiver at another path.
    (status, [(LOCATION, "/elsewhere")], plan.body.clone()).into_response()
}

impl Hook {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// Whether one of its signatures is that secret's, over the id, the time and the body that came.
    pub fn is_signed_by(&self, secret: &Secret) -> bool {
        let time = self.header("webhook-timestamp").parse().expect("seconds");
        let signature = self.header("webhook-signature");
        sign::verifies(secret, self.header("webhook-id"), time, &self.body, signature)
    }
}

/// Answers every request with 204, and counts; it needs no runtime.
pub fn counting() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (address, count) = (listener.local_addr().expect("its address"), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let counter = Arc::clone(&counter);
            std::thread::spawn(move || answer_all(&mut stream, &counter));
        }
    });
    (address, count)
}

fn answer_all(stream: &mut TcpStream, counter: &AtomicUsize) {
    let (mut read, mut bytes) = (Vec::new(), [0; 4_096]);
    while let Ok(count @ 1..) = stream.read(&mut bytes) {
        read.extend_from_slice(&bytes[..count]);
        // A request ends with its body, which is one JSON object.
        if read.ends_with(b"}") {
            read.clear();
            counter.fetch_add(1, SeqCst);
            if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").is_err() {
                return;
            }
        }
    }
}
