//! The pages of imports, exports and changes of many contacts, as a browser sees them.

use std::time::{Duration, Instant};

use domain::id::ObjectId;
use hyper::header::CONTENT_DISPOSITION;
use serde_json::{Value, json};
use storage::Role;

use crate::harness::{Server, Setup};
use crate::process::{Account, Process, Store};
use crate::visitor::{Visitor, between};

/// A server, its user before a browser, and a list.
pub struct Desk {
    pub server: Server,
    pub visitor: Visitor,
    pub list: String,
}

impl Desk {
    pub async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    pub async fn with(setup: Setup) -> Self {
        let server = Server::with(setup).await;
        let visitor = Visitor::new(server.address, server.storage.as_ref(), server.user).await;
        let list = server.list().await;
        Self { server, visitor, list }
    }

    pub async fn count(&self, filter: &Value) -> usize {
        let mut question = json!({ "contactListId": self.list, "limit": 1000 });
        question.as_object_mut().expect("an object").extend(filter.as_object().expect("an object").clone());
        let found = self.server.ok("/v3/contacts/find", &question).await;
        assert_eq!(found["next"], Value::Null);
        found["data"].as_array().expect("an array").len()
    }
}

/// What the page of a job says once it is neither waiting nor running.
pub async fn ended(visitor: &Visitor, job: &str, patience: Duration) -> String {
    let start = Instant::now();
    let job = job.split('?').next().expect("a path");
    loop {
        let page = visitor.page(job).await;
        if !page.contains("hx-trigger") {
            return page;
        }
        assert!(start.elapsed() < patience, "waited in vain for {job}: {page}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A figure of the page of a job.
pub fn figure(page: &str, name: &str) -> u64 {
    let text = between(page, &format!("<dt>{name}</dt><dd>"), "</dd>");
    text.split(' ').next().expect("a number").replace(',', "").parse().expect("a number")
}

pub fn figures(page: &str) -> [u64; 4] {
    ["Created", "Updated", "Unchanged", "Failed"].map(|name| figure(page, name))
}

/// Rows of which every `bad`th has no e-mail address that is one.
pub fn rows(count: usize, bad: usize) -> String {
    let row = |n: usize| {
        let at = if n.is_multiple_of(bad) { "" } else { "@example.com" };
        format!("user{n}{at},=1+{n},plan{n}\n")
    };
    format!("E-mail,Full name,Shoe size\n{}", (1..=count).map(row).collect::<String>())
}

pub const COLUMNS: [(&str, &str); 4] =
    [("column-0", "email"), ("column-1", "name"), ("column-2", "new"), ("name-2", "shoeSize")];

pub fn choose(what: &str) -> Vec<(&str, &str)> {
    let mut fields = COLUMNS.to_vec();
    fields.extend([("type-2", "text"), ("mode", "upsert"), ("do", what)]);
    fields
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_rows_with_three_hundred_bad_ones_are_imported_through_the_pages() {
    let Desk { server, visitor, list } = Desk::new().await;
    let page = visitor.page(&format!("/lists/{list}/import")).await;
    assert!(page.contains("enctype=\"multipart/form-data\""));
    let job = visitor.uploaded(&list, "people.csv", rows(100_000, 333).as_bytes()).await;
    let page = visitor.page(&job).await;
    assert!(page.contains("100000 rows of UTF-8, commas between cells"), "{page}");
    assert!(page.contains("<option value=\"email\" selected>"), "the header is guessed");
    assert!(page.contains("user1@example.com") && page.contains("<option value=\"\" selected>choose…"));
    // What nobody has said what it is does not vanish.
    let told = visitor
        .post(&format!("{job}/begin"), &[("column-0", "email"), ("column-1", "name"), ("do", "begin")])
        .await;
    assert_eq!(told.status.as_u16(), 400);
    assert!(
        told.text().contains("Choose a field for the column “Shoe size”, or do not import it."),
        "{}",
        told.text()
    );
    visitor.goes(&format!("{job}/begin"), &choose("begin")).await;
    let page = ended(&visitor, &job, Duration::from_secs(120)).await;
    assert_eq!(figures(&page), [99_700, 0, 0, 300], "{page}");
    let changed = between(&page, "<a href=\"/lists/", "\">Contacts that changed since")
        .rsplit("<a href=\"/lists/")
        .next();
    let changed = visitor.page(&format!("/lists/{}", changed.expect("a link"))).await;
    // Which of them come first differs between stores and runs: contacts are listed by id.
    assert!(changed.matches("@example.com").count() > 10, "{changed}");
    let failed = visitor.get(&format!("{job}/failed.csv")).await;
    assert!(
        failed.headers[CONTENT_DISPOSITION]
            .to_str()
            .expect("text")
            .starts_with("attachment; filename=\"failed-")
    );
    let failed = failed.text();
    assert_eq!(failed.lines().count(), 301);
    assert_eq!(
        failed.lines().nth(1),
        Some("334,invalid RFC2822 email user333 at email field,user333,'=1+333,plan333"),
        "the formula is defused"
    );
    let contact = server.contact(&list, "email", "user7@example.com").await;
    assert_eq!((&contact["name"], &contact["variables"][3]["value"]), (&json!("=1+7"), &json!("plan7")));
    let jobs = visitor.page("/jobs").await;
    assert!(jobs.contains("Import of people.csv") && jobs.contains("100,000 of 100,000"), "{jobs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_through_the_pages_changes_nothing() {
    let desk = Desk::new().await;
    let job = desk.visitor.uploaded(&desk.list, "people.csv", rows(1_000, 100).as_bytes()).await;
    desk.visitor.goes(&format!("{job}/begin"), &choose("try")).await;
    let page = ended(&desk.visitor, &job, Duration::from_secs(30)).await;
    assert!(page.contains("1,000 rows: 990 new, 0 updated, 0 unchanged, 10 with errors."), "{page}");
    assert!(page.contains("line 101: invalid RFC2822 email user100 at email field"), "{page}");
    assert!(page.contains("<option value=\"new\" selected>"), "what was said stays");
    assert_eq!(desk.count(&json!({})).await, 0);
    let list = desk.server.ok("/v3/contact-list/get", &json!({ "contactListId": desk.list })).await;
    assert!(!list.to_string().contains("shoeSize"), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_stopped_and_goes_on_through_the_pages() {
    let desk = Desk::new().await;
    let job = desk.visitor.uploaded(&desk.list, "people.csv", rows(40_000, 400).as_bytes()).await;
    desk.visitor.goes(&format!("{job}/begin"), &choose("begin")).await;
    desk.server
        .wait_for("some rows to be done", async || {
            let part = desk.visitor.page(&format!("{job}/progress")).await;
            (part.contains("<dt>Done</dt>") && figure(&part, "Done") > 0).then_some(())
        })
        .await;
    desk.visitor.goes(&format!("{job}/stop"), &[]).await;
    let page = ended(&desk.visitor, &job, Duration::from_secs(30)).await;
    assert!(page.contains(">stopped<") && figure(&page, "Done") < 40_000, "{page}");
    desk.visitor.goes(&format!("{job}/resume"), &[]).await;
    let page = ended(&desk.visitor, &job, Duration::from_secs(60)).await;
    assert_eq!(figures(&page), [39_900, 0, 0, 100], "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filtered_view_is_unsubscribed_after_it_was_asked() {
    let desk = Desk::new().await;
    let contact = |n: usize| json!({ "contact": format!("u{n}"), "emailSubscribe": n.is_multiple_of(2), "smsSubscribe": true });
    desk.server.update(&desk.list, true, (0..90).map(contact).collect()).await;
    let path = format!("/lists/{}/bulk", desk.list);
    let asked = [("action", "unsubscribe:smsSubscribe"), ("all", "1"), ("emailSubscribe", "true")];
    let page = desk.visitor.post(&path, &asked).await.text();
    assert!(page.contains("<dt>emailSubscribe</dt><dd>true</dd>"), "{page}");
    assert!(page.contains("that match, at most 90:"), "{page}");
    assert_eq!(
        desk.count(&json!({ "smsSubscribe": true })).await,
        90,
        "nothing is done before it is confirmed"
    );
    let job = desk.visitor.goes(&path, &[&asked[..], &[("confirm", "yes")]].concat()).await;
    let page = ended(&desk.visitor, &job, Duration::from_secs(30)).await;
    assert_eq!(["Updated", "Unchanged", "Failed"].map(|name| figure(&page, name)), [45, 0, 0], "{page}");
    assert_eq!(desk.count(&json!({ "smsSubscribe": true })).await, 45);
    assert_eq!(desk.count(&json!({ "smsSubscribe": true, "emailSubscribe": true })).await, 0);
    for (fields, text) in [
        (
            vec![("action", "remove"), ("contact", "5d9155bad132d5f45a4e38b1")],
            "These are not contacts of the list.",
        ),
        (
            vec![("action", "remove"), ("all", "1"), ("updatedSince", "yesterday")],
            "Enter a time as YYYY-MM-DD",
        ),
    ] {
        let told = desk.visitor.post(&path, &fields).await;
        assert!(told.status.is_client_error() && told.text().contains(text), "{fields:?}: {}", told.text());
    }
    // What was forgotten leads back to where it is chosen, and says so.
    let of_list = ObjectId::parse(&desk.list).expect("an id");
    let many: Vec<_> = (1..=1_001).map(|n| ObjectId::of_contact(of_list, n).to_string()).collect();
    let many = many.iter().map(|id| ("contact", id.as_str()));
    let many: Vec<_> = many.chain([("action", "remove")]).collect();
    for (fields, text) in [
        (vec![("action", ""), ("all", "1")], "Choose an action"),
        (vec![("action", "unsubscribe"), ("all", "1")], "Choose an action"),
        (vec![("action", "unsubscribe:active"), ("all", "1")], "Choose an action"),
        (vec![("action", "remove"), ("emailSubscribe", "true")], "Select at least one contact"),
        (many, "Select at most 1,000 contacts"),
    ] {
        let led = desk.visitor.goes(&path, &fields).await;
        assert_eq!(
            led.contains("emailSubscribe=true"),
            fields.contains(&("emailSubscribe", "true")),
            "{led}"
        );
        let page = desk.visitor.page(&led).await;
        assert!(page.contains("Nothing was changed") && page.contains(text), "{fields:?}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filtered_view_is_exported_with_formulas_defused() {
    let desk = Desk::new().await;
    let contacts = json!([{ "contact": "a", "name": "=1+1", "active": true }, { "contact": "b", "name": "=2", "active": false },
        { "contact": "+15555555", "name": "@x", "active": true }]);
    desk.server.update(&desk.list, true, contacts).await;
    let page = desk.visitor.page(&format!("/lists/{}/export?active=true", desk.list)).await;
    assert!(page.contains("name=\"active\" value=\"true\""), "{page}");
    let path = format!("/lists/{}/export/file?active=true", desk.list);
    let answer =
        desk.visitor.get(&format!("{path}&format=csv&column=name&column=phoneNumber&column=userId")).await;
    assert_eq!(answer.text(), "name,phoneNumber,userId\n'=1+1,,a\n'@x,+15555555,\n");
    let name = answer.headers[CONTENT_DISPOSITION].to_str().expect("text");
    let day = between(name, "attachment; filename=\"Customers-", ".csv\"");
    assert!(day.len() == 10 && day.starts_with("20"), "{name}");
    for (format, line) in [("excel", "name,phoneNumber"), ("excel-semicolon", "name;phoneNumber")] {
        let text = desk.visitor.get(&format!("{path}&format={format}&column=name&column=phoneNumber")).await;
        assert!(text.text().starts_with(&format!("\u{feff}{line}\n")), "{}", text.text());
    }
    let whole = desk.visitor.get(&path).await.text();
    assert!(whole.starts_with("name,email,phoneNumber,userId,active,"), "{whole}");
    let lines = desk.visitor.get(&format!("{path}&format=jsonl")).await.text();
    let names: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["name"].clone())
        .collect();
    assert_eq!(names, ["=1+1", "@x"]);
    let told = desk.visitor.get(&format!("/lists/{}/export/file?active=perhaps", desk.list)).await;
    assert_eq!(told.status.as_u16(), 400, "{}", told.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_neither_sees_nor_touches_a_job() {
    let desk = Desk::new().await;
    let job = desk.visitor.uploaded(&desk.list, "people.csv", rows(10, 100).as_bytes()).await;
    let bearer = desk.server.bearer("Stranger").await;
    let stranger = Visitor::new(desk.server.address, desk.server.storage.as_ref(), bearer.user).await;
    assert!(!stranger.page("/jobs").await.contains("people.csv"));
    for path in ["", "/progress", "/contacts", "/failed.csv", "/requests.txt"] {
        assert_eq!(stranger.get(&format!("{job}{path}")).await.status.as_u16(), 404, "{path}");
    }
    for path in ["/begin", "/stop", "/resume", "/remove"] {
        assert_eq!(
            stranger.post(&format!("{job}{path}"), &choose("begin")).await.status.as_u16(),
            404,
            "{path}"
        );
    }
    assert_eq!(stranger.upload(&desk.list, "people.csv", b"email\n").await.status.as_u16(), 404);
    for path in ["import", "export", "export/file"] {
        assert_eq!(
            stranger.get(&format!("/lists/{}/{path}", desk.list)).await.status.as_u16(),
            404,
            "{path}"
        );
    }
    let bulk = [("action", "remove"), ("all", "1"), ("confirm", "yes")];
    assert_eq!(stranger.post(&format!("/lists/{}/bulk", desk.list), &bulk).await.status.as_u16(), 404);
    // The job is as it was, and its owner can begin it.
    desk.visitor.goes(&format!("{job}/begin"), &choose("begin")).await;
    assert_eq!(figures(&ended(&desk.visitor, &job, Duration::from_secs(30)).await), [10, 0, 0, 0]);
}

/// Signs the owner of an account in.
pub async fn visit(store: &Store, server: &Process, account: &Account) -> Visitor {
    let storage = store.directory.open(crate::harness::StoreKind::under_test(), Role::Command).await;
    let user = ObjectId::parse(&account.user).expect("an id");
    Visitor::new(server.address, storage.as_ref(), user).await
}
