//! Saved filters of lists.

use async_trait::async_trait;

use super::change_of;
use crate::PostgresStore;
use crate::session::{Session, Values, get, get_id, get_number, get_time};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use storage::rows::changed::Changed;
use storage::{AddError, Error, SavedChange, SavedKind, SavedQueries, SavedQuery};

#[async_trait]
impl SavedQueries for PostgresStore {
    async fn saved_queries(&self, list: ListNo, kind: SavedKind) -> Result<Vec<SavedQuery>, Error> {
        self.read(move |session, _| all(session, list, kind)).await
    }

    async fn all_saved_queries(&self, account: AccountNo) -> Result<Vec<(ObjectId, SavedQuery)>, Error> {
        self.read(move |session, _| of_account(session, account)).await
    }

    async fn add_saved_query(&self, list: ListNo, query: SavedQuery, max: usize) -> Result<(), AddError> {
        self.change(move |session| add(session, list, &query, max)).await
    }

    async fn update_saved_query(
        &self,
        list: ListNo,
        kind: SavedKind,
        id: ObjectId,
        change: SavedChange,
        now: Timestamp,
    ) -> Result<(), AddError> {
        self.change(move |session| update(session, list, (kind, id), &change, now)).await
    }

    async fn remove_saved_query(&self, list: ListNo, kind: SavedKind, id: ObjectId) -> Result<bool, Error> {
        self.change(move |session| {
            change_of(session, Changed::List(list))?;
            let delete = "DELETE FROM saved_query WHERE list = $1 AND id = $2 AND kind = $3";
            let rows = session.execute(delete, &[&list.0, &id.to_bytes().as_slice(), &kind.code()])?;
            Ok::<_, Error>(rows > 0)
        })
        .await
    }
}

fn all(session: &Session, list: ListNo, kind: SavedKind) -> Result<Vec<SavedQuery>, Error> {
    // By bytes: the order of the database's locale is not that of the files.
    let select = "SELECT id, name, content, created_at, updated_at FROM saved_query WHERE list = $1 AND kind = $2 \
                  ORDER BY name COLLATE \"C\"";
    let rows = session.query(select, &[&list.0, &kind.code()])?;
    let read = |row: &tokio_postgres::Row| {
        Ok(SavedQuery {
            id: get_id(row, 0)?,
            kind,
            name: get(row, 1)?,
            content: get(row, 2)?,
            created_at: get_time(row, 3)?,
            updated_at: get_time(row, 4)?,
        })
    };
    rows.iter().map(read).collect()
}

fn of_account(session: &Session, account: AccountNo) -> Result<Vec<(ObjectId, SavedQuery)>, Error> {
    let select = "SELECT l.id, q.id, q.kind, q.name, q.content, q.created_at, q.updated_at FROM list l \
                  JOIN saved_query q ON q.list = l.no WHERE l.account = $1 ORDER BY l.no, q.id";
    let read = |row: &tokio_postgres::Row| {
        let query = SavedQuery {
            id: get_id(row, 1)?,
            kind: SavedKind::from_code(get(row, 2)?),
            name: get(row, 3)?,
            content: get(row, 4)?,
            created_at: get_time(row, 5)?,
            updated_at: get_time(row, 6)?,
        };
        Ok((get_id(row, 0)?, query))
    };
    session.query(select, &[&account.0])?.iter().map(read).collect()
}

fn add(session: &Session, list: ListNo, query: &SavedQuery, max: usize) -> Result<(), AddError> {
    change_of(session, Changed::List(list))?;
    if session.query_opt("SELECT no FROM list WHERE no = $1", &[&list.0])?.is_none() {
        return Err(AddError::Gone);
    }
    let count = "SELECT count(*) FROM saved_query WHERE list = $1 AND kind = $2";
    let count = session.query_opt(count, &[&list.0, &query.kind.code()])?;
    let count: u64 = count.map_or(Ok(0), |row| get_number(&row, 0))?;
    if count >= max as u64 {
        return Err(AddError::TooMany(max));
    }
    let insert = "INSERT INTO saved_query (list, id, kind, name, content, created_at, updated_at) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    let (created, updated) = (query.created_at.millis(), query.updated_at.millis());
    let (id, kind) = (query.id.to_bytes(), query.kind.code());
    let values: Values<'_> =
        &[&list.0, &id.as_slice(), &kind, &query.name, &query.content, &created, &updated];
    match session.execute(insert, values)? {
        0 => Err(AddError::Exists(query.name.clone())),
        _ => Ok(()),
    }
}

fn update(
    session: &Session,
    list: ListNo,
    (kind, id): (SavedKind, ObjectId),
    change: &SavedChange,
    now: Timestamp,
) -> Result<(), AddError> {
    change_of(session, Changed::List(list))?;
    let (id, kind) = (id.to_bytes(), kind.code());
    if let Some(name) = &change.name {
        let taken = "SELECT id FROM saved_query WHERE list = $1 AND kind = $2 AND name = $3 AND id <> $4";
        if session.query_opt(taken, &[&list.0, &kind, name, &id.as_slice()])?.is_some() {
            return Err(AddError::Exists(name.clone()));
        }
    }
    let update = "UPDATE saved_query SET name = coalesce($4::text, name), content = coalesce($5::text, content), \
                  updated_at = $6 WHERE list = $1 AND kind = $2 AND id = $3";
    let values: Values<'_> = &[&list.0, &kind, &id.as_slice(), &change.name, &change.content, &now.millis()];
    match session.execute(update, values)? {
        0 => Err(AddError::Gone),
        _ => Ok(()),
    }
}
