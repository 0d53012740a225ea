//! Lists, their variables, and sources.

use async_trait::async_trait;

use super::{
    AddError, CatalogueChanges, Error, List, ListChange, ListFilter, ListOwner, NewList, NewSource, OptOut,
    Page, Renamed, Source, SourceChange, SourceFilter, SourceRef, VariableKind, Window,
};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};

/// Lists, their variables, and sources of contacts.
#[async_trait]
pub trait Catalogue: Send + Sync + 'static {
    /// The number of changes of what follows, by any process, and which accounts they concern of those after `since`.
    async fn catalogue_changes(&self, since: u64) -> Result<CatalogueChanges, Error>;

    /// The list with that id.
    async fn find_list(&self, id: ObjectId) -> Result<Option<List>, Error>;

    /// The list with that number and its account; `None` if one of both is gone.
    async fn list_owner(&self, list: ListNo) -> Result<Option<ListOwner>, Error>;

    /// The account's lists that fit, the oldest first.
    async fn find_lists(
        &self,
        account: AccountNo,
        filter: ListFilter,
        window: Window,
    ) -> Result<Page<List>, Error>;

    /// The account's sources that fit, the oldest first.
    async fn find_sources(
        &self,
        account: AccountNo,
        filter: SourceFilter,
        window: Window,
    ) -> Result<Page<Source>, Error>;

    /// The account's source with that name.
    async fn find_source(&self, account: AccountNo, source: SourceRef) -> Result<Option<Source>, Error>;

    /// What the account says about flags that were set to false, where its lists say nothing; `None` where it is gone.
    async fn opt_out(&self, id: ObjectId) -> Result<Option<OptOut>, Error>;

    /// Changes that; whether the account is there.
    async fn set_opt_out(&self, id: ObjectId, opt_out: OptOut) -> Result<bool, Error>;

    /// Makes a list; an account's first is its default.
    async fn add_list(
        &self,
        account: AccountNo,
        id: ObjectId,
        list: NewList,
        now: Timestamp,
    ) -> Result<(), AddError>;

    /// Changes a list; whether it is there.
    async fn update_list(&self, list: ListNo, change: ListChange, now: Timestamp) -> Result<bool, Error>;

    /// Removes a list that has that name, at once; whether there was one. Its contacts follow as pruning gets to
    /// them, and batches that wait for it end in `LIST_NOT_FOUND`. Where it was the default, the account's oldest
    /// list is next.
    async fn remove_list(&self, list: ListNo, name: String) -> Result<bool, Error>;

    /// Adds variables to a list, all or none; `max` is how many it may have then.
    async fn add_variables(
        &self,
        list: ListNo,
        variables: Vec<(String, VariableKind)>,
        max: usize,
        now: Timestamp,
    ) -> Result<(), AddError>;

    /// Removes variables of a list, all or none, and returns the names that it does not have. Their numbers are
    /// never given again; their values are forgotten as pruning gets to them.
    async fn remove_variables(
        &self,
        list: ListNo,
        names: Vec<String>,
        now: Timestamp,
    ) -> Result<Vec<String>, Error>;

    /// Gives a variable another name; its values stay.
    async fn rename_variable(
        &self,
        list: ListNo,
        name: String,
        new_name: String,
        now: Timestamp,
    ) -> Result<Renamed, Error>;

    /// Makes a source.
    async fn add_source(
        &self,
        account: AccountNo,
        id: ObjectId,
        source: NewSource,
        now: Timestamp,
    ) -> Result<(), AddError>;

    /// Changes the account's source with that number.
    async fn update_source(
        &self,
        account: AccountNo,
        no: u64,
        change: SourceChange,
        now: Timestamp,
    ) -> Result<(), AddError>;

    /// Removes the account's sources with these names at once, and returns how many there were. Contacts from them
    /// keep what they cost; batches that wait and name one end in `SOURCE_NOT_FOUND`.
    async fn remove_sources(&self, account: AccountNo, sources: Vec<SourceRef>) -> Result<usize, Error>;
}
