//! `/v3/contact/…`

use serde_json::{Map, Value, json};

use super::call::{Answer, Call, Outcome};
use crate::contact::amount::Cac;
use crate::contact::date::Date;
use crate::contact::document::Document;
use crate::contact::field::{Field, Key, Kind};
use crate::contact::identifier::IdentifierKind;
use crate::contact::record::Malformed;
use crate::id::ObjectId;
use crate::intake::problem::{self, Problem};
use crate::intake::update::{Refusal, find_list};
use crate::json::{Keys, Members, Raw, read_body};
use crate::storage::{Contact, Error, List};
use crate::waiting::{self, Waited};

/// `POST /v3/contact/get`: the applied state, with `waitFor` once that request is applied.
pub async fn get(call: Call) -> Outcome {
    let keys = Keys(["contactListId", "userId", "email", "phoneNumber", "externalId", "waitFor"]);
    let body = read_body(&call.body, &keys).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = find_list(&call.app.catalogue, call.caller.account, body.get(0), &mut problems).await?;
    let identifiers = read_identifiers(&body, &mut problems);
    let wait_for = read_wait_for(body.get(5)).map_err(|problem| problems.push(problem)).ok().flatten();
    let Some(list) = list.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    let mut warnings: Vec<_> = body.unknown.into_iter().map(problem::unknown_field).collect();
    if let Some(request) = wait_for {
        warnings.extend(wait(&call, &request).await?);
    }
    let contact = call.app.storage.find_contact(call.caller.account, list.no, identifiers).await?;
    let shown = contact.map(|contact| show(&contact, &list)).transpose();
    let shown = shown.map_err(|malformed| Refusal::Store(Error::Damaged(malformed.to_string())))?;
    Ok(Answer::new([("contact", json!(shown))]).warn(warnings))
}

fn read_wait_for(raw: Option<Raw<'_>>) -> Result<Option<String>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    let text = raw.as_text().ok_or_else(|| problem::not_a_string("waitFor"))?;
    Ok(Some(text.into_owned()))
}

/// Waits until the request is processed; a warning where that takes too long.
async fn wait(call: &Call, request: &str) -> Result<Option<Problem>, Refusal> {
    let waited = match ObjectId::parse(request) {
        Some(id) => waiting::until_processed(&call.app, call.caller.account, id).await?,
        None => Waited::Unknown,
    };
    match waited {
        Waited::Processed => Ok(None),
        Waited::TimedOut => {
            let seconds = waiting::PATIENCE.as_secs();
            let text = format!(
                "Request {request} was not processed within {seconds} seconds, and the contact is as it was without it"
            );
            Ok(Some(Problem::new("WAIT_TIMED_OUT", text).of("waitFor")))
        }
        Waited::Unknown => {
            let text = format!("Request {request} not found");
            Err(Problem::new("REQUEST_NOT_FOUND", text).of("waitFor").into())
        }
    }
}

fn read_identifiers(body: &Members<'_, 6>, problems: &mut Vec<Problem>) -> Vec<(IdentifierKind, String)> {
    let mut identifiers = Vec::new();
    for (place, kind) in (1..).zip(IdentifierKind::ALL) {
        let raw = body.get(place).or(if kind == IdentifierKind::UserId { body.get(4) } else { None });
        match raw.map(Raw::as_text) {
            None => {}
            Some(None) => problems.push(problem::not_a_string(kind.field().name())),
            Some(Some(text)) if text.trim().is_empty() => {}
            Some(Some(text)) => identifiers.push((kind, text.into_owned())),
        }
    }
    if identifiers.is_empty() && problems.is_empty() {
        let text = "email, phoneNumber or externalId/userId must be filled";
        problems.push(Problem::new("IDENTIFIER_REQUIRED", text));
    }
    identifiers
}

/// The fields in the order in which the vendor's method answers them.
pub const SHOWN: [Field; 24] = [
    Field::Name,
    Field::Email,
    Field::PhoneNumber,
    Field::UserId,
    Field::Active,
    Field::EmailSubscribe,
    Field::SmsSubscribe,
    Field::DesktopWebPushSubscribe,
    Field::MobileWebPushSubscribe,
    Field::TelegramSubscribe,
    Field::ViberSubscribe,
    Field::AvatarLink,
    Field::ContactBirthday,
    Field::ContactLanguage,
    Field::FirstName,
    Field::LastName,
    Field::ContactGender,
    Field::ContactTimezone,
    Field::FacebookLink,
    Field::InstagramLink,
    Field::LinkedInLink,
    Field::TwitterLink,
    Field::TiktokLink,
    Field::ContactScore,
];

/// A contact as contact/get answers it (related methods, "Contacts").
fn show(contact: &Contact, list: &List) -> Result<Map<String, Value>, Malformed> {
    let document = Document::read(&contact.document)?;
    let mut shown = Map::new();
    for field in SHOWN {
        shown.insert(field.name().to_owned(), show_field(&document, field)?);
        if field == Field::ViberSubscribe {
            shown.insert("createdAt".to_owned(), json!(document.header.created_at.to_string()));
            shown.insert("updatedAt".to_owned(), json!(document.header.updated_at.to_string()));
        }
    }
    let source = contact.source.as_ref();
    shown.insert("sourceName".to_owned(), json!(source.map(|source| &source.name)));
    shown.insert("sourceId".to_owned(), json!(source.map(|source| source.id)));
    shown.insert(
        "customerSourceId".to_owned(),
        json!(source.and_then(|source| source.customer_source_id.as_ref())),
    );
    shown.insert("variables".to_owned(), show_variables(&document, list)?);
    // The contact's own cost, else its source's.
    let own =
        document.get(Field::Cac.key())?.map(|bytes| Cac::from_bytes(bytes).ok_or(Malformed)).transpose()?;
    let cac = own.as_ref().or(contact.source_cac.as_ref());
    shown.insert("cac".to_owned(), cac.map_or(Value::Null, show_cac));
    Ok(shown)
}

fn show_field(document: &Document<'_>, field: Field) -> Result<Value, Malformed> {
    let stored = document.get(field.key())?;
    let text = |bytes| std::str::from_utf8(bytes).map(|text| json!(text)).map_err(|_| Malformed);
    Ok(match (field.kind(), stored) {
        (Some(Kind::Flag), stored) => json!(stored.is_some()),
        // Numbers are texts here: so does the vendor.
        (Some(Kind::Gender), stored) => {
            json!(stored.and_then(|bytes| bytes.first()).copied().unwrap_or_default().to_string())
        }
        (_, None) => Value::Null,
        (Some(Kind::Score), Some(bytes)) => {
            json!(i64::from_le_bytes(bytes.try_into().map_err(|_| Malformed)?).to_string())
        }
        (Some(Kind::Birthday), Some(bytes)) => {
            json!(Date::from_bytes(bytes).ok_or(Malformed)?.to_string())
        }
        (_, Some(bytes)) => text(bytes)?,
    })
}

/// Every variable of the list, null where the contact has none.
fn show_variables(document: &Document<'_>, list: &List) -> Result<Value, Malformed> {
    let mut shown = Vec::with_capacity(list.variables.len());
    for variable in &list.variables {
        let stored = document.get(Key::of_variable(variable.number))?;
        let value = stored.map(std::str::from_utf8).transpose().map_err(|_| Malformed)?;
        shown.push(json!({ "name": variable.name, "value": value }));
    }
    Ok(Value::Array(shown))
}

fn show_cac(cac: &Cac) -> Value {
    json!({ "value": cac.value.to_string(), "currency": cac.currency.as_str() })
}
