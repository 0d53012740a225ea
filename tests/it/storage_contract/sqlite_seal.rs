//! Whatever the disk changes in a row of the journal: it is told, and does nothing else.

use std::path::Path;

use domain::apply::outcome::{self, Failure, Outcome};
use domain::contact::field::Field::{FirstName, UserId};
use domain::contact::identifier::Identifiers;
use domain::id::ObjectId;
use domain::journal::{Batch, BatchKind, ListNo};
use rusqlite::{Connection, types::Value};
use storage::NewList;

use super::sqlite_files::{number, sql};
use super::{Desk, Sqlite};

/// A changed column, as SQL, and whether the row still says whom to tell.
const CHANGES: [(&str, bool); 17] = [
    ("request = randomblob(12)", false),
    ("account = account + 1", false),
    ("list = list + 1", false),
    ("list_id = randomblob(12)", false),
    ("token = token || 'x'", false),
    ("token = substr(token, 1, 7)", false),
    ("accepted_at = accepted_at + 1", false),
    ("webhook = webhook || '0'", false),
    ("webhook = NULL", false),
    ("webhook_receiver = webhook_receiver || '0'", false),
    // What moves from one text to the next is another row too.
    ("webhook = substr(webhook, 1, 9), webhook_receiver = substr(webhook, 10) || webhook_receiver", false),
    ("restore_erased = 1 - restore_erased", false),
    ("items = CAST(items || x'00' AS BLOB)", true),
    ("items = x''", true),
    ("items_check = items_check + 1", true),
    ("items_check = items_check + (1 << 33)", false),
    ("items_check = -items_check", false),
];

/// All that a batch could have an effect on.
fn effects(store: &Path) -> Vec<Vec<Value>> {
    let connection = Connection::open(store).expect("the file");
    let tables =
        ["contact", "identifier", "list", "departed", "former_identifiers", "former_bearer", "erased"];
    let mut rows = Vec::new();
    for table in tables {
        let mut select = connection.prepare(&format!("SELECT * FROM {table}")).expect("the table");
        let columns = select.column_count();
        let read = select.query_map([], |row| (0..columns).map(|column| row.get(column)).collect());
        rows.extend(read.expect("rows").map(|row| row.expect("a row")));
    }
    rows
}

struct Bench {
    desk: Desk,
    files: Sqlite,
    /// The request that made the contacts.
    made: ObjectId,
}

impl Bench {
    /// Two lists with the contacts `a` and `b` in each.
    async fn new() -> Self {
        let files = Sqlite::new();
        let desk = Desk::new(Box::new(files.clone())).await;
        let other = desk.ids.next(desk.now);
        desk.storage()
            .add_list(desk.account.no, other, NewList::named("Other"), desk.now)
            .await
            .expect("a list");
        let other = desk.storage().find_list(other).await.expect("a look").expect("the list").no;
        let items = [("a", &[(FirstName, "Jo")][..]), ("b", &[])];
        desk.append(Batch { list: other, ..desk.batch(&items) }).await;
        let made = desk.update(&items).await;
        Self { desk, files, made }
    }

    /// Appends a batch that would have an effect, and returns its position.
    async fn append(&self, kind: BatchKind) -> i64 {
        let undone = self.made.to_string();
        let items = match kind {
            BatchKind::Undo => vec![(undone.as_str(), &[][..])],
            BatchKind::Remove | BatchKind::Erase => vec![("a", &[][..])],
            BatchKind::Add => vec![("c", &[(UserId, "c")][..])],
            BatchKind::Update | BatchKind::Upsert | BatchKind::UpdateExact | BatchKind::UpsertExact => {
                vec![("a", &[(FirstName, "Al")][..])]
            }
            BatchKind::UpdateByNumber => vec![("1", &[(FirstName, "Al")][..])],
            // The numbers of both contacts of the list.
            BatchKind::Merge => vec![("1", &[][..]), ("2", &[][..])],
        };
        let batch = self.desk.reported("https://one.example:443", &items);
        let batch = match kind {
            BatchKind::Erase => Batch { list: ListNo::NONE, list_id: ObjectId::from_bytes([0; 12]), ..batch },
            _ => batch,
        };
        self.desk.append(Batch { kind, ..batch }).await;
        number(&self.files.intake(), "SELECT max(position) FROM batch")
    }

    /// What became of the batch at a position, and whether somebody is to be told.
    fn outcome(&self, position: i64) -> (Vec<u8>, bool) {
        let store = Connection::open(self.files.store()).expect("the file");
        let select = "SELECT results, EXISTS (SELECT 1 FROM delivery d WHERE d.position = r.position) \
                      FROM request r WHERE position = ?1";
        store.query_row(select, [position], |row| Ok((row.get(0)?, row.get(1)?))).expect("the request")
    }

    async fn is_told_and_does_nothing(&self, kind: BatchKind, change: &str, told: bool) {
        let position = self.append(kind).await;
        let before = effects(&self.files.store());
        sql(&self.files.intake(), &format!("UPDATE batch SET {change} WHERE position = {position}"));
        self.desk.apply_all().await;
        let (results, delivery) = self.outcome(position);
        let expected = [Outcome::Failed(Failure::Damaged, Identifiers::default(), None)];
        assert_eq!(outcome::read(&results).as_deref(), Ok(&expected[..]), "{kind:?}: {change}");
        assert_eq!(delivery, told, "{kind:?}: {change}");
        assert_eq!(effects(&self.files.store()), before, "{kind:?}: {change}");
    }
}

#[tokio::test]
async fn a_column_that_was_changed_is_told_and_nothing_else_is_done() {
    let bench = Bench::new().await;
    for kind in BatchKind::ALL {
        for (change, told) in CHANGES {
            bench.is_told_and_does_nothing(kind, change, told).await;
        }
        for other in (0..11).filter(|other| *other != kind.code()) {
            bench.is_told_and_does_nothing(kind, &format!("kind = {other}"), false).await;
        }
    }
}

#[tokio::test]
async fn each_kind_does_something_where_nothing_was_changed() {
    for kind in BatchKind::ALL {
        let bench = Bench::new().await;
        let before = effects(&bench.files.store());
        let position = bench.append(kind).await;
        bench.desk.apply_all().await;
        assert!(bench.outcome(position).1, "{kind:?} is reported");
        assert_ne!(effects(&bench.files.store()), before, "{kind:?}");
    }
}

#[tokio::test]
async fn rows_from_before_the_columns_had_a_checksum_are_read_where_they_are_updates() {
    for kind in BatchKind::ALL {
        let bench = Bench::new().await;
        let change = "items_check = items_check & 0xffffffff";
        if !matches!(kind, BatchKind::Update | BatchKind::Upsert) {
            bench.is_told_and_does_nothing(kind, change, false).await;
            continue;
        }
        let position = bench.append(kind).await;
        sql(&bench.files.intake(), &format!("UPDATE batch SET {change} WHERE position = {position}"));
        bench.desk.apply_all().await;
        assert_eq!(bench.desk.field("a", FirstName).await.as_deref(), Some("Al"), "{kind:?}");
        for change in [
            "items_check = (items_check & 0xffffffff) + 1",
            "restore_erased = 1, items_check = items_check & 0xffffffff",
        ] {
            let told = change.ends_with("+ 1");
            bench.is_told_and_does_nothing(kind, change, told).await;
        }
    }
}
