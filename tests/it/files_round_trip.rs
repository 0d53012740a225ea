//! What is exported and imported again is the same; and workbooks.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::files::Office;
use crate::harness::FLAGS;
use crate::process::run;

/// A text that may hold anything that a table or a spreadsheet finds special.
fn text() -> impl Strategy<Value = String> {
    let special = prop_oneof![
        Just("=1+1"),
        Just("+"),
        Just("-a"),
        Just("@x"),
        Just("'"),
        Just("''=x"),
        Just("\""),
        Just(","),
        Just(";"),
        Just("\n"),
        Just("\r\n"),
        Just("\t"),
        Just("ö"),
        Just("漢"),
        Just("😀"),
        Just(" "),
        Just("\u{feff}"),
        Just("＝1"),
        Just("0"),
        Just("-5"),
        Just("+372"),
        Just("a"),
    ];
    prop::collection::vec(special, 1..5).prop_map(|parts| parts.concat())
}

fn maybe(text: impl Strategy<Value = String>) -> impl Strategy<Value = Option<String>> {
    prop::option::of(text)
}

prop_compose! {
    fn contact()(
        names in [maybe(text()), maybe(text()), maybe(text())],
        variables in [maybe(text()), maybe(text())],
        flags in any::<[bool; 7]>(),
        zone in maybe(prop_oneof![Just("Europe/Tallinn".to_owned()), Just("-03:00".to_owned()), Just("+02".to_owned())]),
        birthday in maybe("[12][0-9]{3}-0[1-9]-[12][0-8]"),
        score in prop::option::of(any::<i64>()),
        gender in prop::sample::select(vec![0, 1, 2, 9]),
        language in maybe(prop_oneof![Just("et".to_owned()), Just("DE".to_owned())]),
        link in maybe(Just("https://example.com/ö?a=b,c".to_owned())),
        cac in prop::option::of(1_u32..100_000),
        source in prop::option::of(any::<bool>()),
        phone in prop::option::of(1_000_000_u32..9_999_999),
    ) -> (Map<String, Value>, Option<u32>, Option<bool>) {
        let mut contact = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value { contact.insert(key.to_owned(), value); }
        };
        for (key, value) in ["name", "firstName", "lastName"].iter().zip(names) {
            put(key, value.map(Value::from));
        }
        for (key, flag) in FLAGS.iter().zip(flags) {
            put(key, Some(flag.into()));
        }
        put("contactTimezone", zone.map(Value::from));
        put("contactBirthday", birthday.map(Value::from));
        put("contactScore", score.map(Value::from));
        put("contactGender", Some(gender.into()));
        put("contactLanguage", language.map(Value::from));
        for key in ["avatarLink", "facebookLink", "instagramLink", "linkedInLink", "twitterLink", "tiktokLink"] {
            put(key, link.clone().map(Value::from));
        }
        put("cac", cac.map(|cents| json!({ "value": f64::from(cents) / 100.0, "currency": "EUR" })));
        let values = ["newVariableName", "lastBatch"].iter().zip(variables);
        let values: Vec<_> =
            values.filter_map(|(name, value)| Some(json!({ "name": name, "value": value? }))).collect();
        put("variables", Some(values.into()));
        (contact, phone, source)
    }
}

/// Contacts without what is the server's own, in the order of their addresses: batches in flight may be accepted in
/// any order.
fn own(contacts: Vec<Value>) -> Vec<Value> {
    let times = |mut contact: Value| {
        let members = contact.as_object_mut().expect("an object");
        members.remove("createdAt").expect("a time");
        members.remove("updatedAt").expect("a time");
        contact
    };
    let mut contacts: Vec<_> = contacts.into_iter().map(times).collect();
    contacts.sort_by_key(|contact| contact["email"].to_string());
    contacts
}

