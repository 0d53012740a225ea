//! Users of the console: links, passwords, sessions.

use std::time::Duration;

use domain::clock::Timestamp;
use domain::id::ObjectId;
use storage::{
    FirstAccount, LinkError, LinkFor, MAX_SESSIONS, NewLogin, NewSession, RetentionPolicy, Role, TextHash,
    UserChange, UserRole,
};

use super::{Desk, add_account, keep_since, on_every_backend};

on_every_backend! {
    a_link_lets_a_user_in_once,
    of_two_who_use_a_link_one_gets_in,
    a_link_ends_with_its_time_and_with_a_newer_one,
    the_first_link_makes_an_account_where_nobody_can_sign_in,
    an_address_is_one_user_s,
    a_session_ends_with_its_time_and_when_it_is_idle,
    the_session_unused_for_longest_makes_room,
    a_new_password_ends_other_sessions_and_is_set_over_the_present_one,
    sessions_end_with_their_user_or_account,
    users_are_added_as_long_as_there_is_room,
    the_last_use_of_a_token_never_goes_back,
    what_has_ended_is_deleted_by_the_time_that_has_passed,
}

const DAY: Duration = Duration::from_secs(24 * 3_600);
const LONG_AGO: Timestamp = Timestamp::from_millis(0);

fn hash(number: u8) -> TextHash {
    [number; 32]
}

fn session(desk: &Desk, number: u8) -> NewSession {
    NewSession { hash: hash(number), agent: "Browser".to_owned(), expires_at: desk.now.after(DAY) }
}

fn login(address: &str) -> NewLogin {
    NewLogin { name: "Ada".to_owned(), address: address.to_owned(), password: format!("hash of {address}") }
}

fn account(desk: &Desk) -> FirstAccount {
    FirstAccount {
        id: desk.ids.next(desk.now),
        name: "First".to_owned(),
        user: desk.ids.next(desk.now),
        webhook_secret: "whsec_first".to_owned(),
    }
}

async fn add_link(desk: &Desk, number: u8, user: Option<ObjectId>) -> bool {
    let end = desk.now.after(DAY);
    desk.storage().add_link(hash(number), user, end).await.expect("a change")
}

async fn use_link(desk: &Desk, number: u8, address: &str, session_no: u8) -> Result<(), LinkError> {
    let (account, session) = (account(desk), session(desk, session_no));
    desk.storage().use_link(hash(number), account, login(address), session, desk.now).await
}

/// Whose session it is, whenever it was used last.
async fn signed_in(desk: &Desk, number: u8) -> Option<ObjectId> {
    let found = desk.storage().find_session(hash(number), LONG_AGO, desk.now).await.expect("a look");
    found.map(|signed_in| signed_in.user)
}

/// Has the desk's user sign in with an address, in session 1.
async fn let_in(desk: &Desk, address: &str) {
    assert!(add_link(desk, 200, Some(desk.account.user)).await);
    use_link(desk, 200, address, 1).await.expect("let in");
}

async fn a_link_lets_a_user_in_once(mut desk: Desk) {
    assert!(!desk.storage().has_logins().await.expect("a look"));
    assert!(add_link(&desk, 1, Some(desk.account.user)).await);
    assert!(!add_link(&desk, 2, Some(desk.ids.next(desk.now))).await, "there is no such user");
    desk.reopen();
    let found = desk.storage().find_link(hash(1), desk.now).await.expect("a look");
    let Some(LinkFor::User { user, account }) = found else { panic!("a link for a user: {found:?}") };
    assert_eq!((user.id, user.name.as_str(), account.as_str()), (desk.account.user, "Test", "Test"));
    assert_eq!((user.address, user.enabled), (None, true));
    use_link(&desk, 1, "ada@example.com", 1).await.expect("let in");
    desk.reopen();
    assert!(desk.storage().has_logins().await.expect("a look"));
    let again = use_link(&desk, 1, "eve@example.com", 2).await;
    assert!(matches!(again, Err(LinkError::Gone)), "{again:?}");
    assert_eq!((signed_in(&desk, 1).await, signed_in(&desk, 2).await), (Some(desk.account.user), None));
    let found = desk.storage().find_session(hash(1), LONG_AGO, desk.now).await.expect("a look");
    let found = found.expect("the session");
    assert_eq!((found.user_name.as_str(), found.address.as_str()), ("Ada", "ada@example.com"));
    assert_eq!((found.account, found.account_id), (desk.account.no, desk.account.id));
    assert_eq!((found.account_name.as_str(), found.seen_at), ("Test", desk.now));
    let login = desk.storage().find_login("ada@example.com".to_owned()).await.expect("a look");
    let login = login.expect("a login");
    assert_eq!((login.user, login.enabled), (desk.account.user, true));
    assert_eq!(login.password, "hash of ada@example.com");
    // A reset: the address and the name stay, the password and the sessions do not.
    assert!(add_link(&desk, 3, Some(desk.account.user)).await);
    use_link(&desk, 3, "other@example.com", 3).await.expect("let in");
    assert_eq!((signed_in(&desk, 1).await, signed_in(&desk, 3).await), (None, Some(desk.account.user)));
    let login = desk.storage().find_login("ada@example.com".to_owned()).await.expect("a look");
    assert_eq!(login.expect("a login").password, "hash of other@example.com");
    assert!(desk.storage().find_login("other@example.com".to_owned()).await.expect("a look").is_none());
}

