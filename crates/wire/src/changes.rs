//! Changes of contacts, in their order, as they are answered.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::contact::Shown;
use super::history::show_value;
use app::changes::ChangesRead;
use domain::clock::Timestamp;
use domain::contact::field::{Field, Key, Kind};
use domain::contact::record::Malformed;
use domain::id::ObjectId;
use storage::{Change, ChangeAction, ChangeCursor, Detail, Error, List, Source, Suppression};

/// A change of a contact.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "FeedChange")]
pub struct ShownChange {
    /// The cursor behind this change.
    cursor: String,
    /// The list.
    contact_list_id: ObjectId,
    /// The contact.
    contact_id: ObjectId,
    /// Its userId after the change, of a removal the last; null if it has none or was erased.
    user_id: Option<String>,
    /// Its e-mail address, in the same way.
    email: Option<String>,
    /// Its phone number, in the same way.
    phone_number: Option<String>,
    /// The action.
    #[schemars(extend("enum" = ["created", "updated", "removed", "erased"]))]
    action: &'static str,
    /// By which request.
    request_id: ObjectId,
    /// The method that was called.
    #[schemars(schema_with = "crate::request::sources")]
    source: &'static str,
    /// When it was applied.
    at: Timestamp,
    /// The key of the token, as `rollbook token list` shows it; `user:` and the id of the user for the console.
    by: String,
    /// The fields that changed, by name; the name of a variable stands behind `variables.`. With `include` `changes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<BTreeMap<String, ValueChange>>")]
    fields: Option<ChangedFields>,
    /// The contact as it is now; absent if it is gone. With `include` `contact`.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<Shown>,
}

/// The change of a value.
#[derive(Debug, Serialize, JsonSchema)]
struct ValueChange {
    /// The old value, as contact/get shows it.
    #[schemars(with = "Value")]
    from: ShownValue,
    /// The new value.
    #[schemars(with = "Value")]
    to: ShownValue,
}

/// The fields that changed, in the order of their names. A page has thousands: each is one place in an array.
#[derive(Debug)]
struct ChangedFields(Vec<(Cow<'static, str>, ValueChange)>);

impl Serialize for ChangedFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, change)| (name, change)))
    }
}

/// A value. A text is the one that was stored.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ShownValue {
    Null,
    Flag(bool),
    Text(String),
    Other(Box<Value>),
}

impl ShownValue {
    fn of(key: Key, stored: Vec<u8>, sources: &HashMap<u64, Source>) -> Result<Self, Malformed> {
        let is_text = match Field::of_key(key).map(Field::kind) {
            None
            | Some(Some(Kind::Identifier | Kind::Text | Kind::Language | Kind::Timezone | Kind::Link)) => {
                !stored.is_empty()
            }
            Some(None | Some(Kind::Flag | Kind::Birthday | Kind::Gender | Kind::Score)) => false,
        };
        if is_text {
            return String::from_utf8(stored).map(Self::Text).map_err(|_| Malformed);
        }
        Ok(match show_value(key, &stored, sources)? {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Flag(flag),
            Value::String(text) => Self::Text(text),
            other => Self::Other(Box::new(other)),
        })
    }
}

/// The changes of a page with the old and the new values, a JSON object each; null for a change whose list was removed
/// meanwhile. They are taken out of the page.
///
/// # Errors
/// What is stored does not read.
pub fn values(read: &mut ChangesRead) -> Result<Vec<Value>, Error> {
    let shown = show_each(read, Detail::Fields)?.into_iter();
    let values = shown.map(serde_json::to_value).collect::<Result<_, _>>();
    // Only a map with keys that are no strings could fail, and there is none.
    values.map_err(|error| Error::Damaged(error.to_string()))
}

/// The changes of a page as they are answered. They are taken out of the page.
///
/// # Errors
/// What is stored does not read.
pub fn show(read: &mut ChangesRead, detail: Detail) -> Result<Vec<ShownChange>, Error> {
    // One of a list that was removed meanwhile is not shown any more.
    Ok(show_each(read, detail)?.into_iter().flatten().collect())
}

fn show_each(read: &mut ChangesRead, detail: Detail) -> Result<Vec<Option<ShownChange>>, Error> {
    let mut names: HashMap<_, HashMap<u32, &str>> = HashMap::new();
    for (no, list) in &read.lists {
        let variables = list.variables.iter().map(|variable| (variable.number, variable.name.as_str()));
        names.insert(*no, variables.collect());
    }
    let cursors: Vec<_> = read.page.cursors().collect();
    let mut shown = Vec::with_capacity(cursors.len());
    let mut suppressed = read.suppressed.iter();
    for (change, cursor) in std::mem::take(&mut read.page.changes).into_iter().zip(cursors) {
        let suppressed =
            change.contact.as_ref().and_then(|_| suppressed.next()).map_or(&[][..], Vec::as_slice);
        let (Some(list), Some(names)) = (read.lists.get(&change.list), names.get(&change.list)) else {
            shown.push(None);
            continue;
        };
        let list: &List = list;
        let list = Shows { list, names, sources: &read.page.sources, detail };
        let change = show_change(change, ChangeCursor::text_of(&cursor), &list, suppressed);
        shown.push(Some(change.map_err(|malformed| Error::Damaged(malformed.to_string()))?));
    }
    Ok(shown)
}

/// What all changes of a list are shown with.
struct Shows<'a> {
    list: &'a List,
    /// The names of its variables, by number.
    names: &'a HashMap<u32, &'a str>,
    sources: &'a HashMap<u64, Source>,
    detail: Detail,
}

fn show_change(
    change: Change,
    cursor: String,
    Shows { list, names, sources, detail }: &Shows<'_>,
    suppressed: &[Suppression],
) -> Result<ShownChange, Malformed> {
    let mut fields = Vec::with_capacity(change.fields.len());
    for field in change.fields {
        // The values of a variable that was removed are being deleted, and are not shown.
        if field.key.variable().is_some_and(|number| !names.contains_key(&number)) {
            continue;
        }
        let name = match Field::of_key(field.key) {
            Some(known) => Cow::Borrowed(known.name()),
            None => Cow::Owned(field.key.name(|number| names.get(&number).copied())),
        };
        let from = ShownValue::of(field.key, field.old, sources)?;
        fields.push((name, ValueChange { from, to: ShownValue::of(field.key, field.new, sources)? }));
    }
    fields.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    let contact = change.contact.as_ref().map(|contact| Shown::of(contact, list, suppressed)).transpose()?;
    Ok(ShownChange {
        cursor,
        contact_list_id: list.id,
        contact_id: ObjectId::of_contact(list.id, change.number.0),
        user_id: change.identifiers.user_id,
        email: change.identifiers.email,
        phone_number: change.identifiers.phone_number,
        action: change.action.name(),
        request_id: change.request,
        source: change.asked.source(),
        at: change.at,
        by: change.token,
        fields: (*detail == Detail::Fields && change.action != ChangeAction::Erased)
            .then_some(ChangedFields(fields)),
        contact,
    })
}
