//! One contact of a request: every field read, everything that is wrong told.

use std::borrow::Cow;

use super::fields::{
    self, CONSENT, CONTACT, CUSTOMER_SOURCE_ID, EXTERNAL_ID, KEY_COUNT, RESUBSCRIBE, VARIABLES,
};
use super::problem::{self, Problem};
use super::{proof, variables};
use crate::contact::amount::{Amount, Cac, Currency};
use crate::contact::choice::{Flags, Options};
use crate::contact::date::Date;
use crate::contact::field::{Field, Key, Kind, MAX_CUSTOMER_SOURCE_ID, MAX_TEXT, MAX_USER_ID};
use crate::contact::identifier::IdentifierKind;
use crate::contact::proof::Proof;
use crate::contact::record::put_entry;
use crate::contact::{email, gender, invisible, language, link, number, phone, timezone};
use crate::id::ObjectId;
use crate::journal::BatchKind;
use crate::json::{Keys, Members, Raw, Value, trimmed};
use crate::secret;
use crate::storage::{List, SourceRef};

/// The keys of a contact.
pub const KEYS: Keys<KEY_COUNT> = Keys::of(&fields::PARAMS);

/// The keys of `cac`.
pub const CAC_KEYS: Keys<2> = Keys::of(&fields::CAC);

/// A value in its stored form.
#[derive(Debug)]
enum Stored<'a> {
    Clear,
    Text(Cow<'a, str>),
    Bytes(Vec<u8>),
    Short([u8; 8], usize),
}