async fn of_two_who_use_a_link_one_gets_in(desk: Desk) {
    for number in 10..20 {
        assert!(add_link(&desk, number, Some(desk.account.user)).await);
        let (one, other) = tokio::join!(
            use_link(&desk, number, "ada@example.com", number + 20),
            use_link(&desk, number, "ada@example.com", number + 40),
        );
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    }
}

async fn a_link_ends_with_its_time_and_with_a_newer_one(mut desk: Desk) {
    assert!(add_link(&desk, 1, Some(desk.account.user)).await);
    assert!(add_link(&desk, 2, Some(desk.account.user)).await);
    assert_eq!(desk.storage().find_link(hash(1), desk.now).await.expect("a look"), None);
    let last = desk.now.after(DAY - Duration::from_millis(1));
    assert!(desk.storage().find_link(hash(2), last).await.expect("a look").is_some());
    desk.now = desk.now.after(DAY);
    assert_eq!(desk.storage().find_link(hash(2), desk.now).await.expect("a look"), None);
    let late = use_link(&desk, 2, "ada@example.com", 1).await;
    assert!(matches!(late, Err(LinkError::Gone)), "{late:?}");
    // Who is disabled gets no link, and one that is out is good no more.
    assert!(add_link(&desk, 3, Some(desk.account.user)).await);
    assert!(desk.storage().disable_user(desk.account.user, None).await.expect("set").is_done());
    assert_eq!(desk.storage().find_link(hash(3), desk.now).await.expect("a look"), None);
    assert!(!add_link(&desk, 4, Some(desk.account.user)).await);
    assert!(desk.storage().enable_user(desk.account.user).await.expect("set"));
    assert_eq!(desk.storage().find_link(hash(3), desk.now).await.expect("a look"), None);
}

async fn the_first_link_makes_an_account_where_nobody_can_sign_in(mut desk: Desk) {
    assert!(desk.storage().remove_account(desk.account.id).await.expect("removed"));
    for number in 1..=10 {
        assert!(add_link(&desk, number, None).await);
    }
    desk.reopen();
    let mut good = 0;
    for number in 1..=10 {
        let found = desk.storage().find_link(hash(number), desk.now).await.expect("a look");
        good += usize::from(found == Some(LinkFor::FirstAccount));
    }
    assert_eq!(good, storage::MAX_FIRST_LINKS);
    use_link(&desk, 10, "ada@example.com", 1).await.expect("let in");
    let accounts = desk.storage().accounts().await.expect("accounts");
    let [account] = &accounts[..] else { panic!("one account: {accounts:?}") };
    assert_eq!((account.name.as_str(), account.users[0].name.as_str()), ("First", "Ada"));
    assert_eq!(signed_in(&desk, 1).await, Some(account.users[0].id));
    assert_eq!(
        desk.storage().webhook_secret(account.id).await.expect("a look").as_deref(),
        Some("whsec_first")
    );
    let again = use_link(&desk, 9, "eve@example.com", 2).await;
    assert!(matches!(again, Err(LinkError::Gone)), "{again:?}");
    assert!(!add_link(&desk, 11, None).await, "somebody can sign in");
}

async fn an_address_is_one_user_s(desk: Desk) {
    let_in(&desk, "ada@example.com").await;
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    assert!(add_link(&desk, 1, Some(other.user)).await);
    let taken = use_link(&desk, 1, "ada@example.com", 2).await;
    assert!(matches!(taken, Err(LinkError::Taken)), "{taken:?}");
    // The link is not used up by that.
    use_link(&desk, 1, "eve@example.com", 2).await.expect("let in");
    assert_eq!(signed_in(&desk, 2).await, Some(other.user));
    // Nobody can come back to an account that is gone, and its addresses are free.
    assert!(desk.storage().remove_account(other.id).await.expect("removed"));
    assert!(desk.storage().find_login("eve@example.com".to_owned()).await.expect("a look").is_none());
    assert_eq!(signed_in(&desk, 2).await, None);
}

