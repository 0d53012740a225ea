//! What the tasks of one node know.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_postgres::Client;

use super::idle::{Deliveries, LONGEST};
use super::session::error;
use super::signals::Signalling;
use super::store::Settings;
use domain::apply::outcome;
use domain::contact::identifier::HashKey;
use domain::contact::sealed;
use domain::history;
use domain::journal::{AccountNo, ListNo};
use storage::rows::attempts::Trim;
use storage::rows::damage::Damage;
use storage::rows::suppression_filter::Filters;
use storage::{Backlog, Error};

/// What a node keeps in memory.
pub(super) struct Shared {
    pub store_id: [u8; 16],
    pub key: HashKey,
    /// This node, among those that serve the store.
    pub node: [u8; 16],
    /// See [`Settings::lease`].
    pub lease: Duration,
    /// See [`Settings::appliers`].
    pub appliers: usize,
    /// Appends at a time: half of the connections, so that lists that are held leave some to all others.
    pub appends: usize,
    pub journal: Mutex<Journal>,
    /// What other nodes signal, and what they are to be told.
    pub signals: Signalling,
    /// Whether there are deliveries.
    pub deliveries: Deliveries,
    /// The receiver that was served last; the next claim goes on behind it.
    receiver: Mutex<String>,
    /// See [`Pruned::traces`](super::prune::Pruned::traces).
    traces: Mutex<Option<BTreeSet<ListNo>>>,
    /// See [`Shared::has_earlier_nodes`].
    pub earlier_nodes: AtomicBool,
    /// Attempts that were logged.
    pub logged: Trim,
    /// Contacts that were found to be damaged.
    pub damage: Damage,
    /// What is known of suppressed addresses.
    pub filters: Filters,
}

/// The journal, as far as this node has heard of it.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// Lists in which something waits, by their account.
    pub waiting: BTreeMap<AccountNo, BTreeSet<ListNo>>,
    /// Lists that this node is applying, each with the last position of its transaction.
    pub applying: HashMap<ListNo, u64>,
    /// The account that had its turn last; the next is looked for behind it.
    pub last: Option<AccountNo>,
    /// The list that was taken last of each account in which something waits.
    pub last_lists: BTreeMap<AccountNo, ListNo>,
    /// Lists to which this node has appended since their last turn began.
    pub appended: HashSet<ListNo>,
    /// Lists of each account that had to wait, until another list of it has nothing left or a look finds them.
    pub held: BTreeMap<AccountNo, BTreeSet<ListNo>>,
    /// The last position that this node has given in each list.
    pub given: HashMap<ListNo, i64>,
    /// What waits in all lists.
    pub backlog: Backlog,
    /// The same by account.
    pub backlogs: BTreeMap<AccountNo, Backlog>,
    /// How often this node has changed the two.
    pub backlog_changes: u64,
    /// When they were last taken from a look.
    pub counted_at: Option<Instant>,
    /// When the journal was last looked through; `None` where the next look is not to wait.
    pub looked_at: Option<Instant>,
    /// How long after that it is looked through again.
    pub look_after: Duration,
    /// How long it is at least, by what the last look has cost.
    pub soonest: Duration,
    /// How often it was to be looked through soon.
    pub hints: u64,
}

impl Journal {
    /// Another node may have left something behind: the next look is not put off any longer.
    pub fn look_soon(&mut self) {
        self.look_after = self.soonest;
        self.hints += 1;
    }
}

impl Shared {
    /// The longest time without a look over all lists while nothing happens.
    pub fn longest(&self) -> Duration {
        self.signals.look_after(LONGEST)
    }

    /// What a store that was just opened knows.
    pub async fn load(client: &Client, settings: &Settings) -> Result<Self, Error> {
        let select = "SELECT name, bytes FROM setting WHERE name IN ('store_id', 'hash_key', 'copy')";
        let (mut store_id, mut key) = (None, None);
        for row in client.query_typed(select, &[]).await.map_err(error)? {
            match row.get(0) {
                "copy" => {
                    let text =
                        "a copy into this database was begun and is not whole: run the same command again";
                    return Err(Error::Unavailable(text.to_owned()));
                }
                "store_id" => store_id = row.get::<_, Option<Vec<u8>>>(1),
                _ => key = row.get::<_, Option<Vec<u8>>>(1),
            }
        }
        let key = key.and_then(|key| key.try_into().ok());
        let key = key.ok_or_else(|| Error::Damaged("the store has no setting hash_key".to_owned()))?;
        let store_id = store_id.and_then(|id| id.try_into().ok());
        let store_id =
            store_id.ok_or_else(|| Error::Damaged("the store has no setting store_id".to_owned()))?;
        Ok(Self {
            store_id,
            key: HashKey::from_bytes(key),
            node: domain::secret::random(),
            lease: settings.lease,
            appliers: settings.appliers,
            appends: (settings.connections / 2).max(1),
            journal: Mutex::default(),
            signals: Signalling::default(),
            deliveries: Deliveries::default(),
            receiver: Mutex::default(),
            traces: Mutex::default(),
            earlier_nodes: AtomicBool::new(true),
            logged: Trim::default(),
            damage: Damage::default(),
            filters: Filters::default(),
        })
    }

    /// Whether nodes may be beside this one that read the forms of earlier versions only. None can come once the schema
    /// is of this one: so where there are none, there will be none.
    pub fn has_earlier_nodes(&self) -> bool {
        self.earlier_nodes.load(Ordering::Relaxed)
    }

    /// A document as it is stored. Nodes of the first version do not read what has a checksum.
    pub fn stored(&self, document: &[u8]) -> Vec<u8> {
        if self.has_earlier_nodes() { document.to_vec() } else { sealed::sealed(document) }
    }

    /// Outcomes as they are stored. Nodes of earlier versions do not read who has an identifier, or notes.
    pub fn stored_results<'r>(&self, results: &'r [u8]) -> Cow<'r, [u8]> {
        match self.has_earlier_nodes() {
            true => Cow::Owned(outcome::plain(results)),
            false => Cow::Borrowed(results),
        }
    }

    /// Changes as they are stored. Nodes of earlier versions do not read what a change put in place, nor a compressed row.
    pub fn stored_changes<'c>(&self, changes: &'c [u8]) -> Cow<'c, [u8]> {
        if !self.has_earlier_nodes() {
            return history::pack(changes);
        }
        // The rule has just written them: they read.
        history::without_after(changes).map_or(Cow::Borrowed(changes), Cow::Owned)
    }

    /// The journal, for as short as it takes.
    pub fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A position that was given in a list, 0 where this node knows none. The last one is not below it.
    pub fn given(&self, list: ListNo) -> i64 {
        self.journal().given.get(&list).copied().unwrap_or_default()
    }

    /// This node has given a position in a list.
    pub fn set_given(&self, list: ListNo, last: i64) {
        self.journal().given.insert(list, last);
    }

    /// Lists in which traces may be left.
    pub fn traces(&self) -> MutexGuard<'_, Option<BTreeSet<ListNo>>> {
        self.traces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The receiver that was served last.
    pub fn last_receiver(&self) -> String {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The next claim goes on behind this receiver.
    pub fn set_last_receiver(&self, receiver: &str) {
        receiver.clone_into(&mut self.receiver.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
