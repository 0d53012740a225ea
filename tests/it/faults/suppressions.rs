//! Suppressions: reading and changing fail on demand.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::contact::suppression::Reason;
use domain::journal::AccountNo;
use storage::{
    AddError, AddedSuppressions, Address, Error, NewSuppression, Page, Suppression, SuppressionFilter,
    SuppressionPlace, Suppressions, Window,
};

use super::{Faulty, forward};

forward! { Suppressions:
    change fn add_suppressions(account: AccountNo, suppressions: Vec<NewSuppression>, max: u64, now: Timestamp) -> Result<usize, AddError>;
    change fn remove_suppressions(account: AccountNo, address: Address, reason: Option<Reason>, now: Timestamp) -> Result<usize, Error>;
    read fn find_suppressions(account: AccountNo, filter: SuppressionFilter, window: Window, now: Timestamp) -> Result<Page<Suppression>, Error>;
    read fn scan_suppressions(account: AccountNo, filter: SuppressionFilter, after: Option<SuppressionPlace>, limit: u32, now: Timestamp) -> Result<Vec<Suppression>, Error>;
    read fn added_suppressions(account: AccountNo, after: u64, limit: u32, now: Timestamp) -> Result<AddedSuppressions, Error>;
    read fn suppressions_of(account: AccountNo, addresses: Vec<Address>, now: Timestamp) -> Result<Vec<(usize, Suppression)>, Error>;
}
