//! A filter as it was asked for: groups and conditions.

use serde_json::{Map, Value, json};

use super::operand::{Moment, Number};
use super::subject::{Op, Subject};
use crate::clock::Timestamp;
use crate::id::ObjectId;
use crate::list::List;

/// A filter. It has at least one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree(pub Node);

/// A part of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// All of these match.
    All(Vec<Node>),
    /// At least one of these matches.
    Any(Vec<Node>),
    /// A condition.
    Leaf(Leaf),
    /// The contact is in this segment of the list.
    Segment(ObjectId),
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// What it is about.
    pub subject: Subject,
    /// How that is compared.
    pub test: Test,
}

/// A comparison. The operator fits the domain of the subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// There is no value.
    Empty,
    /// There is a value.
    NotEmpty,
    /// The flag is so.
    Flag(bool),
    /// A text, by `is`, `isNot`, `in`, `contains` or `beginsWith`.
    Text(Op, Vec<String>),
    /// A number, by `is`, `isNot`, `in`, `before` or `after`.
    Number(Op, Vec<Number>),
    /// A number between two, both included.
    Numbers(Option<Number>, Option<Number>),
    /// A time, by `is`, `isNot`, `in`, `before` or `after`.
    Time(Op, Vec<Moment>),
    /// A time between two, both included.
    Times(Option<Moment>, Option<Moment>),
    /// In the last days.
    Days(u32),
}

impl Test {
    /// The operator.
    pub const fn op(&self) -> Op {
        match self {
            Self::Empty => Op::Empty,
            Self::NotEmpty => Op::NotEmpty,
            Self::Flag(_) => Op::Is,
            Self::Text(op, _) | Self::Number(op, _) | Self::Time(op, _) => *op,
            Self::Numbers(..) | Self::Times(..) => Op::Between,
            Self::Days(_) => Op::InLast,
        }
    }

    fn value(&self) -> Option<Value> {
        let of = |op: Op, mut values: Vec<Value>| match op {
            Op::In => Value::Array(values),
            _ => values.pop().unwrap_or_default(),
        };
        Some(match self {
            Self::Empty | Self::NotEmpty => return None,
            Self::Flag(is) => json!(is),
            Self::Text(op, texts) => of(*op, texts.iter().map(|text| json!(text)).collect()),
            Self::Number(op, numbers) => of(*op, numbers.iter().map(number).collect()),
            Self::Numbers(from, to) => json!([from.as_ref().map(number), to.as_ref().map(number)]),
            Self::Time(op, times) => of(*op, times.iter().map(|time| json!(time.text)).collect()),
            Self::Times(from, to) => {
                let text = |time: &Option<Moment>| time.as_ref().map(|time| time.text.clone());
                json!([text(from), text(to)])
            }
            Self::Days(days) => json!(days),
        })
    }
}

/// A number that was read from JSON is one.
fn number(number: &Number) -> Value {
    serde_json::from_str(&number.text).unwrap_or_default()
}

impl Tree {
    /// The filter as JSON, as it is read by [`super::decode()`]. With a list, variables are named as they are called now;
    /// without one by their numbers, which outlive a renaming: so it is stored.
    pub fn to_json(&self, list: Option<&List>) -> Value {
        to_json(&self.0, list)
    }

    /// The conditions.
    pub fn leaves(&self) -> Vec<&Leaf> {
        let mut found = Vec::new();
        self.visit(&mut |node| {
            if let Node::Leaf(leaf) = node {
                found.push(leaf);
            }
        });
        found
    }

    /// The segments that it names.
    pub fn segments(&self) -> Vec<ObjectId> {
        let mut found = Vec::new();
        self.visit(&mut |node| {
            if let Node::Segment(id) = node {
                found.push(*id);
            }
        });
        found
    }

    /// The sources that it names.
    pub fn sources(&self) -> Vec<ObjectId> {
        let of_source = |leaf: &&Leaf| leaf.subject == Subject::Source;
        let texts = self.leaves().into_iter().filter(of_source).filter_map(|leaf| match &leaf.test {
            Test::Text(_, texts) => Some(texts),
            _ => None,
        });
        texts.flatten().filter_map(|text| ObjectId::parse(text)).collect()
    }

    fn visit<'a>(&'a self, see: &mut dyn FnMut(&'a Node)) {
        let mut open = vec![&self.0];
        while let Some(node) = open.pop() {
            see(node);
            if let Node::All(nodes) | Node::Any(nodes) = node {
                open.extend(nodes.iter().rev());
            }
        }
    }
}

fn to_json(node: &Node, list: Option<&List>) -> Value {
    let group = |nodes: &[Node]| nodes.iter().map(|node| to_json(node, list)).collect::<Vec<_>>();
    match node {
        Node::All(nodes) => json!({ "all": group(nodes) }),
        Node::Any(nodes) => json!({ "any": group(nodes) }),
        Node::Segment(id) => json!({ "segment": id.to_string() }),
        Node::Leaf(Leaf { subject, test }) => {
            let mut keys = Map::new();
            keys.insert("field".to_owned(), json!(subject.name(list)));
            keys.insert("op".to_owned(), json!(test.op().name()));
            keys.extend(test.value().map(|value| ("value".to_owned(), value)));
            Value::Object(keys)
        }
    }
}

impl Leaf {
    /// That a flag is so.
    pub const fn flag(subject: Subject, is: bool) -> Self {
        Self { subject, test: Test::Flag(is) }
    }

    /// A comparison with one text.
    pub fn text(subject: Subject, op: Op, text: &str) -> Self {
        Self { subject, test: Test::Text(op, vec![text.to_owned()]) }
    }

    /// Changed at that time or later.
    pub fn updated_since(time: Timestamp) -> Self {
        let moment = Moment { text: time.to_string(), first: time, last: time };
        Self { subject: Subject::UpdatedAt, test: Test::Times(Some(moment), None) }
    }
}
