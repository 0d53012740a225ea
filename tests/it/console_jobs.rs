//! The pages of imports, exports and changes of many contacts, as a browser sees them.

use std::io::Write as _;
use std::time::{Duration, Instant};

use hyper::header::CONTENT_DISPOSITION;
use rollbook::id::ObjectId;
use rollbook::storage::Role;
use serde_json::{Value, json};

use crate::faults::{Fault, Switch};
use crate::harness::{Answer, Server, Setup};
use crate::process::{Account, Process, Store};
use crate::visitor::{BOUNDARY, Visitor, between};

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

    async fn with(setup: Setup) -> Self {
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
    text.split(' ').next().expect("a number").parse().expect("a number")
}

pub fn figures(page: &str) -> [u64; 4] {
    ["Created", "Updated", "Unchanged", "Failed"].map(|name| figure(page, name))
}

/// Rows of which every `bad`th has no e-mail address that is one.
fn rows(count: usize, bad: usize) -> String {
    let row = |n: usize| {
        let at = if n.is_multiple_of(bad) { "" } else { "@example.com" };
        format!("user{n}{at},=1+{n},plan{n}\n")
    };
    format!("E-mail,Full name,Shoe size\n{}", (1..=count).map(row).collect::<String>())
}

const COLUMNS: [(&str, &str); 4] =
    [("column-0", "email"), ("column-1", "name"), ("column-2", "new"), ("name-2", "shoeSize")];

