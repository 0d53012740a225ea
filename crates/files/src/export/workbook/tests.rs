use std::io::Cursor;

use calamine::{Reader as _, Xlsx};

use super::*;

#[test]
fn a_workbook_reads_as_it_was_written() {
    let texts =
        ["=1", "<a>&amp;", "_x0041_ _x_", "a\u{1}b\rc\n\td", " blanks ", "漢 ö 😀", "", "0012", "\u{ffff}"];
    let mut book = Book::new();
    book.begin((0..texts.len()).map(|column| format!("h{column}")).collect()).unwrap();
    let mut bytes = book.take();
    assert!(!bytes.is_empty(), "a client gets the beginning at once");
    for _ in 0..3_000 {
        book.row(texts.into_iter()).unwrap();
        bytes.extend(book.take());
    }
    assert!(bytes.len() > 1_000, "rows come before the end");
    bytes.extend(book.end().unwrap());
    let mut read: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(bytes)).unwrap();
    assert_eq!(read.sheet_names(), ["Contacts"]);
    let range = read.worksheet_range("Contacts").unwrap();
    assert_eq!(range.height(), 3_001);
    for row in [1, 3_000] {
        let cells: Vec<_> = range.rows().nth(row).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(cells, texts, "row {row}");
    }
    assert_eq!(range.rows().next().unwrap()[8].to_string(), "h8");
}

#[test]
fn a_full_sheet_is_followed_by_another() {
    let mut book = Book::new();
    book.begin(vec!["userId".to_owned()]).unwrap();
    book.row(["first"].into_iter()).unwrap();
    book.rows = MAX_ROWS;
    book.row(["second"].into_iter()).unwrap();
    book.bytes = MAX_BYTES + 1;
    book.row(["third"].into_iter()).unwrap();
    let mut bytes = book.take();
    bytes.extend(book.end().unwrap());
    let mut read: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(bytes)).unwrap();
    for (name, last) in [("Contacts", "first"), ("Contacts 2", "second"), ("Contacts 3", "third")] {
        let range = read.worksheet_range(name).unwrap();
        let cells: Vec<_> = range.rows().map(|row| row[0].to_string()).collect();
        assert_eq!(cells, ["userId", last]);
    }
}

#[test]
fn columns_have_the_names_of_a_spreadsheet() {
    let names = [0, 25, 26, 51, 701, 702, 16_383].map(column_name);
    assert_eq!(names, ["A", "Z", "AA", "AZ", "ZZ", "AAA", "XFD"]);
}
