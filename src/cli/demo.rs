//! `rollbook demo`: the whole path of a batch, shown on a store of its own.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::serve::{listen, open, run_server, stop_signal};
use super::{Result, account, now, print, start_log};
use crate::config::{Flags, Settings};
use crate::console::{PublicUrl, first_link};
use crate::http::serve;
use crate::notify::sign::{self, Secret};
use crate::storage::Storage;

/// How long the demo waits for its own webhook: far more than a working server takes.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Directory of the demo's store, created if it does not exist
    #[arg(default_value = "rollbook-demo")]
    directory: PathBuf,
    /// Address to listen at [default: 127.0.0.1:8080, else a free port]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
}

/// The state that a second run needs: a file in the demo's directory, readable by its owner only.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    access_token: String,
    webhook_secret: String,
    list_id: Option<String>,
    source_id: Option<String>,
}

pub async fn run(arguments: Arguments) -> Result {
    std::fs::create_dir_all(&arguments.directory)
        .map_err(|error| format!("{}: {error}", arguments.directory.display()))?;
    let database = arguments.directory.join("rollbook.db");
    let flags = Flags {
        listen: arguments.listen.clone(),
        metrics_listen: None,
        database: Some(database.display().to_string()),
        // The demo's own receiver is on this machine.
        webhook_allow: vec!["127.0.0.0/8".to_owned()],
    };
    let mut settings = Settings::load(None, flags)?;
    // The demo tells its story itself.
    settings.log = "warn".to_owned();
    start_log(&settings)?;
    let storage = open(&settings).await?;
    let kept = load_or_create(storage.as_ref(), &arguments.directory).await?;
    let listener = match listen(&settings) {
        Err(_) if arguments.listen.is_none() => {
            TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?
        }
        listener => listener?,
    };
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let handle = serve::Handle::new();
    let console = Console { storage: Arc::clone(&storage), url: settings.public_url(address) };
    let server = tokio::spawn({
        let handle = handle.clone();
        async move { run_server(storage, &settings, listener, None, handle).await }
    });
    let story = Story {
        directory: arguments.directory,
        address,
        console,
        client: Client::builder(TokioExecutor::new()).build_http(),
    };
    let told = tokio::select! {
        told = story.tell(kept) => told,
        () = stop_signal() => Ok(()),
    };
    if told.is_ok() {
        stop_signal().await;
    }
    serve::stop(&handle);
    server.await.map_err(|error| error.to_string())??;
    told
}

