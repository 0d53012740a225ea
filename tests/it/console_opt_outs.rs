//! Opt-outs and duplicates through the pages.

use std::time::Duration;

use serde_json::json;

use crate::console_jobs::{Desk, ended, figure};

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
    assert!(page.contains("1 opted out and stays so. Nothing was changed."), "{page}");
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
