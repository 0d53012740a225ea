//! The consent ledger: what was said about the flags of a contact, when, how and by which request.
//!
//! A batch leaves one row of records, one for each item that says anything of flags. A contact's records are a chain that
//! begins in its [`Choices`](choice::Choices): each names the position of the one before, and its hash is made of that
//! one's hash. A record whose contents were erased keeps their digest, so the chain can still be verified.

use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::contact::choice::{Flags, Head};
use crate::contact::field::Field;
use crate::contact::record::{Malformed, Reader, put_bytes, put_number};
use crate::id::ObjectId;
use crate::journal::{ContactNo, ListNo};

/// The form of a record's contents.
const VERSION: u8 = 1;

/// 16 bytes of a SHA-256.
pub type Hash = [u8; 16];

/// What had a record written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// An item of a request named the flags.
    Request,
    /// A request was undone.
    Undo,
    /// Two contacts were merged.
    Merge,
}

impl How {
    /// Every one; their order is part of the stored form.
    pub const ALL: [Self; 3] = [Self::Request, Self::Undo, Self::Merge];

    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Undo => "undo",
            Self::Merge => "merge",
        }
    }
}

/// The contents of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said<'a> {
    /// The flags that it is about.
    pub named: Flags,
    /// Those of them that are to be true.
    pub on: Flags,
    /// When it was applied.
    pub at: Timestamp,
    /// By which request.
    pub request: ObjectId,
    /// What had it written.
    pub how: How,
    /// The public part of the token.
    pub token: &'a str,
    /// What the caller said of it, see [`crate::contact::proof`]; empty where nothing.
    pub proof: &'a [u8],
}

impl<'a> Said<'a> {
    /// Each flag that it is about, and what that is to be.
    pub fn flags(&self) -> impl DoubleEndedIterator<Item = (Field, bool)> {
        let Self { named, on, .. } = *self;
        Flags::ALL.into_iter().filter(move |flag| named.has(*flag)).map(move |flag| (flag, on.has(flag)))
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend([VERSION, self.named.bits(), self.on.bits(), self.how as u8]);
        put_number(out, u64::try_from(self.at.millis()).unwrap_or_default());
        out.extend_from_slice(&self.request.to_bytes());
        put_bytes(out, self.token.as_bytes());
        put_bytes(out, self.proof);
    }

    /// Reads contents.
    ///
    /// # Errors
    /// [`Malformed`] where they do not read, or are of a later version.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.byte()? != VERSION {
            return Err(Malformed);
        }
        let named = Flags::of_bits(reader.byte()?).ok_or(Malformed)?;
        let on = Flags::of_bits(reader.byte()?).ok_or(Malformed)?;
        let how = *How::ALL.get(usize::from(reader.byte()?)).ok_or(Malformed)?;
        let at = i64::try_from(reader.number()?).map(Timestamp::from_millis).map_err(|_| Malformed)?;
        let request = ObjectId::from_bytes(reader.array()?);
        Ok(Self { named, on, at, request, how, token: reader.text()?, proof: reader.bytes()? })
    }
}

/// A record as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The contact.
    pub number: ContactNo,
    /// The position of the batch with the record before; this batch's own where it is in the same row; 0 for none.
    pub previous: u64,
    /// See [`Said`]; empty where they were erased.
    pub contents: &'a [u8],
    /// The digest of the contents. It is stored once these were erased; before, they say it.
    pub digest: Hash,
    /// The hash of this record.
    pub hash: Hash,
}

impl Record<'_> {
    /// Appends the record.
    pub fn put(&self, out: &mut Vec<u8>) {
        put_number(out, self.number.0);
        put_number(out, self.previous);
        put_bytes(out, self.contents);
        if self.contents.is_empty() {
            out.extend_from_slice(&self.digest);
        }
        out.extend_from_slice(&self.hash);
    }

    /// Whether it follows a record with that hash in the chain of a contact of the list.
    pub fn follows(&self, list: ListNo, before: Hash) -> bool {
        link(list, self.number, before, self.digest) == self.hash
    }
}

fn cut(digest: impl Into<[u8; 32]>) -> Hash {
    let mut hash = Hash::default();
    hash.copy_from_slice(&digest.into()[..16]);
    hash
}

fn digest(contents: &[u8]) -> Hash {
    cut(Sha256::digest(contents))
}

fn link(list: ListNo, number: ContactNo, before: Hash, digest: Hash) -> Hash {
    let hasher = Sha256::new().chain_update(list.0.to_le_bytes()).chain_update(number.0.to_le_bytes());
    cut(hasher.chain_update(before).chain_update(digest).finalize())
}

/// Reads the records of a batch, in the order in which they were written.
///
/// # Errors
/// [`Malformed`] where they do not read to the end.
pub fn read(bytes: &[u8]) -> Result<Vec<Record<'_>>, Malformed> {
    let mut reader = Reader::new(bytes);
    let mut records = Vec::new();
    while !reader.is_empty() {
        let (number, previous) = (ContactNo(reader.number()?), reader.number()?);
        let contents = reader.bytes()?;
        let digest = if contents.is_empty() { reader.array()? } else { digest(contents) };
        records.push(Record { number, previous, contents, digest, hash: reader.array()? });
    }
    Ok(records)
}

