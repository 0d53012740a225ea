//! What stands in a cell and what a spreadsheet shows: stored alike, or told as a fault of the row.

use std::io::Write as _;

use serde_json::json;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::files::Office;

/// A workbook of sheets: their names, whether they are hidden, and their rows as XML. Its styles 1 to 4 are a date, six
/// digits, a time of day and a length of time.
pub fn workbook(sheets: &[(&str, bool, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut part = |name: &str, text: &str| {
        zip.start_file(name, stored).expect("a part");
        zip.write_all(text.as_bytes()).expect("memory");
    };
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let packages = "http://schemas.openxmlformats.org/package/2006/relationships";
    let relation = |id: usize, kind: &str, target: &str| {
        format!("<Relationship Id=\"rId{id}\" Type=\"{office}/{kind}\" Target=\"{target}\"/>")
    };
    let relations = |inside: &str| format!("<Relationships xmlns=\"{packages}\">{inside}</Relationships>");
    part("_rels/.rels", &relations(&relation(1, "officeDocument", "xl/workbook.xml")));
    let (mut names, mut targets) = (String::new(), relation(99, "styles", "styles.xml"));
    for (number, (name, hidden, rows)) in (1..).zip(sheets) {
        let state = if *hidden { " state=\"hidden\"" } else { "" };
        names += &format!("<sheet name=\"{name}\" sheetId=\"{number}\"{state} r:id=\"rId{number}\"/>");
        targets += &relation(number, "worksheet", &format!("worksheets/sheet{number}.xml"));
        let sheet = format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>");
        part(&format!("xl/worksheets/sheet{number}.xml"), &sheet);
    }
    part("xl/_rels/workbook.xml.rels", &relations(&targets));
    let book = format!("<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets>{names}</sheets></workbook>");
    part("xl/workbook.xml", &book);
    let codes = ["yyyy-mm-dd", "000000", "h:mm", "[h]:mm"].into_iter().zip(164..);
    let formats: String = codes
        .clone()
        .map(|(code, id)| format!("<numFmt numFmtId=\"{id}\" formatCode=\"{code}\"/>"))
        .collect();
    let uses: String = codes.map(|(_, id)| format!("<xf numFmtId=\"{id}\"/>")).collect();
    let styles = format!(
        "<styleSheet xmlns=\"{main}\"><numFmts>{formats}</numFmts><cellXfs><xf numFmtId=\"0\"/>{uses}</cellXfs></styleSheet>"
    );
    part("xl/styles.xml", &styles);
    zip.finish().expect("memory").into_inner()
}

/// A row of cells: texts, or numbers with a style.
pub fn row(cells: &[&str]) -> String {
    let cell = |cell: &&str| match cell.split_once('#') {
        Some((style, number)) => format!("<c s=\"{style}\"><v>{number}</v></c>"),
        None => format!("<c t=\"inlineStr\"><is><t>{cell}</t></is></c>"),
    };
    format!("<row>{}</row>", cells.iter().map(cell).collect::<String>())
}

#[test]
fn the_first_visible_sheet_is_read_as_it_is_shown() {
    let office = Office::open();
    let rows = [
        row(&["userId", "birthday", "newVariableName"]),
        row(&["2#42", "1#32874", "3#0.375"]),
        row(&["0#15555550101", "1#32873.9999999", "4#1.5"]),
    ];
    let old = row(&["userId"]) + &row(&["old"]);
    office.file("people.xlsx", workbook(&[("Old", true, &old), ("People", false, &rows.concat())]));
    let told = office.imported(&["people.xlsx"]);
    assert_eq!(told, "2 rows: 2 created, 0 updated, 0 unchanged, 0 failed\n");
    for (id, time) in [("000042", "09:00:00"), ("15555550101", "36:00:00")] {
        let contact = office.contact(id);
        assert_eq!(contact["contactBirthday"], "1990-01-01", "{id}");
        assert_eq!(contact["variables"][0]["value"], time, "{id}");
    }
    assert_eq!(office.contacts(&office.list).len(), 2, "nobody of the hidden sheet");
}

#[test]
fn a_workbook_with_hidden_sheets_alone_is_refused() {
    let office = Office::open();
    office.file("people.xlsx", workbook(&[("Old", true, &row(&["userId"]))]));
    let printed = office.import(&["people.xlsx"]);
    assert_eq!(printed.code, Some(1));
    assert!(printed.err.contains("the workbook has no visible sheet"), "{}", printed.err);
}

#[test]
fn numbers_and_dates_that_are_lost_fail_their_rows_and_no_others() {
    let office = Office::open();
    let rows = [
        row(&["userId", "birthday", "junk"]),
        row(&["0#12345678901234567", "", ""]),
        row(&["zero", "1#0", ""]),
        row(&["born", "1#-3499", ""]),
        row(&["leap", "1#60", ""]),
        row(&["huge", "1#15555555", ""]),
        row(&["fine", "1#61", "0#12345678901234567"]),
    ];
    office.file("people.xlsx", workbook(&[("People", false, &rows.concat())]));
    let printed = office.import(&["people.xlsx", "--ignore", "junk"]);
    let told = "6 rows: 1 created, 0 updated, 0 unchanged, 5 failed\n";
    assert_eq!((printed.code, printed.out.as_str()), (Some(4), told), "{}", printed.err);
    let rounded = "column \"userId\": the spreadsheet has rounded this number: format the column as text";
    let no_date = "column \"birthday\": the cell shows a date, but its value is not one";
    assert!(printed.err.contains(&format!("line 2: {rounded}")), "{}", printed.err);
    for line in 3..=6 {
        assert!(printed.err.contains(&format!("line {line}: {no_date}")), "{}", printed.err);
    }
    assert_eq!(office.contact("fine")["contactBirthday"], "1900-03-01");
}

#[test]
fn rows_are_counted_as_an_editor_shows_them() {
    let office = Office::open();
    for (name, end) in [("unix.csv", "\n"), ("windows.csv", "\r\n"), ("mac.csv", "\r")] {
        let rows = ["email,name", "", "wrong,Jo", " , ", "\"also", "wrong\",Bo", "wrong too,Bo"];
        office.file(name, rows.join(end));
        let printed = office.import(&[name]);
        let told = "3 rows: 0 created, 0 updated, 0 unchanged, 3 failed\n";
        assert_eq!((printed.code, printed.out.as_str()), (Some(4), told), "{name}: {}", printed.err);
        for line in [3, 5, 7] {
            assert!(printed.err.contains(&format!("line {line}: ")), "{name}: {}", printed.err);
        }
    }
}

#[test]
fn texts_that_a_spreadsheet_protects_or_has_spoilt_are_known() {
    let office = Office::open();
    office.file(
        "people.csv",
        "userId,phoneNumber,name\n=\"0012\",'+15555555,'t Hooft\n1.23457E+16,,Ann\nb,,1.5E+3\n",
    );
    let printed = office.import(&["people.csv"]);
    let told = "3 rows: 1 created, 0 updated, 0 unchanged, 2 failed\n";
    assert_eq!((printed.code, printed.out.as_str()), (Some(4), told), "{}", printed.err);
    assert!(
        printed.err.contains("line 3: column \"userId\": the spreadsheet has rounded"),
        "{}",
        printed.err
    );
    assert!(printed.err.contains("line 4: column \"name\": the spreadsheet has rounded"), "{}", printed.err);
    let contact = office.contact("0012");
    assert_eq!([&contact["phoneNumber"], &contact["name"]], [&json!("+15555555"), &json!("'t Hooft")]);
}

#[test]
fn any_encoding_that_browsers_know_can_be_said() {
    let office = Office::open();
    for (label, name, bytes) in [
        ("windows-1250", "Łukasz Žák", b"\xa3ukasz \x8e\xe1k".as_slice()),
        ("koi8-u", "Їжак", b"\xb7\xd6\xc1\xcb"),
        ("shift_jis", "山田", b"\x8e\x52\x93\x63"),
    ] {
        office
            .file("people.csv", [b"userId,name\n".as_slice(), label.as_bytes(), b",", bytes, b"\n"].concat());
        let told = office.imported(&["people.csv", "--encoding", label]);
        assert_eq!(told, "1 rows: 1 created, 0 updated, 0 unchanged, 0 failed\n");
        assert_eq!(office.contact(label)["name"], name);
    }
}

#[test]
fn a_formula_without_a_stored_result_fails_its_row() {
    let office = Office::open();
    let with = |formula: &str| format!("<row><c t=\"inlineStr\"><is><t>u</t></is></c><c>{formula}</c></row>");
    let rows = [
        row(&["userId", "name"]),
        with("<f>A1&amp;1</f><v></v>"),
        with("<f>A1&amp;1</f>"),
        "<row><c t=\"inlineStr\"><is><t>v</t></is></c><c t=\"str\"><f>A1&amp;1</f><v>Jo</v></c></row>"
            .to_owned(),
        "<row><c t=\"inlineStr\"><is><t>w</t></is></c><c s=\"1\"/></row>".to_owned(),
    ];
    office.file("people.xlsx", workbook(&[("People", false, &rows.concat())]));
    let printed = office.import(&["people.xlsx", "--empty-clears"]);
    let told = "4 rows: 2 created, 0 updated, 0 unchanged, 2 failed\n";
    assert_eq!((printed.code, printed.out.as_str()), (Some(4), told), "{}", printed.err);
    for line in [2, 3] {
        let fault = format!("line {line}: column \"name\": the cell has a formula without a stored result");
        assert!(printed.err.contains(&fault), "{}", printed.err);
    }
    assert_eq!(office.contact("v")["name"], "Jo");
}

#[test]
fn a_sheet_is_chosen_by_its_name() {
    let office = Office::open();
    let sheets = [
        ("Cover", false, row(&["Report"])),
        ("People", false, [row(&["userId"]), row(&["u1"])].concat()),
        ("Old", true, [row(&["userId"]), row(&["u2"])].concat()),
    ];
    let sheets: Vec<_> = sheets.iter().map(|(name, hidden, rows)| (*name, *hidden, rows.as_str())).collect();
    office.file("people.xlsx", workbook(&sheets));
    let printed = office.import(&["people.xlsx"]);
    assert!(printed.code == Some(1) && printed.err.contains("\"Report\""), "{}", printed.err);
    let printed = office.import(&["people.xlsx", "--sheet", "People"]);
    assert_eq!(printed.code, Some(0), "{}", printed.err);
    assert!(printed.err.contains("XLSX, sheet \"People\""), "{}", printed.err);
    assert_eq!(office.contact("u1")["userId"], "u1");
    // A sheet that is hidden is read if it is named.
    office.imported(&["people.xlsx", "--sheet", "Old"]);
    let printed = office.import(&["people.xlsx", "--sheet", "None"]);
    let told = "the workbook has no sheet \"None\"; it has \"Cover\", \"People\"";
    assert!(printed.code == Some(1) && printed.err.contains(told), "{}", printed.err);
}
