//! Reads a filter from JSON, with every error at its place in the tree.

use super::operand::{Moment, Number};
use super::param::NODE;
use super::subject::{Domain, Op, Subject};
use super::tree::{Leaf, Node, Test, Tree};
use crate::contact::field::{MAX_VARIABLE, fits};
use crate::contact::gender;
use crate::id::ObjectId;
use crate::json::{Keys, Members, Raw, Value};
use crate::list::List;
use crate::problem::{self, Problem};

/// Groups inside of each other, at most.
pub const MAX_DEPTH: usize = 8;

/// Conditions of a filter, at most.
pub const MAX_LEAVES: usize = 100;

/// Values of one `in`, at most.
pub const MAX_VALUES: usize = 1_000;

/// Bytes of a filter as JSON, at most.
pub const MAX_TEXT: usize = 65_536;

/// The most days of `inLast`: a hundred years.
const MAX_DAYS: u32 = 36_525;

/// Reads a filter. Without a list, variables are not looked up. Keys that are unknown are added to `unknown`, by their
/// place; what is wrong is added to the problems.
pub fn decode(
    raw: Raw<'_>,
    list: Option<&List>,
    unknown: &mut Vec<String>,
    problems: &mut Vec<Problem>,
) -> Option<Tree> {
    let mut reader = Reader { list, unknown, problems, leaves: 0 };
    if raw.text().len() > MAX_TEXT {
        reader.wrong("filter", &format!("must have at most {MAX_TEXT} bytes"));
        return None;
    }
    let before = reader.problems.len();
    let node = reader.node(raw, "filter", 0);
    if reader.leaves > MAX_LEAVES {
        reader.wrong("filter", &format!("must have at most {MAX_LEAVES} conditions"));
    }
    (reader.problems.len() == before).then_some(node.map(Tree)).flatten()
}

struct Reader<'a> {
    list: Option<&'a List>,
    unknown: &'a mut Vec<String>,
    problems: &'a mut Vec<Problem>,
    leaves: usize,
}

impl Reader<'_> {
    fn wrong(&mut self, place: &str, must: &str) {
        self.problems.push(problem::filter(place, must));
    }

    fn node(&mut self, raw: Raw<'_>, place: &str, depth: usize) -> Option<Node> {
        const SHAPE: &str = "must be an object with one of all, any, field and segment";
        let Some(members) = raw.members(&Keys::of(&NODE)) else {
            self.wrong(place, SHAPE);
            return None;
        };
        self.unknown.extend(members.unknown.iter().map(|key| format!("{place}.{key}")));
        let [all, any, field, op, value, segment] = std::array::from_fn(|index| members.get(index));
        match (all, any, field, segment) {
            (Some(all), None, None, None) => {
                let nodes = self.group(all, &format!("{place}.all"), depth);
                self.alone(place, op, value);
                nodes.map(Node::All)
            }
            (None, Some(any), None, None) => {
                let nodes = self.group(any, &format!("{place}.any"), depth);
                self.alone(place, op, value);
                nodes.map(Node::Any)
            }
            (None, None, Some(_), None) => self.leaf(&members, place).map(Node::Leaf),
            (None, None, None, Some(segment)) => {
                self.leaves += 1;
                self.alone(place, op, value);
                let id = segment.as_trimmed().and_then(|text| ObjectId::parse(&text));
                if id.is_none() {
                    self.wrong(&format!("{place}.segment"), "must be the id of a segment");
                }
                id.map(Node::Segment)
            }
            _ => {
                self.wrong(place, SHAPE);
                None
            }
        }
    }

    /// A group and a segment have no operator and no value.
    fn alone(&mut self, place: &str, op: Option<Raw<'_>>, value: Option<Raw<'_>>) {
        if op.is_some() || value.is_some() {
            self.wrong(place, "must have op and value only beside field");
        }
    }

    fn group(&mut self, raw: Raw<'_>, place: &str, depth: usize) -> Option<Vec<Node>> {
        if depth >= MAX_DEPTH {
            self.wrong(place, &format!("must be at most {MAX_DEPTH} groups deep"));
            return None;
        }
        let elements = raw.elements().filter(|elements| (1..=MAX_LEAVES).contains(&elements.len()));
        let Some(elements) = elements else {
            self.wrong(place, &format!("must be an array of 1 to {MAX_LEAVES} filters"));
            return None;
        };
        let mut nodes = Vec::with_capacity(elements.len());
        for (index, element) in elements.into_iter().enumerate() {
            // The rest would only repeat that there are too many.
            if self.leaves > MAX_LEAVES {
                break;
            }
            nodes.extend(self.node(element, &format!("{place}[{index}]"), depth + 1));
        }
        Some(nodes)
    }

    fn leaf(&mut self, members: &Members<'_, 6>, place: &str) -> Option<Leaf> {
        self.leaves += 1;
        let [field, op, value] = [2, 3, 4].map(|index| members.get(index));
        let name = field.and_then(Raw::as_trimmed);
        let subject = name.as_deref().and_then(|name| Subject::named(name, self.list));
        if subject.is_none() {
            let must = match name {
                Some(name) if name.starts_with("variables.") => "must name a variable of the list",
                _ => "must name a field of a contact",
            };
            self.wrong(&format!("{place}.field"), must);
        }
        let op = op.and_then(Raw::as_trimmed).and_then(|name| Op::named(&name));
        let allowed = subject.map_or(&Op::ALL[..], |subject| subject.domain().ops());
        let Some(op) = op.filter(|op| allowed.contains(op)) else {
            let names: Vec<_> = allowed.iter().map(|op| op.name()).collect();
            self.wrong(&format!("{place}.op"), &format!("must be one of {}", names.join(", ")));
            return None;
        };
        let subject = subject?;
        match test(subject.domain(), op, value) {
            Ok(test) => Some(Leaf { subject, test }),
            Err(must) => {
                self.wrong(&format!("{place}.value"), &must);
                None
            }
        }
    }
}

