//! Files that are not CSV or XLSX: archives, address books, OpenDocument spreadsheets. Each is made here as the program
//! writes it whose name it has.

use std::io::{Cursor, Write as _};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::console_jobs::{Desk, ended, figures};
use crate::files::Office;

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file(*name, options).expect("a part");
        zip.write_all(bytes).expect("memory");
    }
    zip.finish().expect("memory").into_inner()
}

fn gzipped(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(text.as_bytes()).expect("memory");
    gzip.finish().expect("memory")
}

const CONTENT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<office:document-content><office:automatic-styles>
<style:style style:name="ta1" style:family="table"><style:table-properties table:display="true"/></style:style>
<style:style style:name="ta2" style:family="table"><style:table-properties table:display="false"/></style:style>
</office:automatic-styles><office:body><office:spreadsheet>
<table:table table:name="Hidden" table:style-name="ta2"><table:table-row><table:table-cell office:value-type="string"><text:p>userId</text:p></table:table-cell></table:table-row></table:table>
<table:table table:name="People" table:style-name="ta1">
<table:table-row> <table:table-cell office:value-type="string"><text:p>userId</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>Birthday</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>Active</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>Name</text:p></table:table-cell>
<table:table-cell table:number-columns-repeated="16380"/></table:table-row>
<table:table-row table:number-rows-repeated="3"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
<table:table-row><table:table-cell office:value-type="float" office:value="12"><text:p>0012</text:p></table:table-cell>
<table:table-cell office:value-type="date" office:date-value="1990-01-31"><text:p>31/01/90</text:p></table:table-cell>
<table:table-cell office:value-type="float" office:value="1" table:formula="of:=TRUE()"><text:p>TRUE</text:p></table:table-cell>
<table:table-cell office:value-type="string"><office:annotation><text:p>a remark</text:p></office:annotation><text:p>&#381;anna <text:s text:c="2"/>&amp; Co</text:p><text:p>second</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell office:value-type="string"><text:p>u2</text:p></table:table-cell><table:table-cell/><table:table-cell/>
<table:table-cell table:formula="of:=[.A1]"/></table:table-row>
<table:table-row table:number-rows-repeated="1048570"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
</table:table></office:spreadsheet></office:body></office:document-content>"#;

fn spreadsheet() -> Vec<u8> {
    let kind = b"application/vnd.oasis.opendocument.spreadsheet".as_slice();
    zipped(&[("mimetype", kind), ("content.xml", CONTENT.as_bytes())])
}

#[test]
fn a_table_in_an_archive_is_read_as_if_it_lay_beside_it() {
    let office = Office::open();
    let two = [gzipped("email,name\nann@example.com,Ann\n"), gzipped("bob@example.com,Bob\n"), vec![0; 512]]
        .concat();
    office.file("two.csv.gz", two);
    assert_eq!(office.imported(&["two.csv.gz"]), "2 rows: 2 created, 0 updated, 0 unchanged, 0 failed\n");
    let utf16: Vec<u8> =
        "\u{feff}email\tname\nann@example.com\tŽanna\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mac = zipped(&[
        ("__MACOSX/export/._people.csv", b"\0\x05\x16\x07".as_slice()),
        ("export/", b""),
        ("export/.DS_Store", b"x"),
        ("export/people.csv", &utf16),
    ]);
    office.file("mac.zip", mac);
    assert_eq!(office.imported(&["mac.zip"]), "1 rows: 0 created, 1 updated, 0 unchanged, 0 failed\n");
    office.file(
        "both.zip",
        zipped(&[("a.csv", b"userId\nu1\n"), ("b.csv", b"userId\nu2\n"), ("read.me", b"x")]),
    );
    let printed = office.import(&["both.zip"]);
    let told = "the archive holds \"a.csv\", \"b.csv\": choose one of these (--sheet)";
    assert!(printed.code == Some(1) && printed.err.contains(told), "{}", printed.err);
    office.imported(&["both.zip", "--sheet", "b.csv"]);
    assert_eq!([office.contact("u1"), office.contact("u2")["userId"].clone()], [Value::Null, json!("u2")]);
    for (name, bytes, text) in [
        ("empty.zip", zipped(&[("__MACOSX/x", b"x")]), "the archive holds no table"),
        (
            "book.zip",
            zipped(&[("book.xlsx", &zipped(&[("xl/workbook.xml", b"<workbook/>")]))]),
            "holds a workbook",
        ),
        ("cut.csv.gz", gzipped(&"email\na@example.com\n".repeat(500))[..40].to_vec(), "cut.csv.gz: "),
    ] {
        office.file(name, bytes);
        let printed = office.import(&[name]);
        assert!(printed.code == Some(1) && printed.err.contains(text), "{name}: {}", printed.err);
    }
}

