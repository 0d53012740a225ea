//! `/lists/{id}/contacts/{contactId}`: one contact.

mod consent;
mod edit;
pub mod form;
pub mod history;
mod posted;
mod remove;
mod step;
mod words;

use std::sync::Arc;

use axum::extract::Path;

pub use self::edit::{add, ask_new, save, show_contact};
pub use self::remove::{ask_erasure, ask_removal, erase, export, remove};
pub use self::step::step;
use super::{PageError, Result, User};
use app::requests::Waited;
use domain::apply::outcome::{Failure, NoteCode};
use domain::contact::document::Document;
use domain::contact::identifier::IdentifierKind;
use domain::id::ObjectId;
use domain::journal::ContactNo;
use storage::{Contact, ItemResult, List};

/// A contact of a list of the user's account, as its address names it.
pub struct Subject {
    /// Its list.
    pub list: Arc<List>,
    /// Its public id.
    pub id: ObjectId,
    /// What is stored of it.
    pub contact: Contact,
    /// What it is called.
    pub called: String,
}

impl Subject {
    /// The contact that an address names.
    ///
    /// # Errors
    /// [`PageError::NotFound`] also where it is another account's, or of another list.
    pub async fn find(user: &User, (list, id): &(String, String)) -> Result<Self> {
        let list = user.list(list).await?;
        let id = ObjectId::parse(id).ok_or(PageError::NotFound)?;
        let number = ContactNo(id.contact_number(list.id).ok_or(PageError::NotFound)?);
        let contact = user.app.queries.contact_by_number(&user.caller(), &list, number).await?;
        let contact = contact.ok_or(PageError::NotFound)?;
        let document = Document::read(&contact.document);
        let called = document.and_then(|document| super::contacts::called(&document));
        let called = called.map_err(super::contacts::damaged)?.unwrap_or_else(|| id.to_string());
        Ok(Self { list, id, contact, called })
    }

    /// Its number in its list.
    pub fn number(&self) -> ContactNo {
        self.id.contact_number(self.list.id).map_or(ContactNo(0), ContactNo)
    }

    /// Its address.
    pub fn path(&self) -> String {
        format!("/lists/{}/contacts/{}", self.list.id, self.id)
    }

    /// The identifier by which the API is told whom it is about: no other contact of the list bears it.
    pub fn identifier(&self) -> Result<(IdentifierKind, String)> {
        let document = Document::read(&self.contact.document).map_err(super::contacts::damaged)?;
        let borne = document.identifiers().map_err(super::contacts::damaged)?;
        let mut named = IdentifierKind::ALL
            .into_iter()
            .filter_map(|kind| borne.get(kind).map(|text| (kind, text.to_owned())));
        // A contact keeps one at least.
        named.next().ok_or(PageError::NotFound)
    }
}

/// The address of a contact: its list and itself.
pub type At = Path<(String, String)>;

/// What became of a request that a page has sent.
pub enum Outcome {
    /// It is accepted, and not applied yet. Its own page shows what becomes of it.
    Pending(ObjectId),
    /// It is applied: the result of each item. A request that matched nothing has none.
    Applied(ObjectId, Vec<ItemResult>),
}

impl Outcome {
    /// Waits for a request, a few seconds at most.
    ///
    /// # Errors
    /// The store failed.
    pub async fn of(user: &User, id: ObjectId) -> Result<Self> {
        let (queries, caller) = (&user.app.queries, user.caller());
        if queries.await_request(&caller, id).await? != Waited::Processed {
            return Ok(Self::Pending(id));
        }
        let found = queries.requests(&caller, vec![id]).await?;
        Ok(match found.into_iter().next() {
            Some(request) => Self::Applied(id, request.results),
            None => Self::Pending(id),
        })
    }

    /// Whether something that the contact had turned off stays off.
    pub fn keeps_opt_outs(&self) -> bool {
        let Self::Applied(_, results) = self else { return false };
        let kept = |result: &ItemResult| match result {
            ItemResult::Done { notes, .. } => notes.iter().any(|note| note.code == NoteCode::OptedOut),
            ItemResult::Failed { .. } => false,
        };
        results.iter().any(kept)
    }

    /// Why nothing was done, if the first item failed.
    pub fn failure(&self) -> Option<Failure> {
        match self {
            Self::Applied(_, results) => match results.first()? {
                ItemResult::Failed { failure, .. } => Some(*failure),
                ItemResult::Done { .. } => None,
            },
            Self::Pending(_) => None,
        }
    }
}