/// Reads the value of a condition.
///
/// # Errors
/// What it must be.
fn test(domain: Domain, op: Op, value: Option<Raw<'_>>) -> Result<Test, String> {
    match op {
        Op::Empty | Op::NotEmpty if value.is_some() => Err(format!("must be left out beside {}", op.name())),
        Op::Empty => Ok(Test::Empty),
        Op::NotEmpty => Ok(Test::NotEmpty),
        Op::InLast => {
            let number = value.and_then(|raw| match raw.value() {
                Value::Number(text) => crate::contact::number::integer(text),
                _ => None,
            });
            let days = number.and_then(|days| u32::try_from(days).ok());
            let days = days.filter(|days| (1..=MAX_DAYS).contains(days));
            days.map(Test::Days).ok_or_else(|| format!("must be a number of days from 1 to {MAX_DAYS}"))
        }
        Op::Between => between(domain, value),
        Op::In => {
            let elements = value.and_then(Raw::elements);
            let elements = elements.filter(|elements| (1..=MAX_VALUES).contains(&elements.len()));
            let must =
                || format!("must be an array of 1 to {MAX_VALUES} values, each of them {}", one(domain, op));
            values(domain, op, &elements.ok_or_else(must)?).ok_or_else(must)
        }
        _ if domain == Domain::Flag => match value.map(Raw::value) {
            Some(Value::Bool(is)) => Ok(Test::Flag(is == (op == Op::Is))),
            _ => Err(format!("must be {}", one(domain, op))),
        },
        _ => {
            let read = value.and_then(|raw| values(domain, op, &[raw]));
            read.ok_or_else(|| format!("must be {}", one(domain, op)))
        }
    }
}

