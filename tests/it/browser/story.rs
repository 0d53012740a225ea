//! A whole story, as its user lives it: from the link that the server prints to the file that is taken out.

use std::process::Command;

use serde_json::Value;

use super::Browser;
use crate::console::PASSWORD;
use crate::process::{Store, read, run, wait_for};

/// Runs a line that a page shows, as a user runs it, and returns the answer.
fn try_out(line: &str) -> Value {
    let tried = run(Command::new("sh").args(["-c", &format!("{line} -sS --fail-with-body")]));
    assert_eq!(tried.code, Some(0), "{line}: {} {}", tried.out, tried.err);
    serde_json::from_str(&tried.out).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_printed_link_to_the_first_contact() {
    let store = Store::new();
    let printed = store.directory.path("printed");
    let server = store.serve_with(|command| {
        command.stdout(std::fs::File::create(&printed).expect("a file"));
    });
    let base = format!("http://{}", server.address);
    let link = wait_for("the link to be printed", || {
        let told = read(&printed);
        told.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned)
    });
    assert!(!server.log().contains("/welcome/"), "the link is no business of those who read the log");
    let browser = Browser::open(&base).await;
    browser.visit(link.strip_prefix(base.as_str()).expect("of this server")).await;
    browser.fill("#account", "Example Shop").await;
    browser.fill("#name", "Ada").await;
    browser.fill("#email", "ada@example.com").await;
    browser.fill("#password", PASSWORD).await;
    browser.fill("#again", PASSWORD).await;
    browser.press("Make the account").await;
    browser.arrives_at("/").await;
    browser.quiet().await;

    browser.visit("/lists").await;
    browser.fill("#name", "Customers").await;
    browser.press("Make the list").await;
    browser.sees("The list is there.").await;
    browser.press("API keys").await;
    browser.fill("#name", "Shop").await;
    browser.press("Make the key").await;
    browser.sees("Copy it now").await;
    let line = browser.text("pre[aria-label='A line to try the key']").await;
    assert_eq!(try_out(&line)["result"], true);
    browser.close().await;
    drop(server);
}
