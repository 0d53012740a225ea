//! The conditions of a filter as a form: groups of rows, each a field, an operator and a text. Pure.
//!
//! A form sends `match` (all or any of the groups), then for each group `group` (all or any of its rows), then for each
//! row `field`, `op` and `value`. The address of a page has the filter as JSON in `filter` instead.

use serde_json::{Map, Value, json};
use url::form_urlencoded::{Serializer, parse};

use domain::contact::field::Field;
use domain::filter::{Domain, Op, Subject};
use storage::List;
use web::translate::{mark, t};

/// The conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Builder {
    /// Whether one of the groups is enough.
    pub any: bool,
    /// The groups, with an empty one at the end.
    pub groups: Vec<Group>,
    /// A filter that the form cannot show, as JSON.
    pub other: Option<String>,
}

/// Rows of which all or any match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Whether one of the rows is enough.
    pub any: bool,
    /// The rows, with an empty one at the end.
    pub rows: Vec<Row>,
}

/// A condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The name of the field, or `segment:` and the id of a segment.
    pub field: String,
    /// The name of the operator.
    pub op: String,
    /// The value as text.
    pub value: String,
}

/// A field or an operator that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub label: String,
}

/// Before the id of a segment.
const SEGMENT: &str = "segment:";

/// What people call the operators.
const OPS: [(Op, &str); 11] = [
    (Op::Is, mark("is")),
    (Op::IsNot, mark("is not")),
    (Op::Contains, mark("contains")),
    (Op::BeginsWith, mark("begins with")),
    (Op::In, mark("is one of (a, b)")),
    (Op::Empty, mark("is empty")),
    (Op::NotEmpty, mark("is not empty")),
    (Op::Before, mark("is before or less than")),
    (Op::After, mark("is after or more than")),
    (Op::Between, mark("is between (from, to)")),
    (Op::InLast, mark("is in the last … days")),
];

/// The operators, in the order of the form.
pub fn ops() -> Vec<Choice> {
    let choice = |(op, label): (Op, &str)| Choice { name: op.name().to_owned(), label: t(label).to_string() };
    OPS.into_iter().map(choice).collect()
}

/// The fields and variables of a list, and its segments with their ids and names.
pub fn fields(list: &List, segments: &[(String, String)]) -> Vec<Choice> {
    let choice = |name: &str, label: String| Choice { name: name.to_owned(), label };
    let mut fields = Vec::new();
    for field in Field::ALL {
        if matches!(field, Field::Source | Field::Cac) {
            continue;
        }
        let label = t(field.label()).to_string();
        let is_channel = Field::FLAGS[1..].contains(&field);
        fields.push(choice(
            field.name(),
            if is_channel { t("{label} channel").with("label", label).to_string() } else { label },
        ));
    }
    for (name, label) in [
        ("sourceId", mark("Source (ID)")),
        ("cac.value", mark("Cost")),
        ("cac.currency", mark("Currency of the cost")),
        ("createdAt", mark("Added (UTC)")),
        ("updatedAt", mark("Changed (UTC)")),
        ("suppressed", mark("Suppressed")),
    ] {
        fields.push(choice(name, t(label).to_string()));
    }
    for variable in &list.variables {
        fields.push(choice(&format!("variables.{}", variable.name), variable.name.clone()));
    }
    for (id, name) in segments {
        fields.push(choice(&format!("{SEGMENT}{id}"), t("Segment: {name}").with("name", name).to_string()));
    }
    fields
}

/// The query of an address for one that the form has sent; `None` if the form has not sent it. What is empty is left
/// out.
pub fn address_of(query: &str, list: &List) -> Option<String> {
    let mut builder: Option<Builder> = None;
    let mut rest = Serializer::new(String::new());
    for (key, value) in parse(query.as_bytes()) {
        let value = value.trim();
        match key.as_ref() {
            "match" => builder.get_or_insert_default().any = value == "any",
            "group" => {
                let group = Group { any: value == "any", rows: Vec::new() };
                builder.get_or_insert_default().groups.push(group);
            }
            "field" => {
                let row = Row { field: value.to_owned(), ..Row::default() };
                let groups = &mut builder.get_or_insert_default().groups;
                match groups.last_mut() {
                    Some(group) => group.rows.push(row),
                    None => groups.push(Group { any: false, rows: vec![row] }),
                }
            }
            "op" | "value" => {
                let group = builder.as_mut().and_then(|builder| builder.groups.last_mut());
                let Some(row) = group.and_then(|group| group.rows.last_mut()) else { continue };
                let place = if key == "op" { &mut row.op } else { &mut row.value };
                value.clone_into(place);
            }
            _ if value.is_empty() => {}
            _ => {
                rest.append_pair(&key, value);
            }
        }
    }
    if let Some(filter) = builder?.to_json(list) {
        rest.append_pair("filter", &filter.to_string());
    }
    Some(rest.finish())
}

