//! Reading changes fails on demand, as all else does.

use async_trait::async_trait;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use storage::{ChangePage, ChangeQuery, ChangeReader, ChangesError, Error};

use super::{Faulty, forward};

forward! { ChangeReader:
    read fn read_changes(query: ChangeQuery) -> Result<ChangePage, ChangesError>;
    read fn account_lists(account: AccountNo) -> Result<Vec<(ListNo, ObjectId)>, Error>;
    read fn last_changes(lists: Vec<ListNo>) -> Result<Vec<u64>, Error>;
}
