//! The contacts whose addresses were suppressed, in the order in which the suppressions were added.

use super::{Caller, Queries};
use domain::contact::document::Document;
use domain::contact::identifier::Identifiers;
use domain::id::ObjectId;
use storage::{AddedSuppressions, Error, Suppression};

/// Suppressions that are read at a time; those of one change are read together.
const PAGE: u32 = 100;

/// A contact that has a suppressed address.
#[derive(Clone, Debug)]
pub struct SuppressedContact {
    /// Its list.
    pub list: ObjectId,
    /// Its id.
    pub contact: ObjectId,
    /// Its identifiers, as they are now.
    pub identifiers: Identifiers<Option<String>>,
    /// The suppression.
    pub suppression: Suppression,
}

impl Queries {
    /// The contacts of the account that have an address that was suppressed behind the change `after`, by the number of
    /// the change, and the number of the last change that was read.
    ///
    /// # Errors
    /// The store fails.
    pub async fn suppressed_contacts(
        &self,
        caller: &Caller,
        after: u64,
    ) -> Result<(Vec<(u64, Vec<SuppressedContact>)>, u64), Error> {
        let (app, account) = (&self.0, caller.scope.account);
        let AddedSuppressions { mut rows, next } =
            app.storage.added_suppressions(account, after, PAGE, app.clock.now()).await?;
        // The address of a person who was erased is not known any more.
        rows.retain(|(_, suppression)| suppression.address.is_some());
        let mut found: Vec<(u64, Vec<SuppressedContact>)> = Vec::new();
        if rows.is_empty() {
            return Ok((found, next));
        }
        let wanted = rows.iter().map(|(_, suppression)| {
            let address = suppression.address.clone().unwrap_or_default();
            vec![(suppression.reason.channel().kind(), address)]
        });
        let wanted: Vec<_> = wanted.collect();
        let mut contacts: Vec<Vec<SuppressedContact>> = rows.iter().map(|_| Vec::new()).collect();
        for (no, list) in app.storage.account_lists(account).await? {
            let of_list = app.storage.find_contacts(account, no, wanted.clone()).await?;
            for ((found, (_, suppression)), contacts) in of_list.into_iter().zip(&rows).zip(&mut contacts) {
                let Some((number, contact)) = found else { continue };
                // A contact that is damaged on disk has no event.
                let read = Document::read(&contact.document).and_then(|document| document.identifiers());
                let Ok(identifiers) = read else { continue };
                contacts.push(SuppressedContact {
                    list,
                    contact: ObjectId::of_contact(list, number.0),
                    identifiers: identifiers.map(|text| text.map(str::to_owned)),
                    suppression: suppression.clone(),
                });
            }
        }
        for ((serial, _), contacts) in rows.iter().zip(contacts) {
            match found.last_mut().filter(|(last, _)| last == serial) {
                Some((_, of_change)) => of_change.extend(contacts),
                None => found.push((*serial, contacts)),
            }
        }
        Ok((found, next))
    }
}