fn choose(what: &str) -> Vec<(&str, &str)> {
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
        told.text().contains("Choose a field for the column &#34;Shoe size&#34;, or do not import it."),
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
    assert!(jobs.contains("Import of people.csv") && jobs.contains("100000 of 100000"), "{jobs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_leave_alone_who_opted_out_and_say_how_many() {
    let Desk { server, visitor, list } = Desk::new().await;
    let contacts = json!([
        { "contact": "u1", "emailSubscribe": true }, { "contact": "u2" }, { "contact": "u3", "emailSubscribe": true },
    ]);
    server.update(&list, true, contacts).await;
    server.update(&list, false, json!([{ "contact": "u1", "emailSubscribe": false }])).await;
    let subscribed = json!({ "contactListId": list, "emailSubscribe": true });
    let count = async || {
        server.ok("/v3/contacts/find", &subscribed).await["data"].as_array().expect("an array").len()
    };
    let rows = b"User ID,Wants mail\nu1,yes\nu2,yes\n";
    let columns =
        |what| vec![("column-0", "userId"), ("column-1", "emailSubscribe"), ("mode", "upsert"), ("do", what)];
    let job = visitor.uploaded(&list, "mail.csv", rows).await;
    visitor.goes(&format!("{job}/begin"), &columns("try")).await;
    let page = ended(&visitor, &job, Duration::from_secs(30)).await;
    assert!(page.contains("1 opted out and stay so. Nothing was changed."), "{page}");
    visitor.goes(&format!("{job}/begin"), &columns("begin")).await;
    let page = ended(&visitor, &job, Duration::from_secs(30)).await;
    assert_eq!((figure(&page, "Opted out, left as they are"), count().await), (1, 2), "{page}");
    // A change of many asks, and the choice is off.
    let chosen = [("action", "subscribe:emailSubscribe"), ("all", "1")];
    let page = visitor.post(&format!("/lists/{list}/bulk"), &chosen).await.text();
    assert!(page.contains("Also for contacts who opted out"), "{page}");
    let mut confirmed = chosen.to_vec();
    confirmed.push(("confirm", "yes"));
    for (resubscribe, on) in [(false, 2), (true, 3)] {
        if resubscribe {
            confirmed.push(("resubscribe", "on"));
        }
        let job = visitor.goes(&format!("/lists/{list}/bulk"), &confirmed).await;
        ended(&visitor, &job, Duration::from_secs(30)).await;
        assert_eq!(count().await, on);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_contact_names_what_it_turned_off_and_turns_it_on_where_that_is_meant() {
    let Desk { server, visitor, list } = Desk::new().await;
    let saved =
        visitor.goes(&format!("/lists/{list}/rename"), &[("name", "Customers"), ("opt_out", "keep")]).await;
    assert_eq!(saved, "/lists?done=renamed");
    let page = visitor.page(&format!("/lists/{list}/rename")).await;
    assert!(page.contains("<option value=\"keep\" selected>"), "{page}");
    let made = server.upsert(&list, json!({ "contact": "u1", "emailSubscribe": false })).await;
    let contact = format!("/lists/{list}/contacts/{}", made["id"].as_str().expect("an id"));
    let page = visitor.page(&contact).await;
    assert!(page.contains("The contact turned off: E-mail."), "{page}");
    let mut form = vec![("emailSubscribe", "true"), ("was.emailSubscribe", "false")];
    assert_eq!(visitor.goes(&contact, &form).await, format!("{contact}?done=kept"));
    assert_eq!(server.contact(&list, "userId", "u1").await["emailSubscribe"], false);
    form.push(("resubscribe", "yes"));
    assert_eq!(visitor.goes(&contact, &form).await, format!("{contact}?done=saved"));
    assert_eq!(server.contact(&list, "userId", "u1").await["emailSubscribe"], true);
    assert!(!visitor.page(&contact).await.contains("The contact turned off"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicates_are_shown_and_merged_into_the_one_that_was_chosen() {
    let Desk { server, visitor, list } = Desk::new().await;
    let none = visitor.page(&format!("/lists/{list}/duplicates")).await;
    assert!(none.contains("No duplicates"), "{none}");
    let contacts =
        json!([{ "contact": "a@example.com" }, { "contact": "a+shop@example.com", "name": "Ada" }]);
    let made = server.update(&list, true, contacts).await;
    let ids = [0, 1].map(|place| made["results"]["success"][place]["id"].as_str().expect("an id").to_owned());
    let path = format!("/lists/{list}/duplicates");
    let page = visitor.page(&path).await;
    assert!(page.contains("Same address but for its tag") && page.contains(&ids[1]), "{page}");
    let unchosen = visitor.goes(&path, &[("contact", ids[0].as_str()), ("contact", ids[1].as_str())]).await;
    assert_eq!(unchosen, format!("{path}?done=none"));
    let fields = [("contact", ids[0].as_str()), ("contact", ids[1].as_str()), ("winner", ids[0].as_str())];
    assert_eq!(visitor.goes(&path, &fields).await, format!("{path}?done=merged"));
    assert_eq!(server.contact(&list, "email", "a@example.com").await["name"], "Ada");
    assert_eq!(visitor.goes(&path, &fields).await, format!("{path}?done=failed"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_sets_what_lists_do_about_opt_outs() {
    let Desk { server, visitor, list } = Desk::new().await;
    assert_eq!(visitor.goes("/account/opt-out", &[("opt_out", "keep")]).await, "/account?done=opt-out");
    assert!(visitor.page("/account").await.contains("<option value=\"keep\" selected>"));
    let got = server.ok("/v3/contact-list/get", &json!({ "contactListId": list })).await;
    assert_eq!(got["data"]["optOut"], "keep");
    assert_eq!(visitor.post("/account/opt-out", &[("opt_out", "never")]).await.status.as_u16(), 404);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_through_the_pages_changes_nothing() {
    let desk = Desk::new().await;
    let job = desk.visitor.uploaded(&desk.list, "people.csv", rows(1_000, 100).as_bytes()).await;
    desk.visitor.goes(&format!("{job}/begin"), &choose("try")).await;
    let page = ended(&desk.visitor, &job, Duration::from_secs(30)).await;
    assert!(page.contains("1000 rows: 990 new, 0 updated, 0 unchanged, 10 with errors."), "{page}");
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
    for path in ["", "/progress", "/failed.csv", "/requests.txt"] {
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

/// A workbook of which a part is huge when it is unpacked.
fn bomb(name: &str) -> Vec<u8> {
    let mut raw = Vec::new();
    let mut deflate = flate2::write::DeflateEncoder::new(&mut raw, flate2::Compression::best());
    let (zeros, mut crc, count) = (vec![b' '; 1 << 20], crc32fast::Hasher::new(), 64);
    for _ in 0..count {
        deflate.write_all(&zeros).expect("memory");
        crc.update(&zeros);
    }
    deflate.finish().expect("memory");
    let (name, crc) = (name.as_bytes(), crc.finalize());
    let sizes = [raw.len() as u32, count << 20].map(u32::to_le_bytes).concat();
    let same =
        [&[20, 0, 0, 0, 8, 0, 0, 0, 0, 0][..], &crc.to_le_bytes(), &sizes, &[name.len() as u8, 0, 0, 0]]
            .concat();
    let local = [&b"PK\x03\x04"[..], &same, name, &raw].concat();
    let central = [&b"PK\x01\x02\x14\x00"[..], &same, &[0; 14], name].concat();
    let ends = [central.len() as u32, local.len() as u32].map(u32::to_le_bytes).concat();
    [&local[..], &central, b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &ends, &[0, 0]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_not_taken_are_told_and_leave_nothing() {
    let desk = Desk::with(Setup { max_upload: 3 << 20, ..Setup::default() }).await;
    let told = |answer: Answer| {
        (answer.status.as_u16(), between(&answer.text(), "id=\"file-error\">", "</p>").to_owned())
    };
    for (content, text) in [
        (
            bomb("xl/sharedStrings.xml"),
            "people.csv: the workbook is too large: save it as CSV, which may have any size",
        ),
        (bomb("xl/worksheets/sheet1.xml"), "people.csv: a cell is longer than a row may be"),
        (vec![b'x'; 5 << 20], "the file is larger than 3 MiB, which is the most that is taken"),
        (b"".to_vec(), "people.csv: the file is empty"),
        (
            b"a\nb\"c\"d\n\"e".to_vec(),
            "people.csv: line 3: a quotation mark that is opened in this row is never closed",
        ),
    ] {
        let (status, shown) = told(desk.visitor.upload(&desk.list, "people.csv", &content).await);
        assert_eq!((status, shown.as_str()), (400, text));
    }
    // What comes before the first field, and the head of a field, have no bound of their own.
    let endless = vec![b'x'; 3 << 20];
    let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"").into_bytes();
    for before in [Vec::new(), head] {
        let (status, shown) =
            told(desk.visitor.upload_raw(&desk.list, [before, endless.clone()].concat()).await);
        assert_eq!((status, shown.as_str()), (400, "the file did not arrive whole: upload it again"));
    }
    let foreign = desk.visitor.upload_with("wrong", &desk.list, "people.csv", b"email\n").await;
    assert_eq!(foreign.status.as_u16(), 403);
    assert!(desk.visitor.page("/jobs").await.contains("No imports or bulk changes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_names_of_files_are_shown_as_they_are_and_lead_nowhere() {
    let desk = Desk::new().await;
    for (name, shown) in [
        ("../../<script>alert(1)</script>.csv", "script&#62;.csv"),
        ("Füße &amp; \u{202e}vsc.exe", "Füße &#38;amp; \u{202e}vsc.exe"),
        ("%0d%0aSet-Cookie: x=y", "%0d%0aSet-Cookie: x=y"),
    ] {
        let job = desk.visitor.uploaded(&desk.list, name, b"email\nuser@example.com\n").await;
        let page = desk.visitor.page(&job).await;
        assert!(page.contains(&format!("{shown}</h1>")), "{name}: {page}");
        assert!(!page.contains("<script>alert"));
        let id = job.rsplit('/').next().expect("an id");
        assert!(ObjectId::parse(id).is_some());
    }
}

/// Signs the owner of an account in.
pub async fn visit(store: &Store, server: &Process, account: &Account) -> Visitor {
    let storage = store.directory.open(crate::harness::StoreKind::under_test(), Role::Command).await;
    let user = ObjectId::parse(&account.user).expect("an id");
    Visitor::new(server.address, storage.as_ref(), user).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_on_by_itself_after_the_server_was_killed_and_no_row_is_doubled() {
    let store = Store::new();
    let account = store.account("Shop");
    let files = store.directory.path("files");
    let serve = || {
        store.serve_with(|command| {
            command.env("ROLLBOOK_FILES", &files);
        })
    };
    let mut server = serve();
    let list = server.list(&account.token);
    let visitor = visit(&store, &server, &account).await;
    let job = visitor.uploaded(&list, "people.csv", rows(60_000, 600).as_bytes()).await;
    visitor.goes(&format!("{job}/begin"), &choose("begin")).await;
    let (mut visitor, mut seen) = (visitor, 0);
    for _ in 0..3 {
        let start = Instant::now();
        loop {
            let part = visitor.page(&format!("{job}/progress")).await;
            if part.contains("<dt>Done</dt>") && figure(&part, "Done") > seen {
                seen = figure(&part, "Done");
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{part}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server.kill();
        server = serve();
        visitor = visitor.at(server.address);
    }
    assert!(seen < 60_000, "it was killed on its way");
    let page = ended(&visitor, &job, Duration::from_secs(120)).await;
    // A row that took effect twice would be counted as unchanged the second time.
    assert_eq!(figures(&page), [59_900, 0, 0, 100], "{page}");
    let failed = visitor.page(&format!("{job}/failed.csv")).await;
    assert_eq!(failed.lines().count(), 101);
}

/// A job that is to begin while the store is away waits for it, and does not fail.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_waits_for_a_store_that_is_away() {
    let switch = Switch::new();
    let desk = Desk::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    desk.server.upsert(&desk.list, json!({ "contact": "a", "active": true })).await;
    let path = format!("/lists/{}/bulk", desk.list);
    let fields = [("action", "disable"), ("all", "1"), ("confirm", "yes")];
    switch.set(Fault::Away);
    assert_eq!(desk.visitor.post(&path, &fields).await.status.as_u16(), 503, "no job is made");
    // It runs, and waits for its request.
    switch.set(Fault::ApplyWaits);
    let job = desk.visitor.goes(&path, &fields).await;
    let job = job.split('?').next().expect("a path");
    desk.server
        .wait_for("the job to run", async || {
            let page = desk.visitor.page(job).await;
            page.contains(">running<").then_some(())
        })
        .await;
    let before = switch.refused();
    switch.set(Fault::Away);
    let asked = async || (switch.refused() > before + 3).then_some(());
    desk.server.wait_for("the job to ask in vain", asked).await;
    assert_eq!(desk.visitor.get(job).await.status.as_u16(), 503);
    switch.set(Fault::None);
    let page = ended(&desk.visitor, job, Duration::from_secs(30)).await;
    assert_eq!(["Updated", "Failed"].map(|name| figure(&page, name)), [1, 0], "{page}");
    assert_eq!(desk.count(&json!({ "active": false })).await, 1);
    desk.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_confirms_a_change_makes_one_job_however_often_it_is_sent() {
    let desk = Desk::new().await;
    desk.server.upsert(&desk.list, json!({ "contact": "a" })).await;
    let path = format!("/lists/{}/bulk", desk.list);
    let asked = desk.visitor.post(&path, &[("action", "enable"), ("all", "1")]).await.text();
    let job = between(&asked, "name=\"job\" value=\"", "\"").to_owned();
    let confirm = [("action", "enable"), ("all", "1"), ("confirm", "yes"), ("job", job.as_str())];
    let (first, second) =
        tokio::join!(desk.visitor.goes(&path, &confirm), desk.visitor.goes(&path, &confirm));
    assert_eq!((first.as_str(), second), (format!("/jobs/{job}?done=begun").as_str(), first.clone()));
    let page = ended(&desk.visitor, &format!("/jobs/{job}"), Duration::from_secs(30)).await;
    assert_eq!(figure(&page, "Updated"), 1, "{page}");
    let jobs = desk.visitor.page("/jobs").await;
    assert_eq!(jobs.matches("Activate all contacts").count(), 1, "{jobs}");
    // Another confirmation is another job.
    let again = desk.visitor.post(&path, &[("action", "enable"), ("all", "1")]).await.text();
    assert_ne!(between(&again, "name=\"job\" value=\"", "\""), job);
}

/// The beginning of an upload whose rest is to come, on a connection of its own.
async fn begin_upload(visitor: &Visitor, list: &str) -> tokio::net::TcpStream {
    use tokio::io::AsyncWriteExt as _;
    let (address, cookie, csrf) = visitor.credentials();
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let head = format!(
        "POST /lists/{list}/import HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: 1000000\r\n\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.csv\"\r\n\r\nemail\n"
    );
    stream.write_all(head.as_bytes()).await.expect("it is sent");
    stream
}

/// Sends a few bytes every now and then, which no pause ends, until the server closes; returns its answer.
async fn trickle(mut stream: tokio::net::TcpStream) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut answer = Vec::new();
    loop {
        let mut buffer = [0; 4_096];
        tokio::select! {
            read = stream.read(&mut buffer) => match read {
                Ok(0) | Err(_) => return String::from_utf8_lossy(&answer).into_owned(),
                Ok(count) => answer.extend_from_slice(&buffer[..count]),
            },
            () = tokio::time::sleep(Duration::from_millis(200)) => {
                // Closed by the server, it is at its end when it is read.
                let _ = stream.write_all(b"x@example.com\n").await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_trickle_leave_others_a_place() {
    let desk = Desk::new().await;
    let bearer = desk.server.bearer("Other").await;
    let other = Visitor::new(desk.server.address, desk.server.storage.as_ref(), bearer.user).await;
    let made = json!({ "contactListName": "Theirs" });
    let list = desk.server.post_as(&bearer.token, "/v3/contact-list/create", &made).await.json();
    let mut trickles = tokio::task::JoinSet::new();
    for _ in 0..8 {
        trickles.spawn(trickle(begin_upload(&desk.visitor, &desk.list).await));
    }
    // An empty file makes no job, so that asking again and again leaves none. It has a place for a moment, in which one
    // of those above may have been refused: so there is another one each time.
    let taken = async || {
        trickles.spawn(trickle(begin_upload(&desk.visitor, &desk.list).await));
        let answer = desk.visitor.upload(&desk.list, "people.csv", b"").await;
        answer.text().contains("other files are being uploaded: try again in a moment").then_some(())
    };
    desk.server.wait_for("the account's places to be taken", taken).await;
    let list = list["contactListId"].as_str().expect("an id");
    other.uploaded(list, "people.csv", b"email\nuser@example.com\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_trickles_loses_its_place() {
    let mut setup = Setup::default();
    setup.limits.body_timeout = Duration::from_secs(3);
    let desk = Desk::with(setup).await;
    let answer = trickle(begin_upload(&desk.visitor, &desk.list).await).await;
    assert!(answer.contains("the file comes too slowly"), "{answer}");
    assert!(desk.visitor.page("/jobs").await.contains("No imports or bulk changes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_file_is_on_another_node_is_shown_and_says_so() {
    let desk = Desk::new().await;
    let job = desk.visitor.uploaded(&desk.list, "people.csv", rows(10, 5).as_bytes()).await;
    desk.visitor.goes(&format!("{job}/begin"), &choose("begin")).await;
    assert_eq!(figures(&ended(&desk.visitor, &job, Duration::from_secs(30)).await), [8, 0, 0, 2]);
    let ready = desk.visitor.uploaded(&desk.list, "more.csv", rows(10, 5).as_bytes()).await;
    // The same store, seen from a node that has a directory of its own.
    let Desk { server, visitor, list } = desk;
    let elsewhere = server.directory.path("elsewhere");
    let server = server.restart(Setup { files: Some(elsewhere), ..Setup::default() }).await;
    let visitor = visitor.at(server.address);
    let page = visitor.page(&job).await;
    assert_eq!(figures(&page), [8, 0, 0, 2]);
    assert!(page.contains("line 6: ") && !page.contains("failed.csv"), "{page}");
    let failed = visitor.get(&format!("{job}/failed.csv")).await;
    assert_eq!(failed.status.as_u16(), 409);
    assert!(failed.text().contains("lie on another node of this server"), "{}", failed.text());
    let page = visitor.page(&ready).await;
    assert!(page.contains("The uploaded file is on another node of this server"), "{page}");
    assert!(page.contains("user1@example.com"), "its first rows are in the store");
    // It can be begun here, waits for the node that has the file, and can be given up.
    let mut columns = vec![("column-0", "email"), ("column-1", "name"), ("column-2", "ignore")];
    columns.extend([("mode", "upsert"), ("do", "begin")]);
    visitor.goes(&format!("{ready}/begin"), &columns).await;
    let page = visitor.page(&ready).await;
    assert!(page.contains(">waiting<") && page.contains("is on another node"), "{page}");
    visitor.goes(&format!("{ready}/stop"), &[]).await;
    visitor.goes(&format!("{ready}/remove"), &[]).await;
    let own = visitor.uploaded(&list, "own.csv", rows(10, 5).as_bytes()).await;
    assert!(!visitor.page(&own).await.contains("another node"));
}
