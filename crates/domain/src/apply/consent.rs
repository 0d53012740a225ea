//! What an item does to the flags of a contact: a false that was set stays, where the item is to keep it.

use super::ledger::Ledger;
use super::outcome::{Note, NoteCode};
use crate::contact::choice::{Choices, Flags, Options, State};
use crate::contact::field::{Field, Key};
use crate::contact::record::{Entry, Malformed, Reader, put_entry};
use crate::journal::ContactNo;

/// What a patch says of how it treats flags.
#[derive(Clone, Copy, Debug, Default)]
pub struct About {
    /// How it treats flags that were set to false.
    pub options: Options,
    /// Whether the caller says how it was chosen.
    pub proven: bool,
}

impl About {
    /// Takes note of an entry of a patch.
    pub fn see(&mut self, entry: Entry<'_>) {
        match entry.key {
            Key::OPTIONS => self.options = Options::read(entry.value),
            Key::PROOF => self.proven = !entry.value.is_empty(),
            _ => {}
        }
    }
}

/// A patch that names flags, decided for one contact.
#[derive(Debug, PartialEq, Eq)]
pub struct Settled {
    /// Notes for the result of the item.
    pub notes: Vec<Note>,
    /// The flags that changed.
    pub changed: Flags,
}

/// Decides a patch for a contact with this record, and writes down what was said in the ledger. `changed` are the flags
/// that the same batch changed before: naming these again says nothing new. The patch that is to be applied is put in
/// `settled`: without the flags that stay, and with what was chosen.
///
/// # Errors
/// [`Malformed`] where one of the two does not read.
pub fn settle(
    record: &[u8],
    (patch, about): (&[u8], About),
    changed: Flags,
    number: ContactNo,
    ledger: &mut Ledger<'_>,
    settled: &mut Vec<u8>,
) -> Result<Settled, Malformed> {
    let State { on, choices } = State::read(record)?;
    let About { options, proven } = about;
    let (notes, said) = (Vec::new(), (Flags::default(), Flags::default()));
    let mut flags =
        Step { on, options, before: changed, choices, notes, changed: Flags::default(), said, proven };
    settled.clear();
    let mut proof = &[][..];
    let mut reader = Reader::new(patch);
    // Flags come before the entry about them, and variables behind it.
    let mut rest = patch;
    while let Some(entry) = reader.entry()? {
        if entry.key > Key::PROOF {
            break;
        }
        rest = reader.rest();
        if entry.key == Key::PROOF {
            proof = entry.value;
        }
        let goes = match Flags::of_key(entry.key) {
            Some(flag) => flags.name(flag, !entry.value.is_empty()),
            None => entry.key.is_shown(),
        };
        if goes {
            put_entry(settled, entry.key, entry.value);
        }
    }
    if !flags.said.0.is_empty() {
        flags.choices.head = Some(ledger.add(number, flags.choices.head, flags.said, proof));
    }
    put_entry(settled, Key::CHOICES, &flags.choices.bytes());
    // Nodes of an earlier version have left these in records.
    put_entry(settled, Key::OPTIONS, &[]);
    put_entry(settled, Key::PROOF, &[]);
    settled.extend_from_slice(rest);
    Ok(Settled { notes: flags.notes, changed: flags.changed })
}

struct Step {
    on: Flags,
    options: Options,
    before: Flags,
    choices: Choices,
    notes: Vec<Note>,
    changed: Flags,
    /// What goes into the ledger: the flags, and those that are to be true.
    said: (Flags, Flags),
    /// Whether the caller says how it was chosen.
    proven: bool,
}

