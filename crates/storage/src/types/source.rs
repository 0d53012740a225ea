//! Sources of contacts.

use domain::clock::Timestamp;
use domain::contact::amount::Cac;
use domain::id::ObjectId;

/// A source of contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its number.
    pub no: u64,
    /// Its public id.
    pub id: ObjectId,
    /// Its name.
    pub name: String,
    /// The caller's own id of it.
    pub customer_source_id: Option<String>,
    /// What a contact from it costs.
    pub cac: Option<Cac>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Source {
    /// As it is after a change.
    pub fn changed(&self, change: &SourceChange) -> Self {
        let customer_source_id = change.customer_source_id.clone();
        Self {
            name: change.name.clone().unwrap_or_else(|| self.name.clone()),
            customer_source_id: customer_source_id.unwrap_or_else(|| self.customer_source_id.clone()),
            cac: change.cac.unwrap_or(self.cac),
            ..self.clone()
        }
    }
}

/// How a source is named.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SourceRef {
    /// By its public id.
    Id(ObjectId),
    /// By the caller's own id.
    Customer(String),
    /// By its name.
    Name(String),
}

/// Which sources are wanted: those that all of these fit.
#[derive(Clone, Debug, Default)]
pub struct SourceFilter {
    /// That with exactly this name.
    pub name: Option<String>,
    /// That with this id of the caller's own.
    pub customer_source_id: Option<String>,
}

/// What is to become of a source; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct SourceChange {
    /// Its name.
    pub name: Option<String>,
    /// The caller's own id of it.
    pub customer_source_id: Option<Option<String>>,
    /// What a contact from it costs.
    pub cac: Option<Option<Cac>>,
}

/// A source that is to be made.
#[derive(Clone, Debug)]
pub struct NewSource {
    /// Its name, unique in the account.
    pub name: String,
    /// The caller's own id of it, unique in the account.
    pub customer_source_id: Option<String>,
    /// What a contact from it costs.
    pub cac: Option<Cac>,
}
