//! The store that every history begins with: an account, a token for each client, and the lists.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::token::SecretHash;
use sha2::{Digest, Sha256};
use sqlite::{Settings, SqliteStore};
use storage::ports::{Catalogue as _, Identity as _};
use storage::{NewAccount, NewList, NewToken, Role, Scope};

use crate::harness::in_memory;

/// 2026-10-14 00:00:00.
pub const START: Timestamp = Timestamp::from_millis(1_791_936_000_000);

pub const MAX_CLIENTS: usize = 4;
pub const MAX_LISTS: usize = 3;

/// The files that hold what is on disk.
const FILES: [&str; 4] = ["store", "store-wal", "store.intake", "store.intake-wal"];

fn id(kind: u8, no: usize) -> ObjectId {
    let no = u8::try_from(no).unwrap();
    ObjectId::from_bytes([0x6a, 0xd6, 0, 0, kind, 0, 0, 0, 0, kind, 0, no])
}

pub fn list_id(list: usize) -> ObjectId {
    id(3, list)
}

fn secret(client: usize) -> String {
    format!("{client:0>43}")
}

/// The access token of a client.
pub fn token(client: usize) -> String {
    format!("rb_{client:0>16}_{}", secret(client))
}

/// The webhook secret of the account.
pub fn webhook_secret() -> String {
    format!("whsec_{}", BASE64_STANDARD.encode([7; 32]))
}

fn new_token(client: usize) -> NewToken {
    NewToken {
        key: format!("{client:0>16}"),
        secret_hash: SecretHash::from_bytes(Sha256::digest(secret(client)).into()),
        name: format!("client {client}"),
        expires_at: None,
        scope: Scope::default(),
    }
}

/// A directory of one history; it goes with it.
pub struct Ground(PathBuf, AtomicU64);

impl Ground {
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // What a disk does is not simulated.
        let path = in_memory().join(format!("rollbook-simulation-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path, AtomicU64::new(0))
    }

    /// Another place for a store.
    pub fn place(&self) -> PathBuf {
        let place = self.0.join(self.1.fetch_add(1, Ordering::Relaxed).to_string());
        std::fs::create_dir(&place).unwrap();
        place.join("store")
    }

    /// A copy of the first store.
    pub fn first(&self) -> PathBuf {
        let place = self.place();
        for (name, bytes) in files() {
            std::fs::write(place.with_file_name(name), bytes).unwrap();
        }
        place
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What the disk holds at this moment, at another place: all that a process leaves that dies now.
pub fn copy(from: &Path, to: &Path) {
    for name in FILES {
        let file = from.with_file_name(name);
        if file.exists() {
            std::fs::copy(file, to.with_file_name(name)).unwrap();
        }
    }
}

/// The files of the first store, made once.
fn files() -> &'static [(&'static str, Vec<u8>)] {
    static MADE: OnceLock<Vec<(&'static str, Vec<u8>)>> = OnceLock::new();
    MADE.get_or_init(|| {
        let ground = Ground::new();
        let path = ground.place();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(fill(&path));
        let files =
            FILES.iter().filter_map(|name| Some((*name, std::fs::read(path.with_file_name(name)).ok()?)));
        files.collect()
    })
}

async fn fill(path: &Path) {
    let store = SqliteStore::open(path, Role::Server, &Settings::default()).unwrap();
    let user = id(2, 1);
    let webhook_secret = webhook_secret();
    let new = NewAccount { id: id(1, 1), name: "Test".to_owned(), user, webhook_secret, token: new_token(0) };
    store.add_account(new, START).await.unwrap();
    for client in 1..MAX_CLIENTS {
        store.add_token(user, new_token(client), START).await.unwrap();
    }
    let access = store.find_access(format!("{:0>16}", 0)).await.unwrap().unwrap();
    let account = access.account.unwrap().no;
    for list in 0..MAX_LISTS {
        store.add_list(account, list_id(list), NewList::named(format!("list {list}")), START).await.unwrap();
    }
    drop(store);
    // The store's own randomness: every run begins with the same.
    for file in ["store", "store.intake"] {
        let connection = rusqlite::Connection::open(path.with_file_name(file)).unwrap();
        let update = "UPDATE setting SET value = ?1 WHERE name IN ('store_id', 'hash_key')";
        connection.execute(update, [[5_u8; 16]]).unwrap();
    }
}
