//! A server inside the test's own process, on a store of its own, and a client that talks HTTP to it.

mod answer;
mod directory;
mod keys;
pub mod own_postgres;
pub mod postgres;
mod watchdog;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::Caller;
use app::Limits;
use app::webhook::address::AddressPolicy;
use app::webhook::send::{Sender, Transport};
use app::webhook::sign::Secret;
use bytes::Bytes;
use domain::clock::{Clock, SystemClock};
use domain::id::{Ids, ObjectId};
use domain::token::{FreshToken, PresentedToken};
use http_body_util::{BodyExt, Full};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jobs::local::Local;
use observe::spans::Spans;
use rollbook::runtime::{self, Loops, router};
use serde_json::{Value, json};
use storage::Role;
use storage::{Backlog, NewAccount, NewToken, Scope, Storage, UserRole};
use web::App;
use web::connection_limit::ConnectionLimit;
use web::login::{Console, PublicUrl};
use web::serve;

pub use self::answer::{Answer, is_id};
pub use self::directory::{Directory, LEASE, StoreKind, in_memory};
pub use self::keys::{FLAGS, KEYS};

/// How long a test waits for something that must happen before it calls it a failure.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Puts something around the store.
pub type Wrap = Box<dyn FnOnce(Arc<dyn Storage>) -> Arc<dyn Storage>>;

/// What a test sets before its server starts.
pub struct Setup {
    pub limits: Limits,
    /// Connections at a time.
    pub max_connections: usize,
    /// Bytes of the largest file that is taken in.
    pub max_upload: u64,
    pub clock: Arc<dyn Clock>,
    /// Ranges to which webhooks may go.
    pub allow: Vec<&'static str>,
    /// How webhooks are sent, where it is not over the network.
    pub webhooks: Option<Arc<dyn Transport>>,
    /// Wraps the store, to make it fail.
    pub wrap: Wrap,
    /// On which store it runs.
    pub store: StoreKind,
    /// Where browsers find it, if not where it listens.
    pub public_url: Option<PublicUrl>,
    /// Where files of jobs are, if not in its own directory.
    pub files: Option<PathBuf>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: Limits {
                body: 1 << 20,
                body_timeout: Duration::from_secs(30),
                in_flight: 10,
                backlog: Backlog { batches: 20_000, bytes: 1 << 32 },
                history: Duration::from_secs(90 * 24 * 3_600),
                proxies: Vec::new(),
                suppression_expiry: app::suppressions::SuppressionExpiry::default(),
                unsubscribe_url: Some("https://contacts.example.com".to_owned()),
            },
            max_connections: 512,
            max_upload: 64 << 20,
            clock: Arc::new(SystemClock),
            allow: vec!["127.0.0.0/8"],
            webhooks: None,
            wrap: Box::new(|storage| storage),
            store: StoreKind::under_test(),
            public_url: None,
            files: None,
        }
    }
}

/// An account, its user, a token of that user, and the account's webhook secret.
pub type Owner = (ObjectId, ObjectId, String, Secret);

/// The server without its socket, and a user in it.
#[derive(Clone)]
pub struct Inside {
    pub app: Arc<App>,
    pub caller: Caller,
}

impl Inside {
    /// The use cases, as jobs ask for them.
    pub fn local(&self) -> Local {
        let (commands, queries) = (self.app.commands.clone(), self.app.queries.clone());
        Local { commands, queries, caller: self.caller.clone(), max_body: self.app.limits.body }
    }
}

/// A running server, with an account and a list in it.
pub struct Server {
    pub address: SocketAddr,
    pub storage: Arc<dyn Storage>,
    pub clock: Arc<dyn Clock>,
    pub token: String,
    pub account: ObjectId,
    pub user: ObjectId,
    pub webhook_secret: Secret,
    client: Client<HttpConnector, Full<Bytes>>,
    handle: serve::Handle,
    served: tokio::task::JoinHandle<std::io::Result<()>>,
    running: Option<(Arc<App>, Loops)>,
    pub directory: Directory,
    pub kind: StoreKind,
}

impl Server {
    pub async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub async fn with(setup: Setup) -> Self {
        Self::on(Directory::new(), setup, None).await
    }

    /// Stops, and starts another server on the same store: the callers are the same, what was in memory is gone.
    pub async fn restart(self, setup: Setup) -> Self {
        let owner = (self.account, self.user, self.token.clone(), self.webhook_secret.clone());
        let store = self.kind;
        Self::on(self.stop().await, Setup { store, ..setup }, Some(owner)).await
    }

