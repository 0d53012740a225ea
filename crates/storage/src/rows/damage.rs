//! Contacts that the disk has damaged, as far as somebody has come upon them since the store was opened.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::ContactId;
use domain::contact::sealed;

/// Contacts that are remembered: whoever asks wants to know whether there are any, and which are the first.
const REMEMBERED: usize = 1_000;

/// See the module.
#[derive(Debug, Default)]
pub struct Damage(Mutex<BTreeSet<ContactId>>);

impl Damage {
    /// The document of a contact that was read, see [`sealed::open`]; one that is damaged is remembered.
    pub fn open<'s>(&self, contact: ContactId, stored: &'s [u8]) -> &'s [u8] {
        self.noted(contact, sealed::open(stored))
    }

    /// The same of the first bytes of a contact.
    pub fn open_head<'s>(&self, contact: ContactId, stored: &'s [u8]) -> &'s [u8] {
        self.noted(contact, sealed::open_head(stored))
    }

    /// The same of all of it, in place.
    pub fn open_owned(&self, contact: ContactId, mut stored: Vec<u8>) -> Vec<u8> {
        let length = self.open(contact, &stored).len();
        stored.drain(..stored.len() - length);
        stored
    }

    fn noted<'s>(&self, contact: ContactId, document: &'s [u8]) -> &'s [u8] {
        if document.is_empty() {
            let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if found.len() < REMEMBERED && found.insert(contact) {
                tracing::error!(
                    list = contact.0.0,
                    number = contact.1.0,
                    "store: contact is damaged on disk"
                );
            }
        }
        document
    }

    /// Those that were found.
    pub fn found(&self) -> Vec<ContactId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}
