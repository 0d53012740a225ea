//! Which contacts are asked for, as a JSON body or a query names them.

use serde_json::{Map, json};
use url::form_urlencoded;

use super::searched;
use domain::argument::{TIME, not_a_time, read_filter, read_flag, read_time};
use domain::clock::Timestamp;
use domain::contact::field::Field;
use domain::filter::{self, FILTER, Leaf, Node, Op, Subject, Tree};
use domain::json::{Keys, Raw, Value, read_members};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use domain::search::Query;
use storage::List;

/// The keys of what is asked for: the flags first.
pub const PARAMS: [FieldSpec; FLAGS.len() + OTHERS.len()] = {
    let mut params = [FILTER; FLAGS.len() + OTHERS.len()];
    let mut place = 0;
    while place < FLAGS.len() {
        params[place] = flag(FLAGS[place]);
        place += 1;
    }
    while place < params.len() {
        params[place] = OTHERS[place - FLAGS.len()];
        place += 1;
    }
    params
};

const FLAGS: [Field; Field::FLAGS.len()] = Field::FLAGS;

const OTHERS: [FieldSpec; 6] = [
    FieldSpec::optional(
        "sourceId",
        ValueType::TEXT,
        "Contacts from the source with this id; all if it is blank.",
    ),
    FieldSpec::optional(
        "updatedSince",
        TIME,
        "Contacts that have changed then or later: `YYYY-MM-DD hh:mm:ss`, or `YYYY-MM-DD` for the beginning of that \
         day, UTC.",
    ),
    FieldSpec::optional(
        "namePrefix",
        ValueType::TEXT,
        "Contacts whose name begins with this text, in any case; all if it is blank.",
    ),
    FieldSpec::optional(
        "suppressed",
        ValueType::Flag,
        "If true, contacts whose e-mail address or phone number is suppressed; if false, all others.",
    ),
    FILTER,
    searched::SEARCH,
];

const fn flag(field: Field) -> FieldSpec {
    FieldSpec::optional(field.name(), ValueType::Flag, field.text())
}

/// The contacts that are asked for: those that all of these fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactQuery {
    /// Fields that are so.
    pub flags: Vec<(Field, bool)>,
    /// From the source with this id.
    pub source: Option<String>,
    /// Changed then or later.
    pub updated_since: Option<Timestamp>,
    /// With a name that begins so, in any case.
    pub name_prefix: Option<String>,
    /// With a suppressed address, or without one.
    pub suppressed: Option<bool>,
    /// And those that this filter matches.
    pub filter: Option<Tree>,
    /// And match what was typed.
    pub search: Option<Query>,
}

impl ContactQuery {
    /// Reads the values of [`PARAMS`], with the variables of the list. What is doubtful is added to the warnings, and
    /// what is wrong to the problems.
    pub fn read(
        values: [Option<Raw<'_>>; PARAMS.len()],
        list: Option<&List>,
        warnings: &mut Vec<Problem>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let [flags @ .., source, updated, name, suppressed, tree, search] = values;
        let mut wanted = Self::default();
        for (field, raw) in FLAGS.into_iter().zip(flags) {
            match raw.map(Raw::value) {
                None => {}
                Some(Value::Bool(is)) => wanted.flags.push((field, is)),
                Some(_) => problems.push(problem::flag(field)),
            }
        }
        wanted.source =
            read_filter(source.map(Raw::as_trimmed), || problem::not_a_string("sourceId"), problems);
        wanted.updated_since =
            read_time(updated, "updatedSince").map_err(|problem| problems.push(problem)).ok().flatten();
        wanted.name_prefix =
            read_filter(name.map(Raw::as_text), || problem::not_a_string("namePrefix"), problems);
        wanted.suppressed = suppressed.map(|raw| read_flag("suppressed", Some(raw), problems));
        let mut unknown = Vec::new();
        wanted.filter = tree.and_then(|raw| filter::decode(raw, list, &mut unknown, problems));
        warnings.extend(unknown.into_iter().map(problem::unknown_field));
        wanted.search = searched::read(search, problems);
        wanted
    }

    /// Reads the parameters of a query, under the same names; what is blank is as what is left out, and other
    /// parameters are somebody else's.
    pub fn from_query(query: &str, list: &List, problems: &mut Vec<Problem>) -> Self {
        let mut wanted = Self::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            if value.is_empty() || value.contains('\0') {
                continue;
            }
            match key.as_ref() {
                "sourceId" => wanted.source = Some(value.to_owned()),
                "namePrefix" => wanted.name_prefix = Some(value.to_owned()),
                "filter" => wanted.filter = Self::read_text(value, list, problems),
                "search" => wanted.search = searched::parse(value, problems),
                "suppressed" => match value {
                    "true" | "false" => wanted.suppressed = Some(value == "true"),
                    _ => problems.push(problem::top_flag("suppressed")),
                },
                "updatedSince" => match picked_time(value) {
                    Some(time) => wanted.updated_since = Some(time),
                    None => problems.push(not_a_time("updatedSince")),
                },
                key => match (FLAGS.into_iter().find(|field| field.name() == key), value) {
                    (None, _) => {}
                    (Some(field), "true" | "false") => {
                        wanted.flags.retain(|(other, _)| *other != field);
                        wanted.flags.push((field, value == "true"));
                    }
                    (Some(field), _) => problems.push(problem::flag(field)),
                },
            }
        }
        wanted
    }

