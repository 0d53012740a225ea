//! The form of a backup: one file that holds both halves of a store.
//!
//! `PATH` comes first, page for page, then `PATH.intake`, then what is said of them as JSON, and a fixed end: the
//! length of that JSON, its CRC-32, and a mark. So the store need not be written twice, and a file that was cut short
//! has no end and is no backup.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use domain::clock::Timestamp;

/// The last bytes of every backup.
const MARK: &[u8; 16] = b"rollbook-backup\n";

/// The mark, the length and the checksum.
const END: u64 = 16 + 4 + 4;

/// What is said of a backup is never longer.
const MAX_MANIFEST: u32 = 1 << 16;

/// The form that this version writes, and the only one that it reads.
const FORM: u32 = 1;

/// Bytes that are read and written at a time.
const CHUNK: usize = 1 << 20;

/// Why there is no backup, or nothing was restored: a sentence for whoever asked.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] storage::Error),
    /// Anything else.
    #[error("{0}")]
    Message(String),
}

/// An error of a file, with its name.
pub fn file_error(path: &std::path::Path) -> impl Fn(std::io::Error) -> Failed + '_ {
    move |error| Failed::Message(format!("{}: {error}", path.display()))
}

/// Told how many bytes are done, of how many, and what is being done.
pub type Progress<'a> = dyn FnMut(u64, u64, &str) + 'a;

/// What is said of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    form: u32,
    /// The version of Rollbook that made it.
    pub version: String,
    /// When the store was as it is in here, in milliseconds since 1970.
    pub taken_at: i64,
    /// The journal position up to which was applied.
    pub applied: u64,
    /// Accepted batches that waited.
    pub waiting: u64,
    /// The contacts' file.
    pub store: Part,
    /// The intake file.
    pub intake: Part,
}

/// One of the files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of it, in hex.
    pub sha256: String,
}

impl Manifest {
    /// Of a snapshot and its files.
    pub fn new(taken_at: Timestamp, [applied, waiting]: [u64; 2], [store, intake]: [Part; 2]) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { form: FORM, version, taken_at: taken_at.millis(), applied, waiting, store, intake }
    }

    /// When the store was as it is in here.
    pub const fn moment(&self) -> Timestamp {
        Timestamp::from_millis(self.taken_at)
    }

    /// Ends a backup with this.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, file: &mut File) -> std::io::Result<()> {
        let text = serde_json::to_vec(self)?;
        let length = u32::try_from(text.len()).map_err(std::io::Error::other)?;
        let mut end = text;
        let check = crc32fast::hash(&end);
        end.extend_from_slice(&length.to_le_bytes());
        end.extend_from_slice(&check.to_le_bytes());
        end.extend_from_slice(MARK);
        file.seek(SeekFrom::End(0))?;
        file.write_all(&end)
    }

    /// Reads it from the end of a backup; `None` where the file is none, or not a whole one.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn read(file: &mut File) -> std::io::Result<Option<Self>> {
        let size = file.metadata()?.len();
        let Some(end_at) = size.checked_sub(END) else { return Ok(None) };
        file.seek(SeekFrom::Start(end_at))?;
        let mut end = [0; 24];
        file.read_exact(&mut end)?;
        let [a, b, c, d, e, f, g, h, mark @ ..] = end;
        let (length, check) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        let Some(text_at) = end_at.checked_sub(u64::from(length)) else { return Ok(None) };
        if &mark != MARK || length > MAX_MANIFEST {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(text_at))?;
        let mut text = vec![0; usize::try_from(length).unwrap_or_default()];
        file.read_exact(&mut text)?;
        if crc32fast::hash(&text) != check {
            return Ok(None);
        }
        let read: Option<Self> = serde_json::from_slice(&text).ok();
        let whole =
            |manifest: &Self| manifest.store.bytes.checked_add(manifest.intake.bytes) == Some(text_at);
        Ok(read.filter(|manifest| manifest.form == FORM && whole(manifest)))
    }
}

/// Copies the next `bytes` of a reader, and says what they were.
///
/// # Errors
/// Where they cannot be read or written, or there are fewer.
pub fn copy(
    from: &mut impl Read,
    to: &mut impl Write,
    bytes: u64,
    tell: &mut dyn FnMut(u64),
) -> std::io::Result<Part> {
    let (mut hash, mut buffer, mut done) = (Sha256::new(), vec![0; CHUNK], 0);
    while done < bytes {
        let next = usize::try_from(bytes - done).unwrap_or(CHUNK).min(CHUNK);
        let chunk = &mut buffer[..next];
        from.read_exact(chunk)?;
        hash.update(&*chunk);
        to.write_all(chunk)?;
        done += next as u64;
        tell(done);
    }
    let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Part { bytes, sha256 })
}
