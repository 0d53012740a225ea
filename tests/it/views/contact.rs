//! `/lists/{id}/contacts/{contactId}`

use std::sync::Arc;
use std::time::Duration;

use domain::clock::{Clock, ManualClock, SystemClock};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Browser, open};
use crate::faults::{Fault, Switch};
use crate::harness::{Server, Setup};

/// A contact with something in it, and its page.
async fn one(server: &Server, list: &str) -> String {
    let contact = json!({
        "contact": "ann", "email": "ann@example.com", "firstName": "Ann", "active": true, "contactScore": 7,
        "variables": [{ "name": "plan", "value": "gold" }],
    });
    let told = server.upsert(list, contact).await;
    format!("/lists/{list}/contacts/{}", told["id"].as_str().expect("an id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_edited_and_its_history_tells_who_has_done_it() {
    let (server, browser, list) = open().await;
    let path = one(&server, &list).await;
    let saved = browser
        .submit(
            &server,
            &path,
            &path,
            &[
                ("firstName", "Anne"),
                ("email", "anne@example.com"),
                ("contactBirthday", "1990-01-05"),
                ("variables.plan", ""),
                ("cac.value", "2.5"),
                ("cac.currency", "EUR"),
            ],
        )
        .await;
    assert_eq!(saved.led(), format!("{path}?done=saved"));
    let contact = server.contact(&list, "userId", "ann").await;
    for (field, expected) in [
        ("firstName", json!("Anne")),
        ("email", json!("anne@example.com")),
        ("active", json!(false)),
        ("contactBirthday", json!("1990-01-05")),
        ("contactScore", json!("7")),
        ("cac", json!({ "value": "2.50000", "currency": "EUR" })),
    ] {
        assert_eq!(contact[field], expected, "{field}");
    }
    assert_eq!(contact["variables"][1], json!({ "name": "plan", "value": null }));

    let page = browser.get(&server, saved.led()).await;
    assert!(page.says("The changes are saved."));
    let text = page.text();
    let history = text.split("History").nth(1).expect("a history");
    assert!(history.contains("by Ada · contacts/update"), "{history}");
    assert!(history.contains("First name Ann Anne"), "{history}");
    assert!(history.contains("E-mail ann@example.com anne@example.com"), "{history}");
    assert!(history.contains("plan gold —"), "{history}");
    assert!(history.contains("Added") && history.contains("by API key “test”"), "{history}");

    let again = browser.submit(&server, &path, &path, &[("firstName", "Anne")]).await;
    assert_eq!(again.led(), format!("{path}?done=nothing"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_stands_at_its_field_and_what_was_typed_stays() {
    let (server, browser, list) = open().await;
    let path = one(&server, &list).await;
    server.upsert(&list, json!({ "contact": "bob", "email": "bob@example.com" })).await;
    let wrong = browser
        .submit(
            &server,
            &path,
            &path,
            &[
                ("email", "<b>nobody"),
                ("contactScore", "1.5"),
                ("variables.since", "soon"),
                ("cac.currency", "EUR"),
            ],
        )
        .await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    for (field, text) in [
        ("email", "This is not an e-mail address."),
        ("contactScore", "Enter a whole number."),
        ("variables.since", "Enter a date as YYYY-MM-DD."),
        ("cac.value", "Enter an amount above 0, such as 2.05."),
    ] {
        let error = format!(r#"<p class="error" id="{field}-error">{text}</p>"#);
        assert!(wrong.html.contains(&error), "{error} in {}", wrong.html);
    }
    assert!(wrong.html.contains(r#"value="&#60;b&#62;nobody""#));
    let taken = browser.submit(&server, &path, &path, &[("email", "BOB@example.com")]).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    let error = r#"<p class="error" id="email-error">Another contact of the list has this userId, email or phoneNumber</p>"#;
    assert!(taken.html.contains(error), "{}", taken.html);
    assert_eq!(server.contact(&list, "userId", "ann").await["email"], "ann@example.com");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_edit_at_once_do_not_undo_each_other() {
    let (server, browser, list) = open().await;
    let path = one(&server, &list).await;
    // The page that was opened first; meanwhile somebody else changes two fields.
    let page = browser.get(&server, &path).await;
    server.upsert(&list, json!({ "contact": "ann", "lastName": "Lee", "firstName": "Anna" })).await;
    let csrf = page.attributes("name=\"csrf\"", "value").remove(0);
    let form = |first: &str, was: &str| {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", &csrf).append_pair("firstName", first).append_pair("was.firstName", was);
        form.append_pair("lastName", "").append_pair("was.lastName", "");
        form.append_pair("name", "Ann L.").append_pair("was.name", "");
        form.finish()
    };
    let overtaken = browser.post(&server, &path, form("Anne", "Ann")).await;
    assert_eq!(overtaken.status, StatusCode::CONFLICT);
    assert!(
        overtaken.says(
            "Another user changed this to “Anna” since the form was opened. Save again to overwrite it."
        )
    );
    assert_eq!(server.contact(&list, "userId", "ann").await["name"], Value::Null, "nothing was saved");
    let again = browser.post(&server, &path, form("Anne", "Anna")).await;
    assert_eq!(again.led(), format!("{path}?done=saved"));
    let contact = server.contact(&list, "userId", "ann").await;
    assert_eq!((&contact["firstName"], &contact["lastName"]), (&json!("Anne"), &json!("Lee")));
    assert_eq!(contact["name"], "Ann L.");
    let foreign = browser.post(&server, &path, form("x", "Anne").replace(&csrf, "guess")).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_contact_is_made_or_told_why_not() {
    let (server, browser, list) = open().await;
    let new = format!("/lists/{list}/contacts/new");
    let nobody = browser.submit(&server, &new, &new, &[("firstName", "Ann")]).await;
    assert_eq!(nobody.status, StatusCode::BAD_REQUEST);
    assert!(nobody.says("A contact needs an e-mail address, a phone number or a user ID."));
    assert!(nobody.html.contains(r#"name="firstName" value="Ann""#));
    let fields = [("email", "ann@example.com"), ("firstName", "Ann"), ("emailSubscribe", "true")];
    let made = browser.submit(&server, &new, &new, &fields).await;
    assert!(made.led().ends_with("?done=made"));
    let page = browser.get(&server, made.led()).await;
    assert!(page.says("The contact is added.") && page.says("by Ada · contacts/add"), "{}", page.text());
    let contact = server.contact(&list, "email", "ann@example.com").await;
    assert_eq!((&contact["firstName"], &contact["emailSubscribe"]), (&json!("Ann"), &json!(true)));
    let twice = browser.submit(&server, &new, &new, &fields).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    assert!(
        twice.html.contains(
            r#"id="email-error">A contact of the list has this userId, email or phoneNumber already"#
        )
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_removed_and_comes_back_when_that_is_undone() {
    let (server, browser, list) = open().await;
    let path = one(&server, &list).await;
    let remove = format!("{path}/remove");
    let removed = browser.submit(&server, &remove, &remove, &[]).await;
    let request = removed.led().to_owned();
    assert_eq!(server.contact(&list, "userId", "ann").await, Value::Null);
    assert_eq!(browser.ask(&server, &path).await.status, StatusCode::NOT_FOUND);
    let page = browser.get(&server, &request).await;
    assert!(page.says("The contact is deleted from the list. Undo this request to bring it back."));
    let undo = format!("{}/undo", request.split('?').next().expect("a path"));
    let undone = browser.submit(&server, &undo, &undo, &[]).await;
    let id = undone.led().trim_start_matches("/requests/").split('?').next().expect("an id").to_owned();
    server.processed(&id).await;
    let back = browser.get(&server, &path).await;
    assert!(back.html.contains(r#"name="firstName" value="Ann""#));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_taken_out_as_a_file_and_erased_by_typing_who_it_is() {
    let (server, browser, list) = open().await;
    let path = one(&server, &list).await;
    let file = browser.get(&server, &format!("{path}/person.json")).await;
    let told: Value = serde_json::from_str(&file.html).expect("JSON");
    assert!(told.to_string().contains("ann@example.com"), "{told}");
    let erase = format!("{path}/erase");
    let page = browser.get(&server, &erase).await;
    assert!(page.says("You cannot undo this.") && page.says("E-mail ann@example.com"), "{}", page.text());
    let not_meant = browser.submit(&server, &erase, &erase, &[("confirm", "ann")]).await;
    assert_eq!(not_meant.status, StatusCode::BAD_REQUEST);
    assert!(not_meant.says("That does not match. Nothing was erased."));
    let erased = browser.submit(&server, &erase, &erase, &[("confirm", "ann@example.com")]).await;
    assert_eq!(erased.led(), format!("/lists/{list}?done=erased"));
    assert_eq!(server.contact(&list, "userId", "ann").await, Value::Null);
    let back = server.upsert(&list, json!({ "contact": "ann@example.com" })).await;
    assert_eq!(back["error"], "CONTACT_ERASED");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_history_comes_in_pages() {
    let (server, browser, list) = open().await;
    let path = one(&server, &list).await;
    for score in 0..25 {
        server.upsert(&list, json!({ "contact": "ann", "contactScore": 100 + score })).await;
    }
    let page = browser.get(&server, &path).await;
    assert!(page.says("Page 1 of 2") && page.says("Score 123 124") && !page.says("Score 7 100"));
    let second = browser.get(&server, &page.way("next").expect("a next page")).await;
    assert!(second.says("Score 7 100") && second.says("Added"), "{}", second.text());
    // Who is not signed in is asked to.
    let nobody = server.send(Method::GET, &path, &[("accept", "text/html")], "").await;
    assert_eq!(nobody.status, StatusCode::SEE_OTHER);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_and_not_applied_is_reported_as_that() {
    let (switch, clock) = (Switch::new(), ManualClock::new(SystemClock.now()));
    let setup = Setup { wrap: switch.wrap(), clock: Arc::new(clock.clone()), ..Setup::default() };
    let server = Server::with(setup).await;
    let list = server.list().await;
    let browser = Browser::sign_in(&server, server.user).await;
    let path = one(&server, &list).await;
    let (new, remove, erase) =
        (format!("/lists/{list}/contacts/new"), format!("{path}/remove"), format!("{path}/erase"));
    switch.set(Fault::ApplyWaits);
    let forms = [
        (&path, ("firstName", "Anne"), "saving"),
        (&new, ("email", "bob@example.com"), "adding"),
        (&remove, ("unused", ""), "removed"),
        (&erase, ("confirm", "ann@example.com"), "erasing"),
    ];
    let mut pages = Vec::new();
    for (form, field, done) in forms {
        let sent = {
            let mut sent = std::pin::pin!(browser.submit(&server, form, form, std::slice::from_ref(&field)));
            loop {
                tokio::select! {
                    sent = &mut sent => break sent,
                    // The clock moves as if all went on.
                    () = tokio::time::sleep(Duration::from_millis(5)) => clock.advance(Duration::from_millis(100)),
                }
            }
        };
        let led = sent.led().to_owned();
        assert!(led.starts_with("/requests/") && led.ends_with(&format!("?done={done}")), "{led}");
        let page = browser.get(&server, &led).await;
        assert!(page.says("Accepted, and not applied yet. Nothing has changed so far."), "{}", page.text());
        let again = page.attributes("every 1s", "hx-get");
        assert_eq!(again[0], led, "it asks for the same report again");
        pages.push(led);
    }
    switch.set(Fault::None);
    clock.advance(Duration::from_secs(1));
    for (led, text) in pages.iter().zip([
        "The changes are saved.",
        "The contact is added.",
        "The contact is deleted from the list.",
        "The person is erased.",
    ]) {
        let id = led.trim_start_matches("/requests/").split('?').next().expect("an id");
        let mut processed = std::pin::pin!(server.processed(id));
        loop {
            tokio::select! {
                _ = &mut processed => break,
                // The loop that applies may have begun to wait only now.
                () = tokio::time::sleep(Duration::from_millis(5)) => clock.advance(Duration::from_millis(100)),
            }
        }
        let page = browser.get(&server, led).await;
        assert!(page.says(text), "{text}: {}", page.text());
    }
    server.stop().await;
}

/// Renames a variable of the list.
async fn rename(server: &Server, list: &str, name: &str, new: &str) {
    let body = json!({ "contactListId": list, "name": name, "newName": new });
    server.ok("/v3/contact-list/variables/rename", &body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_knows_a_field_that_was_renamed_or_deleted_meanwhile() {
    let (server, browser, list) = open().await;
    let path = one(&server, &list).await;
    let new = format!("/lists/{list}/contacts/new");
    // A form as it was sent before: what it has of the field, and what was typed.
    let page = browser.get(&server, &path).await;
    let csrf = page.attributes("name=\"csrf\"", "value").remove(0);
    let number = page.attributes("name=\"number.variables.plan\"", "value").remove(0);
    let form = |name: &str, was: &str, typed: &str| {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", &csrf).append_pair("email", "ann@example.com");
        form.append_pair("was.email", "ann@example.com");
        form.append_pair(&format!("variables.{name}"), typed)
            .append_pair(&format!("was.variables.{name}"), was);
        form.append_pair(&format!("number.variables.{name}"), &number).finish()
    };
    let plan = async || server.contact(&list, "userId", "ann").await["variables"].clone();
    let value = |variables: &Value, name: &str| {
        let of = variables.as_array().expect("an array").iter().find(|variable| variable["name"] == name);
        of.map(|variable| variable["value"].clone())
    };
    rename(&server, &list, "plan", "tariff").await;
    let body = json!({ "contactListId": list, "variables": [{ "name": "plan", "type": "ENUM_STRING" }] });
    server.ok("/v3/contact-list/variables/add", &body).await;
    let told = browser.post(&server, &path, form("plan", "gold", "silver")).await;
    assert_eq!(told.status, StatusCode::CONFLICT);
    assert!(told.says("This field was called “plan” when you opened the form."), "{}", told.text());
    assert!(told.html.contains(r#"name="variables.tariff" value="silver""#), "what was typed stays");
    let variables = plan().await;
    assert_eq!(value(&variables, "tariff"), Some(json!("gold")), "nothing is written");
    assert_eq!(value(&variables, "plan"), Some(Value::Null), "least of all into the new field of that name");
    let again = browser.post(&server, &path, form("tariff", "gold", "silver")).await;
    assert_eq!(again.led(), format!("{path}?done=saved"));
    assert_eq!(value(&plan().await, "tariff"), Some(json!("silver")));
    // Who has changed something else is not held up by it.
    let other =
        form("plan", "silver", "silver").replace("email=ann", "firstName=Anne&was.firstName=Ann&email=ann");
    assert_eq!(browser.post(&server, &path, other).await.led(), format!("{path}?done=saved"));
    assert_eq!(value(&plan().await, "tariff"), Some(json!("silver")));
    let added = browser.post(&server, &new, form("plan", "", "bronze").replace("ann%40", "new%40")).await;
    assert_eq!(added.status, StatusCode::CONFLICT);
    assert!(added.html.contains(r#"name="variables.tariff" value="bronze""#), "{}", added.html);

    let gone = json!({ "contactListId": list, "names": ["tariff"] });
    server.ok("/v3/contact-list/variables/remove", &gone).await;
    for form in [form("tariff", "silver", "bronze"), form("plan", "silver", "bronze")] {
        let told = browser.post(&server, &path, form).await;
        assert_eq!(told.status, StatusCode::CONFLICT);
        let text = "was deleted after you opened the form. Your entry was not saved: “bronze”";
        assert!(told.says(text), "{}", told.text());
    }
    server.stop().await;
}
