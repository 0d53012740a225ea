//! The API as imports, exports and bulk changes see it: typed questions and answers. The commands ask a server over HTTP
//! ([`super::remote`]); jobs ask the use cases of their own process.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::mapping::{NewVariable, Variable};
use super::{Error, Result};
use wire::ingest::BodyKind;

/// What a server answers.
pub type Answer<T> = std::result::Result<T, Failure>;

/// Why a server did not do what it was asked.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The request is invalid.
    Invalid(Vec<Wrong>, String),
    /// The body is too large.
    TooLarge(String),
    /// The same request may succeed later. A key makes it safe to repeat.
    Later {
        /// Why.
        text: String,
        /// When, if the server said so.
        after: Option<Duration>,
        /// Whether the server asked for that, and has not failed.
        away: bool,
    },
    /// Something else.
    Other(String),
}

/// What is wrong with a request.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// The place of the contact, if it is about one.
    pub position: Option<usize>,
    /// The field, if it is about one.
    pub field: Option<String>,
    /// The code.
    pub code: String,
    /// The text, without the place.
    pub text: String,
}

impl Wrong {
    /// The text of a problem names the place of the contact: a row is named by its line.
    pub fn new(position: Option<usize>, field: Option<String>, code: String, text: &str) -> Self {
        let place = position.map(|position| format!(" at contact position {position}"));
        let text = place.and_then(|place| text.strip_suffix(&place)).unwrap_or(text).to_owned();
        Self { position, field, code, text }
    }
}

/// A batch that was accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The id of the request.
    pub request: String,
    /// The results, if it was a dry run.
    pub results: Option<Results>,
    /// The warnings.
    pub warnings: Vec<Wrong>,
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The contact was made.
    Created,
    /// The contact was changed or removed.
    Changed,
    /// The contact was so already.
    Unchanged,
    /// The item was not applied: its code and why.
    Failed(String),
}

/// What became of an item, and of which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemOutcome {
    /// Its place in the request, from 0.
    pub position: usize,
    /// What became of it.
    pub outcome: Outcome,
    /// Whether something that the contact had turned off stays off.
    pub opted_out: bool,
}

/// The results of a request.
pub type Results = Vec<ItemOutcome>;

/// A page of contacts.
#[derive(Debug)]
pub struct ContactPage {
    /// The contacts, as contact/get shows them.
    pub contacts: Vec<Box<RawValue>>,
    /// Their ids, in the same order.
    pub ids: Vec<String>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// What is said of contacts that are damaged on disk, and so left out.
    pub left_out: Vec<String>,
}

/// A list, as far as it matters here.
#[derive(Clone, Debug)]
pub struct ListData {
    /// Its name.
    pub contact_list_name: String,
    /// Its variables.
    pub custom_variables: Vec<VariableData>,
}

/// A variable of a list.
#[derive(Clone, Debug)]
pub struct VariableData {
    /// Its name.
    pub name: String,
    /// Whether its values are dates.
    pub date: bool,
}

impl ListData {
    /// Its variables, as far as they matter for the columns of a table.
    pub fn known(&self) -> Vec<Variable> {
        let known = |variable: &VariableData| Variable { name: variable.name.clone(), date: variable.date };
        self.custom_variables.iter().map(known).collect()
    }

    /// The names of its variables.
    pub fn variables(&self) -> Vec<String> {
        self.custom_variables.iter().map(|variable| variable.name.clone()).collect()
    }
}

/// What answers the questions of imports, exports and bulk changes.
#[async_trait]
pub trait Api: Send + Sync + 'static {
    /// Reads a list.
    async fn list(&self, id: &str) -> Answer<ListData>;

    /// Makes variables of a list, at most 100.
    async fn add_variables(&self, list: &str, new: &[NewVariable]) -> Answer<()>;

    /// Submits a batch: the body of a method of contacts, with its `Idempotency-Key` unless it is a dry run.
    async fn submit(&self, kind: BodyKind, key: Option<&str>, body: Bytes) -> Answer<Accepted>;

    /// The results of requests; `None` for one that is not processed yet. Requests that are not known are left out.
    async fn results(&self, requests: &[String]) -> Answer<HashMap<String, Option<Results>>>;

    /// A page of the contacts of a list that fit a filter, by the keys of contacts/find.
    async fn contacts(
        &self,
        list: &str,
        filter: &Map<String, Value>,
        after: Option<&str>,
        limit: u32,
    ) -> Answer<ContactPage>;

    /// Takes note why a request is tried again.
    fn waits(&self, _why: &str) {}
}

/// The first wait after a failure; each is twice the one before it.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The longest wait that the server did not ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Asks until the answer is something else than "later", for `patience` at most.
///
/// # Errors
/// Patience has ended.
pub async fn retry<T, F: Future<Output = Answer<T>>>(
    api: &dyn Api,
    patience: Duration,
    ask: impl Fn() -> F,
) -> Result<Answer<T>> {
    let (start, mut wait) = (Instant::now(), FIRST_WAIT);
    loop {
        let (error, asked) = match ask().await {
            Err(Failure::Later { text, after, away: true }) => (Error::Away(text), after),
            Err(Failure::Later { text, after, away: false }) => (Error::Message(text), after),
            answer => return Ok(answer),
        };
        let pause = asked.unwrap_or(wait).max(wait);
        if start.elapsed() + pause > patience {
            return Err(error);
        }
        api.waits(&error.to_string());
        tokio::time::sleep(pause).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// The same for what must succeed.
///
/// # Errors
/// It does not.
pub async fn must<T, F: Future<Output = Answer<T>>>(
    api: &dyn Api,
    patience: Duration,
    ask: impl Fn() -> F,
) -> Result<T> {
    retry(api, patience, ask).await?.map_err(Error::from)
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Later { text, away: true, .. } => Self::Away(text),
            Failure::Invalid(_, text)
            | Failure::TooLarge(text)
            | Failure::Later { text, .. }
            | Failure::Other(text) => Self::Message(text),
        }
    }
}

/// Reads a list.
///
/// # Errors
/// There is none, or the server fails.
pub async fn list(api: &dyn Api, id: &str, patience: Duration) -> Result<ListData> {
    must(api, patience, || api.list(id)).await
}

/// Makes variables of a list, however many.
///
/// # Errors
/// The server refuses.
pub async fn add_variables(api: &dyn Api, list: &str, new: &[NewVariable], patience: Duration) -> Result<()> {
    for some in new.chunks(100) {
        must(api, patience, || api.add_variables(list, some)).await?;
    }
    Ok(())
}
