//! What a store promises about suppressed addresses.

use async_trait::async_trait;

use super::{
    AddError, AddedSuppressions, Address, Error, NewSuppression, Page, Suppression, SuppressionFilter,
    SuppressionPlace, Window,
};
use domain::clock::Timestamp;
use domain::contact::suppression::Reason;
use domain::journal::AccountNo;

/// Addresses of an account that must not be written to, whether or not a contact has them.
///
/// Each is stored under the keyed hash of its form (`contact::email::form`). Erasing a person removes the address and
/// the log from the row and leaves the hash, so that the address is still found. One that has expired counts as absent
/// from that moment on.
#[async_trait]
pub trait Suppressions: Send + Sync + 'static {
    /// Adds suppressions, all or none. An address that is suppressed for the same reason stays as it is, unless that
    /// has expired. Returns how many were added. `max` is how many the account may have.
    async fn add_suppressions(
        &self,
        account: AccountNo,
        suppressions: Vec<NewSuppression>,
        max: u64,
        now: Timestamp,
    ) -> Result<usize, AddError>;

    /// Removes the suppressions of an address, all or those for one reason. Returns how many there were.
    async fn remove_suppressions(
        &self,
        account: AccountNo,
        address: Address,
        reason: Option<Reason>,
        now: Timestamp,
    ) -> Result<usize, Error>;

    /// The account's suppressions that fit: the newest first.
    async fn find_suppressions(
        &self,
        account: AccountNo,
        filter: SuppressionFilter,
        window: Window,
        now: Timestamp,
    ) -> Result<Page<Suppression>, Error>;

    /// The account's suppressions that fit and stand behind a place: the oldest first. It costs the same wherever it
    /// begins.
    async fn scan_suppressions(
        &self,
        account: AccountNo,
        filter: SuppressionFilter,
        after: Option<SuppressionPlace>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Suppression>, Error>;

    /// The account's suppressions that were added behind the change `after`: by changes, whole ones, so many suppressions
    /// or more. Those that have expired, were removed or were added again later are left out. Behind the last change, and
    /// where the store was restored from before it, `next` is the last change.
    async fn added_suppressions(
        &self,
        account: AccountNo,
        after: u64,
        limit: u32,
        now: Timestamp,
    ) -> Result<AddedSuppressions, Error>;

    /// The suppressions of addresses, each with the place of its address in the question; those of one address by
    /// reason.
    async fn suppressions_of(
        &self,
        account: AccountNo,
        addresses: Vec<Address>,
        now: Timestamp,
    ) -> Result<Vec<(usize, Suppression)>, Error>;
}
