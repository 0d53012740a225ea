//! The log tells what the server does, and never who its contacts are or how its callers prove who they are.

use serde_json::{Value, json};

use crate::process::{Process, Store, wait_for};
use crate::wire::Wire;

/// What stands in the requests of this test, and must not stand in the log.
const PRIVATE: [&str; 12] = [
    "ada.lovelace",
    "ADA.LOVELACE",
    "4915112345678",
    "customer-4711",
    "Augusta",
    "Byron",
    "1815-12-10",
    "facebook.com/augusta",
    "very private value",
    "secret-in-the-path",
    "not an e-mail",
    "ZmFrZXNlY3JldA",
];

fn contact() -> Value {
    json!({
        "contact": "ada.lovelace@example.com", "userId": "customer-4711", "phoneNumber": "+4915112345678",
        "firstName": "Augusta", "lastName": "Byron", "name": "Augusta Byron", "contactBirthday": "1815-12-10",
        "facebookLink": "facebook.com/augusta",
        "variables": [{ "name": "newVariableName", "value": "very private value" }],
    })
}

/// Wrong in every way, with private texts in the wrong places.
fn bad_contact() -> Value {
    json!({
        "contact": "ADA.LOVELACE@EXAMPLE.COM", "email": "not an e-mail", "phoneNumber": "004915112345678",
        "firstName": ["Augusta"], "contactBirthday": "1815-12-10T00:00", "facebookLink": "ftp://facebook.com/augusta",
        "variables": [{ "name": "Byron", "value": "very private value" }], "Byron": "Augusta",
    })
}

fn good_and_bad_requests(server: &Process, token: &str, list: &str) {
    let hook = "http://127.0.0.1:9/secret-in-the-path?to=ada.lovelace@example.com";
    let update = |contact: Value| json!({ "contactListId": list, "webHookUri": hook, "upsert": true, "contacts": [contact] });
    let accepted = server.ok("/v3/contacts/update", token, &update(contact()));
    server.processed(token, accepted["requestId"].as_str().unwrap());
    assert_eq!(server.post("/v3/contacts/update", token, &update(bad_contact())).status, 400);
    assert_eq!(server.contact(token, list, "customer-4711")["lastName"], "Byron");
    let path = "/v3/contacts/update?email=ada.lovelace@example.com";
    server.ok(path, token, &update(contact()));
    assert_eq!(server.post("/v3/Augusta/Byron", token, &update(contact())).status, 404);
    let forged = format!("{}_{}", &token[..19], "ZmFrZXNlY3JldA".repeat(4).get(..43).unwrap());
    assert_eq!(server.post("/v3/contacts/update", &forged, &update(contact())).status, 401);
    let cut = server.connect().post("/v3/contacts/update", token, &json!("Augusta Byron")).unwrap();
    assert_eq!(cut.status, 400);
    // Not HTTP at all, and HTTP that hyper itself refuses.
    for bytes in
        ["Augusta Byron\r\n\r\n".to_owned(), format!("POST /v3/x HTTP/1.1\r\nAccess-Token {token}\r\n\r\n")]
    {
        let mut wire = Wire::open(server.address).unwrap();
        wire.write(bytes.as_bytes()).unwrap();
        assert_eq!(wire.read().unwrap().status, 400);
    }
}

/// One request over HTTP/2, whose library writes a log of its own.
fn over_http2(server: &Process, token: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let body = json!({ "ada.lovelace": "Augusta Byron" });
    let status =
        runtime.block_on(crate::http2::post(server.address, "/v3/account/info", token, body.to_string()));
    assert_eq!(status.unwrap().0, 200);
}

#[test]
fn no_token_and_no_personal_data_is_ever_logged() {
    let store = Store::new();
    let server = store.serve_with(|command| {
        // With a collector that is not there: what is said of it, and of the spans, is searched too.
        command.env("ROLLBOOK_LOG", "trace").env("ROLLBOOK_OTLP_ENDPOINT", "http://127.0.0.1:9");
        command.args(["--webhook-allow", "127.0.0.0/8"]);
    });
    let account = store.account("Shop");
    let list = server.list(&account.token);
    good_and_bad_requests(&server, &account.token, &list);
    over_http2(&server, &account.token);
    wait_for("the failure of the webhook to be logged", || {
        server.log().contains("webhooks: attempt failed, will retry").then_some(())
    });
    wait_for("the loss of spans to be logged", || {
        server.log().contains("traces: sending spans failed").then_some(())
    });
    let log = server.log();
    assert!(log.contains("TRACE"), "everything that can be logged is");
    for private in PRIVATE {
        let row = log.lines().find(|row| row.contains(private));
        assert_eq!(row, None, "{private}");
    }
    let secret = &account.token[20..];
    for secret in [secret, &account.webhook_secret["whsec_".len()..]] {
        assert!(!log.contains(secret), "no secret is logged");
    }
}

/// The lines of a JSON log that are about a request: level and text.
fn about(log: &str, request: &str) -> Vec<(String, String)> {
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    lines
        .filter(|line| line["fields"]["request"] == request)
        .map(|line| (text(&line["level"]), text(&line["fields"]["message"])))
        .collect()
}

#[test]
fn a_request_can_be_followed_through_the_log_to_its_webhook() {
    let store = Store::new();
    let account = store.account("Shop");
    let failed = "webhooks: attempt failed, will retry";
    let expected = [
        ("DEBUG", "applier: batch applied"),
        ("DEBUG", "http: request answered"),
        ("DEBUG", "journal: batch on disk"),
        ("DEBUG", "webhooks: attempt sent"),
        ("INFO", failed),
    ];
    for (level, expected) in [("info,rollbook=debug", &expected[..]), ("info", &expected[4..])] {
        let server = store.serve_with(|command| {
            command.env("ROLLBOOK_LOG", level).env("ROLLBOOK_LOG_FORMAT", "json");
            command.args(["--webhook-allow", "127.0.0.0/8"]);
        });
        let list = server.list(&account.token);
        let hook = "http://127.0.0.1:9/";
        let update =
            json!({ "contactListId": list, "webHookUri": hook, "upsert": true, "contacts": [contact()] });
        let request = server.ok("/v3/contacts/update", &account.token, &update)["requestId"].clone();
        let request = request.as_str().expect("an id");
        let mut lines = wait_for("the end of the path", || {
            let lines = about(&server.log(), request);
            lines.iter().any(|(_, text)| text == failed).then_some(lines)
        });
        let place = |lines: &[(String, String)], text: &str| lines.iter().position(|(_, line)| line == text);
        if expected.len() > 1 {
            let ways = ["journal: batch on disk", "applier: batch applied", "webhooks: attempt sent", failed];
            assert!(ways.map(|text| place(&lines, text)).is_sorted(), "{lines:?}");
        }
        lines.sort();
        let lines: Vec<_> = lines.iter().map(|(level, text)| (level.as_str(), text.as_str())).collect();
        assert_eq!(lines, expected, "{level}");
    }
}

#[test]
fn a_start_and_a_stop_are_logged() {
    let store = Store::new();
    let mut server = store.serve();
    server.signal("TERM");
    assert!(server.wait().success());
    let log = server.log();
    assert!(log.contains("serving address=") && log.ends_with("stopped\n"), "{log}");
    assert!(!log.contains(" ERROR ") && !log.contains(" WARN "), "{log}");
    // A log that is no terminal has no colours in it.
    assert!(!log.contains('\u{1b}'), "{log}");
}
