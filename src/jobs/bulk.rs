//! One change for many contacts: a page of them at a time.
//!
//! Before anything of a page is sent, its requests are written down whole. After a crash the same requests are sent
//! again with the same keys, and the server answers those that it has with the first answer: so a contact is changed
//! once, though by then it may no longer fit the filter by which it was found, or somebody has changed it back.

use std::collections::HashMap;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::import::PATIENCE;
use super::job::{Action, Bulk, Whom};
use super::shelf::Place;
use crate::files::api::{self, Api};
use crate::files::import::FIRST_FAULTS;
use crate::files::key::ImportId;
use crate::files::send::{Counts, Results};
use crate::files::{Error, Result};
use crate::id::ObjectId;
use crate::intake::contacts::MAX_CONTACTS;

/// Contacts that are looked for at a time.
const PAGE: usize = 1_000;

/// Ids that are looked for at a time: each is a question of its own.
const IDS: usize = 100;

/// How long it waits before it asks again what became of a page.
const ASK_AGAIN: Duration = Duration::from_millis(25);

const FIND: &str = "/v3/contacts/find";
const ASK: &str = "/v3/request/find";

/// How far a change of many is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reached {
    /// Pages that were looked for.
    page: u64,
    /// The last contact of the page, or how many ids were taken.
    after: Option<String>,
    ids: usize,
    /// Whether there are no more behind it.
    at_end: bool,
    /// Requests of the page that are not known to be done.
    open: Vec<Request>,
    /// Bytes of the file of requests.
    requests: u64,
    /// Contacts that are done.
    pub done: u64,
    /// What became of them.
    pub counts: Counts,
    /// The first that failed.
    pub first_faults: Vec<(u64, String)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Request {
    path: String,
    body: String,
    contacts: usize,
}

/// A contact as far as it matters here.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    user_id: Option<String>,
    email: Option<String>,
    phone_number: Option<String>,
}

/// Changes contacts until there are no more or `stop` comes.
///
/// # Errors
/// Where the API or a file fails, or it was stopped: the same call then goes on.
pub async fn run(
    api: &dyn Api,
    place: &Place,
    (list, bulk): (&str, &Bulk),
    mut watch: impl FnMut(&Reached),
    stop: impl Future<Output = ()>,
) -> Result<Reached> {
    let files = |error: std::io::Error| Error::Told(format!("the files of the job: {error}"));
    let key = ImportId::kept(place.id.to_string());
    let mut reached: Reached = place.read("state").map_err(files)?.unwrap_or_default();
    let mut stop = std::pin::pin!(stop);
    loop {
        watch(&reached);
        if reached.open.is_empty() {
            if reached.at_end {
                return Ok(reached);
            }
            // Between two pages nothing is open: the best moment to stop.
            if (&mut stop).now_or_never().is_some() {
                return Err(Error::Stopped);
            }
            look(api, list, bulk, &mut reached).await?;
            place.write("state", &reached, true).map_err(files)?;
        }
        tokio::select! {
            done = finish(api, &key, &mut reached, place) => done?,
            // What is open is sent again when it goes on.
            () = &mut stop => return Err(Error::Stopped),
        }
        place.write("state", &reached, true).map_err(files)?;
    }
}

/// Looks for the next page, and makes its requests.
async fn look(api: &dyn Api, list: &str, bulk: &Bulk, reached: &mut Reached) -> Result<()> {
    let found = match &bulk.whom {
        Whom::Matching(filter) => {
            let page = page(api, list, filter, reached.after.as_deref(), PAGE).await?;
            (reached.at_end, reached.after) = (page.next.is_none(), page.next);
            page.data
        }
        Whom::Ids(ids) => {
            let some = ids.iter().skip(reached.ids).take(IDS);
            let mut found = Vec::new();
            for id in some {
                reached.ids += 1;
                match one(api, list, id).await? {
                    Some(contact) => found.push(contact),
                    None => fail(reached, format!("contact {id} is not in the list any more")),
                }
            }
            reached.at_end = reached.ids >= ids.len();
            found
        }
    };
    reached.page += 1;
    reached.open = requests(list, &bulk.action, &found);
    Ok(())
}

fn fail(reached: &mut Reached, text: String) {
    reached.done += 1;
    reached.counts.failed += 1;
    if reached.first_faults.len() < FIRST_FAULTS {
        reached.first_faults.push((0, text));
    }
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Found>,
    next: Option<String>,
}

async fn page(
    api: &dyn Api,
    list: &str,
    filter: &Map<String, Value>,
    after: Option<&str>,
    limit: usize,
) -> Result<Page> {
    let mut question = filter.clone();
    question.insert("contactListId".to_owned(), json!(list));
    question.insert("limit".to_owned(), json!(limit));
    question.insert("after".to_owned(), json!(after));
    let body = api::call(api, FIND, &Value::Object(question), PATIENCE).await?;
    api::read(FIND, &body)
}

