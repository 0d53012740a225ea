//! The consent ledger.

use super::{Caller, Operation, Queries, Reach, Result};
use domain::contact::identifier::IdentifierKind;
use domain::journal::ListNo;
use storage::{Consents, Error};

/// Reads the consent ledger of a contact.
pub static FIND: Operation = Operation::read("/v3/consent/find", Reach::List);

impl Queries {
    /// The consent ledger of the contact of a list that has one of the identifiers; `None` where there is none. The
    /// list is one that the caller sees.
    ///
    /// # Errors
    /// The store fails.
    pub async fn consents(
        &self,
        _: &Caller,
        list: ListNo,
        identifiers: Vec<(IdentifierKind, String)>,
    ) -> Result<Option<Consents>, Error> {
        self.0.storage.find_consents(list, identifiers).await
    }
}
