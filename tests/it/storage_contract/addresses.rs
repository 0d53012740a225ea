//! Which e-mail addresses are the same, and how what the first version has stored comes to be found by every spelling.

use domain::contact::field::Field::{Email, FirstName};
use domain::contact::identifier::IdentifierKind;
use storage::Role;

use super::raw::{ALL, Rows};
use super::{Backend, Desk, keep_since, on_every_backend};

on_every_backend! {
    spellings_of_one_address_are_one_contact,
    addresses_that_only_look_alike_are_two_people_also_where_one_is_erased,
    no_spelling_brings_an_erased_person_back,
}

const COMPOSED: &str = "josé@example.com";
const DECOMPOSED: &str = "jose\u{301}@example.com";

async fn spellings_of_one_address_are_one_contact(mut desk: Desk) {
    for same in [
        [COMPOSED, DECOMPOSED, "JOSÉ@Example.com"],
        ["u@bücher.example", "U@BÜCHER.example", "u@XN--bcher-kva.example"],
        ["u@xn--strae-oqa.example", "u@straße.example", "u@STRAßE.example"],
    ] {
        for contact in same {
            desk.update(&[(contact, &[(FirstName, contact)])]).await;
        }
        desk.reopen();
        for contact in same {
            assert_eq!(desk.field(contact, FirstName).await.as_deref(), Some(same[2]), "{contact}");
            assert_eq!(desk.field(contact, Email).await.as_deref(), Some(same[0]), "stored as it was given");
        }
    }
    let taken = desk.update(&[("a", &[(Email, "u@bu\u{308}cher.example")])]).await;
    assert_eq!(desk.told(taken).await, ["IDENTIFIER_TAKEN"]);
    // An address that is given up is nobody's any more, in any spelling.
    desk.update(&[(DECOMPOSED, &[(Email, "jose@example.com")])]).await;
    for contact in [COMPOSED, DECOMPOSED] {
        assert_eq!(desk.field(contact, Email).await, None);
        let history = desk.history(contact).await;
        assert_eq!(history, Some(4), "by what it bore once, in any spelling");
    }
    let made = desk.update(&[(DECOMPOSED, &[])]).await;
    assert_eq!(desk.told(made).await, [format!("created - {DECOMPOSED}")]);
}

impl Desk {
    /// How many changes there are of the contact that bears or bore an address.
    async fn history(&self, address: &str) -> Option<u64> {
        let window = storage::Window { offset: 0, limit: 100 };
        let whom = vec![(IdentifierKind::Email, address.to_owned())];
        let found = self.storage().find_history(self.account.no, self.list, whom, window).await;
        found.expect("a look").map(|history| history.total)
    }
}

async fn addresses_that_only_look_alike_are_two_people_also_where_one_is_erased(mut desk: Desk) {
    for (one, other) in [
        ("info@straße.example", "info@strasse.example"),
        ("info@fuss.example", "info@fuß.example"),
        ("Weiß@example.com", "weiss@example.com"),
    ] {
        let made = desk.update(&[(one, &[]), (other, &[])]).await;
        assert_eq!(desk.told(made).await, [format!("created - {one}"), format!("created - {other}")]);
        assert_eq!(desk.erase(IdentifierKind::Email, one).await.len(), 1);
        desk.reopen();
        assert_eq!(desk.field(one, Email).await, None);
        let told = desk.update(&[(other, &[(FirstName, "Jo")]), (one, &[])]).await;
        assert_eq!(desk.told(told).await, [format!("updated - {other}"), "CONTACT_ERASED".to_owned()]);
    }
}

async fn no_spelling_brings_an_erased_person_back(mut desk: Desk) {
    for same in [
        [COMPOSED, DECOMPOSED, "JOSE\u{301}@EXAMPLE.com"],
        ["u@bücher.example", "u@xn--bcher-kva.example", "U@BÜCHER.example"],
        ["i@xn--strae-oqa.example", "i@straße.example", "I@STRAßE.example"],
    ] {
        desk.update(&[(same[0], &[])]).await;
        assert_eq!(desk.erase(IdentifierKind::Email, same[1]).await.len(), 1);
        desk.reopen();
        for contact in same {
            let told = desk.update(&[(contact, &[])]).await;
            assert_eq!(desk.told(told).await, ["CONTACT_ERASED"], "{contact}");
        }
        let whom = vec![(IdentifierKind::Email, same[2].to_owned())];
        assert!(desk.person(whom).await.erased);
        let back = domain::journal::Batch { restore_erased: true, ..desk.batch(&[(same[2], &[])]) };
        let back = desk.append(back).await;
        desk.apply_all().await;
        assert_eq!(desk.told(back).await, [format!("created - {}", same[2])]);
        for contact in same {
            let told = desk.update(&[(contact, &[])]).await;
            assert_eq!(desk.told(told).await, [format!("unchanged - {}", same[2])]);
        }
    }
}

/// Contacts 1 and 2 are twins, 3 has an address that full folding makes another of, 4 none of either.
async fn left_by_the_first_version(backend: &str) -> (Rows, Desk) {
    let (rows, mut desk) = Rows::new(backend).await;
    let placeholder = DECOMPOSED.replace('\u{301}', "xx");
    let made = [
        ("one", &[(Email, COMPOSED)][..]),
        ("two", &[(Email, &*placeholder)]),
        ("three", &[(Email, "info@straxxe.example")]),
        ("four", &[(Email, "info@strasse.example")]),
    ];
    desk.update(&made).await;
    rows.store_as_the_first_version(&desk, 2, &placeholder, DECOMPOSED).await;
    rows.store_as_the_first_version(&desk, 3, "info@straxxe.example", "info@straße.example").await;
    desk.close();
    rows.run(
        "DELETE FROM setting WHERE name = 'address_form'",
        "DELETE FROM setting WHERE name LIKE 'address_form%'",
    )
    .await;
    assert_eq!(rows.entries().await, 8, "one for each userId and each address");
    (rows, desk)
}

