//! A filter at a time, asked of contacts. What their bytes do not decide, the store's suppressions do.

use std::sync::Arc;

use super::searched;
use super::suppressed::suppressions;
use domain::clock::Timestamp;
use domain::contact::document::Document;
use domain::contact::record::Malformed;
use domain::filter::{Fit, Matcher};
use domain::journal::{AccountNo, ContactNo};
use domain::search::Query;
use storage::{Contact, Error, Suppressions};

/// A filter, ready to be asked. The default matches every contact.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// What is asked of the bytes of contacts.
    pub matcher: Arc<Matcher>,
    /// When suppressions count.
    pub at: Timestamp,
    /// What is searched for.
    pub search: Option<Query>,
}

impl Filter {
    /// Whether every contact matches.
    pub fn takes_all(&self) -> bool {
        self.matcher.takes_all() && self.search.is_none()
    }

    /// For each contact whether it matches; [`Malformed`] for one that does not read. The store is asked once for the
    /// suppressions of all of them, if they decide at all.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn fit(
        &self,
        storage: &dyn Suppressions,
        account: AccountNo,
        contacts: &[(ContactNo, Contact)],
    ) -> Result<Vec<Result<bool, Malformed>>, Error> {
        let mut open = Vec::new();
        let mut fits = Vec::with_capacity(contacts.len());
        for (index, (_, contact)) in contacts.iter().enumerate() {
            let fit = Document::read(&contact.document).and_then(|document| self.fit_document(&document));
            fits.push(match fit {
                Ok(Fit::Sure(fits)) => Ok(fits),
                Ok(Fit::IfSuppressed(wanted)) => {
                    open.push((index, wanted));
                    Ok(false)
                }
                Err(malformed) => Err(malformed),
            });
        }
        let asked = open.iter().map(|(index, _)| &contacts[*index].1);
        let found = suppressions(storage, account, asked, self.at).await?;
        for ((index, wanted), found) in open.into_iter().zip(found) {
            fits[index] = Ok(found.is_empty() != wanted);
        }
        Ok(fits)
    }

    fn fit_document(&self, document: &Document<'_>) -> Result<Fit, Malformed> {
        match &self.search {
            Some(query) if searched::tier(query, document)?.is_none() => Ok(Fit::Sure(false)),
            _ => self.matcher.fit(document),
        }
    }
}