#[test]
fn what_is_exported_and_imported_again_is_the_same() {
    let office = Office::open();
    let token = &office.account.token;
    let source =
        json!({ "name": "=Fair", "customerSourceId": "fair1", "cac": { "value": 3, "currency": "USD" } });
    let source = office.server.ok("/v3/contact-source/add", token, &source)["sourceId"].clone();
    let mut runner = TestRunner::new(Config {
        cases: 12,
        max_shrink_iters: 0,
        failure_persistence: None,
        ..Config::default()
    });
    let strategy = prop::collection::vec((contact(), "[ =+@'a,;\"ö-]{0,5}"), 1..150);
    runner
        .run(&strategy, |contacts| {
            let list = office.server.list(token);
            let made = contacts.into_iter().enumerate().map(|(place, ((mut contact, phone, from), id))| {
                contact.insert("contact".to_owned(), json!(format!("{id}{place}")));
                contact.insert("email".to_owned(), json!(format!("u{place}@example.com")));
                if let Some(phone) = phone {
                    contact.insert("phoneNumber".to_owned(), json!(format!("+{phone}{place:03}")));
                }
                match from {
                    Some(true) => {
                        contact.insert("sourceId".to_owned(), source.clone());
                    }
                    Some(false) => {
                        contact.insert("customerSourceId".to_owned(), json!("fair1"));
                    }
                    None => {}
                }
                contact
            });
            let made: Vec<_> = made.collect();
            let mut last = String::new();
            for some in made.chunks(100) {
                last = office.server.upsert(token, &list, json!(some));
            }
            office.server.processed(token, &last);
            let before = office.contacts(&list);
            prop_assert_eq!(before.len(), made.len());
            let table = office.export(&list, &[]);
            for cell in csv::Reader::from_reader(table.as_bytes())
                .records()
                .flat_map(|row| row.expect("a row").iter().map(str::to_owned).collect::<Vec<_>>())
            {
                let number = cell.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit());
                prop_assert!(
                    number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝']),
                    "{:?}",
                    cell
                );
            }
            office.file("table.csv", &table);
            let other = office.server.list(token);
            let printed = run(&mut office.command("import", &other, &["table.csv"]));
            prop_assert_eq!(printed.code, Some(0), "{}", printed.err);
            prop_assert_eq!(own(office.contacts(&other)), own(before));
            // And once more into the list that it is from: nothing changes.
            let printed = run(&mut office.command("import", &list, &["table.csv", "--empty-clears"]));
            let rows = made.len();
            let told = format!("{rows} rows: 0 created, 0 updated, {rows} unchanged, 0 failed\n");
            prop_assert!(printed.out == told || source_cost(&made), "{} {}", printed.out, printed.err);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

/// A contact that shows what its source cost gets that as its own cost: that is a change.
fn source_cost(made: &[Map<String, Value>]) -> bool {
    made.iter().any(|contact| {
        !contact.contains_key("cac")
            && (contact.contains_key("sourceId") || contact.contains_key("customerSourceId"))
    })
}

#[test]
fn an_apostrophe_that_somebody_else_has_put_stays() {
    let office = Office::open();
    office.file("theirs.csv", "userId,name\nu1,'=1+1\nu2,'tis\n");
    office.imported(&["theirs.csv"]);
    assert_eq!(office.contact("u1")["name"], "'=1+1");
    assert_eq!(office.contact("u2")["name"], "'tis");
    let table = office.export(&office.list, &[]);
    assert!(table.contains("''=1+1") && table.contains("'tis") && !table.contains("''tis"), "{table}");
}

#[test]
fn an_exported_workbook_imports_as_the_same_contacts() {
    let office = Office::open();
    let texts = [
        "=1+1",
        "+",
        "''=x",
        "a,b;\"c\"",
        "two\nlines",
        "漢 ö 😀",
        " blanks ",
        "0012",
        "-5",
        "<a>&amp;",
        "_x0041_",
        "a\u{1}b",
    ];
    let contacts = texts.iter().enumerate().map(|(n, text)| {
        json!({ "contact": format!("000{n}"), "email": format!("u{n}@example.com"), "name": text, "active": n % 2 == 0,
            "contactBirthday": "1990-01-31", "contactScore": 12, "variables": [{ "name": "newVariableName", "value": text }] })
    });
    let contacts: Value = contacts.collect();
    let request = office.server.upsert(&office.account.token, &office.list, contacts);
    office.server.processed(&office.account.token, &request);
    let printed = run(&mut office.command("export", &office.list, &["--format", "xlsx", "-o", "."]));
    assert_eq!((printed.code, printed.err.as_str()), (Some(0), "12 contacts\n"));
    let files = std::fs::read_dir(office.store.directory.path(".")).expect("a directory");
    let names: Vec<_> = files.filter_map(|file| file.ok()?.file_name().into_string().ok()).collect();
    let book = names.iter().find(|name| name.ends_with(".xlsx")).expect("the workbook");
    assert!(book.len() > "-2026-11-30.xlsx".len(), "it has the name of the list: {book}");
    let other = office.server.list(&office.account.token);
    let printed = run(&mut office.command("import", &other, &[book.as_str()]));
    assert_eq!(printed.code, Some(0), "{}", printed.err);
    assert_eq!(own(office.contacts(&other)), own(office.contacts(&office.list)));
}

#[test]
fn a_filtered_export_goes_to_a_file_that_is_whole() {
    let office = Office::open();
    let contacts = json!([
        { "contact": "u1", "name": "Ann", "active": true }, { "contact": "u2", "name": "Bo" },
        { "contact": "u3", "name": "anders", "active": true, "smsSubscribe": true },
    ]);
    let request = office.server.upsert(&office.account.token, &office.list, contacts);
    office.server.processed(&office.account.token, &request);
    let arguments =
        ["--only", "active", "--only", "smsSubscribe=false", "--name-prefix", "an", "--format", "jsonl"];
    let printed =
        run(&mut office.command("export", &office.list, &[&arguments[..], &["-o", "out.jsonl"]].concat()));
    assert_eq!((printed.code, printed.out.as_str(), printed.err.as_str()), (Some(0), "", "1 contacts\n"));
    let contact: Value = serde_json::from_str(office.read("out.jsonl").trim_end()).expect("one line");
    assert_eq!(contact, office.contact("u1"));
    assert!(!office.has("out.jsonl.part"));
    let nobody = office.export(&office.list, &["--updated-since", "2999-01-01"]);
    assert_eq!(nobody.lines().count(), 1);

    // A filter, and one that names a segment.
    let ann = json!({ "field": "name", "op": "is", "value": "Ann" });
    let new = json!({ "contactListId": office.list, "name": "Anns", "filter": ann });
    let segment = office.server.ok("/v3/segment/create", &office.account.token, &new)["segmentId"].clone();
    let not_active = json!({ "any": [ann, { "field": "active", "op": "is", "value": false }] });
    for (filter, users) in [(not_active, &["u1", "u2"][..]), (json!({ "segment": segment }), &["u1"][..])] {
        let lines = office.export(&office.list, &["--filter", &filter.to_string(), "--format", "jsonl"]);
        let contacts: Vec<Value> =
            lines.lines().map(|line| serde_json::from_str(line).expect("a contact")).collect();
        assert_eq!(contacts.iter().map(|contact| contact["userId"].clone()).collect::<Vec<_>>(), users);
    }
}

#[test]
fn a_workbook_is_a_table_too() {
    let office = Office::open();
    office.file("people.xlsx", include_bytes!("fixtures/people.xlsx"));
    let printed = office.import(&["people.xlsx"]);
    let told = "4 rows: 2 created, 0 updated, 0 unchanged, 2 failed\n";
    assert_eq!((printed.code, printed.out.as_str()), (Some(4), told), "{}", printed.err);
    let contact = office.contact("jo");
    let shown = ["email", "contactBirthday", "contactScore", "active"].map(|key| contact[key].clone());
    assert_eq!(shown, [json!("jö@example.com"), json!("1990-01-01"), json!("42"), json!(true)]);
    assert_eq!(contact["variables"][0]["value"], "1990-01-01 12:00:00");
    assert_eq!(office.contact("bo")["variables"][0]["value"], "0.1");
    let failed = "rollbookLine,rollbookError,User ID,E-mail,Birthday,Score,Active,newVariableName\n\
        5,\"column \"\"Score\"\": the cell holds an error of the spreadsheet: #N/A\",inline,,,#N/A,,\n\
        6,\"the row has 8 cells, the header has 6\",jo,,,,,,,7\n";
    assert_eq!(office.read("people.xlsx.failed.csv"), failed);
}
