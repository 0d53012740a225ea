//! The commands, while a server runs on the same store: what they change holds within a second.

use std::time::Duration;

use serde_json::{Value, json};

use crate::process::{Account, Printed, Process, Store, program, run, wait_within};
use crate::wire::Reply;

/// What a command has changed is noticed by a running server within this.
const NOTICE: Duration = Duration::from_secs(1);

const UNKNOWN_ID: &str = "0123456789abcdef01234567";

fn info(server: &Process, token: &str) -> Reply {
    server.post("/v3/account/info", token, &json!({}))
}

/// Waits until the server answers so, with this text where it refuses.
fn noticed(server: &Process, token: &str, status: u16, text: Option<&str>) {
    let expected = text.map(|text| json!([text])).unwrap_or_default();
    let what = format!("{status} {expected}");
    let reply = wait_within(NOTICE, &what, || {
        let reply = info(server, token);
        (reply.status == status).then_some(reply)
    });
    assert_eq!(reply.json()["errors"], expected);
}

fn refused(printed: Printed, sentence: &str) {
    assert_eq!((printed.code, printed.out.as_str()), (Some(1), ""));
    assert_eq!(printed.err, format!("rollbook: {sentence}\n"));
}

fn lines(printed: &str) -> Vec<Value> {
    printed.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
}

/// A time as it is printed, whatever it is.
fn is_time(text: &str) -> bool {
    let form =
        |(byte, pattern): (u8, u8)| if pattern == b'0' { byte.is_ascii_digit() } else { byte == pattern };
    text.len() == 19 && text.bytes().zip(*b"0000-00-00 00:00:00").all(form)
}

fn shown_token(token: &str) -> String {
    format!("{}…", &token[..8])
}

fn check_failed(token: &str) -> String {
    format!("access token check failed for key/secret {}/{}", &token[3..19], shown_token(token))
}

#[test]
fn an_account_is_made_and_listed() {
    let store = Store::new();
    let printed = store.ok(&["account", "create", "Bücher & Co"]);
    let rows: Vec<_> = printed.lines().filter_map(|line| line.split_once("  ")).collect();
    let [(_, account), (_, user), ("access token", token), ("webhook secret", secret)] = rows[..] else {
        panic!("four rows: {printed}");
    };
    assert!(token.trim().starts_with("rb_") && secret.trim().starts_with("whsec_"));
    let (account, user) = (account.trim(), user.trim());
    let end = format!(
        "The access token is not shown again.\nA link into the console: rollbook user invite {user}\n"
    );
    assert!(printed.ends_with(&end), "{printed}");

    let listed = store.ok(&["account", "list"]);
    assert!(listed.contains(account) && listed.contains(user) && listed.contains("Bücher & Co"), "{listed}");
    assert!(!listed.contains("rb_") && !listed.contains("whsec_"));
    let mut objects = lines(&store.ok(&["account", "list", "--json"]));
    let created = objects[0]["createdAt"].take();
    assert!(is_time(created.as_str().expect("a text")), "{created}");
    let users = json!([{ "userId": user, "name": "Bücher & Co", "role": "owner", "enabled": true }]);
    let expected = json!({ "accountId": account, "name": "Bücher & Co", "enabled": true,
                           "createdAt": null, "users": users });
    assert_eq!(objects, [expected]);

    let server = store.serve();
    assert_eq!(info(&server, token.trim()).json()["accountName"], "Bücher & Co");
}

#[test]
fn an_account_is_disabled_enabled_and_removed_under_a_running_server() {
    let store = Store::new();
    let server = store.serve();
    let Account { id, user, token, .. } = store.account("Shop");
    let other = store.account("Other");
    noticed(&server, &token, 200, None);

    assert_eq!(store.ok(&["account", "disable", &id]), "");
    noticed(&server, &token, 403, Some(&format!("user {user} not enabled")));
    assert_eq!(lines(&store.ok(&["account", "list", "--json"]))[0]["enabled"], false);
    assert_eq!(store.ok(&["account", "enable", &id]), "");
    noticed(&server, &token, 200, None);

    let wrong = store.run(&["account", "remove", &id, "--confirm", "Chop"]);
    refused(wrong, "the name to confirm is not the account's");
    assert_eq!(info(&server, &token).status, 200);
    // A script need not say it twice.
    store.ok(&["account", "remove", &id]);
    noticed(&server, &token, 401, Some(&format!("no data found for key {user}")));
    assert_eq!(lines(&store.ok(&["account", "list", "--json"])).len(), 1);
    assert_eq!(info(&server, &other.token).status, 200);
}

