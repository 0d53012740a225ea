//! Idempotency keys: in the transaction that stores their batch.

use std::collections::HashMap;
use std::sync::Arc;

use super::queue::of_list;
use super::session::{Session, get, get_array, get_id};
use domain::clock::Timestamp;
use domain::journal::{AccountNo, Batch, ListNo};
use storage::{Appended, Error, Remembered};

/// Takes the keys of a group, and says which batches were accepted with theirs before.
pub fn take(
    session: &Session,
    list: ListNo,
    group: &[Arc<Batch>],
    appended: &mut [Appended],
) -> Result<(), Error> {
    let keyed = || group.iter().filter_map(|batch| batch.once.as_ref().map(|once| (batch, once)));
    let select = "SELECT o.account, o.key, o.fingerprint, o.request, o.warnings FROM once o \
                  JOIN unnest($2::bigint[], $3::text[], $4::bigint[]) AS k (account, key, since) \
                  ON o.account = k.account AND o.key = k.key AND o.used_at > k.since WHERE o.list = $1";
    let accounts: Vec<_> = keyed().map(|(batch, _)| batch.account.0).collect();
    let keys: Vec<_> = keyed().map(|(_, once)| once.key.as_str()).collect();
    let since: Vec<_> = keyed().map(|(_, once)| once.since.millis()).collect();
    let mut known: HashMap<(i64, String), Remembered> = HashMap::new();
    for row in session.query(select, &[&list.0, &accounts, &keys, &since])? {
        known.insert((get(&row, 0)?, get(&row, 1)?), read(&row, 2)?);
    }
    let mut fresh = Vec::new();
    for (batch, outcome) in group.iter().zip(appended) {
        let Some(once) = &batch.once else { continue };
        let place = (batch.account.0, once.key.clone());
        if let Some(remembered) = known.get(&place) {
            *outcome = Appended::Known(remembered.clone());
            continue;
        }
        let (fingerprint, warnings) = (once.fingerprint, once.warnings.clone());
        known.insert(place, Remembered { fingerprint, request: batch.request, warnings });
        fresh.push((batch, once));
    }
    if fresh.is_empty() {
        return Ok(());
    }
    // One whose time is up may still be there.
    let upsert = concat!(
        "INSERT INTO once (list, account, key, fingerprint, request, warnings, used_at) SELECT p.list, u.* FROM ",
        of_list!(),
        " unnest($2::bigint[], $3::text[], $4::bytea[], $5::bytea[], $6::text[], $7::bigint[]) AS u \
         ON CONFLICT (list, account, key) DO UPDATE SET fingerprint = excluded.fingerprint, \
         request = excluded.request, warnings = excluded.warnings, used_at = excluded.used_at"
    );
    session
        .execute(
            upsert,
            &[
                &list.0,
                &fresh.iter().map(|(batch, _)| batch.account.0).collect::<Vec<_>>(),
                &fresh.iter().map(|(_, once)| once.key.as_str()).collect::<Vec<_>>(),
                &fresh.iter().map(|(_, once)| once.fingerprint.as_slice()).collect::<Vec<_>>(),
                &fresh.iter().map(|(batch, _)| batch.request.to_bytes().to_vec()).collect::<Vec<_>>(),
                &fresh.iter().map(|(_, once)| once.warnings.as_str()).collect::<Vec<_>>(),
                &fresh.iter().map(|(batch, _)| batch.accepted_at.millis()).collect::<Vec<_>>(),
            ],
        )
        .map(drop)
}

fn read(row: &tokio_postgres::Row, from: usize) -> Result<Remembered, Error> {
    Ok(Remembered {
        fingerprint: get_array(row, from)?,
        request: get_id(row, from + 1)?,
        warnings: get(row, from + 2)?,
    })
}

/// What was accepted with a key after `since`.
pub fn find(
    session: &Session,
    list: ListNo,
    account: AccountNo,
    key: &str,
    since: Timestamp,
) -> Result<Option<Remembered>, Error> {
    let select = "SELECT fingerprint, request, warnings FROM once \
                  WHERE list = $1 AND account = $2 AND key = $3 AND used_at > $4";
    let row = session.query_opt(select, &[&list.0, &account.0, &key, &since.millis()])?;
    row.map(|row| read(&row, 0)).transpose()
}
