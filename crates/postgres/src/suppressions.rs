//! Suppressed addresses: rows of the account, and so on one shard.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tokio_postgres::Row;

use super::PostgresStore;
use super::queue::of_list;
use super::session::{Session, Values, get, get_array, get_number, get_time};
use super::shared::Shared;
use domain::clock::Timestamp;
use domain::contact::suppression::Reason;
use domain::journal::AccountNo;
use storage::rows::suppression_filter::AddressHash;
use storage::rows::suppressions::{SAMPLE_END, by_key, hash, may_be_full};
use storage::{
    AddError, AddedSuppressions, Address, Error, NewSuppression, Page, Suppression, SuppressionFilter,
    SuppressionPlace, Suppressions, Window,
};

#[async_trait]
impl Suppressions for PostgresStore {
    async fn add_suppressions(
        &self,
        account: AccountNo,
        suppressions: Vec<NewSuppression>,
        max: u64,
        now: Timestamp,
    ) -> Result<usize, AddError> {
        self.write_or(move |session, shared| add(session, shared, account, suppressions.clone(), max, now))
            .await
    }

    async fn remove_suppressions(
        &self,
        account: AccountNo,
        address: Address,
        reason: Option<Reason>,
        now: Timestamp,
    ) -> Result<usize, Error> {
        let removed = self.write(move |session, shared| {
            let hash = hash(&shared.key, account, &address);
            let delete = "DELETE FROM suppression WHERE list = $1 AND hash = $2 \
                          AND ($3::bigint IS NULL OR reason = $3) AND (expires_at IS NULL OR expires_at > $4)";
            let reason = reason.map(Reason::code);
            session.execute(delete, &[&-account.0, &hash.as_slice(), &reason, &now.millis()])
        });
        removed.await.map(|rows| usize::try_from(rows).unwrap_or(usize::MAX))
    }

    async fn find_suppressions(
        &self,
        account: AccountNo,
        filter: SuppressionFilter,
        window: Window,
        now: Timestamp,
    ) -> Result<Page<Suppression>, Error> {
        self.read(move |session, shared| find(session, shared, account, &filter, window, now)).await
    }

    async fn scan_suppressions(
        &self,
        account: AccountNo,
        filter: SuppressionFilter,
        after: Option<SuppressionPlace>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Suppression>, Error> {
        self.read(move |session, shared| scan(session, shared, account, &filter, after, limit, now)).await
    }

    async fn added_suppressions(
        &self,
        account: AccountNo,
        after: u64,
        limit: u32,
        now: Timestamp,
    ) -> Result<AddedSuppressions, Error> {
        self.read(move |session, _| added(session, account, after, limit, now)).await
    }

    async fn suppressions_of(
        &self,
        account: AccountNo,
        addresses: Vec<Address>,
        now: Timestamp,
    ) -> Result<Vec<(usize, Suppression)>, Error> {
        self.read(move |session, shared| of(session, shared, account, &addresses, now)).await
    }
}

const COLUMNS: &str = "hash, reason, created_at, expires_at, address, raw_log";

/// Rows that count at `$5`, of the reasons from `$2` to `$3`. `$4`: the hash of the only address, or null.
const FITS: &str = "list = $1 AND reason BETWEEN $2 AND $3 AND (expires_at IS NULL OR expires_at > $5)";

fn read(row: &Row) -> Result<Option<Suppression>, Error> {
    // A row with an unknown reason was written by a later version.
    let Some(reason) = Reason::of_code(get(row, 1)?) else { return Ok(None) };
    Ok(Some(Suppression {
        hash: get_array(row, 0)?,
        reason,
        created_at: get_time(row, 2)?,
        expires_at: get::<Option<i64>>(row, 3)?.map(Timestamp::from_millis),
        address: get(row, 4)?,
        raw_log: get(row, 5)?,
    }))
}

fn read_all(rows: &[Row]) -> Result<Vec<Suppression>, Error> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        all.extend(read(row)?);
    }
    Ok(all)
}

