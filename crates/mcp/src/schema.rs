//! Schemas of arguments and answers, in the form that the strictest clients read: everything in one place, without
//! references, formats and names of Rust types.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use domain::schema::{ACCEPTS, FieldSpec, object};

/// The schema of arguments.
pub fn input<T: JsonSchema>() -> Map<String, Value> {
    root::<T>(SchemaSettings::draft2020_12().for_deserialize())
}

/// The schema of an answer.
pub fn output<T: JsonSchema>() -> Map<String, Value> {
    root::<T>(SchemaSettings::draft2020_12().for_serialize())
}

fn root<T: JsonSchema>(settings: SchemaSettings) -> Map<String, Value> {
    let settings = settings.with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    tidy(&mut schema);
    let Value::Object(mut members) = schema else { return Map::new() };
    members.shift_remove("title");
    members
}

/// Removes formats: TypeScript's client rejects answers by them, and the bounds of Rust's numbers concern no caller.
fn tidy(schema: &mut Value) {
    let Value::Object(members) = schema else { return };
    members.shift_remove("format");
    for key in ["properties", "$defs"] {
        if let Some(Value::Object(named)) = members.get_mut(key) {
            named.values_mut().for_each(tidy);
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(below) = members.get_mut(key) {
            tidy(below);
        }
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(Value::Array(below)) = members.get_mut(key) {
            below.iter_mut().for_each(tidy);
        }
    }
}

/// The schema of an array of contacts, as the API reads them by its table of keys.
pub fn array(table: &FieldSpec) -> Value {
    let mut components = Map::new();
    let schema = table.shape.schema(&mut components);
    whole(schema, &components, &mut Vec::new())
}

/// The schema of an object, by the table of its keys.
pub fn table(params: &[FieldSpec]) -> Value {
    let mut components = Map::new();
    let schema = object(&[params], &mut components);
    whole(schema, &components, &mut Vec::new())
}

/// A schema with its components in it. Unknown keys are refused here; a value of several types has them all. `around` has
/// the names of the components around it.
fn whole(schema: Value, components: &Map<String, Value>, around: &mut Vec<String>) -> Value {
    match schema {
        Value::Object(members) if members.contains_key("$ref") => named(members, components, around),
        Value::Object(mut members) => {
            if let Some(Value::Array(accepts)) = members.shift_remove(ACCEPTS) {
                let mut types: Vec<_> = accepts.iter().filter_map(|one| one.get("type")).cloned().collect();
                types.dedup();
                if types.contains(&json!("array")) {
                    // Some hosts reject an array without a type of its elements.
                    members.insert(
                        "items".to_owned(),
                        json!({ "type": ["string", "number", "boolean", "null"] }),
                    );
                }
                members.insert("type".to_owned(), json!(types));
            }
            if members.contains_key("properties") {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
            members.into_iter().map(|(key, member)| (key, whole(member, components, around))).collect()
        }
        Value::Array(elements) => {
            elements.into_iter().map(|element| whole(element, components, around)).collect::<Vec<_>>().into()
        }
        scalar => scalar,
    }
}

/// A component in place of its reference.
fn named(
    mut members: Map<String, Value>,
    components: &Map<String, Value>,
    around: &mut Vec<String>,
) -> Value {
    let name = members.get("$ref").and_then(Value::as_str).unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default().to_owned();
    if around.contains(&name) {
        // Written out further, filters within filters would fill the context of a model.
        return json!({ "type": "object", "description": "An object of the same form again." });
    }
    let component = components.get(&name).cloned().unwrap_or_default();
    around.push(name);
    let mut named = whole(component, components, around);
    around.pop();
    if let Some(text) = members.shift_remove("description") {
        named["description"] = text;
    }
    named
}

#[cfg(test)]
mod tests;
