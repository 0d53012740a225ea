//! Writes an export: a page of contacts is read while the one before it is written.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use app::contacts::read::{ContactsFound, bounds};
use app::find::Filter;
use app::{Caller, Queries};
use domain::contact::record::Malformed;
use domain::id::ObjectId;
use domain::journal::ContactNo;
use files::export::PAGE;
use files::export::output::{Output, unwritten};
use files::export::stored::{Layout, suppressions};
use files::spool::Spool;
use files::{Error, Result};
use jobs::import::PATIENCE;
use storage::{List, Way};
use wire::contact::Shown;

/// How long it waits for a store that is away before it asks again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// The contacts of an export.
pub struct Contacts {
    pub queries: Queries,
    pub caller: Caller,
    pub list: Arc<List>,
    pub filter: Filter,
}

impl Contacts {
    /// Before the first contact.
    pub const fn begin(&self) -> Way {
        Way::Up(ContactNo(0))
    }

    /// A page, as of one moment: the store holds no snapshot between two of them.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn page(&self, way: Way) -> std::result::Result<ContactsFound, storage::Error> {
        let Self { queries, caller, list, filter } = self;
        queries.contacts_with_suppressions(caller, list, way, filter, bounds(PAGE)).await
    }
}

/// Writes the file of an export.
pub struct Producer {
    contacts: Contacts,
    writer: Writer,
}

struct Writer {
    list: Arc<List>,
    layout: Layout,
    output: Output,
    spool: Spool,
    bytes: Vec<u8>,
}

impl Producer {
    /// Into that spool.
    pub fn new(contacts: Contacts, output: Output, spool: Spool) -> Self {
        let (list, layout) = (Arc::clone(&contacts.list), Layout::of(&contacts.list));
        Self { contacts, writer: Writer { list, layout, output, spool, bytes: Vec::new() } }
    }

    /// Writes all, the first page first. If that fails, clients are cut off: half an export must not look like a whole
    /// one.
    pub async fn run(self, first: ContactsFound) {
        let spool = self.writer.spool.clone();
        match self.write(first).await {
            Ok(()) => spool.end(),
            Err(error) => {
                // One that was broken off has no reader, or the server stops.
                if !spool.is_broken() {
                    tracing::error!(%error, "console: writing an export failed");
                }
                spool.break_off();
            }
        }
    }

    async fn write(self, first: ContactsFound) -> Result<()> {
        let Self { contacts, mut writer } = self;
        let mut next = Some(first);
        while let Some(page) = next.take() {
            if let Some(damaged) = page.damaged.first() {
                let (count, list) = (page.damaged.len(), contacts.list.id);
                tracing::warn!(%list, first = damaged.0, count, "console: damaged contacts left out of an export");
            }
            let after = page.next;
            let write = tokio::task::spawn_blocking(move || writer.page(&page).map(|()| writer));
            let (written, ahead) = tokio::join!(write, ahead(&contacts, after));
            writer = written.map_err(|error| unwritten(&error))??;
            next = ahead?;
        }
        tokio::task::spawn_blocking(move || writer.end()).await.map_err(|error| unwritten(&error))?
    }
}

async fn ahead(contacts: &Contacts, after: Option<Way>) -> Result<Option<ContactsFound>> {
    let Some(way) = after else { return Ok(None) };
    let start = Instant::now();
    loop {
        match contacts.page(way).await {
            Ok(page) => return Ok(Some(page)),
            Err(error) if error.is_passing() && start.elapsed() < PATIENCE => {
                tokio::time::sleep(ASK_AGAIN).await;
            }
            Err(error) => return Err(unwritten(&error)),
        }
    }
}

impl Writer {
    fn page(&mut self, page: &ContactsFound) -> Result<()> {
        self.bytes.clear();
        let (all, json) = (self.output.columns().include_suppressed, self.output.is_json());
        let ids = self.output.columns().include_ids;
        let (list, layout, mut lines) = (&self.list, &self.layout, Vec::new());
        self.output.rows(&mut self.bytes, |rows| {
            let mut cells = Vec::<Cow<'_, str>>::new();
            for (number, contact, suppressed) in &page.rows {
                if !all && !suppressed.is_empty() {
                    continue;
                }
                if json {
                    let shown = Shown::of(contact, list, suppressed).map_err(unread)?;
                    lines.extend_from_slice(shown.json().as_bytes());
                    lines.push(b'\n');
                    continue;
                }
                layout.read(contact, &mut cells).map_err(unread)?;
                let reasons = if suppressed.is_empty() { String::new() } else { suppressions(suppressed) };
                let id =
                    if ids { ObjectId::of_contact(list.id, number.0).to_string() } else { String::new() };
                rows.row(&cells, (&reasons, &id))?;
            }
            Ok(())
        })?;
        self.bytes.append(&mut lines);
        self.spool.append(&self.bytes).map_err(|error| unwritten(&error))
    }

    fn end(mut self) -> Result<()> {
        self.output.end(&self.spool)
    }
}

fn unread(_: Malformed) -> Error {
    Error::Message("a contact does not read".to_owned())
}
