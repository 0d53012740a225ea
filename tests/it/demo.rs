//! `rollbook demo`: what it prints can be done.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::harness::Directory;
use crate::process::{program, run, signal, wait_for};

/// A demo that has told its story.
struct Demo {
    child: Child,
    told: String,
}

impl Demo {
    /// Runs it until it stays up for the user's own tries.
    fn run(directory: &Path) -> Self {
        let mut command = program();
        command.arg("demo").arg(directory).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut told = String::new();
        for line in BufReader::new(child.stdout.take().expect("a pipe")).lines() {
            let line = line.expect("text");
            told.push_str(&line);
            told.push('\n');
            if line.starts_with("It stays up until you press Ctrl-C.") {
                return Self { child, told };
            }
        }
        panic!("the demo has ended with {:?} before its end: {told}", child.wait());
    }

    /// The line that it gives the user to try.
    fn curl(&self) -> &str {
        let (_, curl) = self.told.split_once("Now you:\n\n").expect("the part for the user");
        curl.split_once("\n\n").expect("its end").0
    }

    /// Asks it to end, as Ctrl-C does, and returns its exit code.
    fn end(mut self) -> Option<i32> {
        signal(&self.child, "TERM");
        wait_for("the demo to end", || self.child.try_wait().expect("a child")).code()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status and the answer of a line that the demo printed, run as a user runs it.
fn try_out(line: &str) -> (String, Value) {
    assert!(
        Command::new("curl").arg("--version").output().is_ok_and(|curl| curl.status.success()),
        "this test needs curl: apt-get install curl"
    );
    let tried = run(Command::new("sh").args(["-c", &format!("{line} -sS -w '\\n%{{http_code}}'")]));
    assert_eq!(tried.code, Some(0), "{line}: {}", tried.err);
    let (answer, status) = tried.out.rsplit_once('\n').expect("two parts");
    (status.to_owned(), serde_json::from_str(answer).expect("JSON"))
}

#[test]
fn the_demo_shows_the_path_of_a_batch_and_its_curl_line_works() {
    let directory = Directory::new();
    let demo = Demo::run(&directory.path("demo"));
    for part in [
        "1. The request",
        "\"contactGender \": 2",
        "2. The answer",
        "3. What became of it",
        "(verified)",
        "\"action\": \"created\"",
        "4. The contact, read back",
        "\"contactTimezone\": \"Europe/Tallinn\"",
    ] {
        assert!(demo.told.contains(part), "{part}: {}", demo.told);
    }
    let (status, mut answer) = try_out(demo.curl());
    assert!(answer["requestId"].take().is_string());
    assert_eq!(
        (status.as_str(), answer),
        ("200", json!({ "result": true, "requestId": null, "errors": [] }))
    );
    assert_eq!(demo.end(), Some(0));
}

#[test]
fn a_second_demo_in_the_same_directory_finds_everything() {
    let directory = Directory::new();
    let path = directory.path("demo");
    assert_eq!(Demo::run(&path).end(), Some(0));
    let demo = Demo::run(&path);
    // The contact of the first run is there, and what the second asks for changes nothing.
    assert!(demo.told.contains("\"action\": \"unchanged\""), "{}", demo.told);
    assert_eq!(try_out(demo.curl()).0, "200");
    assert_eq!(demo.end(), Some(0));
}