impl Stored<'_> {
    fn short(bytes: &[u8]) -> Self {
        let mut short = [0; 8];
        short[..bytes.len()].copy_from_slice(bytes);
        Stored::Short(short, bytes.len())
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Stored::Clear => &[],
            Stored::Text(text) => text.as_bytes(),
            Stored::Bytes(bytes) => bytes,
            Stored::Short(bytes, length) => &bytes[..*length],
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
#[derive(Debug)]
pub struct CheckedContact<'a> {
    /// What is wrong, in the order of the page's Parameters table, texts with a position in them last.
    pub problems: Vec<Problem>,
    /// What is doubtful.
    pub warnings: Vec<Problem>,
    /// What `contact` is by its form, or by what the caller says.
    pub kind: IdentifierKind,
    /// Whom it is about.
    pub contact: Cow<'a, str>,
    /// The source that it names.
    pub source: Option<NamedSource>,
    /// Whether it may set flags to true that were set to false.
    resubscribe: bool,
    /// How its flags were chosen.
    proof: Option<Proof>,
    values: [Option<Stored<'a>>; VARIABLES],
    variables: variables::Variables,
}

impl<'a> CheckedContact<'a> {
    fn empty() -> Self {
        Self {
            problems: Vec::new(),
            warnings: Vec::new(),
            kind: IdentifierKind::UserId,
            contact: Cow::Borrowed(""),
            source: None,
            resubscribe: false,
            proof: None,
            values: [const { None }; VARIABLES],
            variables: variables::Variables::default(),
        }
    }

    /// An element of `contacts` that is no object.
    pub fn not_an_object(position: usize) -> Self {
        Self { problems: vec![problem::contacts().at(position)], ..Self::empty() }
    }

    /// Checks a contact of a batch; without a list, what needs it is left out. One that is to be added looks nobody
    /// up: its `contact` is not looked at, and it must name an identifier itself. Beside the kind of the batch stands
    /// what every `contact` is, where the caller says it.
    pub fn check(
        members: &Members<'a, KEY_COUNT>,
        position: usize,
        (kind, by): (BatchKind, Option<IdentifierKind>),
        list: Option<&List>,
    ) -> Self {
        let mut checked = Self::empty();
        let adds = kind == BatchKind::Add;
        match by {
            _ if adds => {}
            None => checked.check_contact(members.get(CONTACT)),
            Some(by) => checked.check_contact_by(members.get(CONTACT), by),
        }
        for field in Field::ALL {
            let mut raw = members.get(field as usize);
            if field == Field::UserId {
                raw = raw.or(members.get(EXTERNAL_ID));
            }
            match (field.kind(), raw) {
                (Some(kind), Some(raw)) => checked.check_field(field, kind, raw),
                (None, Some(raw)) if field == Field::Cac => checked.check_cac(raw),
                (None, _) if field == Field::Source => {
                    // The page has the variables before the source.
                    checked.check_variables(members.get(VARIABLES), list);
                    checked.check_source(members);
                }
                _ => {}
            }
        }
        checked.check_resubscribe(members.get(RESUBSCRIBE));
        checked.check_consent(members.get(CONSENT));
        let unknown = members.unknown.iter().cloned();
        let nested = checked.variables.unknown.drain(..).map(|key| format!("variables.{key}"));
        checked.warnings.extend(unknown.chain(nested).map(problem::unknown_field));
        if checked.has_no_identifier(adds) {
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
        self.kind = match &text {
            Some(text) if email::is_valid(text) => IdentifierKind::Email,
            Some(text) if phone::is_valid(text) => IdentifierKind::PhoneNumber,
            _ => IdentifierKind::UserId,
        };
        match text {
            Some(text) if self.kind != IdentifierKind::UserId || is_user_id(&text) => {
                if self.kind == IdentifierKind::UserId {
                    self.warnings.extend(problem::taken_as_user_id(&text));
                }
                self.contact = text;
            }
            _ => self.problems.push(problem::contact()),
        }
    }

    /// The same where the caller says which identifier it is.
    fn check_contact_by(&mut self, raw: Option<Raw<'a>>, by: IdentifierKind) {
        let Some(raw) = raw else { return self.problems.push(problem::required("contact")) };
        let fits = |text: &Cow<'_, str>| match by {
            IdentifierKind::UserId => !text.is_empty() && is_user_id(text),
            IdentifierKind::Email => email::is_valid(text),
            IdentifierKind::PhoneNumber => phone::is_valid(text),
        };
        self.kind = by;
        match raw.as_trimmed().filter(fits) {
            Some(text) => self.contact = text,
            None => self.problems.push(problem::contact_is_not(by.field().name())),
        }
    }

    fn check_field(&mut self, field: Field, kind: Kind, raw: Raw<'a>) {
        match read_field(field, kind, raw) {
            Ok(stored) => self.values[field as usize] = Some(stored),
            Err(problem) => self.problems.push(problem),
        }
    }

    fn check_resubscribe(&mut self, raw: Option<Raw<'_>>) {
        match raw.map(|raw| (raw.value(), raw.text())) {
            None => {}
            Some((Value::Bool(_), text)) => self.resubscribe = text == "true",
            Some(_) => self.problems.push(problem::top_flag("resubscribe")),
        }
    }

    fn check_consent(&mut self, raw: Option<Raw<'_>>) {
        let Some(raw) = raw else { return };
        match proof::read(raw) {
            Ok((proof, unknown)) => {
                if Flags::ALL.iter().all(|flag| self.values[*flag as usize].is_none()) {
                    let what = "consent must come with a flag, such as emailSubscribe";
                    self.problems.push(problem::consent(what));
                }
                self.proof = Some(proof);
                let unknown = unknown.into_iter().map(|key| format!("consent.{key}"));
                self.warnings.extend(unknown.map(problem::unknown_field));
            }
            Err(mut problems) => self.problems.append(&mut problems),
        }
    }

    fn check_variables(&mut self, raw: Option<Raw<'_>>, list: Option<&List>) {
        let Some(raw) = raw else { return };
        self.variables = variables::check(raw, list);
        self.problems.append(&mut self.variables.problems);
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
            self.values[Field::Source as usize] = Some(Stored::Clear);
        } else if field != name && !is_customer_source_id(&text) {
            self.problems.push(problem::customer_source_id());
        } else {
            self.source = Some(NamedSource { field, text: text.into_owned() });
        }
    }

    fn check_cac(&mut self, raw: Raw<'a>) {
        match read_cac(raw) {
            Ok((cac, unknown)) => {
                let stored = cac.map_or(Stored::Clear, |cac| Stored::Bytes(cac.to_bytes()));
                self.values[Field::Cac as usize] = Some(stored);
                let unknown = unknown.into_iter().map(|key| format!("cac.{key}"));
                self.warnings.extend(unknown.map(problem::unknown_field));
            }
            Err(mut problems) => self.problems.append(&mut problems),
        }
    }

    /// Whether it clears all identifiers; `absent` says whether leaving one out counts as that. One that was refused
    /// was not left out.
    fn has_no_identifier(&self, absent: bool) -> bool {
        let refused = |field: Field| self.problems.iter().any(|it| it.field.as_deref() == Some(field.name()));
        IdentifierKind::ALL.iter().all(|kind| match self.values[kind.field() as usize] {
            Some(Stored::Clear) => true,
            Some(_) => false,
            None => absent && !refused(kind.field()),
        })
    }

    /// Writes the patch (see [`crate::contact::record`]); `source` is the number of the source that is named, and `keep`
    /// says whether flags that were set to false stay so, unless the item says otherwise.
    pub fn put_patch(&mut self, source: Option<u64>, keep: bool, out: &mut Vec<u8>) {
        if let Some(source) = source {
            self.values[Field::Source as usize] = Some(Stored::short(&source.to_le_bytes()));
        }
        for field in Field::BY_KEY {
            if let Some(stored) = &self.values[field as usize] {
                put_entry(out, field.key(), stored.bytes());
            }
        }
        let subscribes =
            |flag: &Field| self.values[*flag as usize].as_ref().is_some_and(|it| !it.bytes().is_empty());
        let keep = keep && !self.resubscribe;
        let personal = self.proof.is_some();
        let options = Options { keep: keep && Flags::ALL.iter().any(subscribes), personal }.bytes();
        if !options.is_empty() {
            put_entry(out, Key::OPTIONS, &options);
        }
        if let Some(proof) = &self.proof {
            put_entry(out, Key::PROOF, &proof.bytes(secret::random()));
        }
        // Of two entries for one variable the later wins, as of two equal keys.
        self.variables.values.sort_by_key(|(key, _)| *key);
        let values = &self.variables.values;
        for (index, (key, value)) in values.iter().enumerate() {
            if values.get(index + 1).is_none_or(|(next, _)| next != key) {
                put_entry(out, *key, value.as_bytes());
            }
        }
    }
}

