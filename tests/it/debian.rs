//! The Debian package: really built, and installed, started, used, removed and purged on a copy of this machine.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::harness::Directory;
use crate::process::run;
use crate::wire::Wire;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Builds the package around the program of this test run: one that is optimized would take minutes, and changes nothing
/// of what is tested here.
fn package(directory: &Directory) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the directory of targets");
    let tool = target.join("tools/bin/cargo-deb");
    assert!(tool.exists(), "{} is missing: ./test installs it", tool.display());
    // cargo-deb looks for what is built in the directory of its profile.
    let built = directory.path("target/dist");
    std::fs::create_dir_all(&built).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_rollbook"), built.join("rollbook")).unwrap();
    let mut shell = Command::new(root().join("ops/shell-files"));
    shell.arg(env!("CARGO_BIN_EXE_rollbook")).arg(built.join("shell"));
    assert_eq!(run(&mut shell).code, Some(0));
    let package = directory.path("rollbook.deb");
    let mut command = Command::new(tool);
    command.args(["--no-build", "--fast", "--strip", "--compress-system", "--output"]).arg(&package);
    command.current_dir(root()).env("CARGO_TARGET_DIR", directory.path("target"));
    let printed = run(&mut command);
    assert_eq!(printed.code, Some(0), "{}{}", printed.out, printed.err);
    package
}

/// The script that installs the package: what it prints, a line at a time.
struct Machine {
    script: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Machine {
    fn start(package: &Path, directory: &Directory) -> Self {
        let scratch = directory.path("scratch");
        std::fs::create_dir_all(&scratch).unwrap();
        let is_root = run(Command::new("id").arg("-u")).out.trim() == "0";
        let mut command = Command::new(if is_root { "unshare" } else { "sudo" });
        if !is_root {
            command.args(["--non-interactive", "unshare"]);
        }
        command.args(["--mount", "--pid", "--fork", "--kill-child", "timeout", "--foreground", "300", "sh"]);
        command.arg(root().join("tests/it/fixtures/debian.sh")).arg(package).arg(scratch);
        let mut script = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a script");
        let lines = BufReader::new(script.stdout.take().expect("what it prints")).lines();
        Self { script, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("the script goes on").expect("text")
    }

    /// What stands behind this word on the next line.
    fn told(&mut self, word: &str) -> String {
        let line = self.line();
        let told = line.strip_prefix(word).and_then(|line| line.strip_prefix(' '));
        told.unwrap_or_else(|| panic!("{word}: {line}")).to_owned()
    }

    fn facts(&mut self, title: &str, facts: &[&str]) {
        assert_eq!(self.line(), format!("== {title}"));
        for fact in facts {
            assert_eq!(self.line(), *fact, "{title}");
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

const PROGRAM: &str = "/usr/bin/rollbook root:root 755";
const NO_PROGRAM: &str = "/usr/bin/rollbook is not there";
const SETTINGS: &str = "/etc/rollbook/rollbook.toml root:rollbook 640";
const NO_SETTINGS: &str = "/etc/rollbook/rollbook.toml is not there";
const STATE: &str = "/var/lib/rollbook rollbook:rollbook 700";
const NO_STATE: &str = "/var/lib/rollbook is not there";
const STORE: &str = "/var/lib/rollbook/rollbook.db rollbook:rollbook 600";
const NO_STORE: &str = "/var/lib/rollbook/rollbook.db is not there";
const STARTS: &str = "/etc/systemd/system/multi-user.target.wants/rollbook.service root:root 777";
const STARTS_NOT: &str = "/etc/systemd/system/multi-user.target.wants/rollbook.service is not there";
const USER: &str = "rollbook:/var/lib/rollbook:/usr/sbin/nologin";

/// Sends a batch to a server as its users do.
fn use_it(address: std::net::SocketAddr, token: &str) {
    let mut wire = Wire::open(address).expect("the server listens");
    wire.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    assert_eq!(wire.read().expect("an answer").json(), json!({ "result": true, "errors": [] }));
    let mut ok = |path: &str, body: Value| {
        let reply = wire.post(path, token, &body).expect("an answer");
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    };
    let list =
        ok("/v3/contact-list/create", json!({ "contactListName": "Customers" }))["contactListId"].clone();
    let contacts = json!([{ "contact": "user@example.com", "firstName": "Jo" }]);
    let update = json!({ "contactListId": list, "upsert": true, "contacts": contacts });
    let request = ok("/v3/contacts/update", update)["requestId"].clone();
    let get = json!({ "contactListId": list, "email": "user@example.com", "waitFor": request });
    assert_eq!(ok("/v3/contact/get", get)["contact"]["firstName"], "Jo");
}

/// Pages lie as they do in the project, so that their links lead somewhere. Manual pages and completions lie where the
/// shells look for them.
fn holds_every_page_of_the_documentation(package: &Path) {
    let listed = run(Command::new("dpkg-deb").arg("--contents").arg(package)).out;
    let shell = [
        "man/man1/rollbook.1",
        "man/man1/rollbook-list-create.1",
        "bash-completion/completions/rollbook",
        "zsh/vendor-completions/_rollbook",
        "fish/vendor_completions.d/rollbook.fish",
    ];
    for path in shell {
        // cargo-deb compresses manual pages, but not if it is to be fast.
        let path = format!(" ./usr/share/{path}");
        let there = |line: &str| line.trim_end_matches(".gz").ends_with(&path);
        assert!(listed.lines().any(there), "{path}");
    }
    for page in crate::docs::pages() {
        // dpkg-deb may have compressed a changelog.
        let path = format!(" ./usr/share/doc/rollbook/{}", page.display());
        assert!(
            listed.lines().any(|line| line.ends_with(&path) || line.ends_with(&format!("{path}.gz"))),
            "{path}"
        );
    }
}

#[test]
fn the_package_installs_a_service_and_takes_away_all_but_the_contacts() {
    let directory = Directory::new();
    let package = package(&directory);
    holds_every_page_of_the_documentation(&package);
    let mut machine = Machine::start(&package, &directory);
    machine.facts("installed", &[PROGRAM, SETTINGS, STATE, NO_STORE, STARTS, USER]);

    let account: Value = serde_json::from_str(&machine.told("account")).expect("an account");
    let address = machine.told("address").parse().expect("an address");
    use_it(address, account["accessToken"].as_str().expect("a token"));
    writeln!(machine.script.stdin.take().expect("its input"), "stop").unwrap();
    assert_eq!(machine.line(), "stopped with 0");

    machine.facts("removed", &[NO_PROGRAM, SETTINGS, STATE, STORE, STARTS, USER]);
    let told = machine.told("purge says:");
    assert!(told.contains("the contacts in /var/lib/rollbook are kept"), "{told}");
    machine.facts("purged", &[NO_PROGRAM, NO_SETTINGS, STATE, STORE, STARTS_NOT, USER]);
    machine.facts("purged without data", &[NO_PROGRAM, NO_SETTINGS, NO_STATE, NO_STORE, STARTS_NOT]);
    assert!(machine.lines.next().is_none(), "neither files nor user are left");
    assert!(machine.script.wait().expect("it ends").success());
}
