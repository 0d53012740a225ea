//! Words of other rooms that pages show: marked here, so that each translation has them.

use web::translate::mark;

/// Names of roles, states, actions, reasons and channels.
const WORDS: [&str; 34] = [
    mark("viewer"),
    mark("editor"),
    mark("owner"),
    mark("queued"),
    mark("processing"),
    mark("processed"),
    mark("created"),
    mark("updated"),
    mark("unchanged"),
    mark("removed"),
    mark("erased"),
    mark("hard"),
    mark("complaint"),
    mark("list-unsubscribe"),
    mark("import"),
    mark("invalid"),
    mark("unsubscribe"),
    mark("undeliverable"),
    mark("E-mail"),
    mark("Phone"),
    mark("ready"),
    mark("waiting"),
    mark("trying"),
    mark("running"),
    mark("stopping"),
    mark("stopped"),
    mark("done"),
    mark("failed"),
    mark("the contact, by one click in a mail program"),
    mark("the contact, on the unsubscribe page"),
    mark("update"),
    mark("add"),
    mark("delete"),
    mark("undo"),
];

/// More of them: the reasons why an item of a request was not applied.
const REASONS: [&str; 16] = [
    mark("erase"),
    mark("merge"),
    mark("No contact of the list has this userId, email or phoneNumber"),
    mark("Another contact of the list has this userId, email or phoneNumber"),
    mark("A contact must keep a userId, an email or a phoneNumber"),
    mark("A variable was removed from the list before the request was applied"),
    mark("The source was removed before the request was applied"),
    mark("The list was removed before the request was applied"),
    mark("What was accepted could not be read back: the disk has damaged it"),
    mark("A contact of the list has this userId, email or phoneNumber already"),
    mark("The person was erased, and the request was not told to bring them back"),
    mark("It was changed again after the request"),
    mark("The history of the request is not kept any more"),
    mark("The contact was changed too often after the request"),
    mark("It was set to false before and stays false"),
    mark("It was set to false before and is true now"),
];

#[test]
fn each_word_that_pages_show_is_marked() {
    use domain::apply::outcome::{Action, Failure, NoteCode};
    use domain::contact::suppression::{Channel, Reason};
    use storage::UserRole;
    let shown = (UserRole::ALL.into_iter().map(UserRole::name))
        .chain(Action::ALL.into_iter().map(Action::name))
        .chain(Failure::ALL.into_iter().map(Failure::text))
        .chain(NoteCode::ALL.into_iter().map(NoteCode::text))
        .chain(Reason::ALL.into_iter().map(Reason::name))
        .chain(Channel::ALL.into_iter().map(Channel::label))
        .chain(app::unsubscribe::Proof::ALL.into_iter().map(|proof| proof.label()));
    let missing: Vec<_> = shown.filter(|word| !WORDS.contains(word) && !REASONS.contains(word)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