    /// Has the server notice what time it is, as it does each minute. A server that has not yet noticed a jump of the
    /// clock holds it after a restart.
    pub async fn notice_time(&self) {
        let (app, _) = self.running.as_ref().expect("it runs");
        let looked = app.retention.look(&*app.storage, app.clock.as_ref()).await;
        looked.expect("the time that has passed is known");
    }

    /// On a store that is there, or not yet; an owner of it, where there is one.
    pub async fn on(directory: Directory, setup: Setup, owner: Option<Owner>) -> Self {
        let kind = setup.store;
        let storage = (setup.wrap)(directory.open(kind, Role::Server).await);
        let (account, user, token, webhook_secret) = match owner {
            Some(owner) => owner,
            None => new_account(storage.as_ref(), "Test").await,
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let allow = setup.allow.iter().map(|range| range.parse().expect("a range")).collect();
        let console = Console::new(setup.public_url.unwrap_or_else(|| PublicUrl::of(address)));
        let clock = Arc::clone(&setup.clock);
        let jobs = jobs::Settings {
            directory: setup.files.unwrap_or_else(|| directory.path("files")),
            max_upload: setup.max_upload,
        };
        let sender = || Arc::new(Sender::new(AddressPolicy::new(allow), &[])) as Arc<dyn Transport>;
        let webhooks = setup.webhooks.unwrap_or_else(sender);
        let environment = runtime::Environment {
            clock: setup.clock,
            ids: Ids::from_system(),
            attempt_ids: Ids::from_system(),
            webhooks,
        };
        let spans = Spans::default();
        let (app, loops) =
            runtime::start(Arc::clone(&storage), environment, setup.limits, jobs, console, spans);
        let handle = serve::Handle::new();
        let limit = ConnectionLimit::new(setup.max_connections, app.metrics.connections.clone());
        let served = tokio::spawn(serve::serve(listener, router(Arc::clone(&app)), limit, handle.clone()));
        let client = Client::builder(TokioExecutor::new()).build_http();
        let running = Some((app, loops));
        Self {
            address,
            storage,
            clock,
            token,
            account,
            user,
            webhook_secret,
            client,
            handle,
            served,
            running,
            directory,
            kind,
        }
    }

    /// The server without its socket, and the test's user in it. They must be gone before the server is stopped.
    pub async fn inside(&self) -> Inside {
        self.inside_as(&Bearer { account: self.account, user: self.user, token: self.token.clone() }).await
    }

    /// The same as a user of another account.
    pub async fn inside_as(&self, bearer: &Bearer) -> Inside {
        let key = PresentedToken::parse(&bearer.token).expect("a token").key.to_owned();
        let access = self.storage.find_access(key).await.expect("the store answers");
        let account = access.and_then(|access| access.account.clone()).expect("its account");
        let (app, _) = self.running.as_ref().expect("it runs");
        Inside {
            app: Arc::clone(app),
            caller: Caller::user(account.no, account.name, bearer.user, UserRole::Owner),
        }
    }

    /// Begins to stop: those who wait are answered.
    pub fn begin_stop(&self) {
        serve::stop(&self.handle);
    }

    /// Stops as the program does at SIGTERM, and returns when all is written.
    pub async fn stop(mut self) -> Directory {
        serve::stop(&self.handle);
        self.served.await.expect("the server ends").expect("well");
        let (app, loops) = self.running.take().expect("it runs");
        loops.stop(app).await;
        self.directory
    }

    /// Sends anything at all.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
            request = request.header(name, HeaderValue::from_str(value).expect("a header's value"));
        }
        let request = request.body(Full::new(body.into())).expect("a request");
        let response = self.client.request(request).await.expect("an answer");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("the whole answer").to_bytes();
        Answer { status: head.status, headers: head.headers, body }
    }

    /// Posts bytes with the account's token.
    pub async fn post_bytes(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.send(Method::POST, path, &[("access-token", &self.token)], body).await
    }

    /// Posts JSON with the account's token.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_bytes(path, body.to_string()).await
    }

    /// Makes another account.
    pub async fn bearer(&self, name: &str) -> Bearer {
        let (account, user, token, _) = new_account(self.storage.as_ref(), name).await;
        Bearer { account, user, token }
    }

    /// Posts JSON with another token.
    pub async fn post_as(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[("access-token", token)], body.to_string()).await
    }

    /// Posts a body with a `Content-Encoding`.
    pub async fn post_coded(&self, path: &str, coding: &str, body: impl Into<Bytes>) -> Answer {
        let headers = [("access-token", self.token.as_str()), ("content-encoding", coding)];
        self.send(Method::POST, path, &headers, body).await
    }

    /// Posts JSON that must be answered with 400, and returns the texts.
    pub async fn refused(&self, path: &str, body: &Value) -> Vec<String> {
        let answer = self.post(path, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {body}: {}", answer.text());
        answer.errors()
    }

    /// Posts JSON that must be answered with 200, and returns the answer.
    pub async fn ok(&self, path: &str, body: &Value) -> Value {
        let answer = self.post(path, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{path} {body}: {}", answer.text());
        answer.json()
    }

    /// Makes a list with the string variables `plan` and `newVariableName` and the date variable `since`.
    pub async fn list(&self) -> String {
        let list = self.ok("/v3/contact-list/create", &json!({ "contactListName": "Customers" })).await;
        let variables = json!({ "contactListId": list["contactListId"], "variables": [
            { "name": "newVariableName", "type": "ENUM_STRING" },
            { "name": "plan", "type": "ENUM_STRING" },
            { "name": "since", "type": "ENUM_DATE" },
        ] });
        self.ok("/v3/contact-list/variables/add", &variables).await;
        list["contactListId"].as_str().expect("an id").to_owned()
    }

    /// Sends contacts/update for these contacts and returns the processed request object.
    pub async fn update(&self, list: &str, upsert: bool, contacts: Value) -> Value {
        let body = json!({ "contactListId": list, "upsert": upsert, "contacts": contacts });
        let answer = self.ok("/v3/contacts/update", &body).await;
        self.processed(answer["requestId"].as_str().expect("an id")).await
    }

    /// Sends contacts/update for one contact, which must be refused, and returns the texts.
    pub async fn refused_contact(&self, list: &str, contact: Value) -> Vec<String> {
        let body = json!({ "contactListId": list, "upsert": true, "contacts": [contact] });
        self.refused("/v3/contacts/update", &body).await
    }

    /// Sends contacts/update with `upsert` for one contact, and returns what became of it: the object in
    /// `results`, without its position.
    pub async fn upsert(&self, list: &str, contact: Value) -> Value {
        let request = self.update(list, true, json!([contact])).await;
        let results = &request["results"];
        let mut result = results["success"].get(0).or(results["errors"].get(0)).expect("a result").clone();
        result.as_object_mut().expect("an object").remove("position");
        result
    }

    /// Makes a source, and returns its id.
    pub async fn source(&self, body: &Value) -> String {
        let source = self.ok("/v3/contact-source/add", body).await;
        source["sourceId"].as_str().expect("an id").to_owned()
    }

    /// Waits until a request is processed, and returns its object.
    pub async fn processed(&self, id: &str) -> Value {
        self.wait_for("the request to be processed", async || {
            let found = self.ok("/v3/request/find", &json!({ "ids": [id] })).await;
            let request = found["requests"][id].clone();
            assert!(request.is_object(), "request/find knows every accepted request: {found}");
            (request["status"] == "processed").then_some(request)
        })
        .await
    }

    /// The contact that contact/get answers, by userId, email or phoneNumber.
    pub async fn contact(&self, list: &str, key: &str, identifier: &str) -> Value {
        let answer = self.ok("/v3/contact/get", &json!({ "contactListId": list, key: identifier })).await;
        answer["contact"].clone()
    }

    /// Asks again and again, until there is something or patience ends.
    pub async fn wait_for<T>(&self, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Somebody of another account on the same server.
pub struct Bearer {
    pub account: ObjectId,
    pub user: ObjectId,
    pub token: String,
}

/// Makes an account.
pub async fn new_account(storage: &dyn Storage, name: &str) -> Owner {
    let (ids, now) = (Ids::from_system(), SystemClock.now());
    let (account, user, token) = (ids.next(now), ids.next(now), FreshToken::generate());
    let secret = Secret::generate(domain::secret::random());
    let new = NewAccount {
        id: account,
        name: name.to_owned(),
        user,
        webhook_secret: secret.to_text(),
        token: NewToken {
            key: token.key,
            secret_hash: token.secret_hash,
            name: "test".to_owned(),
            expires_at: None,
            scope: Scope::default(),
        },
    };
    storage.add_account(new, now).await.expect("an account");
    (account, user, token.text, secret)
}