fn add(
    session: &Session,
    shared: &Shared,
    account: AccountNo,
    suppressions: Vec<NewSuppression>,
    max: u64,
    now: Timestamp,
) -> Result<usize, AddError> {
    if session.query_opt("SELECT FROM account WHERE no = $1", &[&account.0])?.is_none() {
        return Err(AddError::Gone);
    }
    // In the order of keys: two that add the same do not wait for each other in a circle.
    let rows = by_key(&shared.key, account, suppressions);
    let hashes: Vec<_> = rows.keys().map(|(hash, _)| hash.as_slice()).collect();
    let reasons: Vec<_> = rows.keys().map(|(_, reason)| reason.code()).collect();
    let created: Vec<_> = rows.values().map(|new| new.created_at.millis()).collect();
    let expires: Vec<_> = rows.values().map(|new| new.expires_at.map(Timestamp::millis)).collect();
    let addresses: Vec<_> = rows.values().map(|new| new.address.as_str()).collect();
    let logs: Vec<_> = rows.values().map(|new| new.raw_log.as_deref()).collect();
    let list = -account.0;
    if session.query_opt("SELECT FROM progress WHERE list = $1 LIMIT 1", &[&list])?.is_none() {
        // The statement below would add nothing, without an error.
        return Err(Error::Damaged(format!("account {} has no queue", account.0)).into());
    }
    // The row is locked until the commit: numbers are committed in their order.
    let number = "INSERT INTO suppression_change AS c (list, serial) VALUES ($1, 1) \
                  ON CONFLICT (list) DO UPDATE SET serial = c.serial + 1 RETURNING serial";
    let serial: i64 = session.query_opt(number, &[&list])?.map_or(Ok(0), |row| get(&row, 0))?;
    let upsert = concat!(
        "INSERT INTO suppression AS s (list, serial, hash, reason, created_at, expires_at, address, raw_log) \
         SELECT p.list, $9::bigint, u.* FROM ",
        of_list!(),
        " unnest($2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[]) AS u \
         ON CONFLICT (list, hash, reason) DO UPDATE SET created_at = excluded.created_at, \
         expires_at = excluded.expires_at, serial = excluded.serial, address = excluded.address, \
         raw_log = excluded.raw_log WHERE s.expires_at <= $8"
    );
    let now = now.millis();
    let values: Values<'_> =
        &[&list, &hashes, &reasons, &created, &expires, &addresses, &logs, &now, &serial];
    let added = usize::try_from(session.execute(upsert, values)?).unwrap_or(usize::MAX);
    if added > 0 && is_over(session, list, added, max)? {
        return Err(AddError::TooMany(usize::try_from(max).unwrap_or(usize::MAX)));
    }
    Ok(added)
}

fn is_over(session: &Session, list: i64, added: usize, max: u64) -> Result<bool, Error> {
    let count = |select: &str, values: Values<'_>| {
        session.query_opt(select, values)?.map_or(Ok(0), |row| get_number(&row, 0))
    };
    let sample = "SELECT count(*) FROM suppression WHERE list = $1 AND hash < $2";
    if !may_be_full(count(sample, &[&list, &SAMPLE_END.as_slice()])?, added, max) {
        return Ok(false);
    }
    Ok(count("SELECT count(*) FROM suppression WHERE list = $1", &[&list])? > max)
}

fn find(
    session: &Session,
    shared: &Shared,
    account: AccountNo,
    filter: &SuppressionFilter,
    window: Window,
    now: Timestamp,
) -> Result<Page<Suppression>, Error> {
    let (list, [low, high], now) = (-account.0, filter.codes(), now.millis());
    let hash = filter.address.as_ref().map(|address| hash(&shared.key, account, address).to_vec());
    // Each statement has its own plan: by the address, or by time.
    let of_hash = if hash.is_some() { "AND hash = $4" } else { "AND $4::bytea IS NULL" };
    let count = format!("SELECT count(*) FROM suppression WHERE {FITS} {of_hash}");
    let total = session.query_opt(&count, &[&list, &low, &high, &hash, &now])?;
    let total = total.map_or(Ok(0), |row| get_number(&row, 0))?;
    let [limit, offset] = window.signed();
    let select = format!(
        "SELECT {COLUMNS} FROM suppression WHERE {FITS} {of_hash} \
         ORDER BY created_at DESC, hash DESC, reason DESC LIMIT $6 OFFSET $7"
    );
    let rows = session.query(&select, &[&list, &low, &high, &hash, &now, &limit, &offset])?;
    Ok(Page { rows: read_all(&rows)?, total })
}

