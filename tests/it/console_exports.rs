//! Exports through the pages: as workbooks, and continued after a connection was lost.

use serde_json::{Value, json};

use crate::console_jobs::Desk;
use crate::harness::Answer;

/// Adds contacts with texts that a table must quote.
async fn fill(desk: &Desk, count: usize) {
    for first in (0..count).step_by(100) {
        let contacts: Vec<Value> = (first..count.min(first + 100))
            .map(|n| json!({ "contact": format!("00{n}"), "email": format!("u{n}@example.com"), "name": "=1, \"ö\"" }))
            .collect();
        desk.server.update(&desk.list, true, json!(contacts)).await;
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_was_cut_off_continues_by_range() {
    let desk = Desk::new().await;
    fill(&desk, 2_500).await;
    let path = format!("/lists/{}/export/file?format=excel", desk.list);
    let whole = desk.visitor.get(&path).await;
    let tag = header(&whole, "etag").to_owned();
    assert_eq!(whole.text().lines().count(), 2_501);
    assert_eq!(header(&whole, "accept-ranges"), "bytes");
    // The list changes meanwhile; the download continues as it began.
    desk.server.update(&desk.list, true, json!([{ "contact": "000", "name": "Another" }])).await;
    let (bytes, length) = (&whole.body, whole.body.len());
    for (asked, from, to) in [
        ("bytes=1000-".to_owned(), 1_000, length),
        ("bytes=0-0".to_owned(), 0, 1),
        (format!("bytes={}-{}", length - 5, length + 9), length - 5, length),
        ("bytes=-7".to_owned(), length - 7, length),
    ] {
        for headers in
            [&[("range", asked.as_str()), ("if-range", tag.as_str())][..], &[("range", asked.as_str())]]
        {
            let rest = desk.visitor.get_with(&path, headers).await;
            assert_eq!(rest.status.as_u16(), 206, "{asked}");
            assert_eq!(header(&rest, "content-range"), format!("bytes {from}-{}/{length}", to - 1));
            assert_eq!(header(&rest, "content-length"), (to - from).to_string());
            assert_eq!(rest.body, bytes.slice(from..to), "{asked}");
            assert_eq!(header(&rest, "etag"), tag);
        }
    }
    let behind = desk.visitor.get_with(&path, &[("range", &format!("bytes={length}-"))]).await;
    assert_eq!(
        (behind.status.as_u16(), header(&behind, "content-range")),
        (416, format!("bytes */{length}").as_str())
    );
    // Another request, and one with another tag, get a whole file.
    let other = desk.visitor.get_with(&format!("{path}&active=true"), &[("range", "bytes=5-")]).await;
    assert_eq!(other.status.as_u16(), 200);
    let stale = desk.visitor.get_with(&path, &[("range", "bytes=5-"), ("if-range", "\"other\"")]).await;
    assert_eq!(stale.status.as_u16(), 200);
    assert!(stale.text().contains("Another") && header(&stale, "etag") != tag);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_from_the_page_imports_as_the_same_contacts() {
    let desk = Desk::new().await;
    fill(&desk, 1_200).await;
    let path = format!("/lists/{}/export/file?format=xlsx", desk.list);
    let answer = desk.visitor.get(&path).await;
    let name = header(&answer, "content-disposition");
    assert!(name.starts_with("attachment; filename=\"Customers-20") && name.ends_with(".xlsx\""), "{name}");
    assert!(answer.body.starts_with(b"PK"));
    let other = desk.server.list().await;
    let job = desk.visitor.uploaded(&other, "people.xlsx", &answer.body).await;
    let page = desk.visitor.page(&job).await;
    assert!(page.contains("1200 rows of XLSX") && page.contains("001"), "{page}");
}

/// An account has four at a time: a fifth waits for none of those that are read.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_made_anew_for_each_download() {
    let desk = Desk::new().await;
    fill(&desk, 10).await;
    let path =
        |format: &str, filter: &str| format!("/lists/{}/export/file?format={format}{filter}", desk.list);
    for filter in ["", "&active=true", "&active=false", "&smsSubscribe=true", "&smsSubscribe=false", ""] {
        for format in ["csv", "xlsx", "jsonl"] {
            assert_eq!(
                desk.visitor.get(&path(format, filter)).await.status.as_u16(),
                200,
                "{format}{filter}"
            );
        }
    }
    desk.server.update(&desk.list, true, json!([{ "contact": "000", "firstName": "New" }])).await;
    assert!(desk.visitor.get(&path("csv", "")).await.text().contains(",New,"));
    let with_ids = desk.visitor.get(&path("csv", "&ids=yes&column=userId")).await.text();
    let id = with_ids.lines().nth(1).and_then(|line| line.strip_prefix("000,")).expect("an id");
    assert!(with_ids.starts_with("userId,contactId\n") && id.len() == 24, "{with_ids}");
}
