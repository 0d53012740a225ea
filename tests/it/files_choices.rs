//! What is chosen for an import: whom a row is about, which contacts are touched, values of all rows, and what becomes
//! of values that do not fit.

use serde_json::{Value, json};

use crate::files::Office;
use crate::process::run;

fn counts(created: u64, updated: u64, unchanged: u64, failed: u64) -> String {
    let rows = created + updated + unchanged + failed;
    format!("{rows} rows: {created} created, {updated} updated, {unchanged} unchanged, {failed} failed\n")
}

#[test]
fn values_for_all_rows_are_set_where_a_row_has_none_of_its_own() {
    let office = Office::open();
    office.file("people.csv", "userId,active,name\nu1,,Jo\nu2,no,Bo\n");
    let set = ["--set", "active=yes", "--set", "emailSubscribe=yes", "--set", "newVariableName=gold"];
    assert_eq!(office.imported(&[&["people.csv"], &set[..]].concat()), counts(2, 0, 0, 0));
    for (id, active) in [("u1", true), ("u2", false)] {
        let contact = office.contact(id);
        assert_eq!([&contact["active"], &contact["emailSubscribe"]], [&json!(active), &json!(true)], "{id}");
        assert_eq!(contact["variables"][0]["value"], "gold", "{id}");
    }
    for (value, text, code) in [
        ("active=perhaps", "active is yes or no", 1),
        ("email=a@example.com", "email cannot have a value for all rows", 1),
        ("size=1", "there is no field \"size\"", 1),
        // An argument that does not read.
        ("active", "there is no =", 2),
    ] {
        let printed = office.import(&["people.csv", "--set", value]);
        assert!(printed.code == Some(code) && printed.err.contains(text), "{value}: {}", printed.err);
    }
}

#[test]
fn contacts_are_created_alone_or_updated_alone() {
    let office = Office::open();
    office.file("one.csv", "userId,name\nu1,Jo\n");
    office.imported(&["one.csv"]);
    office.file("two.csv", "userId,name\nu1,Other\nu2,Bo\n");
    let printed = office.import(&["two.csv", "--create-only"]);
    assert_eq!((printed.code, printed.out), (Some(4), counts(1, 0, 0, 1)), "{}", printed.err);
    assert!(printed.err.contains("line 2: CONTACT_EXISTS"), "{}", printed.err);
    assert_eq!([&office.contact("u1")["name"], &office.contact("u2")["name"]], [&json!("Jo"), &json!("Bo")]);
    office.file("contact.csv", "contact\nu3\n");
    let printed = office.import(&["contact.csv", "--create-only"]);
    assert!(printed.code == Some(1) && printed.err.contains("need columns for userId"), "{}", printed.err);
    assert_eq!(office.import(&["two.csv", "--create-only", "--update-only"]).code, Some(2));
}

#[test]
fn a_row_finds_its_contact_by_what_was_chosen() {
    let office = Office::open();
    office.file("one.csv", "userId,email\nu1,a@example.com\n");
    office.imported(&["one.csv"]);
    office.file("two.csv", "userId,email,name\nu2,a@example.com,Jo\nu3,,Bo\n");
    let printed = office.import(&["two.csv", "--match-by", "email"]);
    assert_eq!((printed.code, printed.out), (Some(4), counts(0, 1, 0, 1)), "{}", printed.err);
    assert!(printed.err.contains("line 3: the row has no email, by which it should find its contact"));
    assert_eq!(office.contact("u2")["name"], "Jo", "the userId is what the row says");
    for (by, text) in [("phoneNumber", "and no column is phoneNumber"), ("name", "and not by \"name\"")] {
        let printed = office.import(&["two.csv", "--match-by", by]);
        assert!(printed.code == Some(1) && printed.err.contains(text), "{by}: {}", printed.err);
    }
}

const WRITTEN: &str = "\
email,Phone,Birthday,Language,Timezone,Active,Twitter\n\
ann@example.com,(201) 555-0123,1/31/1990,en-US,FLE Standard Time,Ja,@ann_example\n\
bob@example.com,+44 (0)20 7946 0123,2/1/1991,ET_ee,Europe/Berlin,ні,https://x.com/bob\n\
eve@example.com,12,--02-29,xx-US,Mars,perhaps,eve\n";

