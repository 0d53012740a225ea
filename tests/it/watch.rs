//! What those who watch the server see: `/healthz`, `/readyz` and `/metrics`, and that the dashboard and the alert
//! rules name what is there.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;

use domain::clock::SystemClock;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use storage::Backlog;

use crate::faults::{Fault, Switch};
use crate::files::Office;
use crate::harness::{Server, Setup, StoreKind};
use crate::process::{Process, Store, run, wait_for};
use crate::receiver::Receiver;
use crate::wire::Wire;

async fn ask(server: &Server, path: &str) -> (StatusCode, Value) {
    let answer = server.send(Method::GET, path, &[], "").await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn a_server_is_alive_and_ready() {
    let server = Server::start().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(
            ask(&server, path).await,
            (StatusCode::OK, json!({ "result": true, "errors": [] })),
            "{path}"
        );
    }
    // It tells how much business there is, so it has an address of its own.
    assert_eq!(ask(&server, "/metrics").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn one_whose_store_cannot_be_read_is_alive_and_not_ready() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    switch.set(Fault::Read);
    let unready = json!({ "result": false, "errors": ["the store could not be read"] });
    assert_eq!(ask(&server, "/readyz").await, (StatusCode::SERVICE_UNAVAILABLE, unready));
    assert_eq!(ask(&server, "/healthz").await.0, StatusCode::OK);
    switch.set(Fault::None);
    assert_eq!(ask(&server, "/readyz").await.0, StatusCode::OK);
}

#[tokio::test]
async fn one_with_too_much_waiting_is_not_ready_until_it_is_applied() {
    let switch = Switch::new();
    let mut setup = Setup { wrap: switch.wrap(), ..Setup::default() };
    setup.limits.backlog = Backlog { batches: 1, bytes: 1 << 20 };
    let server = Server::with(setup).await;
    let list = server.list().await;
    switch.set(Fault::ApplyWaits);
    let body = json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "jo" }] });
    server.ok("/v3/contacts/update", &body).await;
    let unready = json!({ "result": false, "errors": ["too many batches wait to be applied"] });
    assert_eq!(ask(&server, "/readyz").await, (StatusCode::SERVICE_UNAVAILABLE, unready));
    switch.set(Fault::None);
    let ready = async || (ask(&server, "/readyz").await.0 == StatusCode::OK).then_some(());
    server.wait_for("what waits to be applied", ready).await;
}

/// The schema of a store, as an older version would have left it.
async fn forget_the_schema(server: &Server) {
    let database = server.directory.store(server.kind);
    match server.kind {
        StoreKind::Sqlite => {
            let store = rusqlite::Connection::open(database).expect("the store");
            store.execute("DELETE FROM refinery_schema_history", []).expect("older");
        }
        StoreKind::Postgres => {
            let address = database.to_str().expect("an address");
            let (client, connection) =
                tokio_postgres::connect(address, tokio_postgres::NoTls).await.expect("the database");
            tokio::spawn(connection);
            client.execute("DELETE FROM schema_version", &[]).await.expect("older");
        }
    }
}

