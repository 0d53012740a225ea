//! One contact of a request: every field read, everything that is wrong told.

use super::fields::{
    self, CONSENT, CONTACT, CUSTOMER_SOURCE_ID, EXTERNAL_ID, KEY_COUNT, RESUBSCRIBE, VARIABLES,
};
use super::{proof, variables};
use app::contacts::patch::{self, ContactPatch};
use domain::contact::amount::{Amount, Cac, Currency};
use domain::contact::field::{Field, is_customer_source_id};
use domain::contact::identifier::IdentifierKind;
use domain::id::ObjectId;
use domain::journal::BatchKind;
use domain::json::{Keys, Members, Raw, Value};
use domain::problem::{self, Problem};
use storage::{List, SourceRef};

/// The keys of a contact.
pub const KEYS: Keys<KEY_COUNT> = Keys::of(&fields::PARAMS);

/// The keys of `cac`.
pub const CAC_KEYS: Keys<2> = Keys::of(&fields::CAC);

/// What every `contact` of a batch is, as the caller says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactBy {
    /// An identifier of that kind.
    Identifier(IdentifierKind),
    /// The contact's id.
    Id,
}

impl ContactBy {
    /// The name of the contact's id.
    pub const ID: &'static str = "contactId";

    /// By its name in a body.
    pub fn named(name: &str) -> Option<Self> {
        let kind = IdentifierKind::ALL.into_iter().find(|kind| kind.field().name() == name);
        kind.map(Self::Identifier).or_else(|| (name == Self::ID).then_some(Self::Id))
    }

    /// Its name in a body.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identifier(kind) => kind.field().name(),
            Self::Id => Self::ID,
        }
    }
}

/// The source that a contact names, still to be looked up in the account.
#[derive(Clone, Debug)]
pub struct NamedSource {
    /// The key that names it.
    pub field: &'static str,
    /// The text under that key.
    pub text: String,
}

impl NamedSource {
    /// How the store knows it; `None` where no source can have that id.
    pub fn reference(&self) -> Option<SourceRef> {
        if self.field == Field::Source.name() {
            ObjectId::parse(&self.text).map(SourceRef::Id)
        } else {
            Some(SourceRef::Customer(self.text.clone()))
        }
    }
}

/// A contact as far as it can be checked without looking up its source.
#[derive(Debug, Default)]
pub struct CheckedContact<'a> {
    /// What is wrong, in the order of the page's Parameters table, texts with a position in them last.
    pub problems: Vec<Problem>,
    /// What is doubtful.
    pub warnings: Vec<Problem>,
    /// What it sets.
    pub patch: ContactPatch<'a>,
    /// The source that it names.
    pub source: Option<NamedSource>,
}

impl<'a> CheckedContact<'a> {
    /// An element of `contacts` that is no object.
    pub fn not_an_object(position: usize) -> Self {
        Self { problems: vec![problem::contacts().at(position)], ..Self::default() }
    }

    /// Checks a contact of a batch; without a list, what needs it is left out. One that is to be added looks nobody
    /// up: its `contact` is not looked at, and it must name an identifier itself. Beside the kind of the batch stands
    /// what every `contact` is, where the caller says it.
    pub fn check(
        members: &Members<'a, KEY_COUNT>,
        position: usize,
        (kind, by): (BatchKind, Option<ContactBy>),
        list: Option<&List>,
    ) -> Self {
        let mut checked = Self::default();
        let adds = kind == BatchKind::Add;
        match by {
            _ if adds => {}
            None => checked.check_contact(members.get(CONTACT)),
            Some(ContactBy::Identifier(by)) => checked.check_contact_by(members.get(CONTACT), by),
            Some(ContactBy::Id) => checked.check_contact_id(members.get(CONTACT), list),
        }
        let mut nested = Vec::new();
        for field in Field::ALL {
            let mut raw = members.get(fields::place(field));
            if field == Field::UserId {
                raw = raw.or(members.get(EXTERNAL_ID));
            }
            match (field.kind(), raw) {
                (Some(kind), Some(raw)) => {
                    let set = checked.patch.set(field, kind, raw.value());
                    checked.problems.extend(set.err());
                }
                (None, Some(raw)) if field == Field::Cac => checked.check_cac(raw),
                (None, _) if field == Field::Source => {
                    // The page has the variables before the source.
                    nested = checked.check_variables(members.get(VARIABLES), list);
                    checked.check_source(members);
                }
                _ => {}
            }
        }
        checked.check_resubscribe(members.get(RESUBSCRIBE));
        checked.check_consent(members.get(CONSENT));
        checked.warnings.extend(members.unknown.iter().cloned().map(problem::unknown_field));
        checked.warnings.extend(nested.into_iter().map(problem::unknown_field));
        let refused = |field: Field| {
            checked.problems.iter().any(|problem| problem.field.as_deref() == Some(field.name()))
        };
        if checked.patch.has_no_identifier(adds, refused) {
            checked.problems.push(problem::no_identifier(position));
        }
        for problem in checked.problems.iter_mut().chain(&mut checked.warnings) {
            problem.position = Some(position);
        }
        checked
    }