#[test]
fn values_are_read_as_people_write_them_and_others_fail_their_row() {
    let office = Office::open();
    office.file("people.csv", WRITTEN);
    let printed = office.import(&["people.csv", "--country", "us"]);
    assert_eq!((printed.code, printed.out), (Some(4), counts(2, 0, 0, 1)), "{}", printed.err);
    let contacts = office.contacts(&office.list);
    let keys =
        ["phoneNumber", "contactBirthday", "contactLanguage", "contactTimezone", "active", "twitterLink"];
    let shown = |contact: &Value| keys.map(|key| contact[key].clone());
    let expected = [
        [
            json!("+12015550123"),
            json!("1990-01-31"),
            json!("en"),
            json!("Europe/Kiev"),
            json!(true),
            json!("https://x.com/ann_example"),
        ],
        // The first row says that the month comes first.
        [
            json!("+442079460123"),
            json!("1991-02-01"),
            json!("et"),
            json!("Europe/Berlin"),
            json!(false),
            json!("https://x.com/bob"),
        ],
    ];
    assert_eq!([shown(&contacts[0]), shown(&contacts[1])], expected);
    assert!(
        printed.err.contains("line 4: column \"Phone\": the phone number \"12\" has a length"),
        "{}",
        printed.err
    );
    let printed = office.import(&["people.csv", "--failures", "none.csv"]);
    assert!(printed.err.contains("has no country code: choose the country"), "{}", printed.err);
}

#[test]
fn a_row_is_imported_without_what_does_not_fit_and_that_is_counted() {
    let office = Office::open();
    office.file("people.csv", WRITTEN);
    let printed = office.import(&["people.csv", "--country", "us", "--bad-values", "leave-out"]);
    assert_eq!((printed.code, printed.out), (Some(0), counts(3, 0, 0, 0)), "{}", printed.err);
    let eve = office.contacts(&office.list).into_iter().find(|contact| contact["email"] == "eve@example.com");
    let eve = eve.expect("the row is imported");
    for key in ["phoneNumber", "contactBirthday", "contactLanguage", "contactTimezone"] {
        assert_eq!(eve[key], Value::Null, "{key}");
    }
    assert!(printed.err.contains("5 warnings about rows that were imported:"), "{}", printed.err);
    assert!(printed.err.contains("1 times, first on line 4: column \"Birthday\": the birthday has no year"));
    // Whom a row is about is never left out.
    office.file("wrong.csv", "email,name\nnobody,Jo\n");
    let printed = office.import(&["wrong.csv", "--bad-values", "leave-out"]);
    assert_eq!((printed.code, printed.out), (Some(4), counts(0, 0, 0, 1)), "{}", printed.err);
    assert_eq!(office.contact("nobody"), Value::Null);
}

#[test]
fn marks_of_nothing_are_empty_and_errors_of_a_spreadsheet_fail() {
    let office = Office::open();
    office.file(
        "people.csv",
        "userId,email,name\nNULL,a@example.com,Ann Null\n\\N,b@example.com,nan\nu3,,#N/A\n",
    );
    let printed = office.import(&["people.csv"]);
    assert_eq!((printed.code, printed.out), (Some(4), counts(2, 0, 0, 1)), "{}", printed.err);
    assert!(
        printed.err.contains("line 4: column \"name\": the cell holds an error of the spreadsheet: #N/A")
    );
    assert!(
        printed.err.contains("2 times, first on line 2: column \"userId\": the cell holds NULL"),
        "{}",
        printed.err
    );
    assert_eq!(office.contact("NULL"), Value::Null);
    // A warning of the server is counted too.
    office.file("contact.csv", "contact\n+1 201 555 0123\n");
    let printed = office.import(&["contact.csv", "--failures", "other.csv"]);
    assert_eq!((printed.code, printed.out), (Some(0), counts(1, 0, 0, 0)), "{}", printed.err);
    assert!(printed.err.contains("1 warnings about rows that were imported:"), "{}", printed.err);
}

