//! `/suppression`, and what other pages show of it

use hyper::{Method, StatusCode};
use serde_json::json;

use super::{Browser, open};
use crate::erase::erase;
use crate::harness::Server;
use crate::visitor::BOUNDARY;

const PATH: &str = "/suppression";

/// Uploads a table, as the form on the page does.
async fn import(server: &Server, browser: &Browser, table: &[u8]) -> (StatusCode, String) {
    let csrf = browser.get(server, PATH).await.attributes("name=\"csrf\"", "value").remove(0);
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"bounces.csv\"\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(table);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [("cookie", browser.cookie()), ("content-type", kind.as_str()), ("accept", "text/html")];
    let answer = server.send(Method::POST, "/suppression/import", &headers, body).await;
    (answer.status, answer.text())
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_suppressed_searched_and_removed() {
    let (server, browser, _) = open().await;
    let empty = browser.get(&server, PATH).await;
    assert!(empty.says("No suppressed addresses") && empty.says("/v3/blacklist/add"), "{}", empty.text());
    let wrong = [("address", "user@"), ("reason", "import"), ("rawLog", "")];
    let wrong = browser.submit(&server, PATH, "/suppression/add", &wrong).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.says("This is not an e-mail address."), "{}", wrong.text());
    assert!(wrong.says("Allowed rejectType is hard, complaint, list-unsubscribe, but import given"));
    assert!(wrong.html.contains(r#"value="user@""#), "what was typed stays");
    let add = [("address", " Ada@example.com "), ("reason", "complaint"), ("rawLog", "<b>spam</b>")];
    assert_eq!(
        browser.submit(&server, PATH, "/suppression/add", &add).await.led(),
        "/suppression?done=added"
    );
    assert_eq!(
        browser.submit(&server, PATH, "/suppression/add", &add).await.led(),
        "/suppression?done=known"
    );
    let phone = [("address", "+15555555"), ("reason", "unsubscribe"), ("rawLog", "")];
    browser.submit(&server, PATH, "/suppression/add", &phone).await;

    let page = browser.get(&server, PATH).await;
    assert!(page.says("2 suppressions") && page.says("E-mail: complaint") && page.says("<b>spam</b>"));
    assert!(!page.html.contains("<b>spam"), "{}", page.html);
    let found = browser.get(&server, "/suppression?q=ADA%40example.com").await;
    assert!(found.says("1 suppression") && found.says("Ada@example.com") && !found.says("+15555555"));
    let absent = browser.get(&server, "/suppression?q=eve%40example.com").await;
    assert!(absent.says("eve@example.com is not suppressed"), "{}", absent.text());

    let remove = [("channel", "phoneNumber"), ("address", "+15555555"), ("reason", "unsubscribe")];
    let removed = browser.submit(&server, PATH, "/suppression/remove", &remove).await;
    let page = browser.get(&server, removed.led()).await;
    assert!(
        page.says("The address is not suppressed any more.") && !page.says("+15555555"),
        "{}",
        page.text()
    );
    let stranger = Browser::sign_in(&server, server.bearer("Other").await.user).await;
    assert!(stranger.get(&server, PATH).await.says("No suppressed addresses"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_imported_its_wrong_rows_are_named_and_all_is_exported() {
    let (server, browser, _) = open().await;
    let table = "email,phoneNumber,rejectType,rawLog\na@example.com,,hard,=1+1\nuser@,,hard,\n,+15555555,,\n\
                 A@EXAMPLE.com,,hard,\nb@example.com,,nonsense,\n";
    let (status, page) = import(&server, &browser, table.as_bytes()).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    for text in [
        "2 added, 1 suppressed before, 2 rejected.",
        "Invalid RFC2822 email user@",
        "Allowed rejectType is hard, complaint, list-unsubscribe, but nonsense given",
    ] {
        assert!(page.contains(text), "{text} in {page}");
    }
    let exported = browser.get(&server, "/suppression/export.csv").await.html;
    let lines: Vec<_> = exported.lines().collect();
    assert_eq!(lines[0], "channel,address,reason,rawLog,createdAt,expireAt");
    assert_eq!(lines.len(), 3, "{exported}");
    assert!(lines[1..].iter().any(|line| line.starts_with("email,a@example.com,hard,'=1+1,")), "{exported}");
    assert!(lines[1..].iter().any(|line| line.starts_with("phoneNumber,+15555555,import,,")), "{exported}");
    // An export comes back as it was, with its times.
    let before = server.ok("/v3/suppression/list", &json!({})).await;
    for (path, body) in [
        ("/v3/blacklist/remove", json!({ "email": "a@example.com" })),
        ("/v3/phone-blacklist/remove", json!({ "phoneNumber": "+15555555" })),
    ] {
        server.ok(path, &body).await;
    }
    let (status, page) = import(&server, &browser, exported.as_bytes()).await;
    assert!(status == StatusCode::OK && page.contains("2 added, 0 suppressed before, 0 rejected."), "{page}");
    let after = server.ok("/v3/suppression/list", &json!({})).await;
    let whole_seconds = |answer: &serde_json::Value| {
        let mut rows = answer["data"].as_array().expect("rows").clone();
        rows.sort_by_key(|row| row["address"].to_string());
        rows
    };
    assert_eq!(whole_seconds(&after), whole_seconds(&before));

    for (table, text) in [(&b""[..], "Choose a file."), (b"name\nAda\n", "the table has no column")] {
        let (status, page) = import(&server, &browser, table).await;
        assert!(status == StatusCode::BAD_REQUEST && page.contains(text), "{text} in {page}");
    }
    let large = [b"email\n".to_vec(), b"x".repeat(26 << 20)].concat();
    let (status, page) = import(&server, &browser, &large).await;
    assert!(status == StatusCode::BAD_REQUEST && page.contains("larger than 25 MB"), "{page}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_show_that_they_are_suppressed_and_exports_leave_them_out() {
    let (server, browser, list) = open().await;
    let ada = server.upsert(&list, json!({ "contact": "ada@example.com" })).await;
    server.upsert(&list, json!({ "contact": "bob@example.com" })).await;
    let record = json!({ "email": "ada@example.com", "rejectType": "hard" });
    server.ok("/v3/blacklist/add", &json!({ "records": [record] })).await;
    let contact = format!("/lists/{list}/contacts/{}", ada["id"].as_str().expect("an id"));
    let page = browser.get(&server, &contact).await;
    assert!(
        page.says("This contact must not be written to:") && page.says("E-mail: hard, since"),
        "{}",
        page.text()
    );
    let path = format!("/lists/{list}");
    let page = browser.get(&server, &path).await;
    assert!(page.says("Suppressed (E-mail: hard)"), "{}", page.text());
    let only = browser.get(&server, &format!("{path}?suppressed=true")).await;
    assert!(only.says("ada@example.com") && !only.says("bob@example.com"), "{}", only.text());
    let others = browser.get(&server, &format!("{path}?suppressed=false&q=ada%40example.com")).await;
    assert!(!others.says("ada@example.com Suppressed"), "{}", others.text());

    let export = async |query: &str| browser.get(&server, &format!("{path}/export/file?{query}")).await.html;
    let without = export("format=csv").await;
    assert!(without.contains("bob@example.com") && !without.contains("ada@example.com"), "{without}");
    assert!(!without.contains("suppressed.reasons"));
    let with = export("format=csv&suppressedToo=yes").await;
    let row = with.lines().find(|line| line.contains("ada@example.com")).expect("the contact");
    assert!(with.lines().next().is_some_and(|header| header.ends_with(",suppressed.reasons")), "{with}");
    assert!(row.contains(",email hard 20"), "{row}");
    let asked = export("format=jsonl&suppressed=true").await;
    assert!(asked.contains(r#""suppressed":[{"channel":"email","reason":"hard""#), "{asked}");

    erase(&server, json!({ "email": "ada@example.com" })).await;
    let page = browser.get(&server, PATH).await;
    assert!(page.says("person erased") && !page.says("ada@example.com"), "{}", page.text());
    let found = browser.get(&server, "/suppression?q=ada%40example.com").await;
    assert!(found.says("1 suppression") && found.says("ada@example.com person erased"), "{}", found.text());
    server.stop().await;
}