#[test]
fn a_user_is_disabled_and_enabled_under_a_running_server() {
    let store = Store::new();
    let server = store.serve();
    let Account { user, token, .. } = store.account("Shop");
    noticed(&server, &token, 200, None);
    assert_eq!(store.ok(&["user", "disable", &user]), "");
    noticed(&server, &token, 403, Some(&format!("user {user} not enabled")));
    assert_eq!(store.ok(&["user", "enable", &user]), "");
    noticed(&server, &token, 200, None);
}

#[test]
fn a_role_is_shown_and_set_and_tokens_outlive_their_user() {
    let store = Store::new();
    let server = store.serve();
    let Account { id, user, token, .. } = store.account("Shop");
    assert_eq!(store.ok(&["user", "role", &user]), "owner\n");
    let last = "this is the account's last owner: make another user an owner first";
    refused(store.run(&["user", "role", &user, "viewer"]), last);
    let invite = ["user", "invite", "--account", &id, "--name", "Ben", "--json"];
    let second = lines(&store.ok(&invite)).remove(0)["userId"].as_str().expect("an id").to_owned();
    assert_eq!(store.ok(&["user", "role", &second]), "editor\n", "a new user is an editor");
    assert_eq!(store.ok(&["user", "role", &second, "owner"]), "");
    assert_eq!(store.ok(&["user", "role", &user, "viewer"]), "");
    assert!(store.ok(&["account", "list"]).contains(&format!("user {user}  enabled   viewer  Shop")));
    let wrong = store.run(&["user", "role", &user, "king"]);
    assert!(wrong.err.contains("a role is owner, editor or viewer"), "{}", wrong.err);
    let nobody = format!("there is no user {UNKNOWN_ID}");
    refused(store.run(&["user", "role", UNKNOWN_ID]), &nobody);
    refused(store.run(&["user", "role", UNKNOWN_ID, "owner"]), &nobody);

    noticed(&server, &token, 200, None);
    let to_nobody = store.run(&["user", "disable", &user, "--tokens-to", UNKNOWN_ID]);
    let text = format!("there is no user {user}, or {UNKNOWN_ID} is no other enabled user of its account");
    refused(to_nobody, &text);
    assert_eq!(store.ok(&["user", "disable", &user]), "");
    noticed(&server, &token, 403, Some(&format!("user {user} not enabled")));
    assert_eq!(store.ok(&["user", "disable", &user, "--tokens-to", &second]), "");
    noticed(&server, &token, 200, None);
}

#[test]
fn tokens_are_made_listed_and_revoked_under_a_running_server() {
    let store = Store::new();
    let server = store.serve();
    let account = store.account("Shop");
    let create = ["token", "create", "--user", &account.user];
    let made = lines(&store.ok(&[&create[..], &["--name", "nightly job", "--json"]].concat())).remove(0);
    let (key, second) = (made["key"].as_str().unwrap(), made["accessToken"].as_str().unwrap());
    assert_eq!(
        made,
        json!({ "key": &second[3..19], "accessToken": second, "expiresAt": null,
        "readOnly": false, "lists": null })
    );
    let third = store.ok(&create).trim().to_owned();
    for token in [&account.token, second, &third] {
        noticed(&server, token, 200, None);
    }

    let listed = store.ok(&["token", "list", "--json"]);
    for secret in [&account.token[20..], &second[20..], &third[20..]] {
        assert!(!listed.contains(secret), "the secret is not shown again");
    }
    let names: Vec<_> = lines(&listed).iter().map(|token| token["name"].clone()).collect();
    assert_eq!(names.len(), 3);
    assert!(names.contains(&json!("nightly job")) && names.contains(&json!("first")));

    // By its key, and by the whole token.
    assert_eq!(store.ok(&["token", "revoke", key]), "");
    noticed(&server, second, 401, Some(&check_failed(second)));
    assert_eq!(store.ok(&["token", "revoke", &third]), "");
    noticed(&server, &third, 401, Some(&check_failed(&third)));
    assert_eq!(info(&server, &account.token).status, 200);
    let listed = store.ok(&["token", "list"]);
    let row = listed.lines().find(|line| line.starts_with(key)).expect("a revoked token is still listed");
    assert!(row.contains("  revoked ") && row.contains("nightly job"), "{row}");
}