impl Step {
    /// The item says what a flag is to be; whether it is done.
    fn name(&mut self, flag: Field, value: bool) -> bool {
        let was = self.on.has(flag);
        let refused = !was && self.choices.refused.has(flag);
        if value && refused {
            let code = if self.options.keep { NoteCode::OptedOut } else { NoteCode::Resubscribed };
            self.notes.push(Note { field: flag, code });
            if self.options.keep {
                // The item named it all the same: an undo of what turned it off leaves it.
                if !self.before.has(flag) {
                    self.choices.named.set(flag, true);
                }
                return false;
            }
        }
        if was != value || self.proven || !value && !self.choices.refused.has(flag) {
            self.said.0.set(flag, true);
            self.said.1.set(flag, value);
        }
        self.choices.refused.set(flag, !value);
        if was != value {
            self.changed.set(flag, true);
            self.choices.named.set(flag, self.options.personal);
        } else if !self.before.has(flag) || self.options.personal {
            self.choices.named.set(flag, true);
        }
        true
    }
}

/// The entry about the flags of a contact, where an undo puts some of them back: `restored` with what they are to be, and
/// `before` as the entry was then. All others stay as they are.
pub fn restore(
    now: Choices,
    before: Choices,
    restored: impl Iterator<Item = (Field, bool)>,
    number: ContactNo,
    ledger: &mut Ledger<'_>,
) -> Choices {
    let mut choices = now;
    let mut said = (Flags::default(), Flags::default());
    for (flag, value) in restored {
        choices.refused.set(flag, before.refused.has(flag));
        choices.named.set(flag, false);
        said.0.set(flag, true);
        said.1.set(flag, value);
    }
    if !said.0.is_empty() {
        choices.head = Some(ledger.add(number, choices.head, said, &[]));
    }
    choices
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::apply::ledger::How;
    use crate::clock::Timestamp;
    use crate::contact::record;
    use crate::id::ObjectId;
    use crate::journal::ListNo;

    const EMAIL: Field = Field::EmailSubscribe;

    /// A contact whose items are applied one after the other.
    #[derive(Default)]
    struct Contact {
        record: Vec<u8>,
        /// What the batch has changed so far.
        changed: Flags,
    }

    impl Contact {
        /// An item with these flags; the notes.
        fn set(&mut self, flags: &[(Field, bool)], options: Options) -> Vec<Note> {
            let mut patch = Vec::new();
            record::put_entry(&mut patch, Field::Name.key(), b"x");
            for (flag, value) in flags {
                record::put_entry(&mut patch, flag.key(), if *value { &[1] } else { &[] });
            }
            record::put_entry(&mut patch, Key::OPTIONS, &options.bytes());
            record::put_entry(&mut patch, Key::of_variable(3), b"v");
            let about = About { options, proven: false };
            let (said, mut settled_patch) = ((&patch[..], about), Vec::new());
            let settled = with_ledger(|ledger| {
                settle(&self.record, said, self.changed, ContactNo(1), ledger, &mut settled_patch)
            });
            let settled = settled.unwrap();
            let mut after = Vec::new();
            record::merge(&self.record, &settled_patch, &mut after, &mut Vec::new()).unwrap();
            assert_eq!(record::get(&after, Field::Name.key()), Ok(Some(&b"x"[..])));
            assert_eq!(record::get(&after, Key::of_variable(3)), Ok(Some(&b"v"[..])));
            assert_eq!(record::get(&after, Key::OPTIONS), Ok(None), "it is about the item alone");
            (self.record, self.changed) = (after, self.changed.with(settled.changed));
            settled.notes
        }

        /// A batch of its own.
        fn send(&mut self, flags: &[(Field, bool)], options: Options) -> Vec<Note> {
            self.changed = Flags::default();
            self.set(flags, options)
        }

        fn state(&self) -> State {
            State::read(&self.record).unwrap()
        }
    }

    fn with_ledger<T>(job: impl FnOnce(&mut Ledger<'_>) -> T) -> T {
        job(&mut Ledger {
            list: ListNo(1),
            position: 1,
            request: ObjectId::from_bytes([0; 12]),
            token: "",
            how: How::Request,
            now: Timestamp::from_millis(1),
            out: &mut Vec::new(),
        })
    }

    const ALLOW: Options = Options { keep: false, personal: false, linked: false };
    const KEEP: Options = Options { keep: true, ..ALLOW };

    #[test]
    fn a_false_that_was_set_stays_and_a_default_does_not() {
        let mut contact = Contact::default();
        assert_eq!(contact.send(&[(EMAIL, true)], KEEP), [], "a default");
        assert_eq!(contact.send(&[(EMAIL, false)], KEEP), []);
        let sms = (Field::SmsSubscribe, true);
        let kept = [Note { field: EMAIL, code: NoteCode::OptedOut }];
        assert_eq!(contact.send(&[(EMAIL, true), sms], KEEP), kept);
        let state = contact.state();
        assert_eq!((state.on.has(EMAIL), state.on.has(sms.0), state.is_refused(EMAIL)), (false, true, true));
        let resubscribed = [Note { field: EMAIL, code: NoteCode::Resubscribed }];
        assert_eq!(contact.send(&[(EMAIL, true)], ALLOW), resubscribed);
        assert!(contact.state().on.has(EMAIL));
        assert_eq!(contact.send(&[(EMAIL, true)], KEEP), [], "it is so already");
    }

    #[test]
    fn a_false_that_was_named_where_it_was_one_is_set() {
        let mut contact = Contact::default();
        contact.send(&[(EMAIL, false)], ALLOW);
        assert_eq!(contact.send(&[(EMAIL, true)], KEEP).len(), 1);
    }

    #[test]
    fn naming_a_flag_again_counts_where_another_batch_does_it() {
        let named = |contact: &Contact| contact.state().choices.named.has(EMAIL);
        for value in [false, true] {
            let mut contact = Contact::default();
            contact.send(&[(EMAIL, !value)], ALLOW);
            contact.send(&[(EMAIL, value)], ALLOW);
            contact.set(&[(EMAIL, value)], ALLOW);
            assert!(!named(&contact), "the batch that changed it");
            contact.send(&[(EMAIL, value)], ALLOW);
            assert!(named(&contact), "another");
            contact.send(&[(EMAIL, !value)], ALLOW);
            assert!(!named(&contact), "it changed");
        }
        let mut contact = Contact::default();
        contact.send(&[(EMAIL, true)], ALLOW);
        contact.send(&[(EMAIL, false)], ALLOW);
        contact.set(&[(EMAIL, true)], KEEP);
        assert!(!named(&contact), "the batch that changed it");
        contact.send(&[(EMAIL, true)], KEEP);
        assert!(named(&contact), "it stayed false, and was named");
        let mut contact = Contact::default();
        contact.send(&[(EMAIL, true)], ALLOW);
        contact.send(&[(EMAIL, false)], Options { personal: true, ..ALLOW });
        assert!(named(&contact), "the person's own");
    }

    #[test]
    fn what_an_earlier_version_turned_on_is_on() {
        // It does not know the entry, and leaves it behind.
        let mut contact = Contact::default();
        contact.send(&[(EMAIL, false)], ALLOW);
        let mut patch = Vec::new();
        record::put_entry(&mut patch, EMAIL.key(), &[1]);
        let mut after = Vec::new();
        record::merge(&contact.record, &patch, &mut after, &mut Vec::new()).unwrap();
        contact.record = after;
        assert!(!contact.state().is_refused(EMAIL));
        assert_eq!(contact.send(&[(EMAIL, true)], KEEP), []);
    }

    #[test]
    fn an_undo_brings_back_what_was_chosen_about_the_flags_that_it_restores() {
        let (mut before, mut now) = (Choices::default(), Choices::default());
        before.refused.set(EMAIL, true);
        before.refused.set(Field::Active, true);
        now.refused.set(Field::ViberSubscribe, true);
        now.named.set(EMAIL, true);
        let restored =
            with_ledger(|ledger| restore(now, before, [(EMAIL, false)].into_iter(), ContactNo(1), ledger));
        assert!(restored.head.is_some(), "it is written down");
        let restored = Choices { head: None, ..restored };
        let mut expected = Choices::default();
        expected.refused.set(EMAIL, true);
        expected.refused.set(Field::ViberSubscribe, true);
        assert_eq!(restored, expected);
    }
}
