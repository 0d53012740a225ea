//! A contact as it is shown.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::{Error as _, SerializeMap as _};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use crate::suppression::ShownSuppression;
use domain::contact::amount::Cac;
use domain::contact::date::Date;
use domain::contact::document::{Document, Header};
use domain::contact::field::{Field, Key, Kind};
use domain::contact::gender;
use domain::contact::record::{Malformed, Reader};
use domain::id::ObjectId;
use storage::{Contact, List, Suppression};

/// A contact as contact/get answers it (related methods, "Contacts"), as JSON: it is written once, straight from its stored
/// form. The fields by the table of fields, what stands beside them by types of their own.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Shown(Box<RawValue>);

/// The members of a contact: the fields by the table of fields, the others by types of their own.
#[derive(Serialize)]
struct View<'a> {
    #[serde(flatten)]
    fields: Fields<'a>,
    #[serde(flatten)]
    rest: Rest<'a>,
}

/// The fields of [`Field::ANSWERED`], and the times.
struct Fields<'a> {
    header: Header,
    /// The stored values, by the number of their field.
    stored: [Option<&'a [u8]>; Field::COUNT],
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for field in Field::ANSWERED {
            let value = cell(field, self.stored[field.place()]).map_err(S::Error::custom)?;
            map.serialize_entry(field.name(), &value)?;
            if field == BEFORE_TIMES {
                map.serialize_entry("createdAt", &self.header.created_at)?;
                map.serialize_entry("updatedAt", &self.header.updated_at)?;
            }
        }
        map.end()
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Rest<'a> {
    /// The name of the contact's source.
    source_name: Option<&'a str>,
    /// The id of the contact's source.
    source_id: Option<ObjectId>,
    /// Your own id of the contact's source.
    customer_source_id: Option<&'a str>,
    /// Every variable of the list.
    variables: Vec<ShownVariable<'a>>,
    /// The cost to acquire the contact: its own, else its source's, also of a removed source.
    cac: Option<ShownCac>,
    /// The suppressions of its e-mail address and phone number; absent without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressed: Vec<ShownSuppression>,
}

/// A variable of the contact's list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "VariableValue")]
struct ShownVariable<'a> {
    /// Its name.
    name: &'a str,
    /// Its value; null where the contact has none.
    value: Option<&'a str>,
}

/// A cost.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Cac")]
pub struct ShownCac {
    /// The amount, with five decimals.
    #[schemars(regex(pattern = r"^[0-9]+\.[0-9]{5}$"))]
    value: String,
    /// The currency.
    #[schemars(extend("enum" = ["USD", "EUR"]))]
    currency: &'static str,
}

impl Shown {
    /// A contact of a list, and the suppressions of its addresses.
    ///
    /// # Errors
    /// Where its stored form does not read.
    pub fn of(contact: &Contact, list: &List, suppressed: &[Suppression]) -> Result<Self, Malformed> {
        let document = Document::read(&contact.document)?;
        let mut stored = [None; Field::COUNT];
        // In the order of their keys.
        let mut own = Vec::new();
        let mut reader = Reader::new(document.record);
        while let Some(entry) = reader.entry()? {
            if entry.key.variable().is_some() {
                own.push((entry.key, entry.value));
            } else if let Some(field) = Field::of_key(entry.key) {
                stored[field.place()] = Some(entry.value);
            }
        }
        let cac = stored[Field::Cac.place()];
        let cac = cac.map(|bytes| Cac::from_bytes(bytes).ok_or(Malformed)).transpose()?;
        let source = contact.source.as_ref();
        let rest = Rest {
            source_name: source.map(|source| source.name.as_str()),
            source_id: source.map(|source| source.id),
            customer_source_id: source.and_then(|source| source.customer_source_id.as_deref()),
            variables: show_variables(&own, list)?,
            cac: cac.as_ref().or(contact.source_cac.as_ref()).map(show_cac),
            suppressed: ShownSuppression::all(suppressed),
        };
        let view = View { fields: Fields { header: document.header, stored }, rest };
        // Only a value that does not read can fail.
        to_raw_value(&view).map(Self).map_err(|_| Malformed)
    }

    /// Its JSON.
    pub fn json(&self) -> &str {
        self.0.get()
    }

    /// Its JSON, to be stored or sent as it is.
    pub fn into_json(self) -> Box<RawValue> {
        self.0
    }
}

