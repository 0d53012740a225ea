//! What befalls the transactions of the store.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::clock::Clock as _;
use rusqlite::Connection;
use sqlite::Turns;
use storage::Error;

use super::world::{Life, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Well,
    CrashBefore,
    NotBegun,
    Spoiled,
    ToldFailed,
    CrashAfter,
}

/// Watches the transactions of one life of the node.
pub struct Weather {
    world: Arc<World>,
    life: Arc<Life>,
    fates: Mutex<BTreeMap<&'static str, Fate>>,
    intake: Mutex<Connection>,
    store: Mutex<Connection>,
}

fn told_so() -> Error {
    Error::Unavailable("the test said so".to_owned())
}

impl Weather {
    pub fn new(world: &Arc<World>, life: &Arc<Life>, path: &Path) -> Self {
        let open = |name: &str| Mutex::new(Connection::open(path.with_file_name(name)).unwrap());
        Self {
            world: Arc::clone(world),
            life: Arc::clone(life),
            fates: Mutex::default(),
            intake: open("store.intake"),
            store: open("store"),
        }
    }

    fn fate(&self, kind: &'static str) -> (Fate, Option<Duration>) {
        let (plan, may_crash) = (&self.world.plan, self.world.may_crash());
        let mut state = self.world.state();
        if !state.storm {
            return (Fate::Well, None);
        }
        let slow = state.dice.chance(plan.slow).then(|| Duration::from_millis(state.dice.between(0, 1_500)));
        let fate = if may_crash && state.dice.chance(plan.crash) {
            if state.dice.chance(500) { Fate::CrashBefore } else { Fate::CrashAfter }
        } else if state.dice.chance(plan.not_begun) {
            Fate::NotBegun
        } else if !matches!(kind, "intake" | "store") {
            // What only reads is done or fails.
            Fate::Well
        } else if state.dice.chance(plan.told_failed) {
            Fate::ToldFailed
        } else if state.dice.chance(plan.spoiled) {
            Fate::Spoiled
        } else {
            Fate::Well
        };
        state.faults += u32::from(fate != Fate::Well);
        (fate, slow)
    }

    /// Makes SQLite fail half-way through what writes, or lets it be.
    fn spoil(&self, kind: &str, on: bool) {
        let (connection, table) = match kind {
            "intake" => (&self.intake, "batch"),
            _ => (&self.store, "request"),
        };
        let sql = match on {
            true => format!(
                "CREATE TRIGGER spoil BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'the test said so'); END"
            ),
            false => "DROP TRIGGER spoil".to_owned(),
        };
        connection.lock().unwrap().execute_batch(&sql).unwrap();
    }

    /// What has come into the journal is accepted, whatever anybody was told.
    fn look_at_the_journal(&self) {
        let connection = self.intake.lock().unwrap();
        let mut select = connection
            .prepare_cached(
                "SELECT position, lower(hex(request)), accepted_at FROM batch WHERE position > ?1 ORDER BY position",
            )
            .unwrap();
        let reached = self.world.state().book.reached;
        let rows = select.query_map([reached], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        let rows: Vec<(i64, String, i64)> = rows.unwrap().collect::<rusqlite::Result<_>>().unwrap();
        for (position, id, accepted_at) in rows {
            self.world.note(format!("journal {position} {id}"));
            self.world.check(self.accept(position, &id, accepted_at));
        }
    }

    fn accept(&self, position: i64, id: &str, accepted_at: i64) -> Result<(), String> {
        let mut state = self.world.state();
        state.book.reached = position;
        let found = state.sent.iter().position(|sent| sent.id == id);
        let sent = found.ok_or_else(|| format!("{id} is in the journal, and nobody sent it"))?;
        let (list, ask) = (state.sent[sent].list, state.sent[sent].ask.clone());
        let ask = ask.ok_or_else(|| format!("{id} is in the journal, and cannot be accepted"))?;
        let kept_at = self.world.clock.now().millis();
        state.book.accept(id, position, [accepted_at, kept_at], (list, sent, &ask));
        Ok(())
    }
}

#[async_trait]
impl Turns for Weather {
    async fn before(&self, kind: &'static str) -> Result<(), Error> {
        self.life.go_on().await;
        let (fate, slow) = self.fate(kind);
        if let Some(slow) = slow {
            tokio::time::sleep(slow).await;
            self.life.go_on().await;
        }
        self.fates.lock().unwrap().insert(kind, fate);
        if fate != Fate::Well {
            self.world.note(format!("{kind}: {fate:?}"));
        }
        match fate {
            Fate::CrashBefore => {
                self.world.crash(&self.life, &format!("before {kind}"));
                std::future::pending().await
            }
            Fate::NotBegun => Err(told_so()),
            Fate::Spoiled => {
                self.spoil(kind, true);
                Ok(())
            }
            Fate::Well | Fate::ToldFailed | Fate::CrashAfter => Ok(()),
        }
    }

    async fn after(&self, kind: &'static str) -> Result<(), Error> {
        let fate = self.fates.lock().unwrap().remove(kind).unwrap();
        if fate == Fate::Spoiled {
            self.spoil(kind, false);
        }
        if kind == "intake" {
            self.look_at_the_journal();
        }
        match fate {
            Fate::CrashAfter => {
                self.world.crash(&self.life, &format!("after {kind}"));
                std::future::pending().await
            }
            Fate::ToldFailed => Err(told_so()),
            _ => Ok(()),
        }
    }
}
