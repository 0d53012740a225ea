//! From contact to contact of the page that one comes from, and back to it.

use serde_json::json;

use super::contacts::indexed;
use super::{Browser, fill, open};
use crate::harness::Server;

/// The name of the contact that a page shows.
fn shown(html: &str) -> String {
    let name = html.split("<h1>").nth(1).expect("a heading");
    name.split('<').next().unwrap_or_default().to_owned()
}

/// Follows links of that kind from a contact, through searches, until there is none or the results end.
async fn walk(server: &Server, browser: &Browser, from: &str, rel: &str) -> Vec<String> {
    let (mut names, mut path) = (Vec::new(), from.to_owned());
    loop {
        let page = browser.get(server, &path).await;
        if path.contains("done=") {
            let end = if rel == "next" { "the last contact" } else { "the first contact" };
            assert!(page.says(end), "{path}");
            return names;
        }
        names.push(shown(&page.html));
        let Some(link) = page.way(rel) else { return names };
        assert!(!link.contains("=&") && !link.ends_with('='), "an empty parameter: {link}");
        path = if link.contains("/step?") { browser.ask(server, &link).await.led().to_owned() } else { link };
    }
}

/// The addresses of the contacts of a page.
async fn links(server: &Server, browser: &Browser, path: &str) -> Vec<String> {
    let page = browser.get(server, path).await;
    let cells = page.attributes("/contacts/", "href");
    cells
        .into_iter()
        .filter(|link| link.split("/contacts/").nth(1).is_some_and(|id| id.len() >= 24))
        .collect()
}

fn names(numbers: impl Iterator<Item = usize>) -> Vec<String> {
    numbers.map(|number| format!("Ann {number:03}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_steps_through_the_contacts_that_a_page_has_found_and_back_to_it() {
    let (server, browser, list) = open().await;
    let contact = |number: usize| {
        let score = (number * 7 % 60).to_string();
        let (id, name) = (format!("user{number:04}"), format!("Ann {number:03}"));
        json!({ "contact": id, "name": name, "contactScore": score, "active": number.is_multiple_of(3) })
    };
    fill(&server, &list, 60, contact).await;

    // The plain list, the newest first, and the oldest first.
    for (query, order) in
        [("", names((0..60).rev())), ("?order=oldest", names(0..60)), ("?order=name", names(0..60))]
    {
        let page = format!("/lists/{list}{query}");
        let first = links(&server, &browser, &page).await.swap_remove(0);
        assert_eq!(walk(&server, &browser, &first, "next").await, order, "{query}");
        let last = links(&server, &browser, &page).await.pop().expect("a contact");
        let back = walk(&server, &browser, &last, "prev").await;
        assert_eq!(back, order[..50].iter().rev().cloned().collect::<Vec<_>>(), "{query}");
    }
    // A filter, in both kinds of order.
    for (query, order) in [
        ("active=true", names((0..60).rev().filter(|number: &usize| number.is_multiple_of(3)))),
        ("active=true&order=-name", names((0..60).rev().filter(|number: &usize| number.is_multiple_of(3)))),
    ] {
        let page = format!("/lists/{list}?{query}");
        let first = links(&server, &browser, &page).await.swap_remove(0);
        assert_eq!(walk(&server, &browser, &first, "next").await, order, "{query}");
        let opened = browser.get(&server, &first).await;
        assert!(opened.says("Back to the results"));
        assert!(opened.attributes("href", "href").contains(&page), "{}", opened.html);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_stepped_through_over_its_pages_also_over_all_lists() {
    let (server, browser, list) = open().await;
    let contact =
        |number: usize| json!({ "contact": format!("user{number:04}"), "name": format!("Ann {number:03}") });
    fill(&server, &list, 60, contact).await;
    indexed(&server, &list, "ann", 60).await;
    for page in [format!("/lists/{list}?q=ann"), "/contacts?q=ann".to_owned()] {
        let links = links(&server, &browser, &page).await;
        assert_eq!(links.len(), 50, "{page}");
        let mut walked = walk(&server, &browser, &links[0], "next").await;
        assert_eq!(walked.len(), 60, "{page}");
        let back = walk(&server, &browser, &links[2], "prev").await;
        assert_eq!(back, walked[..3].iter().rev().cloned().collect::<Vec<_>>());
        walked.sort();
        assert_eq!(walked, names(0..60), "{page}");
        let opened = browser.get(&server, &links[0]).await;
        assert!(opened.attributes("href", "href").contains(&page), "{}", opened.html);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn saving_a_contact_keeps_the_way_through_the_results() {
    let (server, browser, list) = open().await;
    fill(&server, &list, 2, |number| json!({ "contact": format!("user{number}"), "active": true })).await;
    let path = links(&server, &browser, &format!("/lists/{list}?active=true")).await.swap_remove(0);
    let saved = browser.submit(&server, &path, &path, &[("firstName", "Ann"), ("active", "true")]).await;
    assert_eq!(saved.led(), format!("{path}&done=saved"));
    assert!(browser.get(&server, saved.led()).await.says("Back to the results"));
    server.stop().await;
}
