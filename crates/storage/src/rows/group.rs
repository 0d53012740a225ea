//! The batches of one apply transaction.

use super::row_checksum::{Head, Intact};
use crate::{Applied, Error};
use domain::apply::outcome::{Failure, Tally};
use domain::apply::plan::Waiting;
use domain::apply::rule::Decided;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, BatchKind, ListNo};

/// Items of more bytes than this are left to the next transaction: it bounds the memory of one.
pub const MAX_BYTES: usize = 16 << 20;

/// Contacts of more bytes than this are not loaded for one transaction, unless a single batch asks for them.
const MAX_LOADED: usize = 96 << 20;

/// What of a journal row is carried over to the rows of its results as it is.
#[derive(Default)]
pub struct Origin {
    /// The list's public id.
    pub list_id: [u8; 12],
    /// The public part of the token that sent it.
    pub token: String,
    /// When it was accepted.
    pub accepted_at: i64,
    /// Where its status goes.
    pub webhook: Option<String>,
    /// `scheme://host:port` of that.
    pub receiver: Option<String>,
    /// The length of its items, as they were accepted.
    pub bytes: u64,
}

/// A journal row as it was read, whatever the disk has done to it.
#[derive(Default)]
pub struct JournalRow {
    /// The journal position.
    pub position: u64,
    /// The request's id.
    pub request: [u8; 12],
    /// The account.
    pub account: i64,
    /// The list.
    pub list: i64,
    /// What it asks for.
    pub kind: i64,
    /// Whether it may bring people back who were erased.
    pub restore_erased: bool,
    /// See [`Head::seal`].
    pub row_checksum: i64,
    /// The items.
    pub items: Vec<u8>,
    /// What is carried over.
    pub origin: Origin,
    /// Whether a column did not read.
    pub damaged: bool,
}

impl JournalRow {
    /// What of it is as it was written.
    pub fn intact(&self) -> Intact {
        let head = Head {
            request: &self.request,
            account: self.account,
            list: self.list,
            list_id: &self.origin.list_id,
            token: &self.origin.token,
            kind: self.kind,
            accepted_at: self.origin.accepted_at,
            webhook: self.origin.webhook.as_deref(),
            receiver: self.origin.receiver.as_deref(),
            restore_erased: self.restore_erased,
        };
        let Intact { head, items } = head.verify(self.row_checksum, &self.items);
        Intact { head: head && !self.damaged, items: items && BatchKind::from_code(self.kind).is_some() }
    }

    /// The batch; one that is damaged is told so when it is applied, and those behind it go on.
    pub fn verified(self) -> (Waiting, Origin) {
        let intact = self.intact();
        let Self { position, request, account, list, kind, restore_erased, mut items, mut origin, .. } = self;
        if !intact.head || !intact.items {
            tracing::error!(list, position, "store: accepted batch damaged on disk");
            // It ends in STORE_DAMAGED.
            items = Vec::new();
        }
        if !intact.head {
            // Whom it is to be told is not known.
            origin.receiver = None;
        }
        let kind = BatchKind::from_code(kind).unwrap_or(BatchKind::Update);
        let (request, account, list) = (ObjectId::from_bytes(request), AccountNo(account), ListNo(list));
        let token = origin.token.clone();
        (Waiting { position, request, account, list, kind, restore_erased, token, items }, origin)
    }
}

/// When batches are applied: never before they were accepted, though whoever applies them has looked at the clock
/// before it looked at the journal.
pub fn applied_at(origins: &[Origin], now: Timestamp) -> Timestamp {
    let accepted = origins.iter().map(|origin| Timestamp::from_millis(origin.accepted_at));
    accepted.fold(now, Timestamp::max)
}

/// Batches in their order, as many as one transaction takes.
#[derive(Default)]
pub struct Group {
    /// The batches.
    pub waiting: Vec<Waiting>,
    /// What is carried over of each.
    pub origins: Vec<Origin>,
    bytes: usize,
}

impl Group {
    /// Adds the next batch, unless there is no room for it; whether there may be room for another. One that stands
    /// alone is the only one.
    pub fn add(&mut self, batch: Waiting, origin: Origin) -> bool {
        self.bytes += batch.items.len();
        let alone = batch.kind.stands_alone();
        if !self.waiting.is_empty() && (alone || self.bytes > MAX_BYTES) {
            return false;
        }
        self.waiting.push(batch);
        self.origins.push(origin);
        !alone
    }

    /// Applies as many of the batches as memory has room for, half of them where there is none for all. `apply` is
    /// told how many, and how many bytes it may load.
    ///
    /// # Errors
    /// What `apply` fails with.
    pub fn as_many_as_fit<T>(
        &self,
        mut apply: impl FnMut(usize, usize) -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        let mut count = self.waiting.len();
        loop {
            let budget = if count > 1 { MAX_LOADED } else { usize::MAX };
            if let Some(done) = apply(count, budget)? {
                return Ok(done);
            }
            count = count.div_ceil(2);
        }
    }
}

/// What the items of each batch came to.
pub fn tallies(decided: &[Decided]) -> Vec<Tally> {
    let tally = |decided: &Decided| {
        let mut tally = Tally::default();
        tally.add(&decided.results);
        tally
    };
    decided.iter().map(tally).collect()
}

/// What an apply transaction is told to have done.
pub fn applied(waiting: &[Waiting], origins: &[Origin], tallies: &[Tally], webhooks: usize) -> Applied {
    let requests = waiting.iter().map(|batch| batch.request).collect();
    let oldest = origins.first().map(|origin| Timestamp::from_millis(origin.accepted_at));
    let mut tally = Tally::default();
    tallies.iter().for_each(|other| tally.merge(other));
    Applied { batches: waiting.len(), requests, webhooks, oldest, tally }
}

/// A batch that looks at what the disk has damaged is told so, and those behind it go on.
///
/// # Errors
/// Any other error.
pub fn not_decided(batch: &Waiting, error: Error) -> Result<Decided, Error> {
    let Error::Damaged(text) = error else { return Err(error) };
    tracing::error!(list = batch.list.0, position = batch.position, text, "applier: applying a batch failed");
    Ok(Decided::failed(Failure::Damaged))
}
