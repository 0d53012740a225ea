//! The files of a store by other names, moved under a server, and paths at which there is none.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::process::{Printed, Store, wait_for};

/// How a server ends whose store was moved.
const MOVED: Option<i32> = Some(72);

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

/// A directory of a store's with both files by links of a kind; the path of the store there.
fn linked(store: &Store, name: &str, link: fn(&Path, &Path) -> std::io::Result<()>) -> PathBuf {
    let directory = store.directory.path(name);
    fs::create_dir(&directory).expect("a directory");
    let other = directory.join("other.db");
    link(&store.database, &other).expect("a link");
    link(&store.intake(), &directory.join("other.db.intake")).expect("a link");
    other
}

fn run_at(store: &Store, database: &Path, arguments: &[&str]) -> Printed {
    let mut command = store.command(arguments);
    crate::process::run(command.env("ROLLBOOK_DATABASE", database).env("ROLLBOOK_LISTEN", "127.0.0.1:0"))
}

#[test]
fn a_second_server_is_refused_by_whatever_name_it_finds_the_files() {
    let store = Store::in_files();
    let token = store.account("Shop").token;
    let server = store.serve();
    let list = server.list(&token);
    let by_symbolic_link = linked(&store, "symbolic", |from, to| symlink(from, to));
    let directory = store.directory.path("directory");
    symlink(store.database.parent().expect("a directory"), &directory).expect("a link");
    for other in [by_symbolic_link, directory.join("rollbook.db")] {
        let printed = run_at(&store, &other, &["serve"]);
        assert_eq!(printed.code, Some(1), "{other:?}: {}", printed.err);
        assert!(printed.err.contains("is served by another process already"), "{other:?}: {}", printed.err);
    }
    // By a symbolic link, SQLite finds the same log: commands may come that way.
    let listed = run_at(&store, &directory.join("rollbook.db"), &["account", "list"]);
    assert!(listed.out.contains("Shop"), "{}", listed.err);
    // By a hard link it finds another.
    let by_hard_link = linked(&store, "hard", |from, to| fs::hard_link(from, to));
    for arguments in [&["serve"][..], &["account", "list"], &["check"], &["backup", "/tmp/never"]] {
        let printed = run_at(&store, &by_hard_link, arguments);
        assert_eq!(printed.code, Some(1), "{arguments:?}: {}", printed.err);
        let told = if arguments == ["serve"] { "served by another process already" } else { "a second name" };
        assert!(
            [told, "a second name"].iter().any(|told| printed.err.contains(told)),
            "{arguments:?}: {}",
            printed.err
        );
    }
    let request = server.upsert(&token, &list, json!([{ "contact": "a" }]));
    server.processed(&token, &request);
    drop(server);
    fs::remove_dir_all(store.directory.path("hard")).expect("removed");
    assert_eq!(store.serve().contact(&token, &list, "a")["userId"], "a");
}

#[test]
fn a_server_whose_files_are_moved_or_replaced_ends_and_says_so() {
    let take_away: fn(&Path, &Path) = |path, aside| fs::rename(path, aside).expect("moved");
    let replace: fn(&Path, &Path) = |path, aside| {
        fs::copy(path, aside).expect("copied");
        fs::rename(aside, path).expect("replaced");
    };
    let cases = [
        ("", take_away),
        (".intake", take_away),
        (".lock", take_away),
        ("-wal", take_away),
        (".intake-wal", take_away),
        ("", replace),
        (".intake", replace),
    ];
    for (end, harm) in cases {
        let store = Store::in_files();
        let token = store.account("Shop").token;
        let mut server = store.serve();
        let list = server.list(&token);
        let request = server.upsert(&token, &list, json!([{ "contact": "a" }]));
        server.processed(&token, &request);
        let path = PathBuf::from(format!("{}{end}", store.database.display()));
        harm(&path, &store.directory.path("aside"));
        assert_eq!(server.wait().code(), MOVED, "{path:?}: {}", server.log());
        let log = server.log();
        assert!(log.contains("the store was moved"), "{log}");
        assert!(log.contains(&*path.to_string_lossy()), "it says which file: {log}");
    }
}

#[test]
fn a_command_makes_no_store_at_a_path_where_there_is_none() {
    let store = Store::in_files();
    let id = "5d915c22d132d5f45a4e38b8";
    let before = names(store.database.parent().expect("a directory"));
    let commands: [&[&str]; 14] = [
        &["account", "list"],
        &["account", "disable", id],
        &["account", "remove", id, "--confirm", "Shop"],
        &["account", "webhook-secret", id],
        &["user", "invite", id],
        &["user", "disable", id],
        &["token", "list"],
        &["token", "create", "--user", id],
        &["token", "revoke", "0123456789abcdef"],
        &["webhook", "resend", id],
        &["check"],
        &["check", "--repair"],
        &["backup", "backup-of-nothing"],
        &["migrate"],
    ];
    for arguments in commands {
        let printed = store.run(arguments);
        assert_eq!(printed.code, Some(1), "{arguments:?}: {} {}", printed.out, printed.err);
        let path = store.database.display().to_string();
        assert!(printed.err.contains(&path), "{arguments:?} names the path: {}", printed.err);
        assert_eq!(names(store.database.parent().expect("a directory")), before, "{arguments:?}");
    }
    assert!(!Path::new("backup-of-nothing").exists());
    store.account("Shop");
    assert!(store.ok(&["account", "list"]).contains("Shop"), "this one makes it");
}

#[test]
fn a_restore_that_was_refused_leaves_nothing_behind() {
    let store = Store::in_files();
    store.account("Shop");
    let backup = store.directory.path("backup");
    let text = |path: &Path| path.to_str().expect("text").to_owned();
    store.ok(&["backup", &text(&backup)]);
    let mut bytes = fs::read(&backup).expect("a backup");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let damaged = store.directory.path("damaged");
    fs::write(&damaged, &bytes).expect("written");
    let empty = store.directory.path("empty");
    fs::create_dir(&empty).expect("a directory");
    let printed = run_at(&store, &empty.join("new.db"), &["restore", &text(&damaged)]);
    assert_eq!(printed.code, Some(1), "{}", printed.err);
    assert_eq!(names(&empty), BTreeSet::new());
    // A store that nobody has served yet, which is not to be replaced.
    let before = names(store.database.parent().expect("a directory"));
    assert!(!before.contains("rollbook.db.lock"), "{before:?}");
    let printed = store.run(&["restore", &text(&backup)]);
    assert!(printed.err.contains("is there already"), "{}", printed.err);
    assert_eq!(names(store.database.parent().expect("a directory")), before);
    // It is to be replaced, and nothing is done.
    let printed = store.run(&["restore", &text(&damaged), "--replace"]);
    assert_eq!(printed.code, Some(1), "{}", printed.err);
    assert_eq!(names(store.database.parent().expect("a directory")), before);
    let server = run_at(&store, &empty.join("new.db"), &["restore", &text(&backup)]);
    assert_eq!(server.code, Some(0), "{}", server.err);
    wait_for("the store to be there", || empty.join("new.db").exists().then_some(()));
}
