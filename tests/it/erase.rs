//! Erasing a person: who goes, in which lists, and who stays.

use serde_json::{Value, json};

use crate::harness::Server;

/// Sends contact/erase and returns the processed request object.
pub async fn erase(server: &Server, body: Value) -> Value {
    let answer = server.ok("/v3/contact/erase", &body).await;
    server.processed(answer["requestId"].as_str().expect("an id")).await
}

/// What became of each contact, in words: how many were erased, or the code of an error.
pub fn outcomes(request: &Value) -> Vec<String> {
    let results = &request["results"];
    let word =
        |result: &Value| result["action"].as_str().or(result["error"].as_str()).expect("one").to_owned();
    let both =
        [&results["success"], &results["errors"]].map(|part| part.as_array().expect("an array").clone());
    both.concat().iter().map(word).collect()
}

/// The ids of the contacts that an erase names.
fn ids(request: &Value) -> Vec<Value> {
    let success = request["results"]["success"].as_array().expect("an array");
    success.iter().map(|done| done["id"].clone()).collect()
}

/// Makes a contact and returns its id.
async fn make(server: &Server, list: &str, contact: Value) -> Value {
    let made = server.upsert(list, contact).await;
    assert_eq!(made["action"], "created", "{made}");
    made["id"].clone()
}

async fn remove(server: &Server, list: &str, key: &str, identifier: &str) {
    let answer = server.ok("/v3/contacts/remove", &json!({ "contactListId": list, key: [identifier] })).await;
    let request = server.processed(answer["requestId"].as_str().expect("an id")).await;
    assert_eq!(outcomes(&request), ["removed"], "{request}");
}

async fn history(server: &Server, list: &str, key: &str, identifier: &str) -> Value {
    server.ok("/v3/contact/history", &json!({ "contactListId": list, key: identifier })).await
}

/// Nobody bears it, and nobody ever did as far as anybody can tell.
async fn is_unknown(server: &Server, list: &str, key: &str, identifier: &str) {
    assert_eq!(server.contact(list, key, identifier).await, Value::Null, "{identifier}");
    let told = history(server, list, key, identifier).await;
    let nobody = json!({ "result": true, "contactId": null, "data": [], "totalCount": 0, "offset": 0,
        "limit": 20, "complete": true, "errors": [] });
    assert_eq!(told, nobody, "{identifier}");
}

async fn is_there(server: &Server, list: &str, key: &str, identifier: &str) {
    assert_eq!(server.contact(list, key, identifier).await[key], identifier);
}

