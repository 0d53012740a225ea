//! What an accepted batch is: the unit that is made durable, applied in order, and reported on.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::contact::identifier::{IdentifierKind, Identifiers};
use crate::contact::record::{Malformed, Reader, put_bytes, put_number};
use crate::id::ObjectId;

/// The store's number of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountNo(pub i64);

/// The store's number of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListNo(pub i64);

impl ListNo {
    /// No list: what is about an account. Lists are numbered from 1.
    pub const NONE: Self = Self(0);
}

/// The number of a contact inside its list, from 1; never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContactNo(pub u64);

/// What a batch asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchKind {
    /// contacts/update, `upsert` false: change those that are there.
    Update,
    /// contacts/update, `upsert` true: make those that are not.
    Upsert,
    /// contacts/add: make those that are not there, and touch no other.
    Add,
    /// contacts/remove. An item is an identifier, and has no patch.
    Remove,
    /// request/undo. The one item's text is the id of the request that is to be undone.
    Undo,
    /// contact/erase, in all lists of the account: the batch's list is [`ListNo::NONE`]. Items are identifiers.
    Erase,
    /// As `Update`, but every `contact` is an identifier of the kind that its item says, and of no other.
    UpdateExact,
    /// As `Upsert`, in the same way.
    UpsertExact,
    /// contacts/merge. The items are two contacts by their numbers, see [`crate::apply::merge::Asked`].
    Merge,
    /// As `Update`, but every `contact` is the number of the contact in its list.
    UpdateByNumber,
}

impl BatchKind {
    /// All, in the order of their stored numbers, which count from 1.
    pub const ALL: [Self; 10] = [
        Self::Update,
        Self::Upsert,
        Self::Add,
        Self::Remove,
        Self::Undo,
        Self::Erase,
        Self::UpdateExact,
        Self::UpsertExact,
        Self::Merge,
        Self::UpdateByNumber,
    ];

    /// The stored number.
    pub const fn code(self) -> i64 {
        self as i64 + 1
    }

    /// From the stored number.
    pub fn from_code(code: i64) -> Option<Self> {
        usize::try_from(code.checked_sub(1)?).ok().and_then(|index| Self::ALL.get(index).copied())
    }

    /// The `source` of the request object: the method that was called.
    pub const fn source(self) -> &'static str {
        match self {
            Self::Update | Self::Upsert | Self::UpdateExact | Self::UpsertExact | Self::UpdateByNumber => {
                "contacts/update"
            }
            Self::Add => "contacts/add",
            Self::Remove => "contacts/remove",
            Self::Undo => "request/undo",
            Self::Erase => "contact/erase",
            Self::Merge => "contacts/merge",
        }
    }

    /// Of contacts/update.
    pub const fn update(upsert: bool, exact: bool) -> Self {
        match (upsert, exact) {
            (false, false) => Self::Update,
            (true, false) => Self::Upsert,
            (false, true) => Self::UpdateExact,
            (true, true) => Self::UpsertExact,
        }
    }

    /// Whether `contact` of its items is an identifier of a contact.
    pub const fn names_identifiers(self) -> bool {
        !matches!(self, Self::Undo | Self::Merge | Self::UpdateByNumber)
    }

    /// Whether a contact that is not there is made, and `contact` fills its identifier.
    pub const fn upserts(self) -> bool {
        matches!(self, Self::Upsert | Self::UpsertExact)
    }

    /// Whether it is applied in a transaction of its own, after all before it and before all behind it: it looks at
    /// the histories of contacts, where what the batches before it did must stand.
    pub const fn stands_alone(self) -> bool {
        matches!(self, Self::Undo | Self::Erase | Self::Merge)
    }
}

/// An accepted batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The id that the caller was given.
    pub request: ObjectId,
    /// Whose it is.
    pub account: AccountNo,
    /// The list that it changes.
    pub list: ListNo,
    /// The list's public id.
    pub list_id: ObjectId,
    /// The public part of the token that sent it.
    pub token: String,
    /// What it asks for.
    pub kind: BatchKind,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Where the status goes.
    pub webhook: Option<WebHook>,
    /// Whether it may bring people back who were erased.
    pub restore_erased: bool,
    /// The caller's `Idempotency-Key`, where it sent one.
    pub once: Option<Once>,
    /// The items, see [`ItemsWriter`].
    pub items: Vec<u8>,
}

/// How long an `Idempotency-Key` is remembered (contract, section 6).
pub const KEEP_KEYS: Duration = Duration::from_secs(24 * 3_600);

/// What makes a batch be accepted once only (contract, section 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// The `Idempotency-Key`; it is the caller's own inside an account and list.
    pub key: String,
    /// SHA-256 of the method and the body: the same key with another one is refused.
    pub fingerprint: [u8; 32],
    /// The `warnings` of the answer, as JSON.
    pub warnings: String,
    /// Those that were remembered before this are forgotten.
    pub since: Timestamp,
}

/// Where the status of a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebHook {
    /// As the caller gave it.
    pub uri: String,
    /// `scheme://host:port`: deliveries to one receiver share a bound, and delay no other.
    pub receiver: String,
}

/// Writes the items of a batch in the form in which they wait.
#[derive(Debug, Default)]
pub struct ItemsWriter {
    count: u64,
    bytes: Vec<u8>,
}

