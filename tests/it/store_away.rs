//! A store that is away: every method and every page answers 503 and says when to come again, and nothing is lost.

use std::path::Path;
use std::sync::Arc;

use futures_util::future::join_all;
use http::METHODS;
use hyper::{Method, StatusCode};
use postgres::{PostgresStore, Settings};
use serde_json::{Value, json};
use storage::Role;
use storage::{Error, Storage};

use crate::console::{Visitor, let_in};
use crate::faults::{Fault, Switch};
use crate::harness::own_postgres::{Options, OwnPostgres};
use crate::harness::{Answer, Directory, Server, Setup, StoreKind};

const UPDATE: &str = "/v3/contacts/update";

/// Checks that an answer is 503 and says when to come again; the code.
fn later(about: &str, answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{about}: {}", answer.text());
    let again = answer.headers.get("retry-after").and_then(|seconds| seconds.to_str().ok());
    assert_eq!(again, Some("1"), "{about}: {}", answer.text());
    answer.json()["details"][0]["code"].as_str().expect("a code").to_owned()
}

/// Asks every method for what its first example asks, with an id of a list that the cache does not know.
async fn ask_all(server: &Server, list: &str) -> Vec<(&'static str, Answer)> {
    let asked = METHODS.map(async |method| {
        let mut body: Value = serde_json::from_str(method.examples[0].body).expect("an example is JSON");
        if body.get("contactListId").is_some() {
            body["contactListId"] = json!(list);
        }
        (method.path(), server.post(method.path(), &body).await)
    });
    join_all(asked).await
}

/// One that no test before has asked for.
async fn fresh_list(server: &Server) -> String {
    let made = server.ok("/v3/contact-list/create", &json!({ "contactListName": "Others" })).await;
    made["contactListId"].as_str().expect("an id").to_owned()
}

/// Limits that take all methods at once.
fn setup() -> Setup {
    let mut setup = Setup::default();
    setup.limits.in_flight = 64;
    setup
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_says_when_to_come_again_while_the_store_is_away() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..setup() }).await;
    let list = fresh_list(&server).await;
    // Known to the cache: what fails is what stands behind the token.
    server.ok("/v3/account/info", &json!({})).await;
    switch.set(Fault::Away);
    for (path, answer) in ask_all(&server, &list).await {
        // It tells what the cache knows of the token.
        if path != "/v3/account/info" {
            let code = later(path, &answer);
            assert!(["STORE_UNAVAILABLE", "NOT_SAVED"].contains(&code.as_str()), "{path}: {code}");
        }
    }
    let body = json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "a" }] });
    let headers = [("access-token", server.token.as_str()), ("idempotency-key", "one")];
    switch.set(Fault::None);
    server.ok("/v3/contact-list/get", &json!({ "contactListId": list })).await;
    switch.set(Fault::Away);
    let answer = server.send(Method::POST, UPDATE, &headers, body.to_string()).await;
    assert_eq!(later("a key that cannot be looked up", &answer), "STORE_UNAVAILABLE");
    let create = json!({ "contactListName": "x" });
    switch.set(Fault::ChangeUnknown);
    let answer = server.post("/v3/contact-list/create", &create).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text());
    assert_eq!(answer.json()["details"][0]["code"], "OUTCOME_UNKNOWN");
    assert!(!answer.headers.contains_key("retry-after"), "a client that repeats it could make a second list");
    switch.set(Fault::None);
    let kept = server.send(Method::POST, UPDATE, &headers, body.to_string()).await;
    assert_eq!(kept.status, StatusCode::OK, "{}", kept.text());
    server.stop().await;
}

