//! `search` in `/v3/contacts/find`: people are found by what is typed, in one list and in all.

use domain::search::fold;
use serde_json::{Value, json};

use crate::harness::{Server, Setup, StoreKind};

const PATH: &str = "/v3/contacts/find";

/// The user ids of what is found, in order.
async fn found(server: &Server, body: Value) -> Vec<String> {
    let answer = server.ok(PATH, &body).await;
    users(&answer)
}

fn users(answer: &Value) -> Vec<String> {
    let of_contact = |contact: &Value| contact["userId"].as_str().expect("a userId").to_owned();
    answer["data"].as_array().expect("an array").iter().map(of_contact).collect()
}

/// Waits until a search finds these.
async fn wait_until_found(server: &Server, body: Value, users: &[&str]) {
    server
        .wait_for(&format!("{body} to find {users:?}"), async || {
            (found(server, body.clone()).await == users).then_some(())
        })
        .await;
}

fn people() -> Value {
    json!([
        { "contact": "u1", "name": "Jürgen Müller", "email": "j.mueller+news@mail.example.com", "phoneNumber": "+491701234567" },
        { "contact": "u2", "firstName": "Anne-Marie", "lastName": "O’Connor", "email": "amoc@example.org" },
        { "contact": "u3", "name": "Ковальчук Йосип", "phoneNumber": "+380441234567" },
        { "contact": "u4", "name": "李明华" },
        { "contact": "u5", "name": "Mullerin Jurate", "email": "muller@example.com" },
        { "contact": "muller", "name": "Nobody Else" },
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_by_what_is_typed_the_best_first() {
    let server = Server::start().await;
    let list = server.list().await;
    server.update(&list, true, people()).await;
    let search = |text: &str| json!({ "contactListId": list, "search": text });
    wait_until_found(&server, search("nobody"), &["muller"]).await;
    for (typed, expected) in [
        ("jür müll", vec!["u1", "u5"]),
        ("muller", vec!["muller", "u1", "u5"]),
        ("MULLER", vec!["u1", "u5"]),
        ("mueller", vec!["u1"]),
        ("j.mueller@mail", vec!["u1"]),
        ("news", vec!["u1"]),
        ("example", vec!["u1", "u2", "u5"]),
        ("example.org", vec!["u2"]),
        ("oconnor annemarie", vec!["u2"]),
        ("o'con", vec!["u2"]),
        ("kovalchuk", vec!["u3"]),
        ("йосип", vec!["u3"]),
        ("明华", vec!["u4"]),
        ("0170 / 123 45 67", vec!["u1"]),
        ("+49 (0)170 1234567", vec!["u1"]),
        ("1234567", vec!["u1", "u3"]),
        ("34567", vec![]),
        ("muller@example.com", vec!["u5", "u1"]),
        ("u4", vec!["u4"]),
        ("muller nobody", vec![]),
        ("zzqy", vec![]),
    ] {
        assert_eq!(found(&server, search(typed)).await, expected, "{typed}");
    }
    let ids = server.ok(PATH, &search("kovalchuk")).await["contactIds"].clone();
    assert_eq!(found(&server, search(ids[0].as_str().expect("an id"))).await, ["u3"]);
    let filtered = json!({ "contactListId": list, "search": "muller", "namePrefix": "j" });
    assert_eq!(found(&server, filtered).await, ["u1"]);

    // What has changed or gone is not found by what it was.
    server.update(&list, true, json!([{ "contact": "u1", "name": "Georg Schmidt" }])).await;
    let gone = server.ok("/v3/contacts/remove", &json!({ "contactListId": list, "userIds": ["u5"] })).await;
    server.processed(gone["requestId"].as_str().expect("an id")).await;
    assert_eq!(found(&server, search("jür müll")).await, [""; 0]);
    wait_until_found(&server, search("georg"), &["u1"]).await;
    assert_eq!(found(&server, search("mueller")).await, ["u1"], "by the address");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_over_all_lists_hold_every_match_once_and_only_what_the_token_may_see() {
    let server = Server::start().await;
    let lists = [server.list().await, server.list().await, server.list().await];
    for (index, list) in lists.iter().enumerate() {
        let contact = |number: usize| {
            let name = if number.is_multiple_of(2) { "Anna" } else { "Annabel" };
            json!({ "contact": format!("{index}-{number}"), "name": name })
        };
        server.update(list, true, (0..7).map(contact).collect()).await;
        let of_list = json!({ "contactListId": list, "search": "annabel" });
        wait_until_found(
            &server,
            of_list,
            &[1, 3, 5].map(|number| format!("{index}-{number}")).each_ref().map(String::as_str),
        )
        .await;
    }
    let whole = |index: usize| [0, 2, 4, 6].map(|number| format!("{index}-{number}"));
    let rest = |index: usize| [1, 3, 5].map(|number| format!("{index}-{number}"));
    let expected: Vec<_> = (0..3).flat_map(whole).chain((0..3).flat_map(rest)).collect();
    for limit in [1, 4, 5, 1_000] {
        let (mut all, mut after) = (Vec::new(), Value::Null);
        loop {
            let page = server.ok(PATH, &json!({ "search": "anna", "limit": limit, "after": after })).await;
            let of_page = users(&page);
            let owners = of_page.iter().map(|user| json!(lists[usize::from(user.as_bytes()[0] - b'0')]));
            assert_eq!(page["contactListIds"], owners.collect::<Value>());
            assert!(page.get("cursor").is_none() && of_page.len() <= limit);
            all.extend(of_page);
            after = page["next"].clone();
            if after.is_null() {
                break;
            }
        }
        assert_eq!(all, expected, "{limit}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_searched_is_rejected() {
    let server = Server::start().await;
    let list = server.list().await;
    let search = |search: Value| json!({ "contactListId": list, "search": search });
    let empty = "Argument search must have a letter or a digit";
    let long = "Argument search must have at most 255 characters and 10 words";
    assert_eq!(server.refused(PATH, &search(json!("--"))).await, [empty]);
    assert_eq!(
        server.refused(PATH, &search(json!("a ".repeat(11) + "b c d e f g h i j k l m"))).await,
        [long]
    );
    assert_eq!(server.refused(PATH, &search(json!("x".repeat(256)))).await, [long]);
    assert_eq!(server.refused(PATH, &search(json!(7))).await, ["Argument search must be a string"]);
    let after = "Argument after must be the next of an answer about this search";
    let body = json!({ "search": "anna", "after": "35d9155bad132d5f45a4e38b1" });
    assert_eq!(server.refused(PATH, &body).await, [after]);
    let no_list = json!({ "search": " " });
    assert_eq!(server.refused(PATH, &no_list).await.len(), 1, "a blank search names no list");
    assert_eq!(server.ok(PATH, &search(json!(" "))).await["data"], json!([]));
    server.stop().await;
}

/// The folding, and the rule of matching, over all contacts: what the index must come to.
fn model<'a>(contacts: &'a [(String, [String; 2])], typed: &str) -> Vec<&'a str> {
    let words = fold::words(typed);
    let matches = |[name, email]: &[String; 2]| {
        let mut known = fold::name_words(name);
        known.extend(fold::address_words(email));
        words.iter().all(|word| known.iter().any(|other| other.starts_with(word.as_str())))
    };
    contacts.iter().filter(|(_, texts)| matches(texts)).map(|(user, _)| user.as_str()).collect()
}

/// Random people, changes and searches: the index finds what a walk along all contacts finds, before and after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn the_index_finds_what_a_walk_finds_on_random_people() {
    const FIRST: [&str; 12] = [
        "Anna",
        "Jürgen",
        "Łukasz",
        "Anne-Marie",
        "Іван",
        "明华",
        "たろう",
        "D’Arcy",
        "Zoë",
        "İlker",
        "Ann",
        "Straße",
    ];
    const LAST: [&str; 8] = ["Müller", "O'Connor", "Ковальчук", "Nguyễn", "Ли", "Sørensen", "Annan", "Le"];
    let mut seed = 0x5eed_u64;
    let mut below = move |end: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % end
    };
    let server = Server::start().await;
    let list = server.list().await;
    let mut people: Vec<(String, [String; 2])> =
        (0..300).map(|number| (format!("p{number:03}"), [String::new(), String::new()])).collect();
    for round in 0..4 {
        let mut batch = Vec::new();
        for _ in 0..100 {
            let index = below(people.len());
            let name = format!("{} {}", FIRST[below(FIRST.len())], LAST[below(LAST.len())]);
            let email = format!(
                "{}{index}@{}.example.com",
                ["anna.m", "le", "ivan_k"][below(3)],
                ["mail", "web"][below(2)]
            );
            people[index].1 = [name.clone(), email.clone()];
            let contact = json!({ "contact": people[index].0, "name": name, "email": email });
            // One item about a contact in a batch: the last of two would be another round's.
            batch.retain(|other: &Value| other["contact"] != contact["contact"]);
            batch.push(contact);
        }
        server.update(&list, true, json!(batch)).await;
        let mark = format!("marker{}", ["a", "b", "c", "d"][round]);
        server.update(&list, true, json!([{ "contact": "mark", "name": mark }])).await;
        wait_until_found(&server, json!({ "contactListId": list, "search": mark }), &["mark"]).await;
        for _ in 0..60 {
            let pick =
                [FIRST[below(FIRST.len())], LAST[below(LAST.len())], "anna", "mail", "le", "web.example"];
            let (one, other) = (pick[below(6)], pick[below(6)]);
            let cut = |text: &str, letters: usize| text.chars().take(letters.max(1)).collect::<String>();
            let typed = format!("{} {}", cut(one, below(9)), cut(other, below(9)));
            let Ok(_) = domain::search::Query::parse(&typed) else { continue };
            let body = json!({ "contactListId": list, "search": typed, "limit": 1_000 });
            let mut told = found(&server, body).await;
            told.sort();
            let mut known: Vec<_> =
                people.iter().filter(|(_, [name, _])| !name.is_empty()).cloned().collect();
            known.insert(0, ("mark".to_owned(), [mark.clone(), String::new()]));
            assert_eq!(told, model(&known, &typed), "{typed}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_lost_or_reset_is_built_again() {
    let setup = || Setup { store: StoreKind::Sqlite, ..Setup::default() };
    let server = Server::with(setup()).await;
    let list = server.list().await;
    server.update(&list, true, people()).await;
    let search = json!({ "contactListId": list, "search": "jür müll" });
    wait_until_found(&server, search.clone(), &["u1", "u5"]).await;
    let owner = (server.account, server.user, server.token.clone(), server.webhook_secret.clone());
    let index = server.directory.path("rollbook.db.search");
    let mut directory = server.stop().await;
    // A file that is no database, and one that is missing.
    for damage in [true, false] {
        std::fs::remove_file(&index).expect("removed");
        if damage {
            std::fs::write(&index, "this is no database".repeat(100)).expect("written");
        }
        let server = Server::on(directory, setup(), Some(owner.clone())).await;
        wait_until_found(&server, search.clone(), &["u1", "u5"]).await;
        directory = server.stop().await;
    }
    // One that was reset: the entries stay until they are replaced, and what was added in it goes.
    let server = Server::on(directory, setup(), Some(owner)).await;
    server.storage.reset_search().await.expect("reset");
    server
        .wait_for("the state to be there again", async || {
            let states = server.storage.search_states().await.expect("states");
            (!states.is_empty() && states.iter().all(|(_, state)| state.scanned.is_none())).then_some(())
        })
        .await;
    assert_eq!(found(&server, search).await, ["u1", "u5"]);
    server.stop().await;
}
