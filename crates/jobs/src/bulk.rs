//! One change for many contacts: a page of them at a time.
//!
//! Before anything of a page is sent, its requests are stored whole. After a crash the same requests are sent
//! again with the same keys, and the server answers those that it has with the first answer: so a contact is changed
//! once, though by then it may no longer fit the filter by which it was found, or somebody has changed it back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::claim::{Claim, Kept, Lost};
use super::import::PATIENCE;
use super::job::{Action, Whom, encode};
use app::contacts::MAX_CONTACTS;
use domain::id::ObjectId;
use files::api::{Accepted, Answer, Api, Failure, must, retry};
use files::import::FIRST_FAULTS;
use files::key::ImportId;
use files::send::Counts;
use files::{Error, Result};
use storage::JobState;
use wire::ingest::BodyKind;

/// Contacts that are looked for at a time.
const PAGE: u32 = 1_000;

/// Ids that are looked for at a time: each is a question of its own.
const IDS: usize = 100;

/// How long it waits before it asks again what became of a page.
const ASK_AGAIN: Duration = Duration::from_millis(25);

/// How long a page may take to its end when a stop is asked for. Cut off, it is sent again under the same keys.
const TO_THE_END: Duration = Duration::from_secs(5);

const UNDO: &str = "/v3/request/undo";

/// Requests that are undone at a time.
const UNDONE: usize = 20;

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
    /// Parts of the output, each with the ids of a page's requests.
    parts: u64,
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

/// What is changed.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The list.
    pub list: &'a str,
    /// What is done.
    pub action: &'a Action,
    /// To which contacts.
    pub whom: &'a Whom,
}

/// Changes contacts until there are no more or `stop` comes.
///
/// # Errors
/// If the API or the store fails, or it was stopped: the same call then goes on.
pub async fn run(
    api: &dyn Api,
    claim: &Claim,
    change: Change<'_>,
    watch: impl FnMut(&Reached),
    stop: impl Future<Output = ()>,
) -> Result<Reached> {
    let stopping = AtomicBool::new(false);
    let mut work = std::pin::pin!(pages(api, claim, change, watch, &stopping));
    tokio::select! {
        done = &mut work => return done,
        () = stop => stopping.store(true, Ordering::Relaxed),
    }
    // Keys are kept for a day, and nobody knows when it goes on: a page that was begun is ended, if that can be.
    tokio::time::timeout(TO_THE_END, work).await.unwrap_or(Err(Error::Stopped))
}

async fn pages(
    api: &dyn Api,
    claim: &Claim,
    change: Change<'_>,
    mut watch: impl FnMut(&Reached),
    stopping: &AtomicBool,
) -> Result<Reached> {
    let key = ImportId::kept(claim.key.id.to_string());
    let stored = claim.checkpoint().await.map_err(|error| told(&error))?;
    let stored = stored.map(|bytes| serde_json::from_slice(&bytes)).transpose();
    let mut reached: Reached = stored.map_err(|error| Error::Message(error.to_string()))?.unwrap_or_default();
    loop {
        watch(&reached);
        if reached.open.is_empty() {
            if reached.at_end {
                return Ok(reached);
            }
            if stopping.load(Ordering::Relaxed) {
                return Err(Error::Stopped);
            }
            look(api, change, &mut reached).await?;
            keep(claim, &reached, None).await?;
        }
        let requests = finish(api, &key, &mut reached).await?;
        reached.parts += 1;
        watch(&reached);
        keep(claim, &reached, Some((reached.parts, requests))).await?;
    }
}

fn told(error: &storage::Error) -> Error {
    let text = error.to_string();
    if error.is_passing() { Error::Away(text) } else { Error::Message(text) }
}

/// Stores how far it has come. A stop that is asked for meanwhile is noticed by whoever watches over the job.
async fn keep(claim: &Claim, reached: &Reached, part: Option<(u64, Vec<u8>)>) -> Result<()> {
    let checkpoint = encode(reached).map_err(|error| Error::Message(error.to_string()))?;
    let kept = Kept { checkpoint: Some(checkpoint), part };
    match claim.keep(JobState::Running, kept).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(Lost)) => Err(Error::Stopped),
        Err(error) => Err(told(&error)),
    }
}

