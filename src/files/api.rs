//! The API as an import or export sees it.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::mapping::{NewVariable, Variable};
use super::{Error, Result};

/// What was answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// How long to wait before the next try.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Bytes,
}

/// Something that answers the API's methods.
#[async_trait]
pub trait Api: Send + Sync + 'static {
    /// Sends a body, with an `Idempotency-Key` where there is one.
    ///
    /// # Errors
    /// Where there was no answer; it is not known then whether the request was done.
    async fn post(&self, path: &str, key: Option<&str>, body: Bytes) -> std::result::Result<Reply, String>;

    /// Takes note why a request is tried again.
    fn waits(&self, _why: &str) {}
}

/// The first wait after a failure; each is twice the one before it.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The longest wait that nobody asked for.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Sends a body until it is answered with something else than "later"; `patience` is for how long at most. Bodies that
/// change something have a key, so that a second try is no second request.
///
/// # Errors
/// Where patience has ended.
pub async fn post(
    api: &dyn Api,
    path: &str,
    key: Option<&str>,
    body: Bytes,
    patience: Duration,
) -> Result<Reply> {
    let (start, mut wait) = (Instant::now(), FIRST_WAIT);
    loop {
        let reply = api.post(path, key, body.clone()).await;
        let (error, asked) = match reply {
            Ok(Reply { status: 408 | 429 | 503, retry_after, body }) => {
                (Error::Away(refusal(path, &body)), retry_after)
            }
            Ok(Reply { status: 500..=599, retry_after, body }) => {
                (Error::Told(refusal(path, &body)), retry_after)
            }
            Ok(reply) => return Ok(reply),
            Err(told) => (Error::Told(told), None),
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

/// Calls a method that must be answered with 200.
///
/// # Errors
/// Where it is not.
pub async fn call(api: &dyn Api, path: &str, body: &Value, patience: Duration) -> Result<Bytes> {
    let reply = post(api, path, None, body.to_string().into(), patience).await?;
    if reply.status == 200 { Ok(reply.body) } else { Err(Error::Told(refusal(path, &reply.body))) }
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

/// Reads an answer.
///
/// # Errors
/// Where it is none of the method's.
pub fn read<'a, T: Deserialize<'a>>(path: &str, body: &'a [u8]) -> Result<T> {
    serde_json::from_slice(body)
        .map_err(|error| Error::Told(format!("{path}: the answer does not read: {error}")))
}

/// A list, as far as it matters here.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListData {
    /// What it is called.
    pub contact_list_name: String,
    /// Its variables.
    pub custom_variables: Vec<VariableData>,
}

/// A variable of a list.
#[derive(Clone, Debug, Deserialize)]
pub struct VariableData {
    /// Its name.
    pub name: String,
    /// What its values are.
    #[serde(rename = "type", default)]
    kind: String,
}

impl ListData {
    /// Its variables, as far as they matter for the columns of a table.
    pub fn known(&self) -> Vec<Variable> {
        let known =
            |variable: &VariableData| Variable { name: variable.name.clone(), date: variable.kind == "date" };
        self.custom_variables.iter().map(known).collect()
    }

    /// The names of its variables.
    pub fn variables(&self) -> Vec<String> {
        self.custom_variables.iter().map(|variable| variable.name.clone()).collect()
    }
}

/// Reads a list.
///
/// # Errors
/// Where there is none, or no server.
pub async fn list(api: &dyn Api, id: &str, patience: Duration) -> Result<ListData> {
    #[derive(Deserialize)]
    struct Got {
        data: ListData,
    }
    let path = "/v3/contact-list/get";
    let body = call(api, path, &json!({ "contactListId": id }), patience).await?;
    Ok(read::<Got>(path, &body)?.data)
}

/// Makes variables of a list.
///
/// # Errors
/// Where that is refused.
pub async fn add_variables(api: &dyn Api, list: &str, new: &[NewVariable], patience: Duration) -> Result<()> {
    // One request takes 100.
    for some in new.chunks(100) {
        let variables: Vec<_> = some
            .iter()
            .map(|NewVariable { name, date }| {
                json!({ "name": name, "type": if *date { "ENUM_DATE" } else { "ENUM_STRING" } })
            })
            .collect();
        let body = json!({ "contactListId": list, "variables": variables });
        call(api, "/v3/contact-list/variables/add", &body, patience).await?;
    }
    Ok(())
}
