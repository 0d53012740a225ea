//! A server that is asked over HTTP.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::api::{
    Accepted, Answer, Api, ContactPage, Failure, ItemOutcome, ListData, Outcome, Results, VariableData, Wrong,
};
use super::mapping::NewVariable;
use domain::apply::outcome::NoteCode;
use wire::ingest::BodyKind;

/// An answer over HTTP.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// How long to wait before the next try.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Bytes,
}

/// A connection to the API of a server.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends a body, with an `Idempotency-Key` if there is one.
    ///
    /// # Errors
    /// There was no answer: whether the request was done is not known.
    async fn post(&self, path: &str, key: Option<&str>, body: Bytes) -> Result<Reply, String>;

    /// Takes note why a request is tried again.
    fn waits(&self, _why: &str) {}
}

/// A server that is asked over HTTP.
pub struct Remote<T>(pub T);

impl<T: Transport> Remote<T> {
    /// Calls a method, and returns the body of a 200.
    ///
    /// # Errors
    /// It was answered otherwise.
    pub async fn call(&self, path: &str, key: Option<&str>, body: Bytes) -> Answer<Bytes> {
        let Reply { status, retry_after: after, body } = match self.0.post(path, key, body).await {
            Ok(reply) => reply,
            Err(text) => return Err(Failure::Later { text, after: None, away: false }),
        };
        let text = || refusal(path, &body);
        Err(match status {
            200 => return Ok(body),
            408 | 429 | 503 => Failure::Later { text: text(), after, away: true },
            500..=599 => Failure::Later { text: text(), after, away: false },
            413 => Failure::TooLarge(text()),
            400 => Failure::Invalid(wrong(&body), text()),
            _ => Failure::Other(text()),
        })
    }
}

#[derive(Deserialize)]
struct Detail {
    position: Option<usize>,
    field: Option<String>,
    code: String,
    message: String,
}

impl From<Detail> for Wrong {
    fn from(detail: Detail) -> Self {
        let Detail { position, field, code, message } = detail;
        Self::new(position, field, code, &message)
    }
}

fn wrong(body: &[u8]) -> Vec<Wrong> {
    #[derive(Deserialize)]
    struct Refused {
        details: Vec<Detail>,
    }
    let refused = serde_json::from_slice::<Refused>(body);
    refused.map_or_else(|_| Vec::new(), |refused| refused.details.into_iter().map(Wrong::from).collect())
}

/// What a refusal says.
pub fn refusal(path: &str, body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refused {
        errors: Vec<String>,
    }
    match serde_json::from_slice::<Refused>(body) {
        Ok(refused) => format!("{path}: {}", refused.errors.join("; ")),
        Err(_) => format!("{path}: the answer is none of Rollbook; is the address right?"),
    }
}

fn read<'a, T: Deserialize<'a>>(path: &str, body: &'a [u8]) -> Answer<T> {
    serde_json::from_slice(body)
        .map_err(|error| Failure::Other(format!("{path}: the answer does not read: {error}")))
}

#[derive(Default, Deserialize)]
struct WireResults<'a> {
    #[serde(borrow)]
    success: Vec<Done<'a>>,
    #[serde(borrow)]
    errors: Vec<Failed<'a>>,
}

#[derive(Deserialize)]
struct Done<'a> {
    position: usize,
    action: &'a str,
    #[serde(borrow, default)]
    notes: Vec<Note<'a>>,
}

#[derive(Deserialize)]
struct Note<'a> {
    code: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failed<'a> {
    position: usize,
    error: &'a str,
    #[serde(borrow)]
    human_error: Cow<'a, str>,
}

impl From<WireResults<'_>> for Results {
    fn from(results: WireResults<'_>) -> Self {
        let done = results.success.into_iter().map(|done| {
            let outcome = match done.action {
                "created" => Outcome::Created,
                "updated" | "removed" => Outcome::Changed,
                _ => Outcome::Unchanged,
            };
            let opted_out = done.notes.iter().any(|note| note.code == NoteCode::OptedOut.code());
            ItemOutcome { position: done.position, outcome, opted_out }
        });
        let failed = results.errors.into_iter().map(|failed| {
            let outcome = Outcome::Failed(format!("{}: {}", failed.error, failed.human_error));
            ItemOutcome { position: failed.position, outcome, opted_out: false }
        });
        done.chain(failed).collect()
    }
}

