//! Changing contacts.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::contacts::unknown;
use super::plan::{self, Asked, ChangeAnswer, PlannedChange};
use super::schema;
use super::tool::{About, Result, Tool, ToolCall, damaged};
use app::Refusal;
use app::accept::Accepted;
use app::contacts::UPDATE;
use domain::journal::ContactNo;
use domain::problem::Problem;
use storage::{ItemResult, List};
use wire::contact::Shown;
use wire::ingest::{self, BodyKind, contacts};

/// Changes contacts.
pub struct UpdateContacts;

/// Which contacts, and their new values.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Arguments {
    /// The id of the list.
    contact_list_id: String,
    /// The contacts, applied in this order. Fields that are left out stay as they are; an empty text clears a text. A
    /// flag that was set to false stays false, unless its contact has `resubscribe`.
    #[schemars(schema_with = "contact_array")]
    contacts: Vec<Map<String, Value>>,
    /// Whether a contact that is not in the list is created; false by default.
    upsert: Option<bool>,
    /// The kind of `contact` in every item. Without it, `contact` is looked up as a userId, then as an e-mail address,
    /// then as a phone number.
    #[schemars(with = "Option<String>", extend("enum" = ["userId", "email", "phoneNumber", null]))]
    contact_by: Option<String>,
    /// The plan of the dry run. Without it, nothing is changed: the answer shows what would be, with a plan.
    plan: Option<String>,
}

fn contact_array(_: &mut SchemaGenerator) -> Schema {
    Schema::try_from(schema::array(&contacts::UPDATED[0])).unwrap_or_default()
}

impl Arguments {
    /// The same as a body that the decoder of batches reads.
    fn body(&self, dry_run: bool) -> Vec<u8> {
        let mut body = json!({
            "contactListId": self.contact_list_id,
            "contacts": self.contacts,
            "upsert": self.upsert.unwrap_or_default(),
            "optOut": "keep",
        });
        if let Some(by) = &self.contact_by {
            body["contactBy"] = json!(by);
        }
        if dry_run {
            body["dryRun"] = json!(true);
        }
        body.to_string().into_bytes()
    }
}

impl Tool for UpdateContacts {
    const ABOUT: About = About {
        name: "update_contacts",
        title: "Update contacts",
        text: "Changes 1 to 100 contacts of a list, or creates them with upsert. Always in two steps: without plan, it \
               returns a dry run and a plan, and changes nothing. Show that to the user. Then call it again with the \
               same arguments and the plan to apply exactly that. The answer says how to undo it.",
        operation: &UPDATE,
    };
    type Arguments = Arguments;
    type Answer = ChangeAnswer;

    async fn run(call: ToolCall, arguments: Arguments) -> Result<ChangeAnswer> {
        let list = call.list(&arguments.contact_list_id).await?;
        let body = arguments.body(false);
        let asked = Asked { path: UPDATE.path, arguments: &body };
        if let Some(plan) = &arguments.plan
            && let Some(known) = asked.known(&call, plan, list.no).await?
        {
            return plan::accepted(&call, known.request).await;
        }
        let context = call.context(call.commands.submission());
        let tried = ingest::accept(context, BodyKind::Update, &arguments.body(true)).await?;
        let results = tried_results(tried)?;
        let changes = planned_changes(&call, &list, &arguments.contacts, &results).await?;
        let shown = wire::request::Results::of(results.iter().cloned());
        let plan = asked.plan(&call, &shown, &changes)?;
        match arguments.plan {
            None => Ok(plan::planned(plan, results, changes)),
            Some(named) if named != plan => Err(plan::outdated().into()),
            Some(_) => {
                let context = call.context(asked.submission(&call, &plan)?);
                let accepted = ingest::accept(context, BodyKind::Update, &body).await?;
                plan::accepted(&call, accepted.request).await
            }
        }
    }
}

/// The results of a dry run. An unknown key of a contact is refused: the API ignores it with a warning, which a model may
/// not read.
fn tried_results(tried: Accepted) -> Result<Vec<ItemResult>> {
    let problems =
        tried.warnings.into_iter().filter(|warning| warning.code == "UNKNOWN_FIELD").map(|warning| {
            let Problem { position, field, .. } = warning;
            let problem = unknown(&field.unwrap_or_default());
            Problem { position, ..problem }
        });
    let problems: Vec<_> = problems.collect();
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems).into());
    }
    Ok(tried.results.unwrap_or_default())
}

/// The members of a contact that are no values of it.
const NO_VALUES: [&str; 3] = ["contact", "resubscribe", "consent"];

/// The present values of what the contacts would change. At most 100 contacts are read.
async fn planned_changes(
    call: &ToolCall,
    list: &List,
    contacts: &[Map<String, Value>],
    results: &[ItemResult],
) -> Result<Vec<PlannedChange>> {
    let mut changes = Vec::new();
    for (position, (asked, result)) in contacts.iter().zip(results).enumerate() {
        let ItemResult::Done { id, .. } = result else { continue };
        let present = match id.and_then(|id| id.contact_number(list.id)) {
            Some(number) => call.queries.contact_by_number(&call.caller, list, ContactNo(number)).await?,
            None => None,
        };
        let present = present.map(|contact| Shown::of(&contact, list, &[])).transpose().map_err(damaged)?;
        let present = serde_json::to_value(present).map_err(super::ToolError::Answer)?;
        for (field, to) in asked {
            match field.as_str() {
                "variables" => changes.extend(of_variables(position, &present, to)),
                name if NO_VALUES.contains(&name) => {}
                name => {
                    let shown = if name == "externalId" { "userId" } else { name };
                    let from = present.get(shown).cloned().unwrap_or_default();
                    changes.push(PlannedChange { position, field: name.to_owned(), from, to: to.clone() });
                }
            }
        }
    }
    Ok(changes)
}

fn of_variables(position: usize, present: &Value, asked: &Value) -> Vec<PlannedChange> {
    let asked = asked.as_array().into_iter().flatten().filter_map(|entry| {
        let name = entry["name"].as_str()?;
        let mut shown = present["variables"].as_array().into_iter().flatten();
        let from = shown.find(|shown| shown["name"] == name).map(|shown| shown["value"].clone());
        let field = format!("variables.{name}");
        Some(PlannedChange { position, field, from: from.unwrap_or_default(), to: entry["value"].clone() })
    });
    asked.collect()
}
