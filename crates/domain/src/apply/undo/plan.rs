//! What a contact is to get back, and what of that it cannot have.

use std::collections::{BTreeMap, HashMap};

use super::Subject;
use crate::apply::outcome::Failure;
use crate::apply::plan::Waiting;
use crate::apply::unit_of_work::UnitOfWork;
use crate::contact::choice::{Choices, Flags, State};
use crate::contact::document::Document;
use crate::contact::field::{Field, Key};
use crate::contact::identifier::{HashKey, IdentifierKind};
use crate::contact::record::Malformed;
use crate::history::{self, Fields};
use crate::journal::ListNo;

/// What is to be done with a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Nothing.
    Leave,
    /// Remove it, in this slot: the request made it.
    Remove(u32),
    /// Put fields of it back, in this slot.
    PutBack(u32),
    /// Bring it back: the request removed it.
    BringBack,
}

/// What a contact is to get back.
#[derive(Debug)]
pub struct UndoPlan {
    /// What is to be done with it.
    pub act: Act,
    /// The fields that are put back, with what they were.
    pub wanted: Fields,
    /// Those that are not, and why.
    pub kept: BTreeMap<Key, Failure>,
    /// Where fields are put back: what was chosen about flags before the request, where the request changed that.
    pub choices: Option<Choices>,
}

impl UndoPlan {
    /// Of a contact of which nothing is put back.
    const fn leave(kept: BTreeMap<Key, Failure>) -> Self {
        Self { act: Act::Leave, wanted: Fields::new(), kept, choices: None }
    }

    /// As far as it depends on no other contact.
    pub fn of(subject: &Subject, batch: &Waiting, work: &UnitOfWork) -> Result<Self, Failure> {
        let Subject { recorded_change, since, .. } = subject;
        if work.list(batch.list).is_none() {
            return Err(Failure::ListNotFound);
        }
        if recorded_change.erased {
            return Err(Failure::ContactErased);
        }
        let flags = match subject.slot {
            Some(found) => State::read(Document::read(work.document(work.slot(found)))?.record)?,
            None => State::default(),
        };
        // A flag that a later request has named is one that its owner counts on.
        let named = flags.choices.named != Flags::default();
        let untouched = !since.changed && !since.too_many && !named;
        let wanted = || recorded_change.replaced.clone();
        let act = match (recorded_change.was_there, recorded_change.is_there, subject.slot) {
            // It came and went, or what was to be undone is so already.
            (false, false, _) | (false, true, None) | (true, false, Some(_)) => {
                return Ok(Self::leave(BTreeMap::new()));
            }
            (false, true, Some(found)) if untouched => {
                let act = Act::Remove(found);
                return Ok(Self { act, wanted: wanted(), ..Self::leave(BTreeMap::new()) });
            }
            // Others have changed it: what it was made with is taken back, and no more.
            (false, true, Some(found)) | (true, true, Some(found)) => Act::PutBack(found),
            (true, false, None) => Act::BringBack,
            (true, true, None) => {
                let kept =
                    recorded_change.replaced.keys().map(|key| (*key, Failure::ContactNotFound)).collect();
                return Ok(Self::leave(kept));
            }
        };
        let mut plan = Self { act, wanted: wanted(), ..Self::leave(BTreeMap::new()) };
        match act {
            // Others count on what it gives back: so it must read as a whole.
            Act::PutBack(found) => {
                history::fields(Document::read(work.document(work.slot(found)))?.record)?;
                plan.choices = plan.wanted.remove(&Key::CHOICES).map(|value| Choices::read(Some(&value)));
            }
            // A field that the request set before it removed the contact was nothing.
            _ => plan.wanted.retain(|_, value| !value.is_empty()),
        }
        for key in plan.wanted.keys().copied().collect::<Vec<_>>() {
            let counts = flags.choices.named.with(subject.opted_out);
            let named = Flags::of_key(key).is_some_and(|flag| counts.has(flag));
            let refused = match plan.refusal(subject, batch, work, key)? {
                None if named => Some(Failure::ChangedSince),
                refused => refused,
            };
            if let Some(failure) = refused {
                plan.keep(key, failure);
            }
        }
        if act == Act::BringBack && plan.wanted.is_empty() {
            plan.act = Act::Leave;
        }
        Ok(plan)
    }

    fn refusal(
        &self,
        subject: &Subject,
        batch: &Waiting,
        work: &UnitOfWork,
        key: Key,
    ) -> Result<Option<Failure>, Malformed> {
        let value = self.wanted.get(&key).map_or(&[][..], Vec::as_slice);
        // First: its values leave histories, and so what has changed since is not known for ever.
        if let Some(number) = key.variable()
            && work.list(batch.list).is_none_or(|list| !list.variables.contains(&number))
        {
            return Ok(Some(Failure::VariableNotFound));
        }
        let Subject { since, .. } = subject;
        // One that came back and was removed once more: that is another's doing.
        let gone_again = self.act == Act::BringBack && since.changed;
        if gone_again || since.touched.contains(&key) {
            return Ok(Some(Failure::ChangedSince));
        }
        if since.too_many {
            return Ok(Some(Failure::HistoryTooLong));
        }
        if value.is_empty() {
            return Ok(None);
        }
        if key == Field::Source.key() {
            let there = value.try_into().ok().map(u64::from_le_bytes).is_some_and(|no| work.has_source(no));
            return Ok((!there).then_some(Failure::SourceNotFound));
        }
        let Some(kind) = kind_of(key) else { return Ok(None) };
        let text = std::str::from_utf8(value).map_err(|_| Malformed)?;
        let erased = work.is_erased(batch.account, kind, text);
        Ok(erased.then_some(Failure::ContactErased))
    }

