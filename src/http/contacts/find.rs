//! `/v3/contacts/find`

use schemars::JsonSchema;
use serde::Serialize;

use super::GROUP;
use crate::clock::Timestamp;
use crate::contact::document::Document;
use crate::contact::field::Field;
use crate::contact::record::Malformed;
use crate::http::call::{Answer, Call, Outcome};
use crate::http::contact::show::Shown;
use crate::http::method::{Access, Body, Example, Method, Reach};
use crate::http::page::{self, TIME, read_time};
use crate::id::ObjectId;
use crate::intake::fields;
use crate::intake::list::{LIST_ID, find_list};
use crate::intake::problem::{self, Problem};
use crate::intake::refusal::Refusal;
use crate::journal::ContactNo;
use crate::json::{Keys, Members, Value, read_body};
use crate::param::{Param, Shape};
use crate::storage::{ContactPage, Error, List, SourceRef};

/// How many contacts are answered where nobody says how many.
const LIMIT: u32 = 100;

/// The most contacts of one answer.
const MAX_LIMIT: u32 = 1_000;

/// Contacts that one request looks at: with a filter that few fit, others are answered in between.
const MAX_LOOKED_AT: usize = 20_000;

/// Bytes of stored contacts after which an answer ends.
const MAX_BYTES: usize = 4 << 20;

/// `POST /v3/contacts/find`
pub static FIND: Method = Method {
    path: "/v3/contacts/find",
    group: &GROUP,
    summary: "Read the contacts of a list, a page at a time",
    text: "In the order in which they were made. `next` is where the next page begins: send it as `after`. Where it \
           is null there are no more. A page may have fewer contacts than `limit`, or none, and a `next` all the same: \
           an answer ends when it has grown large, or when many contacts were looked at that do not fit. Pages are as \
           fast at the end of a list as at its beginning. They are no snapshot: each contact is as it was when its \
           page was read.",
    access: Access::Read,
    reach: Reach::List,
    body: Body { params: &[&PARAMS], optional: false },
    examples: &[Example {
        summary: "Contacts that want e-mail and have changed since a day",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","emailSubscribe":true,"updatedSince":"2099-01-01"}"#,
        answer: r#"{"result":true,"requestId":"5d915c28d132d5f45a4e38bf","data":[],"next":null,"errors":[]}"#,
    }],
    handler: &find,
};

/// The fields by which contacts can be narrowed to those that are so.
const FLAGS: [Field; 7] = [
    Field::Active,
    Field::EmailSubscribe,
    Field::SmsSubscribe,
    Field::DesktopWebPushSubscribe,
    Field::MobileWebPushSubscribe,
    Field::TelegramSubscribe,
    Field::ViberSubscribe,
];

/// The place of the first of them in [`PARAMS`].
const FIRST_FLAG: usize = 3;

const PARAMS: [Param; 13] = [
    LIST_ID,
    Param::optional(
        "after",
        Shape::pattern(24, "^[0-9a-fA-F]{24}$"),
        "Where the page begins: `next` of the page before.",
    ),
    Param::optional(
        "limit",
        Shape::Within(1, MAX_LIMIT as i64),
        "How many contacts there are at most; 100 by default.",
    ),
    flag(FLAGS[0]),
    flag(FLAGS[1]),
    flag(FLAGS[2]),
    flag(FLAGS[3]),
    flag(FLAGS[4]),
    flag(FLAGS[5]),
    flag(FLAGS[6]),
    Param::optional("sourceId", Shape::TEXT, "Contacts from the source with this id; any where it is blank."),
    Param::optional(
        "updatedSince",
        TIME,
        "Contacts that have changed then or later: `YYYY-MM-DD hh:mm:ss`, or `YYYY-MM-DD` for the beginning of that \
         day, UTC.",
    ),
    Param::optional(
        "namePrefix",
        Shape::TEXT,
        "Contacts whose name begins so, in any case; any where it is blank.",
    ),
];

const fn flag(field: Field) -> Param {
    Param::optional(field.name(), Shape::Flag, fields::text(field))
}

/// What contacts/find answers.
#[derive(Serialize, JsonSchema)]
struct Found {
    /// The contacts, as contact/get shows them.
    data: Vec<Shown>,
    /// Where the next page begins; null where there are no more contacts.
    next: Option<ObjectId>,
}

/// Which contacts are wanted: those that all of these fit.
#[derive(Default)]
struct Filter {
    flags: Vec<(Field, bool)>,
    /// A source's number; `Some(None)` is one that is not there.
    source: Option<Option<u64>>,
    updated_since: Option<Timestamp>,
    /// In lower case.
    name_prefix: Option<String>,
}

impl Filter {
    fn takes_all(&self) -> bool {
        let Self { flags, source, updated_since, name_prefix } = self;
        flags.is_empty() && source.is_none() && updated_since.is_none() && name_prefix.is_none()
    }