    fn read_text(text: &str, list: &List, problems: &mut Vec<Problem>) -> Option<Tree> {
        let Some(raw) = Raw::parse(text) else {
            problems.push(problem::filter("filter", "must be JSON"));
            return None;
        };
        filter::decode(raw, Some(list), &mut Vec::new(), problems)
    }

    /// Keys and their values as texts: what [`ContactQuery::from_query`] reads.
    pub fn pairs(&self, list: &List) -> Vec<(&'static str, String)> {
        let flags = self.flags.iter().map(|(field, wanted)| (field.name(), Some(wanted.to_string())));
        let rest = [
            ("sourceId", self.source.clone()),
            ("updatedSince", self.updated_since.map(|time| time.to_string())),
            ("namePrefix", self.name_prefix.clone()),
            ("suppressed", self.suppressed.map(|suppressed| suppressed.to_string())),
            ("filter", self.filter.as_ref().map(|filter| filter.to_json(Some(list)).to_string())),
            ("search", self.search.as_ref().map(|query| query.typed().to_owned())),
        ];
        flags.chain(rest).filter_map(|(key, value)| Some((key, value?))).collect()
    }

    /// The query that reads as this.
    pub fn to_query(&self, list: &List) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.pairs(list)).finish()
    }

    /// The keys and values that a JSON body names this with.
    pub fn to_json(&self) -> Map<String, serde_json::Value> {
        let flags = self.flags.iter().map(|(field, wanted)| (field.name(), json!(wanted)));
        let rest = [
            ("sourceId", self.source.as_ref().map(|source| json!(source))),
            ("updatedSince", self.updated_since.map(|time| json!(time))),
            ("namePrefix", self.name_prefix.as_ref().map(|name| json!(name))),
            ("suppressed", self.suppressed.map(|suppressed| json!(suppressed))),
            // Variables may be renamed while a job has this.
            ("filter", self.filter.as_ref().map(|filter| filter.to_json(None))),
            ("search", self.search.as_ref().map(|query| json!(query.typed()))),
        ];
        let rest = rest.into_iter().filter_map(|(key, value)| Some((key, value?)));
        flags.chain(rest).map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// Reads what [`ContactQuery::to_json`] wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_json(keys: &Map<String, serde_json::Value>, list: &List) -> Result<Self, Vec<Problem>> {
        let text = serde_json::Value::Object(keys.clone()).to_string();
        let mut problems = Vec::new();
        let members = read_members(&text, &Keys::of(&PARAMS)).ok_or_else(|| vec![problem::bad_request()])?;
        let values = std::array::from_fn(|place| members.get(place));
        let wanted = Self::read(values, Some(list), &mut Vec::new(), &mut problems);
        if problems.is_empty() { Ok(wanted) } else { Err(problems) }
    }

    /// Whether the filter names what one list has: variables and segments.
    pub fn names_parts_of_a_list(&self) -> bool {
        let is_variable = |leaf: &&Leaf| matches!(leaf.subject, Subject::Variable(_));
        self.filter
            .as_ref()
            .is_some_and(|filter| !filter.segments().is_empty() || filter.leaves().iter().any(is_variable))
    }

    /// Whether everybody fits.
    pub fn is_everybody(&self) -> bool {
        *self == Self::default()
    }

    /// All of it as one filter; `None` where every contact is wanted.
    pub fn tree(&self) -> Option<Tree> {
        let flags = self.flags.iter().map(|(field, is)| Leaf::flag(Subject::Field(*field), *is));
        let source = self.source.iter().map(|source| Leaf::text(Subject::Source, Op::Is, source));
        let updated = self.updated_since.map(Leaf::updated_since);
        let name = self.name_prefix.iter();
        let name = name.map(|name| Leaf::text(Subject::Field(Field::Name), Op::BeginsWith, name));
        let suppressed = self.suppressed.map(|suppressed| Leaf::flag(Subject::Suppressed, suppressed));
        let leaves = flags.chain(source).chain(updated).chain(name).chain(suppressed).map(Node::Leaf);
        let mut nodes: Vec<_> = leaves.collect();
        nodes.extend(self.filter.iter().map(|Tree(node)| node.clone()));
        match nodes.len() {
            0 | 1 => nodes.pop().map(Tree),
            _ => Some(Tree(Node::All(nodes))),
        }
    }
}