/// What a value of a domain is, for errors.
const fn one(domain: Domain, op: Op) -> &'static str {
    match domain {
        Domain::Text => "a string that is not empty, with at most 10000 characters",
        Domain::Flag => "true or false",
        Domain::Gender => "0, 1, 2 or 9",
        Domain::Id => "the id of a source",
        Domain::Number => "a number",
        Domain::Day => "a YYYY-MM-DD date",
        Domain::Time => "a YYYY-MM-DD hh:mm:ss time or a YYYY-MM-DD date",
        Domain::Variable => match op {
            Op::Before | Op::After | Op::Between => {
                "a number, a YYYY-MM-DD hh:mm:ss time or a YYYY-MM-DD date"
            }
            _ => "a string or a number that is not empty, with at most 10000 characters",
        },
    }
}

/// Values that are compared one by one.
fn values(domain: Domain, op: Op, raws: &[Raw<'_>]) -> Option<Test> {
    let ordered = matches!(op, Op::Before | Op::After);
    match domain {
        Domain::Number => {
            raws.iter().map(|raw| number(*raw)).collect::<Option<_>>().map(|all| Test::Number(op, all))
        }
        Domain::Day | Domain::Time => times(domain, raws).map(|all| Test::Time(op, all)),
        Domain::Variable if ordered => {
            let numbers = raws.iter().map(|raw| number(*raw)).collect::<Option<_>>();
            let numbers = numbers.map(|all| Test::Number(op, all));
            numbers.or_else(|| times(domain, raws).map(|all| Test::Time(op, all)))
        }
        Domain::Flag => None,
        _ => raws.iter().map(|raw| text(domain, *raw)).collect::<Option<_>>().map(|all| Test::Text(op, all)),
    }
}

fn between(domain: Domain, value: Option<Raw<'_>>) -> Result<Test, String> {
    let must = || {
        format!(
            "must be an array of two ends, of which one may be null, each of them {}",
            one(domain, Op::Between)
        )
    };
    let ends = value.and_then(Raw::elements).ok_or_else(must)?;
    let [from, to] = <[Raw<'_>; 2]>::try_from(ends).map_err(|_| must())?.map(present);
    if from.is_none() && to.is_none() {
        return Err(must());
    }
    let numbers = (from.map(number), to.map(number));
    let times = (from.map(|raw| time(domain, raw)), to.map(|raw| time(domain, raw)));
    let test = match (domain, numbers, times) {
        (Domain::Number | Domain::Variable, (None | Some(Some(_)), None | Some(Some(_))), _) => {
            let (from, to) = (numbers_end(from), numbers_end(to));
            Test::Numbers(from, to)
        }
        (
            Domain::Day | Domain::Time | Domain::Variable,
            _,
            (from @ (None | Some(Some(_))), to @ (None | Some(Some(_)))),
        ) => Test::Times(from.flatten(), to.flatten()),
        _ => return Err(must()),
    };
    Ok(test)
}

fn numbers_end(raw: Option<Raw<'_>>) -> Option<Number> {
    raw.and_then(number)
}

fn present(raw: Raw<'_>) -> Option<Raw<'_>> {
    Some(raw).filter(|raw| raw.text() != "null")
}

fn number(raw: Raw<'_>) -> Option<Number> {
    match raw.value() {
        Value::Number(text) => Number::parse(text),
        _ => None,
    }
}

fn times(domain: Domain, raws: &[Raw<'_>]) -> Option<Vec<Moment>> {
    raws.iter().map(|raw| time(domain, *raw)).collect()
}

fn time(domain: Domain, raw: Raw<'_>) -> Option<Moment> {
    let moment = Moment::parse(&raw.as_text()?)?;
    (domain != Domain::Day || moment.is_day()).then_some(moment)
}

fn text(domain: Domain, raw: Raw<'_>) -> Option<String> {
    let text = match (domain, raw.value()) {
        (Domain::Variable | Domain::Gender, Value::Number(text)) => text.to_owned(),
        (_, Value::Text(text)) => text.into_owned(),
        _ => return None,
    };
    let fits = match domain {
        Domain::Gender => gender::CODES.iter().any(|code| code.to_string() == text),
        Domain::Id => ObjectId::parse(text.trim()).is_some(),
        _ => !text.is_empty() && fits(&text, MAX_VARIABLE),
    };
    fits.then(|| if domain == Domain::Id { text.trim().to_owned() } else { text })
}
