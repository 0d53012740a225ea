//! The examples of the reference are one story: each is sent to a real server, and answered as the reference says.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::Access;
use domain::clock::SystemClock;
use http::METHODS;
use hyper::StatusCode;
use serde_json::{Value, json};
use storage::ChangeCursor;

use crate::harness::{Bearer, Server};
use crate::receiver::Receiver;

/// The receiver that the examples name.
const RECEIVER: &str = "https://hooks.example.com/status";

/// The names that the examples have for what the server gives out, and what it really gave.
#[derive(Default)]
struct Bound(BTreeMap<String, String>);

impl Bound {
    /// A text of an example as it is sent.
    fn real(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (told, real)| text.replace(told, real))
    }

    /// Holds an answer against the one that is told; ids that are told for the first time are bound.
    fn compare(&mut self, about: &str, told: &Value, real: &Value) {
        match (told, real) {
            (Value::Object(told), Value::Object(real)) => {
                let keys: Vec<_> = told.keys().map(|key| self.real(key)).collect();
                assert_eq!(keys, real.keys().cloned().collect::<Vec<_>>(), "{about}");
                // Texts last: they may name what stands in another member.
                let is_text = |told: &Value| told.as_str().is_some_and(|text| !is_hex(text));
                for texts in [false, true] {
                    // How long something took is told by an example, and is another each time.
                    let members = told.iter().zip(real.values()).filter(|((key, told), real)| {
                        is_text(told) == texts && !(*key == "durationMs" && real.is_u64())
                    });
                    let members = members.map(|((_, told), real)| (told, real));
                    members.for_each(|(told, real)| self.compare(about, told, real));
                }
            }
            (Value::Array(told), Value::Array(real)) => {
                assert_eq!(told.len(), real.len(), "{about}: {told:?} {real:?}");
                told.iter().zip(real).for_each(|(told, real)| self.compare(about, told, real));
            }
            (Value::String(told), Value::String(real)) if is_hex(told) => {
                let bound = self.0.entry(told.clone()).or_insert_with(|| real.clone());
                assert_eq!(bound, real, "{about}: {told}");
                assert!(is_hex(real) && real.len() == told.len(), "{about}: {real}");
                let others = self.0.values().filter(|other| *other == real).count();
                assert_eq!(others, 1, "{about}: {told} is another's");
            }
            (Value::String(told), Value::String(real)) if is_time(told) => {
                assert!(is_time(real), "{about}: {real}")
            }
            (Value::String(told), Value::String(real)) if ChangeCursor::decode(told).is_ok() => {
                assert!(ChangeCursor::decode(real).is_ok(), "{about}: {real}");
            }
            (Value::String(told), real) => assert_eq!(&json!(self.real(told)), real, "{about}"),
            // Ids of account webhooks are numbers, and drawn.
            (Value::Number(told), Value::Number(real)) if told.as_i64() > Some(1_000_000) => {
                let bound = self.0.entry(told.to_string()).or_insert_with(|| real.to_string());
                assert_eq!(*bound, real.to_string(), "{about}");
            }
            (told, real) => assert_eq!(told, real, "{about}"),
        }
    }
}

/// An id, or the key of a token.
fn is_hex(text: &str) -> bool {
    matches!(text.len(), 16 | 24) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_time(text: &str) -> bool {
    let form = |byte: u8| if byte.is_ascii_digit() { '0' } else { char::from(byte) };
    text.bytes().map(form).collect::<String>() == "0000-00-00 00:00:00"
}

/// Waits until a request is processed and its webhook is delivered.
async fn processed(server: &Server, shop: &Bearer, id: &str) {
    server
        .wait_for("the request to be processed", async || {
            let body = json!({ "ids": [id] });
            let found = server.post_as(&shop.token, "/v3/request/find", &body).await.json();
            let request = &found["requests"][id];
            (request["status"] == "processed" && request["webHook"]["status"] != "pending").then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_is_answered_as_the_reference_says() {
    let server = Server::start().await;
    let shop = server.bearer("Example Shop").await;
    let receiver = Receiver::start(Arc::new(SystemClock), &[], 204);
    let mut bound = Bound::default();
    bound.0.insert(RECEIVER.to_owned(), receiver.uri());
    bound.0.insert("https://hooks.example.com:443".to_owned(), format!("http://{}", receiver.address));
    for method in METHODS {
        assert!(!method.examples.is_empty(), "{}", method.path());
        for example in method.examples {
            let about = format!("{}: {}", method.path(), example.summary);
            let body: Value = serde_json::from_str(&bound.real(example.body)).expect("an example is JSON");
            let answer = server.post_as(&shop.token, method.path(), &body).await;
            assert_eq!(answer.status, StatusCode::OK, "{about}: {}", answer.text());
            let (told, real) =
                (serde_json::from_str(example.answer).expect("an answer is JSON"), answer.json());
            bound.compare(&about, &told, &real);
            if method.operation.access == Access::Batch && body["dryRun"] != true {
                processed(&server, &shop, real["requestId"].as_str().expect("an id")).await;
            }
        }
    }
}
