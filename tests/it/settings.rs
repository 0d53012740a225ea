//! Settings from the file, the environment and the command line, and the files of a store.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::process::{Printed, Store, program, run, wait_for};
use crate::wire::Wire;

fn serve(store: &Store, set: impl FnOnce(&mut Command)) -> Printed {
    let mut command = store.command(&["serve", "--listen", "127.0.0.1:0"]);
    set(&mut command);
    run(&mut command)
}

/// The keys of the default file.
fn keys(file: &str) -> Vec<&str> {
    let settings = file.lines().filter(|line| !line.starts_with('#'));
    settings.filter_map(|line| line.split_once(" = ")).map(|(key, _)| key).collect()
}

#[test]
fn the_file_that_config_prints_is_one_that_serve_takes() {
    let store = Store::in_files();
    let printed = run(program().arg("config"));
    assert_eq!(printed.code, Some(0));
    let file = store.directory.path("rollbook.toml");
    std::fs::write(&file, printed.out.replace("127.0.0.1:8080", "127.0.0.1:0")).unwrap();
    let server = store.serve_with(|command| {
        command.env_remove("ROLLBOOK_LISTEN").arg("--config").arg(&file);
    });
    let token = store.account("Shop").token;
    server.ok("/v3/account/info", &token, &json!({}));
}

#[test]
fn the_command_line_goes_over_the_environment_and_that_over_the_file() {
    let store = Store::in_files();
    let file = store.directory.path("rollbook.toml");
    let [first, second, third] = ["one.db", "two.db", "three.db"].map(|name| store.directory.path(name));
    std::fs::write(&file, format!("database = {:?}\n", first.display().to_string())).unwrap();
    let list = |environment: Option<&PathBuf>, flag: Option<&PathBuf>| {
        let mut command = program();
        command.args(["account", "list", "--config"]).arg(&file);
        command.envs(environment.map(|path| ("ROLLBOOK_DATABASE", path)));
        command.args(flag.iter().flat_map(|path| [OsStr::new("--database"), path.as_os_str()]));
        // A command that only reads makes no store: it names the path where it found none.
        let printed = run(&mut command);
        assert_eq!(printed.code, Some(1), "{}", printed.err);
        assert!([&first, &second, &third].into_iter().all(|path| !path.exists()));
        [&first, &second, &third].map(|path| printed.err.contains(&path.display().to_string()))
    };
    assert_eq!(list(None, None), [true, false, false]);
    assert_eq!(list(Some(&second), None), [false, true, false]);
    assert_eq!(list(Some(&first), Some(&third)), [false, false, true]);
}

#[test]
fn unknown_keys_are_refused_by_name() {
    let store = Store::in_files();
    let file = store.directory.path("rollbook.toml");
    std::fs::write(&file, "max_baklog = 7\n").unwrap();
    let printed = serve(&store, |command| {
        command.arg("--config").arg(&file);
    });
    assert_eq!(printed.code, Some(1));
    assert!(printed.err.contains("max_baklog"), "{}", printed.err);
    let printed = serve(&store, |command| {
        command.env("ROLLBOOK_MAX_BAKLOG", "7");
    });
    assert_eq!(printed.code, Some(1));
    assert!(printed.err.contains("max_baklog"), "{}", printed.err);
    let printed = serve(&store, |command| {
        command.args(["--config", "nowhere.toml"]);
    });
    assert_eq!(printed.code, Some(1));
    assert!(printed.err.starts_with("rollbook: nowhere.toml: "), "{}", printed.err);
}

#[test]
fn a_wrong_value_in_the_environment_is_refused_by_the_name_of_its_setting() {
    let store = Store::in_files();
    for key in keys(&run(program().arg("config")).out) {
        let wrong = match key {
            // Any text is a path; that there is such a place is seen when it is needed.
            "files" => continue,
            "database" => "/nowhere/rollbook.db",
            "log" => "rollbook=loud",
            _ => "nonsense",
        };
        let variable = format!("ROLLBOOK_{}", key.to_uppercase());
        let mut command = program();
        command
            .args(["serve"])
            .env("ROLLBOOK_DATABASE", &store.database)
            .env("ROLLBOOK_LISTEN", "127.0.0.1:0");
        let printed = run(command.env(&variable, wrong));
        assert_eq!(printed.code, Some(1), "{variable}={wrong}: {}", printed.err);
        let named = if key == "database" { wrong } else { key };
        assert!(printed.err.contains(named), "{variable}={wrong}: {}", printed.err);
        assert_eq!(printed.err.lines().count(), 1, "one sentence: {}", printed.err);
    }
    for key in ["max_in_flight", "max_connections", "max_body_bytes"] {
        let printed = serve(&store, |command| {
            command.env(format!("ROLLBOOK_{}", key.to_uppercase()), "0");
        });
        assert_eq!(printed.err, format!("rollbook: {key} must be at least 1\n"));
    }
}

