//! The console's pages of contacts, variables, sources, requests and the overview, as a browser without a script
//! gets them.

pub mod browser;
mod catalogue;
mod clicks;
mod contact;
mod contacts;
mod overview;
mod requests;
mod steps;
mod suppression;
mod webhooks;

use serde_json::{Value, json};

pub use self::browser::Browser;
use crate::harness::Server;

/// A server with a list of its own, and somebody who is signed in.
async fn open() -> (Server, Browser, String) {
    let server = Server::start().await;
    let list = server.list().await;
    let browser = Browser::sign_in(&server, server.user).await;
    (server, browser, list)
}

/// Adds contacts `user0000` to … in one list, a hundred a request, and waits for the last.
async fn fill(server: &Server, list: &str, count: usize, contact: impl Fn(usize) -> Value) {
    let mut last = None;
    for first in (0..count).step_by(100) {
        let contacts: Vec<_> = (first..count.min(first + 100)).map(&contact).collect();
        let body = json!({ "contactListId": list, "upsert": true, "contacts": contacts });
        last = Some(server.ok("/v3/contacts/update", &body).await);
    }
    if let Some(answer) = last {
        server.processed(answer["requestId"].as_str().expect("an id")).await;
    }
}
