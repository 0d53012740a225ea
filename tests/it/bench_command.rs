//! `rollbook bench`: what it reports is what the server holds, and what goes wrong is said.

use std::time::Duration;

use bench::target::Place;
use bench::{Plan, Run, Workload};
use serde_json::{Value, json};

use crate::harness::Directory;
use crate::process::{Account, Printed, Process, Store, program, run};

fn bench(arguments: &[&str]) -> Printed {
    run(program().arg("bench").args(arguments))
}

/// A run that must succeed, and its report.
fn report(arguments: &[&str]) -> Value {
    let printed = bench(&[&["--json"], arguments].concat());
    assert_eq!(printed.code, Some(0), "{}{}", printed.out, printed.err);
    serde_json::from_str(&printed.out).expect("one JSON object")
}

fn failed(arguments: &[&str]) -> String {
    let printed = bench(arguments);
    assert_eq!((printed.code, printed.out.as_str()), (Some(1), ""));
    printed.err
}

fn url(server: &Process) -> String {
    format!("http://{}", server.address)
}

fn requests(server: &Process, account: &Account) -> u64 {
    let found = server.ok("/v3/request/list", &account.token, &json!({ "status": "processed", "limit": 1 }));
    found["totalCount"].as_u64().expect("a number")
}

/// A short run on a server that runs already; its lists are kept.
fn short_run(server: &Process, account: &Account, arguments: &[&str]) -> Value {
    let url = url(server);
    let to = ["--url", &url, "--token", &account.token, "--keep", "--connections", "2", "--seconds", "1"];
    report(&[&to[..], arguments].concat())
}

#[test]
fn what_it_reports_is_what_the_server_holds() {
    let store = Store::new();
    let (account, server) = (store.account("Bench"), store.serve());
    let load = ["--contacts", "240", "--lists", "2", "--batch", "20", "--workload", "insert,update,mixed"];
    let report = short_run(&server, &account, &load);
    let names: Vec<_> = report["phases"].as_array().unwrap().iter().map(|phase| &phase["name"]).collect();
    assert_eq!(names, ["insert", "update", "mixed"]);
    let count = |phase: usize, key: &str| report["phases"][phase][key].as_u64().expect("a number");
    assert_eq!((count(0, "contacts"), count(0, "requests")), (240, 12));
    assert_eq!((count(1, "contacts"), count(1, "retries")), (count(1, "requests") * 20, 0));
    assert_eq!((report["contacts"].clone(), report["checks"]["failures"].clone()), (json!(240), json!([])));
    assert_eq!(requests(&server, &account), (0..3).map(|phase| count(phase, "requests")).sum::<u64>());
    // One in five of the mixed load is new: the numbers of contacts count on, list by list.
    let new = count(2, "contacts") / 5;
    let there = |n: u64| {
        let list = report["lists"][(n % 2) as usize].as_str().expect("an id");
        !server.contact(&account.token, list, &format!("user-{n}")).is_null()
    };
    let made = (240..).step_by(2).take_while(|n| there(*n)).count()
        + (241..).step_by(2).take_while(|n| there(*n)).count();
    assert!(new > 0);
    assert_eq!((there(0), there(239), made as u64), (true, true, new));
}

#[test]
fn a_server_that_is_not_its_own_is_left_as_it_was() {
    let store = Store::new();
    let (account, server) = (store.account("Bench"), store.serve());
    let url = url(&server);
    let load = ["--contacts", "100", "--seconds", "1", "--workload", "insert"];
    report(&[&["--url", &url, "--token", &account.token], &load[..]].concat());
    for path in ["/v3/contact-list/find", "/v3/contact-source/find"] {
        assert_eq!(server.ok(path, &account.token, &json!({}))["data"], json!([]), "{path}");
    }
}

#[test]
fn a_server_of_its_own_is_measured_whole_and_thrown_away() {
    let directory = Directory::new();
    let (drawing, scratch) = (directory.path("rates.svg"), directory.path("scratch"));
    let [plot, dir] = [&drawing, &scratch].map(|path| path.to_str().expect("a path"));
    let load = ["--contacts", "100", "--seconds", "1", "--workload", "half", "--keep-names"];
    let report = report(&[&["--plot", plot, "--dir", dir], &load[..]].concat());
    let names: Vec<_> = report["phases"].as_array().unwrap().iter().map(|phase| &phase["name"]).collect();
    assert_eq!(names, ["insert", "update", "half"]);
    let half = &report["phases"][2];
    for key in ["offeredPerSecond", "serverMicrosPerContact", "peakRssBytes", "appliedPerSecond"] {
        assert!(half[key].as_f64().is_some_and(|value| value > 0.0), "{key}: {half}");
    }
    for key in ["accept", "acceptedToApplied", "fdatasync", "late"] {
        assert!(half[key]["samples"].as_u64().is_some_and(|count| count > 0), "{key}: {half}");
        assert!(half[key]["p50"].as_f64() <= half[key]["p999"].as_f64(), "{key}: {half}");
    }
    assert!(half["disk"]["bytesPerContact"].as_f64().is_some_and(|bytes| bytes > 0.0));
    let tables = half["disk"]["tables"].as_array().expect("tables");
    assert!(tables.iter().any(|table| table[0] == "contact"), "{tables:?}");
    assert!(report["server"]["startSeconds"].as_f64().is_some_and(|seconds| seconds > 0.0));
    let drawing = std::fs::read_to_string(drawing).expect("the drawing");
    assert!(drawing.starts_with("<svg ") && drawing.ends_with("</svg>\n"));
    assert_eq!(drawing.matches("<polyline").count(), 3);
    assert_eq!(std::fs::read_dir(scratch).expect("the parent stays").count(), 0);
}

