//! `sort` of contacts/find: pages in every order are those of a plain model, forward to the end.

use serde_json::{Value, json};

use crate::harness::Server;

const PATH: &str = "/v3/contacts/find";

/// Names, and how they compare.
const NAMES: [(&str, &str); 6] = [
    ("Élan", "elan"),
    ("anna", "anna"),
    ("ANNA B", "anna b"),
    ("Ñandú", "nandu"),
    ("zoe", "zoe"),
    ("Zoë", "zoe"),
];

/// What stands at the place of a contact in an order, if anything.
fn key(contact: &Value, by: &str) -> Option<String> {
    // A score is shown as a text.
    let number = |value: &Value| {
        let number: i128 = value.as_str()?.parse().ok()?;
        Some(format!("{:030}", number + (1 << 70)))
    };
    let folded = |name: &str| NAMES.iter().find(|(known, _)| *known == name).map(|(_, folded)| *folded);
    match by {
        "email" => contact["email"].as_str().map(str::to_lowercase),
        "score" => number(&contact["contactScore"]),
        _ => match contact["name"].as_str() {
            Some(name) => folded(name).map(str::to_owned),
            None => contact["email"].as_str().or(contact["userId"].as_str()).map(str::to_lowercase),
        },
    }
}

/// The contacts in an order; `all` are in the order in which they were made.
fn expected(all: &[Value], sort: &str) -> Vec<Value> {
    let (by, descending) = sort.strip_prefix('-').map_or((sort, false), |by| (by, true));
    let mut all = all.to_vec();
    match by {
        "created" if descending => all.reverse(),
        "created" => {}
        _ => all.sort_by(|one, other| {
            let (one, other) = (key(one, by), key(other, by));
            let values = if descending { other.cmp(&one) } else { one.cmp(&other) };
            one.is_none().cmp(&other.is_none()).then(values)
        }),
    }
    all.iter().map(|contact| contact["userId"].clone()).collect()
}

async fn walk(server: &Server, mut body: Value) -> Vec<Value> {
    let mut found = Vec::new();
    loop {
        let page = server.ok(PATH, &body).await;
        let data = page["data"].as_array().expect("contacts");
        found.extend(data.iter().map(|contact| contact["userId"].clone()));
        assert!(found.len() <= 60, "the pages end");
        if page["next"].is_null() {
            return found;
        }
        body["after"] = page["next"].clone();
    }
}

async fn filled(server: &Server) -> String {
    let list = server.list().await;
    for batch in 0..3_usize {
        let contacts: Vec<_> = (0..20)
            .map(|place| {
                let number = batch * 20 + place;
                let mut contact =
                    json!({ "contact": format!("u{number:02}"), "userId": format!("u{number:02}") });
                if number % 4 != 0 {
                    contact["name"] = json!(NAMES[number * 5 % 6].0);
                }
                if number % 3 != 0 {
                    contact["email"] = json!(format!("Mail{:02}@example.com", number * 37 % 60));
                }
                if number % 5 != 0 {
                    contact["contactScore"] = json!((number as i64 * 11 % 7 - 3) * 1_000);
                }
                contact
            })
            .collect();
        server.update(&list, true, json!(contacts)).await;
    }
    list
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_in_every_order_are_those_of_a_plain_model() {
    let server = Server::start().await;
    let list = filled(&server).await;
    server
        .ok(
            "/v3/blacklist/add",
            &json!({ "records": [{ "email": "Mail37@example.com", "rejectType": "hard" }] }),
        )
        .await;
    let all = server.ok(PATH, &json!({ "contactListId": list, "limit": 1_000 })).await;
    let all = all["data"].as_array().expect("contacts").clone();
    assert_eq!(all.len(), 60);
    // Times are shown by the second, so that the model does not know the order within one.
    let body = json!({ "contactListId": list, "sort": "-changed", "limit": 60 });
    let page = server.ok(PATH, &body).await;
    let times: Vec<_> =
        page["data"].as_array().expect("contacts").iter().map(|one| one["updatedAt"].as_str()).collect();
    assert!(times.len() == 60 && times.is_sorted_by(|one, other| one >= other), "{times:?}");
    let whole: Vec<_> =
        page["data"].as_array().expect("contacts").iter().map(|one| one["userId"].clone()).collect();
    let pages = walk(&server, json!({ "contactListId": list, "sort": "-changed", "limit": 7 })).await;
    assert_eq!(pages, whole);
    for by in ["created", "email", "name", "score"] {
        for sort in [by.to_owned(), format!("-{by}")] {
            for limit in [7, 60] {
                let body = json!({ "contactListId": list, "sort": sort, "limit": limit });
                assert_eq!(walk(&server, body).await, expected(&all, &sort), "{sort} by {limit}");
            }
            let scored: Vec<_> = all.iter().filter(|one| !one["contactScore"].is_null()).cloned().collect();
            let filter = json!({ "field": "contactScore", "op": "notEmpty" });
            let body = json!({ "contactListId": list, "sort": sort, "limit": 9, "filter": filter });
            assert_eq!(walk(&server, body).await, expected(&scored, &sort), "{sort} with a filter");
            let free: Vec<_> = all.iter().filter(|one| one.get("suppressed").is_none()).cloned().collect();
            assert_eq!(free.len(), 59);
            let body = json!({ "contactListId": list, "sort": sort, "limit": 9, "suppressed": false });
            assert_eq!(walk(&server, body).await, expected(&free, &sort), "{sort} of those not suppressed");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_cannot_be_is_refused_with_what_to_do() {
    let server = Server::start().await;
    let list = filled(&server).await;
    let page = server.ok(PATH, &json!({ "contactListId": list, "sort": "name", "limit": 1 })).await;
    for (body, text) in [
        (json!({ "sort": "age" }), "Argument sort must be one of created, -created, changed"),
        (json!({ "sort": "name", "search": "anna" }), "Argument sort must be left out beside search"),
        (json!({ "sort": "-name", "after": page["next"] }), "in the same order"),
        (json!({ "sort": "name", "after": page["contactIds"][0] }), "in the same order"),
        (json!({ "after": page["next"] }), "must be the next of an answer about this list"),
    ] {
        let mut body = body;
        body["contactListId"] = json!(list);
        let errors = server.refused(PATH, &body).await;
        assert!(errors.iter().any(|error| error.contains(text)), "{body}: {errors:?}");
    }
    server.stop().await;
}
