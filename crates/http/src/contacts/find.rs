//! `/v3/contacts/find`

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::{GROUP, search};
use crate::call::{Answer, Call, Outcome};
use crate::method::{Body, Example, Method};
use crate::page;
use app::Refusal;
use app::contacts::read;
use app::find::{self, ContactQuery, Filter, Sorting};
use domain::argument::read_flag;
use domain::id::ObjectId;
use domain::journal::ContactNo;
use domain::json::{Keys, Members, Raw, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use domain::search::Query;
use domain::sort::{self, By, Place, Sort, Start};
use storage::{Contact, Error, List, Way};
use wire::contact::Shown;

/// How many contacts are answered where nobody says how many.
const LIMIT: u32 = 100;

/// The most contacts of one answer.
const MAX_LIMIT: u32 = 1_000;

/// `POST /v3/contacts/find`
pub static FIND: Method = Method {
    operation: &read::FIND,
    group: &GROUP,
    summary: "Read the contacts of a list, a page at a time",
    text: "In the order in which they were made, or with `search` the best matches first. `next` is where the next page begins: send it as `after`. If it \
        is null, this page is the last one. A page with a `next` may have fewer contacts than `limit`, or none. A \
        page ends when it is large, or after many contacts that do not match. Pages are as \
           fast at the end of a list as at its beginning. A page in another order than `created` compares all contacts \
           that match, which takes about a second for a million. They are no snapshot: each contact is as it was when its \
           page was read. contacts/changes from the `cursor` of the first page brings them up to date.\n\n\
        With `search`, contacts come in groups. In the first, an identifier or the id is exactly the text. In the second, \
        the phone number ends with it. In the third, all words are whole words of the contact. In the last, all words are \
        beginnings. Within a group they are in the order in \
        which they were made. Without `contactListId`, all lists that the token may see are searched, up to 1,000. \
        `contactListIds` then has the list of each contact. There is no `cursor`. The index follows the changes, usually within \
        a second. The warning `SEARCH_INCOMPLETE` says that it is being built.",
    body: Body { params: &[&PARAMS], optional: false },
    examples: &[
        Example {
            summary: "Contacts that want e-mail and have changed since a day",
            body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","emailSubscribe":true,"updatedSince":"2099-01-01"}"#,
            answer: r#"{"result":true,"requestId":"5d915c28d132d5f45a4e38bf","data":[],"contactIds":[],"next":null,
            "cursor":"AbpVkV0BAQEFAJ4qVqisMpFQ","errors":[]}"#,
        },
        Example {
            summary: "Search in all lists",
            body: r#"{"search":"jür müll","limit":20}"#,
            answer: r#"{"result":true,"requestId":"5d915c28d132d5f45a4e38d0","data":[],"contactIds":[],
                "contactListIds":[],"next":null,"errors":[]}"#,
        },
        Example {
            summary: "Contacts with a plan and a recent change, and how many there are",
            body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","count":true,"filter":{"all":[
                {"field":"email","op":"contains","value":"@mail.example.com"},
                {"any":[{"field":"updatedAt","op":"inLast","value":30},{"field":"contactScore","op":"after","value":10}]}
            ]}}"#,
            answer: r#"{"result":true,"requestId":"5d915c28d132d5f45a4e38d1","data":[],"contactIds":[],"next":null,
                "totalCount":0,"cursor":"AbpVkV0BAQEFAJ4qVqisMpFQ","errors":[]}"#,
        },
    ],
    handler: &run,
};

/// The list, which a search may leave out.
const LIST: FieldSpec = FieldSpec::optional(
    "contactListId",
    ValueType::filled(usize::MAX),
    "The id of the list, as contact-list/create gave it. Only with `search` it may be absent.",
);

const PARAMS: [FieldSpec; 18] = {
    let after = FieldSpec::optional(
        "after",
        ValueType::pattern(usize::MAX, r"^\s*([1-4]?[0-9a-fA-F]{24}|[0-9a-fA-F]{18,160})\s*$"),
        "Where the page begins: `next` of the page before.",
    );
    let limit = FieldSpec::optional(
        "limit",
        ValueType::Within(1, MAX_LIMIT as i64),
        "How many contacts there are at most; 100 by default.",
    );
    let count = FieldSpec::optional(
        "count",
        ValueType::Flag,
        "If true, `totalCount` is how many contacts of the list match. Every contact is looked at: a million take about \
         a second. Ask with the first page alone.",
    );
    let sort = FieldSpec::optional(
        "sort",
        ValueType::Word(&sort::WORDS),
        "The order; `created` by default. A minus turns it round. `name` compares what a contact is called: `name`, else \
         `firstName` and `lastName`, else an identifier, without case and accents. Contacts without a value come last. Not \
         with `search`, which has an order of its own.",
    );
    let [a, b, c, d, e, f, g, source, updated_since, name_prefix, suppressed, filter, search] = find::PARAMS;
    [
        LIST,
        after,
        limit,
        count,
        sort,
        a,
        b,
        c,
        d,
        e,
        f,
        g,
        source,
        updated_since,
        name_prefix,
        suppressed,
        filter,
        search,
    ]
};

