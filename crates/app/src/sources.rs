//! Sources of contacts.

use std::sync::Arc;

use super::{Caller, Commands, Operation, Queries, Reach, Refusal, Result};
use domain::contact::amount::Cac;
use domain::contact::field::{fits, is_customer_source_id};
use domain::id::ObjectId;
use domain::problem::Problem;
use storage::{AddError, Error, Page, Source, SourceFilter, SourceRef, Window};

/// Registers a source.
pub static ADD: Operation = Operation::write("/v3/contact-source/add", Reach::Account);
/// Changes a source.
pub static UPDATE: Operation = Operation::write("/v3/contact-source/update", Reach::Account);
/// Removes sources.
pub static REMOVE: Operation = Operation::write("/v3/contact-source/remove", Reach::Account);
/// Reads a source.
pub static GET: Operation = Operation::read("/v3/contact-source/get", Reach::Seen);
/// Finds sources.
pub static FIND: Operation = Operation::read("/v3/contact-source/find", Reach::Seen);

/// The longest name of a source, in Unicode scalar values.
pub const MAX_NAME: usize = 150;

/// The name of a source: not blank, at most [`MAX_NAME`] characters.
#[derive(Clone, Debug)]
pub struct SourceName(String);

impl SourceName {
    /// Checks a name; `None` is a value that is not a text.
    ///
    /// # Errors
    /// It is no name.
    pub fn parse(name: Option<&str>) -> Result<Self, Problem> {
        name.filter(|name| !name.trim().is_empty() && fits(name, MAX_NAME) && !name.contains('\0'))
            .map(|name| Self(name.to_owned()))
            .ok_or_else(wrong_name)
    }
}

/// The name of a source is none.
pub fn wrong_name() -> Problem {
    let text = "Argument 'name' must be a non-empty string with max length 150 chars";
    Problem::new("INVALID_NAME", text).of("name")
}

/// The caller's own id of a source, or that it has none.
#[derive(Clone, Debug, Default)]
pub struct CustomerId(Option<String>);

impl CustomerId {
    /// Checks an id; a blank one is none, and `None` is a value that is not a text.
    ///
    /// # Errors
    /// It is no id.
    pub fn parse(id: Option<&str>) -> Result<Self, Problem> {
        match id.map(str::trim) {
            Some("") => Ok(Self(None)),
            Some(id) if is_customer_source_id(id) => Ok(Self(Some(id.to_owned()))),
            _ => Err(wrong_customer_id()),
        }
    }
}

/// The caller's own id of a source is none.
pub fn wrong_customer_id() -> Problem {
    let text = "Argument 'customerSourceId' must be an alphanumeric string with max length 40 chars";
    Problem::new("INVALID_CUSTOMER_SOURCE_ID", text).of("customerSourceId")
}

/// A source to register.
#[derive(Clone, Debug)]
pub struct NewSource {
    /// Its name.
    pub name: SourceName,
    /// The caller's own id.
    pub customer_id: CustomerId,
    /// The cost of a contact from it.
    pub cac: Option<Cac>,
}

/// What is changed of a source.
#[derive(Clone, Debug, Default)]
pub struct SourceChange {
    /// Its name.
    pub name: Option<SourceName>,
    /// The caller's own id.
    pub customer_id: Option<CustomerId>,
    /// The cost of a contact from it; the inner `None` clears it.
    pub cac: Option<Option<Cac>>,
}

impl Commands {
    /// Registers a source.
    ///
    /// # Errors
    /// The caller may not, the account has a source of that name or id, or the store fails.
    pub async fn add_source(&self, caller: &Caller, source: NewSource) -> Result<ObjectId> {
        let app = &self.0;
        let work = async {
            let (account, now) = (caller.scope.account, app.clock.now());
            let id = app.ids.next(now);
            let NewSource { name: SourceName(name), customer_id: CustomerId(customer_source_id), cac } =
                source;
            let source = storage::NewSource { name, customer_source_id, cac };
            app.storage.add_source(account, id, source, now).await.map_err(|error| match error {
                AddError::Exists(_) => exists().into(),
                other => Refusal::from(other),
            })?;
            app.catalogue.account_changed(account);
            Ok(id)
        };
        app.run(&ADD, caller, work).await
    }

    /// Changes a source.
    ///
    /// # Errors
    /// The caller may not, the source was removed, another has that name or id, or the store fails.
    pub async fn change_source(&self, caller: &Caller, source: &Source, change: SourceChange) -> Result<()> {
        let app = &self.0;
        let work = async {
            let (account, now) = (caller.scope.account, app.clock.now());
            let change = storage::SourceChange {
                name: change.name.map(|name| name.0),
                customer_source_id: change.customer_id.map(|id| id.0),
                cac: change.cac,
            };
            let changed = app.storage.update_source(account, source.no, change, now).await;
            changed.map_err(|error| match error {
                AddError::Exists(_) => exists().into(),
                // Another request has removed it.
                AddError::Gone => not_found("source", &source.id.to_string()).into(),
                other => Refusal::from(other),
            })?;
            app.catalogue.account_changed(account);
            Ok(())
        };
        app.run(&UPDATE, caller, work).await
    }

    /// Removes sources and returns how many; those that are not there are passed over.
    ///
    /// # Errors
    /// The caller may not, none of them is there, or the store fails.
    pub async fn remove_sources(&self, caller: &Caller, sources: Vec<SourceRef>) -> Result<usize> {
        let app = &self.0;
        let work = async {
            let account = caller.scope.account;
            let removed = app.storage.remove_sources(account, sources).await.map_err(Refusal::NotSaved)?;
            app.catalogue.account_changed(account);
            if removed > 0 {
                return Ok(removed);
            }
            Err(Problem::new("SOURCE_NOT_FOUND", "No records found by this identifiers").into())
        };
        app.run(&REMOVE, caller, work).await
    }
}

fn exists() -> Problem {
    Problem::new("SOURCE_EXISTS", "Contact source with this parameters is already registered")
}

/// The account has no source that `key` names so.
pub fn not_found(key: &'static str, source: &str) -> Problem {
    let text = format!("Contact source {source} not found in your account");
    Problem::new("SOURCE_NOT_FOUND", text).of(key)
}

impl Queries {
    /// The account's source of that name.
    ///
    /// # Errors
    /// The store fails.
    pub async fn source(&self, caller: &Caller, source: SourceRef) -> Result<Option<Arc<Source>>, Error> {
        self.0.catalogue.source(caller.scope.account, source).await
    }

    /// The source with that id, or else with that id of the caller's own: that may look like one of ours.
    ///
    /// # Errors
    /// The store fails.
    pub async fn source_by_any(&self, caller: &Caller, text: &str) -> Result<Option<Arc<Source>>, Error> {
        if let Some(id) = ObjectId::parse(text)
            && let Some(source) = self.source(caller, SourceRef::Id(id)).await?
        {
            return Ok(Some(source));
        }
        self.source(caller, SourceRef::Customer(text.to_owned())).await
    }

    /// The account's sources, the oldest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn sources(
        &self,
        caller: &Caller,
        filter: SourceFilter,
        window: Window,
    ) -> Result<Page<Source>, Error> {
        self.0.storage.find_sources(caller.scope.account, filter, window).await
    }
}
