//! The changes of contacts, for those who follow them. Each statement names its list, and so its shard.

use async_trait::async_trait;
use tokio_postgres::Row;

use super::PostgresStore;
use super::rows::{ENTRY, View, read_entry};
use super::session::{Value, Values, get, get_id, get_number, get_time};
use domain::id::ObjectId;
use domain::journal::{AccountNo, ContactNo, ListNo};
use storage::rows::changes::{self, ChangeRows, Ends, Tombstone};
use storage::rows::{Entry, Rows as _};
use storage::{ChangePage, ChangeQuery, ChangeReader, ChangesError, Error};

#[async_trait]
impl ChangeReader for PostgresStore {
    async fn read_changes(&self, query: ChangeQuery) -> Result<ChangePage, ChangesError> {
        // What is wrong with the cursor is no failure of the store.
        self.view(move |view| match changes::read(view, &query) {
            Err(ChangesError::Store(error)) => Err(error),
            read => Ok(read),
        })
        .await?
    }

    async fn account_lists(&self, account: AccountNo) -> Result<Vec<(ListNo, ObjectId)>, Error> {
        self.view(move |view| view.lists_of(account)).await
    }

    async fn last_changes(&self, lists: Vec<ListNo>) -> Result<Vec<u64>, Error> {
        self.view(move |view| Ok(view.ends(&lists)?.iter().map(Ends::position).collect())).await
    }
}

impl ChangeRows for View<'_> {
    fn ends(&self, lists: &[ListNo]) -> Result<Vec<Ends>, Error> {
        let last = |table: &str| {
            format!(
                "(SELECT position, request, false FROM {table} WHERE list = $1 ORDER BY position DESC LIMIT 1)"
            )
        };
        let select = format!(
            "{} UNION ALL {} UNION ALL (SELECT position, request, true FROM history_floor WHERE list = $1)",
            last("history"),
            last("tombstone")
        );
        let values: Vec<[Value<'_>; 1]> = lists.iter().map(|list| [&list.0 as Value<'_>]).collect();
        let all: Vec<(&str, Values<'_>)> =
            values.iter().map(|values| (select.as_str(), values.as_slice())).collect();
        let ends = |rows: &Vec<Row>| {
            let mut ends = Ends::default();
            for row in rows {
                let place = Some((get_number(row, 0)?, get_id(row, 1)?));
                let end = if get(row, 2)? { &mut ends.floor } else { &mut ends.last };
                *end = place.max(*end);
            }
            Ok(ends)
        };
        self.session.query_all(&all)?.iter().map(ends).collect()
    }

    fn entries_from(&self, list: ListNo, from: u64, rows: u32, bytes: usize) -> Result<Vec<Entry>, Error> {
        // Those that there would be no room for are not sent.
        let select = format!(
            "SELECT {ENTRY} FROM \
             (SELECT *, (sum(octet_length(changes)) OVER (ORDER BY position) - octet_length(changes))::bigint AS before \
             FROM (SELECT * FROM history WHERE list = $1 AND position >= $2 ORDER BY position LIMIT $3) first) h \
             WHERE before <= $4 ORDER BY position"
        );
        let room = i64::try_from(bytes).unwrap_or(i64::MAX);
        let found = self.session.query(&select, &[&list.0, &from.cast_signed(), &i64::from(rows), &room])?;
        // Compressed rows may hold many times what was sent.
        let (mut entries, mut read) = (Vec::new(), 0);
        for row in &found {
            if read >= bytes && !entries.is_empty() {
                break;
            }
            let entry = read_entry(row)?;
            read += entry.changes.len();
            entries.push(entry);
        }
        Ok(entries)
    }

    fn tombstones_from(&self, list: ListNo, from: u64) -> Result<Vec<Tombstone>, Error> {
        let select = "SELECT position, number, request, token, erased_at FROM tombstone \
                      WHERE list = $1 AND position >= $2 ORDER BY position, number";
        let read = |row: &Row| {
            Ok(Tombstone {
                position: get_number(row, 0)?,
                number: ContactNo(get_number(row, 1)?),
                request: get_id(row, 2)?,
                token: get(row, 3)?,
                erased_at: get_time(row, 4)?,
            })
        };
        self.session.query(select, &[&list.0, &from.cast_signed()])?.iter().map(read).collect()
    }
}
