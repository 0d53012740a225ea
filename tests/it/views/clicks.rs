//! Ten common jobs, counted in clicks from the overview: along the links and forms that the pages have. The guide for
//! colleagues has the same counts.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::Browser;
use super::browser::Page;
use crate::console_jobs::{Desk, ended};

/// A way along pages.
struct Walk<'d> {
    desk: &'d Desk,
    browser: &'d Browser,
    page: Page,
    at: String,
    clicks: usize,
}

impl<'d> Walk<'d> {
    async fn begin(desk: &'d Desk, browser: &'d Browser) -> Self {
        let page = browser.get(&desk.server, "/").await;
        Self { desk, browser, page, at: "/".to_owned(), clicks: 0 }
    }

    /// Opens an address, and goes where it leads.
    async fn open(&mut self, path: &str) {
        let asked = self.browser.ask(&self.desk.server, path).await;
        self.at = asked.location.unwrap_or_else(|| path.to_owned());
        self.page = self.browser.get(&self.desk.server, &self.at).await;
    }

    /// Clicks the link with this text.
    async fn follow(&mut self, text: &str) {
        let html = self.page.html.replace("&amp;", "&").replace("&#38;", "&");
        let link = html.split("<a ").skip(1).find_map(|link| {
            let (head, rest) = link.split_once('>')?;
            let shown = rest.split("</a>").next()?;
            let href = head.split_once("href=\"")?.1.split('"').next()?;
            (shown.split('<').next()?.trim() == text).then(|| href.to_owned())
        });
        let link = link.unwrap_or_else(|| panic!("no link {text} at {}: {}", self.at, self.page.text()));
        self.clicks += 1;
        self.open(&link).await;
    }

    /// Ticks a box, or chooses from a list: the page has the field.
    fn choose(&mut self, field: &str) {
        assert!(self.page.html.contains(field), "no field {field} at {}", self.at);
        self.clicks += 1;
    }

    /// Sends a form that asks for a page.
    async fn ask(&mut self, action: &str, query: &str) {
        assert!(self.page.html.contains(&format!("action=\"{action}\"")), "no form {action} at {}", self.at);
        self.clicks += 1;
        self.open(&format!("{action}?{query}")).await;
    }

    /// Sends a form that changes something, and goes where it leads.
    async fn send(&mut self, action: &str, fields: &[(&str, &str)]) {
        self.clicks += 1;
        let sent = self.browser.submit(&self.desk.server, &self.at, action, fields).await;
        if let Some(led) = sent.location.clone() {
            self.open(&led).await;
        } else {
            assert!(sent.status.is_success(), "{action}: {}", sent.html);
            self.page = sent;
        }
    }

    /// To the page of the contact Ann, by the search of all lists.
    async fn find_ann(&mut self) -> String {
        self.follow("All contacts").await;
        self.ask("/contacts", "q=Ann+Bee").await;
        // The index follows the changes: the same page has the contact soon.
        let (browser, server) = (self.browser, &self.desk.server);
        let ask = async || {
            let page = browser.get(server, "/contacts?q=Ann+Bee").await;
            page.html.contains(">Ann Bee</a>").then_some(page)
        };
        self.page = server.wait_for("the search to know the name", ask).await;
        self.follow("Ann Bee").await;
        self.at.clone()
    }
}