    fn check_contact(&mut self, raw: Option<Raw<'a>>) {
        let Some(raw) = raw else { return self.problems.push(problem::required("contact")) };
        let text = raw.as_trimmed().filter(|text| !text.is_empty());
        match text.and_then(|text| self.patch.name(text)) {
            Some(IdentifierKind::UserId) => {
                self.warnings.extend(problem::taken_as_user_id(self.patch.contact()));
            }
            Some(_) => {}
            None => self.problems.push(problem::contact()),
        }
    }

    /// The same where the caller says which identifier it is.
    fn check_contact_by(&mut self, raw: Option<Raw<'a>>, by: IdentifierKind) {
        let Some(raw) = raw else { return self.problems.push(problem::required("contact")) };
        if !raw.as_trimmed().is_some_and(|text| self.patch.name_by(by, text)) {
            self.problems.push(problem::contact_is_not(by.field().name()));
        }
    }

    /// The same if it is the id of a contact.
    fn check_contact_id(&mut self, raw: Option<Raw<'a>>, list: Option<&List>) {
        let Some(raw) = raw else { return self.problems.push(problem::required("contact")) };
        let id = raw.as_trimmed().and_then(|text| ObjectId::parse(&text));
        match (id, list) {
            (None, _) => self.problems.push(problem::contact_is_not(ContactBy::ID)),
            // The list has a problem of its own.
            (Some(_), None) => {}
            // An id of another list has no contact here: the item fails when it is applied.
            (Some(id), Some(list)) => {
                self.patch.name_by_number(id.contact_number(list.id).unwrap_or_default());
            }
        }
    }

    fn check_resubscribe(&mut self, raw: Option<Raw<'_>>) {
        match raw.map(Raw::value) {
            None => {}
            Some(Value::Bool(resubscribe)) => self.patch.set_resubscribe(resubscribe),
            Some(_) => self.problems.push(problem::top_flag("resubscribe")),
        }
    }

    fn check_consent(&mut self, raw: Option<Raw<'_>>) {
        let Some(raw) = raw else { return };
        match proof::read(raw) {
            Ok((proof, unknown)) => {
                if !self.patch.sets_a_flag() {
                    let what = "consent must come with a flag, such as emailSubscribe";
                    self.problems.push(problem::consent(what));
                }
                self.patch.set_proof(proof);
                let unknown = unknown.into_iter().map(|key| format!("consent.{key}"));
                self.warnings.extend(unknown.map(problem::unknown_field));
            }
            Err(mut problems) => self.problems.append(&mut problems),
        }
    }

    /// Returns the unknown keys of its entries.
    fn check_variables(&mut self, raw: Option<Raw<'_>>, list: Option<&List>) -> Vec<String> {
        let Some(raw) = raw else { return Vec::new() };
        let mut variables = variables::check(raw, list);
        self.problems.append(&mut variables.problems);
        self.patch.set_variables(variables.values);
        variables.unknown.into_iter().map(|key| format!("variables.{key}")).collect()
    }

    /// sourceId has the higher priority: where it is given, customerSourceId is not looked at.
    fn check_source(&mut self, members: &Members<'a, KEY_COUNT>) {
        let name = Field::Source.name();
        let (field, raw) = match (members.get(Field::Source as usize), members.get(CUSTOMER_SOURCE_ID)) {
            (Some(raw), _) => (name, raw),
            (None, Some(raw)) => ("customerSourceId", raw),
            (None, None) => return,
        };
        let Some(text) = raw.as_trimmed() else { return self.problems.push(problem::not_a_string(field)) };
        if text.is_empty() {
            self.patch.set_source(None);
        } else if field != name && !is_customer_source_id(&text) {
            self.problems.push(problem::customer_source_id());
        } else {
            self.source = Some(NamedSource { field, text: text.into_owned() });
        }
    }

    fn check_cac(&mut self, raw: Raw<'a>) {
        match read_cac(raw) {
            Ok((cac, unknown)) => {
                self.patch.set_cac(cac);
                let unknown = unknown.into_iter().map(|key| format!("cac.{key}"));
                self.warnings.extend(unknown.map(problem::unknown_field));
            }
            Err(mut problems) => self.problems.append(&mut problems),
        }
    }
}

/// Reads `cac` and tells its unknown keys; `None` clears it.
///
/// # Errors
/// What is wrong with its shape, or with its value and currency, one each.
pub fn read_cac(raw: Raw<'_>) -> Result<(Option<Cac>, Vec<String>), Vec<Problem>> {
    if raw.as_text().is_some_and(|text| text.trim().is_empty()) {
        return Ok((None, Vec::new()));
    }
    let members = raw.members(&CAC_KEYS).ok_or_else(|| vec![problem::cac()])?;
    let (Some(value), Some(currency)) = (members.get(0), members.get(1)) else {
        return Err(vec![problem::cac()]);
    };
    let value = value.value().trimmed();
    // The form of clearing that a typed client can send.
    let clears = matches!(&value, Value::Text(text) if text.is_empty());
    let amount = match value {
        Value::Number(number) => Amount::parse(number),
        Value::Text(text) => Amount::parse(&text),
        _ => None,
    };
    let code = currency.as_text();
    let code = code.as_deref().unwrap_or(currency.text());
    if clears {
        let known = Currency::parse(code.trim()).is_some();
        return if known { Ok((None, members.unknown)) } else { Err(vec![problem::cac_currency(code)]) };
    }
    patch::cac(amount, code).map(|cac| (Some(cac), members.unknown))
}

#[cfg(test)]
mod tests;