fn scan(
    session: &Session,
    shared: &Shared,
    account: AccountNo,
    filter: &SuppressionFilter,
    after: Option<SuppressionPlace>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Suppression>, Error> {
    let (list, [low, high], now, limit) = (-account.0, filter.codes(), now.millis(), i64::from(limit));
    let hash = filter.address.as_ref().map(|address| hash(&shared.key, account, address).to_vec());
    let of_hash = if hash.is_some() { "AND hash = $4" } else { "AND $4::bytea IS NULL" };
    let select = format!(
        "SELECT {COLUMNS} FROM suppression WHERE {FITS} {of_hash} AND (created_at, hash, reason) > ($6, $7, $8) \
         ORDER BY created_at, hash, reason LIMIT $9"
    );
    let (created, past, reason) = match after {
        Some(place) => (place.created_at.millis(), place.hash.to_vec(), place.reason.code()),
        None => (i64::MIN, Vec::new(), i64::MIN),
    };
    let values: Values<'_> = &[&list, &low, &high, &hash, &now, &created, &past, &reason, &limit];
    read_all(&session.query(&select, values)?)
}

fn added(
    session: &Session,
    account: AccountNo,
    after: u64,
    limit: u32,
    now: Timestamp,
) -> Result<AddedSuppressions, Error> {
    let list = -account.0;
    let last = session.query_opt("SELECT serial FROM suppression_change WHERE list = $1", &[&list])?;
    let last: u64 = last.map_or(Ok(0), |row| get_number(&row, 0))?;
    if after >= last {
        return Ok(AddedSuppressions { rows: Vec::new(), next: last });
    }
    let (after, offset) = (after.cast_signed(), i64::from(limit.saturating_sub(1)));
    let end =
        "SELECT serial FROM suppression WHERE list = $1 AND serial > $2 ORDER BY serial LIMIT 1 OFFSET $3";
    let end = session.query_opt(end, &[&list, &after, &offset])?;
    let end: u64 = end.map_or(Ok(last), |row| get_number(&row, 0))?;
    let select = format!(
        "SELECT {COLUMNS}, serial FROM suppression WHERE list = $1 AND serial > $2 AND serial <= $3 \
         AND (expires_at IS NULL OR expires_at > $4) ORDER BY serial, hash, reason"
    );
    let mut rows = Vec::new();
    for row in session.query(&select, &[&list, &after, &end.cast_signed(), &now.millis()])? {
        let serial: u64 = get_number(&row, 6)?;
        rows.extend(read(&row)?.map(|suppression| (serial, suppression)));
    }
    Ok(AddedSuppressions { rows, next: end })
}

fn of(
    session: &Session,
    shared: &Shared,
    account: AccountNo,
    addresses: &[Address],
    now: Timestamp,
) -> Result<Vec<(usize, Suppression)>, Error> {
    let hashes: Vec<_> = addresses.iter().map(|address| hash(&shared.key, account, address)).collect();
    let places = possible(session, shared, account, &hashes)?;
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let bytes: Vec<&[u8]> =
        places.iter().filter_map(|place| hashes.get(*place).map(<[u8; 16]>::as_slice)).collect();
    // A look-up for each: a join would read all rows of the account where few are expected.
    let select = format!(
        "SELECT {COLUMNS}, u.place FROM unnest($2::bytea[]) WITH ORDINALITY AS u (wanted, place) CROSS JOIN LATERAL \
         (SELECT {COLUMNS} FROM suppression WHERE list = $1 AND hash = u.wanted \
         AND (expires_at IS NULL OR expires_at > $3) OFFSET 0) s"
    );
    let mut found = Vec::new();
    session.stream(&select, &[&-account.0, &bytes, &now.millis()], |row| {
        let asked = usize::try_from(get::<i64>(row, 6)? - 1).unwrap_or_default();
        let place = places.get(asked).copied().unwrap_or_default();
        found.extend(read(row)?.map(|suppression| (place, suppression)));
        Ok(true)
    })?;
    found.sort_by_key(|(place, suppression)| (*place, suppression.reason));
    Ok(found)
}

/// The places of the hashes that may be suppressed. All that is read is of one moment.
fn possible(
    session: &Session,
    shared: &Shared,
    account: AccountNo,
    hashes: &[AddressHash],
) -> Result<Vec<usize>, Error> {
    let list = -account.0;
    let row = session.query_opt("SELECT serial FROM suppression_change WHERE list = $1", &[&list])?;
    let Some(serial) = row.map(|row| get_number(&row, 0)).transpose()? else { return Ok(Vec::new()) };
    if let Some(places) = shared.filters.sift(account, serial, hashes) {
        return Ok(places);
    }
    let base = shared.filters.serial(account);
    let mut added: Vec<AddressHash> = Vec::new();
    let since = base.map_or(-1, u64::cast_signed);
    session.stream(
        "SELECT hash FROM suppression WHERE list = $1 AND serial > $2",
        &[&list, &since],
        |row| {
            added.push(get_array(row, 0)?);
            Ok(true)
        },
    )?;
    shared.filters.extend(account, base, serial, &added);
    let places = shared.filters.sift(account, serial, hashes);
    Ok(places.unwrap_or_else(|| (0..hashes.len()).collect()))
}

/// Deletes a chunk of those that have expired, and of those of accounts that are gone.
pub fn prune(session: &Session, expired: Timestamp, chunk: i64) -> Result<u64, Error> {
    let mut gone = 0;
    let due = "SELECT list, hash, reason FROM suppression WHERE expires_at <= $1 LIMIT $2";
    let rows = session.query(due, &[&expired.millis(), &chunk])?;
    // One that was added again since it was read stays.
    let delete = "DELETE FROM suppression s USING unnest($2::bytea[], $3::bigint[]) AS u (hash, reason) \
                  WHERE s.list = $1 AND s.hash = u.hash AND s.reason = u.reason AND s.expires_at <= $4";
    let mut lists: BTreeMap<i64, (Vec<&[u8]>, Vec<i64>)> = BTreeMap::new();
    for row in &rows {
        let (hashes, reasons) = lists.entry(get(row, 0)?).or_default();
        hashes.push(get(row, 1)?);
        reasons.push(get(row, 2)?);
    }
    for (list, (hashes, reasons)) in &lists {
        gone += session.execute(delete, &[list, hashes, reasons, &expired.millis()])?;
    }
    let orphaned = "SELECT list FROM suppression_change s \
                    WHERE NOT EXISTS (SELECT FROM account a WHERE a.no = -s.list) LIMIT 1";
    if let Some(row) = session.query_opt(orphaned, &[])? {
        let delete = "DELETE FROM suppression WHERE list = $1 AND (hash, reason) IN \
                      (SELECT hash, reason FROM suppression WHERE list = $1 LIMIT $2)";
        let list: i64 = get(&row, 0)?;
        let of_account = session.execute(delete, &[&list, &chunk])?;
        gone += of_account;
        if of_account == 0 {
            gone += session.execute("DELETE FROM suppression_change WHERE list = $1", &[&list])?;
        }
    }
    Ok(gone)
}

/// Removes addresses of people who were erased since then by a node of a version without suppressions.
pub fn forget_erased(session: &Session, since: Timestamp) -> Result<u64, Error> {
    let select = "SELECT s.list, s.hash FROM erased e JOIN suppression s ON s.list = -e.account AND s.hash = e.hash \
                  WHERE e.erased_at >= $1 AND s.created_at <= e.erased_at AND s.address IS NOT NULL LIMIT 1000";
    let mut rows = 0;
    for row in session.query(select, &[&since.millis()])? {
        let update = "UPDATE suppression SET address = NULL, raw_log = NULL WHERE list = $1 AND hash = $2";
        rows += session.execute(update, &[&get::<i64>(&row, 0)?, &get::<&[u8]>(&row, 1)?])?;
    }
    Ok(rows)
}
