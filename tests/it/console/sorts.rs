//! The heads of the table of contacts sort it, forward, back, and in saved views.

use serde_json::json;

use super::let_in;
use crate::harness::Server;

/// The names in the table, in their order.
fn names(page: &str) -> Vec<String> {
    let rows = page.split("<th scope=\"row\">").skip(1);
    rows.map(|row| row.split('>').nth(1).unwrap().split('<').next().unwrap().to_owned()).collect()
}

fn link(page: &str, rel: &str) -> String {
    let link = page.split(&format!("<a rel=\"{rel}\" href=\"")).nth(1).expect("a link");
    link.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&")
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_sort_the_table_and_pages_lead_to_each_other() {
    let server = Server::start().await;
    let mut visitor = let_in(&server, server.user, "ada@example.com").await;
    let list = server.list().await;
    for batch in 0..2 {
        let contacts: Vec<_> = (0..60)
            .map(|place| {
                let number = (batch * 60 + place) * 7 % 120;
                json!({ "contact": format!("u{number}"), "name": format!("Name {number:03}") })
            })
            .collect();
        server.update(&list, true, json!(contacts)).await;
    }
    let plain = visitor.page(&server, &format!("/lists/{list}")).await;
    assert!(
        plain.contains(&format!("<a class=\"sort\" href=\"/lists/{list}?order=name\">Name</a>")),
        "{plain}"
    );
    assert!(!plain.contains("aria-sort"), "no column that is shown has the usual order");

    let first = visitor.page(&server, &format!("/lists/{list}?order=name")).await;
    let expected =
        |range: std::ops::Range<usize>| range.map(|number| format!("Name {number:03}")).collect::<Vec<_>>();
    assert_eq!(names(&first), expected(0..50));
    let head = format!(
        "<th scope=\"col\" aria-sort=\"ascending\"><a class=\"sort\" href=\"/lists/{list}?order=-name\">"
    );
    assert!(first.contains(&head), "{first}");
    let second = visitor.page(&server, &link(&first, "next")).await;
    assert_eq!(names(&second), expected(50..100));
    let third = visitor.page(&server, &link(&second, "next")).await;
    assert_eq!(names(&third), expected(100..120));
    assert!(!third.contains("rel=\"next\""), "the last page");
    let back = visitor.page(&server, &link(&third, "prev")).await;
    assert_eq!(names(&back), expected(50..100));
    let back = visitor.page(&server, &link(&back, "prev")).await;
    assert_eq!(names(&back), expected(0..50));
    assert!(!back.contains("rel=\"prev\""), "the first page");
    let turned = visitor.page(&server, &format!("/lists/{list}?order=-name")).await;
    assert_eq!(names(&turned), expected(70..120).into_iter().rev().collect::<Vec<_>>());

    // A view keeps the order.
    assert!(first.contains("order=name"), "{first}");
    let searched = visitor.page(&server, &format!("/lists/{list}?order=name&q=Name+007")).await;
    assert!(!searched.contains("class=\"sort\""), "a search has an order of its own");
    server.stop().await;
}
