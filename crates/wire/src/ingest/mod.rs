//! Bodies of batches: decode, check with every error, and call the command.

pub mod check;
pub mod contacts;
pub mod erase;
pub mod fields;
pub mod identifiers;
pub mod list;
pub mod merge;
pub mod proof;
pub mod remove;
pub mod top;
pub mod undo;
pub mod variables;

use std::sync::Arc;

use self::list::find_list;
use app::accept::{Accepted, Submission};
use app::contacts as use_cases;
use app::{Caller, Commands, Operation, Queries, Result};
use domain::journal::ListNo;
use domain::json::Raw;
use domain::problem::Problem;
use storage::List;

/// Which method a body is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// contacts/update
    Update,
    /// contacts/add: `contact` is not looked at.
    Add,
    /// contacts/remove
    Remove,
    /// request/undo
    Undo,
}

impl BodyKind {
    /// The use case that it asks for.
    pub const fn operation(self) -> &'static Operation {
        match self {
            Self::Update => &use_cases::UPDATE,
            Self::Add => &use_cases::ADD,
            Self::Remove => &use_cases::REMOVE,
            Self::Undo => &app::undo::UNDO,
        }
    }

    /// The kind of a body for the method with that path.
    pub fn of(path: &str) -> Option<Self> {
        [Self::Update, Self::Add, Self::Remove, Self::Undo]
            .into_iter()
            .find(|kind| kind.operation().path == path)
    }
}

/// Reads a body and submits its batch, or tries it out.
///
/// # Errors
/// See [`Refusal`](app::Refusal).
pub async fn accept(context: Context<'_>, kind: BodyKind, body: &[u8]) -> Result<Accepted> {
    match kind {
        BodyKind::Update => contacts::update(context, body).await,
        BodyKind::Add => contacts::add(context, body).await,
        BodyKind::Remove => remove::accept(context, body).await,
        BodyKind::Undo => undo::accept(context, body).await,
    }
}

/// What a body is read for.
pub struct Context<'a> {
    /// The use cases that change something.
    pub commands: &'a Commands,
    /// The use cases that read.
    pub queries: &'a Queries,
    /// The caller.
    pub caller: &'a Caller,
    /// How the batch is submitted.
    pub submission: Submission,
}

impl Context<'_> {
    /// The list that the body names, if the caller may see it; what is wrong with the name is added to the problems.
    async fn list(&self, raw: Option<Raw<'_>>, problems: &mut Vec<Problem>) -> Result<Option<Arc<List>>> {
        Ok(find_list(self.queries, self.caller, raw, problems).await?)
    }

    /// What was accepted before with the same key, if anything.
    async fn known(&self, list: ListNo) -> Result<Option<Accepted>> {
        self.commands.known(self.caller, &self.submission, list).await
    }
}
