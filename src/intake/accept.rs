//! The last step of every method that makes a batch: try it out, or make it durable, once.

use sha2::{Digest, Sha256};

use super::problem::{self, MAX_PROBLEMS, Problem};
use super::writer::Writer;
use crate::app::Refusal;
use crate::catalogue::Viewer;
use crate::clock::Timestamp;
use crate::id::ObjectId;
use crate::journal::{Batch, BatchKind, ListNo, Once, WebHook};
use crate::storage::{Appended, ItemResult, Remembered};

/// Who sends a batch, and what it is known by.
#[derive(Clone, Debug)]
pub struct Sender {
    /// Whose it is, and the lists that they may see.
    pub viewer: Viewer,
    /// The public part of the token.
    pub token: String,
    /// The id of the request.
    pub request: ObjectId,
    /// When it came.
    pub now: Timestamp,
    /// Keys that were used before this are forgotten.
    pub keys_since: Timestamp,
    /// The `Idempotency-Key`, where there is one.
    pub key: Option<Key>,
}

impl Sender {
    /// A batch of this sender, for a list or [`ListNo::NONE`], that brings nobody back who was erased.
    pub fn batch(
        &self,
        kind: BatchKind,
        (list, list_id): (ListNo, ObjectId),
        webhook: Option<WebHook>,
        items: Vec<u8>,
    ) -> Batch {
        Batch {
            request: self.request,
            account: self.viewer.account,
            list,
            list_id,
            token: self.token.clone(),
            kind,
            accepted_at: self.now,
            webhook,
            restore_erased: false,
            once: None,
            items,
        }
    }
}

/// An `Idempotency-Key` and what it was sent with.
#[derive(Clone, Debug)]
pub struct Key {
    text: String,
    fingerprint: [u8; 32],
}

/// The longest `Idempotency-Key`.
pub const MAX_KEY: usize = 255;

impl Key {
    /// `None` where the text is no such key: 1 to 255 visible ASCII characters.
    pub fn new(text: &[u8], method: &str, body: &[u8]) -> Option<Self> {
        let fits = (1..=MAX_KEY).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic);
        let text = std::str::from_utf8(text).ok().filter(|_| fits)?.to_owned();
        // The name of a method has no NUL in it, so no method and body look like another pair.
        let fingerprint = Sha256::new().chain_update(method).chain_update([0]).chain_update(body).finalize();
        Some(Self { text, fingerprint: fingerprint.into() })
    }
}

/// What a caller whose batch was accepted is told.
#[derive(Debug)]
pub enum Accepted {
    /// It is on disk.
    Kept {
        /// What is doubtful in it.
        warnings: Vec<Problem>,
    },
    /// It was accepted before, with the same `Idempotency-Key`: the first answer is given again.
    Before(Remembered),
    /// It was a dry run.
    Tried {
        /// What would become of each item.
        results: Vec<ItemResult>,
        /// What is doubtful in it.
        warnings: Vec<Problem>,
    },
}

/// What was accepted with the sender's key before, if anything. Asked as soon as the list is known: the first answer
/// is given again even where the body would be refused by now.
///
/// # Errors
/// Where the key was used with another body, or the store cannot be read.
pub async fn before(writer: &Writer, sender: &Sender, list: ListNo) -> Result<Option<Accepted>, Refusal> {
    let Some(key) = &sender.key else { return Ok(None) };
    let (account, since) = (sender.viewer.account, sender.keys_since);
    let known = writer.storage().find_once(account, list, key.text.clone(), since).await?;
    known.map(|known| same(key, known)).transpose()
}

fn same(key: &Key, known: Remembered) -> Result<Accepted, Refusal> {
    if known.fingerprint == key.fingerprint {
        Ok(Accepted::Before(known))
    } else {
        Err(problem::key_used().into())
    }
}

/// Makes a batch durable.
///
/// # Errors
/// Where that could not be done, or its key was used with another body.
pub async fn keep(
    writer: &Writer,
    sender: Sender,
    mut batch: Batch,
    mut warnings: Vec<Problem>,
) -> Result<Accepted, Refusal> {
    warnings.truncate(MAX_PROBLEMS);
    if let Some(key) = &sender.key {
        batch.once = Some(Once {
            key: key.text.clone(),
            fingerprint: key.fingerprint,
            // Texts and numbers only: it cannot fail.
            warnings: serde_json::to_string(&warnings).unwrap_or_default(),
            since: sender.keys_since,
        });
    }
    match (writer.append(batch).await.map_err(Refusal::NotAccepted)?, &sender.key) {
        (Appended::Known(known), Some(key)) => same(key, known),
        _ => Ok(Accepted::Kept { warnings }),
    }
}

/// Tells what a batch would do.
///
/// # Errors
/// Where the store cannot be read.
pub async fn try_out(
    writer: &Writer,
    now: Timestamp,
    batch: Batch,
    warnings: Vec<Problem>,
) -> Result<Accepted, Refusal> {
    Ok(Accepted::Tried { results: writer.storage().try_out(batch, now).await?, warnings })
}
