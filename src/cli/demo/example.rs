//! The main job: the example of the vendor's page, its answer, its webhook and the contact.

use serde_json::{Value, json};

use super::client::Client;
use super::receiver::Receiver;
use crate::cli::{Result, print};

/// Sends the example to a list, with a source, and shows what comes of it.
pub async fn show(client: &Client, (list, source): (&str, &str), secret: &str, verbose: bool) -> Result {
    let mut receiver = Receiver::start().await?;
    let request = example(list, source, &receiver.uri);
    print("The example of the vendor's page, sent to /v3/contacts/update:");
    if verbose {
        print(&format!(
            "\n1. The request (with upsert, so that it can create the contact):\n\n{request:#}\n"
        ));
    }
    let answer = client.post("/v3/contacts/update", &request).await?;
    if verbose {
        print(&format!("2. The answer. The batch is on disk by now:\n\n{answer:#}\n"));
    } else {
        print(&format!("  answer    {answer}"));
    }
    let hook = receiver.wait(&answer["requestId"]).await?;
    let object = hook.verified(secret)?;
    let result = &object["results"]["success"][0];
    if verbose {
        print("3. The result of each contact, reported by the status webhook:\n");
        for name in ["webhook-id", "webhook-timestamp"] {
            print(&format!("{name}: {}", hook.header(name)));
        }
        print(&format!("webhook-signature: {}  (verified)\n{object:#}\n", hook.header("webhook-signature")));
    } else {
        print(&format!("  webhook   {}, signature verified", text(&result["action"])));
    }
    let question = json!({ "contactListId": list, "userId": "myUserId" });
    let contact = &client.post("/v3/contact/get", &question).await?["contact"];
    if verbose {
        print(&format!("4. The contact, read by /v3/contact/get:\n\n{contact:#}"));
    } else {
        let shown = ["name", "email", "phoneNumber", "userId"].map(|key| text(&contact[key]));
        print(&format!("  contact   {}", shown.join(", ")));
    }
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The example of the vendor's page, the ids filled in; its `"contactGender "` has the blank that the page has.
fn example(list: &str, source: &str, webhook: &str) -> Value {
    json!({
        "contactListId": list,
        "webHookUri": webhook,
        "upsert": true,
        "contacts": [{
            "contact": "+15555555",
            "name": "John Doe",
            "email": "user@example.com",
            "phoneNumber": "+15555555",
            "userId": "myUserId",
            "active": true,
            "emailSubscribe": true,
            "smsSubscribe": true,
            "desktopWebPushSubscribe": true,
            "mobileWebPushSubscribe": true,
            "telegramSubscribe": true,
            "viberSubscribe": true,
            "firstName": "John",
            "lastName": "Doe",
            "contactBirthday": "1990-01-01",
            "contactLanguage": "en",
            "contactGender ": 2,
            "contactTimezone": "Europe/Tallinn",
            "contactScore": 100,
            "avatarLink": "img.wooxy.com/g/06c38b4568.jpg",
            "facebookLink": "facebook.com/wooxy.com",
            "instagramLink": "instagram.com/wooxy",
            "linkedInLink": "linkedin.com/company/wooxy",
            "twitterLink": "twitter.com/wooxy",
            "tiktokLink": "tiktok.com/wooxy",
            "sourceId": source,
            "customerSourceId": "mySourceID",
            "cac": { "value": "2.05", "currency": "USD" },
            "variables": [{ "name": "newVariableName", "value": "newVariableValue" }],
        }],
    })
}