/// Pages of an account that has one of each: what is asked for, and the fields of those that are sent.
fn pages(list: &str, contact: &str, source: &str, request: &str, key: &str) -> Vec<(String, Vec<Field>)> {
    let get = |path: &str| (path.to_owned(), Vec::new());
    let of = |path: &str| (format!("/lists/{list}{path}"), Vec::new());
    let contact = |path: &str| of(&format!("/contacts/{contact}{path}"));
    let mut pages = vec![get("/"), get("/lists"), get("/requests"), get("/requests/rows"), get("/sources")];
    pages.extend(["/suppression", "/keys", "/account", "/jobs", "/jobs/5d915c22d132d5f45a4e38b8"].map(get));
    pages.extend(["", "/rest", "/rename", "/remove", "/contacts/new", "/variables", "/import"].map(of));
    pages.extend(["/variables/plan/rename", "/export", "/export/file"].map(of));
    pages.extend(["", "/remove", "/erase", "/person.json"].map(contact));
    pages
        .extend([format!("/requests/{request}"), format!("/requests/{request}/undo")].map(|path| get(&path)));
    pages.extend([format!("/sources/{source}"), format!("/sources/{source}/remove")].map(|path| get(&path)));
    pages.push(get(&format!("/keys/{key}/revoke")));
    let post = |path: String, fields: &[Field]| (path, fields.to_vec());
    pages.extend([
        post("/lists".to_owned(), &[("name", "New")]),
        post(format!("/lists/{list}/rename"), &[("name", "New")]),
        post(format!("/lists/{list}/contacts/new"), &[("userId", "b")]),
        post(format!("/lists/{list}/variables"), &[("name", "later"), ("type", "ENUM_STRING")]),
        post(format!("/lists/{list}/bulk"), &[("action", "enable"), ("all", "1")]),
        post("/sources".to_owned(), &[("name", "Shop")]),
        post("/suppression/add".to_owned(), &[("address", "a@example.com"), ("reason", "hard")]),
        post("/keys".to_owned(), &[("name", "New")]),
        post(format!("/keys/{key}/revoke"), &[("sure", "yes")]),
        post("/account/name".to_owned(), &[("name", "New")]),
        post("/account/webhook-secret".to_owned(), &[("sure", "yes")]),
        post("/account/sessions/end-others".to_owned(), &[("sure", "yes")]),
        post("/account/users".to_owned(), &[("name", "New")]),
        post(format!("/requests/{request}/undo"), &[("sure", "yes")]),
        post(format!("/requests/{request}/resend"), &[("sure", "yes")]),
    ]);
    pages
}

type Field = (&'static str, &'static str);

/// Asks for all pages. Those that the cache knows all of are whole; every other says when to come again.
async fn ask_pages(server: &Server, visitor: &mut Visitor, pages: &[(String, Vec<Field>)]) -> usize {
    let mut away = 0;
    for (path, fields) in pages {
        let answer = match fields.as_slice() {
            [] => visitor.get(server, path).await,
            fields => visitor.post(server, path, fields).await,
        };
        let status = answer.status.as_u16();
        assert!(status < 500 || status == 503, "{path}: {status} {}", answer.text());
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            assert_eq!(answer.headers["retry-after"], "1", "{path}");
            assert!(answer.text().contains("gain"), "{path} says to try again: {}", answer.text());
            away += 1;
        }
    }
    away
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_says_when_to_come_again_while_the_store_is_away() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..setup() }).await;
    let mut visitor = let_in(&server, server.user, "ada@example.com").await;
    let list = server.list().await;
    let done = server.update(&list, true, json!([{ "contact": "a" }])).await;
    let contact = done["results"]["success"][0]["id"].as_str().expect("an id").to_owned();
    let source = server.source(&json!({ "name": "One" })).await;
    let key = &server.token[3..19];
    let pages = pages(&list, &contact, &source, done["id"].as_str().expect("an id"), key);
    switch.set(Fault::Away);
    let away = ask_pages(&server, &mut visitor, &pages).await;
    assert!(away > pages.len() / 2, "{away} of {} ask the store", pages.len());
    let answer = visitor.get(&server, "/account").await;
    assert!(answer.text().contains("The store is not available"), "{}", answer.text());
    // The session itself cannot be looked up.
    switch.set(Fault::Read);
    assert_eq!(ask_pages(&server, &mut visitor, &pages).await, pages.len());
    let sign_in = Visitor::default().sign_in(&server, "ada@example.com", "a wrong password").await;
    assert_eq!(
        (sign_in.status.as_u16(), &sign_in.headers["retry-after"]),
        (503, &"1".parse().expect("a value"))
    );
    switch.set(Fault::None);
    assert_eq!(ask_pages(&server, &mut visitor, &pages).await, 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_stopped_is_told_as_503_and_is_used_again_once_it_is_back() {
    let database = OwnPostgres::start(&Options::default());
    let (address, settings) = (database.address(), Settings::default());
    let open = PostgresStore::open(&address, Role::Server, &settings).await;
    let store: Arc<dyn Storage> = Arc::new(open.expect("a store"));
    let own = Arc::clone(&store);
    let setup = Setup { wrap: Box::new(|_| own), store: StoreKind::Sqlite, ..setup() };
    let server = Server::with(setup).await;
    let list = server.list().await;
    let kept = server.update(&list, true, json!([{ "contact": "a" }])).await;
    let other = fresh_list(&server).await;
    database.stop();
    for (path, answer) in ask_all(&server, &other).await {
        if path != "/v3/account/info" {
            later(path, &answer);
        }
    }
    let headers = [("access-token", server.token.as_str()), ("idempotency-key", "one")];
    let body = json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "b" }] }).to_string();
    let answer = server.send(Method::POST, UPDATE, &headers, body.clone()).await;
    later("with a key", &answer);
    let ready = server.send(Method::GET, "/readyz", &[], "").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    database.start_where_it_is_down();
    let again = async || {
        let answer = server.send(Method::POST, UPDATE, &headers, body.clone()).await;
        (answer.status == StatusCode::OK).then(|| answer.json())
    };
    let accepted = server.wait_for("the database to be used again", again).await;
    server.processed(accepted["requestId"].as_str().expect("an id")).await;
    assert_eq!(server.contact(&list, "userId", "b").await["userId"], "b");
    let found = server.ok("/v3/request/find", &json!({ "ids": [kept["id"]] })).await;
    assert_eq!(found["requests"][kept["id"].as_str().expect("an id")]["status"], "processed");
    server.stop().await;
}

