//! A whole story, as its user lives it: from the link that the server prints to the file that is taken out.

use std::process::Command;
use std::time::{Duration, Instant};

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
async fn from_the_printed_link_to_the_file_that_is_taken_out() {
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
    browser.press("Create account").await;
    browser.arrives_at("/").await;
    browser.quiet().await;

    browser.visit("/lists").await;
    browser.fill("#name", "Customers").await;
    browser.press("Create list").await;
    browser.sees("The list is created.").await;
    browser.press("API keys").await;
    browser.fill("#name", "Shop").await;
    browser.press("Create key").await;
    browser.sees("Copy the key now").await;
    let line = browser.text("pre[aria-label='A command to try the key']").await;
    assert_eq!(try_out(&line)["result"], true);
    browser.quiet().await;

    let list = edit(&browser).await;
    let people = store.directory.path("people.csv");
    std::fs::write(&people, people_csv()).expect("a file");
    import(&browser, &list, &people.display().to_string()).await;
    unsubscribe(&browser, &list).await;
    let file = browser.file(&format!("{list}/export/file?format=csv")).await;
    assert_eq!(file.lines().count(), 1 + 1 + GOOD, "a header, the first contact, and those of the file");
    assert!(file.contains("person99999@example.com"));
    browser.close().await;
    drop(server);
}

/// Looks at the contact, changes it, sees what has changed, and returns the list's page.
async fn edit(browser: &Browser) -> String {
    browser.visit("/lists").await;
    browser.press("Customers").await;
    browser.find("h1").await;
    let list = browser.path().await;
    browser
        .wait_for("the contact to be applied", async || {
            browser.visit(&list).await;
            browser.text("main").await.contains("someone@example.com").then_some(())
        })
        .await;
    browser.click("table.contacts tbody th a").await;
    browser.fill("#firstName", "Grace").await;
    browser.click("form.edit button.primary").await;
    browser
        .wait_for("the history to tell it", async || {
            browser.client.refresh().await.expect("a page");
            let history = browser.text("main").await;
            (history.contains("Grace") && history.contains("by Ada")).then_some(())
        })
        .await;
    browser.quiet().await;
    list
}

/// Imports the file, and takes out what has failed.
async fn import(browser: &Browser, list: &str, file: &str) {
    browser.visit(&format!("{list}/import")).await;
    browser.find("#file").await.send_keys(file).await.expect("a file");
    browser.press("Upload").await;
    browser.press("Start the import").await;
    finished(browser).await;
    let told = browser.text("main").await;
    assert!(told.contains("99700") && told.contains("300"), "{told}");
    let path = browser.path().await;
    let job = path.split('?').next().expect("a path");
    let failed = browser.file(&format!("{job}/failed.csv")).await;
    assert_eq!(failed.lines().count(), 301, "a header and the rows that failed");
    assert!(failed.contains("not an address"), "{}", failed.lines().next().unwrap_or_default());
    browser.quiet().await;
}

/// Unsubscribes everybody in the list.
async fn unsubscribe(browser: &Browser, list: &str) {
    browser.visit(list).await;
    browser.click("#bulk-action option[value='unsubscribe:emailSubscribe']").await;
    browser.click("#bulk-all").await;
    browser.click("form.bulk > button").await;
    browser.click("button[name=confirm]").await;
    finished(browser).await;
    let told = browser.text("main").await;
    assert!(told.contains("99,701"), "{told}");
    browser.visit(&format!("{list}?emailSubscribe=true")).await;
    // A long list is looked through in several turns, the page asking for the next by itself.
    browser
        .wait_for("the list to be looked through", async || {
            let told = browser.text("main").await;
            (told.contains("No contacts match") || told.contains("End of results")).then_some(())
        })
        .await;
    assert_eq!(browser.run("return document.querySelectorAll('tbody tr').length").await, 0);
    browser.quiet().await;
}

/// Waits until the page itself tells that its job is done.
async fn finished(browser: &Browser) {
    let start = Instant::now();
    while browser.text("#progress .pill").await != "done" {
        assert!(start.elapsed() < LONG, "the job is never done: {}", browser.text("main").await);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// How long a job of 100,000 contacts may take on a machine that is busy with other tests.
const LONG: Duration = Duration::from_secs(420);

/// Rows that are good.
const GOOD: usize = 99_700;

/// A file of 100,000 people, of whom 300 have no proper address.
fn people_csv() -> String {
    let mut csv = "email,firstName,lastName,emailSubscribe\n".to_owned();
    for number in 0..100_000 {
        let address = match number % 1_000 {
            1..=3 => format!("not an address {number}"),
            _ => format!("person{number}@example.com"),
        };
        csv.push_str(&format!("{address},First{number},Last,true\n"));
    }
    csv
}
