use std::io::Write as _;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;
use crate::sheet::binary::{Binary, each_row, look};

fn record(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = match u8::try_from(kind).ok().filter(|kind| *kind < 0x80) {
        Some(kind) => vec![kind],
        None => vec![u8::try_from(kind & 0x7f).unwrap() | 0x80, u8::try_from(kind >> 7).unwrap()],
    };
    bytes.push(u8::try_from(body.len()).unwrap());
    bytes.extend(body);
    bytes
}

fn wide(text: &str) -> Vec<u8> {
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [&u32::try_from(units.len() / 2).unwrap().to_le_bytes()[..], &units].concat()
}

/// A cell with its column, its style and its value.
fn cell(kind: u16, column: u32, style: u8, value: &[u8]) -> Vec<u8> {
    record(kind, &[&column.to_le_bytes()[..], &[style, 0, 0, 0], value].concat())
}

/// A cell behind the one before.
fn next(kind: u16, style: u8, value: &[u8]) -> Vec<u8> {
    record(kind, &[&[style, 0, 0, 0], value].concat())
}

fn whole(number: i32) -> [u8; 4] {
    (number << 2 | 2).to_le_bytes()
}

fn row(number: u32) -> Vec<u8> {
    record(0, &[&number.to_le_bytes()[..], &[0; 13]].concat())
}

const RELATED: &str = r#"<?xml version="1.0"?><Relationships>
<Relationship Id="rId1" Type="http://x/relationships/worksheet" Target="worksheets/old.bin"/>
<Relationship Id="rId2" Type="http://x/relationships/worksheet" Target="/xl/worksheets/people.bin"></Relationship>
<Relationship Id="rId3" Type="http://x/relationships/styles" Target="formats.bin"/>
<Relationship Id="rId4" Type="http://x/relationships/sharedStrings" Target="texts.bin"/></Relationships>"#;

fn sheet(rows: &[Vec<u8>]) -> Vec<u8> {
    [record(129, &[]), record(145, &[]), rows.concat(), record(146, &[]), record(130, &[])].concat()
}

fn people() -> Vec<u8> {
    sheet(&[
        row(0),
        cell(7, 0, 0, &[0; 4]),
        next(18, 0, &[1, 0, 0, 0]),
        cell(6, 2, 0, &wide("c")),
        row(2),
        cell(2, 0, 1, &whole(12)),
        next(13, 2, &whole(32_904)),
        next(16, 3, &0.5_f64.to_le_bytes()),
        row(3),
        cell(5, 0, 4, &123_456_789_f64.to_le_bytes()),
        cell(62, 1, 0, &[&[1][..], &wide("bold")].concat()),
        cell(9, 2, 5, &1.5_f64.to_le_bytes()),
        row(4),
        cell(4, 0, 0, &[1]),
        cell(1, 1, 2, &[]),
        cell(8, 2, 0, &wide("made")),
        row(5),
        cell(3, 0, 0, &[0x2a]),
        cell(2, 1, 99, &whole(7)),
        cell(5, 2, 2, &3e9_f64.to_le_bytes()),
    ])
}

fn book(people: &[u8]) -> Vec<u8> {
    let format = |number: u16, code: &str| record(44, &[&number.to_le_bytes()[..], &wide(code)].concat());
    let style = |format: u16| record(47, &[&[0, 0][..], &format.to_le_bytes(), &[0; 12]].concat());
    let styles = [
        format(164, "0000"),
        format(165, "000-00-0000"),
        style(164),
        record(617, &[]),
        style(0),
        style(164),
        style(14),
        style(9),
        style(165),
        style(46),
        record(618, &[]),
    ];
    let named = |state: u8, relation: &str, name: &str| {
        record(156, &[&[state, 0, 0, 0, 1, 0, 0, 0][..], &wide(relation), &wide(name)].concat())
    };
    let workbook = [record(153, &[0; 8]), named(1, "rId1", "Old"), named(0, "rId2", "People")].concat();
    let texts = ["a", "b"].map(|text| record(19, &[&[0][..], &wide(text)].concat())).concat();
    let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, bytes) in [
        ("xl/workbook.bin", workbook.as_slice()),
        ("xl/_rels/workbook.bin.rels", RELATED.as_bytes()),
        ("xl/formats.bin", &styles.concat()),
        ("xl/texts.bin", &texts),
        ("xl/worksheets/old.bin", &sheet(&[])),
        ("xl/worksheets/people.bin", people),
    ] {
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        zip.start_file(name, stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn rows(path: &Path) -> Result<Vec<(u64, Vec<String>, usize)>> {
    let (mut rows, sheet) = (Vec::new(), look(path, Binary::Xlsb, None, 1)?.sheet);
    each_row(path, Binary::Xlsb, &sheet, 1, &mut |row| {
        rows.push((row.line, row.cells.iter().map(str::to_owned).collect(), row.faults.len()));
        Ok(Go::On)
    })?;
    Ok(rows)
}

fn at(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("rollbook-xlsb-{name}-{}.xlsb", std::process::id()))
}

#[test]
fn cells_are_as_they_are_shown() {
    let path = at("shown");
    std::fs::write(&path, book(&people())).unwrap();
    let found = rows(&path);
    let hidden = look(&path, Binary::Xlsb, Some("Old"), 1).map(|looked| (looked.rows, looked.sheets));
    std::fs::remove_file(&path).unwrap();
    let expected = [
        (1, vec!["a", "b", "c"], 0),
        (3, vec!["0012", "1990-01-31", "50%"], 0),
        (4, vec!["123-45-6789", "bold", "36:00:00"], 0),
        (5, vec!["true", "", "made"], 0),
        (6, vec!["#N/A", "7", "3000000000"], 2),
    ];
    assert_eq!(
        found.unwrap(),
        expected.map(|(line, cells, faults)| (line, cells.iter().map(ToString::to_string).collect(), faults))
    );
    assert_eq!(hidden.unwrap(), (0, vec!["People".to_owned()]));
}

#[test]
fn a_sheet_that_is_damaged_or_cut_off_ends() {
    let (path, sheet) = (at("damaged"), people());
    for place in 0..sheet.len() {
        std::fs::write(&path, book(&sheet[..place])).unwrap();
        // Behind the end of the rows there is one more record.
        assert_eq!(rows(&path).is_ok(), place + 3 >= sheet.len(), "cut off at {place}");
        let mut damaged = sheet.clone();
        damaged[place] ^= 0xff;
        std::fs::write(&path, book(&damaged)).unwrap();
        // An error or other cells, and no panic.
        let _ = rows(&path);
    }
    std::fs::remove_file(&path).unwrap();
}
