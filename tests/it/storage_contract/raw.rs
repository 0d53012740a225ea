//! Stores behind whose back rows are changed: as an earlier version has left them, or a disk has damaged them.

use domain::clock::SystemClock;
use domain::contact::identifier::{HashKey, IdentifierKind};
use rusqlite::Connection;
use storage::rows::check::Report;
use tokio_postgres::NoTls;

use super::{Desk, Postgres, Sqlite};

/// The names of both kinds.
pub const ALL: [&str; 2] = ["files", "database"];

/// A store behind whose back rows are changed.
pub enum Rows {
    Files(Sqlite),
    Database(Postgres, tokio_postgres::Client),
}

impl Rows {
    pub async fn new(backend: &str) -> (Self, Desk) {
        if backend == "files" {
            let files = Sqlite::new();
            return (Self::Files(files.clone()), Desk::new(Box::new(files)).await);
        }
        let database = Postgres::new();
        let (client, connection) =
            tokio_postgres::connect(&database.address(), NoTls).await.expect("a connection");
        tokio::spawn(connection);
        (Self::Database(database.clone(), client), Desk::new(Box::new(database)).await)
    }

    /// Runs a statement: in files, or in a database.
    pub async fn run(&self, files: &str, database: &str) {
        match self {
            Self::Files(store) => super::sqlite_files::sql(&store.store(), files),
            Self::Database(_, client) => client.batch_execute(database).await.expect(database),
        }
    }

    pub async fn key(&self) -> HashKey {
        let select = "SELECT value FROM setting WHERE name = 'hash_key'";
        HashKey::from_bytes(match self {
            Self::Files(store) => {
                let store = Connection::open(store.store()).expect("the file");
                store.query_row(select, [], |row| row.get(0)).expect("the key")
            }
            Self::Database(_, client) => {
                let select = select.replace("value", "bytes");
                let bytes: Vec<u8> = client.query_one(&select, &[]).await.expect("the key").get(0);
                bytes.try_into().expect("16 bytes")
            }
        })
    }

    /// A contact of list 1 as it is stored.
    pub async fn stored(&self, number: i64) -> Vec<u8> {
        match self {
            Self::Files(store) => {
                let store = Connection::open(store.store()).expect("the file");
                let select = "SELECT document FROM contact WHERE id & 1099511627775 = ?1";
                store.query_row(select, [number], |row| row.get(0)).expect("the contact")
            }
            Self::Database(_, client) => {
                let select = "SELECT document FROM contact WHERE number = $1";
                client.query_one(select, &[&number]).await.expect("the contact").get(0)
            }
        }
    }

    /// Puts something else in the place of a contact of list 1.
    pub async fn put(&self, number: i64, stored: &[u8]) {
        let hex: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
        self.run(
            &format!("UPDATE contact SET document = x'{hex}' WHERE id & 1099511627775 = {number}"),
            &format!("UPDATE contact SET document = '\\x{hex}' WHERE number = {number}"),
        )
        .await;
    }

    pub async fn entries(&self) -> i64 {
        let count = "SELECT count(*) FROM identifier";
        match self {
            Self::Files(store) => super::sqlite_files::number(&store.store(), count),
            Self::Database(_, client) => client.query_one(count, &[]).await.expect("a count").get(0),
        }
    }

    /// Gives contact `number` of list 1, whose address is `placeholder`, the address that the first version stored.
    pub async fn store_as_the_first_version(
        &self,
        desk: &Desk,
        number: i64,
        placeholder: &str,
        address: &str,
    ) {
        let whom = vec![(IdentifierKind::Email, placeholder.to_owned())];
        let found = desk.storage().find_contact(desk.account.no, desk.list, whom).await.expect("a look");
        let mut document = found.expect("the contact").1.document;
        let place = document.windows(placeholder.len()).position(|bytes| bytes == placeholder.as_bytes());
        let place = place.expect("its address");
        document[place..place + address.len()].copy_from_slice(address.as_bytes());
        let key = self.key().await;
        let old = key.hash(1, IdentifierKind::Email, placeholder).cast_signed();
        let (hash, former) = key.index(1, IdentifierKind::Email, address);
        let new = former.unwrap_or(hash).cast_signed();
        self.put(number, &document).await;
        let update = format!("UPDATE identifier SET hash = {new} WHERE hash = {old}");
        self.run(&update, &update).await;
    }

    pub async fn notes(&self) -> Vec<String> {
        let report = self.check().await;
        assert_eq!(report.findings, []);
        report.notes
    }

    pub async fn check(&self) -> Report {
        match self {
            Self::Files(store) => {
                sqlite::check::check(&store.store(), &SystemClock, &mut |_| {}).expect("a check")
            }
            Self::Database(store, _) => {
                postgres::check::check(&store.address(), false, &mut |_| {}).await.expect("a check").report
            }
        }
    }
}
