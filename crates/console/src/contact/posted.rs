//! A form of a contact as it came back: what is wanted now, what it was when it was shown, and what of it is to be sent.
//! Pure.

use std::collections::BTreeMap;

use super::form::{CAC, VARIABLE, Values, blank};
use crate::Fields;
use app::contacts::patch::{self, ContactPatch};
use domain::contact::amount::{Amount, Cac};
use domain::contact::field::{Field, Key, Kind};
use domain::json::Value;
use domain::problem::{self, Problem};
use storage::List;
use web::translate::t;

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
            let is_flag = Field::FLAGS.iter().any(|field| field.name() == name);
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
            let text = t(
                "This field was called “{before}” when you opened the form. Save again to store the value.",
            );
            (name.clone(), text.with("before", before).to_string())
        });
        let gone = self.gone.iter().map(|(name, typed)| {
            t("The custom field “{name}” was deleted after you opened the form. Your entry was not saved: “{typed}”")
                .with("name", name)
                .with("typed", typed)
                .to_string()
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

    /// Sets what was changed in a patch, and nothing else, save for the source. Returns what is wrong, by the name of
    /// the field.
    pub fn put<'a>(&'a self, list: &List, patch: &mut ContactPatch<'a>) -> BTreeMap<String, Problem> {
        let (mut wrong, mut variables) = (BTreeMap::new(), Vec::new());
        for name in self.changed() {
            let value = self.now.get(name).map(String::as_str).unwrap_or_default();
            let set = if let Some(variable) = name.strip_prefix(VARIABLE) {
                set_variable(list, variable, value).map(|set| variables.push(set))
            } else if CAC.contains(&name) {
                self.cac().map(|cac| patch.set_cac(cac))
            } else {
                let field = Field::ALL.into_iter().find(|field| field.name() == name);
                match field.and_then(|field| Some((field, field.kind()?))) {
                    Some((field, Kind::Flag)) => patch.set(field, Kind::Flag, Value::Bool(value == "true")),
                    Some((field, kind)) => patch.set(field, kind, Value::of(value)),
                    None => Ok(()),
                }
            };
            if let Err(problem) = set {
                // Of a cost it stands at the amount, also where it is about both.
                let name = if CAC.contains(&name) { problem.field.clone() } else { None }
                    .unwrap_or_else(|| name.to_owned());
                wrong.entry(name).or_insert(problem);
            }
        }
        patch.set_variables(variables);
        wrong
    }

    fn cac(&self) -> Result<Option<Cac>, Problem> {
        let [value, currency] =
            CAC.map(|name| self.now.get(name).map(|text| text.trim()).unwrap_or_default());
        if value.is_empty() && self.now.get(CAC[0]) != self.was.get(CAC[0]) {
            return Ok(None);
        }
        // A currency without an amount is a mistake, and no wish to clear.
        let cac = patch::cac(Amount::parse(value), currency);
        cac.map(Some).map_err(|problems| problems.into_iter().next().unwrap_or_else(problem::cac))
    }
}

fn set_variable(list: &List, name: &str, value: &str) -> Result<(Key, String), Problem> {
    let variable = list.variable(name).ok_or_else(|| problem::variable_not_found(name))?;
    if value.contains('\0') {
        return Err(problem::variables());
    }
    patch::variable_value(variable, value.to_owned())
}
