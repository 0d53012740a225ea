//! Accounts, users, tokens, lists, variables, sources, and the secrets that sign.

use std::time::Duration;

use domain::contact::amount::{Amount, Cac, Currency};
use domain::journal::{AccountNo, ListNo};
use domain::token::FreshToken;
use storage::Role;
use storage::{
    AddError, ListChange, NewList, NewSource, NewToken, Scope, SourceRef, TokenError, User, UserChange,
    UserRole, VariableKind,
};

use super::{Desk, add_account, on_every_backend};

on_every_backend! {
    a_token_opens_its_account,
    a_token_is_revoked_once,
    an_account_and_a_user_are_disabled_and_enabled,
    a_removed_account_leaves_its_tokens_behind_and_no_name,
    two_secrets_sign_while_they_overlap,
    a_list_belongs_to_an_account_that_is_there,
    variables_are_added_all_or_none,
    sources_are_unique_in_their_account,
    every_change_moves_the_version,
    changes_name_the_accounts_that_they_concern,
    a_command_and_the_server_write_at_once,
}

fn token(name: &str) -> NewToken {
    let fresh = FreshToken::generate();
    let scope = Scope::default();
    NewToken {
        key: fresh.key,
        secret_hash: fresh.secret_hash,
        name: name.to_owned(),
        expires_at: None,
        scope,
    }
}

async fn a_token_opens_its_account(mut desk: Desk) {
    let (fresh, later) = (FreshToken::generate(), desk.now.after(Duration::from_secs(60)));
    let new = NewToken {
        key: fresh.key.clone(),
        secret_hash: fresh.secret_hash,
        name: "second".to_owned(),
        expires_at: Some(later),
        scope: Scope::default(),
    };
    desk.storage().add_token(desk.account.user, new, desk.now).await.expect("added");
    let nobody = desk.ids.next(desk.now);
    let refused = desk.storage().add_token(nobody, token("x"), desk.now).await;
    assert!(matches!(refused, Err(TokenError::NoUser)), "{refused:?}");
    desk.reopen();
    let access = desk.storage().find_access(fresh.key.clone()).await.expect("a look").expect("the token");
    let secret = fresh.text.rsplit_once(&format!("{}_", fresh.key)).expect("a secret").1;
    assert!(access.secret_hash.fits(secret));
    assert_eq!((access.revoked, access.expires_at), (false, Some(later)));
    assert_eq!((access.user, access.user_enabled), (desk.account.user, true));
    let account = access.account.expect("the account");
    assert_eq!((account.no, account.name.as_str(), account.enabled), (desk.account.no, "Test", true));
    assert!(desk.storage().find_access("unknown".to_owned()).await.expect("a look").is_none());
    let tokens = desk.storage().tokens(Some(desk.account.id)).await.expect("tokens");
    let mut names: Vec<_> = tokens.iter().map(|token| token.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["first", "second"]);
    assert!(desk.storage().tokens(Some(nobody)).await.expect("tokens").is_empty());
}

async fn a_token_is_revoked_once(mut desk: Desk) {
    let (key, first) = (desk.account.key.clone(), desk.now);
    assert!(desk.storage().revoke_token(key.clone(), first).await.expect("revoked"));
    let later = first.after(Duration::from_secs(60));
    assert!(desk.storage().revoke_token(key.clone(), later).await.expect("revoked"));
    assert!(!desk.storage().revoke_token("unknown".to_owned(), later).await.expect("looked"));
    desk.reopen();
    assert!(desk.storage().find_access(key).await.expect("a look").expect("the token").revoked);
    let tokens = desk.storage().tokens(None).await.expect("tokens");
    assert_eq!(tokens[0].revoked_at, Some(first));
}

