//! Files of contacts, as the commands read and write them: `rollbook import` and `rollbook export` against a server.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::process::{Account, Printed, Process, Store, program, run};

/// A server, an account and a list.
pub struct Office {
    pub store: Store,
    pub server: Process,
    pub account: Account,
    pub list: String,
}

impl Office {
    pub fn open() -> Self {
        let store = Store::new();
        let account = store.account("Shop");
        let server = store.serve();
        let list = server.list(&account.token);
        Self { store, server, account, list }
    }

    /// Writes a file into the office's directory.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.store.directory.path(name);
        std::fs::write(&path, content).expect("a file");
        path
    }

    /// A command of a client.
    pub fn command(&self, name: &str, list: &str, arguments: &[&str]) -> Command {
        let mut command = program();
        command
            .arg(name)
            .args(["--list", list])
            .args(arguments)
            .current_dir(self.store.directory.path("."))
            .env("ROLLBOOK_URL", format!("http://{}", self.server.address))
            .env("ROLLBOOK_TOKEN", &self.account.token);
        command
    }

    /// The command that undoes the last import of a file.
    pub fn undo(&self, file: &str) -> Command {
        let mut command = program();
        command
            .args(["import", file, "--undo"])
            .current_dir(self.store.directory.path("."))
            .env("ROLLBOOK_URL", format!("http://{}", self.server.address))
            .env("ROLLBOOK_TOKEN", &self.account.token);
        command
    }

    /// Imports a file into the list.
    pub fn import(&self, arguments: &[&str]) -> Printed {
        run(&mut self.command("import", &self.list, arguments))
    }

    /// Imports a file of which every row must be taken, and returns what is told of it.
    pub fn imported(&self, arguments: &[&str]) -> String {
        let printed = self.import(arguments);
        assert_eq!(printed.code, Some(0), "{arguments:?}: {}", printed.err);
        printed.out
    }

    /// Exports a list to standard output.
    pub fn export(&self, list: &str, arguments: &[&str]) -> String {
        let printed = run(&mut self.command("export", list, arguments));
        assert_eq!(printed.code, Some(0), "{arguments:?}: {}", printed.err);
        printed.out
    }

    /// The contact with that userId, null where there is none.
    pub fn contact(&self, user_id: &str) -> Value {
        self.server.contact(&self.account.token, &self.list, user_id)
    }

    /// All contacts of a list.
    pub fn contacts(&self, list: &str) -> Vec<Value> {
        let lines = self.export(list, &["--format", "jsonl"]);
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// A file of failed rows.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.store.directory.path(name)).expect("the file is there")
    }

    /// Whether there is such a file.
    pub fn has(&self, name: &str) -> bool {
        self.store.directory.path(name).exists()
    }
}

#[test]
fn what_a_spreadsheet_writes_is_understood() {
    let office = Office::open();
    let text = "E-Mail;First name;Active;Birthday;newVariableName;User ID\r\n\
                jö@example.com;Jö;yes;1990-01-01;\"a;b\nc\";u1\r\n\r\n\
                ann@example.com;Ann;0;;;u2\r\n";
    let utf16 = |big: bool| {
        let units = std::iter::once('\u{feff}').chain(text.chars()).map(|c| c as u16);
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect::<Vec<u8>>()
    };
    let windows: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let files: [(&str, Vec<u8>); 6] = [
        ("plain.csv", text.into()),
        ("marked.csv", format!("\u{feff}{text}").into()),
        ("little.csv", utf16(false)),
        ("big.csv", utf16(true)),
        ("windows.csv", windows),
        ("tabs.tsv", text.replace("a;b", "a|b").replace(';', "\t").replace("a|b", "a;b").into()),
    ];
    for (index, (name, bytes)) in files.into_iter().enumerate() {
        office.file(name, bytes);
        let list = office.server.list(&office.account.token);
        let printed = run(&mut office.command("import", &list, &[name]));
        let told = "2 rows: 2 created, 0 updated, 0 unchanged, 0 failed\n";
        assert_eq!((printed.code, printed.out.as_str()), (Some(0), told), "{name}: {}", printed.err);
        let contact = office.server.contact(&office.account.token, &list, "u1");
        let shown = ["email", "firstName", "active", "contactBirthday"].map(|key| contact[key].clone());
        let expected = [json!("jö@example.com"), json!("Jö"), json!(true), json!("1990-01-01")];
        assert_eq!(shown, expected, "{name}");
        assert_eq!(contact["variables"][0]["value"], "a;b\nc", "{name} {index}");
        assert!(
            !office.has(&format!("{name}.failed.csv")) && !office.has(&format!("{name}.failed.csv.state"))
        );
    }
}

