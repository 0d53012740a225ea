//! `/v3/contacts/unsubscribe-links`

use schemars::JsonSchema;
use serde::Serialize;

use super::GROUP;
use crate::call::{Answer, Call, Outcome};
use crate::method::{Body, Example, Method};
use app::Refusal;
use app::unsubscribe::link::CHANNELS;
use app::unsubscribe::{LINKS, MAX_LINK};
use domain::contact::field::Field;
use domain::contact::identifier::IdentifierKind;
use domain::json::{Keys, Members, Raw, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use wire::ingest::list::LIST_ID;

/// The most contacts of one call.
const MAX_CONTACTS: usize = 100;

/// `POST /v3/contacts/unsubscribe-links`
pub static UNSUBSCRIBE_LINKS: Method = Method {
    operation: &LINKS,
    group: &GROUP,
    summary: "Make unsubscribe links",
    text: "A link turns one channel of one contact off, by one click in a mail program (RFC 8058) or on a page. It works \
           for as long as the store exists, also after the contact has changed. For e-mail the answer has the two \
           headers of the message ready-made: write them unchanged. The server needs the setting `public_url` or \
           `unsubscribe_url`.",
    body: Body { params: &[&PARAMS], optional: false },
    examples: &[Example {
        summary: "A contact that is not in the list",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","userIds":["nobody"]}"#,
        answer: r#"{"result":true,"requestId":"5d915c29d132d5f45a4e38c0",
            "links":[{"identifier":"nobody","url":null,"headers":[]}],"errors":[]}"#,
    }],
    handler: &run,
};

const CHANNEL_NAMES: [&str; CHANNELS.len()] = {
    let mut names = [""; CHANNELS.len()];
    let mut place = 0;
    while place < names.len() {
        names[place] = CHANNELS[place].0;
        place += 1;
    }
    names
};

const TEXTS: ValueType = ValueType::Array { of: &ValueType::TEXT, min: 0, max: MAX_CONTACTS };

const PARAMS: [FieldSpec; 5] = [
    LIST_ID,
    FieldSpec::optional("emails", TEXTS, "E-mail addresses of contacts; compared without case."),
    FieldSpec::optional("phoneNumbers", TEXTS, "Phone numbers of contacts; compared exactly."),
    FieldSpec::optional("userIds", TEXTS, "userIds of contacts; compared exactly."),
    FieldSpec::optional(
        "channel",
        ValueType::Word(&CHANNEL_NAMES),
        "The channel that the link turns off; `email` by default.",
    ),
];

/// The keys of identifiers, in the order in which the answer has them.
const KINDS: [(usize, &str, &str, IdentifierKind); 3] = [
    (1, "emails", "email", IdentifierKind::Email),
    (2, "phoneNumbers", "phoneNumber", IdentifierKind::PhoneNumber),
    (3, "userIds", "userId", IdentifierKind::UserId),
];

/// What contacts/unsubscribe-links answers.
#[derive(Debug, Serialize, JsonSchema)]
struct MadeLinks {
    /// A link for each identifier, in the order emails, phoneNumbers, userIds.
    links: Vec<MadeLink>,
}

/// An unsubscribe link.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UnsubscribeLink")]
struct MadeLink {
    /// The identifier that was given.
    identifier: String,
    /// The link; null if the list has no such contact.
    url: Option<String>,
    /// The headers of a message: `List-Unsubscribe` and `List-Unsubscribe-Post`. DKIM must sign both. Empty for other
    /// channels than `email`, and without a link.
    headers: Vec<Header>,
}

/// A header of a message.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MessageHeader")]
struct Header {
    /// Its name.
    name: &'static str,
    /// Its value, to be written unchanged.
    value: String,
}

