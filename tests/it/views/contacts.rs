//! `/lists/{id}`

use std::collections::HashSet;

use hyper::StatusCode;
use serde_json::json;

use super::{Browser, fill, open};
use crate::harness::Server;

/// Walks along the links of one kind, and returns the contacts that are met.
async fn walk(server: &Server, browser: &Browser, from: &str, rel: &str) -> (Vec<String>, String) {
    let (mut met, mut path) = (Vec::new(), from.to_owned());
    loop {
        let page = browser.get(server, &path).await;
        met.push(page.contacts());
        match page.way(rel) {
            Some(next) => path = next,
            None => return (met.concat(), path),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paging_over_many_contacts_visits_each_once_in_both_orders_and_both_directions() {
    let (server, browser, list) = open().await;
    fill(&server, &list, 2_500, |number| json!({ "contact": format!("user{number}") })).await;
    let first = browser.get(&server, &format!("/lists/{list}")).await;
    assert!(first.says("2,500 contacts"), "{}", first.text());
    assert_eq!(first.contacts().len(), 50);
    for order in ["", "?order=oldest"] {
        let (met, last) = walk(&server, &browser, &format!("/lists/{list}{order}"), "next").await;
        assert_eq!(met.len(), 2_500);
        assert_eq!(met.iter().collect::<HashSet<_>>().len(), 2_500);
        assert!(met.is_sorted_by(|one, next| (one < next) == (order == "?order=oldest")));
        let (back, _) = walk(&server, &browser, &last, "prev").await;
        assert_eq!(back.iter().collect::<HashSet<_>>().len(), 2_500, "and back again");
    }
    server.stop().await;
}

/// Waits until the search index has so many contacts that match.
pub async fn indexed(server: &Server, list: &str, search: &str, count: usize) {
    let body = json!({ "contactListId": list, "search": search, "limit": 1_000 });
    server
        .wait_for("the contacts to be indexed", async || {
            let found = server.ok("/v3/contacts/find", &body).await;
            (found["data"].as_array().expect("an array").len() == count).then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_of_all_lists_are_found_on_one_page_and_each_says_where_else_it_is() {
    let (server, browser, list) = open().await;
    let other = server.list().await;
    let contact =
        |name: &str| json!([{ "contact": "ada@example.com", "firstName": name, "lastName": "Löve" }]);
    let told = server.update(&list, true, contact("Ada")).await;
    server.update(&other, true, contact("Augusta")).await;
    server
        .update(
            &list,
            true,
            (0..60).map(|n| json!({ "contact": format!("o{n}"), "name": "Other One" })).collect(),
        )
        .await;
    indexed(&server, &list, "other", 60).await;
    indexed(&server, &other, "augusta", 1).await;
    let empty = browser.get(&server, "/contacts").await;
    assert!(empty.says("Search the contacts of all lists") && !empty.html.contains("<table"));
    let page = browser.get(&server, "/contacts?q=love").await;
    let rows = |html: &str| html.matches("<th scope=\"row\">").count();
    assert_eq!(rows(&page.html), 2, "{}", page.text());
    // First and last name stand for a name that is missing.
    assert!(page.says("Ada Löve") && page.says("Augusta Löve"), "{}", page.text());
    let page = browser.get(&server, "/contacts?q=other").await;
    assert_eq!(rows(&page.html), 50);
    let next = browser.get(&server, &page.way("next").expect("a next page")).await;
    assert_eq!(rows(&next.html), 10);
    assert!(next.way("next").is_none());
    assert!(browser.get(&server, "/contacts?q=zzqy").await.says("No contacts match"));
    assert!(browser.get(&server, "/contacts?q=--").await.says("Search for letters or digits"));
    let id = told["results"]["success"][0]["id"].as_str().expect("an id");
    let page = browser.get(&server, &format!("/lists/{list}/contacts/{id}")).await;
    assert!(page.says("Also in:") && page.html.contains(&format!("href=\"/lists/{other}/contacts/")));
    assert!(page.says("Ada Löve"), "{}", page.text());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_identifiers_first_and_then_names_and_the_filters_hold() {
    let (server, browser, list) = open().await;
    let contacts = json!([
        { "contact": "ann", "email": "Ann@Example.com", "phoneNumber": "+15555555", "name": "Ann Lee" },
        { "contact": "bob", "name": "Bob" },
        { "contact": "anna", "name": "anna" },
    ]);
    let told = server.update(&list, true, contacts).await;
    let id = |place: usize| told["results"]["success"][place]["id"].as_str().expect("an id").to_owned();
    // Identifiers are found without the index: a word of a name says that it has come so far.
    indexed(&server, &list, "lee", 1).await;
    for (search, expected) in [
        ("ann", vec![id(0), id(2)]),
        ("ann@example.com", vec![id(0)]),
        ("%2B15555555", vec![id(0)]),
        (id(1).as_str(), vec![id(1)]),
        ("AN", vec![id(0), id(2)]),
        ("lee+ann", vec![id(0)]),
        ("+Bo+", vec![id(1)]),
        ("nobody", vec![]),
        ("ann&active=true", vec![]),
        ("ann&active=false", vec![id(0), id(2)]),
    ] {
        let page = browser.get(&server, &format!("/lists/{list}?q={search}")).await;
        assert_eq!(page.contacts(), expected, "{search}");
    }
    let nobody = browser.get(&server, &format!("/lists/{list}?q=%3Ci%3Enobody")).await;
    assert!(nobody.says("No contacts match") && nobody.says("“<i>nobody”"));
    assert!(!nobody.html.contains("<i>nobody"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_narrowed_by_flags_source_and_time_and_the_links_keep_that() {
    let (server, browser, list) = open().await;
    let source = server.source(&json!({ "name": "Fair" })).await;
    fill(&server, &list, 130, |number| {
        json!({
            "contact": format!("user{number}"), "active": number % 2 == 0,
            "sourceId": if number < 70 { Some(&source) } else { None },
        })
    })
    .await;
    let path = format!("/lists/{list}?active=true&sourceId=&smsSubscribe=");
    let page = browser.get(&server, browser.ask(&server, &path).await.led()).await;
    assert_eq!(page.contacts().len(), 50);
    let next = page.way("next").expect("a next page");
    assert!(next.contains("active=true") && !next.contains("smsSubscribe"), "{next}");
    assert_eq!(browser.get(&server, &next).await.contacts().len(), 15);
    assert!(page.html.contains(&format!("/lists/{list}/export?active=true\"")), "the export takes the same");
    let both = browser.get(&server, &format!("/lists/{list}?active=true&sourceId={source}")).await;
    assert_eq!(both.contacts().len(), 35);
    for since in ["2999-01-01", "2999-01-01+00:00:00"] {
        let none = browser.get(&server, &format!("/lists/{list}?updatedSince={since}")).await;
        assert!(none.contacts().is_empty() && none.says("No contacts match"));
    }
    let wrong = browser.get(&server, &format!("/lists/{list}?updatedSince=yesterday&active=x")).await;
    assert!(wrong.says("Enter a time as YYYY-MM-DD hh:mm:ss or YYYY-MM-DD."));
    assert!(wrong.says("Choose yes or no for active."));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_few_fit_a_page_looks_at_some_and_goes_on_from_there() {
    let (server, browser, list) = open().await;
    fill(&server, &list, 9_100, |number| {
        json!({ "contact": format!("user{number}"), "name": if number % 4_000 == 10 { "Rare" } else { "Common" } })
    })
    .await;
    let page = browser.get(&server, &format!("/lists/{list}?namePrefix=rare")).await;
    assert_eq!(page.contacts().len(), 1, "the newest is number 8,010");
    assert!(page.says("Searched 4,000 of 9,100 contacts."), "{}", page.text());
    let rest = page.attributes("hx-trigger=\"load\"", "hx-get").remove(0);
    let link = page.attributes("class=\"button\"", "href");
    assert!(
        link.iter().any(|link| rest.replace("/rest?", "?") == *link),
        "without a script it is a link: {link:?}"
    );
    // A script takes the rest in the place of the button, until there is no more.
    let second = browser.get(&server, &rest).await;
    assert!(second.html.starts_with("<tbody>") && second.says("Searched 8,000 of 9,100 contacts."));
    assert_eq!(second.contacts().len(), 1);
    let rest = second.attributes("hx-trigger=\"load\"", "hx-get").remove(0);
    let third = browser.get(&server, &rest).await;
    assert_eq!(third.contacts().len(), 1);
    assert!(third.says("End of results."), "{}", third.text());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_a_field_is_never_markup() {
    let (server, browser, list) = open().await;
    let evil = r#"<script>alert(1)</script>"'&"#;
    let contact = json!({ "contact": "a", "name": evil, "variables": [{ "name": "plan", "value": evil }] });
    let told = server.upsert(&list, contact).await;
    let columns = browser
        .submit(
            &server,
            &format!("/lists/{list}"),
            &format!("/lists/{list}/columns"),
            &[("column", "name"), ("column", "variables:plan"), ("column", "nonsense")],
        )
        .await;
    assert_eq!(columns.led(), format!("/lists/{list}?"));
    let cookie = columns.set_cookie.expect("a cookie");
    assert!(cookie.starts_with("rollbook_columns=name.variables:plan; "), "{cookie}");
    assert!(cookie.contains(&format!("Path=/lists/{list};")) && cookie.contains("HttpOnly"));
    let browser = browser.with_cookie("rollbook_columns=name.variables:plan");
    let contact = format!("/lists/{list}/contacts/{}", told["id"].as_str().expect("an id"));
    for path in
        [&format!("/lists/{list}"), &contact, &format!("{contact}/remove"), &format!("{contact}/erase")]
    {
        let page = browser.get(&server, path).await;
        assert!(!page.html.contains("<script>alert"), "{path}");
        assert!(page.says(evil), "{path}: {}", page.text());
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_list_says_what_to_do_and_another_account_sees_nothing() {
    let (server, browser, list) = open().await;
    let page = browser.get(&server, &format!("/lists/{list}")).await;
    assert!(page.says("This list has no contacts yet"));
    let curl =
        format!(r#"-d '{{"contactListId":"{list}","upsert":true,"contacts":[{{"contact":"user@example.com""#);
    assert!(page.says(&curl) && page.says("/v3/contacts/update"), "{}", page.text());
    let told = server.upsert(&list, json!({ "contact": "a" })).await;
    let contact = told["id"].as_str().expect("an id");

    let stranger = Browser::sign_in(&server, server.bearer("Other").await.user).await;
    for path in ["", "/rest", "/variables", "/contacts/new"] {
        let page = stranger.ask(&server, &format!("/lists/{list}{path}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["", "/remove", "/erase", "/person.json"] {
        let page = stranger.ask(&server, &format!("/lists/{list}/contacts/{contact}{path}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
    }
    let unknown = browser.ask(&server, &format!("/lists/{list}/contacts/{}", "0".repeat(24))).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_finds_nothing_ends_without_a_table_and_without_a_way_back() {
    let (server, browser, list) = open().await;
    fill(&server, &list, 4_500, |number| json!({ "contact": format!("user{number:04}") })).await;
    let path = format!("/lists/{list}");
    let page = browser.get(&server, &format!("{path}?namePrefix=nobody")).await;
    assert!(page.says("Searched 4,000 of 4,500 contacts."), "{}", page.text());
    let rest = page.attributes("hx-trigger=\"load\"", "hx-get").remove(0);
    // With a script, the end replaces the table and the bar; without one it is a page of its own.
    let end = browser.ask(&server, &rest).await;
    assert!(end.html.starts_with("<div id=\"contacts\">"), "{}", end.html);
    for end in [end, browser.get(&server, &rest.replace("/rest?", "?")).await] {
        assert!(end.says("No contacts match") && !end.html.contains("<table"), "{}", end.html);
        assert!(!end.html.contains("id=\"bulk\"") && end.way("prev").is_none(), "{}", end.html);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_is_no_time_is_marked_and_empty_filters_leave_the_address() {
    let (server, browser, list) = open().await;
    server.upsert(&list, json!({ "contact": "a" })).await;
    let path = format!("/lists/{list}");
    let wrong = browser.get(&server, &format!("{path}?updatedSince=yesterday")).await;
    let field = wrong.html.split("<input id=\"f-since\"").nth(1).expect("the field");
    let field = field.split('>').next().expect("its end");
    assert!(field.contains("aria-invalid=\"true\"") && field.contains("value=\"yesterday\""), "{field}");
    assert!(wrong.html.contains("id=\"f-since-error\""), "{}", wrong.html);
    let empty = browser.ask(&server, &format!("{path}?q=&active=true&smsSubscribe=&sourceId=")).await;
    assert_eq!(empty.led(), format!("{path}?active=true"));
    assert_eq!(browser.ask(&server, &format!("{path}?q=&active=")).await.led(), path);
    let empty = browser.ask(&server, "/requests?state=&list=&from=2026-01-31+12%3A00&to=").await;
    assert_eq!(empty.led(), "/requests?from=2026-01-31+12%3A00");
    for (wrong, fine) in [("from", "to"), ("to", "from")] {
        let page = browser.get(&server, &format!("/requests?{wrong}=soon&{fine}=2026-01-31")).await;
        let invalid = |name: &str| {
            let field = page.html.split(&format!("<input id=\"{name}\"")).nth(1).expect("the field");
            field.split('>').next().expect("its end").contains("aria-invalid")
        };
        assert!(invalid(wrong) && !invalid(fine), "{}", page.html);
    }
    server.stop().await;
}
