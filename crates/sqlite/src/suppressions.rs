//! Suppressed addresses: rows of the file with the contacts, so that erasing a person is one transaction.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, Transaction, TransactionBehavior, params};

use super::{Pair, Shared, SqliteStore, error, signed, unsigned};
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
impl Suppressions for SqliteStore {
    async fn add_suppressions(
        &self,
        account: AccountNo,
        suppressions: Vec<NewSuppression>,
        max: u64,
        now: Timestamp,
    ) -> Result<usize, AddError> {
        self.write(move |pair, shared| Ok(add(pair, shared, account, suppressions, max, now))).await?
    }

    async fn remove_suppressions(
        &self,
        account: AccountNo,
        address: Address,
        reason: Option<Reason>,
        now: Timestamp,
    ) -> Result<usize, Error> {
        self.write(move |pair, shared| {
            let hash = hash(&shared.key, account, &address);
            let delete = "DELETE FROM suppression WHERE account = ?1 AND hash = ?2 \
                          AND (?3 IS NULL OR reason = ?3) AND (expires_at IS NULL OR expires_at > ?4)";
            let values = params![account.0, hash, reason.map(Reason::code), now.millis()];
            pair.store.execute(delete, values).map_err(error)
        })
        .await
    }

    async fn find_suppressions(
        &self,
        account: AccountNo,
        filter: SuppressionFilter,
        window: Window,
        now: Timestamp,
    ) -> Result<Page<Suppression>, Error> {
        self.read(move |pair, shared| find(pair, shared, account, &filter, window, now)).await
    }