#[test]
fn an_address_book_is_read_card_by_card() {
    let office = Office::open();
    let text = "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=84nn;Example;;;\r\n\
                FN:Ann Example\r\nTEL;CELL;PREF:+1 201-555-0123\r\nEMAIL;HOME:ann@example.com\r\nBDAY:1990-01-31\r\nEND:VCARD\r\n\
                BEGIN:VCARD\r\nVERSION:3.0\r\nN:Sample;Bob;;;\r\nFN:Bob Sample\r\nTEL;type=CELL:+12015550125\r\n\
                TEL;type=VOICE;type=pref:+12015550124\r\nBDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29\r\nEND:VCARD\r\n\
                BEGIN:VCARD\r\nVERSION:4.0\r\nKIND:group\r\nFN:Team\r\nEND:VCARD\r\n";
    office.file("people.vcf", text);
    let printed = office.import(&["people.vcf"]);
    let told = "3 rows: 2 created, 0 updated, 0 unchanged, 1 failed\n";
    assert_eq!((printed.code, printed.out.as_str()), (Some(4), told), "{}", printed.err);
    assert!(
        printed.err.contains("line 17: column \"email\": the card is a group, and no contact"),
        "{}",
        printed.err
    );
    assert!(printed.err.contains("2 warnings about rows that were imported:"), "{}", printed.err);
    let contacts = office.contacts(&office.list);
    let shown = |contact: &Value| {
        ["firstName", "lastName", "email", "phoneNumber", "contactBirthday"].map(|key| contact[key].clone())
    };
    let ann = [
        json!("Example"),
        json!("Änn"),
        json!("ann@example.com"),
        json!("+12015550123"),
        json!("1990-01-31"),
    ];
    let bob = [json!("Bob"), json!("Sample"), Value::Null, json!("+12015550124"), Value::Null];
    assert_eq!([shown(&contacts[0]), shown(&contacts[1])], [ann, bob]);
}

#[test]
fn an_opendocument_spreadsheet_is_read_as_it_is_shown() {
    let office = Office::open();
    office.file("people.ods", spreadsheet());
    let printed = office.import(&["people.ods", "--failures", "bad.csv"]);
    let told = "2 rows: 1 created, 0 updated, 0 unchanged, 1 failed\n";
    assert_eq!((printed.code, printed.out.as_str()), (Some(4), told), "{}", printed.err);
    assert!(printed.err.contains("ODS, sheet \"People\""), "{}", printed.err);
    assert!(
        printed.err.contains("line 6: column \"Name\": the cell has a formula without a stored result"),
        "{}",
        printed.err
    );
    let contact = office.contact("0012");
    assert_eq!(contact["name"], "Žanna   & Co\nsecond");
    assert_eq!([&contact["contactBirthday"], &contact["active"]], [&json!("1990-01-31"), &json!(true)]);
    let printed = office.import(&["people.ods", "--sheet", "None"]);
    assert!(printed.err.contains("it has \"People\""), "{}", printed.err);
}

/// Written by xlwt 1.3.0: the first sheet is hidden, and a formula has no result.
const XLS: &[u8] = include_bytes!("fixtures/people.xls");

/// Written by SheetJS 0.18.5: all cells but the first of a row are short records.
const XLSB: &[u8] = include_bytes!("fixtures/people.xlsb");