    fn fits(&self, document: &Document<'_>) -> Result<bool, Malformed> {
        for (field, wanted) in &self.flags {
            // False is kept as absence.
            if document.get(field.key())?.is_some() != *wanted {
                return Ok(false);
            }
        }
        if self.updated_since.is_some_and(|since| document.header.updated_at < since) {
            return Ok(false);
        }
        if let Some(source) = self.source {
            let borne = document.get(Field::Source.key())?.and_then(|bytes| bytes.try_into().ok());
            if source.is_none() || borne.map(u64::from_le_bytes) != source {
                return Ok(false);
            }
        }
        let Some(prefix) = &self.name_prefix else { return Ok(true) };
        Ok(document.text(Field::Name)?.is_some_and(|name| name.to_lowercase().starts_with(prefix)))
    }
}

async fn find(call: Call) -> Outcome<Found> {
    let body = read_body(&call.body, &Keys::of(&PARAMS)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = find_list(&call.app.catalogue, &call.caller.viewer, body.get(0), &mut problems).await?;
    let after =
        read_after(&body, list.as_deref()).map_err(|problem| problems.push(problem)).unwrap_or_default();
    let limit = page::read_limit(body.get(2), MAX_LIMIT, &mut problems).unwrap_or(LIMIT);
    let filter = read_filter(&call, &body, &mut problems).await?;
    let Some(list) = list.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    let warnings = body.unknown.iter().cloned().map(problem::unknown_field).collect();
    Ok(Answer::new(collect(&call, &list, ContactNo(after), limit, &filter).await?).warn(warnings))
}

/// The number behind which the page begins.
fn read_after(body: &Members<'_, 13>, list: Option<&List>) -> Result<u64, Problem> {
    let (Some(raw), Some(list)) = (body.get(1), list) else { return Ok(0) };
    let id = raw.as_text().and_then(|text| ObjectId::parse(&text));
    id.and_then(|id| id.contact_number(list.id)).ok_or_else(|| {
        let text = "Argument after must be the next of an answer about this list";
        Problem::new("INVALID_AFTER", text).of("after")
    })
}

async fn read_filter(
    call: &Call,
    body: &Members<'_, 13>,
    problems: &mut Vec<Problem>,
) -> Result<Filter, Error> {
    let mut filter = Filter::default();
    for (place, field) in FLAGS.into_iter().enumerate() {
        let Some(raw) = body.get(FIRST_FLAG + place) else { continue };
        match raw.value() {
            Value::Bool(wanted) => filter.flags.push((field, wanted)),
            _ => problems.push(problem::flag(field)),
        }
    }
    let [source, updated, name] = [10, 11, 12].map(|place| body.get(place));
    let source = page::read_filter(source, || problem::not_a_string("sourceId"), problems);
    filter.updated_since =
        read_time(updated, "updatedSince").map_err(|problem| problems.push(problem)).ok().flatten();
    let name = page::read_filter(name, || problem::not_a_string("namePrefix"), problems);
    filter.name_prefix = name.map(|name| name.to_lowercase());
    if let Some(source) = source {
        let account = call.caller.viewer.account;
        let found = match ObjectId::parse(&source) {
            Some(id) => call.app.catalogue.source(account, SourceRef::Id(id)).await?,
            None => None,
        };
        filter.source = Some(found.map(|source| source.no));
    }
    Ok(filter)
}

async fn collect(
    call: &Call,
    list: &List,
    mut after: ContactNo,
    limit: u32,
    filter: &Filter,
) -> Result<Found, Refusal> {
    let account = call.caller.viewer.account;
    let damaged = |malformed: Malformed| Refusal::Store(Error::Damaged(malformed.to_string()));
    let (mut data, mut looked_at, mut bytes) = (Vec::new(), 0, 0);
    // Where everything fits, no more are read than are shown.
    let chunk = if filter.takes_all() { limit } else { MAX_LIMIT };
    loop {
        let ContactPage { rows, more } =
            call.app.storage.page_contacts(account, list.no, after, chunk).await?;
        let count = rows.len();
        for (index, (number, contact)) in rows.into_iter().enumerate() {
            after = number;
            let document = Document::read(&contact.document).map_err(damaged)?;
            if !filter.fits(&document).map_err(damaged)? {
                continue;
            }
            data.push(Shown::of(&contact, list).map_err(damaged)?);
            bytes += contact.document.len();
            if data.len() == limit as usize || bytes >= MAX_BYTES {
                let next = more || index + 1 < count;
                return Ok(Found { data, next: next.then(|| ObjectId::of_contact(list.id, after.0)) });
            }
        }
        looked_at += count.max(1);
        if !more || looked_at >= MAX_LOOKED_AT {
            return Ok(Found { data, next: more.then(|| ObjectId::of_contact(list.id, after.0)) });
        }
    }
}
