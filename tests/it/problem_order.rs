//! Problems are told in the order of the keys in the table of the method, whatever the order in the body

use serde_json::Value;

use crate::harness::Server;

/// The fields that are told to be wrong.
async fn told(server: &Server, path: &str, body: &Value) -> Vec<String> {
    let answer = server.post(path, body).await;
    assert_eq!(answer.status, 400, "{path}");
    let details = answer.json()["details"].as_array().unwrap().clone();
    details.iter().map(|problem| problem["field"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_tells_what_is_wrong_in_the_order_of_its_keys() {
    let server = Server::start().await;
    let identified = ["userId", "email", "phoneNumber"];
    let cases: &[(&str, &[&str])] = &[
        (
            "contacts/update",
            &["contactListId", "webHookUri", "dryRun", "restoreErased", "upsert", "optOut", "contacts"],
        ),
        ("contacts/add", &["contactListId", "webHookUri", "dryRun", "restoreErased", "optOut", "contacts"]),
        ("contacts/remove", &["contactListId", "webHookUri", "dryRun", "emails", "phoneNumbers", "userIds"]),
        ("contacts/duplicates", &["contactListId", "after", "limit"]),
        (
            "contacts/merge",
            &["contactListId", "webHookUri", "dryRun", "winner", "loser", "fromLoser", "fromWinner"],
        ),
        ("contact/get", &["contactListId", "userId", "email", "phoneNumber", "waitFor"]),
        ("contact/history", &["contactListId", "userId", "email", "phoneNumber", "offset", "limit"]),
        ("consent/find", &["contactListId", "userId", "email", "phoneNumber", "channel", "offset", "limit"]),
        ("segment/create", &["contactListId", "name", "filter"]),
        ("segment/get", &["contactListId", "segmentId", "count"]),
        ("segment/find", &["contactListId", "contactId"]),
        ("segment/update", &["contactListId", "segmentId", "name", "filter"]),
        ("contact/export", &identified),
        ("contact/erase", &["userId", "email", "phoneNumber", "webHookUri"]),
        ("request/find", &["ids"]),
        ("request/list", &["status", "contactListId", "from", "to", "offset", "limit"]),
        ("request/undo", &["requestId", "webHookUri"]),
        ("contact-list/create", &["contactListName", "optOut"]),
        ("contact-list/get", &["contactListId"]),
        ("contact-list/find", &["contactListId", "contactListName", "offset", "limit"]),
        ("contact-list/update", &["contactListId", "contactListName", "optOut"]),
        ("contact-list/remove", &["contactListId", "confirm"]),
        ("contact-list/variables/add", &["contactListId", "variables"]),
        ("contact-list/variables/remove", &["contactListId", "names"]),
        ("contact-list/variables/rename", &["contactListId", "name", "newName"]),
        ("contact-source/add", &["name", "customerSourceId", "cac"]),
        ("contact-source/find", &["name", "customerSourceId", "offset", "limit"]),
        ("contact-source/update", &["source", "name", "customerSourceId", "cac"]),
        ("contact-source/remove", &["ids", "customerSourceIds"]),
    ];
    for (path, keys) in cases {
        // No key takes a number below 0; the last key comes first.
        let body: String = keys.iter().rev().map(|key| format!("\"{key}\": -1,")).collect();
        let body: Value = serde_json::from_str(&format!("{{{}}}", body.trim_end_matches(','))).unwrap();
        assert_eq!(told(&server, &format!("/v3/{path}"), &body).await, *keys, "{path}");
    }
    server.stop().await;
}
