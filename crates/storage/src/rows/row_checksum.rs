//! The checksum of a journal row: a database does not notice every page that the disk has changed.
//!
//! The low half is the CRC-32 of the items. The high half is that of all else that a row says, made odd, so that it is
//! never 0: a flipped kind would make a removal of an update, a flipped list would touch another's contacts. Rows of
//! stores from before there was a high half have 0 there.

use domain::contact::record::{put_bytes, put_number};
use domain::journal::{Batch, BatchKind};

/// The checksum of a batch's row.
pub fn row_checksum(batch: &Batch) -> i64 {
    let head = Head {
        request: &batch.request.to_bytes(),
        account: batch.account.0,
        list: batch.list.0,
        list_id: &batch.list_id.to_bytes(),
        token: &batch.token,
        kind: batch.kind.code(),
        accepted_at: batch.accepted_at.millis(),
        webhook: batch.webhook.as_ref().map(|webhook| webhook.uri.as_str()),
        receiver: batch.webhook.as_ref().map(|webhook| webhook.receiver.as_str()),
        restore_erased: batch.restore_erased,
    };
    head.row_checksum(&batch.items)
}

/// What a row says beside its items.
pub struct Head<'a> {
    /// The column of that name.
    pub request: &'a [u8; 12],
    /// The column of that name.
    pub account: i64,
    /// The column of that name.
    pub list: i64,
    /// The column of that name.
    pub list_id: &'a [u8; 12],
    /// The column of that name.
    pub token: &'a str,
    /// The column of that name.
    pub kind: i64,
    /// The column of that name.
    pub accepted_at: i64,
    /// The column of that name.
    pub webhook: Option<&'a str>,
    /// The column of that name.
    pub receiver: Option<&'a str>,
    /// The column of that name.
    pub restore_erased: bool,
}

/// What of a row is as it was written.
pub struct Intact {
    /// Whether all but the items is.
    pub head: bool,
    /// Whether the items are.
    pub items: bool,
}

impl Head<'_> {
    fn row_checksum(&self, items: &[u8]) -> i64 {
        i64::from(self.check().cast_signed()) << 32 | i64::from(crc32fast::hash(items))
    }

    /// Compares a row with its checksum.
    pub fn verify(&self, checksum: i64, items: &[u8]) -> Intact {
        let (head, low) = (checksum >> 32, checksum & i64::from(u32::MAX));
        let head = match head {
            0 => self.is_of_before(),
            head => head == i64::from(self.check().cast_signed()),
        };
        Intact { head, items: low == i64::from(crc32fast::hash(items)) }
    }

    /// Whether a row without a high half can be one from before there was one: there were updates only.
    fn is_of_before(&self) -> bool {
        let kinds = [BatchKind::Update, BatchKind::Upsert];
        !self.restore_erased && kinds.iter().any(|kind| kind.code() == self.kind)
    }

    fn check(&self) -> u32 {
        let mut bytes = Vec::with_capacity(256);
        for number in [self.account, self.list, self.kind, self.accepted_at, i64::from(self.restore_erased)] {
            put_number(&mut bytes, number.cast_unsigned());
        }
        for id in [self.request, self.list_id] {
            bytes.extend_from_slice(id);
        }
        put_bytes(&mut bytes, self.token.as_bytes());
        for text in [self.webhook, self.receiver] {
            bytes.push(u8::from(text.is_some()));
            put_bytes(&mut bytes, text.unwrap_or_default().as_bytes());
        }
        crc32fast::hash(&bytes) | 1
    }
}
