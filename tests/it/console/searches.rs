//! Searches, filters and bulk changes on the page of contacts: what is wrong is shown where it is wrong, and nothing false
//! stays on the page.

use hyper::StatusCode;
use serde_json::json;

use super::let_in;
use super::visitor::location;
use crate::harness::Server;

#[tokio::test(flavor = "multi_thread")]
async fn a_search_leaves_no_empty_parameters_and_a_bad_date_marks_its_field() {
    let server = Server::start().await;
    let mut visitor = let_in(&server, server.user, "ada@example.com").await;
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "u1", "name": "Ann" })).await;
    let answer = visitor.get(&server, &format!("/lists/{list}?q=An&active=&sourceId=&updatedSince=")).await;
    assert_eq!((answer.status, location(&answer)), (StatusCode::SEE_OTHER, format!("/lists/{list}?q=An")));
    let page = visitor.page(&server, &format!("/lists/{list}?updatedSince=tomorrow")).await;
    let field = page.split("<input id=\"f-since\"").nth(1).expect("the field").split('>').next().unwrap();
    for part in ["value=\"tomorrow\"", "aria-invalid=\"true\"", "aria-describedby=\"f-since-error\""] {
        assert!(field.contains(part), "{part}: {field}");
    }
    assert!(page.contains("Enter a time as YYYY-MM-DD hh:mm:ss or YYYY-MM-DD."));
    assert!(page.contains("<details class=\"filters\" open>"), "the field is in sight");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_finds_nothing_replaces_the_table_and_the_bar() {
    let server = Server::start().await;
    let mut visitor = let_in(&server, server.user, "ada@example.com").await;
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "u1", "name": "Ann" })).await;
    // As the page asks for the rest of a scan that has found nothing so far.
    let answer = visitor.get(&server, &format!("/lists/{list}/rest?q=Zoe&looked=4000&have=0")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        (&answer.headers["hx-retarget"], &answer.headers["hx-reswap"]),
        (&"#contacts".parse().unwrap(), &"outerHTML".parse().unwrap())
    );
    let text = answer.text();
    assert!(text.contains("No contacts match") && text.contains("“Zoe”"), "{text}");
    for gone in ["<table", "class=\"bulk\"", "Previous"] {
        assert!(!text.contains(gone), "{gone}: {text}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_change_without_an_action_or_a_contact_says_what_is_missing() {
    let server = Server::start().await;
    let mut visitor = let_in(&server, server.user, "ada@example.com").await;
    let list = server.list().await;
    let contact = server.upsert(&list, json!({ "contact": "u1", "name": "Ann" })).await["id"].clone();
    let contact = contact.as_str().expect("an id").to_owned();
    let path = format!("/lists/{list}/bulk");
    let named = ("contact", contact.as_str());
    for (fields, text) in [
        (vec![("action", ""), named], "Choose an action for the selected contacts."),
        (vec![("action", "subscribe"), named], "Choose an action for the selected contacts."),
        (vec![("action", "subscribe:"), named], "Choose an action for the selected contacts."),
        (vec![("action", "subscribe:emailSubscribe")], "Select at least one contact"),
    ] {
        let back = visitor.done(&server, &path, &fields).await;
        let page = visitor.page(&server, &back).await;
        assert!(page.contains(text), "{fields:?}: {page}");
    }
    // Every choice names its channel, so that none is without one.
    let page = visitor.page(&server, &format!("/lists/{list}")).await;
    let options: Vec<_> =
        page.split("<option value=\"").filter(|option| option.starts_with("subscribe")).collect();
    assert!(
        options.len() == 6 && options.iter().all(|option| option.starts_with("subscribe:")),
        "{options:?}"
    );

    // The message that a job waits is gone once it has ended.
    let fields = [("action", "enable"), named, ("confirm", "yes")];
    let job = visitor.done(&server, &path, &fields).await;
    assert!(job.ends_with("?done=begun"), "{job}");
    let page = loop {
        let page = visitor.page(&server, &job).await;
        if page.contains(">done</span>") {
            break page;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    assert!(!page.contains("The job is queued"), "{page}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_leads_to_the_contacts_beside_it() {
    let server = Server::start().await;
    let mut visitor = let_in(&server, server.user, "ada@example.com").await;
    let list = server.list().await;
    let mut ids = Vec::new();
    for name in ["u1", "u2", "u3"] {
        let contact = server.upsert(&list, json!({ "contact": name })).await;
        ids.push(contact["id"].as_str().expect("an id").to_owned());
    }
    let link =
        |rel: &str, place: usize| format!("<a rel=\"{rel}\" href=\"/lists/{list}/contacts/{}\"", ids[place]);
    // The newest contact is the first of the list.
    for (place, previous, next) in [(2, None, Some(1)), (1, Some(2), Some(0)), (0, Some(1), None)] {
        let page = visitor.page(&server, &format!("/lists/{list}/contacts/{}", ids[place])).await;
        for (rel, other) in [("prev", previous), ("next", next)] {
            match other {
                Some(other) => assert!(page.contains(&link(rel, other)), "{place} {rel}: {page}"),
                None => assert!(!page.contains(&format!("<a rel=\"{rel}\"")), "{place} {rel}: {page}"),
            }
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_lists_have_one_bound() {
    let server = Server::start().await;
    let mut visitor = let_in(&server, server.user, "ada@example.com").await;
    let list = server.list().await;
    let (longest, longer) = ("x".repeat(150), "x".repeat(151));
    for path in ["/lists".to_owned(), format!("/lists/{list}/rename")] {
        let page = visitor.page(&server, &path).await;
        assert!(page.contains("name=\"name\" required maxlength=\"150\""), "{path}: {page}");
        let refused = visitor.post(&server, &path, &[("name", &longer)]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(refused.text().contains("Enter a name of 1 to 150 characters."), "{path}");
        assert!(
            visitor.done(&server, &path, &[("name", &longest)]).await.starts_with("/lists?done="),
            "{path}"
        );
    }
    server.stop().await;
}
