use serde_json::{Value, json};

use super::*;
use crate::mapping::Wishes;

fn read(empty_clears: bool, header: &[&str], cells: &[&str]) -> Result<Value, String> {
    let header = StringRecord::from(header.to_vec());
    let variables = ["plan".to_owned(), "since".to_owned()];
    let mapping = Mapping::of(&header, &Wishes::default(), &variables).unwrap();
    let reading = Reading {
        mapping,
        empty_clears,
        ours: false,
        by: None,
        values: Values::default(),
        absent: Vec::new(),
    };
    let row = Row { line: 2, cells: StringRecord::from(cells.to_vec()), faults: Vec::new() };
    let mut read = Read::default();
    reading.read(&row, &mut read);
    match read.fault {
        Some(fault) => Err(fault),
        None => Ok(serde_json::from_str(&read.json).unwrap()),
    }
}

#[test]
fn the_contact_is_the_first_identifier_that_there_is() {
    let header = ["phoneNumber", "email", "userId"];
    for (cells, contact) in [
        (["+15555555", "a@example.com", " \u{feff}u\u{200b}"], "u"),
        (["+15555555", " a@example.com\u{200b} ", ""], "a@example.com"),
        (["\u{202a}+15555555\u{202c}", " ", " \u{ad} "], "+15555555"),
    ] {
        assert_eq!(read(false, &header, &cells).unwrap()["contact"], contact);
    }
    let refused = "the row has no userId, email or phoneNumber".to_owned();
    assert_eq!(read(true, &header, &["", "", ""]), Err(refused));
}

#[test]
fn empty_cells_leave_or_clear() {
    let header =
        ["userId", "name", "active", "plan", "cac.value", "cac.currency", "sourceId", "customerSourceId"];
    let cells = ["u", "", " ", "", "", "", "", "x"];
    assert_eq!(
        read(false, &header, &cells).unwrap(),
        json!({ "userId": "u", "contact": "u", "customerSourceId": "x" })
    );
    let cleared = json!({ "userId": "u", "contact": "u", "name": "", "active": false, "cac": "",
        "customerSourceId": "x", "variables": [{ "name": "plan", "value": "" }] });
    assert_eq!(read(true, &header, &cells).unwrap(), cleared);
}

#[test]
fn flags_amounts_and_blanks() {
    let header = ["userId", "active", "emailSubscribe", "firstName", "cac.value", "plan", "contactScore"];
    let cells = ["u", " YES ", "maybe", " Jo ", "2", "  ", " 7 "];
    let expected = json!({ "userId": "u", "contact": "u", "active": true, "emailSubscribe": "maybe",
        "firstName": " Jo ", "cac": { "value": "2", "currency": "" }, "contactScore": "7",
        "variables": [{ "name": "plan", "value": "  " }] });
    assert_eq!(read(false, &header, &cells).unwrap(), expected);
}

#[test]
fn rows_of_another_width_are_told() {
    let told = |cells: &[&str]| read(false, &["userId", "name"], cells);
    assert_eq!(told(&["u"]), Err("the row has 1 cells, the header has 2".to_owned()));
    assert_eq!(told(&["u", "n", "x"]), Err("the row has 3 cells, the header has 2".to_owned()));
    assert!(told(&["u", "n", "", ""]).is_ok());
    assert_eq!(told(&["u", "a\0b"]), Err("the cell of name holds a NUL character".to_owned()));
}
