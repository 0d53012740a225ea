//! Changes in two steps: a dry run with a plan, then the same call with that plan.
//!
//! A plan is a hash of the caller, the arguments and the result of the dry run. Nothing is stored for it. The second call
//! repeats the dry run: if the result differs, the plan is refused. So what is applied is what was shown, save for a
//! request that is accepted between that dry run and this change; results are always those of what was applied. A plan is
//! an `Idempotency-Key` too, so it is applied once.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::tool::{Result, ToolCall};
use app::accept::{Accepted, Key, Submission};
use app::requests::Waited;
use domain::id::ObjectId;
use domain::journal::ListNo;
use domain::problem::{self, Problem};
use storage::ItemResult;
use wire::request::Results;

/// The answer of a tool that changes something.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeAnswer {
    /// Whether something was changed. False after a dry run, and while an accepted request waits.
    applied: bool,
    /// What to do next.
    next_step: String,
    /// After a dry run: show the results to the user, then call again with the same arguments and this plan.
    plan: Option<String>,
    /// After the second call: the id of the request, by which get_request knows it.
    request_id: Option<ObjectId>,
    /// The result of each contact: that it would have, or has.
    results: Results,
    /// After a dry run of an update: the values that would change.
    changes: Vec<PlannedChange>,
    /// After the second call: how to take the change back.
    undo: Option<UndoHint>,
}

/// A value that an update would change.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlannedChange {
    /// The position of the contact in the arguments, from 0.
    pub position: usize,
    /// The name of the field; that of a variable stands behind `variables.`.
    pub field: String,
    /// The present value, as get_contact shows it.
    pub from: Value,
    /// The value that the arguments name. Empty text clears a field.
    pub to: Value,
}

/// A call that takes a change back.
#[derive(Debug, Serialize, JsonSchema)]
struct UndoHint {
    /// The tool.
    tool: &'static str,
    /// Its arguments.
    arguments: UndoArguments,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct UndoArguments {
    /// The id of the request to undo.
    request_id: ObjectId,
}

/// What a plan is made of: the tool, and its arguments without the plan.
pub struct Asked<'a> {
    /// The path of the method that does the same.
    pub path: &'static str,
    /// The arguments as JSON.
    pub arguments: &'a [u8],
}

impl Asked<'_> {
    /// The plan of a dry run.
    pub fn plan(&self, call: &ToolCall, results: &Results, changes: &[PlannedChange]) -> Result<String> {
        let shown = serde_json::to_vec(&(results, changes)).map_err(super::ToolError::Answer)?;
        let mut hash = Sha256::new();
        for part in [call.caller.token.as_bytes(), self.path.as_bytes(), self.arguments, &shown] {
            // With lengths, so that no two lists of parts look alike.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let digits = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>();
        Ok(format!("plan-{digits}"))
    }

    /// How a change is submitted under a plan.
    pub fn submission(&self, call: &ToolCall, plan: &str) -> Result<Submission> {
        let key = Key::new(plan.as_bytes(), self.path, self.arguments).ok_or_else(outdated)?;
        Ok(Submission { key: Some(key), ..call.commands.submission() })
    }

    /// What was accepted under a plan before, if anything.
    pub async fn known(&self, call: &ToolCall, plan: &str, list: ListNo) -> Result<Option<Accepted>> {
        let submission = self.submission(call, plan)?;
        Ok(call.commands.known(&call.caller, &submission, list).await?)
    }
}

/// The plan is not of these arguments, or a contact has changed since.
pub fn outdated() -> Problem {
    let text = "The plan does not fit: the arguments or the contacts have changed since the dry run. Call again without \
                plan, and show the new results to the user";
    Problem::new("PLAN_OUTDATED", text).of("plan")
}

/// The answer of a dry run.
pub fn planned(plan: String, results: Vec<ItemResult>, changes: Vec<PlannedChange>) -> ChangeAnswer {
    ChangeAnswer {
        applied: false,
        next_step: "Nothing was changed. Show the results to the user. To apply exactly this, call again with the same \
                    arguments and the plan."
            .to_owned(),
        plan: Some(plan),
        request_id: None,
        results: Results::of(results),
        changes,
        undo: None,
    }
}

/// The answer of a change that was accepted: waits for its results, a few seconds at most.
pub async fn accepted(call: &ToolCall, request: ObjectId) -> Result<ChangeAnswer> {
    let waited = call.queries.await_request(&call.caller, request).await?;
    let found = call.queries.requests(&call.caller, vec![request]).await?;
    let found = found.into_iter().next().ok_or_else(|| problem::request_not_found(&request.to_string()))?;
    let applied = waited == Waited::Processed;
    let next_step = match applied {
        true => "The change was applied; the results say what became of each contact.",
        false => "The change is accepted and waits. Call get_request with the requestId for its results.",
    };
    Ok(ChangeAnswer {
        applied,
        next_step: next_step.to_owned(),
        plan: None,
        request_id: Some(request),
        results: Results::of(found.results),
        changes: Vec::new(),
        undo: Some(UndoHint { tool: "undo_request", arguments: UndoArguments { request_id: request } }),
    })
}
