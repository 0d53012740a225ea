//! What can be wrong with a request, in the vendor's own words.
//!
//! The texts are part of the wire protocol: byte for byte those of the vendor's page, the placeholders filled in.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contact::field::Field;
use crate::contact::phone;
use crate::id::ObjectId;
use crate::journal::ContactNo;

/// Something wrong (or, in `warnings`, doubtful) in a request: one entry of `details`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The place in `contacts` (or in `variables` of contact-list/variables/add) that it is about, from 0; null for
    /// the request itself.
    pub position: Option<usize>,
    /// The key that it is about, or null.
    pub field: Option<String>,
    /// Its code, for programs.
    pub code: Cow<'static, str>,
    /// Its text, for people: the entry of `errors`.
    pub message: String,
}

/// The most problems that one answer tells (contract, section 2).
pub const MAX_PROBLEMS: usize = 1_000;

impl Problem {
    /// About the request itself.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { position: None, field: None, code: Cow::Borrowed(code), message: message.into() }
    }

    /// The same about a key.
    pub fn of(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// The same about a contact.
    pub fn at(self, position: usize) -> Self {
        Self { position: Some(position), ..self }
    }
}

/// The body is no JSON object.
pub fn bad_request() -> Problem {
    Problem::new("BAD_REQUEST", "Bad Request")
}

/// A required key is absent.
pub fn required(argument: &'static str) -> Problem {
    Problem::new("REQUIRED", format!("Argument {argument} required")).of(argument)
}

/// `contactListId` is no text, or empty.
pub fn list_id() -> Problem {
    Problem::new("INVALID_LIST_ID", "Argument contactListId must be a non-empty string").of("contactListId")
}

/// The account has no such list.
pub fn list_not_found(id: &str) -> Problem {
    Problem::new("LIST_NOT_FOUND", format!("List with id {id} not found!")).of("contactListId")
}

/// A key at the top is no boolean.
pub fn top_flag(name: &'static str) -> Problem {
    let code = if name == "upsert" { "INVALID_UPSERT" } else { "NOT_A_BOOLEAN" };
    Problem::new(code, format!("Argument {name} must be a true or false")).of(name)
}

/// An `Idempotency-Key` header is none.
pub fn key_invalid() -> Problem {
    let text = "Idempotency-Key must be 1 to 255 visible ASCII characters";
    Problem::new("INVALID_IDEMPOTENCY_KEY", text)
}

/// An `Idempotency-Key` was used before.
pub fn key_used() -> Problem {
    Problem::new("IDEMPOTENCY_KEY_USED", "Idempotency-Key was used with another body")
}

/// A key of contacts/remove is no array.
pub fn not_a_list(name: &'static str) -> Problem {
    Problem::new("NOT_A_LIST", format!("Argument {name} must be a list of {name}")).of(name)
}

/// An entry of such an array is no text.
pub fn entry_not_a_string(name: &'static str, entry: &str) -> Problem {
    Problem::new("NOT_A_STRING", format!("Each {entry} must be a string")).of(name)
}

/// contacts/remove names nobody.
pub fn nobody_to_remove() -> Problem {
    let text = "add at least one email, phoneNumber or userId to emails, phoneNumbers or userIds field";
    Problem::new("IDENTIFIER_REQUIRED", text)
}

/// `requestId` is no text, or empty.
pub fn request_id() -> Problem {
    Problem::new("INVALID_REQUEST_ID", "Argument requestId must be a non-empty string").of("requestId")
}

/// The account has no such request.
pub fn request_not_found(id: &str) -> Problem {
    Problem::new("REQUEST_NOT_FOUND", format!("Request {id} not found")).of("requestId")
}

/// A request is of a kind that cannot be undone.
pub fn not_undoable(id: &str) -> Problem {
    Problem::new("NOT_UNDOABLE", format!("Request {id} can not be undone")).of("requestId")
}

/// What a request changed is not known any more.
pub fn history_gone(id: &str) -> Problem {
    let text = format!("Request {id} can not be undone, its history is not kept any more");
    Problem::new("HISTORY_GONE", text).of("requestId")
}

/// `webHookUri` is none.
pub fn web_hook_uri() -> Problem {
    Problem::new("INVALID_WEBHOOK_URI", "Argument webHookUri must be a valid URI").of("webHookUri")
}

/// `contacts` is empty or no array, or an element of it is no object.
pub fn contacts() -> Problem {
    Problem::new("INVALID_CONTACTS", "add at least one valid contact to contacts field").of("contacts")
}

/// An array has more entries than one request may.
pub fn too_many(field: &'static str, count: usize) -> Problem {
    too_many_records(count).of(field)
}

