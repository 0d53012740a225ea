use super::*;
use crate::contact::field::Field;

#[test]
fn outcomes_read_as_written() {
    let asked = Identifiers { user_id: None, email: Some("user@example.com"), phone_number: None };
    let mut all: Vec<_> = Failure::ALL.iter().map(|failure| Outcome::Failed(*failure, asked, None)).collect();
    for kind in IdentifierKind::ALL {
        let taken = Taken { kind, holder: ContactNo(300) };
        all.push(Outcome::Failed(Failure::IdentifierTaken, asked, Some(taken)));
    }
    all.push(Outcome::Done(Action::Created, ContactNo(1), Vec::new()));
    all.push(Outcome::Done(Action::Updated, ContactNo(1 << 39), Vec::new()));
    all.push(Outcome::Done(Action::Unchanged, ContactNo(300), Vec::new()));
    all.push(Outcome::Done(Action::Removed, ContactNo(2), Vec::new()));
    for code in NoteCode::ALL {
        let notes = vec![Note { field: Field::Active, code }, Note { field: Field::ViberSubscribe, code }];
        all.push(Outcome::Done(Action::Unchanged, ContactNo(7), notes));
    }
    all.push(Outcome::Erased(ObjectId::from_bytes([7; 12])));
    let kept = vec![(Key::of_variable(9), Failure::ChangedSince)];
    let undone = Undone { restored: vec![Field::Name.key(), Key::of_variable(300)], kept };
    all.push(Outcome::Undone(Action::Updated, ContactNo(5), undone));
    let mut bytes = Vec::new();
    for outcome in &all {
        put(&mut bytes, outcome);
    }
    assert_eq!(read(&bytes), Ok(all.clone()));
    all.iter_mut().for_each(|outcome| match outcome {
        Outcome::Failed(_, _, taken) => *taken = None,
        Outcome::Done(_, _, notes) => notes.clear(),
        Outcome::Undone(..) | Outcome::Erased(_) => {}
    });
    assert_eq!(read(&plain(&bytes)), Ok(all));
    assert_eq!(read(&[FIRST_NOTED, 1, 1, Field::Name as u8, 0]), Err(Malformed));
    assert_eq!(read(&[FIRST_NOTED, 1, 1, Field::Active as u8, 2]), Err(Malformed));
    assert_eq!(read(&[FIRST_TAKEN + 1, 0, 0, 0, 3, 1]), Err(Malformed));
    assert_eq!(read(&[5, 1]), Err(Malformed));
    assert_eq!(read(&[FIRST_UNDONE + 5, 1, 0, 0]), Err(Malformed));
    assert_eq!(read(&[FIRST_FAILURE + 12, 0, 0, 0]), Err(Malformed));
    for (index, action) in (0..).zip(Action::ALL) {
        assert_eq!(read_action(index), Ok(action));
    }
}