impl Builder {
    /// The form of a filter, as JSON.
    pub fn of(filter: Option<&str>) -> Self {
        let Some(text) = filter else { return Self::default().with_room() };
        let json: Value = serde_json::from_str(text).unwrap_or_default();
        match read(&json) {
            Some(builder) => builder.with_room(),
            None => Self { other: Some(text.to_owned()), ..Self::default() },
        }
    }

    /// With an empty row in each group, and an empty group at the end.
    fn with_room(mut self) -> Self {
        for group in &mut self.groups {
            group.rows.push(Row::default());
        }
        self.groups.push(Group { any: false, rows: vec![Row::default()] });
        self
    }

    /// How many conditions it has.
    pub fn count(&self) -> usize {
        let rows = self.groups.iter().flat_map(|group| &group.rows);
        rows.filter(|row| !row.field.is_empty()).count() + usize::from(self.other.is_some())
    }

    /// The filter as JSON; `None` without a condition.
    fn to_json(&self, list: &List) -> Option<Value> {
        let of_group = |group: &Group| {
            let rows: Vec<_> = group.rows.iter().filter_map(|row| row.to_json(list)).collect();
            wrapped(group.any, rows)
        };
        wrapped(self.any, self.groups.iter().filter_map(of_group).collect())
    }
}

/// A group of several filters; one stands for itself.
fn wrapped(any: bool, mut filters: Vec<Value>) -> Option<Value> {
    match filters.len() {
        0 => None,
        1 => filters.pop(),
        _ => Some(json!({ if any { "any" } else { "all" }: filters })),
    }
}

impl Row {
    fn to_json(&self, list: &List) -> Option<Value> {
        if self.field.is_empty() {
            return None;
        }
        if let Some(id) = self.field.strip_prefix(SEGMENT) {
            return Some(json!({ "segment": id }));
        }
        let domain = Subject::named(&self.field, Some(list)).map(Subject::domain);
        let op = Op::named(&self.op).unwrap_or(Op::Is);
        let one = |text: &str| value(domain, op, text);
        let parts = || self.value.split(',').map(str::trim);
        let value = match op {
            Op::Empty | Op::NotEmpty => None,
            Op::In => Some(parts().filter(|part| !part.is_empty()).map(one).collect()),
            Op::Between => {
                Some(parts().map(|part| if part.is_empty() { Value::Null } else { one(part) }).collect())
            }
            _ => Some(one(&self.value)),
        };
        let mut keys = Map::new();
        keys.insert("field".to_owned(), json!(self.field));
        keys.insert("op".to_owned(), json!(op.name()));
        keys.extend(value.map(|value| ("value".to_owned(), value)));
        Some(Value::Object(keys))
    }
}

/// What was typed, as the field compares it. What does not read stays a text, which is then rejected by its place.
fn value(domain: Option<Domain>, op: Op, text: &str) -> Value {
    let number = || serde_json::from_str::<Value>(text).ok().filter(Value::is_number);
    let typed = match (domain, op) {
        (_, Op::InLast) | (Some(Domain::Number), _) => number(),
        (Some(Domain::Variable), Op::Before | Op::After | Op::Between) => number(),
        (Some(Domain::Flag), _) => match text.to_lowercase().as_str() {
            "yes" | "true" => Some(Value::Bool(true)),
            "no" | "false" => Some(Value::Bool(false)),
            _ => None,
        },
        _ => None,
    };
    typed.unwrap_or_else(|| json!(text))
}

/// The conditions of a filter that has groups of rows at most.
fn read(filter: &Value) -> Option<Builder> {
    let (any, parts) = group(filter);
    let is_group = |part: &Value| part.get("all").is_some() || part.get("any").is_some();
    if !parts.iter().any(|part| is_group(part)) {
        let rows = parts.into_iter().map(row).collect::<Option<_>>()?;
        return Some(Builder { any: false, groups: vec![Group { any, rows }], other: None });
    }
    let mut groups = Vec::with_capacity(parts.len());
    for part in parts {
        let (any, rows) = group(part);
        groups.push(Group { any, rows: rows.into_iter().map(row).collect::<Option<_>>()? });
    }
    Some(Builder { any, groups, other: None })
}

/// Whether one part is enough, and the parts.
fn group(filter: &Value) -> (bool, Vec<&Value>) {
    match (filter["all"].as_array(), filter["any"].as_array()) {
        (Some(all), _) => (false, all.iter().collect()),
        (_, Some(any)) => (true, any.iter().collect()),
        _ => (false, vec![filter]),
    }
}

fn row(filter: &Value) -> Option<Row> {
    if let Some(id) = filter["segment"].as_str() {
        return Some(Row {
            field: format!("{SEGMENT}{id}"),
            op: Op::Is.name().to_owned(),
            value: String::new(),
        });
    }
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(is) => if *is { "yes" } else { "no" }.to_owned(),
        other => other.to_string(),
    };
    let value = match &filter["value"] {
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        value => text(value),
    };
    Some(Row { field: filter["field"].as_str()?.to_owned(), op: filter["op"].as_str()?.to_owned(), value })
}

#[cfg(test)]
mod tests;
