//! A contact that the disk has damaged is named, never shown, and stops nobody else; in both stores.

use domain::contact::field::Field::{Email, FirstName, LastName};
use domain::contact::identifier::IdentifierKind;
use domain::journal::ContactNo;
use storage::{Error, Way};

use super::raw::{ALL, Rows};

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_with_a_flipped_bit_is_named_and_not_shown_and_the_others_go_on() {
    for backend in ALL {
        let (rows, mut desk) = Rows::new(backend).await;
        let list = desk.list;
        desk.update(&[("a", &[(Email, "u@x.com"), (FirstName, "Jo")]), ("b", &[]), ("c", &[])]).await;
        let whole = rows.stored(1).await;
        // One in each part: the mark, the checksum, the header, an identifier, the last field.
        for place in [0, 3, 7, 24, whole.len() - 1] {
            let mut flipped = whole.clone();
            flipped[place] ^= 0x10;
            rows.put(1, &flipped).await;
            desk.reopen();
            assert_eq!(desk.storage().damaged_contacts(), [], "{backend}: nobody has looked");
            let told = desk
                .update(&[
                    ("u@x.com", &[(LastName, "X")]),
                    ("b", &[(LastName, &place.to_string())]),
                    ("c", &[(Email, "u@x.com")]),
                ])
                .await;
            let expected = ["STORE_DAMAGED", "updated b -", "STORE_DAMAGED"];
            assert_eq!(desk.told(told).await, expected, "{backend} {place}");
            assert_eq!(desk.storage().damaged_contacts(), [(list, ContactNo(1))], "{backend} {place}");
            let whom = vec![(IdentifierKind::UserId, "a".to_owned())];
            let found = desk.storage().find_contact(desk.account.no, list, whom.clone()).await;
            assert!(matches!(found, Err(Error::Damaged(_))), "{backend} {place}");
            let person = desk.storage().find_person(desk.account.no, whom).await;
            assert!(matches!(person, Err(Error::Damaged(_))), "{backend} {place}");
            assert_eq!(desk.erase(IdentifierKind::UserId, "a").await, ["STORE_DAMAGED"], "{backend} {place}");
            for (page, left) in [
                (
                    desk.storage().page_contacts(desk.account.no, list, Way::Up(ContactNo(0)), 10).await,
                    [2, 3],
                ),
                (
                    desk.storage().page_contacts(desk.account.no, list, Way::Down(ContactNo(9)), 10).await,
                    [3, 2],
                ),
            ] {
                let page = page.expect("a page");
                let numbers: Vec<_> = page.rows.iter().map(|(number, _)| number.0).collect();
                assert_eq!((numbers, page.damaged), (left.to_vec(), vec![ContactNo(1)]), "{backend} {place}");
            }
            let findings = rows.check().await.findings;
            let sentence =
                "contacts that the disk has damaged, and that take no change: 1 (contact 1 of list 1)";
            assert_eq!(findings.len(), 1, "{backend} {place}: {findings:?}");
            assert!(findings[0].sentence.ends_with(sentence), "{backend} {place}: {findings:?}");
        }
        rows.put(1, &whole).await;
        assert_eq!(desk.field("a", FirstName).await.as_deref(), Some("Jo"), "{backend}");
        assert_eq!(rows.check().await.findings, [], "{backend}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_without_a_checksum_are_read_and_get_one_when_they_are_written() {
    for backend in ALL {
        let (rows, desk) = Rows::new(backend).await;
        desk.update(&[("a", &[(FirstName, "Jo")])]).await;
        let sealed = rows.stored(1).await;
        rows.put(1, &sealed[5..]).await;
        assert_eq!(desk.field("a", FirstName).await.as_deref(), Some("Jo"), "{backend}");
        assert_eq!(rows.check().await.findings, [], "{backend}");
        desk.update(&[("a", &[(LastName, "X")])]).await;
        assert_eq!(rows.stored(1).await[0], sealed[0], "{backend}");
        assert_eq!(desk.field("a", LastName).await.as_deref(), Some("X"), "{backend}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_checksum_is_written_beside_a_node_that_does_not_read_it() {
    let (rows, mut desk) = Rows::new("database").await;
    rows.run("", "INSERT INTO node VALUES ('\\x00', now())").await;
    desk.reopen();
    desk.update(&[("a", &[(FirstName, "Jo")])]).await;
    assert_eq!(rows.stored(1).await[0], 2, "a document as it is");
    rows.run("", "UPDATE node SET heard_at = now() - interval '2 minutes' WHERE forms IS NULL").await;
    desk.reopen();
    desk.update(&[("a", &[(FirstName, "Al")])]).await;
    assert_ne!(rows.stored(1).await[0], 2);
    assert_eq!(desk.field("a", FirstName).await.as_deref(), Some("Al"));
}
