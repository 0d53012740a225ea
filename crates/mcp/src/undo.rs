//! Undoing a request.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::plan::{self, Asked, ChangeAnswer};
use super::tool::{About, Result, Tool, ToolCall, parse_id};
use app::undo::UNDO;
use domain::problem;
use wire::request::Results;

/// Undoes a request.
pub struct UndoRequest;

/// Which request.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Arguments {
    /// The id of the request.
    request_id: String,
    /// The plan of the dry run. Without it, nothing is changed: the answer shows what would be, with a plan.
    plan: Option<String>,
}

impl Tool for UndoRequest {
    const ABOUT: About = About {
        name: "undo_request",
        title: "Undo a request",
        text: "Takes back what a request changed, per contact and field, unless a later request changed the field. Always \
               in two steps: without plan, it returns a dry run and a plan, and changes nothing. Show that to the user. \
               Then call it again with the plan to apply exactly that. An undo can be undone too.",
        operation: &UNDO,
    };
    type Arguments = Arguments;
    type Answer = ChangeAnswer;

    async fn run(call: ToolCall, arguments: Arguments) -> Result<ChangeAnswer> {
        let id = parse_id(&arguments.request_id, "requestId")?;
        let target = call.queries.undo_target(&call.caller, id).await?;
        let target = target.ok_or_else(|| problem::request_not_found(&id.to_string()))?;
        let body = json!({ "requestId": id }).to_string().into_bytes();
        let asked = Asked { path: UNDO.path, arguments: &body };
        if let Some(plan) = &arguments.plan
            && let Some(known) = asked.known(&call, plan, target.list()).await?
        {
            return plan::accepted(&call, known.request).await;
        }
        // The history of a request that waits does not exist yet.
        call.queries.await_request(&call.caller, id).await?;
        let tried = call.commands.submission();
        let tried = call.commands.try_undo(&call.caller, tried, target.clone()).await?;
        let results = tried.results.unwrap_or_default();
        let shown = Results::of(results.iter().cloned());
        let plan = asked.plan(&call, &shown, &[])?;
        match arguments.plan {
            None => Ok(plan::planned(plan, results, Vec::new())),
            Some(named) if named != plan => Err(plan::outdated().into()),
            Some(_) => {
                let submission = asked.submission(&call, &plan)?;
                let accepted = call.commands.undo(&call.caller, submission, target, None).await?;
                plan::accepted(&call, accepted.request).await
            }
        }
    }
}