#[test]
fn a_token_ends_after_its_days() {
    let store = Store::new();
    let server = store.serve();
    let account = store.account("Shop");
    let create = ["token", "create", "--user", &account.user, "--json", "--expires"];
    let made = |days| lines(&store.ok(&[&create[..], &[days]].concat())).remove(0);
    let (ended, lasting) = (made("0"), made("30"));
    let expires = lasting["expiresAt"].as_str().expect("a time");
    assert!(is_time(expires), "{expires}");
    noticed(&server, lasting["accessToken"].as_str().unwrap(), 200, None);
    let ended = ended["accessToken"].as_str().unwrap();
    noticed(&server, ended, 401, Some(&check_failed(ended)));
    let key = lasting["key"].as_str().unwrap();
    let listed = lines(&store.ok(&["token", "list", "--account", &account.id, "--json"]));
    let row = listed.iter().find(|token| token["key"] == key).expect("it is listed");
    assert_eq!((&row["expiresAt"], &row["revokedAt"]), (&json!(expires), &json!(null)));
}

#[test]
fn a_token_is_made_read_only_and_limited_to_lists() {
    let store = Store::new();
    let server = store.serve();
    let (account, other) = (store.account("Shop"), store.account("Other"));
    let list_of = |token: &str, name: &str| {
        let made = server.post("/v3/contact-list/create", token, &json!({ "contactListName": name })).json();
        made["contactListId"].as_str().expect("an id").to_owned()
    };
    let (one, two) = (list_of(&account.token, "one"), list_of(&account.token, "two"));
    let theirs = list_of(&other.token, "theirs");
    let create = ["token", "create", "--user", &account.user];
    let scope = ["--read-only", "--list", &two, "--list", &one, "--json"];
    let made = lines(&store.ok(&[&create[..], &scope].concat())).remove(0);
    let (key, token) = (made["key"].as_str().unwrap(), made["accessToken"].as_str().unwrap());
    assert_eq!(json!([made["readOnly"], made["lists"]]), json!([true, [two, one]]));
    noticed(&server, token, 200, None);
    let shown = server.post("/v3/contact-list/find", token, &json!({})).json();
    assert_eq!(shown["totalCount"], 2);
    let refusal = server.post("/v3/contact-list/create", token, &json!({ "contactListName": "x" }));
    let text = format!("access token {} is read-only", shown_token(token));
    assert_eq!((refusal.status, &refusal.json()["errors"]), (403, &json!([text])));

    let listed = lines(&store.ok(&["token", "list", "--json"]));
    let row = listed.iter().find(|row| row["key"] == key).expect("it is listed");
    assert_eq!(json!([row["readOnly"], row["lists"]]), json!([true, [one, two]]));
    let listed = store.ok(&["token", "list"]);
    let row = listed.lines().find(|line| line.starts_with(key)).expect("it is listed");
    assert!(row.contains(&format!("  valid  read-only  lists {one},{two}  ")), "{row}");
    let row = listed.lines().find(|line| line.starts_with(&account.token[3..19])).expect("it is listed");
    assert!(row.ends_with("  valid  first"), "{row}");

    for list in [theirs.as_str(), UNKNOWN_ID] {
        let run = store.run(&[&create[..], &["--list", &one, "--list", list]].concat());
        refused(run, &format!("there is no list {list} in the account of the user"));
    }
    refused(store.run(&["token", "create", "--user", UNKNOWN_ID]), &format!("there is no user {UNKNOWN_ID}"));
    assert_eq!(lines(&store.ok(&["token", "list", "--json"])).len(), 3, "none of those was made");
}

#[test]
fn a_list_of_tokens_is_of_one_account_where_it_is_named() {
    let store = Store::new();
    let (one, other) = (store.account("One"), store.account("Other"));
    assert_eq!(lines(&store.ok(&["token", "list", "--json"])).len(), 2);
    let listed = lines(&store.ok(&["token", "list", "--account", &other.id, "--json"]));
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["userId"], other.user.as_str());
    assert_ne!(one.user, other.user);
}