/// Several arrays have more entries together than one request may.
pub fn too_many_records(count: usize) -> Problem {
    let text = format!("Maximum count of records per transaction is 100, current {count}");
    Problem::new("TOO_MANY_RECORDS", text)
}

/// `contact` names nobody.
pub fn contact() -> Problem {
    let text = "Argument contact must be a non-empty string filled with valid email, phoneNumber or userId";
    Problem::new("INVALID_CONTACT", text).of("contact")
}

/// `contactBy` is none of the identifiers.
pub fn contact_by() -> Problem {
    Problem::new("INVALID_CONTACT_BY", "Argument contactBy must be userId, email, phoneNumber or contactId")
        .of("contactBy")
}

/// A contact is to be made that is named by its id.
pub fn upsert_by_id() -> Problem {
    let text = "Argument upsert must be false where contactBy is contactId";
    Problem::new("INVALID_CONTACT_BY", text).of("upsert")
}

/// What should be the id of a contact is none.
pub fn contact_id(name: &'static str) -> Problem {
    Problem::new("INVALID_CONTACT_ID", format!("Argument {name} must be the id of a contact")).of(name)
}

/// A contact is to be merged with itself.
pub fn same_contact() -> Problem {
    Problem::new("SAME_CONTACT", "Arguments winner and loser must be two contacts").of("loser")
}

/// What should be the name of a field is none, is a flag, or is named twice.
pub fn merge_field(name: &'static str) -> Problem {
    let text = format!("Argument {name} must name fields that are not flags, each once");
    Problem::new("INVALID_FIELD", text).of(name)
}

/// A value of import/report is wrong.
pub fn import(name: &'static str, what: &str) -> Problem {
    Problem::new("INVALID_IMPORT", format!("Argument {name} must be {what}")).of(name)
}

/// Another job has the id of an import.
pub fn import_id_taken(id: &str) -> Problem {
    Problem::new("IMPORT_ID_TAKEN", format!("Another job has the id {id}")).of("importId")
}

/// `channel` is no flag.
pub fn channel() -> Problem {
    Problem::new("INVALID_CHANNEL", "Argument channel must be the name of a flag").of("channel")
}

/// What is wrong with `consent`.
pub fn consent(what: &str) -> Problem {
    Problem::new("INVALID_CONSENT", format!("Argument {what}")).of("consent")
}

/// `optOut` is none of the words.
pub fn opt_out(words: &'static str) -> Problem {
    Problem::new("INVALID_OPT_OUT", format!("Argument optOut must be {words}")).of("optOut")
}

/// `contact` is not what `contactBy` says.
pub fn contact_is_not(identifier: &'static str) -> Problem {
    let text = format!("Argument contact must be a valid {identifier} where contactBy is {identifier}");
    Problem::new("INVALID_CONTACT", text).of("contact")
}

/// A field is no text.
pub fn not_a_string(field: &'static str) -> Problem {
    Problem::new("NOT_A_STRING", format!("Argument {field} must be a string")).of(field)
}

/// A text is too long.
pub fn too_long(field: &'static str, max: usize) -> Problem {
    let text = format!("Argument {field} must be a string with max length within {max} characters");
    Problem::new("TOO_LONG", text).of(field)
}

/// An e-mail address is none.
pub fn email(email: &str) -> Problem {
    Problem::new("INVALID_EMAIL", format!("invalid RFC2822 email {email} at email field")).of("email")
}

/// A phone number is none.
pub fn phone_number(number: &str) -> Problem {
    Problem::new("INVALID_PHONE_NUMBER", format!("{number} is not a valid E.164 phone number"))
        .of("phoneNumber")
}

/// A flag is no boolean.
pub fn flag(field: Field) -> Problem {
    let name = field.name();
    Problem::new("NOT_A_BOOLEAN", format!("Argument {name} can be true or false")).of(name)
}

/// What is wrong with a filter, at its place in the tree.
pub fn filter(place: &str, must: &str) -> Problem {
    Problem::new("INVALID_FILTER", format!("Argument {place} {must}")).of(place)
}

/// The list has no such segment.
pub fn segment_not_found(id: ObjectId) -> Problem {
    Problem::new("SEGMENT_NOT_FOUND", format!("Segment {id} not found in list")).of("segmentId")
}

/// A birthday is no date.
pub fn birthday() -> Problem {
    Problem::new("INVALID_BIRTHDAY", "Argument birthday must be a YYYY-MM-DD date").of("contactBirthday")
}

/// A language is none.
pub fn language() -> Problem {
    Problem::new("INVALID_LANGUAGE", "Argument language must be a valid ISO language").of("contactLanguage")
}

/// A gender is none.
pub fn gender() -> Problem {
    Problem::new("INVALID_GENDER", "Unknown gender value").of("contactGender")
}

