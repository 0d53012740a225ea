//! What contacts were after each of their changes in a page. Pure.

use std::collections::HashMap;

use domain::contact::document::{Document, Header};
use domain::contact::record::put_entry;
use domain::history::{Fields, fields};
use storage::{Change, ChangeAction};

/// A contact after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// Changes behind the page have touched it since: a later change decides.
    Unknown,
    /// It was removed.
    Gone,
    /// Its stored form.
    Is(Vec<u8>),
}

/// The contact of each change after it. The changes are of one list, with the fields that they changed and with their
/// contacts as of the moment when the page was read. `more`: there are changes behind the page.
pub fn states(changes: &[Change], more: bool) -> Vec<After> {
    let mut after = vec![After::Unknown; changes.len()];
    let mut of_contact: HashMap<_, Vec<usize>> = HashMap::new();
    for (index, change) in changes.iter().enumerate() {
        of_contact.entry(change.number).or_default().push(index);
    }
    for indexes in of_contact.into_values() {
        walk(changes, &indexes, more, &mut after);
    }
    after
}

/// Goes back along the changes of one contact.
fn walk(changes: &[Change], indexes: &[usize], more: bool, after: &mut [After]) {
    let Some((&last, earlier)) = indexes.split_last() else { return };
    let now = changes[last].contact.as_ref().map(|contact| contact.document.as_slice());
    let now = now.and_then(|bytes| Document::read(bytes).ok().map(|document| (bytes, document)));
    let changed_since = more
        && match &now {
            Some((_, document)) => document.header.changed_at > changes[last].mark.position,
            None => !matches!(changes[last].action, ChangeAction::Removed | ChangeAction::Erased),
        };
    after[last] = now.map_or(After::Gone, |(bytes, _)| After::Is(bytes.to_vec()));
    // Taken back from a later state, the earlier ones would be mixtures that never were.
    if changed_since {
        return;
    }
    let header = now.map(|(_, document)| document.header);
    // A contact that does not read has no fields to go back from.
    let mut state = now.and_then(|(_, document)| fields(document.record).ok()).unwrap_or_default();
    let mut next = last;
    for &index in earlier.iter().rev() {
        undo(&mut state, &changes[next]);
        after[index] = match changes[index].action {
            ChangeAction::Removed | ChangeAction::Erased => After::Gone,
            ChangeAction::Created | ChangeAction::Updated => {
                After::Is(document(header, &changes[index], &state))
            }
        };
        next = index;
    }
}

/// Takes a change back.
fn undo(state: &mut Fields, change: &Change) {
    match change.action {
        ChangeAction::Created => state.clear(),
        ChangeAction::Removed => {
            *state = change.fields.iter().map(|field| (field.key, field.old.clone())).collect();
        }
        ChangeAction::Updated => {
            for field in &change.fields {
                state.remove(&field.key);
                if !field.old.is_empty() {
                    state.insert(field.key, field.old.clone());
                }
            }
        }
        ChangeAction::Erased => {}
    }
}

fn document(now: Option<Header>, change: &Change, state: &Fields) -> Vec<u8> {
    let header = Header {
        created_at: now.map_or(change.at, |header| header.created_at),
        updated_at: change.at,
        renamed_at: 0,
        changed_at: change.mark.position,
    };
    let mut bytes = Vec::new();
    header.put(&mut bytes);
    for (key, value) in state {
        put_entry(&mut bytes, *key, value);
    }
    bytes
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use domain::clock::Timestamp;
    use domain::contact::field::Field;
    use domain::contact::identifier::Identifiers;
    use domain::history::FieldChange;
    use domain::id::ObjectId;
    use domain::journal::{BatchKind, ContactNo, ListNo};
    use storage::{Contact, Mark};

    fn contact(position: u64, name: &str) -> Contact {
        let at = Timestamp::from_millis(1_000);
        let mut document = Vec::new();
        Header { created_at: at, updated_at: at, renamed_at: 0, changed_at: position }.put(&mut document);
        put_entry(&mut document, Field::Name.key(), name.as_bytes());
        Contact { document, source: None, source_cac: None }
    }

    fn change(position: u64, action: ChangeAction, names: (&str, &str), now: Option<Contact>) -> Change {
        let field = FieldChange { key: Field::Name.key(), old: names.0.into(), new: names.1.into() };
        Change {
            list: ListNo(1),
            number: ContactNo(1),
            action,
            identifiers: Identifiers::default(),
            request: ObjectId::from_bytes([0; 12]),
            asked: BatchKind::Upsert,
            token: String::new(),
            at: Timestamp::from_millis(1_000),
            fields: vec![field],
            contact: now,
            mark: Mark { list: ListNo(1), position, index: 1, check: 0 },
        }
    }

    fn names(changes: &[Change], more: bool) -> Vec<String> {
        let name = |after: After| match after {
            After::Unknown => "?".to_owned(),
            After::Gone => "gone".to_owned(),
            After::Is(bytes) => {
                let document = Document::read(&bytes).expect("a contact");
                document.text(Field::Name).expect("a name").unwrap_or_default().to_owned()
            }
        };
        states(changes, more).into_iter().map(name).collect()
    }

    #[test]
    fn each_change_has_the_contact_behind_it_also_across_a_removal() {
        use ChangeAction::{Created, Removed, Updated};
        let now = Some(contact(9, "d"));
        let changes = [
            change(3, Created, ("", "a"), now.clone()),
            change(5, Updated, ("a", "b"), now.clone()),
            change(6, Removed, ("b", ""), now.clone()),
            change(8, Created, ("", "c"), now.clone()),
            change(9, Updated, ("c", "d"), now.clone()),
        ];
        assert_eq!(names(&changes, false), ["a", "b", "gone", "c", "d"]);
        assert_eq!(names(&changes, true), ["a", "b", "gone", "c", "d"]);
        let gone = [change(3, Created, ("", "a"), None), change(4, Removed, ("a", ""), None)];
        assert_eq!(names(&gone, true), ["a", "gone"]);
    }

    #[test]
    fn a_contact_that_changed_behind_the_page_is_what_it_is_now_and_no_mixture() {
        use ChangeAction::{Created, Updated};
        let now = Some(contact(9, "z"));
        let changes = [change(3, Created, ("", "a"), now.clone()), change(5, Updated, ("a", "b"), now)];
        assert_eq!(names(&changes, true), ["?", "z"]);
    }
}
