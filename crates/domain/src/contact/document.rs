//! A contact as it is stored: when it was made and changed, then its record.

use super::field::{Field, Key};
use super::identifier::{IdentifierKind, Identifiers};
use super::record::{self, Malformed, Reader, put_number};
use crate::clock::Timestamp;

/// The form that this version writes. The one before it has no `changed_at`.
const VERSION: u8 = 2;

/// Whether documents of this form are read.
pub const fn is_version(version: u8) -> bool {
    version >= 1 && version <= VERSION
}

/// What stands before the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// When the contact was made.
    pub created_at: Timestamp,
    /// When a field last changed.
    pub updated_at: Timestamp,
    /// The journal position of the last change to its identifiers, 0 if there was none since it was made.
    /// Results of later positions show the identifiers that it has now; for earlier ones the former are looked up.
    pub renamed_at: u64,
    /// The journal position of its last change, where its history begins (see [`crate::history`]); 0 where it was
    /// last changed before histories were kept.
    pub changed_at: u64,
}

impl Header {
    /// Appends the header; the record follows it.
    pub fn put(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_time(out, self.created_at);
        put_time(out, self.updated_at);
        put_number(out, self.renamed_at);
        put_number(out, self.changed_at);
    }
}

fn put_time(out: &mut Vec<u8>, time: Timestamp) {
    put_number(out, u64::try_from(time.millis()).unwrap_or_default());
}

/// A stored contact, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// What stands before the record.
    pub header: Header,
    /// The fields, see [`record`].
    pub record: &'a [u8],
}

impl<'a> Document<'a> {
    /// Reads the header; the record is read where it is used.
    ///
    /// # Errors
    /// [`Malformed`] where the header is cut short or of a later version.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let version = reader.byte()?;
        if !is_version(version) {
            return Err(Malformed);
        }
        let created_at = read_time(&mut reader)?;
        let updated_at = read_time(&mut reader)?;
        let renamed_at = reader.number()?;
        let changed_at = if version > 1 { reader.number()? } else { 0 };
        Ok(Self { header: Header { created_at, updated_at, renamed_at, changed_at }, record: reader.rest() })
    }

    /// The stored value of a field or variable.
    ///
    /// # Errors
    /// [`Malformed`] where the record does not read.
    pub fn get(&self, key: Key) -> Result<Option<&'a [u8]>, Malformed> {
        record::get(self.record, key)
    }

    /// The text of a field that is kept as UTF-8.
    ///
    /// # Errors
    /// [`Malformed`] where the record does not read, or the field is no text.
    pub fn text(&self, field: Field) -> Result<Option<&'a str>, Malformed> {
        self.get(field.key())?.map(|bytes| std::str::from_utf8(bytes).map_err(|_| Malformed)).transpose()
    }

    /// What a contact is called: its name, else its first and last name, else the first that it has of its identifiers.
    ///
    /// # Errors
    /// [`Malformed`] where it does not read.
    pub fn called(&self) -> Result<Option<String>, Malformed> {
        let named = |field| Ok(self.text(field)?.map(str::trim).filter(|text| !text.is_empty()));
        if let Some(name) = named(Field::Name)? {
            return Ok(Some(name.to_owned()));
        }
        let parts: Vec<_> =
            [named(Field::FirstName)?, named(Field::LastName)?].into_iter().flatten().collect();
        if !parts.is_empty() {
            return Ok(Some(parts.join(" ")));
        }
        for field in [Field::Email, Field::PhoneNumber, Field::UserId] {
            if let Some(text) = self.text(field)?.filter(|text| !text.trim().is_empty()) {
                return Ok(Some(text.to_owned()));
            }
        }
        Ok(None)
    }

    /// The three identifiers.
    ///
    /// # Errors
    /// [`Malformed`] where the record does not read.
    pub fn identifiers(&self) -> Result<Identifiers<Option<&'a str>>, Malformed> {
        identifiers(self.record)
    }
}

fn read_time(reader: &mut Reader<'_>) -> Result<Timestamp, Malformed> {
    i64::try_from(reader.number()?).map(Timestamp::from_millis).map_err(|_| Malformed)
}

/// The identifiers that a record holds or a patch names (there an empty text means "clear").
///
/// # Errors
/// [`Malformed`] where the record does not read.
pub fn identifiers(record: &[u8]) -> Result<Identifiers<Option<&str>>, Malformed> {
    let mut found = Identifiers::default();
    let mut reader = Reader::new(record);
    // Identifiers have the lowest keys, so the walk is short; what follows them may be cut off.
    while !reader.is_empty() {
        let key = reader.key()?;
        let Some(kind) = IdentifierKind::ALL.into_iter().find(|kind| kind.field().key() == key) else {
            break;
        };
        *found.get_mut(kind) = Some(reader.text()?);
    }
    Ok(found)
}

/// Bytes of a document that hold its header and its identifiers, however long these are: 255 characters of a
/// userId, 254 octets of an address, 16 of a number, and what stands around them.
pub const HEAD: usize = 2_048;