impl ItemsWriter {
    /// Adds an item: whom it is about, and the patch (see [`crate::contact::record`]).
    pub fn add(&mut self, kind: IdentifierKind, contact: &str, patch: &[u8]) {
        self.count += 1;
        self.bytes.push(kind as u8);
        put_bytes(&mut self.bytes, contact.as_bytes());
        put_bytes(&mut self.bytes, patch);
    }

    /// The stored form: the count, then the items.
    pub fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len() + 2);
        put_number(&mut out, self.count);
        out.extend_from_slice(&self.bytes);
        out
    }
}

/// One item, as it was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// What `contact` is by its form: the identifier that it fills when the contact is made.
    pub kind: IdentifierKind,
    /// The text by which the contact is looked up.
    pub contact: &'a str,
    /// The fields that it names.
    pub patch: &'a [u8],
}

impl<'a> Item<'a> {
    /// The identifiers that it would have its contact bear: those that it names, and what `contact` fills.
    ///
    /// # Errors
    /// [`Malformed`] where the patch does not read.
    pub fn asked(&self) -> Result<Identifiers<Option<&'a str>>, Malformed> {
        let mut asked = self.named()?;
        asked.get_mut(self.kind).get_or_insert(self.contact);
        Ok(asked)
    }

    /// The same in a batch of that kind: `contact` may be no identifier.
    ///
    /// # Errors
    /// [`Malformed`] where the patch does not read.
    pub fn asked_in(&self, kind: BatchKind) -> Result<Identifiers<Option<&'a str>>, Malformed> {
        if kind.names_identifiers() { self.asked() } else { self.named() }
    }

    /// The number of the contact, in a batch that names contacts by their numbers.
    pub fn number(&self, kind: BatchKind) -> Option<ContactNo> {
        let number = (kind == BatchKind::UpdateByNumber).then(|| self.contact.parse().ok());
        number.flatten().map(ContactNo)
    }

    /// The identifiers that its patch names; an empty text clears.
    ///
    /// # Errors
    /// [`Malformed`] where the patch does not read.
    pub fn named(&self) -> Result<Identifiers<Option<&'a str>>, Malformed> {
        crate::contact::document::identifiers(self.patch)
    }
}

/// Reads the items of a batch.
///
/// # Errors
/// [`Malformed`] where they do not read to the end: the journal was damaged.
pub fn read_items(bytes: &[u8]) -> Result<Vec<Item<'_>>, Malformed> {
    let mut reader = Reader::new(bytes);
    let count = reader.number()?;
    // An item is three bytes or more: a damaged count cannot ask for memory that the bytes do not back.
    if count > bytes.len() as u64 / 3 {
        return Err(Malformed);
    }
    let mut items = Vec::with_capacity(usize::try_from(count).unwrap_or_default());
    for _ in 0..count {
        let code = usize::from(reader.byte()?);
        let kind = *IdentifierKind::ALL.get(code).ok_or(Malformed)?;
        items.push(Item { kind, contact: reader.text()?, patch: reader.bytes()? });
    }
    if reader.is_empty() { Ok(items) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Owned = (usize, String, Vec<u8>);

    fn items() -> impl Strategy<Value = Vec<Owned>> {
        let patch = prop::collection::vec(any::<u8>(), 0..40);
        prop::collection::vec((0..3_usize, ".{0,20}", patch), 0..8)
    }

    fn write(items: &[Owned]) -> Vec<u8> {
        let mut writer = ItemsWriter::default();
        for (kind, contact, patch) in items {
            writer.add(IdentifierKind::ALL[*kind], contact, patch);
        }
        writer.finish()
    }

    proptest! {
        #[test]
        fn items_read_as_written_and_nothing_less_reads(items in items(), cut: prop::sample::Index) {
            let bytes = write(&items);
            let expected: Vec<_> = items
                .iter()
                .map(|(kind, contact, patch)| Item { kind: IdentifierKind::ALL[*kind], contact, patch })
                .collect();
            prop_assert_eq!(read_items(&bytes), Ok(expected));
            prop_assert_eq!(read_items(&bytes[..cut.index(bytes.len())]), Err(Malformed));
            let longer = [&bytes[..], &[0]].concat();
            prop_assert_eq!(read_items(&longer), Err(Malformed));
        }

        #[test]
        fn no_bytes_make_a_reader_panic(
            items in items(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            noise in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let mut bytes = write(&items);
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            for bytes in [bytes, noise] {
                for item in read_items(&bytes).into_iter().flatten() {
                    let _ = item.asked();
                }
            }
        }
    }

    #[test]
    fn a_count_that_the_bytes_do_not_back_asks_for_no_memory() {
        let mut bytes = Vec::new();
        put_number(&mut bytes, u64::MAX);
        bytes.extend([0; 60]);
        assert_eq!(read_items(&bytes), Err(Malformed));
    }

    #[test]
    fn kinds_keep_their_stored_numbers() {
        for (kind, code) in BatchKind::ALL.into_iter().zip(1..) {
            assert_eq!((kind.code(), BatchKind::from_code(code)), (code, Some(kind)));
        }
        assert_eq!((BatchKind::Update.code(), BatchKind::Erase.code()), (1, 6));
        assert_eq!((BatchKind::UpdateExact.code(), BatchKind::Merge.code()), (7, 9));
        assert_eq!(BatchKind::UpdateByNumber.code(), 10);
        assert_eq!((BatchKind::from_code(0), BatchKind::from_code(11)), (None, None));
        assert_eq!(IdentifierKind::ALL.map(|kind| kind as u8), [0, 1, 2]);
    }
}
