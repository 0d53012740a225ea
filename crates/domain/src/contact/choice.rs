//! The flags of a contact, and what was chosen about them: a false that was set is not a default.
//!
//! A flag that is false is not stored, as one that was never set. So a contact has an entry beside its flags: which of
//! them were set to false, and which were named again since they last changed. The entry is no field: answers,
//! histories and exports leave it out.

use super::field::{Field, Key, Kind};
use super::record::{Malformed, Reader, put_number};

/// Some of the flags of a contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    /// The flags, in the order of their keys.
    pub const ALL: [Field; Field::FLAGS.len()] = Field::FLAGS;

    /// The flag with that key, if it is one.
    pub fn of_key(key: Key) -> Option<Field> {
        let place = key.0.checked_sub(Field::Active as u32)?;
        Self::ALL.get(place as usize).copied()
    }

    const fn bit(flag: Field) -> u8 {
        debug_assert!(matches!(flag.kind(), Some(Kind::Flag)), "only flags have a bit");
        1 << (flag as u8 - Field::Active as u8)
    }

    /// All of them.
    pub const fn every() -> Self {
        Self(0x7f)
    }

    /// A bit for each, in the order of their keys.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// From bits; `None` where one is of no flag.
    pub const fn of_bits(bits: u8) -> Option<Self> {
        if bits & !Self::every().0 == 0 { Some(Self(bits)) } else { None }
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the flag is among them.
    pub const fn has(self, flag: Field) -> bool {
        self.0 & Self::bit(flag) != 0
    }

    /// Adds a flag, or takes it away.
    pub const fn set(&mut self, flag: Field, present: bool) {
        if present {
            self.0 |= Self::bit(flag);
        } else {
            self.0 &= !Self::bit(flag);
        }
    }

    /// Those that are not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Those that are in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those of either.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Where the consent ledger of a contact ends, see [`crate::apply::ledger`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The position of the batch with the last record.
    pub position: u64,
    /// The hash of that record.
    pub hash: [u8; 16],
}

/// What was chosen about the flags of a contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// Those that are false because they were set to false. A flag that is true does not count here: a node of an
    /// earlier version may have set it.
    pub refused: Flags,
    /// Those that a request named again, with the value that they had, since they last changed.
    pub named: Flags,
    /// The end of its consent ledger.
    pub head: Option<Head>,
}

impl Choices {
    /// From the stored value. What a later version has added is ignored.
    pub fn read(value: Option<&[u8]>) -> Self {
        let mut reader = Reader::new(value.unwrap_or_default());
        let refused = Flags(reader.byte().unwrap_or_default());
        let named = Flags(reader.byte().unwrap_or_default());
        let head = reader.array().and_then(|hash| Ok(Head { hash, position: reader.number()? })).ok();
        Self { refused, named, head }
    }

    /// The stored value; empty where there is nothing to store.
    pub fn bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(if self.head.is_some() { 28 } else { 2 });
        match (self.refused.0, self.named.0, self.head) {
            (0, 0, None) => {}
            (refused, 0, None) => bytes.push(refused),
            (refused, named, _) => bytes.extend([refused, named]),
        }
        if let Some(Head { position, hash }) = self.head {
            bytes.extend_from_slice(&hash);
            put_number(&mut bytes, position);
        }
        bytes
    }
}

/// The flags of a contact, as they are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Those that are true.
    pub on: Flags,
    /// What was chosen about them.
    pub choices: Choices,
}

impl State {
    /// Of a record.
    ///
    /// # Errors
    /// [`Malformed`] where the record does not read as far as the flags.
    pub fn read(record: &[u8]) -> Result<Self, Malformed> {
        let mut state = Self::default();
        let mut reader = Reader::new(record);
        while let Some(entry) = reader.entry()? {
            if let Some(flag) = Flags::of_key(entry.key) {
                state.on.set(flag, true);
            } else if entry.key >= Key::CHOICES {
                if entry.key == Key::CHOICES {
                    state.choices = Choices::read(Some(entry.value));
                }
                break;
            }
        }
        Ok(state)
    }

    /// Whether the flag is false because it was set to false.
    pub const fn is_refused(&self, flag: Field) -> bool {
        !self.on.has(flag) && self.choices.refused.has(flag)
    }
}

/// How an item treats flags that were set to false; stored with its patch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// A flag that was set to false stays so, though the item says true.
    pub keep: bool,
    /// The item was sent for the person, who chose this: an undo leaves it as it is.
    pub personal: bool,
    /// The person sent it by a link: it also counts if the contact is gone.
    pub linked: bool,
}

impl Options {
    /// From the value in a patch.
    pub fn read(value: &[u8]) -> Self {
        let bits = value.first().copied().unwrap_or_default();
        Self { keep: bits & 1 != 0, personal: bits & 2 != 0, linked: bits & 4 != 0 }
    }

    /// The value in a patch; empty where nothing is to be said.
    pub fn bytes(self) -> Vec<u8> {
        match u8::from(self.keep) | u8::from(self.personal) << 1 | u8::from(self.linked) << 2 {
            0 => Vec::new(),
            bits => vec![bits],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::record;
    use super::*;

    #[test]
    fn every_flag_of_the_table_has_a_bit_of_its_own() {
        let mut all = Flags::default();
        for field in Field::ALL.into_iter().filter(|field| field.kind() == Some(Kind::Flag)) {
            assert!(!all.has(field), "{field:?}");
            assert_eq!(Flags::of_key(field.key()), Some(field));
            all.set(field, true);
        }
        assert_eq!(all, Flags::every());
        assert_eq!(
            (Flags::of_key(Field::PhoneNumber.key()), Flags::of_key(Field::FirstName.key())),
            (None, None)
        );
        all.set(Field::SmsSubscribe, false);
        assert!(!all.has(Field::SmsSubscribe) && all.has(Field::ViberSubscribe));
    }

    #[test]
    fn choices_and_options_read_as_written() {
        for refused in 0..=0x7f {
            for named in [0, 1, 0x41] {
                for head in [None, Some(Head { position: 300, hash: [7; 16] })] {
                    let choices = Choices { refused: Flags(refused), named: Flags(named), head };
                    assert_eq!(Choices::read(Some(&choices.bytes())), choices);
                }
            }
        }
        assert_eq!(Choices::read(None), Choices::default());
        for bits in 0..8 {
            let options = Options { keep: bits & 1 != 0, personal: bits & 2 != 0, linked: bits & 4 != 0 };
            let mut patch = Vec::new();
            record::put_entry(&mut patch, Key::OPTIONS, &options.bytes());
            assert_eq!(
                record::get(&patch, Key::OPTIONS).map(Option::unwrap_or_default).map(Options::read),
                Ok(options)
            );
        }
    }
}