#[test]
fn every_setting_is_taken_from_the_environment() {
    let store = Store::in_files();
    let database = store.database.display().to_string();
    let files = store.directory.path("files").display().to_string();
    let set = [
        ("LISTEN", "127.0.0.1:0"),
        ("PUBLIC_URL", "http://127.0.0.1:8080"),
        ("UNSUBSCRIBE_URL", "http://127.0.0.1:8081"),
        ("METRICS_LISTEN", "127.0.0.1:0"),
        // Empty is unset: TLS has tests of its own.
        ("TLS_CERTIFICATE", ""),
        ("TLS_KEY", ""),
        ("OTLP_ENDPOINT", "http://127.0.0.1:9"),
        ("OTLP_PERCENT", "50"),
        ("DATABASE", &database),
        ("WEBHOOK_ALLOW", "127.0.0.0/8,::1/128"),
        ("WEBHOOK_CA_FILE", ""),
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
        ("MAX_BODY_BYTES", "4000"),
        ("BODY_TIMEOUT_SECONDS", "1"),
        ("MAX_IN_FLIGHT", "1"),
        ("MAX_CONNECTIONS", "50"),
        ("MAX_BACKLOG", "0"),
        ("MAX_BACKLOG_MIB", "1"),
        ("HISTORY_DAYS", "1"),
        ("SUPPRESSION_HARD_DAYS", "1"),
        ("SUPPRESSION_UNDELIVERABLE_DAYS", "1"),
        ("CACHE_MIB", "1"),
        ("FILES", &files),
        ("MAX_UPLOAD_MIB", "1"),
        ("LOG", "info,rollbook=debug"),
        ("LOG_FORMAT", "json"),
    ];
    let file = run(program().arg("config")).out;
    assert_eq!(set.map(|(key, _)| key.to_lowercase())[..], keys(&file), "every setting is tried");
    let server = store.serve_with(|command| {
        command.envs(set.map(|(key, value)| (format!("ROLLBOOK_{key}"), value)));
    });
    let token = store.account("Shop").token;
    for line in server.log().lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("each line of the log is JSON");
    }
    assert!(server.log().contains("metrics: serving"));
    let list = wait_for("the new token to be known", || {
        (server.post("/v3/account/info", &token, &json!({})).status == 200).then(|| server.list(&token))
    });
    let update = json!({ "contactListId": list, "contacts": [{ "contact": "a" }] });
    let refused = server.post("/v3/contacts/update", &token, &update).json();
    assert_eq!(refused["details"][0]["code"], "BACKLOG_FULL");
    assert_eq!(server.post("/v3/account/info", &token, &json!({ "a": "a".repeat(4_000) })).status, 413);

    let body = json!({ "a": 1 }).to_string();
    let mut first = Wire::begin(server.address, "/v3/account/info", &token, &body).unwrap();
    let refused = server.post("/v3/account/info", &token, &json!({})).json();
    assert_eq!(refused["errors"], json!(["Too many concurrent requests, at most 1 are allowed"]));
    assert_eq!(first.read().expect("an answer").status, 408);
}

#[test]
fn a_store_is_served_by_one_process() {
    let store = Store::in_files();
    let server = store.serve();
    let printed = serve(&store, |_| {});
    assert_eq!(printed.code, Some(1));
    let path = store.database.display();
    let sentence = format!("rollbook: store unavailable: {path} is served by another process already\n");
    assert_eq!(printed.err, sentence);
    // The first is not disturbed, and once it is gone another takes its place.
    let token = store.account("Shop").token;
    server.ok("/v3/account/info", &token, &json!({}));
    server.kill();
    store.serve().ok("/v3/account/info", &token, &json!({}));
}

#[test]
fn an_address_that_is_taken_is_refused_in_a_sentence() {
    let (store, other) = (Store::in_files(), Store::in_files());
    let server = store.serve();
    let mut command = other.command(&["serve", "--listen", &server.address.to_string()]);
    let printed = run(&mut command);
    assert_eq!(printed.code, Some(1));
    let sentence = format!("rollbook: cannot listen on {}: ", server.address);
    assert!(printed.err.starts_with(&sentence), "{}", printed.err);
}

fn half(store: &Store, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", store.database.display()))
}

#[test]
fn a_store_with_a_missing_half_is_refused() {
    for (missing, there) in [("", ".intake"), (".intake", "")] {
        let store = Store::in_files();
        store.account("Shop");
        std::fs::remove_file(half(&store, missing)).unwrap();
        let sentence = format!(
            "rollbook: store damaged: {} is there, but its other half {} is missing\n",
            half(&store, there).display(),
            half(&store, missing).display()
        );
        assert_eq!(serve(&store, |_| {}).err, sentence);
        assert_eq!(store.run(&["account", "list"]).err, sentence);
        assert!(!half(&store, missing).exists(), "no empty half is made in its place");
    }
}

#[test]
fn halves_of_different_stores_are_refused() {
    let (store, other) = (Store::in_files(), Store::in_files());
    store.account("Shop");
    other.account("Other");
    std::fs::rename(half(&other, ".intake"), half(&store, ".intake")).unwrap();
    let sentence = format!(
        "rollbook: store damaged: {} and {} are halves of different stores\n",
        store.database.display(),
        half(&store, ".intake").display()
    );
    assert_eq!(serve(&store, |_| {}).err, sentence);
    assert_eq!(store.run(&["account", "list"]).err, sentence);
}

#[test]
fn the_files_of_a_store_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let store = Store::in_files();
    let server = store.serve();
    let account = store.account("Shop");
    let list = server.list(&account.token);
    let request = server.upsert(&account.token, &list, json!([{ "contact": "user@example.com" }]));
    server.processed(&account.token, &request);
    for suffix in ["", "-wal", "-shm", ".intake", ".intake-wal", ".intake-shm"] {
        let mode = std::fs::metadata(half(&store, suffix)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{suffix}: {mode:o}");
    }
}