/// Looks for the next page, and makes its requests.
async fn look(api: &dyn Api, change: Change<'_>, reached: &mut Reached) -> Result<()> {
    let Change { list, action, whom } = change;
    let found = match whom {
        Whom::Matching(filter) => {
            let page = page(api, list, filter, reached.after.as_deref(), PAGE).await?;
            (reached.at_end, reached.after) = (page.next.is_none(), page.next);
            page.data
        }
        Whom::Ids(ids) if matches!(action, Action::Undo { .. }) => {
            let some: Vec<_> = ids.iter().skip(reached.ids).take(UNDONE).collect();
            reached.ids += some.len();
            reached.at_end = reached.ids >= ids.len();
            reached.page += 1;
            reached.open = some.into_iter().map(|id| undo(list, id)).collect();
            return Ok(());
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
    reached.open = requests(list, action, &found);
    Ok(())
}

fn fail(reached: &mut Reached, text: String) {
    reached.done += 1;
    reached.counts.failed += 1;
    if reached.first_faults.len() < FIRST_FAULTS {
        reached.first_faults.push((0, text));
    }
}

struct Page {
    data: Vec<Found>,
    next: Option<String>,
}

async fn page(
    api: &dyn Api,
    list: &str,
    filter: &Map<String, Value>,
    after: Option<&str>,
    limit: u32,
) -> Result<Page> {
    let page = must(api, PATIENCE, || api.contacts(list, filter, after, limit)).await?;
    let data = page.contacts.iter().map(|contact| serde_json::from_str(contact.get()));
    let data = data.collect::<std::result::Result<_, _>>();
    Ok(Page { data: data.map_err(|error| Error::Message(error.to_string()))?, next: page.next })
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
                Action::Set { field, to, resubscribe } => {
                    let item =
                        |text: &&str| json!({ "contact": text, field: to, "resubscribe": resubscribe });
                    let contacts: Vec<_> = some.iter().map(item).collect();
                    let body = json!({
                        "contactListId": list, "contactBy": kind, "optOut": "keep", "contacts": contacts,
                    });
                    ("/v3/contacts/update", body)
                }
                // It is about requests, and names no contact.
                Action::Undo { .. } => continue,
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

fn undo(list: &str, id: &str) -> Request {
    // A client has named the requests of its import: those of other lists are not meant.
    let body = json!({ "requestId": id, "contactListId": list }).to_string();
    // How many contacts it is about, its results tell.
    Request { path: UNDO.to_owned(), body, contacts: 0 }
}

/// Sends the requests of a page, waits until they are processed, and counts what became of them. Returns their ids, a
/// line each.
async fn finish(api: &dyn Api, key: &ImportId, reached: &mut Reached) -> Result<Vec<u8>> {
    // Side by side, so that one write to the journal takes them all: no two of a page are about one contact.
    let page = reached.page;
    let post = async |Request { path, body, .. }: &Request| {
        let key = key.key(page, body.as_bytes());
        let kind =
            BodyKind::of(path).ok_or_else(|| Error::Message(format!("{path}: there is no such method")))?;
        retry(api, PATIENCE, || api.submit(kind, Some(&key), Bytes::from(body.clone()))).await
    };
    let accepted = |Request { contacts, .. }: &Request, answer: Answer<Accepted>| {
        answer.map(|accepted| (accepted.request, *contacts)).map_err(Error::from)
    };
    let mut next = reached.clone();
    let sent = if reached.open.first().is_some_and(|request| request.path == UNDO) {
        // Their order counts: what a later request has changed, an earlier one does not put back.
        let mut sent = Vec::new();
        for request in &reached.open {
            match post(request).await? {
                // Its history is gone.
                Err(Failure::Invalid(_, text) | Failure::Other(text)) => fail(&mut next, text),
                answer => sent.push(accepted(request, answer)?),
            }
        }
        sent
    } else {
        try_join_all(reached.open.iter().map(async |request| accepted(request, post(request).await?))).await?
    };
    for some in sent.chunks(20) {
        count(api, some, &mut next).await?;
    }
    next.open = Vec::new();
    *reached = next;
    Ok(sent.iter().flat_map(|(id, _)| [id.as_str(), "\n"]).collect::<String>().into_bytes())
}

async fn count(api: &dyn Api, sent: &[(String, usize)], reached: &mut Reached) -> Result<()> {
    let ids: Vec<_> = sent.iter().map(|(id, _)| id.clone()).collect();
    loop {
        let found = must(api, PATIENCE, || api.results(&ids)).await?;
        if found.values().any(Option::is_none) {
            tokio::time::sleep(ASK_AGAIN).await;
            continue;
        }
        for (id, contacts) in sent {
            // One that was processed more than 7 days ago is not told any more; it was accepted once.
            let Some(results) = found.get(id).and_then(Option::as_ref) else {
                reached.done += *contacts as u64;
                continue;
            };
            let mut faults = Vec::new();
            let contacts = if *contacts == 0 { results.len() } else { *contacts };
            let places: Vec<_> = (0..contacts).collect();
            reached.counts = reached.counts.plus(Counts::of(results, &places, &mut faults));
            reached.done += (contacts - faults.len().min(contacts)) as u64;
            for (_, text) in faults {
                fail(reached, text);
            }
        }
        return Ok(());
    }
}
