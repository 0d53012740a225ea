//! What a tool is: a row of the one table from which clients learn the tools and calls are answered.

use std::pin::Pin;
use std::sync::Arc;

use rmcp::model::{JsonObject, ToolAnnotations};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::schema;
use app::accept::Submission;
use app::{Access, Caller, Commands, Operation, Queries, Refusal};
use domain::id::ObjectId;
use domain::problem::{self, Problem};
use storage::List;
use wire::ingest::Context;

/// The outcome of a tool.
pub type Result<T, E = ToolError> = std::result::Result<T, E>;

/// A tool, with its arguments and its answer.
pub trait Tool {
    /// Its name, and its texts.
    const ABOUT: About;
    /// Its arguments: an object.
    type Arguments: DeserializeOwned + JsonSchema + Send + 'static;
    /// Its answer: an object.
    type Answer: Serialize + JsonSchema + Send + 'static;

    /// Runs it. The caller's rights were checked.
    fn run(
        call: ToolCall,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<Self::Answer>> + Send + 'static;
}

/// The texts of a tool, and the rights that it needs.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its name: clients and users refer to it, so it never changes.
    pub name: &'static str,
    /// Its title for people.
    pub title: &'static str,
    /// What it does and when to use it, for a model.
    pub text: &'static str,
    /// The rights that it needs.
    pub operation: &'static Operation,
}

/// What a tool gets.
#[derive(Clone)]
pub struct ToolCall {
    /// The use cases that change something.
    pub commands: Commands,
    /// The use cases that read.
    pub queries: Queries,
    /// The caller.
    pub caller: Caller,
}

impl ToolCall {
    /// The list with that id, if the caller may see it.
    pub async fn list(&self, id: &str) -> Result<Arc<List>> {
        let id = id.trim();
        self.queries.list(&self.caller, id).await?.ok_or_else(|| problem::list_not_found(id).into())
    }

    /// What the body of a batch is read for.
    pub fn context(&self, submission: Submission) -> Context<'_> {
        Context { commands: &self.commands, queries: &self.queries, caller: &self.caller, submission }
    }
}

/// The id that an argument has.
pub fn parse_id(text: &str, argument: &'static str) -> Result<ObjectId> {
    ObjectId::parse(text.trim()).ok_or_else(|| {
        let text = format!("Argument {argument} must be an id of 24 hex digits");
        Problem::new("INVALID_ID", text).of(argument).into()
    })
}

/// Why a tool did not do what it was asked. The model reads the text.
#[derive(Debug)]
pub enum ToolError {
    /// A use case refused.
    Refused(Refusal),
    /// The arguments do not fit the schema.
    Arguments(serde_json::Error),
    /// The answer cannot be written as JSON.
    Answer(serde_json::Error),
}

impl ToolError {
    /// Its status, by the numbers of HTTP, and at least one problem.
    pub fn into_problems(self) -> (u16, Vec<Problem>) {
        match self {
            Self::Refused(refusal) => (refusal.status(), refusal.into_problems()),
            Self::Arguments(error) => (400, vec![Problem::new("INVALID_ARGUMENTS", error.to_string())]),
            Self::Answer(_) => (500, Refusal::Panicked.into_problems()),
        }
    }
}

/// Problems as a model reads them: one line each, with its code, its place and its text.
pub fn text(problems: Vec<Problem>) -> String {
    let line = |Problem { position, field, code, message }: Problem| {
        let position = position.map(|position| format!("contact {position}"));
        let places: Vec<_> = field.into_iter().chain(position).collect();
        match places.is_empty() {
            true => format!("{code}: {message}"),
            false => format!("{code} ({}): {message}", places.join(", ")),
        }
    };
    problems.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

impl From<Refusal> for ToolError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Problem> for ToolError {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem.into())
    }
}

impl From<storage::Error> for ToolError {
    fn from(error: storage::Error) -> Self {
        Self::Refused(error.into())
    }
}

/// A stored form that does not read.
pub fn damaged(error: impl std::fmt::Display) -> ToolError {
    storage::Error::Damaged(error.to_string()).into()
}

type Running = Pin<Box<dyn Future<Output = Result<Value>> + Send>>;

/// A tool in the table: its types are forgotten.
pub struct Spec {
    /// Its texts.
    pub about: About,
    input: fn() -> JsonObject,
    output: fn() -> JsonObject,
    run: fn(ToolCall, JsonObject) -> Running,
}

impl Spec {
    /// The row of a tool.
    pub const fn of<T: Tool>() -> Self {
        Self {
            about: T::ABOUT,
            input: schema::input::<T::Arguments>,
            output: schema::output::<T::Answer>,
            run: run::<T>,
        }
    }

    /// As clients list it.
    pub fn describe(&self) -> rmcp::model::Tool {
        let About { name, title, text, operation } = self.about;
        let reads = operation.access == Access::Read;
        // What a tool does can be undone; both tools that change something work on this server alone.
        let hints =
            ToolAnnotations::new().read_only(reads).destructive(!reads).idempotent(true).open_world(false);
        rmcp::model::Tool::new(name, text, (self.input)())
            .with_title(title)
            .with_annotations(hints)
            .with_raw_output_schema(Arc::new((self.output)()))
    }

    /// Calls it.
    pub fn call(&self, call: ToolCall, arguments: JsonObject) -> Running {
        (self.run)(call, arguments)
    }
}

fn run<T: Tool>(call: ToolCall, arguments: JsonObject) -> Running {
    match serde_json::from_value::<T::Arguments>(Value::Object(arguments)) {
        Ok(arguments) => {
            let running = T::run(call, arguments);
            Box::pin(async move { serde_json::to_value(running.await?).map_err(ToolError::Answer) })
        }
        Err(error) => Box::pin(std::future::ready(Err(ToolError::Arguments(error)))),
    }
}
