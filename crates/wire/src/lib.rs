//! The objects of answers, each with its schema: the API, webhooks, pages, exports and the tools of assistants show
//! the same.

pub mod changes;
pub mod consent;
pub mod contact;
pub mod history;
pub mod ingest;
pub mod person;
pub mod request;
pub mod suppression;
