//! The statement that inserts batches, and its values.

use crate::session::Value;
use domain::journal::Batch;
use storage::rows::row_checksum::row_checksum;

/// Inserts batches behind the positions that [`GIVE`] has just given.
pub const INSERT: &str = "INSERT INTO batch (list, position, request, account, list_id, token, kind, accepted_at, webhook, \
    receiver, restore_erased, fence, bytes, items_check, items) \
    SELECT q.list, q.last - $2 + u.place, u.request, u.account, u.list_id, u.token, u.kind, \
    u.accepted_at, u.webhook, u.receiver, u.restore_erased, $15, length(u.items), u.items_check, u.items \
    FROM queue q CROSS JOIN \
    unnest($4::bytea[], $5::bigint[], $6::bytea[], $7::text[], $8::bigint[], $9::bigint[], $10::text[], \
    $11::text[], $12::boolean[], $13::bigint[], $14::bytea[]) WITH ORDINALITY \
    AS u (request, account, list_id, token, kind, accepted_at, webhook, receiver, restore_erased, \
    items_check, items, place) WHERE q.list = $1 AND q.last >= $3";

/// The values of [`INSERT`], those of the list apart.
pub struct Columns<'a> {
    more: i64,
    requests: Vec<Vec<u8>>,
    accounts: Vec<i64>,
    list_ids: Vec<Vec<u8>>,
    tokens: Vec<&'a str>,
    kinds: Vec<i64>,
    accepted: Vec<i64>,
    webhooks: Vec<Option<&'a str>>,
    receivers: Vec<Option<&'a str>>,
    restore: Vec<bool>,
    row_checksums: Vec<i64>,
    items: Vec<&'a [u8]>,
    fences: bool,
}

impl<'a> Columns<'a> {
    /// Of batches, or of fences for them, which have no items.
    pub fn of(batches: &[&'a Batch], fences: bool) -> Self {
        let webhook = |batch: &&'a Batch| batch.webhook.as_ref().filter(|_| !fences);
        Self {
            more: i64::try_from(batches.len()).unwrap_or(i64::MAX),
            requests: column(batches, |batch| batch.request.to_bytes().to_vec()),
            accounts: column(batches, |batch| batch.account.0),
            list_ids: column(batches, |batch| batch.list_id.to_bytes().to_vec()),
            tokens: column(batches, |batch| batch.token.as_str()),
            kinds: column(batches, |batch| batch.kind.code()),
            accepted: column(batches, |batch| batch.accepted_at.millis()),
            webhooks: column(batches, |batch| webhook(batch).map(|webhook| webhook.uri.as_str())),
            receivers: column(batches, |batch| webhook(batch).map(|webhook| webhook.receiver.as_str())),
            restore: column(batches, |batch| batch.restore_erased),
            row_checksums: column(batches, |batch| if fences { 0 } else { row_checksum(batch) }),
            items: column(batches, |batch| if fences { &[][..] } else { batch.items.as_slice() }),
            fences,
        }
    }

    /// For a list and a position that was given in it before.
    pub fn values<'v>(&'v self, list: &'v i64, known: &'v i64) -> [Value<'v>; 15] {
        [
            list,
            &self.more,
            known,
            &self.requests,
            &self.accounts,
            &self.list_ids,
            &self.tokens,
            &self.kinds,
            &self.accepted,
            &self.webhooks,
            &self.receivers,
            &self.restore,
            &self.row_checksums,
            &self.items,
            &self.fences,
        ]
    }
}

fn column<'a, T>(batches: &[&'a Batch], value: impl Fn(&&'a Batch) -> T) -> Vec<T> {
    batches.iter().map(value).collect()
}