async fn an_account_and_a_user_are_disabled_and_enabled(desk: Desk) {
    let (account, user, nobody) = (desk.account.id, desk.account.user, desk.ids.next(desk.now));
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    for enabled in [false, true] {
        assert!(desk.storage().set_account_enabled(account, enabled).await.expect("set"));
        let done = match enabled {
            true => desk.storage().enable_user(user).await.expect("set"),
            false => desk.storage().disable_user(user, None).await.expect("set").is_done(),
        };
        assert!(done);
        let access =
            desk.storage().find_access(desk.account.key.clone()).await.expect("a look").expect("a token");
        assert_eq!((access.user_enabled, access.account.expect("it").enabled), (enabled, enabled));
        let access = desk.storage().find_access(other.key.clone()).await.expect("a look").expect("a token");
        assert_eq!((access.user_enabled, access.account.expect("it").enabled), (true, true));
        let accounts = desk.storage().accounts().await.expect("accounts");
        assert_eq!((accounts[0].id, accounts[0].enabled), (account, enabled));
        let role = UserRole::Owner;
        let known = User { id: user, name: "Test".to_owned(), address: None, enabled, role };
        assert_eq!(accounts[0].users, [known]);
    }
    assert!(!desk.storage().set_account_enabled(nobody, false).await.expect("looked"));
    assert!(!desk.storage().enable_user(nobody).await.expect("looked"));
    assert_eq!(desk.storage().disable_user(nobody, None).await.expect("looked"), UserChange::NoUser);
}

async fn a_removed_account_leaves_its_tokens_behind_and_no_name(mut desk: Desk) {
    let source = NewSource { name: "Shop".to_owned(), customer_source_id: None, cac: None };
    let source_id = desk.ids.next(desk.now);
    desk.storage().add_source(desk.account.no, source_id, source, desk.now).await.expect("a source");
    assert!(desk.storage().remove_account(desk.account.id).await.expect("removed"));
    assert!(!desk.storage().remove_account(desk.account.id).await.expect("looked"));
    desk.reopen();
    let access =
        desk.storage().find_access(desk.account.key.clone()).await.expect("a look").expect("the token");
    assert!(access.account.is_none());
    assert!(desk.storage().accounts().await.expect("accounts").is_empty());
    assert!(desk.storage().find_list(desk.list_id).await.expect("a look").is_none());
    let found = desk.storage().find_source(desk.account.no, SourceRef::Id(source_id)).await.expect("a look");
    assert!(found.is_none());
    let refused = desk.storage().add_token(desk.account.user, token("x"), desk.now).await;
    assert!(matches!(refused, Err(TokenError::NoUser)), "{refused:?}");
    assert!(desk.storage().webhook_secret(desk.account.id).await.expect("a look").is_none());
    assert!(desk.storage().webhook_secrets(desk.account.no, desk.now).await.expect("a look").is_empty());
    let again = add_account(desk.storage(), &desk.ids, desk.now).await;
    assert_ne!(again.no, desk.account.no, "a number is never given twice");
}

async fn two_secrets_sign_while_they_overlap(mut desk: Desk) {
    let until = desk.now.after(Duration::from_secs(60));
    let (id, no) = (desk.account.id, desk.account.no);
    let signing = async |desk: &Desk, at| desk.storage().webhook_secrets(no, at).await.expect("secrets");
    assert_eq!(signing(&desk, desk.now).await, ["whsec_first"]);
    let set = desk.storage().set_webhook_secret(id, "whsec_second".to_owned(), until).await;
    assert!(set.expect("set"));
    desk.reopen();
    let before = until.before(Duration::from_millis(1));
    assert_eq!(signing(&desk, before).await, ["whsec_second", "whsec_first"]);
    assert_eq!(signing(&desk, until).await, ["whsec_second"]);
    assert_eq!(desk.storage().webhook_secret(id).await.expect("a look").as_deref(), Some("whsec_second"));
    let set = desk.storage().set_webhook_secret(id, "whsec_third".to_owned(), until).await;
    assert!(set.expect("set"));
    assert_eq!(signing(&desk, desk.now).await, ["whsec_third", "whsec_second"]);
    let nobody = desk.ids.next(desk.now);
    assert!(!desk.storage().set_webhook_secret(nobody, String::new(), until).await.expect("looked"));
}

