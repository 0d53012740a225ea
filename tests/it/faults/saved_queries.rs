//! Saved filters: reading and changing fail on demand, as all else does.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use storage::{AddError, Error, SavedChange, SavedKind, SavedQueries, SavedQuery};

use super::{Faulty, forward};

forward! { SavedQueries:
    read fn saved_queries(list: ListNo, kind: SavedKind) -> Result<Vec<SavedQuery>, Error>;
    read fn all_saved_queries(account: AccountNo) -> Result<Vec<(ObjectId, SavedQuery)>, Error>;
    change fn add_saved_query(list: ListNo, query: SavedQuery, max: usize) -> Result<(), AddError>;
    change fn update_saved_query(list: ListNo, kind: SavedKind, id: ObjectId, change: SavedChange, now: Timestamp) -> Result<(), AddError>;
    change fn remove_saved_query(list: ListNo, kind: SavedKind, id: ObjectId) -> Result<bool, Error>;
}