#[test]
fn a_webhook_secret_is_shown_and_rotated() {
    let store = Store::new();
    let account = store.account("Shop");
    let show = ["account", "webhook-secret", &account.id];
    assert_eq!(store.ok(&show).trim_end(), account.webhook_secret);
    let rotated = store.ok(&[&show[..], &["--rotate"]].concat());
    assert!(rotated.starts_with("whsec_"));
    assert_ne!(rotated.trim_end(), account.webhook_secret);
    assert_eq!(store.ok(&show), rotated);
}

#[test]
fn what_lists_do_about_opt_outs_is_shown_and_set() {
    let store = Store::new();
    let account = store.account("Shop");
    let show = ["account", "opt-out", &account.id];
    assert_eq!(store.ok(&show), "allow\n");
    assert_eq!(store.ok(&[&show[..], &["keep"]].concat()), "");
    assert_eq!(store.ok(&show), "keep\n");
    let (server, token) = (store.serve(), &account.token);
    let list = server.list(token);
    let rule = || {
        server.ok("/v3/contact-list/get", token, &json!({ "contactListId": list }))["data"]["optOut"].clone()
    };
    assert_eq!(rule(), "keep");
    store.ok(&[&show[..], &["allow"]].concat());
    wait_within(NOTICE, "a running server to notice", || (rule() == "allow").then_some(()));
    refused(store.run(&["account", "opt-out", UNKNOWN_ID]), &format!("there is no account {UNKNOWN_ID}"));
    refused(
        store.run(&["account", "opt-out", UNKNOWN_ID, "keep"]),
        &format!("there is no account {UNKNOWN_ID}"),
    );
    let printed = store.run(&[&show[..], &["never"]].concat());
    assert_eq!(printed.code, Some(2));
    assert!(printed.err.contains("it is keep or allow"), "{}", printed.err);
}

#[test]
fn ids_that_name_nothing_are_told_so() {
    let store = Store::new();
    store.account("Shop");
    let account = format!("there is no account {UNKNOWN_ID}");
    for command in ["disable", "enable", "webhook-secret"] {
        refused(store.run(&["account", command, UNKNOWN_ID]), &account);
    }
    refused(store.run(&["account", "webhook-secret", UNKNOWN_ID, "--rotate"]), &account);
    refused(store.run(&["account", "remove", UNKNOWN_ID, "--confirm", "Shop"]), &account);
    let user = format!("there is no user {UNKNOWN_ID}");
    refused(store.run(&["user", "disable", UNKNOWN_ID]), &user);
    refused(store.run(&["user", "enable", UNKNOWN_ID]), &user);
    refused(store.run(&["token", "create", "--user", UNKNOWN_ID]), &user);
    refused(store.run(&["token", "revoke", "0123456789abcdef"]), "there is no token 0123456789abcdef");
    refused(store.run(&["account", "create", "  "]), "an account needs a name");
    let webhook = format!("there is no webhook of a request {UNKNOWN_ID}");
    refused(store.run(&["webhook", "resend", UNKNOWN_ID]), &webhook);

    let printed = store.run(&["account", "disable", "Shop"]);
    assert_eq!(printed.code, Some(2));
    assert!(printed.err.contains("an id has 24 hex digits"), "{}", printed.err);
}

#[test]
fn the_program_tells_its_version_and_its_commands() {
    let version = run(program().arg("--version"));
    // With the commit, if the build knows it.
    assert_eq!(version.out, format!("rollbook {}\n", domain::version::version()));
    assert!(version.out.starts_with(concat!("rollbook ", env!("CARGO_PKG_VERSION"))), "{}", version.out);
    let help = run(program().arg("--help"));
    assert_eq!(help.code, Some(0));
    for command in ["serve", "account", "user", "token", "demo", "config"] {
        let row = format!("\n  {command} ");
        assert!(help.out.contains(&row), "{command}: {}", help.out);
    }
    assert_eq!(run(&mut program()).code, Some(2), "a command is needed");
    assert_eq!(run(program().arg("serv")).code, Some(2), "and a known one");
}
