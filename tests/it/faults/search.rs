//! The search index: reading and changing fail on demand, as all else does.

use async_trait::async_trait;
use domain::journal::{AccountNo, ContactNo, ListNo};
use storage::{Error, Lookup, SearchIndex, SearchState, SearchWrite};

use super::{Faulty, forward};

forward! { SearchIndex:
    change fn claim_search() -> Result<bool, Error>;
    read fn all_lists() -> Result<Vec<(AccountNo, ListNo)>, Error>;
    read fn search_states() -> Result<Vec<(ListNo, SearchState)>, Error>;
    read fn search_state(list: ListNo) -> Result<Option<SearchState>, Error>;
    change fn write_search(write: SearchWrite) -> Result<bool, Error>;
    change fn forget_search(list: ListNo) -> Result<bool, Error>;
    change fn tidy_search() -> Result<bool, Error>;
    change fn reset_search() -> Result<(), Error>;
    read fn search(list: ListNo, lookup: Lookup, after: ContactNo, limit: u32) -> Result<Vec<ContactNo>, Error>;
}