async fn lists<const N: usize>(server: &Server) -> [String; N] {
    let mut lists = Vec::new();
    for _ in 0..N {
        lists.push(server.list().await);
    }
    lists.try_into().expect("so many")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_goes_from_all_lists_of_the_account_and_from_no_other_account() {
    let server = Server::start().await;
    let [one, other] = lists(&server).await;
    let first = make(&server, &one, json!({ "contact": "ada@example.com", "firstName": "Ada" })).await;
    make(&server, &one, json!({ "contact": "bob@example.com", "firstName": "Bob" })).await;
    let second = make(&server, &other, json!({ "contact": "Ada@Example.com" })).await;
    let them = server.bearer("Them").await;
    let made =
        server.post_as(&them.token, "/v3/contact-list/create", &json!({ "contactListName": "x" })).await;
    let theirs = made.json()["contactListId"].as_str().expect("an id").to_owned();
    let update =
        json!({ "contactListId": theirs, "upsert": true, "contacts": [{ "contact": "ada@example.com" }] });
    let sent = server.post_as(&them.token, "/v3/contacts/update", &update).await.json()["requestId"].clone();

    let mut request = erase(&server, json!({ "email": "ADA@example.COM" })).await;
    for key in ["createdAt", "updatedAt"] {
        assert!(request[key].is_string());
        request.as_object_mut().expect("an object").remove(key);
    }
    let erased = |position: usize, id: &Value| json!({ "position": position, "action": "erased", "id": id, "email": null, "phone": null, "userId": null });
    let expected = json!({ "id": request["id"], "source": "contact/erase", "status": "processed", "webHookUri": null,
        "results": { "success": [erased(0, &first), erased(1, &second)], "errors": [] },
        "webHook": { "status": "none", "attempts": 0 } });
    assert_eq!(request, expected);
    is_unknown(&server, &one, "email", "ada@example.com").await;
    is_unknown(&server, &other, "email", "ada@example.com").await;
    assert_eq!(server.contact(&one, "email", "bob@example.com").await["firstName"], "Bob");
    let get = json!({ "contactListId": theirs, "email": "ada@example.com", "waitFor": sent });
    let stays = server.post_as(&them.token, "/v3/contact/get", &get).await.json();
    assert_eq!(stays["contact"]["email"], "ada@example.com");
    let again = json!({ "contactListId": theirs, "upsert": true, "contacts": [{ "contact": "ada@example.com",
        "userId": "ada" }] });
    let sent = server.post_as(&them.token, "/v3/contacts/update", &again).await.json()["requestId"].clone();
    let get = json!({ "contactListId": theirs, "userId": "ada", "waitFor": sent });
    let stays = server.post_as(&them.token, "/v3/contact/get", &get).await.json();
    assert_eq!(stays["contact"]["email"], "ada@example.com");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_found_by_each_identifier() {
    let server = Server::start().await;
    let [one, other] = lists(&server).await;
    for (number, body) in [
        json!({ "userId": "ada-0" }),
        json!({ "externalId": "ada-1" }),
        json!({ "email": "ADA-2@EXAMPLE.COM" }),
        json!({ "phoneNumber": "+15555553" }),
        json!({ "userId": "nobody", "email": "ada-4@example.com", "phoneNumber": "+15550000" }),
    ]
    .into_iter()
    .enumerate()
    {
        let user_id = format!("ada-{number}");
        let contact = json!({ "contact": user_id, "email": format!("{user_id}@example.com"),
            "phoneNumber": format!("+1555555{number}") });
        make(&server, &one, contact.clone()).await;
        make(&server, &other, contact).await;
        assert_eq!(outcomes(&erase(&server, body.clone()).await), ["erased", "erased"], "{body}");
        is_unknown(&server, &one, "userId", &user_id).await;
        is_unknown(&server, &other, "userId", &user_id).await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_identifiers_may_lead_to_several_contacts() {
    let server = Server::start().await;
    let list = server.list().await;
    let mut made = Vec::new();
    for contact in ["ada", "ada@example.com", "+15555555", "bob"] {
        made.push(make(&server, &list, json!({ "contact": contact })).await);
    }
    let body = json!({ "userId": "ada", "email": "ada@example.com", "phoneNumber": "+15555555" });
    assert_eq!(ids(&erase(&server, body).await), made[..3]);
    is_there(&server, &list, "userId", "bob").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn user_ids_and_addresses_lead_on_and_a_phone_number_only_where_it_is_given() {
    for (body, phone_is_given) in
        [(json!({ "email": "ada@example.com" }), false), (json!({ "phoneNumber": "+15555555" }), true)]
    {
        let server = Server::start().await;
        let [one, two, three, four] = lists(&server).await;
        make(&server, &one, json!({ "contact": "ada@example.com" })).await;
        let both = json!({ "contact": "ada", "email": "ada@example.com", "phoneNumber": "+15555555" });
        make(&server, &two, both).await;
        make(&server, &three, json!({ "contact": "ada" })).await;
        make(&server, &four, json!({ "contact": "bob", "phoneNumber": "+15555555" })).await;
        let expected = if phone_is_given { 4 } else { 3 };
        assert_eq!(outcomes(&erase(&server, body).await), vec!["erased"; expected]);
        is_unknown(&server, &one, "email", "ada@example.com").await;
        is_unknown(&server, &two, "userId", "ada").await;
        is_unknown(&server, &three, "userId", "ada").await;
        if phone_is_given {
            is_unknown(&server, &four, "userId", "bob").await;
        } else {
            is_there(&server, &four, "phoneNumber", "+15555555").await;
        }
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_bore_it_last_goes_where_nobody_bears_it_now() {
    let server = Server::start().await;
    let [one, two] = lists(&server).await;
    for list in [&one, &two] {
        make(&server, list, json!({ "contact": "ada", "email": "old@example.com" })).await;
        server.upsert(list, json!({ "contact": "ada", "email": format!("new-{list}@example.com") })).await;
    }
    // In the second list the address was handed on.
    make(&server, &two, json!({ "contact": "bob", "email": "old@example.com" })).await;
    server.upsert(&two, json!({ "contact": "ada", "userId": "eve" })).await;
    assert_eq!(outcomes(&erase(&server, json!({ "email": "OLD@example.com" })).await), ["erased", "erased"]);
    is_unknown(&server, &one, "userId", "ada").await;
    is_unknown(&server, &two, "userId", "bob").await;
    is_there(&server, &two, "userId", "eve").await;
    // What they are told to have borne is no trace of the person any more.
    let told = history(&server, &two, "userId", "eve").await;
    assert_eq!(told["totalCount"], 3);
    assert!(!told.to_string().to_lowercase().contains("old@example.com"), "{told}");
    is_unknown(&server, &two, "email", "old@example.com").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_contact_bore_before_leads_to_nobody_who_bears_it_now() {
    let server = Server::start().await;
    let [one, two] = lists(&server).await;
    make(&server, &one, json!({ "contact": "ada", "email": "mistake@example.com" })).await;
    server.upsert(&one, json!({ "contact": "ada", "email": "ada@example.com" })).await;
    make(&server, &two, json!({ "contact": "mistake@example.com" })).await;
    assert_eq!(outcomes(&erase(&server, json!({ "userId": "ada" })).await), ["erased"]);
    is_there(&server, &two, "email", "mistake@example.com").await;
    // It is theirs, and so it is not refused anywhere.
    make(&server, &one, json!({ "contact": "mistake@example.com" })).await;
    assert_eq!(server.upsert(&one, json!({ "contact": "ada@example.com" })).await["error"], "CONTACT_ERASED");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_of_removed_contacts_goes_with_the_person() {
    let server = Server::start().await;
    let [one, two, three] = lists(&server).await;
    // Removed and made again in one list; known by its userId alone in another, and removed from a third.
    let again = json!({ "contact": "ada", "email": "ada@example.com", "firstName": "Ada" });
    let mut made = vec![make(&server, &one, again.clone()).await];
    remove(&server, &one, "userIds", "ada").await;
    made.push(make(&server, &one, again).await);
    made.push(make(&server, &two, json!({ "contact": "ada" })).await);
    made.push(make(&server, &three, json!({ "contact": "ada", "email": "third@example.com" })).await);
    remove(&server, &three, "emails", "third@example.com").await;
    assert_eq!(ids(&erase(&server, json!({ "email": "ada@example.com" })).await), made);
    for list in [&one, &two, &three] {
        is_unknown(&server, list, "userId", "ada").await;
    }
    is_unknown(&server, &one, "email", "ada@example.com").await;
    is_unknown(&server, &three, "email", "third@example.com").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_contact_leads_on_with_what_it_bore_when_it_was_removed() {
    let server = Server::start().await;
    let [one, two, three] = lists(&server).await;
    make(&server, &one, json!({ "contact": "ada", "email": "ada@example.com" })).await;
    remove(&server, &one, "userIds", "ada").await;
    make(&server, &two, json!({ "contact": "ada" })).await;
    // This one bore the userId by mistake, and is another person's who is still there.
    make(&server, &three, json!({ "contact": "ada", "email": "bob@example.com" })).await;
    server.upsert(&three, json!({ "contact": "ada", "userId": "bob" })).await;
    remove(&server, &three, "userIds", "bob").await;
    make(&server, &one, json!({ "contact": "bob@example.com" })).await;
    assert_eq!(outcomes(&erase(&server, json!({ "email": "ada@example.com" })).await), vec!["erased"; 3]);
    is_unknown(&server, &two, "userId", "ada").await;
    is_there(&server, &one, "email", "bob@example.com").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_twice_and_erasing_nobody_do_no_harm() {
    let server = Server::start().await;
    let list = server.list().await;
    make(&server, &list, json!({ "contact": "ada", "email": "ada@example.com" })).await;
    make(&server, &list, json!({ "contact": "bob" })).await;
    assert_eq!(outcomes(&erase(&server, json!({ "userId": "ada" })).await), ["erased"]);
    for body in
        [json!({ "userId": "ada" }), json!({ "email": "ada@example.com" }), json!({ "userId": "nobody" })]
    {
        let request = erase(&server, body).await;
        assert_eq!(request["results"], json!({ "success": [], "errors": [] }));
        assert_eq!(request["status"], "processed");
    }
    is_there(&server, &list, "userId", "bob").await;
    // Nobody is erased too: who was asked about does not come by accident either.
    assert_eq!(server.upsert(&list, json!({ "contact": "nobody" })).await["error"], "CONTACT_ERASED");
    server.stop().await;
}