/// The same row without the contents of a contact's records; `None` where there are none.
///
/// # Errors
/// [`Malformed`] where it does not read.
pub fn without(bytes: &[u8], number: ContactNo) -> Result<Option<Vec<u8>>, Malformed> {
    let mut records = read(bytes)?;
    let mut changed = false;
    for record in records.iter_mut().filter(|record| record.number == number) {
        changed |= !std::mem::take(&mut record.contents).is_empty();
    }
    let mut out = Vec::with_capacity(bytes.len());
    records.iter().for_each(|record| record.put(&mut out));
    Ok(changed.then_some(out))
}

/// The records that a batch writes.
#[derive(Debug)]
pub struct Ledger<'a> {
    /// The list.
    pub list: ListNo,
    /// The batch's position.
    pub position: u64,
    /// Its request.
    pub request: ObjectId,
    /// The public part of the token that sent it.
    pub token: &'a str,
    /// What has the records written.
    pub how: How,
    /// When they are written.
    pub now: Timestamp,
    /// Where to.
    pub out: &'a mut Vec<u8>,
}

impl Ledger<'_> {
    /// Writes a record about some flags, of which some are `on`, behind the last one of a contact, and returns the new
    /// end of the chain.
    pub fn add(
        &mut self,
        number: ContactNo,
        last: Option<Head>,
        (named, on): (Flags, Flags),
        proof: &[u8],
    ) -> Head {
        let Self { list, position, request, how, now, token, .. } = *self;
        let mut contents = Vec::with_capacity(48 + proof.len());
        Said { named, on, at: now, request, how, token, proof }.put(&mut contents);
        let digest = digest(&contents);
        let (previous, before) = last.map_or((0, Hash::default()), |last| (last.position, last.hash));
        let hash = link(list, number, before, digest);
        Record { number, previous, contents: &contents, digest, hash }.put(self.out);
        Head { position, hash }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIST: ListNo = ListNo(1);

    fn write(positions: &[u64]) -> (Vec<Vec<u8>>, Option<Head>) {
        let (mut rows, mut last) = (Vec::new(), None);
        for position in positions {
            let mut out = Vec::new();
            let mut ledger = Ledger {
                list: LIST,
                position: *position,
                request: ObjectId::from_bytes([7; 12]),
                token: "0123456789abcdef",
                how: How::Request,
                now: Timestamp::from_millis(5),
                out: &mut out,
            };
            let every = Flags::every();
            ledger.add(ContactNo(2), None, (every, every), &[]);
            let mut email = Flags::default();
            email.set(Field::EmailSubscribe, true);
            let on = if position % 2 == 1 { email } else { Flags::default() };
            last = Some(ledger.add(ContactNo(1), last, (email, on), b"proof"));
            rows.push(out);
        }
        (rows, last)
    }

    /// Whether the chain of contact 1 holds.
    fn holds(rows: &[Vec<u8>], end: Option<Head>) -> bool {
        let mut before = Hash::default();
        for row in rows {
            for record in read(row).unwrap().iter().filter(|record| record.number == ContactNo(1)) {
                if !record.follows(LIST, before) {
                    return false;
                }
                before = record.hash;
            }
        }
        end.is_none_or(|end| end.hash == before)
    }

    #[test]
    fn a_chain_holds_without_contents_and_breaks_where_a_record_is_another_or_gone() {
        let (mut rows, end) = write(&[3, 5, 9]);
        assert!(holds(&rows, end));
        let said = read(&rows[1]).unwrap();
        let said = Said::read(said[1].contents).unwrap();
        assert_eq!(said.flags().collect::<Vec<_>>(), [(Field::EmailSubscribe, true)]);
        assert_eq!(said.proof, b"proof");
        assert_eq!(said.token, "0123456789abcdef");
        let mut forged = rows.clone();
        let place = forged[1].windows(5).rposition(|window| window == b"proof").unwrap();
        forged[1][place] = b'P';
        assert!(!holds(&forged, end));
        let without_one = [rows[0].clone(), rows[2].clone()];
        assert!(!holds(&without_one, end));
        assert!(!holds(&rows[..2], end), "the last is gone");
        for row in &mut rows {
            *row = without(row, ContactNo(1)).unwrap().unwrap();
            assert_eq!(without(row, ContactNo(1)), Ok(None));
            assert!(!row.windows(5).any(|window| window == b"proof"));
            assert!(!read(row).unwrap()[0].contents.is_empty(), "another contact's stay");
        }
        assert!(holds(&rows, end));
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_reader_panic(noise in any::<Vec<u8>>()) {
            let _ = Said::read(&noise);
            for record in read(&noise).into_iter().flatten() {
                let _ = Said::read(record.contents);
            }
        }
    }
}
