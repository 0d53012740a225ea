//! Suppressions: reading and changing fail on demand.

use async_trait::async_trait;
use rollbook::clock::Timestamp;
use rollbook::contact::suppression::Reason;
use rollbook::journal::AccountNo;
use rollbook::storage::{
    AddError, Address, Error, NewSuppression, Page, Suppression, SuppressionFilter, SuppressionPlace,
    Suppressions, Window,
};

use super::Faulty;

#[async_trait]
impl Suppressions for Faulty {
    async fn add_suppressions(
        &self,
        account: AccountNo,
        suppressions: Vec<NewSuppression>,
        max: u64,
        now: Timestamp,
    ) -> Result<usize, AddError> {
        self.change()?;
        self.store.add_suppressions(account, suppressions, max, now).await
    }

    async fn remove_suppressions(
        &self,
        account: AccountNo,
        address: Address,
        reason: Option<Reason>,
        now: Timestamp,
    ) -> Result<usize, Error> {
        self.change()?;
        self.store.remove_suppressions(account, address, reason, now).await
    }

    async fn find_suppressions(
        &self,
        account: AccountNo,
        filter: SuppressionFilter,
        window: Window,
        now: Timestamp,
    ) -> Result<Page<Suppression>, Error> {
        self.read()?;
        self.store.find_suppressions(account, filter, window, now).await
    }

    async fn scan_suppressions(
        &self,
        account: AccountNo,
        filter: SuppressionFilter,
        after: Option<SuppressionPlace>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Suppression>, Error> {
        self.read()?;
        self.store.scan_suppressions(account, filter, after, limit, now).await
    }

    async fn suppressions_of(
        &self,
        account: AccountNo,
        addresses: Vec<Address>,
        now: Timestamp,
    ) -> Result<Vec<(usize, Suppression)>, Error> {
        self.read()?;
        self.store.suppressions_of(account, addresses, now).await
    }
}
