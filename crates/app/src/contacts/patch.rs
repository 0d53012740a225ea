//! What an item of a batch sets, field by field. A value that is set is valid, and is in its stored form.

use std::borrow::Cow;

use domain::contact::amount::{Amount, Cac, Currency};
use domain::contact::choice::{Flags, Options};
use domain::contact::date::Date;
use domain::contact::field::{Field, Key, Kind, MAX_TEXT, MAX_VARIABLE, fits};
use domain::contact::identifier::{IdentifierKind, is_user_id};
use domain::contact::proof::Proof;
use domain::contact::record::put_entry;
use domain::contact::{email, gender, language, link, number, phone, timezone};
use domain::journal::ItemsWriter;
use domain::json::{Value, trimmed};
use domain::problem::{self, Problem};
use domain::secret;
use storage::{Variable, VariableKind};

/// How many fields stand before the options of a patch.
const BEFORE_OPTIONS: usize = {
    let mut count = 0;
    while count < Field::COUNT && (Field::BY_KEY[count] as u32) < Key::OPTIONS.number() {
        count += 1;
    }
    count
};

/// Places for the values of fields, by the fields' own numbers.
const FIELDS: usize = Field::COUNT;

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

/// What an item sets of its contact. Fields that it does not set stay as they are.
#[derive(Debug)]
pub struct ContactPatch<'a> {
    kind: IdentifierKind,
    contact: Cow<'a, str>,
    values: [Option<Stored<'a>>; FIELDS],
    variables: Vec<(Key, String)>,
    /// Whether it may set flags to true that were set to false.
    resubscribe: bool,
    /// How its flags were chosen.
    proof: Option<Proof>,
}

impl Default for ContactPatch<'_> {
    /// Of a contact that is added: no other is looked up.
    fn default() -> Self {
        Self {
            kind: IdentifierKind::UserId,
            contact: Cow::Borrowed(""),
            values: [const { None }; FIELDS],
            variables: Vec::new(),
            resubscribe: false,
            proof: None,
        }
    }
}

impl<'a> ContactPatch<'a> {
    /// Names the contact by a text of any kind, and returns the kind that it has by its form. `None` if no contact
    /// can have it.
    pub fn name(&mut self, text: Cow<'a, str>) -> Option<IdentifierKind> {
        self.kind = match &text {
            text if email::is_valid(text) => IdentifierKind::Email,
            text if phone::is_valid(text) => IdentifierKind::PhoneNumber,
            text if is_user_id(text) => IdentifierKind::UserId,
            _ => return None,
        };
        self.contact = text;
        Some(self.kind)
    }

    /// Names the contact by an identifier of a kind. Whether a contact can have it.
    pub fn name_by(&mut self, kind: IdentifierKind, text: Cow<'a, str>) -> bool {
        let is_valid = match kind {
            IdentifierKind::UserId => !text.is_empty() && is_user_id(&text),
            IdentifierKind::Email => email::is_valid(&text),
            IdentifierKind::PhoneNumber => phone::is_valid(&text),
        };
        self.kind = kind;
        if is_valid {
            self.contact = text;
        }
        is_valid
    }

    /// Names the contact by its number in the list.
    pub fn name_by_number(&mut self, number: u64) {
        self.kind = IdentifierKind::UserId;
        self.contact = Cow::Owned(number.to_string());
    }

    /// The kind of identifier by which the contact is named.
    pub const fn kind(&self) -> IdentifierKind {
        self.kind
    }

    /// The text by which the contact is named.
    pub fn contact(&self) -> &str {
        &self.contact
    }

    /// Sets a field whose value stands alone; a blank text clears it.
    ///
    /// # Errors
    /// The value is not one of the field.
    pub fn set(&mut self, field: Field, kind: Kind, value: Value<'a>) -> Result<(), Problem> {
        self.values[field.place()] = Some(read_field(field, kind, value)?);
        Ok(())
    }

    /// Sets the contact's own cost; `None` clears it.
    pub fn set_cac(&mut self, cac: Option<Cac>) {
        let stored = cac.map_or(Stored::Clear, |cac| Stored::Bytes(cac.to_bytes()));
        self.values[Field::Cac.place()] = Some(stored);
    }

    /// Sets the source, by its number; `None` clears it.
    pub fn set_source(&mut self, source: Option<u64>) {
        let stored = source.map_or(Stored::Clear, |source| Stored::short(&source.to_le_bytes()));
        self.values[Field::Source.place()] = Some(stored);
    }

    /// Sets variables, as [`variable_value`] gave their values. Of two for one variable the later wins.
    pub fn set_variables(&mut self, values: Vec<(Key, String)>) {
        self.variables = values;
    }

    /// Lets it set flags to true that were set to false.
    pub const fn set_resubscribe(&mut self, resubscribe: bool) {
        self.resubscribe = resubscribe;
    }

