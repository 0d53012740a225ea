//! Whether a contact is wanted.

use crate::clock::Timestamp;
use crate::contact::document::Document;
use crate::contact::field::Field;
use crate::contact::record::Malformed;

/// Which contacts are wanted: those that all of these fit.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub(super) flags: Vec<(Field, bool)>,
    /// A source's number; `Some(None)` is one that is not there.
    pub(super) source: Option<Option<u64>>,
    pub(super) updated_since: Option<Timestamp>,
    /// In lower case.
    pub(super) name_prefix: Option<String>,
}

impl Filter {
    /// Whether everybody fits.
    pub fn takes_all(&self) -> bool {
        let Self { flags, source, updated_since, name_prefix } = self;
        flags.is_empty() && source.is_none() && updated_since.is_none() && name_prefix.is_none()
    }

    /// Whether the contact is wanted.
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
}