async fn a_session_ends_with_its_time_and_when_it_is_idle(mut desk: Desk) {
    let_in(&desk, "ada@example.com").await;
    let user = desk.account.user;
    let hour = Duration::from_secs(3_600);
    let idle = |now: Timestamp| now.before(hour);
    let later = desk.now.after(hour - Duration::from_millis(1));
    let find = async |desk: &Desk, now| {
        desk.storage().find_session(hash(1), idle(now), now).await.expect("a look").map(|found| found.seen_at)
    };
    assert_eq!(find(&desk, later).await, Some(desk.now));
    assert_eq!(find(&desk, desk.now.after(hour)).await, None);
    desk.storage().touch_session(hash(1), later).await.expect("noted");
    // A clock that steps back does not take it back.
    desk.storage().touch_session(hash(1), desk.now).await.expect("noted");
    desk.reopen();
    assert_eq!(find(&desk, desk.now.after(hour)).await, Some(later));
    let sessions = desk.storage().sessions(user, LONG_AGO, desk.now).await.expect("a look");
    assert_eq!((sessions.len(), sessions[0].agent.as_str()), (1, "Browser"));
    assert_eq!((sessions[0].created_at, sessions[0].seen_at), (desk.now, later));
    let end = desk.now.after(DAY);
    desk.storage().touch_session(hash(1), end).await.expect("noted");
    assert_eq!(find(&desk, end).await, None);
    assert!(desk.storage().sessions(user, LONG_AGO, end).await.expect("a look").is_empty());
}

async fn the_session_unused_for_longest_makes_room(mut desk: Desk) {
    let_in(&desk, "ada@example.com").await;
    let user = desk.account.user;
    let password = "hash of ada@example.com";
    for number in 2..=30 {
        desk.now = desk.now.after(Duration::from_secs(1));
        // The first is used all the time.
        desk.storage().touch_session(hash(1), desk.now).await.expect("noted");
        let session = session(&desk, number);
        let added = desk.storage().add_session(user, password.to_owned(), session, desk.now).await;
        assert!(added.expect("a change"));
    }
    let sessions = desk.storage().sessions(user, LONG_AGO, desk.now).await.expect("a look");
    assert_eq!(sessions.len(), MAX_SESSIONS);
    assert_eq!((signed_in(&desk, 1).await, signed_in(&desk, 30).await), (Some(user), Some(user)));
    assert_eq!(signed_in(&desk, 2).await, None);
    let wrong = session(&desk, 31);
    let added = desk.storage().add_session(user, "another hash".to_owned(), wrong, desk.now).await;
    assert!(!added.expect("a change"), "the password was changed meanwhile");
    desk.storage().remove_session(hash(30)).await.expect("removed");
    assert_eq!(signed_in(&desk, 30).await, None);
    desk.storage().remove_other_sessions(user, hash(1)).await.expect("removed");
    let sessions = desk.storage().sessions(user, LONG_AGO, desk.now).await.expect("a look");
    assert_eq!(sessions.iter().map(|session| session.hash).collect::<Vec<_>>(), [hash(1)]);
}

async fn a_new_password_ends_other_sessions_and_is_set_over_the_present_one(desk: Desk) {
    let_in(&desk, "ada@example.com").await;
    let (user, first) = (desk.account.user, "hash of ada@example.com".to_owned());
    let second = session(&desk, 2);
    assert!(desk.storage().add_session(user, first.clone(), second, desk.now).await.expect("a change"));
    let set = async |present: &str, new: &str| {
        let (present, new) = (present.to_owned(), new.to_owned());
        desk.storage().set_password(user, present, new, hash(2)).await.expect("a change")
    };
    assert!(!set("another hash", "new").await);
    assert_eq!(signed_in(&desk, 1).await, Some(user));
    assert!(set(&first, "new").await);
    assert!(!set(&first, "newer").await, "of two who change it one does");
    assert_eq!((signed_in(&desk, 1).await, signed_in(&desk, 2).await), (None, Some(user)));
}

