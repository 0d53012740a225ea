//! The contacts of changes, as they are now.

use std::collections::{HashMap, HashSet};

use super::{ChangeRows, Reading};
use crate::rows::contacts::{look_up_source, source_of};
use crate::rows::{ContactId, Rows};
use crate::{ChangeAction, ChangesError, Contact, Error};
use domain::journal::AccountNo;

/// Contacts that are loaded at once: each may have megabytes.
const CONTACTS: usize = 16;

impl<R: ChangeRows> Reading<'_, R> {
    /// Loads the contacts as they are now. Where they are too large for one page, the page ends before them.
    pub(super) fn load_contacts(&mut self) -> Result<(), ChangesError> {
        let mut loaded: HashMap<ContactId, Option<Contact>> = HashMap::new();
        let (mut bytes, mut done, mut sources) = (0, 0, HashMap::new());
        while done < self.changes.len() && (done == 0 || bytes < self.query.bytes) {
            let end = self.changes.len().min(done + CONTACTS);
            let wanted =
                self.changes[done..end].iter().filter(|change| change.action != ChangeAction::Erased);
            let wanted: HashSet<ContactId> = wanted.map(|change| (change.list, change.number)).collect();
            let mut wanted: Vec<_> =
                wanted.into_iter().filter(|contact| !loaded.contains_key(contact)).collect();
            wanted.sort_unstable();
            let mut documents = Vec::new();
            self.rows.documents(&wanted, &mut |contact, document| {
                bytes += document.len();
                documents.push((contact, document.to_vec()));
                true
            })?;
            loaded.extend(wanted.into_iter().map(|contact| (contact, None)));
            for (contact, document) in documents {
                let known = with_source(self.rows, self.query.account, document, &mut sources)?;
                loaded.insert(contact, known);
            }
            for change in &mut self.changes[done..end] {
                change.contact = loaded.get(&(change.list, change.number)).cloned().flatten();
            }
            done = end;
        }
        if done < self.changes.len() {
            self.changes.truncate(done);
            self.cursor = self.first.clone();
            for change in &self.changes {
                self.cursor.advance(change.mark);
            }
            self.more = true;
        }
        Ok(())
    }
}

/// What a source is and costs, by its number.
type Sources = HashMap<u64, (Option<crate::Source>, Option<domain::contact::amount::Cac>)>;

/// A contact with its source; `None` for one that is damaged on disk.
fn with_source(
    rows: &impl Rows,
    account: AccountNo,
    document: Vec<u8>,
    sources: &mut Sources,
) -> Result<Option<Contact>, Error> {
    let Ok(no) = source_of(&document) else { return Ok(None) };
    let (source, source_cac) = match no {
        None => (None, None),
        Some(no) => match sources.get(&no) {
            Some(known) => known.clone(),
            None => sources.entry(no).insert_entry(look_up_source(rows, account, no)?).get().clone(),
        },
    };
    Ok(Some(Contact { document, source, source_cac }))
}
