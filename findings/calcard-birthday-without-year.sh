#!/bin/sh
# Plausible guess: a vCard parser that takes `BDAY:--02-29`, a birthday without a year as Android and Google Contacts
# write it, gives out its month and day; or it keeps the text.
# Truth: calcard 0.3 gives out the month and loses the day, without an error, in vCard 2.1, 3.0 and 4.0 alike. Of the
# basic form, `--0229`, both are there. An importer has to bring the date to the basic form before the parser sees it.
set -eu
cd "$(mktemp -d)"
mkdir -p read/src
cat >read/Cargo.toml <<'T'
[package]
name = "read"
version = "0.0.0"
edition = "2021"
[dependencies]
calcard = { version = "=0.3.14", default-features = false }
T
cat >read/src/main.rs <<'R'
use calcard::vcard::{VCard, VCardProperty, VCardValue};

fn birthday(version: &str, written: &str) -> String {
    let text = format!("BEGIN:VCARD\r\nVERSION:{version}\r\nFN:Ann Example\r\nN:Example;Ann;;;\r\nBDAY:{written}\r\nEND:VCARD\r\n");
    let card = VCard::parse(&text).expect("a card, without an error");
    let entry = card.entries.iter().find(|entry| entry.name == VCardProperty::Bday).expect("a birthday");
    match &entry.values[0] {
        VCardValue::PartialDateTime(date) => format!("month {:?}, day {:?}", date.month, date.day),
        other => format!("{other:?}"),
    }
}

fn main() {
    for (version, written) in [("2.1", "--02-29"), ("3.0", "--02-29"), ("4.0", "--02-29"), ("3.0", "--0229")] {
        println!("vCard {version}, {written}: {}", birthday(version, written));
    }
}
R
cargo build --quiet --manifest-path read/Cargo.toml
echo "calcard 0.3.14"
read/target/debug/read | tee seen
[ "$(grep -c 'month Some(2), day None$' seen)" = 3 ]
[ "$(grep -c -- '--0229: month Some(2), day Some(29)$' seen)" = 1 ]
# Seen on 2026-11-30:
#   calcard 0.3.14
#   vCard 2.1, --02-29: month Some(2), day None
#   vCard 3.0, --02-29: month Some(2), day None
#   vCard 4.0, --02-29: month Some(2), day None
#   vCard 3.0, --0229: month Some(2), day Some(29)
