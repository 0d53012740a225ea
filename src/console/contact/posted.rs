//! A form of a contact as it came back: what is wanted now, what it was when it was shown, and what of it is to be sent.
//! Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::form::{CAC, VARIABLE, Values, blank};
use crate::console::{Detail, Fields};
use crate::find::FLAGS;
use crate::storage::List;

/// Before the name of a field stands what it was when the form was shown.
pub const WAS: &str = "was.";

/// Before the name of a variable's field stands, in a field of its own, the number of the variable. Names change, and a
/// name that is free again may be given to another variable; a number is never given twice.
const NUMBER: &str = "number.";

/// What is wrong with a form: at its fields, and at its top.
pub type Wrong = (BTreeMap<String, String>, Vec<String>);

/// A text as a form has it: browsers show any line end alike, and send each as two characters.
fn line_ends(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// What a form that was sent says now, and what its fields were when it was shown.
#[derive(Clone, Debug, Default)]
pub struct Posted {
    /// What is wanted.
    pub now: Values,
    /// What it was.
    pub was: Values,
    /// Variables that were renamed since the form was opened: the field's name now, and the variable's name then.
    pub renamed: Vec<(String, String)>,
    /// Variables that were removed since, with what was typed for them.
    pub gone: Vec<(String, String)>,
}

impl Posted {
    /// Of a form that nobody has changed.
    pub fn of(values: Values) -> Self {
        Self { now: values.clone(), was: values, ..Self::default() }
    }

    /// Of the fields that were sent; a box that is not checked sends nothing.
    pub fn read(fields: &Fields, list: &List) -> Self {
        let mut posted = Self::default();
        // Under which name the form had each variable.
        let mut sent_as = BTreeMap::new();
        for (field, number) in
            fields.iter().filter_map(|(name, value)| Some((name.strip_prefix(NUMBER)?, value)))
        {
            let number = number.parse().ok();
            match list.variables.iter().find(|variable| Some(variable.number) == number) {
                Some(variable) => {
                    let name = format!("{VARIABLE}{}", variable.name);
                    if name != field {
                        let before = field.strip_prefix(VARIABLE).unwrap_or(field).to_owned();
                        posted.renamed.push((name.clone(), before));
                    }
                    sent_as.insert(name, field.to_owned());
                }
                None if fields.raw(field) != fields.raw(&format!("{WAS}{field}")) => {
                    let name = field.strip_prefix(VARIABLE).unwrap_or(field).to_owned();
                    posted.gone.push((name, fields.raw(field).to_owned()));
                }
                None => {}
            }
        }
        for (name, blank) in blank(list) {
            let sent = |name: &str| fields.has(name).then(|| line_ends(fields.raw(name)));
            let is_flag = FLAGS.iter().any(|field| field.name() == name);
            // A field of this name that the form had for another variable is not this one.
            let is_other = !sent_as.contains_key(&name) && fields.has(&format!("{NUMBER}{name}"));
            let field = sent_as.get(&name).unwrap_or(&name);
            let was = sent(&format!("{WAS}{field}")).filter(|_| !is_other).unwrap_or(blank);
            let now = match sent(field).filter(|_| !is_other) {
                Some(text) => text,
                // A field that the form did not have is as it was.
                None if is_flag && fields.has(&format!("{WAS}{name}")) => "false".to_owned(),
                None => was.clone(),
            };
            posted.now.insert(name.clone(), now);
            posted.was.insert(name, was);
        }
        posted
    }

    /// What was typed for variables that were renamed or removed since the form was opened. The form that is shown
    /// then has their new names: saving it again stores the values there.
    pub fn outdated(&self) -> Wrong {
        let changed = self.changed();
        let renamed = self.renamed.iter().filter(|(name, _)| changed.contains(&name.as_str()));
        let renamed = renamed.map(|(name, before)| {
            let text = format!(
                "This field was called “{before}” when you opened the form. Save again to store the value."
            );
            (name.clone(), text)
        });
        let gone = self.gone.iter().map(|(name, typed)| {
            format!("The custom field “{name}” was deleted after you opened the form. Your entry was not saved: “{typed}”")
        });
        (renamed.collect(), gone.collect())
    }

    /// The names of the fields that were changed.
    pub fn changed(&self) -> Vec<&str> {
        let differs = |name: &&String| self.now.get(*name) != self.was.get(*name);
        self.now.keys().filter(differs).map(String::as_str).collect()
    }

    /// What others have made, since the form was shown, of the fields that it would change: by the field's name.
    pub fn conflicts(&self, stored: &Values) -> BTreeMap<String, String> {
        let mut conflicts = BTreeMap::new();
        for name in self.changed() {
            let stored = stored.get(name).map(|text| line_ends(text)).unwrap_or_default();
            if Some(&stored) != self.was.get(name) && Some(&stored) != self.now.get(name) {
                conflicts.insert(name.to_owned(), stored);
            }
        }
        conflicts
    }

    /// The item of a request that sends what was changed, and nothing else.
    pub fn item(&self) -> Map<String, Value> {
        let mut item = Map::new();
        let mut variables = Vec::new();
        for name in self.changed() {
            let value = self.now.get(name).map(String::as_str).unwrap_or_default();
            if let Some(variable) = name.strip_prefix(VARIABLE) {
                variables.push(json!({ "name": variable, "value": value }));
            } else if CAC.contains(&name) {
                item.insert("cac".to_owned(), self.cac());
            } else if FLAGS.iter().any(|field| field.name() == name) {
                item.insert(name.to_owned(), json!(value == "true"));
            } else {
                item.insert(name.to_owned(), json!(value));
            }
        }
        if !variables.is_empty() {
            item.insert("variables".to_owned(), variables.into());
        }
        item
    }

    fn cac(&self) -> Value {
        let [value, currency] =
            CAC.map(|name| self.now.get(name).map(|text| text.trim()).unwrap_or_default());
        if value.is_empty() && self.now.get(CAC[0]) != self.was.get(CAC[0]) {
            return json!("");
        }
        if value.is_empty() {
            // A currency without a cost: the API takes an empty text for the wish to clear, and this is a mistake.
            return json!({ "value": false, "currency": currency });
        }
        json!({ "value": value, "currency": currency })
    }
}

/// What is wrong with which field, as the API has told it; what is about none of them is told at the top.
pub fn errors(problems: &[Detail], posted: &Posted) -> Wrong {
    let (mut at_fields, mut at_top) = (BTreeMap::new(), Vec::new());
    let variables: Vec<_> = posted.changed().into_iter().filter(|name| name.starts_with(VARIABLE)).collect();
    for problem in problems {
        let name = match problem.field.as_deref() {
            // The API tells a variable's name in the text alone.
            Some("variables") => variables
                .iter()
                .find(|name| {
                    let name = name.strip_prefix(VARIABLE).unwrap_or_default();
                    problem.message.split_whitespace().any(|word| word.trim_matches('"') == name)
                })
                .map(|name| (*name).to_owned()),
            Some("cac") => Some(CAC[0].to_owned()),
            Some(name) if posted.now.contains_key(name) => Some(name.to_owned()),
            _ => None,
        };
        match name {
            Some(name) => {
                at_fields.entry(name).or_insert_with(|| problem.message.clone());
            }
            None => at_top.push(problem.message.clone()),
        }
    }
    (at_fields, at_top)
}
