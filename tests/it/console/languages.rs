//! Pages speak the language of the browser, or that of the user, and no text of a page is left untranslated.

use hyper::{Method, StatusCode};
use serde_json::json;

use super::{Visitor, let_in};
use crate::harness::Server;

/// The language that brackets each text.
const BRACKETS: (&str, &str) = ("accept-language", "qps-ploc");

/// Words of pages that are the same in each language: units, and names of the product and of currencies.
const NAMES: [&str; 8] = ["Rollbook", "UTC", "ms", "EUR", "USD", "English", "Deutsch", "Español"];

async fn page(visitor: &mut Visitor, server: &Server, path: &str, language: (&str, &str)) -> String {
    let answer = visitor.send(server, Method::GET, path, &[language], String::new()).await;
    assert_ne!(answer.status, StatusCode::SEE_OTHER, "{path}");
    answer.text()
}

/// What a page shows and reads aloud outside of brackets: of its texts, and of attributes with texts. Code, and what
/// a program is told, is no text.
fn unbracketed(html: &str) -> Vec<String> {
    let (mut left, mut text, mut depth) = (Vec::new(), String::new(), 0_usize);
    // The element whose content is no text of the page.
    let mut skipped: Option<&str> = None;
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        if skipped.is_none() {
            text.push_str(&outside(before, &mut depth));
        }
        let (tag, after) = whole_tag(after);
        let name = tag.trim_start_matches('/').split([' ', '\n', '>']).next().unwrap_or_default();
        let is_code = matches!(name, "code" | "pre" | "kbd" | "script" | "style" | "textarea");
        match skipped {
            None if is_code || tag.contains("translate=\"no\"") => skipped = Some(name),
            Some(open) if tag.starts_with('/') && name == open => skipped = None,
            _ => {}
        }
        if depth == 0 && skipped.is_none() {
            left.push(std::mem::take(&mut text));
        }
        for attribute in ["aria-label", "placeholder", "title", "alt", "data-label", "data-copied"] {
            let Some((_, value)) = tag.split_once(&format!(" {attribute}=\"")) else { continue };
            let value = value.split('"').next().unwrap_or_default();
            left.push(outside(value, &mut 0));
        }
        rest = after;
    }
    assert_eq!(depth, 0, "brackets are closed");
    left
}

/// A tag without its `<`, and what follows: a `>` in quotes does not end it.
fn whole_tag(text: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, sign) in text.char_indices() {
        match (quote, sign) {
            (None, '>') => return (&text[..at], &text[at + 1..]),
            (None, '"' | '\'') => quote = Some(sign),
            (Some(open), sign) if sign == open => quote = None,
            _ => {}
        }
    }
    (text, "")
}

/// What stands outside of brackets; `depth` is that before and after.
fn outside(text: &str, depth: &mut usize) -> String {
    let mut left = String::new();
    for sign in text.chars() {
        match sign {
            '⟦' => *depth += 1,
            '⟧' => *depth -= 1,
            sign if *depth == 0 => left.push(sign),
            _ => {}
        }
    }
    left
}

/// The words of a page that are neither translated nor data.
fn untranslated(html: &str, data: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for text in unbracketed(html) {
        let mut text = html_decoded(&text);
        for known in data.iter().chain(&NAMES) {
            text = text.replace(known, " ");
        }
        let is_id = |word: &str| word.len() == 24 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let words = text.split(|sign: char| !sign.is_alphanumeric());
        let words = words.filter(|word| word.chars().any(char::is_alphabetic) && !is_id(word));
        found.extend(words.map(str::to_owned));
    }
    found
}

fn html_decoded(text: &str) -> String {
    text.replace("&#34;", "\"").replace("&#39;", "'").replace("&#38;", "&").replace("&amp;", "&")
}