/// The headers of a message with one-click unsubscribe (RFC 8058).
fn headers(url: &str) -> Vec<Header> {
    let post = "List-Unsubscribe=One-Click".to_owned();
    let link = Header { name: "List-Unsubscribe", value: format!("<{url}>") };
    vec![link, Header { name: "List-Unsubscribe-Post", value: post }]
}

async fn run(call: Call) -> Outcome<MadeLinks> {
    let body = read_body(&call.body, &Keys::of(&PARAMS)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = call.list(body.get(0), &mut problems).await?;
    let identifiers = read_identifiers(&body, &mut problems);
    let channel = read_channel(body.get(4)).map_err(|problem| problems.push(problem)).ok();
    if !call.app.queries.makes_links() {
        let text = "Unsubscribe links need the setting public_url or unsubscribe_url: the address of the server, such as \
                    https://contacts.example.com";
        problems.push(Problem::new("NO_PUBLIC_URL", text));
    }
    let (Some(list), Some(channel), true) = (list, channel, problems.is_empty()) else {
        return Err(Refusal::Invalid(problems));
    };
    let mut links = Vec::with_capacity(identifiers.len());
    for (kind, text) in identifiers {
        let url =
            call.app.queries.unsubscribe_link(&call.caller, &list, (kind, text.clone()), channel).await?;
        let is_mail = channel == Field::EmailSubscribe;
        let headers = url.as_deref().filter(|_| is_mail).map(headers).unwrap_or_default();
        links.push(MadeLink { identifier: text, url, headers });
    }
    let mut warnings: Vec<_> = body.unknown.into_iter().map(problem::unknown_field).collect();
    warnings.extend(doubts(&call));
    Ok(Answer::new(MadeLinks { links }).warn(warnings))
}

/// What the operator's address makes of links.
fn doubts(call: &Call) -> impl Iterator<Item = Problem> + use<> {
    let links = &call.app.links;
    let long = links.length().filter(|length| *length > MAX_LINK).map(|length| {
        let text = format!(
            "The links have {length} characters. Some mail libraries break headers with more than {MAX_LINK}: set \
             unsubscribe_url to a shorter address"
        );
        Problem::new("LONG_LINK", text)
    });
    let insecure = (!links.is_secure()).then(|| {
        let text = "The links do not begin with https. Mail programs offer one click for https only";
        Problem::new("LINK_NOT_HTTPS", text)
    });
    long.into_iter().chain(insecure)
}

fn read_identifiers(body: &Members<'_, 5>, problems: &mut Vec<Problem>) -> Vec<(IdentifierKind, String)> {
    let (mut identifiers, before) = (Vec::new(), problems.len());
    for (place, key, entry, kind) in KINDS {
        let Some(raw) = body.get(place) else { continue };
        let Some(elements) = raw.elements() else {
            problems.push(problem::not_a_list(key));
            continue;
        };
        for (position, element) in elements.into_iter().enumerate() {
            match element.as_trimmed() {
                Some(text) => identifiers.push((kind, text.into_owned())),
                None => problems.push(problem::entry_not_a_string(key, entry).at(position)),
            }
        }
    }
    if identifiers.len() > MAX_CONTACTS {
        problems.push(problem::too_many_records(identifiers.len()));
    } else if identifiers.is_empty() && problems.len() == before {
        let text = "add at least one email, phoneNumber or userId to emails, phoneNumbers or userIds field";
        problems.push(Problem::new("IDENTIFIER_REQUIRED", text));
    }
    identifiers
}

fn read_channel(raw: Option<Raw<'_>>) -> Result<Field, Problem> {
    let Some(raw) = raw else { return Ok(Field::EmailSubscribe) };
    let name = raw.as_trimmed();
    let known = CHANNELS.into_iter().find(|(known, _)| name.as_deref() == Some(known));
    known.map(|(_, field)| field).ok_or_else(|| {
        let text = format!("Argument channel must be one of {}", CHANNEL_NAMES.join(", "));
        Problem::new("INVALID_CHANNEL", text).of("channel")
    })
}