/// The contact with that id: the first behind the number before it, unless that is the first behind it too.
async fn one(api: &dyn Api, list: &str, id: &str) -> Result<Option<Found>> {
    let number = ObjectId::parse(list).zip(ObjectId::parse(id));
    let Some((list_id, number)) = number.and_then(|(list, id)| Some((list, id.contact_number(list)?))) else {
        return Ok(None);
    };
    let Some(before) = number.checked_sub(1) else { return Ok(None) };
    let before = (before > 0).then(|| ObjectId::of_contact(list_id, before).to_string());
    let mut from = page(api, list, &Map::new(), before.as_deref(), 1).await?;
    let Some(found) = from.data.pop() else { return Ok(None) };
    if from.next.as_deref() == Some(id) {
        return Ok(Some(found));
    }
    // The last of a list has no next, so it is asked what stands behind it.
    let behind = page(api, list, &Map::new(), Some(id), 1).await?;
    Ok(Some(found).filter(|found| behind.data.first() != Some(found)))
}

/// The requests that change these contacts, each named by an identifier of one kind, so that no other is meant.
fn requests(list: &str, action: &Action, found: &[Found]) -> Vec<Request> {
    let mut by_kind: [(&str, Vec<&str>); 3] =
        [("userId", Vec::new()), ("email", Vec::new()), ("phoneNumber", Vec::new())];
    for contact in found {
        let identifiers = [&contact.user_id, &contact.email, &contact.phone_number];
        let named =
            identifiers.into_iter().zip(&mut by_kind).find_map(|(text, kind)| Some((text.as_ref()?, kind)));
        if let Some((text, (_, texts))) = named {
            texts.push(text);
        }
    }
    let mut requests = Vec::new();
    for (kind, texts) in by_kind {
        for some in texts.chunks(MAX_CONTACTS) {
            let (path, body) = match action {
                Action::Set { field, to } => {
                    let contacts: Vec<_> =
                        some.iter().map(|text| json!({ "contact": text, field: to })).collect();
                    let body = json!({ "contactListId": list, "contactBy": kind, "contacts": contacts });
                    ("/v3/contacts/update", body)
                }
                Action::Remove => {
                    let key = format!("{kind}s");
                    ("/v3/contacts/remove", json!({ "contactListId": list, key: some }))
                }
            };
            requests.push(Request { path: path.to_owned(), body: body.to_string(), contacts: some.len() });
        }
    }
    requests
}

/// Sends the requests of a page, waits until they are processed, and counts what became of them.
async fn finish(api: &dyn Api, key: &ImportId, reached: &mut Reached, place: &Place) -> Result<()> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Accepted {
        request_id: String,
    }
    // Side by side, so that one write to the journal takes them all: no two of a page are about one contact.
    let page = reached.page;
    let sent = try_join_all(reached.open.iter().map(async |Request { path, body, contacts }| {
        let key = key.key(page, body.as_bytes());
        let reply = api::post(api, path, Some(&key), body.clone().into(), PATIENCE).await?;
        if reply.status != 200 {
            return Err(Error::Told(api::refusal(path, &reply.body)));
        }
        let accepted: Accepted = api::read(path, &reply.body)?;
        Ok((accepted.request_id, *contacts))
    }));
    let sent = sent.await?;
    let mut next = reached.clone();
    for some in sent.chunks(20) {
        count(api, some, &mut next).await?;
    }
    let ids: Vec<_> = sent.iter().map(|(id, _)| id.as_str()).collect();
    next.requests = note(place, reached.requests, &ids)?;
    next.open = Vec::new();
    *reached = next;
    Ok(())
}

async fn count(api: &dyn Api, sent: &[(String, usize)], reached: &mut Reached) -> Result<()> {
    #[derive(Deserialize)]
    struct Told<'a> {
        status: &'a str,
        #[serde(borrow)]
        results: Results<'a>,
    }
    #[derive(Deserialize)]
    struct Asked<'a> {
        #[serde(borrow)]
        requests: HashMap<&'a str, Told<'a>>,
    }
    let ids: Vec<_> = sent.iter().map(|(id, _)| id).collect();
    loop {
        let body = api::call(api, ASK, &json!({ "ids": ids }), PATIENCE).await?;
        let asked: Asked<'_> = api::read(ASK, &body)?;
        if asked.requests.values().any(|told| told.status != "processed") {
            tokio::time::sleep(ASK_AGAIN).await;
            continue;
        }
        for (id, contacts) in sent {
            // One that was processed more than 7 days ago is not told any more; it was accepted once.
            let Some(told) = asked.requests.get(id.as_str()) else {
                reached.done += *contacts as u64;
                continue;
            };
            let mut faults = Vec::new();
            let places: Vec<_> = (0..*contacts).collect();
            reached.counts = reached.counts.plus(told.results.tell(&places, &mut faults));
            reached.done += (*contacts - faults.len().min(*contacts)) as u64;
            for (_, text) in faults {
                fail(reached, text);
            }
        }
        return Ok(());
    }
}

/// Adds ids to the file of requests, behind what is known to be in it.
fn note(place: &Place, length: u64, ids: &[&str]) -> Result<u64> {
    let path = place.requests();
    let told = |error: std::io::Error| Error::Told(format!("the files of the job: {error}"));
    let lines: String = ids.iter().flat_map(|id| [*id, "\n"]).collect();
    let open = std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let write = |mut file: std::fs::File| {
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        file.write_all(lines.as_bytes())?;
        file.sync_data()
    };
    open.and_then(write).map_err(told)?;
    Ok(length + lines.len() as u64)
}
