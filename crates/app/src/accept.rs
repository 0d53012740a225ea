//! The last step of every command that makes a batch: make it durable, once, or try it out.

use sha2::{Digest, Sha256};

use super::{Caller, Commands, Result};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{Batch, BatchKind, KEEP_KEYS, ListNo, Once, WebHook};
use domain::problem::{self, MAX_PROBLEMS, Problem};
use storage::{Appended, ItemResult, Remembered};

use super::Refusal;

/// How a batch is submitted, beside its contents.
#[derive(Debug)]
pub struct Submission {
    /// The id of the request.
    pub request: ObjectId,
    /// The `Idempotency-Key`, if there is one.
    pub key: Option<Key>,
    /// The warnings of the answer, which the same key gets again.
    pub warnings: Vec<Problem>,
}

/// An `Idempotency-Key` and a fingerprint of what it was sent with.
#[derive(Clone, Debug)]
pub struct Key {
    text: String,
    fingerprint: [u8; 32],
}

/// The longest `Idempotency-Key`.
pub const MAX_KEY: usize = 255;

impl Key {
    /// `None` if the text is no such key: 1 to 255 visible ASCII characters.
    pub fn new(text: &[u8], method: &str, body: &[u8]) -> Option<Self> {
        let fits = (1..=MAX_KEY).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic);
        let text = std::str::from_utf8(text).ok().filter(|_| fits)?.to_owned();
        // The name of a method has no NUL in it, so no method and body look like another pair.
        let fingerprint = Sha256::new().chain_update(method).chain_update([0]).chain_update(body).finalize();
        Some(Self { text, fingerprint: fingerprint.into() })
    }
}

/// A batch that was accepted.
#[derive(Debug)]
pub struct Accepted {
    /// Its id: of the request that the same key was first sent with, if it was.
    pub request: ObjectId,
    /// The result that each item would have, if it was a dry run: nothing is stored then.
    pub results: Option<Vec<ItemResult>>,
    /// The warnings of the answer.
    pub warnings: Vec<Problem>,
}

/// What the commands that make a batch have to say of it.
#[derive(Debug)]
pub(super) struct Draft {
    /// The method.
    pub kind: BatchKind,
    /// The list, or [`ListNo::NONE`] with any id.
    pub list: (ListNo, ObjectId),
    /// Where the result is sent.
    pub webhook: Option<WebHook>,
    /// Whether it may bring erased persons back.
    pub restore_erased: bool,
    /// The items, see [`domain::journal::ItemsWriter`].
    pub items: Vec<u8>,
}

impl Draft {
    fn batch(self, caller: &Caller, request: ObjectId, now: Timestamp, once: Option<Once>) -> Batch {
        let Self { kind, list: (list, list_id), webhook, restore_erased, items } = self;
        Batch {
            request,
            account: caller.scope.account,
            list,
            list_id,
            token: caller.token.clone(),
            kind,
            accepted_at: now,
            webhook,
            restore_erased,
            once,
            items,
        }
    }
}

impl Commands {
    /// A submission without a key, under a new request id.
    pub fn submission(&self) -> Submission {
        let request = self.0.ids.next(self.0.clock.now());
        Submission { request, key: None, warnings: Vec::new() }
    }

    /// What was accepted with the submission's key before, if anything. Asked as soon as the list is known: the first
    /// answer is given again even if the body would be rejected by now.
    ///
    /// # Errors
    /// The key was used with another body, or the store fails.
    pub async fn known(
        &self,
        caller: &Caller,
        submission: &Submission,
        list: ListNo,
    ) -> Result<Option<Accepted>> {
        let Some(key) = &submission.key else { return Ok(None) };
        let (account, since) = (caller.scope.account, self.keys_since());
        let known = self.0.storage.find_once(account, list, key.text.clone(), since).await?;
        known.map(|known| same(key, known)).transpose()
    }

    /// Keys that were used before this are forgotten.
    fn keys_since(&self) -> Timestamp {
        self.0.retention.now(self.0.clock.as_ref()).before(KEEP_KEYS)
    }

    /// Makes a batch durable.
    ///
    /// # Errors
    /// That could not be done, or its key was used with another body.
    pub(super) async fn accept(
        &self,
        caller: &Caller,
        submission: Submission,
        draft: Draft,
    ) -> Result<Accepted> {
        let Submission { request, key, mut warnings } = submission;
        warnings.truncate(MAX_PROBLEMS);
        let once = key.as_ref().map(|key| Once {
            key: key.text.clone(),
            fingerprint: key.fingerprint,
            // Texts and numbers only: it cannot fail.
            warnings: serde_json::to_string(&warnings).unwrap_or_default(),
            since: self.keys_since(),
        });
        let batch = draft.batch(caller, request, self.0.clock.now(), once);
        match (self.0.writer.append(batch).await.map_err(Refusal::NotAccepted)?, &key) {
            (Appended::Known(known), Some(key)) => same(key, known),
            _ => Ok(Accepted { request, results: None, warnings }),
        }
    }

    /// Returns what a batch would do.
    ///
    /// # Errors
    /// The store fails.
    pub(super) async fn dry_run(
        &self,
        caller: &Caller,
        submission: Submission,
        draft: Draft,
    ) -> Result<Accepted> {
        let Submission { request, warnings, .. } = submission;
        let now = self.0.clock.now();
        let results = self.0.storage.dry_run(draft.batch(caller, request, now, None), now).await?;
        Ok(Accepted { request, results: Some(results), warnings })
    }
}

fn same(key: &Key, known: Remembered) -> Result<Accepted> {
    if known.fingerprint != key.fingerprint {
        return Err(problem::key_used().into());
    }
    // Written by this program; of a damaged one the warnings are lost, and nothing else.
    let warnings = serde_json::from_str(&known.warnings).unwrap_or_default();
    Ok(Accepted { request: known.request, results: None, warnings })
}
