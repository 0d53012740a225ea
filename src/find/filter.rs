//! Whether a contact is wanted.

use super::suppressed::suppressions;
use crate::clock::Timestamp;
use crate::contact::document::Document;
use crate::contact::field::Field;
use crate::contact::record::Malformed;
use crate::journal::{AccountNo, ContactNo};
use crate::storage::{Contact, Error, Suppressions};

/// Which contacts are wanted: those that all of these fit.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub(super) flags: Vec<(Field, bool)>,
    /// A source's number; `Some(None)` is one that is not there.
    pub(super) source: Option<Option<u64>>,
    pub(super) updated_since: Option<Timestamp>,
    /// In lower case.
    pub(super) name_prefix: Option<String>,
    pub(super) suppressed: Option<SuppressedFilter>,
}

/// Whether an address of the contact is suppressed at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct SuppressedFilter {
    pub wanted: bool,
    pub at: Timestamp,
}

impl Filter {
    /// Whether everybody fits.
    pub fn takes_all(&self) -> bool {
        let Self { flags, source, updated_since, name_prefix, suppressed } = self;
        flags.is_empty()
            && source.is_none()
            && updated_since.is_none()
            && name_prefix.is_none()
            && suppressed.is_none()
    }

    /// Whether it is about suppressions.
    pub const fn is_by_suppression(&self) -> bool {
        self.suppressed.is_some()
    }

    /// Whether the contact is wanted, as far as its fields decide; see [`Filter::suppressed_fit`].
    ///
    /// # Errors
    /// [`Malformed`] where it does not read.
    pub fn fits(&self, document: &Document<'_>) -> Result<bool, Malformed> {
        for (field, wanted) in &self.flags {
            // False is kept as absence.
            if document.get(field.key())?.is_some() != *wanted {
                return Ok(false);
            }
        }
        if self.updated_since.is_some_and(|since| document.header.updated_at < since) {
            return Ok(false);
        }
        if let Some(source) = self.source {
            let borne = document.get(Field::Source.key())?.and_then(|bytes| bytes.try_into().ok());
            if source.is_none() || borne.map(u64::from_le_bytes) != source {
                return Ok(false);
            }
        }
        let Some(prefix) = &self.name_prefix else { return Ok(true) };
        Ok(document.text(Field::Name)?.is_some_and(|name| name.to_lowercase().starts_with(prefix)))
    }

    /// For each of these contacts whether it fits by its suppressions. One question to the store for all of them.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn suppressed_fit(
        &self,
        storage: &dyn Suppressions,
        account: AccountNo,
        contacts: &[(ContactNo, Contact)],
    ) -> Result<Vec<bool>, Error> {
        let Some(SuppressedFilter { wanted, at }) = self.suppressed else {
            return Ok(vec![true; contacts.len()]);
        };
        let contacts = contacts.iter().map(|(_, contact)| contact);
        let found = suppressions(storage, account, contacts, at).await?;
        Ok(found.iter().map(|of_contact| of_contact.is_empty() != wanted).collect())
    }
}
