//! `rollbook demo`: a stranger sees the way in, people, and the path of a batch; its line can be tried.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::harness::Directory;
use crate::process::{program, run, signal, wait_for};
use crate::wire::Wire;

/// A demo that has printed its report.
struct Demo {
    child: Child,
    shown: String,
}

impl Demo {
    /// Runs it until it serves for the user's own tries.
    fn run(directory: &Path, flags: &[&str]) -> Self {
        let mut command = program();
        command.arg("demo").arg(directory).args(flags).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut shown = String::new();
        for line in BufReader::new(child.stdout.take().expect("a pipe")).lines() {
            let line = line.expect("text");
            shown.push_str(&line);
            shown.push('\n');
            if line.starts_with("Rollbook serves until you press Ctrl-C.") {
                return Self { child, shown };
            }
        }
        panic!("the demo has ended with {:?} before its end: {shown}", child.wait());
    }

    /// The line that it gives the user to try.
    fn curl(&self) -> &str {
        let (_, curl) = self.shown.split_once("Now you:\n\n").expect("the part for the user");
        curl.split_once("\n\n").expect("its end").0
    }

    /// Calls a method with the token of its line.
    fn post(&self, path: &str, body: &Value) -> Value {
        let part = |start: &str, end: &str| {
            let (_, rest) = self.curl().split_once(start).expect(start);
            rest.split_once(end).expect(end).0.to_owned()
        };
        let (address, token) = (part("http://", "/"), part("Access-Token: ", "'"));
        let address = address.parse().expect("an address");
        let mut wire = Wire::open(address).expect("a connection");
        wire.post(path, &token, body).expect("an answer").json()
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
fn the_demo_shows_the_way_in_and_the_example_in_a_few_lines() {
    let directory = Directory::new();
    let demo = Demo::run(&directory.path("demo"), &[]);
    let lines: Vec<_> = demo.shown.lines().filter(|line| !line.is_empty()).collect();
    assert!((15..=20).contains(&lines.len()), "{} lines: {}", lines.len(), demo.shown);
    let link = lines[0].strip_prefix("Console     ").expect("the sign-in link first");
    let page = run(Command::new("curl").args(["-sS", "-o", "/dev/null", "-w", "%{http_code}", link]));
    assert_eq!(page.out, "200", "{link}");
    for part in [
        "Customers   1200 invented people",
        "Newsletter  800 people, imported from a file; 9 rows failed",
        "1 webhook failed",
        "  answer    {\"result\":true,\"requestId\":\"",
        "  webhook   created, signature verified",
        "  contact   John Doe, user@example.com, +15555555, myUserId",
    ] {
        assert!(demo.shown.contains(part), "{part}: {}", demo.shown);
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
fn the_store_of_the_demo_has_what_its_report_claims() {
    let directory = Directory::new();
    let demo = Demo::run(&directory.path("demo"), &[]);
    let lists = demo.post("/v3/contact-list/find", &json!({}));
    assert_eq!(lists["totalCount"], 2, "{lists}");
    let mut people = std::collections::HashMap::new();
    for list in lists["data"].as_array().expect("lists") {
        let (mut count, mut after) = (0, Value::Null);
        loop {
            let page = json!({ "contactListId": list["contactListId"], "limit": 1000, "after": after });
            let page = demo.post("/v3/contacts/find", &page);
            count += page["data"].as_array().unwrap_or_else(|| panic!("contacts: {page}")).len();
            after = page["next"].clone();
            if after.is_null() {
                break;
            }
        }
        people.insert(list["contactListName"].as_str().expect("a name").to_owned(), count);
    }
    let customers = lists["data"].as_array().expect("lists").iter();
    let mut customers = customers.filter(|list| list["contactListName"] == "Customers");
    let of_customers = json!({ "contactListId": customers.next().expect("the list")["contactListId"] });
    let segments = demo.post("/v3/segment/find", &of_customers);
    let segments: Vec<_> = segments["data"].as_array().expect("segments").iter().collect();
    assert_eq!(segments.len(), 2);
    for segment in segments {
        let mut one = of_customers.clone();
        (one["segmentId"], one["count"]) = (segment["segmentId"].clone(), json!(true));
        let got = demo.post("/v3/segment/get", &one);
        assert!(got["totalCount"].as_u64().is_some_and(|count| count > 100), "{got}");
    }
    // And the contact of the example.
    assert_eq!((people["Customers"], people["Newsletter"]), (1_201, 800));
    let requests = demo.post("/v3/request/list", &json!({ "limit": 100 }));
    let sources: Vec<_> = requests["data"].as_array().expect("requests").iter().collect();
    let of = |source: &str| sources.iter().filter(|request| request["source"] == source).count();
    assert_eq!((of("contacts/remove"), of("request/undo")), (1, 1));
    // A week of activity, in its order, up to now.
    let times: Vec<_> =
        sources.iter().map(|request| request["createdAt"].as_str().expect("a time")).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
    let days: std::collections::HashSet<_> = times.iter().map(|time| &time[..10]).collect();
    assert!((6..=8).contains(&days.len()), "{days:?}");
    let failed = sources.iter().filter(|request| request["webHook"]["status"] == "failed").count();
    assert_eq!(failed, 1, "{requests}");
    assert_eq!(demo.end(), Some(0));
}

#[test]
fn a_second_demo_in_the_same_directory_finds_everything_and_shows_it_in_full() {
    let directory = Directory::new();
    let path = directory.path("demo");
    assert_eq!(Demo::run(&path, &[]).end(), Some(0));
    let demo = Demo::run(&path, &["--verbose"]);
    // The contact of the first run is there, and the example changes nothing.
    for part in [
        "1. The request",
        "\"contactGender \": 2",
        "2. The answer",
        "3. The result of each contact",
        "(verified)",
        "\"action\": \"unchanged\"",
        "4. The contact, read by",
        "\"contactTimezone\": \"Europe/Tallinn\"",
    ] {
        assert!(demo.shown.contains(part), "{part}: {}", demo.shown);
    }
    assert_eq!(try_out(demo.curl()).0, "200");
    assert_eq!(demo.end(), Some(0));
}
