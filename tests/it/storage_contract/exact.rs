//! Batches that say which identifier `contact` is.

use domain::contact::field::Field::{Email, FirstName, UserId};
use domain::contact::identifier::IdentifierKind;
use domain::contact::record::put_entry;
use domain::journal::{Batch, BatchKind, ItemsWriter};

use super::{Desk, on_every_backend};

on_every_backend!(an_exact_batch_finds_a_contact_by_one_kind_of_identifier);

async fn an_exact_batch_finds_a_contact_by_one_kind_of_identifier(desk: Desk) {
    desk.update(&[("a", &[(UserId, "u@x.com")]), ("b", &[(Email, "u@x.com")])]).await;
    let mut told = Vec::new();
    for (kind, by, contact) in [
        (BatchKind::UpdateExact, IdentifierKind::UserId, "u@x.com"),
        (BatchKind::UpdateExact, IdentifierKind::Email, "U@x.com"),
        (BatchKind::UpdateExact, IdentifierKind::Email, "b"),
        (BatchKind::Update, IdentifierKind::Email, "u@x.com"),
        (BatchKind::UpsertExact, IdentifierKind::UserId, "v@x.com"),
    ] {
        let mut patch = Vec::new();
        put_entry(&mut patch, FirstName.key(), told.len().to_string().as_bytes());
        let mut items = ItemsWriter::default();
        items.add(by, contact, &patch);
        told.push(desk.append(Batch { kind, items: items.finish(), ..desk.batch(&[]) }).await);
    }
    desk.apply_all().await;
    let mut words = Vec::new();
    for request in told {
        words.extend(desk.told(request).await);
    }
    let expected = [
        "updated u@x.com -",
        "updated b u@x.com",
        "CONTACT_NOT_FOUND",
        "updated u@x.com -",
        "created v@x.com -",
    ];
    assert_eq!(words, expected);
}
