//! Files that are no tables, or are wounded: each is told clearly, and nothing of it is imported.

use serde_json::Value;

use crate::files::Office;

#[test]
fn a_file_that_is_no_table_is_told() {
    let office = Office::open();
    let wide = format!("email{}\n", ",x".repeat(100_000));
    let mixed = [b"email,name\na@example.com,J\xc3\xb6\nb@example.com,J\xf6\n".as_slice()].concat();
    let files: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty.csv", vec![], "the file is empty"),
        ("blank.csv", b"\r\n\r\n".to_vec(), "the file has no header"),
        (
            "twice.csv",
            b"email,email\na,b\n".to_vec(),
            "the columns \"email\" and \"email\" are both email; leave one out with --ignore, or say what it is with --map",
        ),
        ("wide.csv", wide.into(), "line 1: the header has 100001 columns, at most 1000 are read"),
        (
            "open.csv",
            b"email,name\na@example.com,\"Jo\nb@example.com,Bo\n".to_vec(),
            "line 2: a quotation mark that is opened in this row is never closed",
        ),
        (
            "behind.csv",
            b"email,name\na@example.com,Jo\nb@example.com,\"B\"o\n".to_vec(),
            "line 3: there is text behind a closing quotation mark in this row",
        ),
        (
            "mixed.csv",
            mixed,
            "line 3: the text is not UTF-8, and all before it is; say which it is with --encoding",
        ),
        (
            "unmarked.csv",
            "email\na@example.com\n".encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "the file looks like UTF-16 without a byte order mark; say which with --encoding",
        ),
        (
            "nobody.csv",
            b"name\nJo\n".to_vec(),
            "no column is userId, email or phoneNumber; say which is one with --map \"Column=userId\"",
        ),
        ("broken.xlsx", b"PK\x03\x04 and no more".to_vec(), "invalid Zip archive: "),
    ];
    for (name, bytes, text) in files {
        office.file(name, bytes);
        let printed = office.import(&[name]);
        assert_eq!((printed.code, printed.out.as_str()), (Some(1), ""), "{name}: {}", printed.err);
        assert!(printed.err.contains(text), "{name}: {}", printed.err);
        assert!(!office.has(&format!("{name}.failed.csv.state")), "{name}");
    }
    assert_eq!(office.import(&["absent.csv"]).code, Some(1));
    assert_eq!(office.contacts(&office.list), Vec::<Value>::new());
    // What it is called decides nothing, and what is said goes over what is found out.
    let told = office.imported(&["unmarked.csv", "--encoding", "utf-16le"]);
    assert_eq!(told, "1 rows: 1 created, 0 updated, 0 unchanged, 0 failed\n");
    office.file("header.csv", "email;name");
    let told = office.imported(&["header.csv"]);
    assert_eq!(told, "0 rows: 0 created, 0 updated, 0 unchanged, 0 failed\n");
}

#[test]
fn odd_cells_fail_alone() {
    let office = Office::open();
    let long = "x".repeat(1_100_000);
    let text =
        format!("userId,newVariableName\nu1,a\0b\nu2,{long}\nu3,{}\nu4,\"=1+1\"\n", "y".repeat(10_000));
    office.file("odd.csv", text);
    let printed = office.import(&["odd.csv"]);
    let told = "4 rows: 2 created, 0 updated, 0 unchanged, 2 failed\n";
    assert_eq!((printed.code, printed.out.as_str()), (Some(4), told), "{}", printed.err);
    let first = "line 2: the cell of newVariableName holds a NUL character\nline 3: the row is too large for one request\n";
    assert!(printed.err.starts_with(first), "{}", printed.err);
    assert_eq!(office.contact("u4")["variables"][0]["value"], "=1+1");
    // A gigabyte in one cell is not read to its end.
    let mut endless = b"userId,name\nu5,\"".to_vec();
    endless.resize(8 << 20, b'z');
    office.file("endless.csv", endless);
    let printed = office.import(&["endless.csv"]);
    let told =
        "rollbook: endless.csv: line 2: the row is longer than 2 MiB; is a quotation mark left open?\n";
    assert_eq!((printed.code, printed.err.as_str()), (Some(1), told));
}

#[test]
fn what_the_server_refuses_altogether_is_told() {
    let office = Office::open();
    office.file("one.csv", "email\na@example.com\n");
    let mut command = office.command("import", "5d9155bad132d5f45a4e38b1", &["one.csv"]);
    let printed = crate::process::run(&mut command);
    let told = "rollbook: /v3/contact-list/get: List with id 5d9155bad132d5f45a4e38b1 not found!\n";
    assert_eq!((printed.code, printed.err.as_str()), (Some(1), told));
    let mut command = office.command("import", &office.list, &["one.csv"]);
    let printed = crate::process::run(command.env("ROLLBOOK_TOKEN", "x"));
    let told = "rollbook: /v3/contact-list/get: Invalid authorization token!\n";
    assert_eq!((printed.code, printed.err.as_str()), (Some(1), told));
    let mut command = office.command("export", &office.list, &["--patience", "0"]);
    let printed = crate::process::run(command.env("ROLLBOOK_URL", "http://127.0.0.1:1"));
    assert_eq!(printed.code, Some(1));
    assert!(
        printed.err.starts_with("rollbook: no answer of a server at http://127.0.0.1:1: "),
        "{}",
        printed.err
    );
    let mut command = office.command("export", &office.list, &["--only", "happy"]);
    let printed = crate::process::run(&mut command);
    assert_eq!((printed.code, printed.out.as_str()), (Some(2), ""), "{}", printed.err);
    assert!(printed.err.contains("happy is not a flag of a contact"), "{}", printed.err);
}