    /// Says how its flags were chosen.
    pub fn set_proof(&mut self, proof: Proof) {
        self.proof = Some(proof);
    }

    /// Whether it sets a flag.
    pub fn sets_a_flag(&self) -> bool {
        Flags::ALL.iter().any(|flag| self.values[flag.place()].is_some())
    }

    /// Whether it leaves its contact without an identifier: it clears all three. Where `adds`, one that it does not
    /// set counts as cleared, unless it was `refused`.
    pub fn has_no_identifier(&self, adds: bool, refused: impl Fn(Field) -> bool) -> bool {
        IdentifierKind::ALL.iter().all(|kind| match self.values[kind.field().place()] {
            Some(Stored::Clear) => true,
            Some(_) => false,
            None => adds && !refused(kind.field()),
        })
    }

    fn put_fields(&self, fields: &[Field], out: &mut Vec<u8>) {
        for field in fields {
            if let Some(stored) = &self.values[field.place()] {
                put_entry(out, field.key(), stored.bytes());
            }
        }
    }

    /// Writes the stored form, see [`domain::contact::record`]. `keep` says whether flags that were set to false stay
    /// so, unless the item says otherwise.
    pub fn put(&mut self, keep: bool, out: &mut Vec<u8>) {
        // Entries stand in the order of their keys.
        let (first, last) = Field::BY_KEY.split_at(BEFORE_OPTIONS);
        self.put_fields(first, out);
        let subscribes =
            |flag: &Field| self.values[flag.place()].as_ref().is_some_and(|it| !it.bytes().is_empty());
        let keep = keep && !self.resubscribe && Flags::ALL.iter().any(subscribes);
        let options = Options { keep, personal: self.proof.is_some(), linked: false }.bytes();
        if !options.is_empty() {
            put_entry(out, Key::OPTIONS, &options);
        }
        if let Some(proof) = &self.proof {
            put_entry(out, Key::PROOF, &proof.bytes(secret::random()));
        }
        self.put_fields(last, out);
        self.variables.sort_by_key(|(key, _)| *key);
        let values = &self.variables;
        for (index, (key, value)) in values.iter().enumerate() {
            if values.get(index + 1).is_none_or(|(next, _)| next != key) {
                put_entry(out, *key, value.as_bytes());
            }
        }
    }
}

/// The items of a batch of contacts, in their order.
#[derive(Debug, Default)]
pub struct ContactItems {
    items: ItemsWriter,
    patch: Vec<u8>,
    keep: bool,
}

impl ContactItems {
    /// None yet. `keep` says whether flags that were set to false stay so, unless an item says otherwise.
    pub fn new(keep: bool) -> Self {
        Self { keep, ..Self::default() }
    }

    /// Adds an item.
    pub fn push(&mut self, patch: &mut ContactPatch<'_>) {
        self.patch.clear();
        patch.put(self.keep, &mut self.patch);
        self.items.add(patch.kind, &patch.contact, &self.patch);
    }

    /// The stored form.
    pub fn finish(self) -> Vec<u8> {
        self.items.finish()
    }
}

/// Checks a value of a variable; an empty one clears.
///
/// # Errors
/// It is too long, or the variable is a date and the value is not.
pub fn variable_value(variable: &Variable, value: String) -> Result<(Key, String), Problem> {
    let key = Key::of_variable(variable.number);
    if !fits(&value, MAX_VARIABLE) {
        return Err(problem::variables());
    }
    if variable.kind == VariableKind::Date && !value.is_empty() {
        let date = value.trim();
        Date::parse(date).ok_or_else(|| problem::variable_not_a_date(&variable.name, &value))?;
        return Ok((key, date.to_owned()));
    }
    Ok((key, value))
}

/// A cost of its parts; `currency` is what was sent as the currency.
///
/// # Errors
/// One for each part that is wrong.
pub fn cac(value: Option<Amount>, currency: &str) -> Result<Cac, Vec<Problem>> {
    match (value, Currency::parse(currency.trim())) {
        (Some(value), Some(currency)) => Ok(Cac { value, currency }),
        (value, known) => {
            let wrong = value.is_none().then(problem::cac_value).into_iter();
            Err(wrong.chain(known.is_none().then(|| problem::cac_currency(currency))).collect())
        }
    }
}

/// Reads a field whose value stands alone.
fn read_field(field: Field, kind: Kind, value: Value<'_>) -> Result<Stored<'_>, Problem> {
    let value = match kind {
        // An identifier that is refused is shown as it was sent.
        Kind::Text | Kind::Link | Kind::Identifier => value,
        _ => value.trimmed(),
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
            Value::Bool(true) => Ok(Stored::short(&[1])),
            Value::Bool(false) => Ok(Stored::Clear),
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
