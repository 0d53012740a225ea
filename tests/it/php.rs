//! The page's own example, run by the real PHP with its curl.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::process::{Process, Store, run};

/// Runs the example and returns the server's answer.
fn php(server: &Process, token: &str, list: &str, source: &str, upsert: &str) -> Value {
    let curl = Command::new("php").args(["-r", "exit(function_exists('curl_init') ? 0 : 1);"]).status();
    assert!(
        curl.is_ok_and(|status| status.success()),
        "this test needs PHP and its curl extension: apt-get install php-cli php-curl"
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/update.php");
    let url = format!("http://{}/v3/contacts/update", server.address);
    let printed = run(Command::new("php").arg(script).args([&url, token, list, source, upsert]));
    assert_eq!((printed.code, printed.err.as_str()), (Some(0), ""), "{}", printed.out);
    serde_json::from_str(&printed.out).expect("JSON")
}

/// The results of the request that the example's answer names.
fn results(server: &Process, token: &str, mut answer: Value) -> Value {
    let request = answer["requestId"].take();
    assert_eq!(answer, json!({ "result": true, "requestId": null, "errors": [] }));
    server.processed(token, request.as_str().expect("an id"))["results"].clone()
}

#[test]
fn the_php_example_of_the_page_makes_a_contact_and_reads_it_back() {
    let store = Store::new();
    let server = store.serve();
    let token = store.account("Shop").token;
    let list = server.list(&token);
    let source = json!({ "name": "Shop window", "customerSourceId": "mySourceId" });
    let source = server.ok("/v3/contact-source/add", &token, &source)["sourceId"].clone();
    let source = source.as_str().expect("an id");

    let refused = results(&server, &token, php(&server, &token, &list, source, "false"));
    assert_eq!(refused["success"], json!([]));
    assert_eq!(refused["errors"][0]["error"], "CONTACT_NOT_FOUND");
    assert_eq!(refused["errors"][0]["contact"]["phone"], "+15555555");
    assert_eq!(server.contact(&token, &list, "myUserId"), json!(null));

    let mut made = results(&server, &token, php(&server, &token, &list, source, "true"));
    assert!(made["success"][0]["id"].take().is_string());
    let success = json!([{ "position": 0, "action": "created", "id": null, "email": "user@example.com",
                           "phone": "+15555555", "userId": "myUserId" }]);
    assert_eq!(made, json!({ "success": success, "errors": [] }));

    let mut contact = server.contact(&token, &list, "myUserId");
    let (created, updated) = (contact["createdAt"].take(), contact["updatedAt"].take());
    assert_eq!(created, updated);
    assert_eq!(contact, whole_contact(source));
}

fn whole_contact(source: &str) -> Value {
    json!({
        "name": "John Doe", "email": "user@example.com", "phoneNumber": "+15555555", "userId": "myUserId",
        "active": true, "emailSubscribe": true, "smsSubscribe": true, "desktopWebPushSubscribe": true,
        "mobileWebPushSubscribe": true, "telegramSubscribe": true, "viberSubscribe": true,
        "createdAt": null, "updatedAt": null,
        "avatarLink": "img.example.com/g/06c38b4568.jpg", "contactBirthday": "1990-01-01",
        "contactLanguage": "en", "firstName": "John", "lastName": "Doe", "contactGender": "2",
        "contactTimezone": "Europe/Tallinn", "facebookLink": "facebook.com/example.com",
        "instagramLink": "instagram.com/example", "linkedInLink": "linkedin.com/company/example",
        "twitterLink": "twitter.com/example", "tiktokLink": "tiktok.com/example", "contactScore": "100",
        "sourceName": "Shop window", "sourceId": source, "customerSourceId": "mySourceId",
        "variables": [
            { "name": "newVariableName", "value": "newVariableValue" },
            { "name": "lastBatch", "value": null },
        ],
        "cac": { "value": "2.05000", "currency": "EUR" },
    })
}

/// What the vendor's library sends, call by call: the method, the status lines that curl saw, and the answer.
fn library(server: &Process, token: &str, list: &str) -> Vec<(String, Value, Value)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/library.php");
    let address = format!("http://{}", server.address);
    let printed = run(Command::new("php").arg(script).args([&address, token, list]));
    assert_eq!((printed.code, printed.err.as_str()), (Some(0), ""), "{}", printed.out);
    let calls = printed.out.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    calls.collect()
}

#[test]
fn what_the_php_library_sends_is_understood() {
    let store = Store::new();
    let server = store.serve();
    let token = store.account("Shop").token;
    let list = server.list(&token);
    let calls = library(&server, &token, &list);
    let done = json!(["HTTP/1.1 200 OK"]);
    for (index, (method, lines, _)) in calls.iter().enumerate() {
        // No interim answer but the one that was asked for: the library takes any other for the answer itself.
        let expected =
            if index == 1 { json!(["HTTP/1.1 100 Continue", "HTTP/1.1 200 OK"]) } else { done.clone() };
        assert_eq!(lines, &expected, "{method}");
    }
    let answers: Vec<_> = calls.into_iter().map(|(_, _, answer)| answer).collect();
    let [info, again, all, added, default, found, updated] = answers.as_slice() else {
        panic!("{answers:?}")
    };
    assert_eq!(info, &json!({ "result": true, "accountName": "Shop", "accountBalance": 0 }));
    assert_eq!(again, info);
    assert_eq!(all["totalCount"], 1);
    let text = "variable fromPhp has no type and was made an ENUM_STRING";
    let warning = json!({ "position": 0, "field": "variables", "code": "TYPE_ASSUMED", "message": text });
    assert_eq!(added, &json!({ "result": true, "warnings": [warning] }));
    assert_eq!(default["data"]["contactListId"], json!(list));
    assert_eq!(default["data"]["isDefault"], "1");
    let nulls = [
        "domainId",
        "domain",
        "defaultFromEmail",
        "defaultFromName",
        "company",
        "replyToEmail",
        "replyToName",
        "smsFromName",
    ];
    for key in nulls {
        assert_eq!(default["data"].get(key), Some(&Value::Null), "{key}");
    }
    assert_eq!(found["data"], json!([default["data"]]));

    let results = results(&server, &token, updated.clone());
    assert_eq!(results["errors"], json!([]));
    assert_eq!(results["success"][0]["action"], "created");
    let contact = server.contact(&token, &list, "csv-1");
    let shown = |keys: &[&str]| keys.iter().map(|key| contact[key].clone()).collect::<Vec<_>>();
    assert_eq!(
        shown(&["userId", "email", "phoneNumber", "firstName", "contactBirthday", "contactLanguage"]),
        ["csv-1", "csv@example.com", "+15555555", "Jo ", "1990-01-05", "et"]
    );
    assert_eq!(shown(&["contactGender", "contactScore"]), ["2", "42"]);
    let last =
        contact["variables"].as_array().expect("variables").iter().find(|one| one["name"] == "lastBatch");
    assert_eq!(last, Some(&json!({ "name": "lastBatch", "value": "gold " })));
}
