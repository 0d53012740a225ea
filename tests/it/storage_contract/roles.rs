//! Roles of users, the last owner, and what becomes of a disabled user's keys.

use domain::clock::Timestamp;
use domain::id::ObjectId;
use storage::{FirstAccount, NewLogin, NewSession, UserChange, UserRole};

use super::{Desk, add_account, on_every_backend};

on_every_backend! {
    a_role_is_kept_and_read_with_the_session,
    the_last_owner_is_neither_demoted_nor_disabled,
    of_two_owners_who_disable_each_other_one_stays,
    keys_are_handed_over_with_the_disabling_or_stop,
    a_link_ends_the_sessions_of_its_user,
}

const LATER: Timestamp = Timestamp::from_millis(i64::MAX / 2);

/// Adds a user of the desk's account.
async fn add(desk: &Desk, role: UserRole) -> ObjectId {
    let user = desk.ids.next(desk.now);
    let about = ("Ben".to_owned(), role);
    assert!(desk.storage().add_user(desk.account.id, user, about, 200, desk.now).await.expect("a change"));
    user
}

/// Lets a user sign in: session `number`.
async fn let_in(desk: &Desk, user: ObjectId, number: u8) {
    assert!(desk.storage().add_link([number; 32], Some(user), LATER).await.expect("a change"));
    let login = NewLogin {
        name: "Ben".to_owned(),
        address: format!("{number}@example.com"),
        password: "a hash".to_owned(),
    };
    let session = NewSession { hash: [number; 32], agent: String::new(), expires_at: LATER };
    let unused = ObjectId::from_bytes([9; 12]);
    let account =
        FirstAccount { id: unused, name: String::new(), user: unused, webhook_secret: String::new() };
    desk.storage().use_link([number; 32], account, login, session, desk.now).await.expect("let in");
}

/// The role of who is signed in by a session, and when the sign-in was.
async fn seen(desk: &Desk, number: u8) -> Option<(UserRole, Timestamp)> {
    let found = desk.storage().find_session([number; 32], Timestamp::from_millis(0), desk.now).await;
    found.expect("a look").map(|found| (found.role, found.signed_in_at))
}

async fn set(desk: &Desk, user: ObjectId, role: UserRole) -> UserChange {
    desk.storage().set_user_role(user, role).await.expect("a change")
}

async fn disable(desk: &Desk, user: ObjectId, keys_to: Option<ObjectId>) -> UserChange {
    desk.storage().disable_user(user, keys_to).await.expect("a change")
}

async fn a_role_is_kept_and_read_with_the_session(mut desk: Desk) {
    let began = desk.now;
    let (owner, editor) = (desk.account.user, add(&desk, UserRole::Editor).await);
    let_in(&desk, editor, 1).await;
    assert_eq!(seen(&desk, 1).await, Some((UserRole::Editor, began)));
    assert_eq!(set(&desk, editor, UserRole::Viewer).await, UserChange::Done);
    desk.now = desk.now.after(std::time::Duration::from_secs(60));
    desk.storage().touch_session([1; 32], desk.now).await.expect("noted");
    desk.reopen();
    assert_eq!(seen(&desk, 1).await, Some((UserRole::Viewer, began)), "using it does not make it fresh");
    let users = desk.storage().users(desk.account.no).await.expect("a look");
    let roles: Vec<_> = users.iter().map(|user| (user.id, user.role)).collect();
    assert_eq!(roles, [(owner, UserRole::Owner), (editor, UserRole::Viewer)]);
    let accounts = desk.storage().accounts().await.expect("a look");
    assert_eq!(accounts[0].users, users);
    assert_eq!(set(&desk, desk.ids.next(desk.now), UserRole::Viewer).await, UserChange::NoUser);
}

