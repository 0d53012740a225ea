//! What the link of a contact does that is gone: it acts on the contacts that took its place.

use super::link::Link;
use super::{Proof, caller};
use crate::suppressions::{RawLog, Suppress, ValidAddress};
use crate::{Commands, Result};
use domain::contact::field::Field;
use domain::contact::identifier::IdentifierKind;
use domain::contact::suppression::{Channel, Reason};
use domain::journal::ContactNo;
use storage::ListOwner;

impl Commands {
    /// The successors of a contact that is gone: the one that it was merged into, and the one that has its address now.
    /// If no contact has that, it is suppressed: so the opt-out holds also when the contact comes back.
    ///
    /// Nothing is known of an erased contact. The last address is known as long as the history of the removal is stored.
    pub(super) async fn leave(&self, owner: &ListOwner, link: Link, proof: Proof) -> Result<Vec<ContactNo>> {
        let storage = &*self.0.storage;
        let Some(removal) = storage.find_removal(link.list, link.contact).await? else {
            return Ok(Vec::new());
        };
        let mut successors: Vec<_> = removal.merged_into.into_iter().collect();
        let kind = identifier_of(link.channel);
        let Some(text) = removal.identifiers.get(kind).clone() else { return Ok(successors) };
        match storage.find_contact(owner.account, link.list, vec![(kind, text.clone())]).await? {
            Some((number, _)) => successors.push(number),
            None => self.suppress_last(owner, link.channel, &text, proof).await?,
        }
        Ok(successors)
    }

    /// Suppresses the last address of a contact that is gone; a channel without an address has no suppression.
    async fn suppress_last(&self, owner: &ListOwner, channel: Field, text: &str, proof: Proof) -> Result<()> {
        let (channel, reason) = match channel {
            Field::EmailSubscribe => (Channel::Email, Reason::ListUnsubscribe),
            Field::SmsSubscribe => (Channel::Phone, Reason::Unsubscribe),
            _ => return Ok(()),
        };
        // An identifier of an earlier version may be no address that can be suppressed.
        let Ok(address) = ValidAddress::parse(channel, text) else { return Ok(()) };
        let suppress = Suppress::new(address, reason, RawLog::parse(proof.token()).ok());
        self.suppress(&caller(owner, proof), channel, vec![suppress]).await.map(drop)
    }
}

/// The identifier that a channel writes to.
const fn identifier_of(channel: Field) -> IdentifierKind {
    match channel {
        Field::EmailSubscribe => IdentifierKind::Email,
        Field::SmsSubscribe | Field::ViberSubscribe => IdentifierKind::PhoneNumber,
        _ => IdentifierKind::UserId,
    }
}