#[async_trait]
impl<T: Transport> Api for Remote<T> {
    async fn list(&self, id: &str) -> Answer<ListData> {
        #[derive(Deserialize)]
        struct Got {
            data: Data,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            contact_list_name: String,
            custom_variables: Vec<Variable>,
        }
        #[derive(Deserialize)]
        struct Variable {
            name: String,
            #[serde(rename = "type", default)]
            kind: String,
        }
        let path = "/v3/contact-list/get";
        let body = self.call(path, None, json!({ "contactListId": id }).to_string().into()).await?;
        let Data { contact_list_name, custom_variables } = read::<Got>(path, &body)?.data;
        let variables = custom_variables
            .into_iter()
            .map(|variable| VariableData { name: variable.name, date: variable.kind == "date" });
        Ok(ListData { contact_list_name, custom_variables: variables.collect() })
    }

    async fn add_variables(&self, list: &str, new: &[NewVariable]) -> Answer<()> {
        let variable = |NewVariable { name, date }: &NewVariable| json!({ "name": name, "type": if *date { "ENUM_DATE" } else { "ENUM_STRING" } });
        let variables: Vec<_> = new.iter().map(variable).collect();
        let body = json!({ "contactListId": list, "variables": variables });
        self.call("/v3/contact-list/variables/add", None, body.to_string().into()).await.map(drop)
    }

    async fn submit(&self, kind: BodyKind, key: Option<&str>, body: Bytes) -> Answer<Accepted> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct RequestData<'a> {
            request_id: String,
            #[serde(borrow)]
            results: Option<WireResults<'a>>,
            #[serde(default)]
            warnings: Vec<Detail>,
        }
        let path = kind.operation().path;
        let body = self.call(path, key, body).await?;
        let told: RequestData<'_> = read(path, &body)?;
        Ok(Accepted {
            request: told.request_id,
            results: told.results.map(Results::from),
            warnings: told.warnings.into_iter().map(Wrong::from).collect(),
        })
    }

    async fn results(&self, requests: &[String]) -> Answer<HashMap<String, Option<Results>>> {
        #[derive(Deserialize)]
        struct Found<'a> {
            #[serde(borrow)]
            requests: HashMap<String, RequestData<'a>>,
        }
        #[derive(Deserialize)]
        struct RequestData<'a> {
            status: &'a str,
            #[serde(borrow)]
            results: WireResults<'a>,
        }
        let path = "/v3/request/find";
        // A server of an earlier release sends the identifiers all the same.
        let body = json!({ "ids": requests, "identifiers": false }).to_string().into();
        let body = self.call(path, None, body).await?;
        let found: Found<'_> = read(path, &body)?;
        let results = |told: RequestData<'_>| (told.status == "processed").then(|| told.results.into());
        Ok(found.requests.into_iter().map(|(id, told)| (id, results(told))).collect())
    }

    async fn contacts(
        &self,
        list: &str,
        filter: &Map<String, Value>,
        after: Option<&str>,
        limit: u32,
    ) -> Answer<ContactPage> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Found {
            data: Vec<Box<RawValue>>,
            #[serde(default)]
            contact_ids: Vec<String>,
            next: Option<String>,
            #[serde(default)]
            warnings: Vec<Detail>,
        }
        let mut question = filter.clone();
        question.insert("contactListId".to_owned(), json!(list));
        question.insert("limit".to_owned(), json!(limit));
        question.insert("after".to_owned(), json!(after));
        let path = "/v3/contacts/find";
        let body = self.call(path, None, Value::Object(question).to_string().into()).await?;
        let found: Found = read(path, &body)?;
        let left_out = found.warnings.into_iter().filter(|warning| warning.code == "CONTACT_DAMAGED");
        let left_out = left_out.map(|warning| warning.message).collect();
        Ok(ContactPage { contacts: found.data, ids: found.contact_ids, next: found.next, left_out })
    }

    fn waits(&self, why: &str) {
        self.0.waits(why);
    }
}
