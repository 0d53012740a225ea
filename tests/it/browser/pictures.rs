//! Pictures of every page, light and dark, wide and narrow, for people to look at: `target/screenshots`. What a
//! machine can tell is told here: nothing sticks out of a narrow page, and the browser complains of nothing.

use std::path::PathBuf;

use serde_json::json;

use super::Browser;
use crate::console::{PASSWORD, Visitor, let_in};
use crate::harness::Server;

/// Where pictures go: beside the build.
fn directory() -> PathBuf {
    let program = std::env::current_exe().expect("a path");
    let target = program.ancestors().nth(3).expect("target/debug/deps").to_owned();
    let directory = target.join("screenshots");
    std::fs::create_dir_all(&directory).expect("a directory");
    directory
}

async fn take(browser: &Browser, name: &str) {
    for scheme in ["light", "dark"] {
        for width in [1280, 375] {
            browser.look(scheme, width).await;
            let wide = browser.run("return document.scrollingElement.scrollWidth").await;
            assert_eq!(wide, json!(width), "{name} is as wide as the screen");
            let picture = browser.picture().await;
            std::fs::write(directory().join(format!("{name}-{scheme}-{width}.png")), picture)
                .expect("a file");
        }
    }
    browser.quiet().await;
}

async fn sign_in(browser: &Browser) {
    browser.visit("/sign-in").await;
    browser.fill("#email", "ada@example.com").await;
    browser.fill("#password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.arrives_at("/").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_fits_wide_and_narrow_light_and_dark() {
    let server = Server::start().await;
    let mut ada = let_in(&server, server.user, "ada@example.com").await;
    let browser = Browser::open(&format!("http://{}", server.address)).await;
    browser.visit("/sign-in").await;
    take(&browser, "sign-in").await;
    sign_in(&browser).await;
    for (name, path) in [("lists-empty", "/lists"), ("overview-empty", "/"), ("requests-empty", "/requests")]
    {
        browser.visit(path).await;
        take(&browser, name).await;
    }
    take_links_and_troubles(&browser).await;
    let long =
        "A list with a rather long name, as they come from an import of a department's old spreadsheets";
    for name in ["Customers", "Newsletter", long] {
        ada.done(&server, "/lists", &[("name", name)]).await;
    }
    ada.post(&server, "/account/users", &[("name", "Ben"), ("role", "editor")]).await;
    Visitor::default().sign_in(&server, "ada@example.com", PASSWORD).await;
    let found = server.ok("/v3/contact-list/find", &json!({})).await;
    let list = found["data"][0]["contactListId"].as_str().expect("an id").to_owned();
    let variables = json!([{ "name": "plan", "type": "ENUM_STRING" }]);
    let variables = json!({ "contactListId": list, "variables": variables });
    server.ok("/v3/contact-list/variables/add", &variables).await;
    ada.post(&server, "/keys", &[("name", "Shop"), ("read_only", "on"), ("limited", "on"), ("list", &list)])
        .await;
    let people = (0..30).map(|number| json!({
        "contact": format!("person{number}@example.com"), "firstName": "Ada", "lastName": format!("Example {number}"),
        "phoneNumber": format!("+1555555{number:02}"), "active": number % 3 != 0, "emailSubscribe": true,
    }));
    let request = server.update(&list, true, people.collect()).await;
    server.source(&json!({ "name": "Shop", "customerSourceId": "shop1" })).await;
    let contact = request["results"]["success"][0]["id"].as_str().expect("an id").to_owned();
    browser.visit(&format!("/lists/{list}/contacts/{contact}")).await;
    take(&browser, "contact").await;
    let listed = server.ok("/v3/request/list", &json!({})).await;
    let request = listed["data"][0]["id"].as_str().expect("a request").to_owned();
    browser.visit(&format!("/requests/{request}")).await;
    take(&browser, "request").await;
    let source = server.source(&json!({ "name": "Fair", "customerSourceId": "fair" })).await;
    for (name, path) in pages(&list) {
        browser.visit(&path).await;
        take(&browser, name).await;
    }
    let users = server.storage.accounts().await.expect("a look").remove(0).users;
    let ben = format!("/account/users/{}", users[1].id);
    for (name, path) in [("user", ben.clone()), ("user-disable", format!("{ben}/disable"))] {
        browser.visit(&path).await;
        take(&browser, name).await;
    }
    many_columns(&browser, &server, ada.clone(), &list).await;
    let empty = found["data"][1]["contactListId"].as_str().expect("an id").to_owned();
    let key = server.token.split('_').nth(1).expect("the public part of the token").to_owned();
    for (name, path) in [
        ("contacts-empty", format!("/lists/{empty}")),
        ("contact-remove", format!("/lists/{list}/contacts/{contact}/remove")),
        ("contact-erase", format!("/lists/{list}/contacts/{contact}/erase")),
        ("request-undo", format!("/requests/{request}/undo")),
        ("source", format!("/sources/{source}")),
        ("source-remove", format!("/sources/{source}/remove")),
        ("variable-rename", format!("/lists/{list}/variables/plan/rename")),
        ("variable-remove", format!("/lists/{list}/variables/plan/remove")),
        ("key-revoke", format!("/keys/{key}/revoke")),
    ] {
        browser.visit(&path).await;
        take(&browser, name).await;
    }
    take_jobs(&browser, &server, &list).await;
    browser.visit("/keys").await;
    browser.fill("#name", "Newsletter import").await;
    browser.press("Create key").await;
    browser.sees("Copy the key now").await;
    take(&browser, "key-made").await;
    browser.close().await;
    server.stop().await;
}

/// A table of ten columns scrolls, and breaks no address in two.
async fn many_columns(browser: &Browser, server: &Server, mut ada: Visitor, list: &str) {
    let long = "a.person.with.a.long.name@department.example.com";
    server
        .upsert(
            list,
            json!({ "contact": long, "name": "A person with a long name", "userId": "person-0001" }),
        )
        .await;
    let columns = [
        "name",
        "email",
        "phoneNumber",
        "userId",
        "active",
        "contactBirthday",
        "source",
        "variables:plan",
        "createdAt",
        "updatedAt",
    ];
    let columns: Vec<_> = columns.iter().map(|column| ("column", *column)).collect();
    let path = format!("/lists/{list}");
    let chosen = ada.post(server, &format!("{path}/columns"), &columns).await;
    let cookie = chosen.headers["set-cookie"]
        .to_str()
        .expect("text")
        .split("; HttpOnly")
        .next()
        .expect("a cookie")
        .to_owned();
    // It is HttpOnly: only for this page a script sets it.
    browser.visit(&path).await;
    browser.run(&format!("document.cookie = '{cookie}'")).await;
    browser.visit(&path).await;
    let lines = "const cell = [...document.querySelectorAll('.contacts td')].find(it => it.textContent.includes('department'));
                 const text = document.createRange(); text.selectNodeContents(cell); return text.getClientRects().length";
    assert_eq!(browser.run(lines).await, json!(1), "the address stands in one line");
    take(browser, "contacts-columns").await;
}

/// What leads nowhere. The browser complains of the status, as it should.
async fn take_links_and_troubles(browser: &Browser) {
    for (name, path) in [("link-gone", "/welcome/gone"), ("trouble", "/lists/000000000000000000000000")] {
        browser.visit(path).await;
        assert_eq!(browser.complaints().await.len(), 1, "{path}");
        take(browser, name).await;
    }
}

/// An import on its way from the file to what failed of it, and a change of many that is about to begin.
async fn take_jobs(browser: &Browser, server: &Server, list: &str) {
    let file = server.directory.path("people.csv");
    let rows = (0..40).map(|row| {
        let at = if row % 9 == 4 { "." } else { "@" };
        format!("u{row},u{row}{at}example.com,Ada,Example {row},a plan with rather a long name,\n")
    });
    let header = "userId,e-mail,first name,surname,plan,phoneNumber\n".to_owned();
    std::fs::write(&file, std::iter::once(header).chain(rows).collect::<String>()).expect("a file");
    browser.visit(&format!("/lists/{list}/import")).await;
    browser.find("#file").await.send_keys(&file.display().to_string()).await.expect("a file");
    browser.press("Upload").await;
    browser.sees("Start the import").await;
    take(browser, "job-columns").await;
    browser.press("Start the import").await;
    browser.sees("Download the failed rows as CSV").await;
    take(browser, "job").await;
    browser.visit(&format!("/lists/{list}")).await;
    browser.click("#bulk-action option[value='unsubscribe:emailSubscribe']").await;
    browser.click("#bulk-all").await;
    browser.click("form.bulk > button").await;
    browser.find("button[name=confirm]").await;
    take(browser, "bulk").await;
}

/// Every page that is opened by its address, with a name for its pictures.
fn pages(list: &str) -> Vec<(&'static str, String)> {
    vec![
        ("overview", "/".to_owned()),
        ("lists", "/lists".to_owned()),
        ("contacts", format!("/lists/{list}")),
        ("contact-new", format!("/lists/{list}/contacts/new")),
        ("variables", format!("/lists/{list}/variables")),
        ("import", format!("/lists/{list}/import")),
        ("export", format!("/lists/{list}/export")),
        ("sources", "/sources".to_owned()),
        ("requests", "/requests".to_owned()),
        ("jobs", "/jobs".to_owned()),
        ("duplicates", format!("/lists/{list}/duplicates")),
        ("suppression", "/suppression".to_owned()),
        ("webhooks", "/webhooks".to_owned()),
        ("list-rename", format!("/lists/{list}/rename")),
        ("list-remove", format!("/lists/{list}/remove")),
        ("keys", "/keys".to_owned()),
        ("account", "/account".to_owned()),
        ("webhook-secret", "/account/webhook-secret".to_owned()),
        ("reference", "/docs".to_owned()),
    ]
}
