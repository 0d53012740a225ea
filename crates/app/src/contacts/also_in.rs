//! In which other lists a person is, by the identifiers of a contact.

use std::sync::Arc;

use crate::{Caller, Queries};
use domain::contact::identifier::{IdentifierKind, Identifiers};
use domain::journal::ContactNo;
use storage::{Error, List};

/// Lists that are looked at: one look-up each.
const MAX_LISTS: usize = 200;

impl Queries {
    /// The contacts of other lists that share an identifier with a contact of this list, and whether all lists that the
    /// caller may see were looked at.
    ///
    /// # Errors
    /// The store fails.
    pub async fn also_in(
        &self,
        caller: &Caller,
        list: &List,
        identifiers: &Identifiers<Option<&str>>,
    ) -> Result<(Vec<(Arc<List>, ContactNo)>, bool), Error> {
        let app = &self.0;
        let wanted: Vec<_> = IdentifierKind::ALL
            .into_iter()
            .filter_map(|kind| Some(vec![(kind, (*identifiers.get(kind))?.to_owned())]))
            .collect();
        let mut others = app.storage.account_lists(caller.scope.account).await?;
        others.retain(|(no, id)| {
            *no != list.no && caller.scope.lists.as_ref().is_none_or(|seen| seen.contains(id))
        });
        let all = others.len() <= MAX_LISTS;
        let mut found = Vec::new();
        for (no, id) in others.into_iter().take(MAX_LISTS) {
            let contacts = app.storage.find_contacts(caller.scope.account, no, wanted.clone()).await?;
            let mut numbers: Vec<_> = contacts.into_iter().flatten().map(|(number, _)| number).collect();
            numbers.sort_unstable();
            numbers.dedup();
            if numbers.is_empty() {
                continue;
            }
            // A list that was removed in between is left out.
            if let Some(other) = app.catalogue.list(&caller.scope, &id.to_string()).await? {
                found.extend(numbers.into_iter().map(|number| (Arc::clone(&other), number)));
            }
        }
        Ok((found, all))
    }
}
