//! Everything that is kept about one person.

use super::contacts::{self, with_source};
use super::history::{self, MAX_TOLD_BYTES, MAX_WALK};
use super::{ErasedHash, Rows, consent};
use crate::{Error, History, Person, PersonContact, Subject, Window};
use domain::apply::outcome::{self, Outcome};
use domain::apply::unit_of_work::known_of;
use domain::contact::identifier::{IdentifierKind, Identifiers};
use domain::journal::{self, AccountNo, BatchKind, ContactNo, ListNo};

/// The contacts that bear one of the identifiers or bore it once, in all lists of the account.
///
/// # Errors
/// Where the store cannot be read, or what it holds does not read.
pub fn person(
    rows: &impl Rows,
    account: AccountNo,
    identifiers: &[(IdentifierKind, String)],
) -> Result<Person, Error> {
    let lists = rows.lists_of(account)?;
    let (mut contacts, mut bytes) = (Vec::new(), 0);
    for (list, id) in lists {
        for number in bearers(rows, list, identifiers)? {
            let stored = rows.document((list, number))?;
            // A person may have a large contact in each of many lists: all of them together have room for so much.
            let limit = if bytes < MAX_TOLD_BYTES { MAX_WALK } else { 0 };
            let all = Window { offset: 0, limit: u32::try_from(limit).unwrap_or(u32::MAX) };
            let told = history::changes(rows, list, number, stored.as_deref(), all)?;
            let history::ContactChanges { changes, total, complete } = told;
            bytes += changes.iter().map(|change| history::size(&change.fields)).sum::<usize>();
            let sources = history::sources(rows, account, &changes)?;
            let consents = consent::of_contact(rows, (list, number), stored.as_deref())?;
            contacts.push(PersonContact {
                consents,
                list_id: id,
                list,
                contact: stored.map(|stored| with_source(rows, account, stored)).transpose()?,
                history: History { number, changes, total, complete, sources },
            });
        }
    }
    let hashes = identifiers.iter().flat_map(|(kind, text)| erased_hashes(rows, account, *kind, text));
    let known = rows.known_erased(hashes.collect())?;
    let erased =
        identifiers.iter().any(|(kind, text)| !known_of(rows.key(), &known, account, *kind, text).is_empty());
    Ok(Person { contacts, erased })
}

/// What may be kept of an identifier whose bearer was erased.
pub fn erased_hashes(
    rows: &impl Rows,
    account: AccountNo,
    kind: IdentifierKind,
    text: &str,
) -> Vec<ErasedHash> {
    let (key, number) = (rows.key(), account.0.unsigned_abs());
    let mut hashes = key.erased_formerly(number, kind, text);
    hashes.push(key.erased(number, kind, text));
    hashes.into_iter().map(|hash| (account, hash)).collect()
}

fn bearers(
    rows: &impl Rows,
    list: ListNo,
    identifiers: &[(IdentifierKind, String)],
) -> Result<Vec<ContactNo>, Error> {
    let mut bearers = Vec::new();
    for (kind, text) in identifiers {
        let (now, damaged) = contacts::bearers(rows, list, *kind, text)?;
        if let (true, Some(damaged)) = (now.is_empty(), damaged) {
            return Err(damaged);
        }
        let once = history::former_holders(rows, list, *kind, text)?;
        for number in now.into_iter().map(|bearer| bearer.number).chain(once) {
            if !bearers.contains(&number) {
                bearers.push(number);
            }
        }
    }
    Ok(bearers)
}

fn is_asked(subject: &Subject, asked: &Identifiers<Option<&str>>) -> bool {
    let same = |(kind, text): &(IdentifierKind, String)| {
        asked.get(*kind).is_some_and(|asked| kind.same(asked, text))
    };
    subject.identifiers.iter().any(same)
}

/// The places of the items in the results of a request that are about a person.
pub fn mentions_in_results(subject: &Subject, list: ListNo, results: &[u8]) -> Vec<usize> {
    let Ok(outcomes) = outcome::read(results) else { return Vec::new() };
    places(&outcomes, |outcome: &Outcome<'_>| match outcome {
        Outcome::Done(_, number, _) | Outcome::Undone(_, number, _) => {
            subject.contacts.contains(&(list, *number))
        }
        Outcome::Failed(_, asked, _) => is_asked(subject, asked),
        Outcome::Erased(_) => false,
    })
}

/// The places of the items that wait and are about a person.
pub fn mentions_in_items(subject: &Subject, list: ListNo, kind: BatchKind, items: &[u8]) -> Vec<usize> {
    let Ok(items) = journal::read_items(items) else { return Vec::new() };
    places(&items, |item| {
        let named = item.asked_in(kind).is_ok_and(|asked| is_asked(subject, &asked));
        if let Some(number) = item.number(kind) {
            return named || subject.contacts.contains(&(list, number));
        }
        // contacts/update looks for any text as a userId too.
        let looked_up = Identifiers { user_id: Some(item.contact), ..Identifiers::default() };
        named || is_asked(subject, &looked_up)
    })
}

fn places<T>(items: &[T], is_about: impl Fn(&T) -> bool) -> Vec<usize> {
    items.iter().enumerate().filter(|(_, item)| is_about(item)).map(|(place, _)| place).collect()
}