#[test]
fn rows_that_fail_are_taken_out_with_their_line_and_all_others_are_imported() {
    let office = Office::open();
    let mut text = String::from("userId,email,contactScore,active,sourceId\n");
    for row in 0..250 {
        match row {
            7 => text.push_str("u7,=cmd,1,1,\n"),
            120 => text.push_str("u120,u120@example.com,much,perhaps,\n"),
            121 => text.push_str(",,1,1,\n"),
            130 => text.push_str("u130,u130@example.com,\"1\n\",1,5d9155bad132d5f45a4e38b1\n"),
            200 => text.push_str("u200,u1@example.com,1,1,\n"),
            201 => text.push_str("u201,u201@example.com\n"),
            _ => text.push_str(&format!("u{row},u{row}@example.com,{row},no,\n")),
        }
    }
    office.file("people.csv", &text);
    let printed = office.import(&["people.csv", "--failures", "bad.csv"]);
    let told = "250 rows: 244 created, 0 updated, 0 unchanged, 6 failed\n";
    assert_eq!((printed.code, printed.out.as_str()), (Some(4), told), "{}", printed.err);
    let expected = "rollbookLine,rollbookError,userId,email,contactScore,active,sourceId\n\
        9,invalid RFC2822 email =cmd at email field,u7,'=cmd,1,1,\n\
        122,Argument active can be true or false; Argument score must have a numeric value,u120,u120@example.com,much,perhaps,\n\
        123,\"the row has no userId, email or phoneNumber\",,,1,1,\n\
        132,sourceId 5d9155bad132d5f45a4e38b1 not found in your account,u130,u130@example.com,\"1\n\",1,5d9155bad132d5f45a4e38b1\n\
        203,\"IDENTIFIER_TAKEN: Another contact of the list has this userId, email or phoneNumber\",u200,u1@example.com,1,1,\n\
        204,\"the row has 2 cells, the header has 5\",u201,u201@example.com\n";
    let bad = office.read("bad.csv");
    let taken = bad.split("IDENTIFIER_TAKEN: ").nth(1).and_then(|rest| rest.split(',').next());
    let taken = taken.expect("an identifier was taken").trim_end_matches('"').to_owned();
    let says = "Another contact of the list has this email already: contact ";
    assert!(taken.starts_with(says) && taken.len() == says.len() + 24, "{taken}");
    let expected = expected.replace(
        "\"IDENTIFIER_TAKEN: Another contact of the list has this userId, email or phoneNumber\"",
        &format!("IDENTIFIER_TAKEN: {taken}"),
    );
    assert_eq!(bad, expected);
    assert!(!office.has("bad.csv.state"));
    assert_eq!(office.contact("u7"), Value::Null);
    assert_eq!(office.contact("u199")["contactScore"], "199");
    // Mended, it is imported as it is.
    let mended = bad.replace("'=cmd", "u7@example.com").replace("much,perhaps", "3,yes");
    office.file("mended.csv", mended.lines().take(3).collect::<Vec<_>>().join("\n"));
    let told = office.imported(&["mended.csv"]);
    assert_eq!(told, "2 rows: 2 created, 0 updated, 0 unchanged, 0 failed\n");
    // What is there already is not written over.
    let again = office.import(&["people.csv", "--failures", "bad.csv"]);
    let refused =
        "rollbook: bad.csv: the file is there already; move it away, or name another with --failures\n";
    assert_eq!((again.code, again.err.as_str()), (Some(1), refused));
}

