//! Items of one batch, one after the other.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn items_take_effect_in_their_order() {
    let server = Server::start().await;
    let list = server.list().await;
    let request = server
        .update(
            &list,
            true,
            json!([
                { "contact": "one", "email": "user@example.com" },
                { "contact": "two", "email": "user@example.com" },
                { "contact": "one", "email": "other@example.com" },
                { "contact": "two", "email": "user@example.com" },
                { "contact": "other@example.com", "email": "", "name": "x" },
                { "contact": "three", "email": "OTHER@example.com" },
                { "contact": "one", "name": "x" },
                { "contact": "one", "userId": "renamed" },
                { "contact": "one" },
            ]),
        )
        .await;
    assert_eq!(
        successes(&request),
        [
            seen(0, "created", ["one", "user@example.com", ""]),
            seen(2, "updated", ["one", "other@example.com", ""]),
            seen(3, "created", ["two", "user@example.com", ""]),
            seen(4, "updated", ["one", "", ""]),
            seen(5, "created", ["three", "OTHER@example.com", ""]),
            seen(6, "unchanged", ["one", "", ""]),
            seen(7, "updated", ["renamed", "", ""]),
            seen(8, "created", ["one", "", ""]),
        ]
    );
    let asked = [json!("two"), json!("user@example.com"), json!(null)];
    assert_eq!(errors(&request), json!([failed(1, "IDENTIFIER_TAKEN", asked)]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_contacts_swap_their_addresses_by_way_of_a_third() {
    let server = Server::start().await;
    let list = server.list().await;
    let people = json!([{ "contact": "one", "email": "one@example.com" }, { "contact": "two", "email": "two@example.com" }]);
    server.update(&list, true, people).await;
    let swap = json!([{ "contact": "one", "email": "between@example.com" }, { "contact": "two", "email": "one@example.com" },
        { "contact": "one", "email": "two@example.com" }]);
    let request = server.update(&list, false, swap).await;
    assert_eq!(request["results"]["errors"], json!([]));
    assert_eq!(server.contact(&list, "email", "one@example.com").await["userId"], "two");
    assert_eq!(server.contact(&list, "email", "two@example.com").await["userId"], "one");
    assert_eq!(server.contact(&list, "email", "between@example.com").await, json!(null));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_show_the_identifiers_as_they_were_after_the_item() {
    let server = Server::start().await;
    let list = server.list().await;
    let first = server.update(&list, true, json!([{ "contact": "a", "email": "first@example.com" }])).await;
    let second = server
        .update(
            &list,
            true,
            json!([{ "contact": "a", "name": "x" }, { "contact": "a", "email": "second@example.com" },
            { "contact": "a", "phoneNumber": "+15555555" }, { "contact": "a" }]),
        )
        .await;
    server.update(&list, true, json!([{ "contact": "a", "email": "", "userId": "b" }])).await;
    server
        .update(
            &list,
            true,
            json!([{ "contact": "b", "phoneNumber": "" }, { "contact": "other", "userId": "a" }]),
        )
        .await;
    for (request, expected) in [
        (first, vec![seen(0, "created", ["a", "first@example.com", ""])]),
        (
            second,
            vec![
                seen(0, "updated", ["a", "first@example.com", ""]),
                seen(1, "updated", ["a", "second@example.com", ""]),
                seen(2, "updated", ["a", "second@example.com", "+15555555"]),
                seen(3, "unchanged", ["a", "second@example.com", "+15555555"]),
            ],
        ),
    ] {
        assert_eq!(successes(&request), expected);
        let later = server.processed(request["id"].as_str().unwrap()).await;
        assert_eq!(later["results"], request["results"]);
    }
    server.stop().await;
}