/// Reads a field whose value stands alone.
fn read_field(field: Field, kind: Kind, raw: Raw<'_>) -> Result<Stored<'_>, Problem> {
    let value = match kind {
        // An identifier that is refused is shown as it was sent.
        Kind::Text | Kind::Link | Kind::Identifier => raw.value(),
        _ => raw.value().trimmed(),
    };
    if let Value::Text(text) = &value
        && text.trim().is_empty()
        && kind != Kind::Flag
    {
        return Ok(Stored::Clear);
    }
    match kind {
        Kind::Identifier => read_identifier(field, value),
        Kind::Text => match value {
            Value::Text(text) if fits(&text, MAX_TEXT) => Ok(Stored::Text(text)),
            Value::Text(_) => Err(problem::too_long(field.name(), MAX_TEXT)),
            _ => Err(problem::not_a_string(field.name())),
        },
        Kind::Flag => match value {
            Value::Bool(_) if raw.text() == "true" => Ok(Stored::short(&[1])),
            Value::Bool(_) => Ok(Stored::Clear),
            _ => Err(problem::flag(field)),
        },
        Kind::Birthday => {
            let date = value.into_text().and_then(|text| Date::parse(&text)).ok_or_else(problem::birthday)?;
            Ok(Stored::short(&date.to_bytes()))
        }
        Kind::Language => {
            let code =
                value.into_text().and_then(|text| language::parse(&text)).ok_or_else(problem::language)?;
            Ok(Stored::short(&code))
        }
        Kind::Gender => read_gender(value),
        Kind::Timezone => match value {
            Value::Text(text) if timezone::is_valid(&text) => Ok(Stored::Text(text)),
            _ => Err(problem::timezone()),
        },
        Kind::Score => {
            let score = match &value {
                Value::Number(number) => number::integer(number),
                Value::Text(text) => number::integer(text),
                _ => None,
            };
            Ok(Stored::short(&score.ok_or_else(problem::score)?.to_le_bytes()))
        }
        Kind::Link => match value {
            Value::Text(text) if link::is_valid(&text) => Ok(Stored::Text(text)),
            _ => Err(problem::link(field)),
        },
    }
}

fn read_identifier(field: Field, value: Value<'_>) -> Result<Stored<'_>, Problem> {
    let Value::Text(sent) = value else { return Err(problem::not_a_string(field.name())) };
    let text = sent.trim();
    match field {
        Field::Email if !email::is_valid(text) => Err(problem::email(&sent)),
        Field::PhoneNumber if !phone::is_valid(text) => Err(problem::phone_number(&sent)),
        Field::UserId if !is_user_id(text) => Err(problem::not_a_string(field.name())),
        _ => Ok(Stored::Text(trimmed(sent))),
    }
}

fn read_gender(value: Value<'_>) -> Result<Stored<'_>, Problem> {
    let gender = match value {
        Value::Text(text) => gender::parse(&text),
        Value::Number(number) => gender::from_number(number),
        _ => None,
    };
    match gender.ok_or_else(problem::gender)? {
        0 => Ok(Stored::Clear),
        gender => Ok(Stored::short(&[gender])),
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
    match (amount, code.as_deref().map(str::trim).and_then(Currency::parse)) {
        (_, Some(_)) if clears => Ok((None, members.unknown)),
        (Some(value), Some(currency)) => Ok((Some(Cac { value, currency }), members.unknown)),
        (amount, known) => {
            let mut problems = Vec::new();
            if amount.is_none() && !clears {
                problems.push(problem::cac_value());
            }
            if known.is_none() {
                problems.push(problem::cac_currency(code.as_deref().unwrap_or(currency.text())));
            }
            Err(problems)
        }
    }
}

/// Whether a text can be a userId.
pub fn is_user_id(text: &str) -> bool {
    fits(text, MAX_USER_ID) && !text.chars().any(char::is_control) && !invisible::is_in(text)
}

/// Whether a text can be a customerSourceId: ASCII letters and digits, at most 40.
pub fn is_customer_source_id(text: &str) -> bool {
    (1..=MAX_CUSTOMER_SOURCE_ID).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether a text has at most `max` Unicode scalar values.
pub fn fits(text: &str, max: usize) -> bool {
    text.len() <= max || text.chars().count() <= max
}

#[cfg(test)]
mod tests;