/// An account with something on each page, and the paths of its pages.
async fn furnished(server: &Server, ada: &mut Visitor) -> Vec<String> {
    let list = server.list().await;
    let source = server.source(&json!({ "name": "Zsource", "customerSourceId": "zid" })).await;
    ada.done(server, &format!("/lists/{list}/variables"), &[("name", "zfield"), ("type", "string")]).await;
    let one = json!({ "contact": "zed@zz.example", "firstName": "Zed", "emailSubscribe": true, "sourceId": source });
    let contact = server.upsert(&list, one).await["id"].as_str().expect("an id").to_owned();
    server.upsert(&list, json!({ "contact": "zed+1@zz.example" })).await;
    let change = json!({ "contact": "zed@zz.example", "emailSubscribe": false });
    server.upsert(&list, change).await;
    let failed = json!([{ "contact": "nobody@zz.example", "name": "Zed" }]);
    server.update(&list, false, failed).await;
    let suppressed = [("address", "zed@zz.example"), ("reason", "hard"), ("rawLog", "")];
    ada.done(server, "/suppression/add", &suppressed).await;
    let segment = [("name", "Zsegment"), ("filter", r#"{"field":"active","op":"is","value":true}"#)];
    ada.done(server, &format!("/lists/{list}/segments"), &segment).await;
    let listed = server.ok("/v3/request/list", &json!({})).await;
    let requests = listed["data"].as_array().expect("requests").iter();
    let requests: Vec<_> =
        requests.map(|one| format!("/requests/{}", one["id"].as_str().expect("an id"))).collect();
    let (of_list, of_contact) = (format!("/lists/{list}"), format!("/lists/{list}/contacts/{contact}"));
    let mut paths: Vec<String> = [
        "/",
        "/?span=week",
        "/contacts",
        "/contacts?q=zed",
        "/contacts?q=nothingatall",
        "/lists",
        "/lists?done=made",
        "/sources",
        "/suppression",
        "/suppression?q=none@zz.example",
        "/requests",
        "/requests?state=queued",
        "/requests/rejected",
        "/webhooks",
        "/jobs",
        "/keys",
        "/account",
        "/account?done=language",
        "/account/webhook-secret",
        "/nowhere",
    ]
    .map(str::to_owned)
    .to_vec();
    paths.extend(requests);
    paths.extend([format!("/sources/{source}"), format!("/sources/{source}/remove")]);
    paths.push(format!("/account/users/{}", server.user));
    for path in [
        "",
        "?q=zed",
        "?q=nothingatall",
        "?active=true",
        "?updatedSince=x",
        "/variables",
        "/duplicates",
        "/segments",
        "/import",
        "/export",
    ] {
        paths.push(format!("{of_list}{path}"));
    }
    for path in
        ["/rename", "/remove", "/contacts/new", "/variables/zfield/rename", "/variables/zfield/remove"]
    {
        paths.push(format!("{of_list}{path}"));
    }
    paths.extend(["", "/remove", "/erase"].map(|path| format!("{of_contact}{path}")));
    paths
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_of_a_page_is_left_untranslated() {
    let server = Server::start().await;
    let mut ada = let_in(&server, server.user, "zadmin@zz.example").await;
    let paths = furnished(&server, &mut ada).await;
    let data = [
        "nobody@zz.example",
        "none@zz.example",
        "zadmin@zz.example",
        "zed+1@zz.example",
        "zed@zz.example",
        "nothingatall",
        "Zsegment",
        "Zsource",
        "zfield",
        "zid",
        "Zed",
        "Test",
        "Ada",
        "test",
        "Українська",
        "INVALID_EMAIL",
        "favouriteColour",
        "https://hooks.example.com/events",
        "https://hooks.example.com/status",
        "Customers",
        "newVariableName",
        "plan",
        "since",
    ];
    let mut found = Vec::new();
    for path in &paths {
        let html = page(&mut ada, &server, path, BRACKETS).await;
        assert!(html.contains(r#"<html lang="qps-ploc">"#), "{path}");
        for word in untranslated(&html, &data) {
            found.push(format!("{path}: {word}"));
        }
    }
    let mut anybody = Visitor::default();
    for path in ["/sign-in", "/welcome/x"] {
        let html = page(&mut anybody, &server, path, BRACKETS).await;
        found.extend(untranslated(&html, &data).into_iter().map(|word| format!("{path}: {word}")));
    }
    assert!(found.is_empty(), "{} words: {found:#?}", found.len());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_speaks_the_language_of_the_browser_or_of_the_user() {
    let server = Server::start().await;
    let mut ada = let_in(&server, server.user, "ada@example.com").await;
    for (asked, lang, title) in [
        ("de-DE,de;q=0.9,en;q=0.8", "de", "<h1>Listen</h1>"),
        ("uk", "uk", "<h1>Списки</h1>"),
        ("es-MX", "es", "<h1>Listas</h1>"),
        ("fr", "en", "<h1>Lists</h1>"),
    ] {
        let answer =
            ada.send(&server, Method::GET, "/lists", &[("accept-language", asked)], String::new()).await;
        assert_eq!(answer.headers["content-language"], lang);
        let html = answer.text();
        assert!(
            html.contains(&format!(r#"<html lang="{lang}">"#)) && html.contains(title),
            "{asked}: {html}"
        );
    }
    // What the user has chosen is before what the browser asks for; an error is in the language as well.
    assert_eq!(ada.done(&server, "/account/language", &[("language", "uk")]).await, "/account?done=language");
    let html = page(&mut ada, &server, "/account?done=language", ("accept-language", "de")).await;
    assert!(
        html.contains("Вашу мову збережено.") && html.contains(r#"value="uk" lang="uk" selected"#),
        "{html}"
    );
    let answer = ada.post(&server, "/lists", &[("name", " ")]).await;
    assert!(answer.text().contains("Введіть назву від 1 до 150 знаків."), "{}", answer.text());
    assert_eq!(answer.headers["content-language"], "uk");
    let html = page(&mut ada, &server, "/nowhere", ("accept-language", "de")).await;
    assert!(html.contains("Seite nicht gefunden"), "a path of nothing knows no user: {html}");
    let html = page(&mut ada, &server, "/lists/0123456789abcdef01234567", ("accept-language", "de")).await;
    assert!(html.contains("Сторінку не знайдено"), "{html}");
    // Another setting is none: the browser chooses again.
    ada.done(&server, "/account/language", &[("language", "xx")]).await;
    let html = page(&mut ada, &server, "/lists", ("accept-language", "es")).await;
    assert!(html.contains("<h1>Listas</h1>"), "{html}");
    server.stop().await;
}

/// The most bytes of a page, as it is sent: pages are not compressed, since they hold secrets.
const MAX_PAGE: usize = 60_000;

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_what_they_load_are_small() {
    let server = Server::start().await;
    let mut ada = let_in(&server, server.user, "zadmin@zz.example").await;
    for path in furnished(&server, &mut ada).await {
        for language in ["en", "uk"] {
            let html = page(&mut ada, &server, &path, ("accept-language", language)).await;
            assert!(html.len() <= MAX_PAGE, "{path} in {language}: {} bytes", html.len());
        }
    }
    let html = ada.page(&server, "/lists").await;
    let files = html.split('"').filter(|text| text.starts_with("/console/") && text.contains('.'));
    let mut sum = 0;
    for file in files {
        let answer = server.send(Method::GET, file, &[("accept-encoding", "br")], "").await;
        assert_eq!(answer.status, StatusCode::OK, "{file}");
        sum += answer.body.len();
    }
    assert!((1..=30_000).contains(&sum), "styles and scripts: {sum} bytes");
    server.stop().await;
}
