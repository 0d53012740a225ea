//! Segments.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tool::{About, Result, Tool, ToolCall};
use app::segments;
use domain::id::ObjectId;

/// Lists the segments of a list.
pub struct ListSegments;

/// Of which list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Arguments {
    /// The id of the list.
    contact_list_id: String,
    /// Only the segment with exactly this name.
    name: Option<String>,
    /// Whether to count the contacts of each segment. A count looks at every contact of the list: name one segment if the
    /// list is large.
    #[serde(default)]
    count: bool,
}

/// The segments, by name.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    /// At most 100 segments.
    segments: Vec<SegmentItem>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SegmentItem {
    /// The id. A filter of find_contacts or search_contacts names it as {"segment": "…"}.
    segment_id: ObjectId,
    /// The name.
    name: String,
    /// Its filter, as JSON text.
    filter: String,
    /// How many contacts are in it; null if count is false.
    contacts: Option<u64>,
}

impl Tool for ListSegments {
    const ABOUT: About = About {
        name: "list_segments",
        title: "List segments",
        text: "The segments of a list: filters with a name, with how many contacts match if count is true. To find the \
               contacts of a segment, use find_contacts with a filter that names it.",
        operation: &segments::FIND,
    };
    type Arguments = Arguments;
    type Answer = Answer;

    async fn run(call: ToolCall, arguments: Arguments) -> Result<Answer> {
        let list = call.list(&arguments.contact_list_id).await?;
        let mut found = call.queries.segments(&call.caller, &list).await.map_err(app::Refusal::Store)?;
        found.retain(|segment| arguments.name.as_ref().is_none_or(|name| *name == segment.name));
        let mut segments = Vec::with_capacity(found.len());
        for segment in found {
            let contacts = match arguments.count {
                true => Some(call.queries.segment_size(&call.caller, &list, &segment).await?),
                false => None,
            };
            segments.push(SegmentItem {
                segment_id: segment.id,
                filter: segment.filter.to_json(Some(&list)).to_string(),
                name: segment.name,
                contacts,
            });
        }
        Ok(Answer { segments })
    }
}
