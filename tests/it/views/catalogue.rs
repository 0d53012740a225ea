//! `/lists/{id}/variables` and `/sources`

use hyper::StatusCode;
use serde_json::json;

use super::{Browser, open};

#[tokio::test(flavor = "multi_thread")]
async fn variables_are_added_renamed_and_removed() {
    let (server, browser, list) = open().await;
    let path = format!("/lists/{list}/variables");
    let page = browser.get(&server, &path).await;
    assert!(page.says("plan text") && page.says("since date"), "{}", page.text());
    let added = browser.submit(&server, &path, &path, &[("name", "city"), ("type", "string")]).await;
    assert_eq!(added.led(), format!("{path}?done=added"));
    let twice = browser.submit(&server, &path, &path, &[("name", "city"), ("type", "date")]).await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST);
    assert!(twice.says("The list already has a custom field with this name."));
    let reserved = browser.submit(&server, &path, &path, &[("name", "email")]).await;
    assert!(reserved.says("This is the name of a built-in field. Choose another."));

    let rename = format!("{path}/city/rename");
    let wrong = browser.submit(&server, &rename, &rename, &[("name", "<i>")]).await;
    assert!(
        wrong.says("Use letters only, and begin with a small one")
            && wrong.html.contains(r#"value="&#60;i&#62;""#)
    );
    let renamed = browser.submit(&server, &rename, &rename, &[("name", "town")]).await;
    assert_eq!(renamed.led(), format!("{path}?done=renamed"));
    assert_eq!(browser.ask(&server, &rename).await.status, StatusCode::NOT_FOUND);

    let remove = format!("{path}/town/remove");
    let not_meant = browser.submit(&server, &remove, &remove, &[("confirm", "plan")]).await;
    assert_eq!(not_meant.status, StatusCode::BAD_REQUEST);
    let removed = browser.submit(&server, &remove, &remove, &[("confirm", "town")]).await;
    let page = browser.get(&server, removed.led()).await;
    assert!(page.says("The custom field is deleted.") && !page.says("town"), "{}", page.text());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_are_added_changed_and_removed() {
    let (server, browser, list) = open().await;
    let empty = browser.get(&server, "/sources").await;
    assert!(empty.says("No sources yet") && empty.says("/v3/contact-source/add"), "{}", empty.text());
    let wrong = [("name", ""), ("customerSourceId", "a b"), ("cac.value", "-1"), ("cac.currency", "EUR")];
    let wrong = browser.submit(&server, "/sources", "/sources", &wrong).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    for text in [
        "Enter a name of 1 to 150 characters.",
        "Use letters and digits only, at most 40.",
        "Enter an amount above 0, such as 2.05.",
    ] {
        assert!(wrong.says(text), "{text} in {}", wrong.text());
    }
    let fair =
        [("name", "Fair & <b>"), ("customerSourceId", "fair"), ("cac.value", "2.5"), ("cac.currency", "EUR")];
    let added = browser.submit(&server, "/sources", "/sources", &fair).await;
    assert_eq!(added.led(), "/sources?done=added");
    let page = browser.get(&server, "/sources").await;
    assert!(
        page.says("Fair & <b>") && page.says("2.50000 EUR") && !page.html.contains("<b>"),
        "{}",
        page.html
    );
    let path = page.attributes("/sources/", "href").remove(0);
    let changed = [("name", "Shop"), ("customerSourceId", ""), ("cac.value", ""), ("cac.currency", "EUR")];
    let changed = browser.submit(&server, &path, &path, &changed).await;
    assert_eq!(changed.led(), "/sources?done=changed");
    let id = path.trim_start_matches("/sources/");
    let source = server.ok("/v3/contact-source/get", &json!({ "sourceId": id })).await;
    assert_eq!(source["data"]["name"], "Shop");
    assert_eq!((&source["data"]["customerSourceId"], &source["data"]["cac"]), (&json!(null), &json!(null)));

    let stranger = Browser::sign_in(&server, server.bearer("Other").await.user).await;
    assert_eq!(stranger.ask(&server, &path).await.status, StatusCode::NOT_FOUND);
    assert!(!stranger.get(&server, "/sources").await.says("Shop"));
    let remove = format!("{path}/remove");
    let not_meant = browser.submit(&server, &remove, &remove, &[("confirm", "shop")]).await;
    assert_eq!(not_meant.status, StatusCode::BAD_REQUEST);
    let removed = browser.submit(&server, &remove, &remove, &[("confirm", "Shop")]).await;
    assert_eq!(removed.led(), "/sources?done=removed");
    assert!(browser.get(&server, "/sources").await.says("No sources yet"));
    assert!(browser.get(&server, &format!("/lists/{list}")).await.says("This list has no contacts yet"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_about_a_field_means_the_one_that_it_was_opened_for() {
    let (server, browser, list) = open().await;
    let path = format!("/lists/{list}/variables");
    let (rename, remove) = (format!("{path}/plan/rename"), format!("{path}/plan/remove"));
    let page = browser.get(&server, &remove).await;
    let number = page.attributes("name=\"number\"", "value").remove(0);
    let csrf = page.attributes("name=\"csrf\"", "value").remove(0);
    let send = async |path: &str, name: &str, text: &str| {
        browser.post(&server, path, format!("csrf={csrf}&number={number}&{name}={text}")).await
    };
    let renamed = json!({ "contactListId": list, "name": "plan", "newName": "tariff" });
    server.ok("/v3/contact-list/variables/rename", &renamed).await;
    let added = json!({ "contactListId": list, "variables": [{ "name": "plan", "type": "ENUM_STRING" }] });
    server.ok("/v3/contact-list/variables/add", &added).await;
    let text = "Nothing was changed. This custom field was called “plan” when you opened the form.";
    let told = send(&rename, "name", "level").await;
    assert_eq!(told.status, StatusCode::CONFLICT);
    assert!(told.says(text) && told.says("Rename tariff"), "{}", told.text());
    assert!(told.html.contains(r#"value="level""#), "what was typed stays");
    let told = send(&remove, "confirm", "plan").await;
    assert!(told.status == StatusCode::CONFLICT && told.says(text), "{}", told.text());
    let page = browser.get(&server, &path).await;
    assert!(page.says("plan text") && page.says("tariff text"), "both are there: {}", page.text());
    let gone = json!({ "contactListId": list, "names": ["tariff"] });
    server.ok("/v3/contact-list/variables/remove", &gone).await;
    for told in [send(&rename, "name", "level").await, send(&remove, "confirm", "plan").await] {
        let page = browser.get(&server, told.led()).await;
        assert!(page.says("Another user has deleted this custom field.") && page.says("plan text"));
    }
    server.stop().await;
}
