//! contacts/changes, as a program reads it that follows contacts.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;

use super::super::client::Client;
use super::super::target::{Place, Target};
use super::probe::CONTACT;
use crate::Result;

const PATH: &str = "/v3/contacts/changes";

/// Changes of a page.
const LIMIT: u32 = 1_000;

/// How long a follower waits for changes at most: it notices its end within this.
const WAIT: Duration = Duration::from_secs(1);

/// A change, as far as it matters here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change<'a> {
    /// The list.
    pub contact_list_id: &'a str,
    /// By which request.
    pub request_id: &'a str,
    /// The contact's own id.
    #[serde(borrow)]
    pub user_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    changes: Vec<Change<'a>>,
    next: &'a str,
}

/// What a page held.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    /// How many changes.
    pub changes: u64,
    /// Bytes of the answer.
    pub bytes: usize,
}

/// A reader, and how far it has come.
pub struct Feed {
    client: Client,
    /// The only list; `None` for all of the account.
    list: Option<String>,
    include: &'static str,
    after: Option<String>,
}

impl Feed {
    fn open(place: &Place, target: &Target, include: &'static str, after: Option<&str>) -> Result<Self> {
        let list = (target.lists() == 1).then(|| target.list(0).to_owned());
        let client = place.connect(place.last_connection())?;
        Ok(Self { client, list, include, after: after.map(str::to_owned) })
    }

    /// From the oldest change on.
    ///
    /// # Errors
    /// An address without a server.
    pub fn from_start(place: &Place, target: &Target, include: &'static str) -> Result<Self> {
        Self::open(place, target, include, Some("start"))
    }

    /// Behind the last change.
    ///
    /// # Errors
    /// Where the server refuses.
    pub fn from_now(place: &Place, target: &Target, include: &'static str) -> Result<Self> {
        let mut feed = Self::open(place, target, include, None)?;
        feed.page(Duration::ZERO, |_| {})?;
        Ok(feed)
    }

    /// Reads the next page.
    ///
    /// # Errors
    /// Where the server refuses.
    pub fn page(&mut self, wait: Duration, mut each: impl FnMut(&Change<'_>)) -> Result<Read> {
        let mut body = json!({ "limit": LIMIT, "include": self.include, "waitSeconds": wait.as_secs() });
        if let Some(list) = &self.list {
            body["contactListId"] = json!(list);
        }
        if let Some(after) = &self.after {
            body["after"] = json!(after);
        }
        let answer = self.client.post(PATH, body.to_string().as_bytes())?;
        if answer.status != 200 {
            return Err(answer.refusal(PATH).into());
        }
        let page: Page<'_> = serde_json::from_slice(answer.body)?;
        page.changes.iter().for_each(&mut each);
        self.after = Some(page.next.to_owned());
        Ok(Read { changes: page.changes.len() as u64, bytes: answer.body.len() })
    }
}

/// What a follower has got.
#[derive(Debug, Default)]
pub struct Followed {
    /// Changes of the lists under load, those of the probe left out.
    pub changes: u64,
    /// When each change of the probe came, by its request.
    pub probes: HashMap<String, Instant>,
}

/// One that follows by long polls, beside a load.
pub struct Follower {
    ends: Arc<AtomicBool>,
    thread: JoinHandle<Result<Followed>>,
}

impl Follower {
    /// Begins behind the last change.
    ///
    /// # Errors
    /// Where the server refuses.
    pub fn start(place: &Place, target: &Target) -> Result<Self> {
        let mut feed = Feed::from_now(place, target, "changes")?;
        let lists: HashSet<String> = (0..target.lists()).map(|list| target.list(list).to_owned()).collect();
        let ends = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ends);
        let thread = thread::spawn(move || {
            let mut followed = Followed::default();
            loop {
                let is_last = end.load(Relaxed);
                let mut came = Vec::new();
                let wait = if is_last { Duration::ZERO } else { WAIT };
                let page = feed.page(wait, |change| {
                    if change.user_id.as_deref() == Some(CONTACT) {
                        came.push(change.request_id.to_owned());
                    } else if lists.contains(change.contact_list_id) {
                        followed.changes += 1;
                    }
                })?;
                let now = Instant::now();
                followed.probes.extend(came.into_iter().map(|request| (request, now)));
                if is_last && page.changes == 0 {
                    return Ok(followed);
                }
            }
        });
        Ok(Self { ends, thread })
    }

    /// Ends when all changes have come.
    ///
    /// # Errors
    /// Where the server has refused.
    pub fn end(self) -> Result<Followed> {
        self.ends.store(true, Relaxed);
        self.thread.join().map_err(|_| "the follower panicked")?
    }
}
