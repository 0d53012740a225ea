//! Lists.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Caller, Commands, Operation, Queries, Reach, Refusal, Result};
use domain::contact::field::fits;
use domain::id::ObjectId;
use domain::journal::ListNo;
use domain::problem::{self, Problem};
use storage::{List, ListChange, ListFilter, NewList, OptOut, Page, Window};

/// Makes a list.
pub static CREATE: Operation = Operation::write("/v3/contact-list/create", Reach::Account);
/// Changes the name or the rules of a list.
pub static UPDATE: Operation = Operation::write("/v3/contact-list/update", Reach::List);
/// Removes a list.
pub static REMOVE: Operation = Operation::write("/v3/contact-list/remove", Reach::List);
/// Reads a list.
pub static GET: Operation = Operation::read("/v3/contact-list/get", Reach::List);
/// Finds lists.
pub static FIND: Operation = Operation::read("/v3/contact-list/find", Reach::Seen);

/// The longest name of a list, in Unicode scalar values.
pub const MAX_NAME: usize = 150;

/// The name of a list: not blank, at most [`MAX_NAME`] characters.
#[derive(Clone, Debug)]
pub struct ListName(String);

impl ListName {
    /// Checks a name; `None` is a value that is not a text.
    ///
    /// # Errors
    /// It is no name.
    pub fn parse(name: Option<&str>) -> Result<Self, Problem> {
        let text =
            "Argument contactListName must be a non-empty string with max length within 150 characters";
        name.filter(|name| !name.trim().is_empty() && fits(name, MAX_NAME) && !name.contains('\0'))
            .map(|name| Self(name.to_owned()))
            .ok_or_else(|| Problem::new("INVALID_NAME", text).of("contactListName"))
    }
}

/// What a list is to do about flags that were set to false; `None` leaves it to the account.
///
/// # Errors
/// The word is none of the three.
pub fn read_opt_out(word: Option<&str>) -> Result<Option<OptOut>, Problem> {
    match word {
        Some("account") => Ok(None),
        word => match word.and_then(OptOut::named) {
            Some(opt_out) => Ok(Some(opt_out)),
            None => Err(problem::opt_out("allow, keep or account")),
        },
    }
}

/// What is changed of a list; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct ListUpdate {
    /// Its name.
    pub name: Option<ListName>,
    /// What it does about flags that were set to false, see [`read_opt_out`].
    pub opt_out: Option<Option<OptOut>>,
}

/// Which lists are wanted: those that fit all of these.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// The list with this id.
    pub id: Option<ObjectId>,
    /// Lists with exactly this name.
    pub name: Option<String>,
    /// Only the account's default list.
    pub default: bool,
}

impl Commands {
    /// Makes a list without contacts and variables. Two lists may have one name.
    ///
    /// # Errors
    /// The caller may not, or the store fails.
    pub async fn create_list(
        &self,
        caller: &Caller,
        name: ListName,
        opt_out: Option<OptOut>,
    ) -> Result<ObjectId> {
        let app = &self.0;
        let work = async {
            let (account, now) = (caller.scope.account, app.clock.now());
            let id = app.ids.next(now);
            app.storage.add_list(account, id, NewList { name: name.0, opt_out }, now).await?;
            app.catalogue.account_changed(account);
            Ok(id)
        };
        app.run(&CREATE, caller, work).await
    }

    /// Changes the name or the rules of a list.
    ///
    /// # Errors
    /// The caller may not, the list was removed, or the store fails.
    pub async fn update_list(&self, caller: &Caller, list: &List, change: ListUpdate) -> Result<()> {
        let app = &self.0;
        let work = async {
            let change = ListChange { name: change.name.map(|name| name.0), opt_out: change.opt_out };
            let changed = app.storage.update_list(list.no, change, app.clock.now()).await;
            let changed = changed.map_err(Refusal::NotSaved)?;
            app.catalogue.account_changed(caller.scope.account);
            if changed { Ok(()) } else { Err(problem::list_not_found(&list.id.to_string()).into()) }
        };
        app.run(&UPDATE, caller, work).await
    }

    /// Removes a list with its contacts; `confirm` is its present name.
    ///
    /// # Errors
    /// The caller may not, the list has another name or was removed, or the store fails.
    pub async fn remove_list(&self, caller: &Caller, list: &List, confirm: String) -> Result<()> {
        let app = &self.0;
        let work = async {
            if confirm.contains('\0') {
                // No name has it, and a store may not take it as a text.
                return Err(not_confirmed().into());
            }
            // The store compares: a list that was renamed a moment ago is not removed by its old name.
            let removed = app.storage.remove_list(list.no, confirm).await.map_err(Refusal::NotSaved)?;
            app.catalogue.account_changed(caller.scope.account);
            if removed {
                return Ok(());
            }
            let id = list.id.to_string();
            let is_there = app.catalogue.list(&caller.scope, &id).await?.is_some();
            Err(if is_there { not_confirmed() } else { problem::list_not_found(&id) }.into())
        };
        app.run(&REMOVE, caller, work).await
    }
}

/// What was typed to confirm a removal is not the list's name.
pub fn not_confirmed() -> Problem {
    let text = "Argument confirm must be the name of the contact list";
    Problem::new("INVALID_CONFIRM", text).of("confirm")
}

impl Queries {
    /// The list with that id, if the caller may see it.
    ///
    /// # Errors
    /// The store fails.
    pub async fn list(&self, caller: &Caller, id: &str) -> Result<Option<Arc<List>>, storage::Error> {
        self.0.catalogue.list(&caller.scope, id).await
    }

    /// The account's default list, if the caller may see one.
    ///
    /// # Errors
    /// The store fails.
    pub async fn default_list(&self, caller: &Caller) -> Result<Option<List>, storage::Error> {
        let query = ListQuery { default: true, ..ListQuery::default() };
        let found = self.lists(caller, query, Window { offset: 0, limit: 1 }).await?;
        Ok(found.rows.into_iter().next())
    }

    /// The lists that the caller may see, the oldest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn lists(
        &self,
        caller: &Caller,
        query: ListQuery,
        window: Window,
    ) -> Result<Page<List>, storage::Error> {
        let ListQuery { id, name, default } = query;
        let filter = ListFilter { id, name, default, only: caller.scope.lists.clone() };
        self.0.storage.find_lists(caller.scope.account, filter, window).await
    }

    /// How many contacts lists have.
    ///
    /// # Errors
    /// The store fails.
    pub async fn list_sizes(&self, lists: &[List]) -> Result<HashMap<ListNo, u64>, storage::Error> {
        self.0.storage.count_contacts(lists.iter().map(|list| list.no).collect()).await
    }
}