    fn keep(&mut self, key: Key, failure: Failure) {
        self.wanted.remove(&key);
        self.kept.insert(key, failure);
    }

    /// Whether the contact will bear an identifier no more that it bears now.
    fn gives_up(&self, kind: IdentifierKind, text: &str) -> bool {
        match self.act {
            Act::Remove(_) => true,
            Act::PutBack(_) => self.wanted.get(&kind.field().key()).is_some_and(|wanted| {
                std::str::from_utf8(wanted).is_ok_and(|wanted| !kind.same(wanted, text))
            }),
            Act::Leave | Act::BringBack => false,
        }
    }

    /// Whether the contact will bear an identifier of that kind.
    fn will_bear(&self, kind: IdentifierKind, work: &UnitOfWork) -> Result<bool, Malformed> {
        match (self.wanted.get(&kind.field().key()), self.act) {
            (Some(text), _) => Ok(!text.is_empty()),
            (None, Act::PutBack(found)) => {
                let borne = Document::read(work.document(work.slot(found)))?;
                Ok(borne.text(kind.field())?.is_some())
            }
            (None, _) => Ok(false),
        }
    }
}

fn kind_of(key: Key) -> Option<IdentifierKind> {
    IdentifierKind::ALL.into_iter().find(|kind| kind.field().key() == key)
}

/// Takes from the plans what cannot be had beside the others and beside who is there: identifiers that somebody
/// bears and does not give up, and with them the last of a contact's. What one does not get it does not give up
/// either, so this goes on until nothing more is to be taken.
pub fn settle(
    subjects: &[Subject],
    plans: &mut [Result<UndoPlan, Failure>],
    list: ListNo,
    work: &UnitOfWork,
    key: &HashKey,
) {
    let places: HashMap<_, _> =
        subjects.iter().enumerate().filter_map(|(place, subject)| Some((subject.slot?, place))).collect();
    loop {
        let mut is_settled = true;
        for place in 0..plans.len() {
            let Some(refused) = refusals(place, plans, &places, list, work, key) else { continue };
            is_settled = false;
            match (refused, &mut plans[place]) {
                (Ok(refused), Ok(plan)) => {
                    refused.into_iter().for_each(|(key, failure)| plan.keep(key, failure));
                    if plan.act == Act::BringBack && plan.wanted.is_empty() {
                        plan.act = Act::Leave;
                    }
                }
                (Err(Malformed), plan) | (_, plan) => *plan = Err(Failure::Damaged),
            }
        }
        if is_settled {
            return;
        }
    }
}

/// What a contact cannot have, as the plans are; `None` where it can have all that it wants.
fn refusals(
    place: usize,
    plans: &[Result<UndoPlan, Failure>],
    places: &HashMap<u32, usize>,
    list: ListNo,
    work: &UnitOfWork,
    key: &HashKey,
) -> Option<Result<Vec<(Key, Failure)>, Malformed>> {
    let plan = plans[place].as_ref().ok()?;
    if !matches!(plan.act, Act::PutBack(_) | Act::BringBack) {
        return None;
    }
    let own = if let Act::PutBack(found) = plan.act { Some(found) } else { None };
    let is_in_the_way = |kind: IdentifierKind, text: &str| {
        let hash = key.hash(list.0.unsigned_abs(), kind, text);
        let holder = work.find(list, kind, text, hash)?.filter(|holder| Some(*holder) != own);
        let other = |holder| places.get(&holder).and_then(|place| plans[*place].as_ref().ok());
        Ok(holder.is_some_and(|holder| other(holder).is_none_or(|other| !other.gives_up(kind, text))))
    };
    let find = || {
        let (mut refused, mut is_left) = (Vec::new(), false);
        for kind in IdentifierKind::ALL {
            is_left |= plan.will_bear(kind, work)?;
            let wanted = plan.wanted.get(&kind.field().key()).filter(|text| !text.is_empty());
            let Some(wanted) = wanted else { continue };
            let text = std::str::from_utf8(wanted).map_err(|_| Malformed)?;
            if is_in_the_way(kind, text)? {
                refused.push((kind.field().key(), Failure::IdentifierTaken));
            }
        }
        if refused.is_empty() && !is_left {
            let last = |key: &&Key| own.is_none() || kind_of(**key).is_some();
            let last = plan.wanted.keys().filter(last);
            refused.extend(last.map(|key| (*key, Failure::IdentifierRequired)));
        }
        Ok(refused)
    };
    Some(find()).filter(|found| found.as_ref().is_ok_and(|refused| !refused.is_empty()) || found.is_err())
}
