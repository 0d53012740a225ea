//! Who joined or left segments, in the order in which it was noticed.

use std::collections::{BTreeSet, HashMap};

use super::{Caller, Queries};
use domain::contact::document::Document;
use domain::contact::identifier::Identifiers;
use domain::id::ObjectId;
use domain::journal::ListNo;
use storage::{Error, SegmentEvent};

/// Events that are read at a time.
const PAGE: u32 = 500;

/// A contact that joined or left a segment.
#[derive(Clone, Debug)]
pub struct SegmentChange {
    /// Its list.
    pub list: ObjectId,
    /// Its id.
    pub contact: ObjectId,
    /// Its identifiers, as they are now. A contact that is gone has none.
    pub identifiers: Identifiers<Option<String>>,
    /// What happened.
    pub event: SegmentEvent,
}

/// Events that follow each other.
#[derive(Clone, Debug)]
pub struct SegmentChanges {
    /// Those that are shown. Those of erased people and of removed lists are not.
    pub changes: Vec<SegmentChange>,
    /// The number of the last event that was read.
    pub next: u64,
    /// Whether there are more.
    pub more: bool,
    /// Whether events were deleted before they were read.
    pub lost: bool,
}

impl Queries {
    /// The events of segments of the account behind a number.
    ///
    /// # Errors
    /// The store fails.
    pub async fn segment_changes(&self, caller: &Caller, after: u64) -> Result<SegmentChanges, Error> {
        let (app, account) = (&self.0, caller.scope.account);
        let found = app.storage.segment_events(account, after, PAGE).await?;
        let next = found.events.last().map_or(found.last, |event| event.serial);
        let (more, lost) = (next < found.last, found.lost);
        if found.events.is_empty() {
            return Ok(SegmentChanges { changes: Vec::new(), next, more: false, lost });
        }
        let lists: HashMap<ListNo, ObjectId> =
            app.storage.account_lists(account).await?.into_iter().collect();
        let mut numbers: HashMap<ListNo, BTreeSet<_>> = HashMap::new();
        for event in &found.events {
            numbers.entry(event.list).or_default().insert(event.number);
        }
        let mut identifiers = HashMap::new();
        for (list, numbers) in numbers {
            let page = app.storage.contacts_by_number(account, list, numbers.into_iter().collect()).await?;
            for (number, contact) in page.rows {
                let read = Document::read(&contact.document).and_then(|document| document.identifiers());
                // One that is damaged on disk has no identifiers.
                let read = read.unwrap_or_default().map(|text| text.map(str::to_owned));
                identifiers.insert((list, number), read);
            }
        }
        let show = |event: SegmentEvent| {
            let list = lists.get(&event.list).copied().filter(|_| event.number.0 != 0)?;
            let identifiers = identifiers.get(&(event.list, event.number)).cloned().unwrap_or_default();
            let contact = ObjectId::of_contact(list, event.number.0);
            Some(SegmentChange { list, contact, identifiers, event })
        };
        let changes = found.events.into_iter().filter_map(show).collect();
        Ok(SegmentChanges { changes, next, more, lost })
    }
}