async fn the_last_owner_is_neither_demoted_nor_disabled(desk: Desk) {
    // An owner of another account does not count.
    add_account(desk.storage(), &desk.ids, desk.now).await;
    let owner = desk.account.user;
    assert_eq!(set(&desk, owner, UserRole::Editor).await, UserChange::LastOwner);
    // Nobody signs in to the account yet: its user only stands for its keys, and may be disabled.
    assert_eq!(disable(&desk, owner, None).await, UserChange::Done);
    assert!(desk.storage().enable_user(owner).await.expect("a change"));
    let_in(&desk, owner, 1).await;
    let_in(&desk, add(&desk, UserRole::Editor).await, 2).await;
    // Invited, but cannot sign in yet.
    let second = add(&desk, UserRole::Owner).await;
    for _ in 0..2 {
        assert_eq!(disable(&desk, owner, None).await, UserChange::LastOwner);
        assert_eq!(set(&desk, owner, UserRole::Viewer).await, UserChange::LastOwner);
        assert_eq!(set(&desk, owner, UserRole::Owner).await, UserChange::Done);
        assert_eq!(seen(&desk, 1).await.map(|(role, _)| role), Some(UserRole::Owner));
        assert_eq!(disable(&desk, second, None).await, UserChange::Done);
    }
    assert!(desk.storage().enable_user(second).await.expect("a change"));
    let_in(&desk, second, 3).await;
    assert_eq!(set(&desk, owner, UserRole::Viewer).await, UserChange::Done);
    assert_eq!(disable(&desk, owner, None).await, UserChange::Done);
    assert_eq!(set(&desk, second, UserRole::Editor).await, UserChange::LastOwner);
}

async fn of_two_owners_who_disable_each_other_one_stays(desk: Desk) {
    let (one, other) = (desk.account.user, add(&desk, UserRole::Owner).await);
    for round in 0..10 {
        let_in(&desk, one, 10 + round).await;
        let_in(&desk, other, 30 + round).await;
        let (first, second) = tokio::join!(disable(&desk, one, None), disable(&desk, other, None));
        let mut outcomes = [first.is_done(), second.is_done()];
        outcomes.sort_unstable();
        assert_eq!(outcomes, [false, true]);
        for user in [one, other] {
            assert!(desk.storage().enable_user(user).await.expect("a change"));
        }
    }
}

async fn keys_are_handed_over_with_the_disabling_or_stop(mut desk: Desk) {
    let enabled = async |desk: &Desk| {
        let found = desk.storage().find_access(desk.account.key.clone()).await.expect("a look");
        let access = found.expect("the key");
        (access.user, access.user_enabled)
    };
    let (owner, heir) = (desk.account.user, add(&desk, UserRole::Owner).await);
    let stranger = add_account(desk.storage(), &desk.ids, desk.now).await.user;
    for nobody in [stranger, owner, desk.ids.next(desk.now)] {
        assert_eq!(disable(&desk, owner, Some(nobody)).await, UserChange::NoUser);
        assert_eq!(enabled(&desk).await, (owner, true), "nothing of it is done");
    }
    assert_eq!(disable(&desk, owner, None).await, UserChange::Done);
    assert_eq!(enabled(&desk).await, (owner, false));
    // Also later, while the user is disabled.
    assert_eq!(disable(&desk, owner, Some(heir)).await, UserChange::Done);
    desk.reopen();
    assert_eq!(enabled(&desk).await, (heir, true));
    let stopped = disable(&desk, heir, Some(owner)).await;
    assert_eq!(stopped, UserChange::NoUser, "a disabled user takes over no key");
    assert!(desk.storage().enable_user(owner).await.expect("a change"));
    let key = desk.account.key.clone();
    assert!(desk.storage().revoke_token(key, desk.now).await.expect("a change"));
    assert_eq!(disable(&desk, heir, Some(owner)).await, UserChange::Done);
    assert_eq!(enabled(&desk).await, (heir, false), "a revoked key stays where it is");
}

async fn a_link_ends_the_sessions_of_its_user(desk: Desk) {
    let other = add(&desk, UserRole::Viewer).await;
    let_in(&desk, desk.account.user, 1).await;
    let_in(&desk, other, 2).await;
    assert!(desk.storage().add_link([3; 32], Some(other), LATER).await.expect("a change"));
    assert_eq!((seen(&desk, 1).await.is_some(), seen(&desk, 2).await), (true, None));
}
