//! Texts as programs write them: encodings, separators, headers, and what stands around the rows.

use serde_json::{Value, json};

use crate::files::Office;

#[test]
fn an_encoding_that_is_guessed_is_shown_and_one_that_is_doubtful_must_be_said() {
    let office = Office::open();
    office.file("polish.csv", b"userId,firstName\nu1,\xa3ukasz\n");
    let printed = office.import(&["polish.csv"]);
    assert_eq!(printed.code, Some(0), "{}", printed.err);
    assert!(printed.err.contains("windows-1250 (guessed), commas between cells"), "{}", printed.err);
    assert_eq!(office.contact("u1")["firstName"], "Łukasz");
    // Four letters in a row without one of ASCII are no word of a Latin script.
    office.file("cyrillic.csv", b"userId,firstName\nu2,\xc8\xe2\xe0\xed\n");
    let printed = office.import(&["cyrillic.csv"]);
    assert_eq!((printed.code, printed.out.as_str()), (Some(1), ""));
    assert!(printed.err.contains("windows-1252 reads \"Èâàí\" is unlikely"), "{}", printed.err);
    assert!(printed.err.contains("windows-1251 reads \"Иван\""), "{}", printed.err);
    assert_eq!(office.contact("u2"), Value::Null);
    office.imported(&["cyrillic.csv", "--encoding", "windows-1251"]);
    assert_eq!(office.contact("u2")["firstName"], "Иван");
}

#[test]
fn what_old_programs_write_around_a_table_is_no_row() {
    let office = Office::open();
    for (name, text) in [
        ("sep.csv", "sep=|\r\nuserId|name\r\nu1|Jo, Ann; Bo\r\n"),
        ("tail.csv", "userId,name\r\nu1,\"Jo, Ann; Bo\"\r\n\u{1a}\0\0\0\0"),
        ("bar.csv", "userId|name\nu1|Jo, Ann; Bo\n"),
    ] {
        office.file(name, text);
        let list = office.server.list(&office.account.token);
        let printed = crate::process::run(&mut office.command("import", &list, &[name]));
        let told = "1 rows: 1 created, 0 updated, 0 unchanged, 0 failed\n";
        assert_eq!((printed.code, printed.out.as_str()), (Some(0), told), "{name}: {}", printed.err);
        let contact = office.server.contact(&office.account.token, &list, "u1");
        assert_eq!(contact["name"], "Jo, Ann; Bo", "{name}");
    }
}

#[test]
fn the_header_may_stand_anywhere_or_nowhere() {
    let office = Office::open();
    office.file("titled.csv", "Our people,,\n\nof November\nuserId,name\nu1,Jo\nu2,\"wrong\0\"\n");
    let printed = office.import(&["titled.csv", "--header-row", "4"]);
    let told = "2 rows: 1 created, 0 updated, 0 unchanged, 1 failed\n";
    assert_eq!((printed.code, printed.out.as_str()), (Some(4), told), "{}", printed.err);
    assert!(printed.err.contains("line 6: "), "{}", printed.err);
    office.file("bare.csv", "u3,Bo\nu4,Cy\n");
    let printed = office.import(&["bare.csv", "--header-row", "none"]);
    assert!(printed.err.contains("\"Column 1\", \"Column 2\""), "{}", printed.err);
    let named = ["bare.csv", "--header-row", "none", "--map", "Column 1=userId", "--map", "#2=name"];
    assert_eq!(office.imported(&named), "2 rows: 2 created, 0 updated, 0 unchanged, 0 failed\n");
    assert_eq!([&office.contact("u1")["name"], &office.contact("u3")["name"]], [&json!("Jo"), &json!("Bo")]);
}

#[test]
fn columns_without_a_name_of_their_own_are_addressed_by_number_and_told() {
    let office = Office::open();
    office.file("twice.csv", "userId,Name,Name,,\nu1,Jo,Josephine,x,\n");
    let printed = office.import(&["twice.csv"]);
    assert_eq!(printed.code, Some(1));
    assert!(printed.err.contains("the columns \"Name\" and \"Name\" are both name"), "{}", printed.err);
    let printed = office.import(&["twice.csv", "--map", "#2=firstName"]);
    assert_eq!(printed.code, Some(0), "{}", printed.err);
    assert!(printed.err.contains("column 4 has values and no name, and is left out"), "{}", printed.err);
    assert!(!printed.err.contains("column 5"), "{}", printed.err);
    let contact = office.contact("u1");
    assert_eq!([&contact["firstName"], &contact["name"]], [&json!("Jo"), &json!("Josephine")]);
    let told = office.imported(&["twice.csv", "--map", "#2=firstName", "--map", "#4=lastName"]);
    assert_eq!(told, "1 rows: 0 created, 1 updated, 0 unchanged, 0 failed\n");
    // What is written almost so is offered.
    office.file("near.csv", "userId,birthdayDate\nu1,1990-01-31\n");
    let printed = office.import(&["near.csv"]);
    assert!(printed.err.contains("\"birthdayDate\" (did you mean contactBirthday?)"), "{}", printed.err);
}

#[test]
fn a_file_that_only_looks_like_a_table_is_named() {
    let office = Office::open();
    let wide: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice();
    let files: [(&str, Vec<u8>, &str); 5] = [
        ("page.xls", b"<html><table><tr><td>email</td></tr></table></html>".to_vec(), "this is an HTML page"),
        (
            "old.xls",
            b"<?xml version=\"1.0\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\"/>"
                .to_vec(),
            "this is an XML spreadsheet of 2003",
        ),
        ("scan.pdf", b"%PDF-1.7\n".to_vec(), "this is a PDF document"),
        (
            "secret.xlsx",
            [ole, &[0; 2_000], &wide, &[0; 100]].concat(),
            "this is a password-protected workbook",
        ),
        ("letter.rtf", b"{\\rtf1 email}".to_vec(), "this is a text document (RTF)"),
    ];
    for (name, bytes, text) in files {
        office.file(name, bytes);
        let printed = office.import(&[name]);
        assert_eq!((printed.code, printed.out.as_str()), (Some(1), ""), "{name}: {}", printed.err);
        assert!(printed.err.contains(text), "{name}: {}", printed.err);
    }
}