async fn prune(desk: &Desk) {
    while desk.storage().prune(keep_since(desk.now)).await.expect("pruned") > 0 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_first_version_stored_is_found_by_every_spelling_and_twins_are_named() {
    for backend in ALL {
        let (rows, mut desk) = left_by_the_first_version(backend).await;
        desk.reopen();
        prune(&desk).await;
        assert_eq!(rows.entries().await, 10, "{backend}: two more, of addresses with another form");
        let twins = "contacts 1, 2 of list 1 have the same e-mail address in different spellings";
        assert_eq!(rows.notes().await, [twins], "{backend}");
        // Each is found by its own spelling, and by any other the one that was made first.
        for (contact, found) in [
            (COMPOSED, "one"),
            (DECOMPOSED, "two"),
            ("JOSE\u{301}@example.com", "one"),
            ("info@xn--strae-oqa.example", "three"),
            ("info@straße.example", "three"),
            ("info@strasse.example", "four"),
        ] {
            let told = desk.update(&[(contact, &[(FirstName, contact)])]).await;
            let borne = desk.field(found, Email).await.expect("the contact");
            assert_eq!(desk.told(told).await, [format!("updated {found} {borne}")], "{backend}: {contact}");
            assert_eq!(desk.field(contact, FirstName).await.as_deref(), Some(contact), "{backend}");
        }
        // They are one person where somebody is erased.
        assert_eq!(desk.erase(IdentifierKind::Email, "José@example.com").await.len(), 2, "{backend}");
        assert_eq!(rows.notes().await, [""; 0], "{backend}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn until_the_index_is_brought_to_the_present_form_contacts_are_found_all_the_same() {
    for backend in ALL {
        let (rows, mut desk) = left_by_the_first_version(backend).await;
        desk.reopen();
        // As while it is under way: on files it is done before anybody can ask.
        let key = rows.key().await;
        for address in [DECOMPOSED, "info@straße.example"] {
            let (hash, former) = key.index(1, IdentifierKind::Email, address);
            assert_ne!(former, None);
            let number = if address == DECOMPOSED { 2 } else { 3 };
            let delete =
                format!("DELETE FROM identifier WHERE hash = {} AND number = {number}", hash.cast_signed());
            rows.run(&delete, &delete).await;
        }
        for (contact, found) in [("info@xn--strae-oqa.example", "three"), (DECOMPOSED, "two")] {
            let told = desk.update(&[(contact, &[(FirstName, "Jo")])]).await;
            let borne = desk.field(found, Email).await.expect("the contact");
            assert_eq!(desk.told(told).await, [format!("updated {found} {borne}")], "{backend}");
        }
        let gone = desk.update(&[("info@xn--strae-oqa.example", &[(Email, "x@example.com")])]).await;
        assert_eq!(desk.told(gone).await, ["updated three x@example.com"], "{backend}");
        assert_eq!(desk.field("info@straße.example", Email).await, None, "{backend}");
        let made = desk.update(&[("info@straße.example", &[])]).await;
        assert_eq!(desk.told(made).await, ["created - info@straße.example"], "{backend}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_whom_the_first_version_erased_stay_erased_in_every_spelling() {
    for backend in ALL {
        let (rows, desk) = Rows::new(backend).await;
        let key = rows.key().await;
        let account = desk.account.no.0.unsigned_abs();
        for address in [COMPOSED, "info@straße.example"] {
            let kept = key.erased_formerly(account, IdentifierKind::Email, address);
            assert_eq!(kept.len(), 1, "there is one more spelling");
            let hex: String = kept[0].iter().map(|byte| format!("{byte:02x}")).collect();
            rows.run(
                &format!("INSERT INTO erased (account, hash, erased_at) VALUES ({account}, x'{hex}', 1)"),
                &format!("INSERT INTO erased (account, hash, erased_at) VALUES ({account}, '\\x{hex}', 1)"),
            )
            .await;
        }
        for contact in [
            COMPOSED,
            DECOMPOSED,
            "info@straße.example",
            "INFO@xn--strae-oqa.example",
            "info@strasse.example",
        ] {
            let told = desk.update(&[(contact, &[])]).await;
            // Which of the two that the first version took for one was meant is not known any more.
            assert_eq!(desk.told(told).await, ["CONTACT_ERASED"], "{backend}: {contact}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_waits_for_the_last_node_of_the_first_version() {
    let (rows, mut desk) = left_by_the_first_version("database").await;
    let Rows::Database(backend, client) = &rows else { unreachable!("it is one") };
    client.batch_execute("INSERT INTO node VALUES ('\\x00', now())").await.expect("a node of before");
    desk.reopen();
    prune(&desk).await;
    assert_eq!(rows.entries().await, 8);
    // What this node writes meanwhile is found by that one: by the former form.
    desk.update(&[("u@weiß.example", &[])]).await;
    assert_eq!(rows.entries().await, 10);
    let (_, former) = rows.key().await.index(1, IdentifierKind::Email, "u@weiß.example");
    let select = "SELECT count(*) FROM identifier WHERE hash = $1";
    let found = client.query_one(select, &[&former.expect("another form").cast_signed()]).await;
    assert_eq!(found.expect("a count").get::<_, i64>(0), 1);
    client
        .batch_execute("UPDATE node SET heard_at = now() - interval '2 minutes' WHERE forms IS NULL")
        .await
        .expect("it is gone");
    desk.reopen();
    prune(&desk).await;
    assert_eq!(rows.entries().await, 12);
    drop(backend.open(Role::Command));
}
