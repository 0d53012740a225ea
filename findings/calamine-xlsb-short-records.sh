#!/bin/sh
# Plausible guess: calamine reads .xlsb, so a workbook that SheetJS writes comes back whole, or as an error.
# Truth: SheetJS writes the cells of a row behind the first as short records (MS-XLSB allows them: a short cell stands
# next to the one before). calamine 0.38 passes over them, with no error: of four columns one comes back.
# The same table as .xlsx comes back whole.
set -eu
cd "$(mktemp -d)"
npm install --silent --no-audit --no-fund xlsx@0.18.5 >/dev/null
cat >write.js <<'JS'
const XLSX = require('xlsx')
const sheet = XLSX.utils.aoa_to_sheet([
  ['email', 'firstName', 'phoneNumber', 'score'],
  ['ann@example.com', 'Ann', '+15555550101', 100],
  ['bob@example.com', 'Bob', '+15555550102', 7.5]])
const book = XLSX.utils.book_new()
XLSX.utils.book_append_sheet(book, sheet, 'People')
for (const kind of ['xlsb', 'xlsx']) XLSX.writeFile(book, 'people.' + kind)
console.log('SheetJS', XLSX.version)
JS
node write.js
mkdir -p read/src
cat >read/Cargo.toml <<'T'
[package]
name = "read"
version = "0.0.0"
edition = "2021"
[dependencies]
calamine = "=0.38.0"
T
cat >read/src/main.rs <<'R'
use calamine::{open_workbook_auto, Data, Reader};

fn main() {
    for kind in ["xlsx", "xlsb"] {
        let mut book = open_workbook_auto(format!("people.{kind}")).expect("a workbook");
        let range = book.worksheet_range("People").expect("a sheet, without an error");
        let filled = |row: &[Data]| row.iter().filter(|cell| **cell != Data::Empty).count();
        println!("{kind}: filled cells by row {:?}", range.rows().map(filled).collect::<Vec<_>>());
    }
}
R
cargo build --quiet --manifest-path read/Cargo.toml
echo "calamine 0.38.0"
read/target/debug/read | tee seen
printf 'xlsx: filled cells by row [4, 4, 4]\nxlsb: filled cells by row [1, 1, 1]\n' | cmp - seen
# Seen on 2026-11-30:
#   SheetJS 0.18.5
#   calamine 0.38.0
#   xlsx: filled cells by row [4, 4, 4]
#   xlsb: filled cells by row [1, 1, 1]