/// Loads of a tenth of a second, in this process.
#[test]
fn following_and_flags_are_measured_and_each_change_is_followed_once() {
    let store = Store::new();
    let account = store.account("Bench");
    let server = store.serve_with(|command| {
        command.args(["--webhook-allow", "127.0.0.0/8"]);
    });
    let place =
        Place { addresses: vec![server.address], tokens: vec![account.token], process: None, database: None };
    let plan = Plan {
        workloads: vec![Workload::Flags, Workload::Follow],
        contacts: 100,
        lists: 2,
        connections: 2,
        batch: 20,
        duration: Duration::from_millis(100),
        rate: None,
        keep: true,
        keep_names: false,
        name: "Follow".to_owned(),
    };
    let mut run = Run::start(place, plan).expect("a run");
    run.all().expect("figures");
    let report = run.finish().expect("a report");
    assert_eq!(report.failures(), Vec::<String>::new());
    let report = serde_json::to_value(&report).expect("JSON");
    let what: Vec<_> =
        report["comparisons"].as_array().expect("two").iter().map(|one| &one["what"]).collect();
    assert_eq!(what, ["updates that change a flag", "updates with a follower"]);
    for comparison in report["comparisons"].as_array().expect("two") {
        assert!(comparison["rateRatio"].as_f64().is_some_and(|ratio| ratio > 0.0), "{comparison}");
    }
    let follow = &report["follow"];
    let includes: Vec<_> =
        follow["reading"].as_array().expect("three").iter().map(|one| &one["include"]).collect();
    assert_eq!(includes, ["ids", "changes", "contact"]);
    for reading in follow["reading"].as_array().expect("three") {
        assert!(reading["changes"].as_u64().is_some_and(|changes| changes > 0), "{reading}");
    }
    for latency in ["appliedToFollower", "acceptedToFollower"] {
        assert!(follow[latency]["samples"].as_u64().is_some_and(|count| count > 0), "{follow}");
    }
    let events = follow["events"].as_array().expect("three");
    assert!(events.len() == 3 && events.iter().all(|one| one["events"].as_u64() > Some(0)), "{events:?}");
}

#[test]
fn overload_is_refused_and_gets_by() {
    let store = Store::new();
    let account = store.account("Bench");
    let server = store.serve_with(|command| {
        command.env("ROLLBOOK_MAX_BACKLOG", "1");
    });
    let printed = bench(&[
        "--url",
        &url(&server),
        "--token",
        &account.token,
        "--connections",
        "2",
        "--contacts",
        "100",
        "--seconds",
        "1",
        "--rate",
        "100000",
        "--workload",
        "overload",
        "--json",
    ]);
    let report: Value = serde_json::from_str(&printed.out).expect("one JSON object");
    let phase = &report["phases"][1];
    assert!(phase["refused"].as_u64().is_some_and(|refused| refused > 0), "{phase}");
    assert_eq!((&phase["badlyRefused"], &report["checks"]["failures"]), (&json!(0), &json!([])));
    // Whether a machine under test is fast enough for the bounds is not ours to say; that it is said is.
    let broken =
        report["overload"].as_array().unwrap().iter().filter(|verdict| verdict["holds"] == false).count();
    let (code, sentence) = match broken {
        0 => (0, String::new()),
        count => (4, format!("rollbook: {count} check(s) failed: see the report\n")),
    };
    assert_eq!(printed.code, Some(code));
    assert!(printed.err.ends_with(&sentence), "{}", printed.err);
}

#[test]
fn what_goes_wrong_is_said() {
    let store = Store::new();
    let (account, server) = (store.account("Bench"), store.serve());
    let url = url(&server);
    let wrong = format!("{}x", account.token);
    assert_eq!(
        failed(&["--url", &url, "--token", &wrong]),
        "rollbook: /v3/contact-list/create was answered 401: Invalid authorization token!\n"
    );
    let said = failed(&["--url", &url, "--token", &account.token, "--contacts", "3"]);
    assert_eq!(said, "rollbook: each list needs 8 contacts, one for each connection\n");
    let said = failed(&["--url", "https://example.com", "--token", "x"]);
    assert_eq!(
        said,
        "rollbook: https://example.com: only http is spoken: give the server's own address, behind any proxy\n"
    );
    let address = server.address;
    server.kill();
    let said = failed(&["--url", &url, "--token", &account.token]);
    assert!(said.starts_with(&format!("rollbook: no server at {address}: ")), "{said}");
}
