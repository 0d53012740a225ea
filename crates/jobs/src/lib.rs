//! Jobs: imports of uploaded files and changes of many contacts, which run on the server while nobody looks on.
//!
//! What a job is and how far it has come is a row of the store ([`storage::Jobs`]), so that it survives the
//! process and every node sees it. Uploads and failed rows are files ([`store`]). A job calls the API within the
//! process, with the rights of the user who began it. [`run`] is the loop that runs jobs, [`turns`] shares it fairly
//! among accounts; [`import`] and [`bulk`] are what is done, each batch under a key of its own, so that none takes
//! effect twice; [`tidy`] forgets.

pub mod adopt;
pub mod bulk;
pub mod check;
mod claim;
pub mod exports;
pub mod import;
pub mod job;
pub mod local;
pub mod places;
pub mod record;
pub mod run;
mod runtime;
pub mod service;
pub mod store;
pub mod take_back;
pub mod tidy;
pub mod turns;
pub mod upload;
mod work;

use std::path::PathBuf;

pub use self::runtime::JobRuntime;
pub use self::service::JobService;

/// Jobs that one node runs at a time; others wait. Each takes at most the window of an import, 24 MiB, and some.
pub const SIDE_BY_SIDE: usize = 2;

/// What is set about jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where their files are.
    pub directory: PathBuf,
    /// Bytes of the largest file that is accepted.
    pub max_upload: u64,
}
