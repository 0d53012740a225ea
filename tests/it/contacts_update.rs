//! `POST /v3/contacts/update`

use serde_json::json;

use crate::harness::Server;

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_accepted_applied_and_read_back() {
    let server = Server::start().await;
    let list = server.list().await;
    let contacts = json!([{ "contact": "user@example.com", "firstName": "John", "active": true }]);
    let request = server.update(&list, true, contacts.clone()).await;
    assert_eq!(request["results"]["success"][0]["action"], "created");
    let again = server.update(&list, false, contacts).await;
    assert_eq!(again["results"]["success"][0]["action"], "unchanged");
    let contact = server.contact(&list, "email", "USER@example.com").await;
    assert_eq!(contact["firstName"], "John");
    server.stop().await;
}