async fn load_or_create(storage: &dyn Storage, directory: &Path) -> Result<Kept> {
    let path = directory.join("demo.json");
    match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let created = account::create(storage, "Demo").await?;
            let kept = Kept {
                access_token: created.access_token,
                webhook_secret: created.webhook_secret,
                list_id: None,
                source_id: None,
            };
            keep(&kept, directory)?;
            Ok(kept)
        }
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn keep(kept: &Kept, directory: &Path) -> Result {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let path = directory.join("demo.json");
    let text = serde_json::to_string_pretty(kept).map_err(|error| error.to_string())?;
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// The demo as a client of its own server.
struct Story {
    directory: PathBuf,
    address: SocketAddr,
    console: Console,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// The way into the console.
struct Console {
    storage: Arc<dyn Storage>,
    url: PublicUrl,
}

impl Console {
    async fn line(&self) -> Result<String> {
        let link = first_link(self.storage.as_ref(), &self.url, now()).await;
        Ok(match link.map_err(|error| error.to_string())? {
            Some(link) => {
                format!("Or in a browser; this link lets you in, once, within 24 hours:\n\n  {link}")
            }
            None => format!("Or in a browser: {}", self.url),
        })
    }
}

impl Story {
    async fn tell(&self, mut kept: Kept) -> Result {
        print(&format!(
            "Rollbook is serving at http://{}, its store is in {}.\n",
            self.address,
            self.directory.display()
        ));
        self.make_list(&mut kept).await?;
        let mut hooks = receive_webhooks().await?;
        let list = kept.list_id.clone().unwrap_or_default();
        let request = example(&list, &kept.source_id.clone().unwrap_or_default(), &hooks.uri);
        print(
            "1. The request, the example of the vendor's page (with upsert, so that it can make the contact):\n",
        );
        print(&format!("POST /v3/contacts/update\n{request:#}\n"));
        let answer = self.post("/v3/contacts/update", &request, &kept.access_token).await?;
        print("2. The answer. The batch is on disk by now:\n");
        print(&format!("{answer:#}\n"));
        let (headers, body) = hooks.wait(&answer["requestId"]).await?;
        print("3. What became of it, as the status webhook reported it:\n");
        print(&show_webhook(&headers, &body, &kept.webhook_secret)?);
        let question = json!({ "contactListId": list, "userId": "myUserId" });
        let contact = self.post("/v3/contact/get", &question, &kept.access_token).await?;
        print("4. The contact, read back by /v3/contact/get:\n");
        print(&format!("{:#}\n", contact["contact"]));
        print("Now you:\n");
        print(&self.curl_line(&list, &kept.access_token));
        print(&format!("\n{}", self.console.line().await?));
        print("\nIt stays up until you press Ctrl-C. The next run finds everything as you left it.");
        Ok(())
    }

    async fn make_list(&self, kept: &mut Kept) -> Result {
        if kept.list_id.is_none() {
            let list = json!({ "contactListName": "Demo" });
            let list = self.post("/v3/contact-list/create", &list, &kept.access_token).await?;
            let list = list["contactListId"].clone();
            let variables = json!({
                "contactListId": list,
                "variables": [{ "name": "newVariableName", "type": "ENUM_STRING" }],
            });
            self.post("/v3/contact-list/variables/add", &variables, &kept.access_token).await?;
            kept.list_id = list.as_str().map(str::to_owned);
            keep(kept, &self.directory)?;
        }
        if kept.source_id.is_none() {
            let source = json!({ "name": "Demo source", "customerSourceId": "mySourceID" });
            let source = self.post("/v3/contact-source/add", &source, &kept.access_token).await?;
            kept.source_id = source["sourceId"].as_str().map(str::to_owned);
            keep(kept, &self.directory)?;
        }
        Ok(())
    }

    async fn post(&self, path: &str, body: &Value, token: &str) -> Result<Value> {
        let request = Request::post(format!("http://{}{path}", self.address))
            .header("access-token", token)
            .header("content-type", "application/json")
            .body(Full::from(body.to_string()))
            .map_err(|error| error.to_string())?;
        let response = self.client.request(request).await.map_err(|error| format!("{path}: {error}"))?;
        let body = response.into_body().collect().await.map_err(|error| format!("{path}: {error}"))?;
        let answer: Value =
            serde_json::from_slice(&body.to_bytes()).map_err(|error| format!("{path}: {error}"))?;
        if answer["result"] == json!(true) { Ok(answer) } else { Err(format!("{path} answered {answer}")) }
    }

    fn curl_line(&self, list: &str, token: &str) -> String {
        let body = json!({
            "contactListId": list, "upsert": true,
            "contacts": [{ "contact": "someone@example.com", "firstName": "Some", "lastName": "One", "active": true }],
        });
        format!(
            "curl http://{}/v3/contacts/update \\\n  -H 'Access-Token: {token}' \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'",
            self.address
        )
    }
}

/// The example of the vendor's page, the ids filled in; its `"contactGender "` has the blank that the page has.
fn example(list: &str, source: &str, webhook: &str) -> Value {
    json!({
        "contactListId": list,
        "webHookUri": webhook,
        "upsert": true,
        "contacts": [{
            "contact": "+15555555",
            "name": "John Doe",
            "email": "user@example.com",
            "phoneNumber": "+15555555",
            "userId": "myUserId",
            "active": true,
            "emailSubscribe": true,
            "smsSubscribe": true,
            "desktopWebPushSubscribe": true,
            "mobileWebPushSubscribe": true,
            "telegramSubscribe": true,
            "viberSubscribe": true,
            "firstName": "John",
            "lastName": "Doe",
            "contactBirthday": "1990-01-01",
            "contactLanguage": "en",
            "contactGender ": 2,
            "contactTimezone": "Europe/Tallinn",
            "contactScore": 100,
            "avatarLink": "img.wooxy.com/g/06c38b4568.jpg",
            "facebookLink": "facebook.com/wooxy.com",
            "instagramLink": "instagram.com/wooxy",
            "linkedInLink": "linkedin.com/company/wooxy",
            "twitterLink": "twitter.com/wooxy",
            "tiktokLink": "tiktok.com/wooxy",
            "sourceId": source,
            "customerSourceId": "mySourceID",
            "cac": { "value": "2.05", "currency": "USD" },
            "variables": [{ "name": "newVariableName", "value": "newVariableValue" }],
        }],
    })
}

type Hook = (HeaderMap, Bytes);

/// A receiver of webhooks on this machine.
struct Hooks {
    uri: String,
    received: mpsc::Receiver<Hook>,
}

async fn receive_webhooks() -> Result<Hooks> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let (sender, received) = mpsc::channel(16);
    let router = axum::Router::new().route("/status", axum::routing::post(receive)).with_state(sender);
    tokio::spawn(async move {
        axum_server::from_tcp(listener.into_std()?)?.serve(router.into_make_service()).await
    });
    Ok(Hooks { uri: format!("http://{address}/status"), received })
}

async fn receive(State(sender): State<mpsc::Sender<Hook>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    // Once its own webhook has come, the demo listens no more; others are taken all the same.
    let _ = sender.try_send((headers, body));
    StatusCode::NO_CONTENT
}

impl Hooks {
    async fn wait(&mut self, request: &Value) -> Result<Hook> {
        let wanted = async {
            while let Some((headers, body)) = self.received.recv().await {
                let object: Value = serde_json::from_slice(&body).unwrap_or_default();
                if object["id"] == *request {
                    return Some((headers, body));
                }
            }
            None
        };
        let hook = tokio::time::timeout(PATIENCE, wanted).await;
        hook.ok().flatten().ok_or_else(|| "the webhook did not come".to_owned())
    }
}

fn show_webhook(headers: &HeaderMap, body: &[u8], secret: &str) -> Result<String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let signature = header("webhook-signature");
    let secret = Secret::parse(secret).ok_or("the webhook secret does not read")?;
    let seconds = timestamp.parse().map_err(|_| "the webhook has no time")?;
    if !sign::verifies(&secret, id, seconds, body, signature) {
        return Err("the webhook's signature is wrong".to_owned());
    }
    let object: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    Ok(format!(
        "webhook-id: {id}\nwebhook-timestamp: {timestamp}\nwebhook-signature: {signature}  (verified)\n{object:#}\n"
    ))
}
