//! Searching contacts by what a person types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::contacts::{filter, read_filter, within};
use super::tool::{About, Result, Tool, ToolCall, damaged};
use app::contacts::read;
use app::contacts::search::Search;
use app::find::searched::wrong;
use domain::id::ObjectId;
use domain::problem;
use domain::search::Query;
use wire::contact::Shown;

/// Contacts of one answer at most: each is sent twice, as text and as structure.
const MAX_LIMIT: u32 = 50;

/// Searches contacts.
pub struct SearchContacts;

/// What to search for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Arguments {
    /// Words of a name or an e-mail address, whole or their beginnings, in any order; or the last six or more digits of a
    /// phone number; or a whole user ID or contact ID. All words must match. Case, accents and spelling do not matter.
    text: String,
    /// The id of the list. Without it, all lists that the token sees.
    contact_list_id: Option<String>,
    /// What the contacts must match besides: all members that are given.
    #[serde(default)]
    #[schemars(schema_with = "filter")]
    filter: Map<String, Value>,
    /// How many contacts there are at most, 1 to 50; 20 by default.
    #[schemars(range(min = 1, max = 50))]
    limit: Option<u32>,
}

/// The contacts, the best matches first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    /// The contacts, each with its list.
    contacts: Vec<FoundContact>,
    /// Whether there are more. Add words to find fewer.
    more: bool,
    /// Contacts that are damaged on disk, or an index that is being built: contacts may be missing.
    warnings: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FoundContact {
    /// The id of the list.
    contact_list_id: ObjectId,
    /// The name of the list.
    list_name: String,
    /// The id of the contact.
    contact_id: ObjectId,
    /// Its fields.
    contact: Shown,
}

impl Tool for SearchContacts {
    const ABOUT: About = About {
        name: "search_contacts",
        title: "Search contacts",
        text: "Contacts that match what a person types: a name, a part of an e-mail address, the end of a phone number. In \
               one list or in all lists. Use it if you do not know the exact identifier.",
        operation: &read::FIND,
    };
    type Arguments = Arguments;
    type Answer = Answer;

    async fn run(call: ToolCall, arguments: Arguments) -> Result<Answer> {
        let limit = within(arguments.limit, MAX_LIMIT)?;
        let query = Query::parse(&arguments.text).map_err(wrong)?;
        let list = match &arguments.contact_list_id {
            Some(id) => Some(call.list(id).await?),
            None => None,
        };
        let wanted = read_filter(&arguments.filter, list.as_deref())?;
        if list.is_none() && wanted.names_parts_of_a_list() {
            let text = "must not name variables or segments without contactListId";
            return Err(problem::filter("filter", text).into());
        }
        let filter = call.queries.filter(&call.caller, list.as_deref(), &wanted).await?;
        let lists = match list {
            Some(list) => vec![list],
            None => call.queries.searched_lists(&call.caller).await?,
        };
        let search = Search { lists: &lists, query: &query, filter: &filter, from: None, limit };
        let hits = call.queries.search(&call.caller, search).await?;
        let rows = hits.rows.iter().map(|hit| &hit.contact);
        let suppressed = call.queries.suppressions_of(&call.caller, rows).await?;
        let mut contacts = Vec::with_capacity(hits.rows.len());
        for (hit, suppressed) in hits.rows.iter().zip(&suppressed) {
            contacts.push(FoundContact {
                contact_list_id: hit.list.id,
                list_name: hit.list.about.name.clone(),
                contact_id: ObjectId::of_contact(hit.list.id, hit.number.0),
                contact: Shown::of(&hit.contact, &hit.list, suppressed).map_err(damaged)?,
            });
        }
        let mut warnings: Vec<_> = hits
            .damaged
            .iter()
            .map(|(list, number)| problem::contact_damaged(*list, *number).message)
            .collect();
        if hits.incomplete {
            warnings.push("The search index is being built: contacts may be missing".to_owned());
        }
        Ok(Answer { contacts, more: hits.next.is_some(), warnings })
    }
}
