//! A contact as it is shown.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::contact::amount::Cac;
use crate::contact::date::Date;
use crate::contact::document::Document;
use crate::contact::field::{Field, Key, Kind};
use crate::contact::gender;
use crate::contact::record::Malformed;
use crate::id::ObjectId;
use crate::storage::{Contact, List, Suppression};
use crate::wire::suppression::ShownSuppression;

/// A contact as contact/get answers it (related methods, "Contacts"): the fields by the table of fields, what stands
/// beside them by types of their own.
#[derive(Debug, Serialize)]
pub struct Shown {
    #[serde(flatten)]
    fields: Map<String, Value>,
    #[serde(flatten)]
    rest: Rest,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Rest {
    /// The name of the contact's source.
    source_name: Option<String>,
    /// The id of the contact's source.
    source_id: Option<ObjectId>,
    /// Your own id of the contact's source.
    customer_source_id: Option<String>,
    /// Every variable of the list.
    variables: Vec<ShownVariable>,
    /// The cost to acquire the contact: its own, else its source's, also of a removed source.
    cac: Option<ShownCac>,
    /// The suppressions of its e-mail address and phone number; absent without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressed: Vec<ShownSuppression>,
}

/// A variable of the contact's list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "VariableValue")]
struct ShownVariable {
    /// Its name.
    name: String,
    /// Its value; null where the contact has none.
    value: Option<String>,
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
        let mut fields = Map::new();
        for field in Field::ANSWERED {
            fields.insert(field.name().to_owned(), show_field(field, document.get(field.key())?)?);
            if field == BEFORE_TIMES {
                fields.insert("createdAt".to_owned(), json!(document.header.created_at));
                fields.insert("updatedAt".to_owned(), json!(document.header.updated_at));
            }
        }
        let source = contact.source.as_ref();
        let own = document.get(Field::Cac.key())?;
        let own = own.map(|bytes| Cac::from_bytes(bytes).ok_or(Malformed)).transpose()?;
        let rest = Rest {
            source_name: source.map(|source| source.name.clone()),
            source_id: source.map(|source| source.id),
            customer_source_id: source.and_then(|source| source.customer_source_id.clone()),
            variables: show_variables(&document, list)?,
            cac: own.as_ref().or(contact.source_cac.as_ref()).map(show_cac),
            suppressed: ShownSuppression::all(suppressed),
        };
        Ok(Self { fields, rest })
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
                    let mut schema = crate::clock::Timestamp::json_schema(generator);
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

/// A stored value as it is shown.
pub fn show_field(field: Field, stored: Option<&[u8]>) -> Result<Value, Malformed> {
    let text = |bytes| std::str::from_utf8(bytes).map(|text| json!(text)).map_err(|_| Malformed);
    Ok(match (field.kind(), stored) {
        (Some(Kind::Flag), stored) => json!(stored.is_some()),
        // Numbers are texts here: so does the vendor.
        (Some(Kind::Gender), stored) => {
            json!(stored.and_then(|bytes| bytes.first()).copied().unwrap_or_default().to_string())
        }
        (_, None) => Value::Null,
        (Some(Kind::Score), Some(bytes)) => {
            json!(i64::from_le_bytes(bytes.try_into().map_err(|_| Malformed)?).to_string())
        }
        (Some(Kind::Birthday), Some(bytes)) => {
            json!(Date::from_bytes(bytes).ok_or(Malformed)?.to_string())
        }
        (_, Some(bytes)) => text(bytes)?,
    })
}

/// Every variable of the list, null where the contact has none.
fn show_variables(document: &Document<'_>, list: &List) -> Result<Vec<ShownVariable>, Malformed> {
    let mut shown = Vec::with_capacity(list.variables.len());
    for variable in &list.variables {
        let stored = document.get(Key::of_variable(variable.number))?;
        let value = stored.map(std::str::from_utf8).transpose().map_err(|_| Malformed)?;
        shown.push(ShownVariable { name: variable.name.clone(), value: value.map(str::to_owned) });
    }
    Ok(shown)
}

/// A cost as it is shown.
pub fn show_cac(cac: &Cac) -> ShownCac {
    ShownCac { value: cac.value.to_string(), currency: cac.currency.as_str() }
}