/// The counts that the guide tells, by the name of the job.
fn told() -> Vec<(String, usize)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/colleagues/jobs.md");
    let guide = std::fs::read_to_string(path).expect("the guide");
    let rows = guide.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| job"));
    let row = |line: &str| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        Some((cells[0].to_owned(), cells[1].parse().ok()?))
    };
    rows.filter_map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_common_jobs_take_the_clicks_that_the_guide_tells() {
    let desk = Desk::new().await;
    let (list, server) = (desk.list.clone(), &desk.server);
    let browser = Browser::of(desk.visitor.cookie());
    let ann = json!({
        "contact": "ann@example.com", "name": "Ann Bee", "active": true, "emailSubscribe": true,
        "variables": [{ "name": "plan", "value": "gold" }],
    });
    server.upsert(&list, ann).await;
    server.upsert(&list, json!({ "contact": "ann+1@example.com" })).await;
    let lists = browser.get(server, "/lists").await;
    let name = lists.html.split(&format!("href=\"/lists/{list}\">")).nth(1).expect("the list");
    let name = name.split('<').next().expect("a name").to_owned();
    let mut counts = Vec::new();

    let mut walk = Walk::begin(&desk, &browser).await;
    let contact = walk.find_ann().await;
    counts.push(("Find a contact by name", walk.clicks));

    walk.send(&contact, &[("name", "Ann Cee"), ("active", "true"), ("emailSubscribe", "true")]).await;
    assert!(walk.page.says("The changes are saved."), "{}", walk.page.text());
    counts.push(("Correct a name", walk.clicks));
    walk.open(&contact).await;
    walk.send(&contact, &[("name", "Ann Bee"), ("active", "true"), ("emailSubscribe", "true")]).await;

    let mut walk = Walk::begin(&desk, &browser).await;
    let contact = walk.find_ann().await;
    walk.choose("name=\"emailSubscribe\"");
    walk.send(&contact, &[("active", "true")]).await;
    assert_eq!(server.contact(&list, "email", "ann@example.com").await["emailSubscribe"], false);
    counts.push(("Unsubscribe one contact", walk.clicks));

    let mut walk = Walk::begin(&desk, &browser).await;
    walk.follow("Lists").await;
    walk.follow(&name).await;
    walk.follow("Import").await;
    walk.choose("type=\"file\"");
    // The browser sends the file; the page after it is that of the columns.
    walk.clicks += 1;
    let job = desk.visitor.uploaded(&list, "people.csv", b"userId,name\nu1,One\nu2,Two\n").await;
    walk.open(&job).await;
    walk.choose("name=\"do\" value=\"begin\"");
    let columns = [("column-0", "userId"), ("column-1", "name"), ("do", "begin")];
    desk.visitor.goes(&format!("{job}/begin"), &columns).await;
    ended(&desk.visitor, &job, Duration::from_secs(30)).await;
    counts.push(("Load a file", walk.clicks));

    let mut walk = Walk::begin(&desk, &browser).await;
    walk.follow("Import of people.csv").await;
    walk.choose("Undo this import");
    desk.visitor.goes(&format!("{job}/undo"), &[]).await;
    counts.push(("Take back an import", walk.clicks));

    let mut walk = Walk::begin(&desk, &browser).await;
    walk.follow("Lists").await;
    walk.follow(&name).await;
    walk.choose("<details class=\"filters\"");
    walk.choose("<option value=\"variables.plan\"");
    let gold = "match=all&group=all&field=variables.plan&op=is&value=gold";
    walk.ask(&format!("/lists/{list}"), gold).await;
    walk.follow("Export matching").await;
    walk.choose("<button class=\"primary\">Export</button>");
    counts.push(("Export the contacts of one plan", walk.clicks));

    let mut walk = Walk::begin(&desk, &browser).await;
    walk.follow("Lists").await;
    walk.send("/lists", &[("name", "Second")]).await;
    counts.push(("Create a list", walk.clicks));

    let mut walk = Walk::begin(&desk, &browser).await;
    walk.follow("Lists").await;
    walk.follow(&name).await;
    walk.follow("Custom fields").await;
    walk.send(&format!("/lists/{list}/variables"), &[("name", "colour"), ("type", "string")]).await;
    counts.push(("Add a custom field", walk.clicks));

    let mut walk = Walk::begin(&desk, &browser).await;
    walk.follow("Lists").await;
    walk.follow(&name).await;
    walk.follow("Duplicates").await;
    walk.choose("name=\"winner\"");
    walk.choose("Merge into the chosen contact");
    counts.push(("Merge two duplicates", walk.clicks));

    let mut walk = Walk::begin(&desk, &browser).await;
    walk.follow("Account").await;
    walk.send("/account/users", &[("name", "Ben"), ("role", "editor")]).await;
    assert!(walk.page.says("Copy the link now."), "{}", walk.page.text());
    counts.push(("Give a colleague access", walk.clicks));

    let counts: Vec<_> = counts.into_iter().map(|(job, clicks)| (job.to_owned(), clicks)).collect();
    assert_eq!(told(), counts);
    desk.server.stop().await;
}