/// What a database says that will never do it is a fault of ours, and told as such.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_would_always_fail_is_no_store_that_is_away() {
    let directory = Directory::new();
    let store = directory.open(StoreKind::Postgres, Role::Server).await;
    let address = directory.store(StoreKind::Postgres);
    let (client, connection) =
        tokio_postgres::connect(address.to_str().expect("text"), tokio_postgres::NoTls)
            .await
            .expect("a database");
    tokio::spawn(connection);
    client.batch_execute("ALTER TABLE list RENAME TO lists").await.expect("it is there");
    let failed = store.find_list(domain::id::ObjectId::from_bytes([1; 12])).await.expect_err("no table");
    assert!(matches!(failed, Error::Failed(_)), "{failed:?}");
}

/// An import says why it waits, instead of standing still.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_says_why_it_waits() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..setup() }).await;
    let list = fresh_list(&server).await;
    let file = server.directory.path("people.csv");
    std::fs::write(&file, "email\nada@example.com\n").expect("a file");
    // The token is known to the cache.
    server.ok("/v3/account/info", &json!({})).await;
    switch.set(Fault::Away);
    let mut import = crate::process::program();
    import.arg("import").arg(&file).args(["--list", &list, "--yes", "--patience", "2"]);
    import.env("ROLLBOOK_URL", format!("http://{}", server.address)).env("ROLLBOOK_TOKEN", &server.token);
    let printed =
        tokio::task::spawn_blocking(move || crate::process::run(&mut import)).await.expect("it ends");
    assert_eq!(printed.code, Some(1), "{}", printed.err);
    let why = "waiting, and trying again: /v3/contact-list/get: The store is not available";
    assert_eq!(printed.err.matches(why).count(), 1, "{}", printed.err);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_another_process_holds_is_told_as_503_and_is_used_again() {
    let server = Server::with(Setup { store: StoreKind::Sqlite, ..setup() }).await;
    let path = server.directory.store(StoreKind::Sqlite);
    let intake = format!("{}.intake", path.display());
    let other = sqlite::connect(Path::new(&intake), &sqlite::Settings::default()).expect("the file");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let create = json!({ "contactListName": "x" });
    let answer = server.post("/v3/contact-list/create", &create).await;
    assert_eq!(later("a list that cannot be saved", &answer), "NOT_SAVED");
    other.execute_batch("ROLLBACK").expect("the lock is given back");
    server.ok("/v3/contact-list/create", &create).await;
    server.stop().await;
}
