//! What changes members without a change of a contact: suppressions, and time.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{PAGE, Step};
use storage::Error;

/// Suppressions that a step reads.
const SUPPRESSIONS: u32 = 100;

impl Step<'_> {
    /// Asks again about the contacts whose addresses were suppressed. Whether there may be more.
    pub(super) async fn follow_suppressions(&mut self) -> Result<bool, Error> {
        let (account, list) = (self.list.account, self.list.list);
        let Some(after) = self.draft.feed.suppressed else { return Ok(false) };
        let storage = Arc::clone(&self.follower.storage);
        let added = storage.added_suppressions(account, after, SUPPRESSIONS, self.now).await?;
        self.draft.feed.suppressed = Some(added.next);
        // Those that have expired are passed, and not among the rows.
        let more = added.next != after;
        // The address of a person who was erased is not known any more.
        let rows = added.rows.into_iter().filter_map(|(_, suppression)| {
            let address = suppression.address?;
            Some((vec![(suppression.reason.channel().kind(), address)], suppression.created_at))
        });
        let (wanted, times): (Vec<_>, Vec<_>) = rows.unzip();
        if wanted.is_empty() {
            return Ok(more);
        }
        let found = storage.find_contacts(account, list, wanted).await?;
        let found: Vec<_> =
            found.into_iter().zip(times).filter_map(|(found, at)| Some((found?, at))).collect();
        self.load(found.iter().map(|((number, _), _)| *number)).await?;
        let suppressed =
            self.suppressed(found.iter().map(|((number, contact), _)| (*number, contact))).await?;
        for ((number, contact), at) in &found {
            let of_contact = suppressed.get(number).map_or(&[][..], Vec::as_slice);
            for place in 0..self.draft.followed.len() {
                if self.draft.followed[place].matcher.asks_suppressed() {
                    let found = self.judge(place, Some(&contact.document), of_contact, self.now).await?;
                    self.draft.put(place, *number, found, *at);
                }
            }
        }
        Ok(more)
    }

    /// Asks again about the contacts whose time has come. Whether there are more.
    pub(super) async fn follow_time(&mut self) -> Result<bool, Error> {
        if self.draft.feed.due.is_none_or(|due| due > self.now) {
            return Ok(false);
        }
        let (account, list) = (self.list.account, self.list.list);
        let storage = Arc::clone(&self.follower.storage);
        let due = storage.due_contacts(list, self.now, PAGE).await?;
        let numbers: BTreeSet<_> = due.iter().map(|due| due.number).collect();
        self.load(numbers.iter().copied()).await?;
        let page = storage.contacts_by_number(account, list, numbers.into_iter().collect()).await?;
        let contacts: HashMap<_, _> = page.rows.iter().map(|(number, contact)| (*number, contact)).collect();
        let suppressed =
            self.suppressed(contacts.iter().map(|(number, contact)| (*number, *contact))).await?;
        for one in &due {
            let place = self.draft.followed.iter().position(|followed| followed.state.no == one.no);
            let Some(place) = place else { continue };
            let document = contacts.get(&one.number).map(|contact| contact.document.as_slice());
            let of_contact = suppressed.get(&one.number).map_or(&[][..], Vec::as_slice);
            let found = self.judge(place, document, of_contact, self.now).await?;
            self.draft.put(place, one.number, found, one.at.unwrap_or(self.now));
        }
        Ok(due.len() >= PAGE as usize)
    }
}
