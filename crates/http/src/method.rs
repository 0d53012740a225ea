//! What a method of the API is: a row of the one table from which the routes and the reference are made.

use std::pin::Pin;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use super::call::{Answer, Call, Outcome};
use app::{Operation, Refusal};
use domain::id::ObjectId;
use domain::problem::{MAX_PROBLEMS, Problem};
use domain::schema::FieldSpec;

/// A method: what it is called, what it takes, what it does.
pub struct Method {
    /// Its path, and the rights that it needs.
    pub operation: &'static Operation,
    /// Where it stands in the reference.
    pub group: &'static Group,
    /// What it does, in one line without a full stop.
    pub summary: &'static str,
    /// What there is to know about it, in Markdown.
    pub text: &'static str,
    /// What its body holds.
    pub body: Body,
    /// Requests and what they are answered. They are one story over all methods, told in the order of the table: an
    /// id that an answer gives is used by the requests after it.
    pub examples: &'static [Example],
    /// What is called.
    pub handler: &'static dyn Handle,
}

/// Methods that belong together.
#[derive(Debug)]
pub struct Group {
    /// What they are called.
    pub name: &'static str,
    /// What they are for, in Markdown.
    pub text: &'static str,
}

/// What a body holds.
#[derive(Clone, Copy, Debug)]
pub struct Body {
    /// Its keys: the very tables that it is read with.
    pub params: &'static [&'static [FieldSpec]],
    /// Whether an empty body stands for `{}`: where no key is required.
    pub optional: bool,
}

/// A request and its answer.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// What it shows, in one line without a full stop.
    pub summary: &'static str,
    /// The JSON that is sent.
    pub body: &'static str,
    /// The JSON that is answered, with 200.
    pub answer: &'static str,
}

impl Method {
    /// Its path, from `/v3/`.
    pub const fn path(&self) -> &'static str {
        self.operation.path
    }

    /// Whether its answers carry the id of the request: those of the contacts methods do (contract, section 1).
    pub fn shows_request_id(path: &str) -> bool {
        path.starts_with("/v3/contacts/")
    }

    /// Whether its answers with 200 carry `errors`, an empty array. The vendor's pages show it for contacts and
    /// requests alone, and some clients compare an answer as a whole.
    pub fn shows_errors(path: &str) -> bool {
        ["/v3/contacts/", "/v3/contact/", "/v3/request/"].iter().any(|group| path.starts_with(group))
    }
}

/// What a handler answers with 200, whatever its type.
pub struct Reply {
    answer: Box<dyn Members>,
    warnings: Vec<Problem>,
    request: Option<ObjectId>,
}

impl Reply {
    /// The body of an answer of the method with this path; `request_id` is the id of the request that was sent, where
    /// such answers show one.
    pub fn body(self, path: &str, request_id: Option<ObjectId>) -> Vec<u8> {
        self.answer.body(path, self.request.or(request_id), self.warnings)
    }
}

/// The members of an answer, their type forgotten.
trait Members: Send {
    fn body(&self, path: &str, request_id: Option<ObjectId>, warnings: Vec<Problem>) -> Vec<u8>;
}

impl<T: Serialize + Send> Members for T {
    fn body(&self, path: &str, request_id: Option<ObjectId>, warnings: Vec<Problem>) -> Vec<u8> {
        Success::new(path, request_id, self, warnings).to_bytes()
    }
}

/// What a handler comes to.
pub type Replying = Pin<Box<dyn Future<Output = Result<Reply, Refusal>> + Send>>;

/// A handler in the table: an async function from a [`Call`] to an [`Outcome`].
pub trait Handle: Send + Sync {
    /// Runs it.
    fn call(&self, call: Call) -> Replying;

    /// The schema of what it answers with 200.
    fn answer(&self, generator: &mut SchemaGenerator) -> Schema;
}

impl<H, F, T> Handle for H
where
    H: Fn(Call) -> F + Send + Sync,
    F: Future<Output = Outcome<T>> + Send + 'static,
    T: Serialize + JsonSchema + Send + 'static,
{
    fn call(&self, call: Call) -> Replying {
        let outcome = self(call);
        Box::pin(async move {
            let Answer { members, warnings, request } = outcome.await?;
            Ok(Reply { answer: Box::new(members), warnings, request })
        })
    }

    fn answer(&self, generator: &mut SchemaGenerator) -> Schema {
        Success::<T>::json_schema(generator)
    }
}

/// A success: what a method answers, around it what every answer has.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Success<T> {
    /// True: the request was done, or accepted and is on disk.
    result: bool,
    /// The id of this request, by which request/find knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<ObjectId>,
    #[serde(flatten)]
    members: T,
    /// Empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<String>>,
    /// Doubtful parts of the request, at most 1,000; absent without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1_000))]
    warnings: Vec<Problem>,
}

impl<T: Serialize> Success<T> {
    /// Of the method with this path. There are at most as many warnings as errors: a body of short unknown keys must
    /// not be answered with one many times its size.
    pub fn new(path: &str, request_id: Option<ObjectId>, members: T, mut warnings: Vec<Problem>) -> Self {
        warnings.truncate(MAX_PROBLEMS);
        let errors = Method::shows_errors(path).then(Vec::new);
        Self { result: true, request_id, members, errors, warnings }
    }

    /// As it is sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Only a map with keys that are no strings could fail, and there is none.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