    async fn scan_suppressions(
        &self,
        account: AccountNo,
        filter: SuppressionFilter,
        after: Option<SuppressionPlace>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Suppression>, Error> {
        self.read(move |pair, shared| scan(pair, shared, account, &filter, after, limit, now)).await
    }

    async fn added_suppressions(
        &self,
        account: AccountNo,
        after: u64,
        limit: u32,
        now: Timestamp,
    ) -> Result<AddedSuppressions, Error> {
        self.read(move |pair, _| added(pair, account, after, limit, now).map_err(error)).await
    }

    async fn suppressions_of(
        &self,
        account: AccountNo,
        addresses: Vec<Address>,
        now: Timestamp,
    ) -> Result<Vec<(usize, Suppression)>, Error> {
        self.read(move |pair, shared| of(pair, shared, account, &addresses, now)).await
    }
}

const COLUMNS: &str = "hash, reason, created_at, expires_at, address, raw_log";

/// Rows that count at `?5`, of the reasons from `?2` to `?3`. `?4`: the hash of the only address, or null.
const FITS: &str = "account = ?1 AND reason BETWEEN ?2 AND ?3 AND (expires_at IS NULL OR expires_at > ?5)";

fn read(row: &Row<'_>) -> rusqlite::Result<Option<Suppression>> {
    // A row with an unknown reason was written by a later version.
    let Some(reason) = Reason::of_code(row.get(1)?) else { return Ok(None) };
    Ok(Some(Suppression {
        hash: row.get(0)?,
        reason,
        created_at: Timestamp::from_millis(row.get(2)?),
        expires_at: row.get::<_, Option<i64>>(3)?.map(Timestamp::from_millis),
        address: row.get(4)?,
        raw_log: row.get(5)?,
    }))
}

fn add(
    pair: &mut Pair,
    shared: &Shared,
    account: AccountNo,
    suppressions: Vec<NewSuppression>,
    max: u64,
    now: Timestamp,
) -> Result<usize, AddError> {
    let known = pair
        .intake
        .prepare_cached("SELECT 1 FROM account WHERE no = ?1")
        .and_then(|mut select| select.exists([account.0]))
        .map_err(error)?;
    if !known {
        return Err(AddError::Gone);
    }
    let rows = by_key(&shared.key, account, suppressions);
    let transaction = pair.store.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    let mut added = 0;
    {
        let number = "INSERT INTO suppression_change VALUES (?1, 1) ON CONFLICT DO UPDATE SET serial = serial + 1 \
                      RETURNING serial";
        let serial: i64 = transaction.query_row(number, [account.0], |row| row.get(0)).map_err(error)?;
        let upsert = "INSERT INTO suppression \
                      (account, hash, reason, created_at, expires_at, address, raw_log, serial) \
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?9) ON CONFLICT DO UPDATE SET \
                      created_at = excluded.created_at, expires_at = excluded.expires_at, serial = excluded.serial, \
                      address = excluded.address, raw_log = excluded.raw_log WHERE expires_at <= ?8";
        let mut upsert = transaction.prepare_cached(upsert).map_err(error)?;
        for ((hash, reason), new) in &rows {
            let expires = new.expires_at.map(Timestamp::millis);
            let (reason, created, now) = (reason.code(), new.created_at.millis(), now.millis());
            let values =
                params![account.0, hash, reason, created, expires, new.address, new.raw_log, now, serial];
            added += upsert.execute(values).map_err(error)?;
        }
    }
    if added == 0 {
        return Ok(0);
    }
    if is_over(&transaction, account, added, max).map_err(error)? {
        return Err(AddError::TooMany(usize::try_from(max).unwrap_or(usize::MAX)));
    }
    transaction.commit().map_err(error)?;
    Ok(added)
}

fn is_over(store: &Transaction<'_>, account: AccountNo, added: usize, max: u64) -> rusqlite::Result<bool> {
    let count = |select: &str, values: &[&dyn ToSql]| {
        store.prepare_cached(select)?.query_row(values, |row| row.get(0).map(unsigned))
    };
    let sample = "SELECT count(*) FROM suppression WHERE account = ?1 AND hash < ?2";
    if !may_be_full(count(sample, &[&account.0, &SAMPLE_END.as_slice()])?, added, max) {
        return Ok(false);
    }
    Ok(count("SELECT count(*) FROM suppression WHERE account = ?1", &[&account.0])? > max)
}

fn find(
    pair: &mut Pair,
    shared: &Shared,
    account: AccountNo,
    filter: &SuppressionFilter,
    window: Window,
    now: Timestamp,
) -> Result<Page<Suppression>, Error> {
    // One transaction: the count and the rows are of one moment.
    let store = pair.store.transaction().map_err(error)?;
    let [low, high] = filter.codes();
    let hash = filter.address.as_ref().map(|address| hash(&shared.key, account, address));
    // Each statement has its own plan: by the address, or by time.
    let of_hash = if hash.is_some() { "AND hash = ?4" } else { "AND ?4 IS NULL" };
    let values = params![account.0, low, high, hash, now.millis()];
    let count = format!("SELECT count(*) FROM suppression WHERE {FITS} {of_hash}");
    let total = store
        .prepare_cached(&count)
        .and_then(|mut select| select.query_row(values, |row| row.get(0).map(unsigned)))
        .map_err(error)?;
    let [limit, offset] = window.signed();
    let select = format!(
        "SELECT {COLUMNS} FROM suppression WHERE {FITS} {of_hash} \
         ORDER BY created_at DESC, hash DESC, reason DESC LIMIT ?6 OFFSET ?7"
    );
    let values = params![account.0, low, high, hash, now.millis(), limit, offset];
    let rows = store
        .prepare_cached(&select)
        .and_then(|mut select| select.query_map(values, read)?.collect::<rusqlite::Result<Vec<_>>>())
        .map_err(error)?;
    Ok(Page { rows: rows.into_iter().flatten().collect(), total })
}

fn scan(
    pair: &Pair,
    shared: &Shared,
    account: AccountNo,
    filter: &SuppressionFilter,
    after: Option<SuppressionPlace>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Suppression>, Error> {
    let [low, high] = filter.codes();
    let hash = filter.address.as_ref().map(|address| hash(&shared.key, account, address));
    let of_hash = if hash.is_some() { "AND hash = ?4" } else { "AND ?4 IS NULL" };
    let select = format!(
        "SELECT {COLUMNS} FROM suppression WHERE {FITS} {of_hash} AND (created_at, hash, reason) > (?6, ?7, ?8) \
         ORDER BY created_at, hash, reason LIMIT ?9"
    );
    let (created, past, reason) = match after {
        Some(place) => (place.created_at.millis(), place.hash.to_vec(), place.reason.code()),
        None => (i64::MIN, Vec::new(), i64::MIN),
    };
    let values = params![account.0, low, high, hash, now.millis(), created, past, reason, limit];
    let rows = pair
        .store
        .prepare_cached(&select)
        .and_then(|mut select| select.query_map(values, read)?.collect::<rusqlite::Result<Vec<_>>>())
        .map_err(error)?;
    Ok(rows.into_iter().flatten().collect())
}

fn added(
    pair: &mut Pair,
    account: AccountNo,
    after: u64,
    limit: u32,
    now: Timestamp,
) -> rusqlite::Result<AddedSuppressions> {
    // One transaction: the last change and its rows are of one moment.
    let store = pair.store.transaction()?;
    let last = store
        .prepare_cached("SELECT serial FROM suppression_change WHERE account = ?1")?
        .query_row([account.0], |row| row.get(0).map(unsigned))
        .optional()?
        .unwrap_or_default();
    if after >= last {
        return Ok(AddedSuppressions { rows: Vec::new(), next: last });
    }
    let end =
        "SELECT serial FROM suppression WHERE account = ?1 AND serial > ?2 ORDER BY serial LIMIT 1 OFFSET ?3";
    let end = store
        .prepare_cached(end)?
        .query_row(params![account.0, signed(after), limit.saturating_sub(1)], |row| row.get(0).map(unsigned))
        .optional()?
        .unwrap_or(last);
    let select = format!(
        "SELECT {COLUMNS}, serial FROM suppression WHERE account = ?1 AND serial > ?2 AND serial <= ?3 \
         AND (expires_at IS NULL OR expires_at > ?4) ORDER BY serial, hash, reason"
    );
    let values = params![account.0, signed(after), signed(end), now.millis()];
    let with_serial = |row: &Row<'_>| Ok((row.get(6).map(unsigned)?, read(row)?));
    let rows = store
        .prepare_cached(&select)?
        .query_map(values, with_serial)?
        .filter_map(|row| row.map(|(serial, row)| row.map(|row| (serial, row))).transpose())
        .collect::<rusqlite::Result<_>>()?;
    Ok(AddedSuppressions { rows, next: end })
}

fn of(
    pair: &mut Pair,
    shared: &Shared,
    account: AccountNo,
    addresses: &[Address],
    now: Timestamp,
) -> Result<Vec<(usize, Suppression)>, Error> {
    let hashes: Vec<_> = addresses.iter().map(|address| hash(&shared.key, account, address)).collect();
    // One transaction: the number of the last change and its rows are of one moment.
    let store = pair.store.transaction().map_err(error)?;
    let mut places = possible(&store, shared, account, &hashes).map_err(error)?;
    // In the order of the index: neighbours lie on one page of it.
    places.sort_unstable_by_key(|place| hashes.get(*place));
    let select = format!(
        "SELECT {COLUMNS} FROM suppression WHERE account = ?1 AND hash = ?2 \
         AND (expires_at IS NULL OR expires_at > ?3) ORDER BY reason"
    );
    let mut select = store.prepare_cached(&select).map_err(error)?;
    let mut found = Vec::new();
    for place in places {
        let Some(hash) = hashes.get(place) else { continue };
        let mut rows = select.query(params![account.0, hash, now.millis()]).map_err(error)?;
        while let Some(row) = rows.next().map_err(error)? {
            found.extend(read(row).map_err(error)?.map(|suppression| (place, suppression)));
        }
    }
    found.sort_by_key(|(place, suppression)| (*place, suppression.reason));
    Ok(found)
}

/// The places of the hashes that may be suppressed.
fn possible(
    store: &Connection,
    shared: &Shared,
    account: AccountNo,
    hashes: &[AddressHash],
) -> rusqlite::Result<Vec<usize>> {
    let serial = store
        .prepare_cached("SELECT serial FROM suppression_change WHERE account = ?1")?
        .query_row([account.0], |row| row.get(0).map(unsigned))
        .optional()?;
    let Some(serial) = serial else { return Ok(Vec::new()) };
    if let Some(places) = shared.filters.sift(account, serial, hashes) {
        return Ok(places);
    }
    let base = shared.filters.serial(account);
    let mut select =
        store.prepare_cached("SELECT hash FROM suppression WHERE account = ?1 AND serial > ?2")?;
    let rows = select.query_map([account.0, base.map_or(-1, signed)], |row| row.get(0))?;
    let added = rows.collect::<rusqlite::Result<Vec<AddressHash>>>()?;
    shared.filters.extend(account, base, serial, &added);
    let places = shared.filters.sift(account, serial, hashes);
    Ok(places.unwrap_or_else(|| (0..hashes.len()).collect()))
}

/// Deletes a chunk of those that have expired, and of those of an account that is gone.
pub fn prune(
    store: &Transaction<'_>,
    gone: Option<i64>,
    expired: Timestamp,
    chunk: i64,
) -> rusqlite::Result<usize> {
    let delete =
        "DELETE FROM suppression WHERE no IN (SELECT no FROM suppression WHERE expires_at <= ?1 LIMIT ?2)";
    let mut rows = store.execute(delete, [expired.millis(), chunk])?;
    if let Some(account) = gone {
        let delete =
            "DELETE FROM suppression WHERE no IN (SELECT no FROM suppression WHERE account = ?1 LIMIT ?2)";
        let of_account = store.execute(delete, [account, chunk])?;
        rows += of_account;
        if of_account == 0 {
            rows += store.execute("DELETE FROM suppression_change WHERE account = ?1", [account])?;
        }
    }
    Ok(rows)
}
