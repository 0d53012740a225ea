//! What the bare engines have in common.

use std::time::Duration;

use domain::clock::Timestamp;
use domain::contact::document::{Document, Header};
use domain::contact::record;
use domain::journal::{Item, ListNo};

use crate::Result;

/// Contacts and their index, written straight into a database.
pub trait Engine {
    /// Applies batches in one transaction, in the order of arrival; how many contacts they had.
    fn apply(&mut self, list: ListNo, batches: &[(u64, Vec<u8>)]) -> Result<u64>;

    /// CPU so far of all that works on it: this thread, and the database where that is a process of its own.
    fn cpu(&self) -> Result<Duration>;

    /// What its tables and indexes take on disk.
    fn bytes(&self, contacts: u32) -> Result<u64>;

    /// Rows of a table.
    fn count(&self, table: &str) -> Result<i64>;

    /// The stored form of a contact.
    fn document_of(&self, list: ListNo, user_id: &str) -> Result<Vec<u8>>;

    /// The journal position that the server has reached, and how many batches each of its transactions above `after`
    /// had, in their order.
    fn server_transactions(&self, after: u64) -> Result<(u64, Vec<u32>)>;
}

/// The stored forms that items come to, in buffers that are used again.
#[derive(Default)]
pub struct Forms {
    /// Of the contact that was made last: its fields.
    pub record: Vec<u8>,
    undo: Vec<u8>,
    document: Vec<u8>,
}

impl Forms {
    /// Of a contact that the item makes.
    pub fn made(&mut self, position: u64, item: &Item<'_>, now: Timestamp) -> Result<&[u8]> {
        let Self { record, undo, document } = self;
        for buffer in [&mut *record, undo, document] {
            buffer.clear();
        }
        record::merge(&[], item.patch, record, undo)?;
        Header { created_at: now, updated_at: now, renamed_at: 0, changed_at: position }.put(document);
        document.extend_from_slice(record);
        Ok(document)
    }

    /// Of a contact that the item changes.
    pub fn changed(&mut self, position: u64, old: &[u8], item: &Item<'_>, now: Timestamp) -> Result<&[u8]> {
        let Self { undo, document, .. } = self;
        undo.clear();
        document.clear();
        let old = Document::read(old)?;
        Header { updated_at: now, changed_at: position, ..old.header }.put(document);
        record::merge(old.record, item.patch, document, undo)?;
        Ok(document)
    }
}

/// CPU of this thread.
pub fn thread_cpu() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split(' ').next().unwrap_or_default().parse()?;
    Ok(Duration::from_nanos(nanos))
}
