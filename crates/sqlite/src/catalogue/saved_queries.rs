//! Saved filters of lists.

use async_trait::async_trait;
use rusqlite::{Connection, params};

use super::super::{SqliteStore, error};
use super::{change_of, lists};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use storage::rows::changed::Changed;
use storage::{AddError, Error, SavedChange, SavedKind, SavedQueries, SavedQuery};

#[async_trait]
impl SavedQueries for SqliteStore {
    async fn saved_queries(&self, list: ListNo, kind: SavedKind) -> Result<Vec<SavedQuery>, Error> {
        self.gate.call(move |intake| all(intake, list, kind).map_err(error)).await
    }

    async fn all_saved_queries(&self, account: AccountNo) -> Result<Vec<(ObjectId, SavedQuery)>, Error> {
        self.gate.call(move |intake| of_account(intake, account).map_err(error)).await
    }

    async fn add_saved_query(&self, list: ListNo, query: SavedQuery, max: usize) -> Result<(), AddError> {
        self.intake.call(move |intake| Ok(add(intake, list, &query, max))).await?
    }

    async fn update_saved_query(
        &self,
        list: ListNo,
        kind: SavedKind,
        id: ObjectId,
        change: SavedChange,
        now: Timestamp,
    ) -> Result<(), AddError> {
        self.intake.call(move |intake| Ok(update(intake, list, (kind, id), &change, now))).await?
    }

    async fn remove_saved_query(&self, list: ListNo, kind: SavedKind, id: ObjectId) -> Result<bool, Error> {
        self.intake
            .call(move |intake| {
                change_of(intake, Changed::List(list), |transaction| {
                    let delete = "DELETE FROM saved_query WHERE list = ?1 AND id = ?2 AND kind = ?3";
                    let rows = transaction.execute(delete, params![list.0, id.to_bytes(), kind.code()]);
                    rows.map(|rows| rows > 0).map_err(error)
                })
            })
            .await
    }
}

fn all(intake: &Connection, list: ListNo, kind: SavedKind) -> rusqlite::Result<Vec<SavedQuery>> {
    let mut select = intake.prepare_cached(
        "SELECT id, name, content, created_at, updated_at FROM saved_query WHERE list = ?1 AND kind = ?2 \
         ORDER BY name",
    )?;
    let rows = select.query_map(params![list.0, kind.code()], |row| {
        Ok(SavedQuery {
            id: ObjectId::from_bytes(row.get(0)?),
            kind,
            name: row.get(1)?,
            content: row.get(2)?,
            created_at: Timestamp::from_millis(row.get(3)?),
            updated_at: Timestamp::from_millis(row.get(4)?),
        })
    })?;
    rows.collect()
}

fn of_account(intake: &Connection, account: AccountNo) -> rusqlite::Result<Vec<(ObjectId, SavedQuery)>> {
    let mut select = intake.prepare_cached(
        "SELECT l.id, q.id, q.kind, q.name, q.content, q.created_at, q.updated_at FROM list l \
         JOIN saved_query q ON q.list = l.no WHERE l.account = ?1 ORDER BY l.no, q.id",
    )?;
    let rows = select.query_map([account.0], |row| {
        let query = SavedQuery {
            id: ObjectId::from_bytes(row.get(1)?),
            kind: SavedKind::from_code(row.get(2)?),
            name: row.get(3)?,
            content: row.get(4)?,
            created_at: Timestamp::from_millis(row.get(5)?),
            updated_at: Timestamp::from_millis(row.get(6)?),
        };
        Ok((ObjectId::from_bytes(row.get(0)?), query))
    })?;
    rows.collect()
}

fn add(intake: &mut Connection, list: ListNo, query: &SavedQuery, max: usize) -> Result<(), AddError> {
    change_of(intake, Changed::List(list), |transaction| {
        if !lists::exists(transaction, list)? {
            return Err(AddError::Gone);
        }
        let count = "SELECT count(*) FROM saved_query WHERE list = ?1 AND kind = ?2";
        let count: u32 = transaction
            .query_row(count, params![list.0, query.kind.code()], |row| row.get(0))
            .map_err(error)?;
        if count as usize >= max {
            return Err(AddError::TooMany(max));
        }
        let insert = "INSERT INTO saved_query (list, id, kind, name, content, created_at, updated_at) \
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
        let (created, updated) = (query.created_at.millis(), query.updated_at.millis());
        let values = params![
            list.0,
            query.id.to_bytes(),
            query.kind.code(),
            query.name,
            query.content,
            created,
            updated
        ];
        match transaction.execute(insert, values).map_err(error)? {
            0 => Err(AddError::Exists(query.name.clone())),
            _ => Ok(()),
        }
    })
}

fn update(
    intake: &mut Connection,
    list: ListNo,
    (kind, id): (SavedKind, ObjectId),
    change: &SavedChange,
    now: Timestamp,
) -> Result<(), AddError> {
    change_of(intake, Changed::List(list), |transaction| {
        if let Some(name) = &change.name {
            let taken = "SELECT 1 FROM saved_query WHERE list = ?1 AND kind = ?2 AND name = ?3 AND id <> ?4";
            let values = params![list.0, kind.code(), name, id.to_bytes()];
            let taken = transaction.prepare_cached(taken).and_then(|mut taken| taken.exists(values));
            if taken.map_err(error)? {
                return Err(AddError::Exists(name.clone()));
            }
        }
        let update = "UPDATE saved_query SET name = coalesce(?4, name), content = coalesce(?5, content), \
                      updated_at = ?6 WHERE list = ?1 AND kind = ?2 AND id = ?3";
        let values = params![list.0, kind.code(), id.to_bytes(), change.name, change.content, now.millis()];
        match transaction.execute(update, values).map_err(error)? {
            0 => Err(AddError::Gone),
            _ => Ok(()),
        }
    })
}
