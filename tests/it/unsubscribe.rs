//! Unsubscribe links: made for contacts, used by one click and on a page, and harmless to programs that only look.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::erase::erase;
use crate::faults::{Fault, Switch};
use crate::harness::{Answer, Server, Setup};

const LINKS: &str = "/v3/contacts/unsubscribe-links";
const BASE: &str = "https://contacts.example.com";
const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

/// The path of the link of one contact.
async fn link(server: &Server, list: &str, email: &str) -> String {
    let links = server.ok(LINKS, &json!({ "contactListId": list, "emails": [email] })).await;
    let url = links["links"][0]["url"].as_str().expect("a link").to_owned();
    url.strip_prefix(BASE).expect("the address of the setting").to_owned()
}

async fn subscribed(server: &Server, list: &str, email: &str) -> Value {
    server.contact(list, "email", email).await["emailSubscribe"].clone()
}

/// Makes a contact that gets e-mails, and its link.
async fn contact(server: &Server, email: &str) -> (String, String) {
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": email, "emailSubscribe": true, "smsSubscribe": true })).await;
    let link = link(server, &list, email).await;
    (list, link)
}

async fn post(server: &Server, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    server.send(Method::POST, path, headers, body.to_owned()).await
}

/// Waits until a contact's e-mails are off.
async fn is_off(server: &Server, list: &str, email: &str) {
    server
        .wait_for("the opt-out", async || {
            (subscribed(server, list, email).await == json!(false)).then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_come_with_their_headers_and_fit_every_mail_library() {
    let server = Server::start().await;
    let list = server.list().await;
    for contact in [
        json!({ "contact": "ada", "email": "ada@example.com", "phoneNumber": "+15555551" }),
        json!({ "contact": "bob@example.com" }),
    ] {
        server.upsert(&list, contact).await;
    }
    let body = json!({ "contactListId": list, "emails": ["ADA@example.com", "nobody@example.com", "bob@example.com"],
        "phoneNumbers": ["+15555551"], "userIds": ["ada"] });
    let made = server.ok(LINKS, &body).await;
    assert_eq!(made.get("warnings"), None, "{made}");
    let links = made["links"].as_array().expect("links");
    let url = |place: usize| links[place]["url"].as_str().expect("a link");
    assert_eq!(links[1], json!({ "identifier": "nobody@example.com", "url": null, "headers": [] }));
    assert_eq!(links[0]["identifier"], "ADA@example.com");
    assert_eq!(
        links[0]["headers"],
        json!([{ "name": "List-Unsubscribe", "value": format!("<{}>", url(0)) },
               { "name": "List-Unsubscribe-Post", "value": ONE_CLICK }])
    );
    assert_eq!((url(0), url(0)), (url(3), url(4)), "a contact has one link for a channel");
    assert_ne!(url(0), url(2));
    for url in [url(0), url(2)] {
        let token = url.strip_prefix("https://contacts.example.com/u/").expect("the address");
        assert_eq!(token.len(), 22);
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{token}");
        assert!(token.ends_with(|last: char| last.is_ascii_alphanumeric()), "{token}");
        // A host of 25 characters still gives 58.
        assert!(url.len() <= 58, "{url}");
    }
    let sms = server.ok(LINKS, &json!({ "contactListId": list, "userIds": ["ada"], "channel": "sms" })).await;
    assert_ne!(sms["links"][0]["url"], links[0]["url"]);
    assert_eq!(sms["links"][0]["headers"], json!([]));
    for (body, text) in [
        (
            json!({ "contactListId": list }),
            "add at least one email, phoneNumber or userId to emails, phoneNumbers or userIds field",
        ),
        (json!({ "contactListId": list, "emails": "a" }), "Argument emails must be a list of emails"),
        (json!({ "contactListId": list, "emails": [5] }), "Each email must be a string"),
        (
            json!({ "contactListId": list, "emails": vec!["a"; 101] }),
            "Maximum count of records per transaction is 100, current 101",
        ),
        (
            json!({ "contactListId": list, "emails": ["a"], "channel": "fax" }),
            "Argument channel must be one of email, sms, desktopWebPush, mobileWebPush, telegram, viber",
        ),
    ] {
        assert_eq!(server.refused(LINKS, &body).await, [text], "{body}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_a_long_and_a_plain_address_are_named() {
    let mut setup = Setup::default();
    setup.limits.unsubscribe_url = None;
    let server = Server::with(setup).await;
    let list = server.list().await;
    let body = json!({ "contactListId": list, "emails": ["a@example.com"] });
    let text = "Unsubscribe links need the setting public_url or unsubscribe_url: the address of the server, such as \
                https://contacts.example.com";
    assert_eq!(server.refused(LINKS, &body).await, [text]);
    let mut setup = Setup::default();
    setup.limits.unsubscribe_url = Some("http://contacts-of-the-shop.example.com".to_owned());
    let server = server.restart(setup).await;
    let made = server.ok(LINKS, &body).await;
    let codes: Vec<_> = made["warnings"]
        .as_array()
        .expect("warnings")
        .iter()
        .map(|warning| warning["code"].clone())
        .collect();
    assert_eq!(codes, ["LONG_LINK", "LINK_NOT_HTTPS"], "{made}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_unsubscribes_whatever_its_body_and_origin_are() {
    let server = Server::start().await;
    let form = "application/x-www-form-urlencoded";
    let multipart =
        "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n";
    for (number, (headers, body)) in [
        (vec![("content-type", form)], ONE_CLICK.to_owned()),
        (vec![], String::new()),
        (vec![("content-type", form)], String::new()),
        (vec![("content-type", "multipart/form-data; boundary=b")], multipart.to_owned()),
        (vec![("content-type", "application/json")], "{\"x\":1}".to_owned()),
        (
            vec![("origin", "https://mail.example.org"), ("sec-fetch-site", "cross-site")],
            ONE_CLICK.to_owned(),
        ),
        (vec![("content-encoding", "gzip")], "not gzip".to_owned()),
        (vec![], "x".repeat(200_000)),
        (vec![("cookie", "session=1"), ("access-token", "wrong")], ONE_CLICK.to_owned()),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("u{number}@example.com");
        let (list, path) = contact(&server, &email).await;
        let answer = post(&server, &path, &headers, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{headers:?}: {}", answer.text());
        is_off(&server, &list, &email).await;
        let contact = server.contact(&list, "email", &email).await;
        assert_eq!(contact["smsSubscribe"], true, "the other channels stay");
        // Again, and it is as well.
        assert_eq!(post(&server, &path, &headers, &body).await.status, StatusCode::OK);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_changes_nothing_and_the_page_asks() {
    let server = Server::start().await;
    let (list, path) = contact(&server, "ada@example.com").await;
    for method in [Method::GET, Method::HEAD] {
        let answer = server.send(method.clone(), &path, &[("accept", "text/html")], "").await;
        assert_eq!(answer.status, StatusCode::OK, "{method}");
        let header =
            |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        assert_eq!(header("cache-control").as_deref(), Some("no-store"));
        assert_eq!(header("referrer-policy").as_deref(), Some("no-referrer"));
        assert_eq!(header("x-robots-tag").as_deref(), Some("noindex, nofollow"));
        assert_eq!(header("location"), None);
        assert_eq!(header("set-cookie"), None);
        assert!(
            header("content-security-policy").is_some_and(|policy| policy.starts_with("default-src 'none'"))
        );
        if method == Method::GET {
            let page = answer.text();
            assert!(page.contains("Test") && page.contains("<form method=\"post\">"), "{page}");
            assert!(!page.contains("<script") && !page.contains("ada"), "{page}");
        } else {
            assert!(answer.body.is_empty());
        }
    }
    for method in [Method::PUT, Method::DELETE, Method::OPTIONS] {
        let answer = server.send(method.clone(), &path, &[], "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    assert_eq!(subscribed(&server, &list, "ada@example.com").await, true);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let done = post(&server, &path, &form, "by=page").await;
    assert!(done.text().contains("You are unsubscribed"), "{}", done.text());
    is_off(&server, &list, "ada@example.com").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_speaks_the_language_of_the_browser() {
    let server = Server::start().await;
    let (_, path) = contact(&server, "ada@example.com").await;
    for (asked, language, question) in [
        ("de-AT,de;q=0.9,en;q=0.8", "de", "Keine E-Mails von Test mehr erhalten?"),
        ("uk", "uk", "Більше не отримувати електронні листи від Test?"),
        ("es-MX", "es", "¿Dejar de recibir correos electrónicos de Test?"),
        ("fr", "en", "Stop e-mails from Test?"),
    ] {
        let headers = [("accept-language", asked)];
        let page = server.send(Method::GET, &path, &headers, "").await;
        assert_eq!(page.headers["content-language"], language);
        assert_eq!(page.headers["vary"], "accept-language");
        let text = page.text();
        assert!(text.contains(&format!("<html lang=\"{language}\">")) && text.contains(question), "{text}");
    }
    let german = [("accept-language", "de"), ("content-type", "application/x-www-form-urlencoded")];
    let done = post(&server, &path, &german, "by=page").await;
    assert_eq!((done.status, &done.headers["content-language"]), (StatusCode::OK, &"de".parse().unwrap()));
    assert!(done.text().contains("<h1>Sie sind abgemeldet</h1>"), "{}", done.text());
    let wrong = server.send(Method::GET, "/u/none", &german, "").await;
    assert_eq!(wrong.status, StatusCode::NOT_FOUND);
    assert!(wrong.text().contains("<h1>Dieser Link ist ungültig</h1>"), "{}", wrong.text());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_and_request_say_how_the_contact_unsubscribed() {
    let server = Server::start().await;
    for (email, body, by) in [
        ("click@example.com", ONE_CLICK, "unsubscribe:one-click"),
        ("page@example.com", "by=page", "unsubscribe:page"),
    ] {
        let (list, path) = contact(&server, email).await;
        post(&server, &path, &[], body).await;
        is_off(&server, &list, email).await;
        let history =
            server.ok("/v3/contact/history", &json!({ "contactListId": list, "email": email })).await;
        let change = &history["data"][0];
        assert_eq!(change["token"], by, "{history}");
        assert_eq!(change["changes"][0]["field"], "emailSubscribe", "{history}");
        let request = change["requestId"].as_str().expect("an id");
        let object = server.processed(request).await;
        assert_eq!(object["source"], "contacts/update", "{object}");
        assert_eq!(object["results"]["success"][0]["action"], "updated", "{object}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_acts_on_its_contact_whatever_became_of_it() {
    let server = Server::start().await;
    let (list, path) = contact(&server, "ada@example.com").await;
    // Another address, and the old one handed on.
    server.upsert(&list, json!({ "contact": "ada@example.com", "email": "ada@example.org" })).await;
    server.upsert(&list, json!({ "contact": "ada@example.com", "emailSubscribe": true })).await;
    assert_eq!(post(&server, &path, &[], ONE_CLICK).await.status, StatusCode::OK);
    is_off(&server, &list, "ada@example.org").await;
    assert_eq!(subscribed(&server, &list, "ada@example.com").await, true, "it is another contact");
    // Subscribed again, and off again at once.
    server.upsert(&list, json!({ "contact": "ada@example.org", "emailSubscribe": true })).await;
    post(&server, &path, &[], ONE_CLICK).await;
    is_off(&server, &list, "ada@example.org").await;

    let before = server.send(Method::GET, &path, &[], "").await.text();
    erase(&server, json!({ "email": "ada@example.org" })).await;
    let after = server.send(Method::GET, &path, &[], "").await;
    assert_eq!(
        (after.status, after.text()),
        (StatusCode::OK, before),
        "nobody learns that the contact is gone"
    );
    let gone = post(&server, &path, &[], ONE_CLICK).await;
    assert_eq!(gone.status, StatusCode::OK);
    server.ok("/v3/contact-list/remove", &json!({ "contactListId": list, "confirm": "Customers" })).await;
    for answer in [server.send(Method::GET, &path, &[], "").await, post(&server, &path, &[], ONE_CLICK).await]
    {
        assert_eq!(answer.status, StatusCode::OK);
        assert!(!answer.text().contains("Test") && !answer.text().contains("<form"), "{}", answer.text());
    }
    // A restart knows the same links.
    let (list, path) = contact(&server, "bob@example.com").await;
    let server = server.restart(Setup::default()).await;
    assert_eq!(post(&server, &path, &[], ONE_CLICK).await.status, StatusCode::OK);
    is_off(&server, &list, "bob@example.com").await;
    server.stop().await;
}

/// What the link of a contact did that is gone: the reasons for which its address is suppressed.
async fn suppressed(server: &Server, path: &str, address: &Value) -> Vec<String> {
    let found = server.ok(path, address).await["data"].as_array().expect("an array").clone();
    let reason =
        |row: &Value| row.get("type").or(row.get("rejectType")).and_then(Value::as_str).map(str::to_owned);
    found.iter().filter_map(reason).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_a_merged_contact_acts_on_the_one_that_is_left() {
    let server = Server::start().await;
    // The second lacks nothing, so the merge does not change it; the first gets an address by it.
    for winner in [json!({ "contact": "w" }), json!({ "contact": "w", "email": "win@example.com" })] {
        let (list, path) = contact(&server, "lose@example.com").await;
        let mut winner = winner;
        winner["emailSubscribe"] = json!(true);
        winner["smsSubscribe"] = json!(true);
        server.upsert(&list, winner).await;
        let ids = json!([{ "userId": "w" }, { "email": "lose@example.com" }]);
        let ids = server.ok("/v3/contact/get-many", &json!({ "contactListId": list, "contacts": ids })).await;
        let id = |place: usize| ids["found"][place]["contactId"].clone();
        let merge = json!({ "contactListId": list, "winner": id(0), "loser": id(1) });
        let merged = server.ok("/v3/contacts/merge", &merge).await["requestId"].clone();
        server.processed(merged.as_str().expect("an id")).await;
        assert_eq!(post(&server, &path, &[], ONE_CLICK).await.status, StatusCode::OK);
        let is_off = async || {
            let shown = server.contact(&list, "userId", "w").await;
            (shown["emailSubscribe"] == false && shown["smsSubscribe"] == true).then_some(())
        };
        server.wait_for("the winner's opt-out", is_off).await;
    }
    // Only the address that no contact has any more is suppressed.
    let lost = json!({ "email": "lose@example.com" });
    assert_eq!(suppressed(&server, "/v3/blacklist/find", &lost).await, ["list-unsubscribe"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_a_removed_contact_acts_on_its_address() {
    let server = Server::start().await;
    let (list, path) = contact(&server, "ada@example.com").await;
    let sms = json!({ "contact": "bob", "phoneNumber": "+15555552", "smsSubscribe": true });
    server.upsert(&list, sms).await;
    let made = json!({ "contactListId": list, "userIds": ["bob"], "channel": "sms" });
    let url = server.ok(LINKS, &made).await["links"][0]["url"].as_str().expect("a link").to_owned();
    let body = json!({ "contactListId": list, "emails": ["ada@example.com"], "userIds": ["bob"] });
    let removed = server.ok("/v3/contacts/remove", &body).await["requestId"].clone();
    server.processed(removed.as_str().expect("an id")).await;
    // Another contact of the list has the address now: the link turns that off, and suppresses nothing.
    server.upsert(&list, json!({ "contact": "ada@example.com", "emailSubscribe": true })).await;
    post(&server, &path, &[], ONE_CLICK).await;
    is_off(&server, &list, "ada@example.com").await;
    let ada = json!({ "email": "ada@example.com" });
    assert_eq!(suppressed(&server, "/v3/blacklist/find", &ada).await, Vec::<String>::new());
    // None has it: it is suppressed, and the contact shows that when the removal is undone.
    assert_eq!(
        post(&server, url.strip_prefix(BASE).expect("a path"), &[], "by=page").await.status,
        StatusCode::OK
    );
    let bob = json!({ "phoneNumber": "+15555552" });
    assert_eq!(suppressed(&server, "/v3/phone-blacklist/find", &bob).await, ["unsubscribe"]);
    let undo = server.ok("/v3/request/undo", &json!({ "requestId": removed })).await["requestId"].clone();
    server.processed(undo.as_str().expect("an id")).await;
    let shown = server.contact(&list, "userId", "bob").await;
    assert_eq!(shown["suppressed"][0]["reason"], "unsubscribe", "{shown}");
    assert_eq!(post(&server, &path, &[], ONE_CLICK).await.status, StatusCode::OK);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_link_is_told_and_a_right_one_never_waits() {
    let server = Server::start().await;
    let (list, path) = contact(&server, "ada@example.com").await;
    let mut wrong = path.clone();
    wrong.replace_range(
        path.len() - 2..path.len() - 1,
        if path.as_bytes()[path.len() - 2] == b'B' { "C" } else { "B" },
    );
    for path in ["/u/x", "/u/", "/u/%00", &wrong, &path[..path.len() - 1], &format!("{path}A")] {
        for method in [Method::GET, Method::POST] {
            let answer = server.send(method.clone(), path, &[], "").await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
        }
    }
    let mut last = StatusCode::NOT_FOUND;
    for _ in 0..80 {
        last = post(&server, &wrong, &[], "").await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(server.send(Method::GET, &path, &[], "").await.status, StatusCode::OK);
    assert_eq!(post(&server, &path, &[], ONE_CLICK).await.status, StatusCode::OK);
    is_off(&server, &list, "ada@example.com").await;
    // The API does not count those.
    server.ok("/v3/account/info", &json!({})).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_stores_nothing_and_says_so() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let (list, path) = contact(&server, "ada@example.com").await;
    switch.set(Fault::Away);
    for answer in [server.send(Method::GET, &path, &[], "").await, post(&server, &path, &[], ONE_CLICK).await]
    {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers.contains_key("retry-after"));
    }
    switch.set(Fault::None);
    assert_eq!(subscribed(&server, &list, "ada@example.com").await, true);
    switch.set(Fault::AppendNotKept);
    assert_eq!(post(&server, &path, &[], ONE_CLICK).await.status, StatusCode::SERVICE_UNAVAILABLE);
    switch.set(Fault::None);
    assert_eq!(subscribed(&server, &list, "ada@example.com").await, true);
    post(&server, &path, &[], ONE_CLICK).await;
    is_off(&server, &list, "ada@example.com").await;
    server.stop().await;
}
