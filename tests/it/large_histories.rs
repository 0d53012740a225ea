//! Histories of contacts that are large, and change much each time: an answer has a bound all the same. And identifiers
//! that are larger than any.

use serde_json::{Value, json};

use crate::harness::Server;

/// A list with 100 variables, and their names.
async fn wide_list(server: &Server) -> (String, Vec<String>) {
    let list = server.list().await;
    let names: Vec<_> =
        ('a'..='j').flat_map(|one| ('a'..='j').map(move |other| format!("wide{one}{other}"))).collect();
    let variables: Vec<_> = names.iter().map(|name| json!({ "name": name, "type": "ENUM_STRING" })).collect();
    let body = json!({ "contactListId": list, "variables": variables });
    server.ok("/v3/contact-list/variables/add", &body).await;
    (list, names)
}

/// Gives a contact another value of each variable, a million bytes in all, so many times.
async fn change(server: &Server, list: &str, names: &[String], rounds: usize) {
    for round in 1..=rounds {
        let value = format!("{round:02}").repeat(5_000);
        let variables: Vec<_> = names.iter().map(|name| json!({ "name": name, "value": value })).collect();
        server.upsert(list, json!({ "contact": "a@example.com", "variables": variables })).await;
    }
}

/// Of each change the round that made it.
fn rounds(data: &Value) -> Vec<&str> {
    let changes = data.as_array().unwrap().iter().map(|change| change["changes"].as_array().unwrap());
    changes.map(|fields| &fields.last().unwrap()["new"].as_str().unwrap()[..2]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_large_changes_is_shorter_and_the_next_goes_on_behind_it() {
    let server = Server::start().await;
    let (list, names) = wide_list(&server).await;
    change(&server, &list, &names, 11).await;
    let page = async |offset: usize| {
        let body = json!({ "contactListId": list, "email": "a@example.com", "offset": offset, "limit": 100 });
        server.ok("/v3/contact/history", &body).await
    };
    // Two million bytes each, the old values and the new: the ninth is the first that goes over 16 MiB.
    let newest = page(0).await;
    assert_eq!(rounds(&newest["data"]), ["11", "10", "09", "08", "07", "06", "05", "04", "03"]);
    assert_eq!((&newest["totalCount"], &newest["limit"]), (&json!(11), &json!(100)));
    let oldest = page(9).await;
    assert_eq!(rounds(&oldest["data"]), ["02", "01"]);
    assert_eq!((&oldest["totalCount"], &oldest["offset"]), (&json!(11), &json!(9)));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_tells_large_histories_as_far_as_there_is_room_and_says_so() {
    let server = Server::start().await;
    let (large, names) = wide_list(&server).await;
    change(&server, &large, &names, 10).await;
    let small = server.ok("/v3/contact-list/create", &json!({ "contactListName": "Small" })).await;
    let small = small["contactListId"].as_str().unwrap();
    server.upsert(small, json!({ "contact": "a@example.com" })).await;
    let export = server.ok("/v3/contact/export", &json!({ "email": "a@example.com" })).await;
    let contacts = export["contacts"].as_array().unwrap();
    assert_eq!(contacts.len(), 2);
    // The contacts are all there, the histories until there is no more room.
    for (contact, list, told) in [(&contacts[0], large.as_str(), 9), (&contacts[1], small, 0)] {
        assert_eq!(contact["contactListId"], list);
        assert_eq!(contact["contact"]["email"], "a@example.com");
        assert_eq!(contact["history"].as_array().unwrap().len(), told);
        assert_eq!(contact["historyComplete"], false);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identifier_longer_than_any_finds_nobody() {
    let server = Server::start().await;
    let list = server.list().await;
    let long = "x".repeat(1_000_000);
    let here = json!({ "contactListId": list, "email": long });
    assert_eq!(
        server.ok("/v3/contact/get", &here).await,
        json!({ "result": true, "contact": null, "errors": [] })
    );
    assert_eq!(server.ok("/v3/contact/history", &here).await["contactId"], Value::Null);
    let person = json!({ "userId": long });
    let export = server.ok("/v3/contact/export", &person).await;
    assert_eq!((&export["contacts"], &export["erased"]), (&json!([]), &json!(false)));
    let erase = server.ok("/v3/contact/erase", &person).await;
    let request = server.processed(erase["requestId"].as_str().unwrap()).await;
    assert_eq!(request["results"], json!({ "success": [], "errors": [] }));
    server.stop().await;
}