async fn sessions_end_with_their_user_or_account(desk: Desk) {
    let (storage, user, account) = (desk.storage(), desk.account.user, desk.account.id);
    let_in(&desk, "ada@example.com").await;
    // Another owner, without whom this one could not be disabled.
    let (other, about) = (desk.ids.next(desk.now), ("Eve".to_owned(), UserRole::Owner));
    assert!(storage.add_user(account, other, about, 2, desk.now).await.expect("a change"));
    assert!(add_link(&desk, 201, Some(other)).await);
    use_link(&desk, 201, "eve@example.com", 90).await.expect("let in");
    for (number, of_account) in [(2, false), (3, true)] {
        let password = "hash of ada@example.com".to_owned();
        let enable = async || match of_account {
            true => storage.set_account_enabled(account, true).await,
            false => storage.enable_user(user).await,
        };
        let new = session(&desk, number);
        assert!(storage.add_session(user, password.clone(), new, desk.now).await.expect("a change"));
        // A command beside the server does it, and the next look knows.
        let command = desk.backend.open(Role::Command);
        let done = match of_account {
            true => command.set_account_enabled(account, false).await,
            false => command.disable_user(user, None).await.map(UserChange::is_done),
        };
        assert!(done.expect("set"));
        assert_eq!(signed_in(&desk, number).await, None);
        let login = storage.find_login("ada@example.com".to_owned()).await.expect("a look");
        assert!(!login.expect("a login").enabled);
        let refused = session(&desk, 9);
        assert!(!storage.add_session(user, password, refused, desk.now).await.expect("a change"));
        assert!(enable().await.expect("set"));
        assert_eq!(signed_in(&desk, number).await, None, "what has ended does not come back");
    }
}

async fn users_are_added_as_long_as_there_is_room(mut desk: Desk) {
    let (id, nobody) = (desk.ids.next(desk.now), desk.ids.next(desk.now));
    let add = async |desk: &Desk, account, user| {
        desk.storage()
            .add_user(account, user, ("Ben".to_owned(), UserRole::Editor), 2, desk.now)
            .await
            .expect("a change")
    };
    assert!(!add(&desk, nobody, id).await);
    assert!(add(&desk, desk.account.id, id).await);
    assert!(!add(&desk, desk.account.id, desk.ids.next(desk.now)).await, "two are the most");
    assert!(desk.storage().rename_user(id, "Bea".to_owned()).await.expect("a change"));
    assert!(!desk.storage().rename_user(nobody, "Bea".to_owned()).await.expect("a look"));
    for language in [Some("uk".to_owned()), None, Some("de".to_owned())] {
        let set = desk.storage().set_user_language(id, language).await;
        assert!(set.expect("a change"));
    }
    assert!(!desk.storage().set_user_language(nobody, None).await.expect("a look"));
    desk.reopen();
    let users = desk.storage().users(desk.account.no).await.expect("a look");
    let told: Vec<_> = users
        .iter()
        .map(|user| (user.id, user.name.as_str(), user.address.as_deref(), user.enabled))
        .collect();
    assert_eq!(told, [(desk.account.user, "Test", None, true), (id, "Bea", None, true)]);
}

async fn what_has_ended_is_deleted_by_the_time_that_has_passed(mut desk: Desk) {
    let_in(&desk, "ada@example.com").await;
    // For another user: a link ends the sessions of its own.
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    assert!(add_link(&desk, 1, Some(other.user)).await);
    let there = async |desk: &Desk| {
        let (storage, user) = (desk.storage(), desk.account.user);
        let sessions = storage.sessions(user, LONG_AGO, LONG_AGO).await.expect("a look").len();
        (sessions, storage.find_link(hash(1), LONG_AGO).await.expect("a look").is_some())
    };
    // A clock that is ahead when somebody signs in, or is invited, deletes nothing.
    let end = desk.now.after(DAY);
    desk.now = end.after(DAY);
    let password = "hash of ada@example.com".to_owned();
    let second = session(&desk, 2);
    assert!(
        desk.storage().add_session(desk.account.user, password, second, desk.now).await.expect("a change")
    );
    assert_eq!(there(&desk).await, (2, true));
    for (ended, left) in [(end.before(Duration::from_millis(1)), (2, true)), (end, (1, false))] {
        let keep = RetentionPolicy { ended, ..keep_since(LONG_AGO) };
        while desk.storage().prune(keep).await.expect("pruned") > 0 {}
        assert_eq!(there(&desk).await, left);
    }
}

async fn the_last_use_of_a_token_never_goes_back(mut desk: Desk) {
    let used = async |desk: &Desk| desk.storage().tokens(None).await.expect("tokens")[0].used_at;
    assert_eq!(used(&desk).await, None);
    let later = desk.now.after(DAY);
    let version = desk.storage().catalogue_changes(0).await.expect("a look").version;
    for time in [desk.now, later, desk.now] {
        let tokens = vec![(desk.account.key.clone(), time), ("unknown".to_owned(), time)];
        desk.storage().note_used(tokens).await.expect("noted");
    }
    desk.reopen();
    assert_eq!(used(&desk).await, Some(later));
    let now = desk.storage().catalogue_changes(0).await.expect("a look").version;
    assert_eq!(now, version, "nothing that is cached changes by it");
}
