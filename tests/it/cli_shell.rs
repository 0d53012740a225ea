//! The program in a shell: completions, manual pages, exit codes, pipes, hints.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::harness::Directory;
use crate::process::{Store, program, run};

#[test]
fn completions_are_made_for_the_shells_that_the_package_has() {
    for (shell, word) in
        [("bash", "complete -F"), ("zsh", "#compdef rollbook"), ("fish", "complete -c rollbook")]
    {
        let printed = run(program().args(["completions", shell]));
        assert_eq!((printed.code, printed.err.as_str()), (Some(0), ""));
        assert!(printed.out.contains(word) && printed.out.contains("suppression"), "{shell}");
    }
    // Bash itself reads them, and completes a command below a command.
    let script = "eval \"$(\"$1\" completions bash)\"; COMP_WORDS=(rollbook list re); COMP_CWORD=2; \
                  _rollbook rollbook re list; echo \"${COMPREPLY[@]}\"";
    let told = run(Command::new("bash").args(["-c", script, "bash", env!("CARGO_BIN_EXE_rollbook")]));
    assert_eq!(told.out.trim(), "rename remove", "{}", told.err);
    assert_eq!(run(program().args(["completions", "csh"])).code, Some(2));
}

#[test]
fn every_command_has_a_manual_page() {
    fn names(command: &clap::Command, name: &str, all: &mut Vec<String>) {
        all.push(format!("{name}.1"));
        for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
            names(below, &format!("{name}-{}", below.get_name()), all);
        }
    }
    let directory = Directory::new();
    let path = directory.path("man1");
    let printed = run(program().args(["man", "--dir"]).arg(&path));
    assert_eq!((printed.code, printed.out.as_str(), printed.err.as_str()), (Some(0), "", ""));
    let mut expected = Vec::new();
    names(&rollbook::cli::command(), "rollbook", &mut expected);
    let mut written: Vec<_> = std::fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    expected.sort();
    written.sort();
    assert_eq!(written, expected);
    let page = std::fs::read_to_string(path.join("rollbook-list-rename.1")).unwrap();
    assert!(page.contains("rename") && page.contains("5d9155bad132d5f45a4e38b1"), "{page}");
    assert!(run(program().arg("man")).out.starts_with(".ie"));
    // An error names the file.
    std::fs::write(directory.path("file"), "").unwrap();
    let failed = run(program().args(["man", "--dir"]).arg(directory.path("file")));
    assert_eq!(failed.code, Some(1));
    assert!(
        failed.err.starts_with(&format!("rollbook: {}: ", directory.path("file").display())),
        "{}",
        failed.err
    );
}

#[test]
fn a_near_miss_gets_a_hint() {
    for (arguments, hint) in [
        (&["lst", "ls"][..], "'list'"),
        (&["list", "renam"], "'rename'"),
        (&["serve", "--databse", "x"], "'--database'"),
        (&["export", "--format", "json"], "'jsonl'"),
    ] {
        let printed = run(program().args(arguments));
        assert_eq!(printed.code, Some(2), "{arguments:?}");
        assert!(
            printed.err.contains("similar") && printed.err.contains(hint),
            "{arguments:?}: {}",
            printed.err
        );
    }
}

#[test]
fn a_reader_that_closes_the_pipe_is_no_error() {
    let store = Store::new();
    let (server, token) = (store.serve(), store.account("Shop").token);
    let list = server.list(&token);
    let mut last = String::new();
    for batch in 0..40 {
        // Larger than a pipe holds, so that the command meets the closed end.
        let contacts: Vec<_> = (0..100)
            .map(|row| json!({ "contact": format!("u{batch}-{row}"), "name": "x".repeat(200) }))
            .collect();
        last = server.upsert(&token, &list, json!(contacts));
    }
    server.processed(&token, &last);
    let url = format!("http://{}", server.address);
    for arguments in
        [&["export"][..], &["export", "--format", "jsonl"], &["follow", "--once", "--after", "start"]]
    {
        let mut command = program();
        command
            .args(arguments)
            .args(["--list", &list, "--quiet"])
            .env("ROLLBOOK_URL", &url)
            .env("ROLLBOOK_TOKEN", &token);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut told = String::new();
        child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        assert_eq!((child.wait().unwrap().code(), told.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(line.len() > 10, "{arguments:?}: {line}");
    }
}

#[test]
fn an_output_that_is_full_is_an_error() {
    // Writing to this device fails as writing to a full disk does.
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = program().arg("config").stdout(full).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(told.starts_with("rollbook: standard output: "), "{told}");
}

#[test]
fn quiet_leaves_out_notes_and_keeps_results_and_errors() {
    let store = Store::new();
    let (server, token) = (store.serve(), store.account("Shop").token);
    let list = server.list(&token);
    let last = server.upsert(&token, &list, json!([{ "contact": "u1" }]));
    server.processed(&token, &last);
    let export = |more: &[&str]| {
        let mut command = program();
        command.args(["export", "--list", &list, "--format", "jsonl"]).args(more);
        run(command.env("ROLLBOOK_URL", format!("http://{}", server.address)).env("ROLLBOOK_TOKEN", &token))
    };
    assert_eq!(export(&[]).err, "1 contacts\n");
    let quiet = export(&["-q"]);
    assert_eq!((quiet.code, quiet.err.as_str(), quiet.out.lines().count()), (Some(0), "", 1));
    let wrong = export(&["-q", "--source", "x", "--updated-since", "tomorrow"]);
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.err.starts_with("rollbook: /v3/contacts/find: "), "{}", wrong.err);
}

#[test]
fn users_are_listed_by_account() {
    let store = Store::new();
    let (shop, other) = (store.account("Shop"), store.account("Other"));
    let all = store.ok(&["user", "list"]);
    assert_eq!(all.lines().count(), 2);
    assert!(all.contains(&shop.id) && all.contains(&other.id), "{all}");
    let one = store.ok(&["user", "list", "--account", &shop.id, "--json"]);
    let user: serde_json::Value = serde_json::from_str(&one).expect("one object");
    let expected = json!({
        "userId": user["userId"], "accountId": shop.id, "name": user["name"], "role": "owner", "address": null,
        "enabled": true,
    });
    assert_eq!(user, expected);
    let absent = store.run(&["user", "list", "--account", "0123456789abcdef01234567"]);
    assert_eq!(
        (absent.code, absent.err.as_str()),
        (Some(1), "rollbook: there is no account 0123456789abcdef01234567\n")
    );
}
