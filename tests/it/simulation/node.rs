//! One life of the node: the real server on the real store, without a socket and without threads.

use std::sync::Arc;
use std::time::Duration;

use app::Limits;
use axum::Router;
use axum::body::Body;
use domain::clock::Clock as _;
use domain::id::Ids;
use http_body_util::BodyExt;
use hyper::Request;
use observe::spans::Spans;
use rollbook::runtime::router;
use rollbook::runtime::{self, Environment, Loops};
use serde_json::{Value, json};
use sqlite::{Hands, Settings, SqliteStore};
use storage::{Backlog, Role};
use tower::ServiceExt;
use web::login::{Console, PublicUrl};

use super::ground;
use super::network::Network;
use super::weather::Weather;
use super::world::{Life, World};

/// How long histories are kept.
pub const HISTORY: Duration = Duration::from_secs(90 * 24 * 3_600);

pub struct Node {
    pub world: Arc<World>,
    pub life: Arc<Life>,
    router: Router,
    /// Gives out the ids that the node gives out: each call takes one, and takes it first.
    twin: Ids,
    /// The loops end when nobody can tell them to any more.
    _loops: Loops,
}

impl Node {
    pub fn start(world: &Arc<World>, life: &Arc<Life>) -> Self {
        let (path, random) = {
            let mut state = world.state();
            state.life += 1;
            (state.path.clone(), state.dice.roll().to_be_bytes())
        };
        let weather = Hands::Turns(Arc::new(Weather::new(world, life, &path)));
        let settings = Settings { cache_kib: 2_048, ..Settings::default() };
        let storage = SqliteStore::open_with(&path, Role::Server, &settings, &weather).unwrap();
        let limits = Limits {
            body: 1 << 20,
            body_timeout: Duration::from_secs(30),
            in_flight: 10,
            backlog: Backlog { batches: 20_000, bytes: 1 << 32 },
            history: HISTORY,
            proxies: Vec::new(),
            suppression_expiry: app::suppressions::SuppressionExpiry::default(),
            unsubscribe_url: None,
        };
        let network = Network { world: Arc::clone(world), life: Arc::clone(life) };
        let environment = Environment {
            clock: Arc::new(world.clock.clone()),
            ids: Ids::new(random),
            attempt_ids: Ids::new(random.map(|byte| !byte)),
            webhooks: Arc::new(network),
        };
        let jobs = jobs::Settings { directory: path.with_file_name("files"), max_upload: 1 << 20 };
        let console = Console::new(PublicUrl::of(([127, 0, 0, 1], 80).into()));
        let (app, loops) =
            runtime::start(Arc::new(storage), environment, limits, jobs, console, Spans::default());
        let router = router(app);
        let (world, life) = (Arc::clone(world), Arc::clone(life));
        Self { world, life, router, twin: Ids::new(random), _loops: loops }
    }

    /// Calls a method. `sent` is told the id that the request gets, before anything else happens.
    pub async fn call(
        &self,
        client: usize,
        (path, body): (&str, &str),
        key: Option<&str>,
        sent: impl FnOnce(&str),
    ) -> (u16, Value) {
        let mut request = Request::post(path).header("access-token", ground::token(client));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let id = self.twin.next(self.world.clock.now()).to_string();
        sent(&id);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        self.life.go_on().await;
        let answer = serde_json::from_slice(&bytes).unwrap();
        self.world.note(format!("answer {} of {path} {id}: {answer}", head.status.as_u16()));
        (head.status.as_u16(), answer)
    }

    /// Asks for something that is only read.
    pub async fn ask(&self, client: usize, path: &str, body: &Value) -> (u16, Value) {
        self.call(client, (path, &body.to_string()), None, |_| {}).await
    }

    /// The objects of requests; nothing where the store could not be read.
    pub async fn find(&self, client: usize, ids: &[String]) -> Option<Value> {
        let (status, answer) = self.ask(client, "/v3/request/find", &json!({ "ids": ids })).await;
        (status == 200).then(|| answer["requests"].clone())
    }
}