async fn a_list_belongs_to_an_account_that_is_there(mut desk: Desk) {
    let id = desk.ids.next(desk.now);
    let gone = desk.storage().add_list(AccountNo(99), id, NewList::named("Nobody's"), desk.now).await;
    assert!(matches!(gone, Err(AddError::Gone)), "{gone:?}");
    assert!(desk.storage().find_list(id).await.expect("a look").is_none());
    desk.storage().add_list(desk.account.no, id, NewList::named("Second"), desk.now).await.expect("a list");
    desk.reopen();
    let list = desk.storage().find_list(id).await.expect("a look").expect("the list");
    assert_eq!((list.id, list.account), (id, desk.account.no));
    assert_ne!(list.no, desk.list);
    assert!(list.variables.is_empty());
}

async fn variables_are_added_all_or_none(mut desk: Desk) {
    let add = async |desk: &Desk, list, names: &[&str]| {
        let kinds = [VariableKind::String, VariableKind::Date];
        let variables =
            names.iter().zip(kinds.into_iter().cycle()).map(|(name, kind)| ((*name).to_owned(), kind));
        desk.storage().add_variables(list, variables.collect(), 4, desk.now).await
    };
    add(&desk, desk.list, &["plan", "since"]).await.expect("added");
    let twice = add(&desk, desk.list, &["city", "plan"]).await;
    assert!(matches!(&twice, Err(AddError::Exists(name)) if name == "plan"), "{twice:?}");
    let many = add(&desk, desk.list, &["one", "two", "three"]).await;
    assert!(matches!(many, Err(AddError::TooMany(4))), "{many:?}");
    let gone = add(&desk, ListNo(99), &["one"]).await;
    assert!(matches!(gone, Err(AddError::Gone)), "{gone:?}");
    desk.reopen();
    add(&desk, desk.list, &["city"]).await.expect("added");
    let list = desk.storage().find_list(desk.list_id).await.expect("a look").expect("the list");
    let shown: Vec<_> = list.variables.iter().map(|v| (v.name.as_str(), v.kind)).collect();
    let expected =
        [("plan", VariableKind::String), ("since", VariableKind::Date), ("city", VariableKind::String)];
    assert_eq!(shown, expected);
    let mut numbers: Vec<_> = list.variables.iter().map(|variable| variable.number).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), 3);
    assert_eq!(list.variable("since"), Some(&list.variables[1]));
}

async fn sources_are_unique_in_their_account(mut desk: Desk) {
    let source = |name: &str, customer: Option<&str>| NewSource {
        name: name.to_owned(),
        customer_source_id: customer.map(str::to_owned),
        cac: Amount::parse("1.5")
            .map(|value| Cac { value, currency: Currency::parse("EUR").expect("known") }),
    };
    let (account, id) = (desk.account.no, desk.ids.next(desk.now));
    let add = async |desk: &Desk, account, source| {
        desk.storage().add_source(account, desk.ids.next(desk.now), source, desk.now).await
    };
    desk.storage().add_source(account, id, source("Shop", Some("7")), desk.now).await.expect("added");
    for twin in [source("Shop", None), source("Fair", Some("7"))] {
        let refused = add(&desk, account, twin).await;
        assert!(matches!(refused, Err(AddError::Exists(_))), "{refused:?}");
    }
    for other in [source("Fair", None), source("Web", None)] {
        add(&desk, account, other).await.expect("many have no id of the caller's");
    }
    let gone = add(&desk, AccountNo(99), source("Shop", None)).await;
    assert!(matches!(gone, Err(AddError::Gone)), "{gone:?}");
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    add(&desk, other.no, source("Shop", Some("7"))).await.expect("another account's");
    desk.reopen();
    for reference in [SourceRef::Id(id), SourceRef::Customer("7".to_owned())] {
        let found =
            desk.storage().find_source(account, reference).await.expect("a look").expect("the source");
        assert_eq!((found.id, found.name.as_str()), (id, "Shop"));
        assert_eq!(found.cac, source("", None).cac);
    }
    let theirs = desk.storage().find_source(other.no, SourceRef::Id(id)).await.expect("a look");
    assert_eq!(theirs, None);
}