#[test]
fn who_opted_out_stays_out_unless_the_import_says_otherwise() {
    let office = Office::open();
    office.file("no.csv", "User ID,Email subscribe\nu1,no\nu2,\n");
    office.imported(&["no.csv", "--map", "Email subscribe=emailSubscribe"]);
    office.file("yes.csv", "User ID,Email subscribe\nu1,yes\nu2,yes\n");
    let import = ["yes.csv", "--map", "Email subscribe=emailSubscribe"];
    let opted_out = "1 of them opted out, and stay so; --resubscribe changes that\n";
    let dry_run = office.imported(&[&import[..], &["--dry-run"]].concat());
    assert_eq!(
        dry_run,
        format!("a dry run: 2 rows: 0 created, 1 updated, 1 unchanged, 0 failed\n{opted_out}")
    );
    let told = office.imported(&import);
    assert_eq!(told, format!("2 rows: 0 created, 1 updated, 1 unchanged, 0 failed\n{opted_out}"));
    let subscribed = || ["u1", "u2"].map(|user| office.contact(user)["emailSubscribe"].clone());
    assert_eq!(subscribed(), [json!(false), json!(true)]);
    let told = office.imported(&[&import[..], &["--resubscribe"]].concat());
    assert_eq!(told, "2 rows: 0 created, 1 updated, 1 unchanged, 0 failed\n");
    assert_eq!(subscribed(), [json!(true), json!(true)]);
}

#[test]
fn rows_about_one_contact_take_effect_in_their_order() {
    let office = Office::open();
    let mut text = String::from("userId,firstName\n");
    for row in 0..3_000 {
        text.push_str(&format!("u{},{row}\n", row % 7));
    }
    office.file("again.csv", &text);
    let told = office.imported(&["again.csv"]);
    assert_eq!(told, "3000 rows: 7 created, 2993 updated, 0 unchanged, 0 failed\n");
    for user in 0..7 {
        let last = (0..3_000).rev().find(|row| row % 7 == user).expect("a row");
        assert_eq!(office.contact(&format!("u{user}"))["firstName"], last.to_string());
    }
}

#[test]
fn empty_cells_variables_and_modes() {
    let office = Office::open();
    let token = &office.account.token;
    office.file("one.csv", "userId,Name,Shoe size,Day,junk,lastBatch\nu,Jo,44,2020-02-03,x,1\n");
    let unknown = office.import(&["one.csv"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.err.contains("unknown columns: \"Shoe size\", \"Day\", \"junk\";"));
    let mapped =
        ["one.csv", "--new-variable", "Shoe size", "--new-variable", "Day=since:date", "--ignore", "junk"];
    let tried = office.imported(&[&mapped[..], &["--dry-run"]].concat());
    assert_eq!(tried, "a dry run: 1 rows: 1 created, 0 updated, 0 unchanged, 0 failed\n");
    assert_eq!(office.contact("u"), Value::Null);
    let told = office.imported(&mapped);
    assert_eq!(told, "1 rows: 1 created, 0 updated, 0 unchanged, 0 failed\n");
    let list = office.server.ok("/v3/contact-list/get", token, &json!({ "contactListId": office.list }));
    let variables = &list["data"]["customVariables"];
    assert_eq!(variables[2], json!({ "name": "shoeSize", "type": "string" }));
    assert_eq!(variables[3], json!({ "name": "since", "type": "date" }));
    assert_eq!(office.contact("u")["variables"][3]["value"], "2020-02-03");
    // Empty cells leave, or clear.
    office.file("empty.csv", "userId,name,active,lastBatch\nu,,,\n");
    assert_eq!(office.imported(&["empty.csv"]), "1 rows: 0 created, 0 updated, 1 unchanged, 0 failed\n");
    let told = office.imported(&["empty.csv", "--empty-clears"]);
    assert_eq!(told, "1 rows: 0 created, 1 updated, 0 unchanged, 0 failed\n");
    assert_eq!(office.contact("u")["name"], Value::Null);
    assert_eq!(office.contact("u")["variables"][1]["value"], Value::Null);
    // Nobody is made.
    office.file("new.csv", "userId,name\nnobody,x\n");
    let printed = office.import(&["new.csv", "--update-only"]);
    assert_eq!(
        (printed.code, printed.out.as_str()),
        (Some(4), "1 rows: 0 created, 0 updated, 0 unchanged, 1 failed\n")
    );
    assert!(office.read("new.csv.failed.csv").contains("\n2,\"CONTACT_NOT_FOUND: "));
}
