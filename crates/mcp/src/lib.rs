//! Tools of the Model Context Protocol: typed arguments and answers around the use cases, for assistants.
//!
//! # How a tool is added
//!
//! 1. A type that implements [`Tool`], in the file of its resource. Its arguments are a struct with
//!    `deny_unknown_fields`; a choice stands in a property. Its answer is a struct without a `serde_json::Value` that
//!    has no description.
//! 2. A row in [`TOOLS`]. `schema::tests` holds the rules that the strictest clients need.
//! 3. A tool that changes something shows a dry run first, see [`plan`].

mod account;
mod changes;
mod contacts;
mod history;
mod lists;
mod plan;
mod requests;
pub mod schema;
mod search;
mod segments;
pub mod server;
mod tool;
mod undo;
mod update;

use self::tool::Spec;
pub use self::tool::{Tool, ToolCall, ToolError};

/// The path of the tools on a server, under which calls are counted too.
pub const PATH: &str = "/mcp";

/// Every tool. Clients show them in this order.
pub static TOOLS: [Spec; 12] = [
    Spec::of::<account::DescribeAccess>(),
    Spec::of::<lists::ListContactLists>(),
    Spec::of::<search::SearchContacts>(),
    Spec::of::<contacts::FindContacts>(),
    Spec::of::<contacts::GetContact>(),
    Spec::of::<segments::ListSegments>(),
    Spec::of::<history::GetContactHistory>(),
    Spec::of::<changes::ReadChanges>(),
    Spec::of::<requests::ListRequests>(),
    Spec::of::<requests::GetRequest>(),
    Spec::of::<update::UpdateContacts>(),
    Spec::of::<undo::UndoRequest>(),
];
