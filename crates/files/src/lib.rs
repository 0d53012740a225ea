//! Files of contacts: reading a table into a list, and writing a list into a table.
//!
//! Everything here is a client of the API: it reads and writes by [`api::Api`], so what it does has the same checks,
//! order and results as any other client's. The path of an import: [`survey`] reads the file once and finds out how
//! it is written, [`mapping`] says which column is what, [`table`] reads the rows again, [`row`] makes contacts of
//! them, [`batch`] puts these together, and [`import`] sends them and learns what became of them.

pub mod api;
pub mod batch;
pub mod checkpoint;
pub mod choices;
pub mod decode;
pub mod escape_formulas;
pub mod export;
pub mod failures;
mod guess;
pub mod import;
mod inspect;
pub mod key;
mod kind;
pub mod layout;
pub mod mapping;
pub mod notes;
mod packed;
pub mod plan;
pub mod profile;
pub mod remote;
pub mod requests;
pub mod row;
pub mod scan;
pub mod send;
pub mod sheet;
pub mod spool;
pub mod state;
pub mod suppressions;
pub mod survey;
pub mod table;
pub mod target;
pub mod undo;
mod unpack;
pub mod values;
mod vcard;
mod written;

/// Why a file was not imported or exported, for people.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What is wrong, in a sentence.
    #[error("{0}")]
    Message(String),
    /// The server asked to come later, and patience has ended: the same call may succeed then.
    #[error("{0}")]
    Away(String),
    /// The file is another than it was, so that nobody can go on with it.
    #[error("{0}")]
    Changed(String),
    /// Somebody asked for an end.
    #[error("stopped")]
    Stopped,
}

impl Error {
    /// Something that could not be done with a file.
    pub fn file(path: &std::path::Path, error: impl std::fmt::Display) -> Self {
        Self::Message(format!("{}: {error}", path.display()))
    }
}

/// What can go wrong.
pub type Result<T> = std::result::Result<T, Error>;