async fn every_change_moves_the_version(desk: Desk) {
    let command = desk.backend.open(Role::Command);
    let version = async || desk.storage().catalogue_changes(0).await.expect("a version").version;
    let mut versions = vec![version().await];
    for step in 0..8 {
        let variables = vec![("plan".to_owned(), VariableKind::String)];
        let source = NewSource { name: "Shop".to_owned(), customer_source_id: None, cac: None };
        let (account, id, now) = (&desk.account, desk.ids.next(desk.now), desk.now);
        match step {
            0 => drop(add_account(command.as_ref(), &desk.ids, now).await),
            1 => drop(command.set_account_enabled(account.id, false).await.expect("set")),
            2 => drop(command.disable_user(account.user, None).await.expect("set")),
            3 => drop(command.revoke_token(account.key.clone(), now).await.expect("revoked")),
            4 => command.add_list(account.no, id, NewList::named("Second"), now).await.expect("added"),
            5 => command.add_variables(desk.list, variables, 500, now).await.expect("added"),
            6 => command.add_source(account.no, id, source, now).await.expect("added"),
            _ => drop(command.remove_account(account.id).await.expect("removed")),
        }
        versions.push(version().await);
    }
    assert!(versions.is_sorted_by(|one, next| one < next), "{versions:?}");
}

async fn changes_name_the_accounts_that_they_concern(desk: Desk) {
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    let (store, account, now) = (desk.storage(), &desk.account, desk.now);
    let since = async |version| store.catalogue_changes(version).await.expect("a look");
    let start = since(0).await;
    assert_eq!(start.accounts, None, "adding an account may concern any");
    let start = start.version;
    assert_eq!(since(start).await.accounts, Some(Vec::new()));

    let source = NewSource { name: "Shop".to_owned(), customer_source_id: None, cac: None };
    let plan = vec![("plan".to_owned(), VariableKind::String)];
    store.add_source(other.no, desk.ids.next(now), source, now).await.expect("added");
    store.add_variables(desk.list, plan, 500, now).await.expect("added");
    store.rename_variable(desk.list, "plan".to_owned(), "tier".to_owned(), now).await.expect("renamed");
    store.remove_variables(desk.list, vec!["tier".to_owned()], now).await.expect("removed");
    store.add_list(other.no, desk.ids.next(now), NewList::named("Second"), now).await.expect("added");
    store.update_list(desk.list, ListChange::name("First"), now).await.expect("renamed");
    store.remove_list(desk.list, "First".to_owned()).await.expect("removed");
    store.remove_sources(other.no, vec![SourceRef::Name("Shop".to_owned())]).await.expect("removed");
    store.rename_user(other.user, "Bea".to_owned()).await.expect("renamed");
    store.revoke_token(account.key.clone(), now).await.expect("revoked");
    let (one, two) = (account.no, other.no);
    let expected = vec![two, one, one, one, two, one, one, two, two, one];
    assert_eq!(since(start).await.accounts, Some(expected));

    let before = since(start).await.version;
    store.set_account_enabled(other.id, false).await.expect("set");
    assert_eq!(since(before).await.accounts, None, "it is of no one account");
    assert_eq!(since(before + 100).await.accounts, None, "a store that was put back");
}

async fn a_command_and_the_server_write_at_once(desk: Desk) {
    let command = desk.backend.open(Role::Command);
    let server = async {
        for number in 0..40 {
            desk.append(desk.batch(&[(&format!("id{number}"), &[])])).await;
            desk.apply(10).await;
        }
    };
    let lists = async {
        for number in 0..40 {
            let id = desk.ids.next(desk.now);
            command
                .add_list(desk.account.no, id, NewList::named(format!("{number}")), desk.now)
                .await
                .expect("a list");
        }
    };
    tokio::join!(server, lists);
    desk.apply_all().await;
    let field = desk.field("id39", domain::contact::field::Field::UserId).await;
    assert_eq!(field.as_deref(), Some("id39"));
}