/// A time of the API, or as the picker of a browser writes it: `2026-01-31T12:00`, with or without seconds.
pub fn picked_time(text: &str) -> Option<Timestamp> {
    let text = text.trim().replace('T', " ");
    Timestamp::parse(&if text.len() == 16 { format!("{text}:00") } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::ObjectId;
    use domain::journal::{AccountNo, ListNo};
    use storage::ListAbout;

    fn list() -> List {
        List::new(ListNo(1), ObjectId::from_bytes([7; 12]), AccountNo(1), ListAbout::default(), vec![])
    }

    const FILTER_TEXT: &str = r#"{"field":"email","op":"contains","value":"a&b"}"#;

    fn read(query: &str) -> (ContactQuery, Vec<String>) {
        let mut problems = Vec::new();
        let wanted = ContactQuery::from_query(query, &list(), &mut problems);
        (wanted, problems.into_iter().map(|problem| problem.message).collect())
    }

    #[test]
    fn a_query_reads_as_it_was_written() {
        let wanted = ContactQuery {
            flags: vec![(Field::Active, true), (Field::SmsSubscribe, false)],
            source: Some("5d9155bad132d5f45a4e38b1".to_owned()),
            updated_since: Timestamp::parse("2026-10-14 09:30:00"),
            name_prefix: Some("Zoë & co".to_owned()),
            suppressed: Some(false),
            filter: filter::decode(
                Raw::parse(FILTER_TEXT).unwrap_or_else(|| unreachable!()),
                Some(&list()),
                &mut Vec::new(),
                &mut Vec::new(),
            ),
            search: Query::parse("Jür & müll").ok(),
        };
        assert_eq!(read(&wanted.to_query(&list())), (wanted, vec![]));
        assert_eq!(read(&ContactQuery::default().to_query(&list())), (ContactQuery::default(), vec![]));
        let keys = json!({
            "active": true, "smsSubscribe": false, "sourceId": "5d9155bad132d5f45a4e38b1",
            "updatedSince": "2026-10-14 09:30:00", "namePrefix": "Zoë & co", "suppressed": false,
            "filter": { "field": "email", "op": "contains", "value": "a&b" },
            "search": "Jür & müll",
        });
        let wanted = read(&keys.as_object().map(query).unwrap_or_default()).0;
        assert_eq!(serde_json::Value::Object(wanted.to_json()), keys);
    }

    fn query(keys: &Map<String, serde_json::Value>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (key, value) in keys {
            query.append_pair(key, value.as_str().unwrap_or(&value.to_string()));
        }
        query.finish()
    }

    #[test]
    fn what_is_blank_or_unknown_narrows_nothing_and_what_is_wrong_is_told() {
        let everybody = "active=&namePrefix=+&updatedSince=&sourceId=&page=3&email=x";
        assert_eq!(read(everybody), (ContactQuery::default(), vec![]));
        assert!(read(everybody).0.is_everybody());
        let (wanted, problems) = read("active=maybe&updatedSince=yesterday&viberSubscribe=true&suppressed=2");
        assert_eq!(wanted.flags, [(Field::ViberSubscribe, true)]);
        assert_eq!(
            problems,
            [
                "Argument active can be true or false",
                "Argument updatedSince must be a YYYY-MM-DD hh:mm:ss time or a YYYY-MM-DD date",
                "Argument suppressed must be a true or false",
            ]
        );
        assert_eq!(read("active=true&active=false").0.flags, [(Field::Active, false)], "the last one wins");
    }
}
