use proptest::prelude::*;

use super::*;

fn scan(text: &str) -> std::result::Result<u64, String> {
    let mut scan = Scan::new(b',', 1);
    let done = scan.feed(text.as_bytes()).and_then(|()| scan.finish());
    done.map(|()| scan.records()).map_err(|error| error.to_string())
}

#[test]
fn records_are_counted_as_the_parser_reads_them() {
    for (text, records) in
        [("", 0), ("\n\n", 0), ("a", 1), ("a\r\nb\r\n", 2), ("\"a\nb\",c\nd", 2), ("5\" pipe,a\n", 1)]
    {
        assert_eq!(scan(text), Ok(records), "{text:?}");
    }
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    for (text, start) in [
        ("a\nb", 2),
        ("a\r\nb", 2),
        ("a\rb", 2),
        ("a\r\n\r\n\r\nb", 4),
        ("a\r\rb", 3),
        ("\"a\r\n\r\"\r\nb", 4),
        ("a\n\r\nb", 3),
    ] {
        let mut one = Scan::new(b',', 1);
        one.feed(text.as_bytes()).unwrap();
        one.finish().unwrap();
        assert_eq!((one.start(), one.records()), (start, 2), "{text:?}");
    }
}

#[test]
fn rows_of_blanks_do_not_count() {
    for (text, records) in
        [("a,b\n,\n \t,\"\"\n\" \n\",\nc\n", 2), ("a\n\"\"\"\"\n\",\"\n", 3), (",,\na,b", 1)]
    {
        assert_eq!(scan(text), Ok(records), "{text:?}");
    }
}

#[test]
fn broken_quotes_are_told_with_their_line() {
    let open = "line 2: a quotation mark that is opened in this row is never closed";
    assert_eq!(scan("a,b\n\"c,d\ne,f\n").unwrap_err(), open);
    let behind = "line 2: there is text behind a closing quotation mark in this row";
    assert_eq!(scan("a,b\n\"c\"x,d\n").unwrap_err(), behind);
    assert_eq!(scan("a,b\n\"c\" ,d\n").unwrap_err(), behind);
}

#[test]
fn endless_rows_and_headers_are_refused() {
    let long = "line 1: the row is longer than 2 MiB; is a quotation mark left open?";
    assert_eq!(scan(&"x".repeat(MAX_RECORD + 1)).unwrap_err(), long);
    let wide = "line 1: the header has 100001 columns, at most 1000 are read";
    assert_eq!(scan(&format!("{}\n", ",".repeat(100_000))).unwrap_err(), wide);
}

#[test]
fn the_delimiter_is_what_the_header_has_most_of() {
    for (text, expected) in [
        ("email", b','),
        ("a;b;c\n1,2,3,4,5", b';'),
        ("a\tb", b'\t'),
        ("\"a;b;c\",d\n", b','),
        ("\r\n\r\na;b", b';'),
        ("a;b,c", b','),
    ] {
        assert_eq!(delimiter(text, 1), expected, "{text:?}");
    }
}

proptest! {
    /// What is written by the rules is read by the rules, however it is cut into pieces.
    #[test]
    fn what_the_library_writes_has_no_fault(
        rows in prop::collection::vec(prop::collection::vec("[a,;\"\r\n\u{e4} ]{0,6}", 1..4), 1..6),
        cut in 1_usize..9,
    ) {
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let mut scan = Scan::new(b',', 1);
        for piece in bytes.chunks(cut) {
            scan.feed(piece).unwrap();
        }
        scan.finish().unwrap();
        let full = rows.iter().filter(|row| row.iter().any(|cell| !cell.bytes().all(is_blank)));
        prop_assert_eq!(scan.records(), full.count() as u64);
    }
}