#[test]
fn binary_workbooks_are_read_whole() {
    let office = Office::open();
    office.file("people.xlsb", XLSB);
    let printed = office.import(&["people.xlsb", "--ignore-others", "--ignore", "contactScore"]);
    assert_eq!(printed.code, Some(0), "{} {}", printed.out, printed.err);
    assert!(printed.err.contains("XLSB, sheet "), "{}", printed.err);
    let contacts = office.contacts(&office.list);
    assert_eq!(contacts.len(), 2);
    let shown = |contact: &Value| ["email", "userId", "phoneNumber"].map(|key| contact[key].clone());
    assert_eq!(shown(&contacts[0]), [json!("ann@example.com"), json!("0012"), json!("+15555550101")]);
    assert_eq!(shown(&contacts[1]), [json!("bob@example.com"), json!("0007"), json!("+15555550102")]);
    let list = office.server.list(&office.account.token);
    office.file("people.xls", XLS);
    let whole = ["people.xls", "--ignore-others", "--ignore", "sum", "--country", "US"];
    let command = [&whole[..], &["--ignore", "userId"]].concat();
    let printed = crate::process::run(&mut office.command("import", &list, &command));
    assert!(
        printed.err.contains("XLS, sheet \"People\"") && !printed.err.contains("how numbers are shown"),
        "{} {}",
        printed.out,
        printed.err
    );
    let contacts = office.contacts(&list);
    let emails: Vec<_> = contacts.iter().map(|contact| contact["email"].clone()).collect();
    assert_eq!(emails, [json!("ann@example.com"), json!("bob@example.com")], "{}", printed.err);
    assert_eq!(contacts[0]["contactBirthday"], "1990-01-31");
    // The number 12 that is shown as 0012, and the text 0012, are one userId.
    let list = office.server.list(&office.account.token);
    let printed = crate::process::run(&mut office.command("import", &list, &whole));
    assert_eq!(printed.out, "2 rows: 1 created, 1 updated, 0 unchanged, 0 failed\n", "{}", printed.err);
    assert_eq!(office.contacts(&list)[0]["userId"], "0012");
    // A workbook that is cut off is no reason to stop the server or the command.
    for (name, bytes) in [("cut.xls", &XLS[..3_000]), ("cut.xlsb", &XLSB[..9_000])] {
        office.file(name, bytes);
        assert_eq!(office.import(&[name]).code, Some(1), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_read_the_same_files() {
    let Desk { server, visitor, list } = Desk::new().await;
    let both = zipped(&[("a.csv", b"userId,name\nu1,Jo\n"), ("b.csv", b"userId,name\nu9,Bo\n")]);
    let card = b"BEGIN:VCARD\nVERSION:3.0\nFN:Ann\nEMAIL:ann@example.com\nEND:VCARD\n".as_slice();
    let vcard =
        ["name", "firstName", "lastName", "email", "phoneNumber", "contactBirthday", "contactLanguage"];
    let vcard = [&vcard[..], &["contactTimezone", "contactGender"], &["ignore"; 5]].concat();
    for (name, bytes, columns, shown) in [
        ("people.csv.gz", gzipped("userId,name\nu0,Jo\n"), vec!["userId", "name"], "in a gzip archive"),
        ("people.ods", spreadsheet(), vec!["userId", "contactBirthday", "active", "ignore"], "ODS, sheet"),
        ("people.vcf", card.to_vec(), vcard, "an address book (vCard)"),
    ] {
        let job = visitor.uploaded(&list, name, &bytes).await;
        let page = visitor.page(&job).await;
        assert!(page.contains(shown), "{name}: {page}");
        let names: Vec<_> = (0..columns.len()).map(|place| format!("column-{place}")).collect();
        let mut fields: Vec<_> = names.iter().map(String::as_str).zip(columns).collect();
        fields.push(("do", "begin"));
        visitor.goes(&format!("{job}/begin"), &fields).await;
        let [created, _, _, failed] = figures(&ended(&visitor, &job, Duration::from_secs(30)).await);
        assert_eq!((created > 0, failed), (true, 0), "{name}");
    }
    let job = visitor.uploaded(&list, "both.zip", &both).await;
    let page = visitor.page(&job).await;
    assert!(
        page.contains("\"a.csv\" in a zip archive") || page.contains("&#34;a.csv&#34; in a zip archive"),
        "{page}"
    );
    assert!(page.contains("<option>b.csv</option>"), "{page}");
    let fields = [("said-sheet", "b.csv"), ("column-0", "userId"), ("column-1", "name"), ("do", "begin")];
    visitor.goes(&format!("{job}/begin"), &fields).await;
    assert_eq!(figures(&ended(&visitor, &job, Duration::from_secs(30)).await), [1, 0, 0, 0]);
    assert_eq!(server.contact(&list, "userId", "u9").await["name"], "Bo");
    assert_eq!(server.contact(&list, "email", "ann@example.com").await["name"], "Ann");
}
