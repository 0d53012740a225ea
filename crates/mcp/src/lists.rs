//! Lists.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tool::{About, Result, Tool, ToolCall};
use app::lists::{self, ListQuery};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use storage::{VariableKind, Window};

/// Lists of one answer at most.
const MAX: u32 = 100;

/// Lists the lists.
pub struct ListContactLists;

/// Which lists.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Arguments {
    /// Only lists with exactly this name.
    name: Option<String>,
    /// How many lists are left out at the beginning; 0 by default.
    offset: Option<u64>,
}

/// The lists, the oldest first.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// At most 100 lists.
    lists: Vec<ListItem>,
    /// How many lists match in all.
    total_count: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ListItem {
    /// The id: the other tools take it as contactListId.
    contact_list_id: ObjectId,
    /// The name.
    name: String,
    /// How many contacts the list has.
    contacts: u64,
    /// Whether this is the default list of the account.
    is_default: bool,
    /// The own variables of its contacts.
    variables: Vec<VariableItem>,
    /// When it was created, UTC.
    created_at: Timestamp,
}

#[derive(Debug, Serialize, JsonSchema)]
struct VariableItem {
    /// The name.
    name: String,
    /// The type of its values: `string` or `date`.
    r#type: &'static str,
}

impl Tool for ListContactLists {
    const ABOUT: About = About {
        name: "list_contact_lists",
        title: "List contact lists",
        text: "The lists of contacts that the token sees, with their sizes and their own variables. Start here: the \
               other tools need the id of a list.",
        operation: &lists::FIND,
    };
    type Arguments = Arguments;
    type Answer = Answer;

    async fn run(call: ToolCall, arguments: Arguments) -> Result<Answer> {
        let query = ListQuery { name: arguments.name, ..ListQuery::default() };
        let window = Window { offset: arguments.offset.unwrap_or_default(), limit: MAX };
        let page = call.queries.lists(&call.caller, query, window).await?;
        let sizes = call.queries.list_sizes(&page.rows).await?;
        let item = |list: &storage::List| ListItem {
            contact_list_id: list.id,
            name: list.about.name.clone(),
            contacts: sizes.get(&list.no).copied().unwrap_or_default(),
            is_default: list.about.is_default,
            variables: list
                .variables
                .iter()
                .map(|variable| VariableItem {
                    name: variable.name.clone(),
                    r#type: match variable.kind {
                        VariableKind::String => "string",
                        VariableKind::Date => "date",
                    },
                })
                .collect(),
            created_at: list.about.created_at,
        };
        Ok(Answer { lists: page.rows.iter().map(item).collect(), total_count: page.total })
    }
}
