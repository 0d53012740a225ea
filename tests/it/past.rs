//! A list whose contacts' pasts are looked at and undone, on a clock that stands until the test moves it.

use std::sync::Arc;

use domain::clock::{ManualClock, Timestamp};
use serde_json::{Map, Value, json};

use crate::harness::{Server, Setup, StoreKind};

/// The time at which every [`Past`] begins.
pub const START: &str = "2026-10-15 00:00:00";

pub struct Past {
    pub server: Server,
    pub list: String,
    pub clock: ManualClock,
}

impl Past {
    pub async fn open() -> Self {
        Self::on(StoreKind::under_test()).await
    }

    /// The same in files, for a test that looks into them.
    pub async fn open_in_files() -> Self {
        Self::on(StoreKind::Sqlite).await
    }

    async fn on(store: StoreKind) -> Self {
        let clock = ManualClock::new(Timestamp::from_millis(1_792_022_400_000));
        let server = Server::with(Setup { store, ..Self::setup(&clock) }).await;
        let list = server.list().await;
        Self { server, list, clock }
    }

    pub fn setup(clock: &ManualClock) -> Setup {
        Setup { clock: Arc::new(clock.clone()), ..Setup::default() }
    }

    /// Sends a body to a method, with the list's id in it where the method is of a list; the request's id.
    pub async fn send(&self, path: &str, body: &Value) -> String {
        let mut body = body.clone();
        if path.starts_with("/v3/contacts/") {
            body["contactListId"] = json!(self.list);
        }
        let answer = self.server.ok(path, &body).await;
        answer["requestId"].as_str().expect("an id").to_owned()
    }

    /// The same, and the request's object once it is processed.
    pub async fn done(&self, path: &str, body: &Value) -> Value {
        let id = self.send(path, body).await;
        self.server.processed(&id).await
    }

    pub async fn upsert(&self, contacts: Value) -> Value {
        self.server.update(&self.list, true, contacts).await
    }

    pub async fn remove(&self, user_ids: &[&str]) -> Value {
        self.done("/v3/contacts/remove", &json!({ "userIds": user_ids })).await
    }

    /// Undoes a request, given its object.
    pub async fn undo(&self, request: &Value) -> Value {
        self.done("/v3/request/undo", &json!({ "requestId": request["id"] })).await
    }

    /// Undoes a request and returns what became of the contacts, which must all be successes.
    pub async fn undone(&self, request: &Value) -> Vec<Value> {
        let undo = self.undo(request).await;
        assert_eq!(undo["results"]["errors"], json!([]), "{undo}");
        undo["results"]["success"].as_array().expect("an array").clone()
    }

    /// The contact with that userId, null where there is none.
    pub async fn contact(&self, user_id: &str) -> Value {
        self.server.contact(&self.list, "userId", user_id).await
    }

    /// Some fields of the contact with that userId.
    pub async fn fields(&self, user_id: &str, fields: &[&str]) -> Value {
        let contact = self.contact(user_id).await;
        fields.iter().map(|field| contact[field].clone()).collect()
    }

    /// What contact/history answers of whoever bears an identifier, or bore it.
    pub async fn history(&self, key: &str, identifier: &str) -> Value {
        let body = json!({ "contactListId": self.list, key: identifier, "limit": 100 });
        self.server.ok("/v3/contact/history", &body).await
    }

    /// The changes in the history of the contact with that userId: their action and the fields with their values.
    pub async fn changes(&self, user_id: &str) -> Vec<Value> {
        let history = self.history("userId", user_id).await;
        let changes = history["data"].as_array().expect("an array").iter();
        changes.map(|change| json!([change["action"], change["changes"]])).collect()
    }

    /// A change as contact/history shows it.
    pub fn change(&self, at: &str, action: &str, request: &Value, changes: Value) -> Value {
        json!({ "changedAt": at, "action": action, "requestId": request["id"], "source": request["source"],
                "token": token_key(&self.server.token), "changes": changes })
    }
}

/// The public part of a token.
pub fn token_key(token: &str) -> &str {
    &token["rb_".len()..][..16]
}

/// A change of a field, as contact/history shows it.
pub fn field(name: &str, old: impl Into<Value>, new: impl Into<Value>) -> Value {
    json!({ "field": name, "old": old.into(), "new": new.into() })
}

/// What undoing a request did to a contact, as the results tell it; `kept` are fields with their codes.
pub fn undone(position: usize, action: &str, of: &Value, restored: &[&str], kept: &[(&str, &str)]) -> Value {
    let kept: Vec<_> = kept
        .iter()
        .map(|(field, error)| json!({ "field": field, "error": error, "humanError": human(error) }))
        .collect();
    let mut told =
        Map::from_iter([("position".to_owned(), json!(position)), ("action".to_owned(), json!(action))]);
    for key in ["id", "email", "phone", "userId"] {
        told.insert(key.to_owned(), of[key].clone());
    }
    told.extend([("restored".to_owned(), json!(restored)), ("kept".to_owned(), json!(kept))]);
    Value::Object(told)
}

/// A success of an undo, whoever it is about: the action, what was put back, and what was not with its code.
pub fn gist(told: &Value) -> Value {
    let kept = told["kept"].as_array().expect("an array").iter();
    let kept: Vec<_> = kept.map(|kept| json!([kept["field"], kept["error"]])).collect();
    json!([told["action"], told["restored"], kept])
}

fn human(code: &str) -> &'static str {
    match code {
        "CHANGED_SINCE" => "It was changed again after the request",
        "IDENTIFIER_TAKEN" => "Another contact of the list has this userId, email or phoneNumber",
        "IDENTIFIER_REQUIRED" => "A contact must keep a userId, an email or a phoneNumber",
        "VARIABLE_NOT_FOUND" => "A variable was removed from the list before the request was applied",
        "SOURCE_NOT_FOUND" => "The source was removed before the request was applied",
        "CONTACT_NOT_FOUND" => "No contact of the list has this userId, email or phoneNumber",
        "CONTACT_ERASED" => "The person was erased, and the request was not told to bring them back",
        "HISTORY_TOO_LONG" => "The contact was changed too often after the request",
        other => panic!("what is {other} in words?"),
    }
}