#[tokio::test]
async fn one_whose_schema_is_older_than_it_is_not_ready() {
    for store in [StoreKind::Sqlite, StoreKind::Postgres] {
        let server = Server::with(Setup { store, ..Setup::default() }).await;
        assert_eq!(ask(&server, "/readyz").await.0, StatusCode::OK);
        forget_the_schema(&server).await;
        let unready =
            json!({ "result": false, "errors": ["the schema of the store is older than this version"] });
        assert_eq!(ask(&server, "/readyz").await, (StatusCode::SERVICE_UNAVAILABLE, unready));
        assert_eq!(ask(&server, "/healthz").await.0, StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn account_webhooks_are_counted_by_what_became_of_them() {
    let store = Store::new();
    let account = store.account("Shop");
    let (server, address) = watched_with(&store, |command| {
        command.args(["--webhook-allow", "127.0.0.0/8"]);
    });
    let attempts = |outcome: &str| {
        value(&metrics(address), &format!("rollbook_account_webhook_attempts_total{{outcome={outcome:?}}}"))
    };
    let states =
        |state: &str| value(&metrics(address), &format!("rollbook_account_webhooks{{state={state:?}}}"));
    assert_eq!((attempts("delivered"), attempts("failed"), states("paused")), (0.0, 0.0, 0.0));
    let list = server.list(&account.token);
    let receivers = [204, 500, 410].map(|status| Receiver::start(Arc::new(SystemClock), &[], status));
    for receiver in &receivers {
        let webhook = json!({ "title": "CRM", "url": receiver.uri(), "events": ["contact.created"] });
        server.ok("/v3/webhook/create", &account.token, &webhook);
    }
    assert_eq!(states("active"), 3.0);
    server.upsert(&account.token, &list, json!([{ "contact": "a" }, { "contact": "b" }]));
    wait_for("all three", || {
        let seen = ["delivered", "failed", "paused"].map(|outcome| attempts(outcome) >= 1.0);
        (seen == [true; 3] && attempts("delivered") >= 2.0).then_some(())
    });
    wait_for("their states", || (["active", "failing", "paused"].map(states) == [1.0; 3]).then_some(()));
    let text = metrics(address);
    assert_eq!(value(&text, "rollbook_account_webhook_events_total"), 2.0);
    // One webhook has not sent what was applied.
    assert!(value(&text, "rollbook_account_webhook_lag_seconds") < 60.0);
    assert_eq!(value(&text, r#"rollbook_webhooks_total{outcome="failed"}"#), 0.0, "of status webhooks");
}

/// A server in a process of its own that serves metrics, and where.
fn watched(store: &Store) -> (Process, SocketAddr) {
    watched_with(store, |_| {})
}

/// The same with settings of its own.
pub fn watched_with(store: &Store, set: impl FnOnce(&mut Command)) -> (Process, SocketAddr) {
    let server = store.serve_with(|command| {
        command.env("ROLLBOOK_METRICS_LISTEN", "127.0.0.1:0").env("ROLLBOOK_LOG_FORMAT", "json");
        set(command);
    });
    let address = wait_for("the address of the metrics", || {
        let log = server.log();
        let line = log.lines().find(|line| line.contains("metrics: serving"))?;
        let line: Value = serde_json::from_str(line).expect("a line of the log");
        line["fields"]["metrics"].as_str().map(|address| address.parse().expect("an address"))
    });
    (server, address)
}

pub fn metrics(address: SocketAddr) -> String {
    let mut wire = Wire::open(address).expect("a connection");
    wire.write(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").expect("a request");
    let reply = wire.read().expect("an answer");
    assert_eq!(reply.status, 200);
    let form = reply.header("content-type").expect("a form");
    assert!(form.starts_with("application/openmetrics-text; version=1.0.0"), "{form}");
    String::from_utf8(reply.body).expect("text")
}

/// The number that stands behind a series.
pub fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} in {text}")).parse().expect("a number")
}

#[test]
fn what_happens_is_counted_and_names_nobody() {
    let store = Store::new();
    let account = store.account("Shop");
    let (server, address) = watched(&store);
    let before = metrics(address);
    assert_eq!(value(&before, r#"rollbook_contacts_total{outcome="created"}"#), 0.0);
    assert_eq!(value(&before, "rollbook_waiting_batches"), 0.0);
    assert_eq!(
        value(&before, &format!("rollbook_build_info{{version={:?}}}", env!("CARGO_PKG_VERSION"))),
        1.0
    );
    let list =
        server.ok("/v3/contact-list/create", &account.token, &json!({ "contactListName": "Secret list" }));
    let list = list["contactListId"].clone();
    let contacts = json!([
        { "contact": "jo@example.com", "name": "Jo Nobody" },
        { "contact": "jo@example.com", "name": "Jo" },
        { "contact": "+15555555", "email": "jo@example.com" },
    ]);
    let body = json!({ "contactListId": list, "upsert": true, "contacts": contacts });
    server.ok("/v3/contacts/update", &account.token, &body);
    let text = wait_for("the batch to be applied", || {
        let text = metrics(address);
        (value(&text, "rollbook_batches_applied_total") == 1.0).then_some(text)
    });
    for (series, count) in [
        (r#"rollbook_contacts_total{outcome="created"}"#, 1.0),
        (r#"rollbook_contacts_total{outcome="updated"}"#, 1.0),
        (r#"rollbook_contacts_total{outcome="IDENTIFIER_TAKEN"}"#, 1.0),
        (r#"rollbook_contacts_total{outcome="CONTACT_NOT_FOUND"}"#, 0.0),
        (r#"rollbook_requests_total{method="/v3/contacts/update",status="200"}"#, 1.0),
        (r#"rollbook_request_seconds_count{method="/v3/contacts/update"}"#, 1.0),
        ("rollbook_commit_seconds_count", 1.0),
        ("rollbook_apply_seconds_count", 1.0),
        ("rollbook_waited_seconds_count", 1.0),
        (r#"rollbook_store_errors_total{doing="append"}"#, 0.0),
    ] {
        assert_eq!(value(&text, series), count, "{series}");
    }
    let (key, secret) = account.token.rsplit_once('_').expect("a key and a secret");
    let guess = format!("{key}_{}", secret.chars().rev().collect::<String>());
    assert_eq!(server.post("/v3/account/info", &guess, &json!({})).status, 401);
    assert_eq!(server.post("/jo@example.com", &account.token, &json!({})).status, 404);
    let text = metrics(address);
    assert_eq!(value(&text, r#"rollbook_tokens_refused_total{code="TOKEN_CHECK_FAILED"}"#), 1.0);
    assert_eq!(value(&text, r#"rollbook_requests_total{method="other",status="404"}"#), 1.0);
    for secret in
        ["jo", "Jo", "Nobody", "example.com", "15555555", "Secret", list.as_str().unwrap(), &account.token]
    {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

/// The metrics that a file of `ops/` names.
fn named(file: &str) -> BTreeSet<&str> {
    let starts = file.match_indices("rollbook_").map(|(start, _)| &file[start..]);
    let end = |text: &str| text.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(text.len());
    starts.map(|text| &text[..end(text)]).collect()
}

#[test]
fn the_dashboard_and_the_alerts_name_what_is_served() {
    let store = Store::new();
    let account = store.account("Shop");
    let (server, address) = watched(&store);
    server.ok("/v3/account/info", &account.token, &json!({}));
    let mut wire = Wire::open(server.address).expect("a connection");
    wire.write(b"POST /v3/account/info HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").expect("a request");
    wire.read().expect("an answer");
    let text = metrics(address);
    let series = |line: &'_ str| line.split(['{', ' ']).next().unwrap_or_default().to_owned();
    let served: BTreeSet<String> = text.lines().filter(|line| !line.starts_with('#')).map(series).collect();
    let alerts = include_str!("../../ops/alerts.yml");
    let dashboard = include_str!("../../ops/grafana.json");
    serde_json::from_str::<Value>(dashboard).expect("a dashboard is JSON");
    for file in [alerts, dashboard] {
        let named = named(file);
        assert!(named.len() > 4, "{named:?}");
        for name in named {
            assert!(served.contains(name), "{name} is not served: {served:?}");
        }
    }
}

#[test]
fn an_address_for_metrics_that_is_none_is_told() {
    let store = Store::new();
    let mut command = store.command(&["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "nowhere"]);
    let printed = run(&mut command);
    assert_eq!(printed.code, Some(1));
    assert!(
        printed.err.contains("metrics_listen") || printed.err.contains("socket address"),
        "{}",
        printed.err
    );
}

/// A contact that the disk has damaged is named and never shown, and all others are served.
#[test]
fn a_damaged_contact_is_named_and_all_others_are_served_and_exported() {
    let office = Office::open();
    let token = &office.account.token;
    let made = json!([{ "contact": "a" }, { "contact": "b" }, { "contact": "c" }]);
    let request = office.server.upsert(token, &office.list, made);
    let results = office.server.processed(token, &request)["results"].clone();
    let id = results["success"][1]["id"].as_str().expect("an id").to_owned();
    if office.store.database.to_string_lossy().starts_with("postgres") {
        office.store.sql("UPDATE contact SET document = '\\xff' WHERE number = 2");
    } else {
        let file = rusqlite::Connection::open(&office.store.database).expect("the file");
        let damage = "UPDATE contact SET document = x'ff' WHERE id & 1099511627775 = 2";
        file.execute(damage, []).expect("damaged");
    }
    let found = office.server.ok("/v3/contacts/find", token, &json!({ "contactListId": office.list }));
    let users: Vec<_> = found["data"].as_array().expect("an array").iter().map(|it| &it["userId"]).collect();
    assert_eq!(users, ["a", "c"]);
    let message = format!("Contact {id} is damaged on disk and was left out");
    let warning = json!([{ "position": null, "field": null, "code": "CONTACT_DAMAGED", "message": message }]);
    assert_eq!((&found["warnings"], &found["next"]), (&warning, &Value::Null));
    let get = json!({ "contactListId": office.list, "userId": "b" });
    assert_eq!(office.server.post("/v3/contact/get", token, &get).status, 500);
    let request = office.server.upsert(token, &office.list, json!([{ "contact": "b" }, { "contact": "c" }]));
    let results = office.server.processed(token, &request)["results"].clone();
    assert_eq!(
        (&results["errors"][0]["position"], &results["errors"][0]["error"]),
        (&json!(0), &json!("STORE_DAMAGED"))
    );
    assert_eq!(results["success"][0]["action"], "unchanged");
    // Requests are served, so the server is ready, and says what a person has to look at.
    let mut wire = Wire::open(office.server.address).expect("a connection");
    wire.write(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n").expect("a request");
    let reply = wire.read().expect("an answer");
    let details = json!([{ "code": "CONTACT_DAMAGED", "message": "contact 2 of list 1 is damaged on disk" }]);
    assert_eq!(reply.json(), json!({ "result": true, "errors": [], "details": details }));
    assert_eq!(reply.status, 200);
    let printed = run(&mut office.command("export", &office.list, &["--format", "jsonl"]));
    assert_eq!(printed.out.lines().count(), 2, "{}", printed.out);
    assert_eq!(printed.code, Some(4));
    assert!(printed.err.contains(&message), "{}", printed.err);
    let checked = office.store.run(&["check"]);
    assert!(checked.out.contains("contact 2 of list 1"), "{}", checked.out);
}