impl JsonSchema for Shown {
    fn schema_name() -> Cow<'static, str> {
        "Contact".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = Map::new();
        for field in Field::ANSWERED {
            let mut schema = show_schema(field);
            schema["description"] = json!(field.text());
            properties.insert(field.name().to_owned(), schema);
            if field == BEFORE_TIMES {
                for (name, text) in
                    [("createdAt", "When it was made."), ("updatedAt", "When it last changed.")]
                {
                    let mut schema = domain::clock::Timestamp::json_schema(generator);
                    schema.insert("description".to_owned(), json!(format!("{text} UTC.")));
                    properties.insert(name.to_owned(), schema.into());
                }
            }
        }
        let rest = Rest::json_schema(generator);
        let rest = rest.get("properties").and_then(Value::as_object);
        properties.extend(rest.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())));
        let required: Vec<_> = properties.keys().filter(|key| *key != "suppressed").cloned().collect();
        json_schema!({
            "type": "object",
            "description": "A contact. Texts that are absent are null.",
            "properties": properties,
            "required": required,
        })
    }
}

/// The field behind which the vendor's method has the times.
pub const BEFORE_TIMES: Field = Field::ViberSubscribe;

/// What [`show_field`] makes of a field.
fn show_schema(field: Field) -> Value {
    match field.kind() {
        Some(Kind::Flag) => json!({ "type": "boolean" }),
        Some(Kind::Gender) => json!({ "type": "string", "enum": gender::CODES.map(|code| code.to_string()) }),
        Some(Kind::Score) => json!({ "type": ["string", "null"], "pattern": "^-?[0-9]+$" }),
        Some(Kind::Birthday) => {
            json!({ "type": ["string", "null"], "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" })
        }
        _ => json!({ "type": ["string", "null"] }),
    }
}

/// A value as it is shown.
#[derive(Serialize)]
#[serde(untagged)]
enum Cell<'a> {
    Null,
    Flag(bool),
    Text(Cow<'a, str>),
}

/// A stored value as it is shown.
///
/// # Errors
/// [`Malformed`] if it does not read.
pub fn show_field(field: Field, stored: Option<&[u8]>) -> Result<Value, Malformed> {
    Ok(match cell(field, stored)? {
        Cell::Null => Value::Null,
        Cell::Flag(flag) => Value::Bool(flag),
        Cell::Text(text) => Value::String(text.into_owned()),
    })
}

fn cell(field: Field, stored: Option<&[u8]>) -> Result<Cell<'_>, Malformed> {
    Ok(match (field.kind(), stored) {
        (Some(Kind::Flag), stored) => Cell::Flag(stored.is_some()),
        // Numbers are texts here: so does the vendor.
        (Some(Kind::Gender), stored) => {
            Cell::Text(match stored.and_then(|bytes| bytes.first()).copied().unwrap_or_default() {
                0 => Cow::Borrowed("0"),
                code => Cow::Owned(code.to_string()),
            })
        }
        (_, None) => Cell::Null,
        (Some(Kind::Score), Some(bytes)) => {
            let score = i64::from_le_bytes(bytes.try_into().map_err(|_| Malformed)?);
            Cell::Text(Cow::Owned(score.to_string()))
        }
        (Some(Kind::Birthday), Some(bytes)) => {
            Cell::Text(Cow::Owned(Date::from_bytes(bytes).ok_or(Malformed)?.to_string()))
        }
        (_, Some(bytes)) => Cell::Text(Cow::Borrowed(std::str::from_utf8(bytes).map_err(|_| Malformed)?)),
    })
}

/// Every variable of the list, null where the contact has none.
fn show_variables<'a>(own: &[(Key, &'a [u8])], list: &'a List) -> Result<Vec<ShownVariable<'a>>, Malformed> {
    let mut shown = Vec::with_capacity(list.variables.len());
    for variable in &list.variables {
        let key = Key::of_variable(variable.number);
        let stored = own.binary_search_by_key(&key, |(key, _)| *key).ok().map(|place| own[place].1);
        let value = stored.map(std::str::from_utf8).transpose().map_err(|_| Malformed)?;
        shown.push(ShownVariable { name: &variable.name, value });
    }
    Ok(shown)
}

/// A cost as it is shown.
pub fn show_cac(cac: &Cac) -> ShownCac {
    ShownCac { value: cac.value.to_string(), currency: cac.currency.as_str() }
}
