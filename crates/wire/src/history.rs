//! Changes of a contact as they are answered.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::contact::{show_cac, show_field};
use domain::clock::Timestamp;
use domain::contact::amount::Cac;
use domain::contact::field::{Field, Key};
use domain::contact::record::Malformed;
use domain::history::ChangeKind;
use domain::id::ObjectId;
use storage::{ContactChange, Error, List, Source};

/// A change of a contact.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Change")]
pub struct ShownChange {
    /// When it was applied.
    changed_at: Timestamp,
    /// The action.
    #[schemars(extend("enum" = ["created", "updated", "removed"]))]
    action: &'static str,
    /// By which request.
    request_id: ObjectId,
    /// The method that was called.
    #[schemars(schema_with = "crate::request::sources")]
    source: &'static str,
    /// The key of the token, as `rollbook token list` shows it; `user:` and the id of the user for the console.
    token: String,
    /// The fields.
    changes: Vec<ShownField>,
}

/// A change of a field.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FieldChange")]
struct ShownField {
    /// Its name; that of a variable stands behind `variables.`.
    field: String,
    /// Its old value, as contact/get shows it.
    old: Value,
    /// Its new value.
    new: Value,
}

/// Changes of a contact of a list, in words.
///
/// # Errors
/// Where what is stored does not read.
pub fn show_changes(
    changes: &[ContactChange],
    list: &List,
    sources: &HashMap<u64, Source>,
) -> Result<Vec<ShownChange>, Error> {
    let names: HashMap<_, _> =
        list.variables.iter().map(|variable| (variable.number, variable.name.as_str())).collect();
    let shown = changes.iter().map(|change| show_change(change, &names, sources)).collect::<Result<_, _>>();
    shown.map_err(|malformed| Error::Damaged(malformed.to_string()))
}

fn show_change(
    change: &ContactChange,
    names: &HashMap<u32, &str>,
    sources: &HashMap<u64, Source>,
) -> Result<ShownChange, Malformed> {
    let mut changes = Vec::with_capacity(change.fields.len());
    // The values of a variable that was removed are on their way out, and are shown no more.
    let is_kept = |key: Key| key.variable().is_none_or(|number| names.contains_key(&number));
    for field in change.fields.iter().filter(|field| is_kept(field.key)) {
        changes.push(ShownField {
            field: field.key.name(|number| names.get(&number).copied()),
            old: show_value(field.key, &field.old, sources)?,
            new: show_value(field.key, &field.new, sources)?,
        });
    }
    Ok(ShownChange {
        changed_at: change.at,
        action: match change.kind {
            ChangeKind::Created => "created",
            ChangeKind::Updated | ChangeKind::Erased => "updated",
            ChangeKind::Removed => "removed",
        },
        request_id: change.request,
        source: change.asked.source(),
        token: change.token.clone(),
        changes,
    })
}

/// A stored value, empty where there was none.
///
/// # Errors
/// What is stored does not read.
pub fn show_value(key: Key, stored: &[u8], sources: &HashMap<u64, Source>) -> Result<Value, Malformed> {
    let stored = Some(stored).filter(|stored| !stored.is_empty());
    match (Field::of_key(key), stored) {
        (Some(Field::Source), Some(stored)) => {
            let no = u64::from_le_bytes(stored.try_into().map_err(|_| Malformed)?);
            // Of a source that was removed nothing is left to show.
            Ok(json!(sources.get(&no).map(|source| source.id)))
        }
        (Some(Field::Cac), Some(stored)) => Ok(json!(show_cac(&Cac::from_bytes(stored).ok_or(Malformed)?))),
        (Some(Field::Source | Field::Cac), None) => Ok(Value::Null),
        (Some(field), stored) => show_field(field, stored),
        (None, stored) => Ok(json!(stored.map(std::str::from_utf8).transpose().map_err(|_| Malformed)?)),
    }
}