/// A time zone is none.
pub fn timezone() -> Problem {
    Problem::new("INVALID_TIMEZONE", "Argument timezone must be a valid timezone string")
        .of("contactTimezone")
}

/// A score is no integer.
pub fn score() -> Problem {
    Problem::new("INVALID_SCORE", "Argument score must have a numeric value").of("contactScore")
}

/// A link is none.
pub fn link(field: Field) -> Problem {
    let name = field.name();
    Problem::new("INVALID_URL", format!("Argument {name} must be a valid URL")).of(name)
}

/// `variables` or an entry of it is not of the right shape.
pub fn variables() -> Problem {
    let text = r#"Argument variables must be an array of arrays with "name" and "value" fields"#;
    Problem::new("INVALID_VARIABLES", text).of("variables")
}

/// A variable's name is no text.
pub fn variable_name_not_a_string() -> Problem {
    Problem::new("VARIABLE_NAME_NOT_A_STRING", "name of variable must be a string").of("variables")
}

/// A variable's name is empty.
pub fn variable_name_empty() -> Problem {
    Problem::new("VARIABLE_NAME_EMPTY", "name of variable can not be empty").of("variables")
}

/// A variable has the name of a field.
pub fn variable_reserved(name: &str) -> Problem {
    let text = format!(r#"variable "{name}" is reserved and can not be added as custom variable"#);
    Problem::new("VARIABLE_NAME_RESERVED", text).of("variables")
}

/// A variable's name is not in lowerCamelCase.
pub fn variable_name(name: &str) -> Problem {
    Problem::new("VARIABLE_NAME_INVALID", format!("invalid name of variable {name}")).of("variables")
}

/// The list has no such variable.
pub fn variable_not_found(name: &str) -> Problem {
    let text = format!("Variable {name} not found in list. Try to add it first");
    Problem::new("VARIABLE_NOT_FOUND", text).of("variables")
}

/// A date variable's value is no date.
pub fn variable_not_a_date(name: &str, value: &str) -> Problem {
    let text = format!("Variable {name} type is date, but value is not valid date. Value {value}");
    Problem::new("VARIABLE_NOT_A_DATE", text).of("variables")
}

/// A customerSourceId is not of the right form.
pub fn customer_source_id() -> Problem {
    let text =
        "Argument customerSourceId must be an alphanumeric string with max length within 40 characters";
    Problem::new("INVALID_CUSTOMER_SOURCE_ID", text).of("customerSourceId")
}

/// The account has no such source.
pub fn source_not_found(field: &'static str, id: &str, position: usize) -> Problem {
    let text = format!("{field} {id} not found in your account at contact position {position}");
    Problem::new("SOURCE_NOT_FOUND", text).of(field).at(position)
}

/// A contact would have no identifier.
pub fn no_identifier(position: usize) -> Problem {
    let text =
        format!("email, phoneNumber or externalId/userId must be filled at contact position {position}");
    Problem::new("IDENTIFIER_REQUIRED", text).at(position)
}

/// `cac` is not of the right shape.
pub fn cac() -> Problem {
    Problem::new("INVALID_CAC", "Argument CAC must be an array with value and currency fields").of("cac")
}

/// `cac.value` is no amount.
pub fn cac_value() -> Problem {
    Problem::new("INVALID_CAC_VALUE", "CAC value must be a positive float").of("cac.value")
}

/// `cac.currency` is neither USD nor EUR.
pub fn cac_currency(currency: &str) -> Problem {
    let text = format!("CAC currency {currency} not allowed. USD, EUR are");
    Problem::new("INVALID_CAC_CURRENCY", text).of("cac.currency")
}

/// A warning: nobody knows that key. `path` is where it stands, `cac.` or `variables.` before a nested one.
pub fn unknown_field(path: String) -> Problem {
    Problem::new("UNKNOWN_FIELD", format!("Argument {path} is unknown and was ignored")).of(path)
}

/// A warning: a contact is damaged on disk.
pub fn contact_damaged(list: ObjectId, number: ContactNo) -> Problem {
    let id = ObjectId::of_contact(list, number.0);
    Problem::new("CONTACT_DAMAGED", format!("Contact {id} is damaged on disk and was left out"))
}

/// A warning: `contact` looks like an e-mail address or a phone number, and is not valid as one.
pub fn taken_as_user_id(contact: &str) -> Option<Problem> {
    let what = match contact {
        _ if contact.contains('@') => "email",
        _ if phone::looks_like(contact) => "E.164 phone number",
        _ => return None,
    };
    let text = format!("Argument contact {contact} is not a valid {what} and was taken as a userId");
    Some(Problem::new("CONTACT_TAKEN_AS_USER_ID", text).of("contact"))
}
