//! Room on the disk that is given back.

use std::path::{Path, PathBuf};

use domain::contact::field::Field::{FirstName, UserId};
use domain::contact::identifier::IdentifierKind;
use domain::contact::record::put_entry;
use domain::journal::{Batch, ItemsWriter};
use storage::{Backlog, NewList};

use super::{Desk, Sqlite, keep_since};

/// Bytes of a contact: with these a few thousand are a large list.
const LARGE: usize = 5_000;

fn size(file: &Path) -> u64 {
    std::fs::metadata(file).expect("the file").len()
}

fn large(desk: &Desk, names: std::ops::Range<u32>) -> Batch {
    let mut items = ItemsWriter::default();
    let mut patch = Vec::new();
    put_entry(&mut patch, FirstName.key(), &[b'x'; LARGE]);
    names.for_each(|name| items.add(IdentifierKind::UserId, &format!("id{name}"), &patch));
    Batch { items: items.finish(), ..desk.batch(&[]) }
}

async fn prune(desk: &Desk) {
    while desk.storage().prune(keep_since(desk.now)).await.expect("pruned") > 0 {}
}

#[tokio::test]
async fn files_shrink_when_what_was_in_them_is_gone() {
    let files = Sqlite::new();
    let mut desk = Desk::new(Box::new(files.clone())).await;
    for start in (0..5_000).step_by(100) {
        desk.append(large(&desk, start..start + 100)).await;
    }
    prune(&desk).await;
    assert!(size(&files.intake()) > 20 << 20, "what waits is kept");
    desk.apply_all().await;
    prune(&desk).await;
    assert!(size(&files.intake()) < 1 << 20, "the journal gives its room back once it is empty");
    assert!(size(&files.store()) > 20 << 20);

    let other = desk.ids.next(desk.now);
    desk.storage().add_list(desk.account.no, other, NewList::named("Other"), desk.now).await.expect("a list");
    let list = desk.storage().find_list(other).await.expect("a look").expect("the list").no;
    desk.append(Batch { list, list_id: other, ..desk.batch(&[("kept", &[(FirstName, "Jo")])]) }).await;
    desk.apply_all().await;
    assert!(desk.storage().remove_list(desk.list, "Customers".to_owned()).await.expect("removed"));
    // The first time made it wait: it does not stand still for long in a row.
    desk.reopen();
    prune(&desk).await;
    assert!(size(&files.store()) < 1 << 20, "{}", size(&files.store()));
    assert_eq!(desk.storage().backlog(), Backlog::default());
    assert_eq!(desk.field_in(list, "kept", FirstName).await.as_deref(), Some("Jo"));
    assert_eq!(desk.field("id7", UserId).await, None);
}

/// A reader that stays keeps the log from being emptied, and it grows; once the reader is gone, the log gives its room
/// back, also while batches wait.
#[tokio::test]
async fn a_log_that_grew_beside_a_reader_gives_its_room_back() {
    const LIMIT: u64 = 64 << 20;
    let files = Sqlite::new();
    let desk = Desk::new(Box::new(files.clone())).await;
    desk.append(large(&desk, 0..1)).await;
    let reader = rusqlite::Connection::open(files.intake()).expect("the file");
    reader.execute_batch("BEGIN; SELECT count(*) FROM batch").expect("a read");
    for number in 0..150 {
        desk.append(large(&desk, number * 100..number * 100 + 100)).await;
    }
    let log = PathBuf::from(format!("{}-wal", files.intake().display()));
    assert!(size(&log) > LIMIT, "{}", size(&log));
    prune(&desk).await;
    assert!(size(&log) > LIMIT, "the reader is in it");
    reader.execute_batch("ROLLBACK").expect("its end");
    assert!(desk.storage().backlog().batches > 100, "batches wait");
    prune(&desk).await;
    assert_eq!(size(&log), 0);
}
