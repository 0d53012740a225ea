//! The changes of contacts, in their order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::contacts::within;
use super::tool::{About, Result, Tool, ToolCall, parse_id};
use app::changes::{CHANGES, ChangesRequest};
use domain::problem::Problem;
use storage::{ChangeCursor, ChangesFrom, Detail};
use wire::changes::{ShownChange, show};

/// Changes of one answer at most.
const MAX_LIMIT: u32 = 100;

/// Reads changes.
pub struct ReadChanges;

/// Which changes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Arguments {
    /// The id of the list. Without it, all lists that the token sees.
    contact_list_id: Option<String>,
    /// Where to begin: `next` of the answer before, or `start` for the oldest change that is stored. Without it, the
    /// answer has no changes, and `next` is the present moment.
    after: Option<String>,
    /// How many changes there are at most, 1 to 100; 20 by default.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
}

/// The changes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    /// The changes in their order, each with the old and the new value of its fields.
    changes: Vec<ShownChange>,
    /// Where the next page begins: send it as `after`.
    next: String,
}

impl Tool for ReadChanges {
    const ABOUT: About = About {
        name: "read_changes",
        title: "Read changes",
        text: "The changes of all contacts of a list or of all lists, in the order in which they were applied, with \
               removals and erasures. Use it to see what changed since a moment.",
        operation: &CHANGES,
    };
    type Arguments = Arguments;
    type Answer = Answer;

    async fn run(call: ToolCall, arguments: Arguments) -> Result<Answer> {
        let list = arguments.contact_list_id.map(|id| parse_id(&id, "contactListId")).transpose()?;
        let from = match arguments.after.as_deref().map(str::trim) {
            None => ChangesFrom::Now,
            Some("start") => ChangesFrom::Start,
            Some(cursor) => ChangesFrom::After(ChangeCursor::decode(cursor).map_err(|_| {
                let text = "Argument after must be start or the next of an answer";
                Problem::new("INVALID_AFTER", text).of("after")
            })?),
        };
        let limit = within(arguments.limit, MAX_LIMIT)?;
        let request = ChangesRequest { list, from, limit, detail: Detail::Fields, fields: None };
        let mut read = call.queries.changes(&call.caller, &request).await?;
        Ok(Answer { changes: show(&mut read, Detail::Fields)?, next: read.page.next.encode() })
    }
}
