//! Makes a matcher of a tree.

use super::compare::{AsText, Compare, Scalar};
use super::{Check, Matcher, Resolved};
use crate::contact::field::{Field, Key, Kind};
use crate::filter::operand::{Moment, Number};
use crate::filter::subject::{Op, Subject};
use crate::filter::tree::{Leaf, Node, Test, Tree};
use crate::id::ObjectId;

impl Tree {
    /// The filter, ready to be asked. Segments in it are replaced by their filters; those name no segments.
    pub fn compile(&self, resolved: &Resolved) -> Matcher {
        let mut keys = Vec::new();
        collect(&self.0, resolved, &mut keys);
        keys.sort_unstable();
        keys.dedup();
        let check = check(&self.0, resolved, &keys);
        Matcher { asks_suppressed: asks_suppressed(&check), check: Some(check), keys }
    }
}

fn collect(node: &Node, resolved: &Resolved, keys: &mut Vec<Key>) {
    match node {
        Node::All(nodes) | Node::Any(nodes) => nodes.iter().for_each(|node| collect(node, resolved, keys)),
        Node::Leaf(leaf) => keys.extend(leaf.subject.key()),
        Node::Segment(id) => {
            if let Some(Tree(node)) = resolved.segments.get(id) {
                collect(node, &without_segments(resolved), keys);
            }
        }
    }
}

/// The filter of a segment names no segment: so no circle is possible.
fn without_segments(resolved: &Resolved) -> Resolved {
    Resolved { segments: std::collections::HashMap::new(), ..resolved.clone() }
}

fn asks_suppressed(check: &Check) -> bool {
    match check {
        Check::All(checks) | Check::Any(checks) => checks.iter().any(asks_suppressed),
        Check::Suppressed(_) => true,
        Check::Entry(..) | Check::CreatedAt(_) | Check::UpdatedAt(_) => false,
    }
}

fn check(node: &Node, resolved: &Resolved, keys: &[Key]) -> Check {
    let all = |nodes: &[Node]| nodes.iter().map(|node| check(node, resolved, keys)).collect();
    match node {
        Node::All(nodes) => Check::All(all(nodes)),
        Node::Any(nodes) => Check::Any(all(nodes)),
        Node::Segment(id) => match resolved.segments.get(id) {
            Some(Tree(node)) => check(node, &without_segments(resolved), keys),
            None => Check::Any(Vec::new()),
        },
        Node::Leaf(Leaf { subject: Subject::Suppressed, test }) => {
            Check::Suppressed(*test == Test::Flag(true))
        }
        Node::Leaf(leaf) => {
            let compare = compare(leaf, resolved);
            let place = leaf.subject.key().and_then(|key| keys.binary_search(&key).ok());
            match (leaf.subject, place) {
                (Subject::CreatedAt, _) => Check::CreatedAt(compare),
                (Subject::UpdatedAt, _) => Check::UpdatedAt(compare),
                (_, Some(place)) => Check::Entry(place, compare),
                // Every other subject has a key, which was collected.
                (_, None) => Check::Any(Vec::new()),
            }
        }
    }
}

fn compare(leaf: &Leaf, resolved: &Resolved) -> Compare {
    let scalar = scalar(leaf);
    match &leaf.test {
        Test::Empty => Compare::Present(false),
        Test::NotEmpty => Compare::Present(true),
        // False is stored as absence.
        Test::Flag(is) => Compare::Present(*is),
        Test::Text(op, texts) if leaf.subject == Subject::Source => source(*op, texts, resolved),
        Test::Text(op, texts) => text(as_text(leaf.subject), *op, texts),
        Test::Number(op, numbers) => {
            let ranges = numbers.iter().map(|number| range(*op, (number.units, number.units))).collect();
            Compare::Ranges { scalar, ranges, negate: *op == Op::IsNot }
        }
        Test::Time(op, times) => {
            let ranges = times.iter().map(|time| range(*op, (first(time), last(time)))).collect();
            Compare::Ranges { scalar, ranges, negate: *op == Op::IsNot }
        }
        Test::Numbers(from, to) => {
            let units = |number: &Option<Number>| number.as_ref().map(|number| number.units);
            let range = (units(from).unwrap_or(i128::MIN), units(to).unwrap_or(i128::MAX));
            Compare::Ranges { scalar, ranges: vec![range], negate: false }
        }
        Test::Times(from, to) => {
            let low = from.as_ref().map_or(i128::MIN, first);
            let high = to.as_ref().map_or(i128::MAX, last);
            Compare::Ranges { scalar, ranges: vec![(low, high)], negate: false }
        }
        Test::Days(days) => Compare::Days { scalar, days: *days, now: resolved.now },
    }
}

fn first(time: &Moment) -> i128 {
    i128::from(time.first.millis())
}

fn last(time: &Moment) -> i128 {
    i128::from(time.last.millis())
}

/// The numbers that compare so with what lies between two.
const fn range(op: Op, (first, last): (i128, i128)) -> (i128, i128) {
    match op {
        Op::Before => (i128::MIN, first - 1),
        Op::After => (last + 1, i128::MAX),
        _ => (first, last),
    }
}

fn source(op: Op, texts: &[String], resolved: &Resolved) -> Compare {
    let ids = texts.iter().filter_map(|text| ObjectId::parse(text));
    let numbers = ids.filter_map(|id| resolved.sources.get(&id).copied()).collect();
    Compare::Source { numbers, negate: op == Op::IsNot }
}

fn text(as_text: AsText, op: Op, texts: &[String]) -> Compare {
    let part = || texts.first().map(|text| text.to_lowercase()).unwrap_or_default();
    match op {
        Op::Contains => Compare::Contains(as_text, part()),
        Op::BeginsWith => Compare::BeginsWith(as_text, part()),
        op => {
            let mut texts: Vec<_> = texts.iter().map(|text| as_text.form(text).into_owned()).collect();
            texts.sort_unstable();
            Compare::Equal { as_text, texts, negate: op == Op::IsNot }
        }
    }
}

const fn as_text(subject: Subject) -> AsText {
    match subject {
        Subject::Field(Field::Email) => AsText::Email,
        Subject::Field(Field::ContactGender) => AsText::Gender,
        Subject::CacCurrency => AsText::Currency,
        _ => AsText::Plain,
    }
}

const fn scalar(leaf: &Leaf) -> Scalar {
    match leaf.subject {
        Subject::Field(field) => match field.kind() {
            Some(Kind::Birthday) => Scalar::Day,
            _ => Scalar::Score,
        },
        Subject::CacValue | Subject::CacCurrency => Scalar::Amount,
        Subject::CreatedAt | Subject::UpdatedAt => Scalar::Header,
        _ => match leaf.test {
            Test::Number(..) | Test::Numbers(..) => Scalar::TextNumber,
            _ => Scalar::TextTime,
        },
    }
}