#[test]
fn invisible_characters_inside_an_identifier_are_shown_and_refused() {
    let office = Office::open();
    office.file("people.csv", "userId,email\nu\u{200b}1,a@example.com\n\u{feff}u2\u{a0},b@example.com\n");
    let printed = office.import(&["people.csv"]);
    assert_eq!((printed.code, printed.out), (Some(4), counts(1, 0, 0, 1)), "{}", printed.err);
    assert!(
        printed.err.contains("line 2: column \"userId\": \"u\\u{200b}1\" has an invisible character"),
        "{}",
        printed.err
    );
    assert_eq!(office.contact("u2")["email"], "b@example.com");
}

#[test]
fn a_dry_run_is_complete_with_the_values_of_new_variables() {
    let office = Office::open();
    office.file("one.csv", "userId,name\nu1,Jo\nu2,Bo\n");
    office.imported(&["one.csv"]);
    let long = "x".repeat(10_001);
    office.file(
        "two.csv",
        format!(
            "userId,name,Size,Since\nu1,Jo,44,\nu2,Bo,,\nu3,Cy,1,1.2.1990\nu4,Di,{long},\nu5,Ed,1,soon\n"
        ),
    );
    let new = ["two.csv", "--new-variable", "Size", "--new-variable", "Since=since:date", "--dry-run"];
    let printed = office.import(&new);
    assert_eq!(
        (printed.code, printed.out),
        (Some(4), format!("a dry run: {}", counts(1, 1, 1, 2))),
        "{}",
        printed.err
    );
    assert!(
        printed.err.contains("line 5: column \"Size\": the value is longer than 10000"),
        "{}",
        printed.err
    );
    assert!(printed.err.contains("line 6: column \"Since\": \"soon\" is not a date"), "{}", printed.err);
    let printed = office.import(&new[..5]);
    assert_eq!(
        (printed.code, printed.out),
        (Some(4), counts(1, 1, 1, 2)),
        "the import does the same: {}",
        printed.err
    );
    assert_eq!(office.contact("u3")["variables"][3]["value"], "1990-02-01");
}

#[test]
fn a_file_is_imported_into_several_lists() {
    let office = Office::open();
    office.file("people.csv", "userId,email\nu1,a@example.com\nu2,wrong\n");
    let other = office.server.list(&office.account.token);
    let printed = run(&mut office.command("import", &office.list, &["people.csv", "--list", &other]));
    let told = format!("list {}:\n{}list {other}:\n{}", office.list, counts(1, 0, 0, 1), counts(1, 0, 0, 1));
    assert_eq!((printed.code, printed.out), (Some(4), told), "{}", printed.err);
    assert_eq!(office.server.contact(&office.account.token, &other, "u1")["email"], "a@example.com");
    assert!(office.has("people.csv.failed.csv") && office.has(&format!("people.csv.{other}.failed.csv")));
}

#[test]
fn rows_find_their_contacts_by_the_ids_of_these() {
    let office = Office::open();
    office.file("old.csv", "userId,email\na,a@example.com\nb,b@example.com\n");
    office.imported(&["old.csv"]);
    let table = office.export(&office.list, &["--include-ids"]);
    assert!(table.lines().next().is_some_and(|header| header.ends_with(",contactId")), "{table}");
    let id = |user: &str| {
        let line = table.lines().find(|line| line.contains(&format!(",{user}@example.com,"))).expect("a row");
        line.rsplit(',').next().expect("an id").to_owned()
    };
    let table = format!(
        "contactId,email,name\n{},new@example.com,Ann\n{},,Bob\nx,,Nobody\n{},,Other\n",
        id("a"),
        id("b"),
        office.list
    );
    office.file("new.csv", table);
    let alone = office.import(&["new.csv", "--ignore", "email"]);
    assert!(alone.code == Some(1) && alone.err.contains("match them by contactId"), "{}", alone.err);
    let arguments = ["new.csv", "--match-by", "contactId"];
    for dry_run in [&["--dry-run"][..], &[]] {
        let printed = office.import(&[&arguments[..], dry_run].concat());
        let told = "4 rows: 0 created, 2 updated, 0 unchanged, 2 failed\n";
        assert!(printed.code == Some(4) && printed.out.ends_with(told), "{} {}", printed.out, printed.err);
    }
    assert_eq!(office.contact("a")["email"], "new@example.com");
    assert_eq!(office.contact("b")["name"], "Bob");
    let failed = office.read("new.csv.failed.csv");
    assert!(failed.contains("4,") && failed.contains("CONTACT_NOT_FOUND"), "{failed}");
}