/// The place of `sort`.
const SORT: usize = 4;

/// The place of the first key of what is wanted.
const FIRST_WANTED: usize = 5;

/// The place of `search`.
const SEARCH: usize = FIRST_WANTED + find::PARAMS.len() - 1;

/// What contacts/find answers.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Found {
    /// The contacts, as contact/get shows them.
    data: Vec<Shown>,
    /// The ids of the contacts, in the same order: changes and results name contacts by them.
    contact_ids: Vec<ObjectId>,
    /// Where all lists were searched, the ids of the lists of the contacts, in the same order.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_list_ids: Option<Vec<ObjectId>>,
    /// The beginning of the next page; null on the last page.
    next: Option<String>,
    /// How many contacts of the list match, if `count` was true. Contacts that are damaged on disk do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_count: Option<u64>,
    /// On the first page, the cursor of the moment before it: contacts/changes from there completes these pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

async fn run(call: Call) -> Outcome<Found> {
    let body = read_body(&call.body, &Keys::of(&PARAMS)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    // Its errors are reported below, with those of the other parameters.
    let query = find::searched::read(body.get(SEARCH), &mut Vec::new());
    let list = match body.get(0) {
        None if query.is_some() => None,
        raw => call.list(raw, &mut problems).await?,
    };
    if let Some(query) = query {
        return run_search(&call, &body, list, &query, problems).await;
    }
    let sort = read_sort(body.get(SORT), &mut problems);
    let start = read_start(body.get(1), sort, list.as_deref())
        .map_err(|problem| problems.push(problem))
        .unwrap_or(Begin::First);
    let limit = page::read_limit(body.get(2), MAX_LIMIT, &mut problems).unwrap_or(LIMIT);
    let count = read_flag("count", body.get(3), &mut problems);
    let values = std::array::from_fn(|place| body.get(FIRST_WANTED + place));
    let mut warnings: Vec<_> = body.unknown.iter().cloned().map(problem::unknown_field).collect();
    let wanted = ContactQuery::read(values, list.as_deref(), &mut warnings, &mut problems);
    let Some(list) = list.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    let filter = call.app.queries.filter(&call.caller, Some(&list), &wanted).await?;
    // Before the first contact is read: a change in between is in the page, in the changes, or in both.
    let cursor = match body.get(1) {
        None => Some(call.app.queries.change_cursor(&call.caller, &list).await?.encode()),
        Some(_) => None,
    };
    let total_count = match count {
        true => Some(call.app.queries.count(&call.caller, &list, &filter).await?.matching),
        false => None,
    };
    let (found, damaged) = collect(&call, &list, (sort, start), limit, &filter).await?;
    warnings.extend(damaged);
    Ok(Answer::new(Found { cursor, total_count, ..found }).warn(warnings))
}

/// The contacts that match a search.
async fn run_search(
    call: &Call,
    body: &Members<'_, 18>,
    list: Option<Arc<List>>,
    query: &Query,
    mut problems: Vec<Problem>,
) -> Outcome<Found> {
    let limit = page::read_limit(body.get(2), MAX_LIMIT, &mut problems).unwrap_or(LIMIT);
    if body.get(3).is_some() {
        problems.push(problem::filter("count", "must be left out beside search"));
    }
    if body.get(SORT).is_some() {
        problems.push(problem::filter("sort", "must be left out beside search"));
    }
    let values = std::array::from_fn(|place| body.get(FIRST_WANTED + place));
    let mut all: Vec<_> = body.unknown.iter().cloned().map(problem::unknown_field).collect();
    let mut wanted = ContactQuery::read(values, list.as_deref(), &mut all, &mut problems);
    wanted.search = None;
    if list.is_none() && wanted.names_parts_of_a_list() {
        problems.push(problem::filter("filter", "must not name variables or segments without contactListId"));
    }
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    let in_all = list.is_none();
    let filter = call.app.queries.filter(&call.caller, list.as_deref(), &wanted).await?;
    let lists = search::lists(call, list).await?;
    let search::Found { rows, next, warnings } =
        search::find(call, query, &lists, &filter, body.get(1), limit).await?;
    let contacts = rows.iter().map(|(_, _, contact)| contact);
    let suppressed = call.app.queries.suppressions_of(&call.caller, contacts).await?;
    let shown = rows.iter().zip(&suppressed);
    let data = shown.map(|((list, _, contact), suppressed)| Shown::of(contact, list, suppressed));
    let data = data.collect::<Result<_, _>>();
    let data = data.map_err(|malformed| Refusal::Store(Error::Damaged(malformed.to_string())))?;
    let contact_ids = rows.iter().map(|(list, number, _)| ObjectId::of_contact(list.id, number.0)).collect();
    let contact_list_ids = in_all.then(|| rows.iter().map(|(list, ..)| list.id).collect());
    all.extend(warnings);
    let found = Found { data, contact_ids, contact_list_ids, next, total_count: None, cursor: None };
    Ok(Answer::new(found).warn(all))
}

/// The order; what is none is reported.
fn read_sort(raw: Option<Raw<'_>>, problems: &mut Vec<Problem>) -> Sort {
    let Some(raw) = raw else { return Sort::OLDEST };
    let sort = raw.as_trimmed().and_then(|word| Sort::parse(&word));
    sort.unwrap_or_else(|| {
        problems.push(problem::filter("sort", &format!("must be one of {}", sort::WORDS.join(", "))));
        Sort::OLDEST
    })
}

/// Where a page begins.
enum Begin {
    /// With the first contact.
    First,
    /// Behind a contact, in the order in which they were made.
    Number(ContactNo),
    /// Behind a place of another order.
    Place(Place),
}

fn read_start(raw: Option<Raw<'_>>, sort: Sort, list: Option<&List>) -> Result<Begin, Problem> {
    let (Some(raw), Some(list)) = (raw, list) else { return Ok(Begin::First) };
    let text = raw.as_trimmed().unwrap_or_default();
    let begin = match sort.by {
        By::Created => ObjectId::parse(&text)
            .and_then(|id| id.contact_number(list.id))
            .map(|number| Begin::Number(ContactNo(number))),
        _ => Place::read(&text, sort).map(Begin::Place),
    };
    begin.ok_or_else(|| {
        let text = match sort.by {
            By::Created => "Argument after must be the next of an answer about this list",
            _ => "Argument after must be the next of an answer about this list, in the same order",
        };
        Problem::new("INVALID_AFTER", text).of("after")
    })
}

/// A page: its contacts, where the next one begins, and contacts that are damaged.
struct Rows {
    rows: Vec<(ContactNo, Contact)>,
    next: Option<String>,
    damaged: Vec<ContactNo>,
}

async fn collect(
    call: &Call,
    list: &List,
    (sort, begin): (Sort, Begin),
    limit: u32,
    filter: &Filter,
) -> Result<(Found, Vec<Problem>), Refusal> {
    let Rows { rows, next, damaged } = match (sort.by, begin) {
        (By::Created, begin) => walk(call, list, sort, begin, limit, filter).await?,
        (_, Begin::Place(place)) => sorted(call, list, sort, Start::Behind(place), limit, filter).await?,
        (_, _) => sorted(call, list, sort, Start::First, limit, filter).await?,
    };
    let contacts = rows.iter().map(|(_, contact)| contact);
    let suppressed = call.app.queries.suppressions_of(&call.caller, contacts.clone()).await?;
    let data = contacts.zip(&suppressed).map(|(contact, suppressed)| Shown::of(contact, list, suppressed));
    let data = data.collect::<Result<_, _>>();
    let data = data.map_err(|malformed| Refusal::Store(Error::Damaged(malformed.to_string())))?;
    let damaged = damaged.iter().map(|number| problem::contact_damaged(list.id, *number));
    let contact_ids = rows.iter().map(|(number, _)| ObjectId::of_contact(list.id, number.0)).collect();
    Ok((
        Found { data, contact_ids, contact_list_ids: None, next, total_count: None, cursor: None },
        damaged.collect(),
    ))
}

/// A page in the order in which contacts were made.
async fn walk(
    call: &Call,
    list: &List,
    sort: Sort,
    begin: Begin,
    limit: u32,
    filter: &Filter,
) -> Result<Rows, Refusal> {
    let number = match begin {
        Begin::Number(number) => Some(number),
        Begin::First | Begin::Place(_) => None,
    };
    let way = match sort.descending {
        true => Way::Down(number.unwrap_or(ContactNo(u64::MAX))),
        false => Way::Up(number.unwrap_or(ContactNo(0))),
    };
    let found = call.app.queries.find_contacts(&call.caller, list, way, filter, read::bounds(limit)).await?;
    let next = found.next.map(|way| ObjectId::of_contact(list.id, way.number().0).to_string());
    Ok(Rows { rows: found.rows, next, damaged: found.damaged })
}

/// A page in another order. Damaged contacts have no place in it: the first page reports them.
async fn sorted(
    call: &Call,
    list: &List,
    sort: Sort,
    start: Start,
    limit: u32,
    filter: &Filter,
) -> Result<Rows, Refusal> {
    let is_first = start == Start::First;
    let sorting = Sorting { sort, start, limit, bytes: read::MAX_BYTES };
    let found = call.app.queries.sorted_contacts(&call.caller, list, filter, sorting).await?;
    let next = found.rows.last().filter(|_| found.more).map(|(place, _)| place.text(sort));
    let rows = found.rows.into_iter().map(|(place, contact)| (place.number, contact)).collect();
    Ok(Rows { rows, next, damaged: if is_first { found.damaged } else { Vec::new() } })
}
