//! The history of a contact.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::contacts::{ContactKey, within};
use super::tool::{About, Result, Tool, ToolCall};
use app::contacts::read;
use domain::id::ObjectId;
use storage::Window;
use wire::history::{ShownChange, show_changes};

/// Reads the history of a contact.
pub struct GetContactHistory;

/// Which contact, and which of its changes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HistoryArguments {
    /// The id of the list.
    contact_list_id: String,
    /// An identifier of the contact.
    by: ContactKey,
    /// How many of the newest changes are left out; 0 by default.
    offset: Option<u64>,
    /// How many changes there are at most, 1 to 100; 20 by default.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
}

/// The changes of a contact, the newest first.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryAnswer {
    /// The contact; null if none was found.
    contact_id: Option<ObjectId>,
    /// The changes, each with the old and the new value of its fields.
    changes: Vec<ShownChange>,
    /// How many changes there are in all, 10,000 at most.
    total_count: u64,
    /// Whether `totalCount` counts all changes that are stored.
    complete: bool,
}

impl Tool for GetContactHistory {
    const ABOUT: About = About {
        name: "get_contact_history",
        title: "Get the history of a contact",
        text: "The changes of a contact, the newest first: when, by which request and token, with old and new values. \
               Former identifiers and removed contacts are found too.",
        operation: &read::HISTORY,
    };
    type Arguments = HistoryArguments;
    type Answer = HistoryAnswer;

    async fn run(call: ToolCall, arguments: HistoryArguments) -> Result<HistoryAnswer> {
        let list = call.list(&arguments.contact_list_id).await?;
        let limit = within(arguments.limit, 100)?;
        let window = Window { offset: arguments.offset.unwrap_or_default(), limit };
        let identifiers = arguments.by.identifiers(&call, &list).await?;
        let found = call.queries.history(&call.caller, &list, identifiers, window).await?;
        let Some(found) = found else {
            return Ok(HistoryAnswer {
                contact_id: None,
                changes: Vec::new(),
                total_count: 0,
                complete: true,
            });
        };
        Ok(HistoryAnswer {
            contact_id: Some(ObjectId::of_contact(list.id, found.number.0)),
            changes: show_changes(&found.changes, &list, &found.sources)?,
            total_count: found.total,
            complete: found.complete,
        })
    }
}
