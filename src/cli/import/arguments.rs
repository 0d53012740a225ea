//! What `rollbook import` is told.

use std::path::PathBuf;

use crate::cli::client::ServerArguments;
use files::choices::{Choices, ForAll, Mode};
use files::decode;
use files::layout::{Header, Said};
use files::values::{Order, Values, region};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// CSV, XLSX, ODS or vCard; CSV and vCard also as .gz or .zip
    pub file: PathBuf,
    /// List to import into; repeatable: the lists are imported one by one
    #[arg(long, value_name = "CONTACT_LIST_ID", required_unless_present = "undo")]
    pub list: Vec<String>,
    #[command(flatten)]
    pub server: ServerArguments,
    #[command(flatten)]
    pub columns: ColumnArguments,
    #[command(flatten)]
    pub choices: ChoiceArguments,
    #[command(flatten)]
    pub file_form: FileArguments,
    /// Clear a field if its cell is empty
    #[arg(long)]
    pub empty_clears: bool,
    /// Turn on flags that were set to false too: not by default
    #[arg(long)]
    pub resubscribe: bool,
    /// Show the result of each row, and store nothing
    #[arg(long)]
    pub dry_run: bool,
    /// File for failed rows with line and error [default: FILE.failed.csv]
    #[arg(long, value_name = "FILE")]
    pub failures: Option<PathBuf>,
    /// Undo the last import of this file, field by field
    #[arg(long, conflicts_with = "list")]
    pub undo: bool,
    /// Undo the rows from this line of the file on
    #[arg(long, value_name = "LINE", requires = "undo")]
    pub from_line: Option<u64>,
    /// Start without asking
    #[arg(long)]
    pub yes: bool,
    /// Concurrent requests; 1 preserves the order of all rows
    #[arg(long, value_name = "COUNT", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub parallel: u16,
}

#[derive(Debug, clap::Args)]
pub struct ColumnArguments {
    /// Assign a column: "Column=email", "#3=variables.name"; repeatable
    #[arg(long, value_name = "COLUMN=FIELD")]
    pub map: Vec<String>,
    /// Create a variable: "Column", "Column=name", "Column=name:date"
    #[arg(long, value_name = "COLUMN")]
    pub new_variable: Vec<String>,
    /// Ignore a column; repeatable
    #[arg(long, value_name = "COLUMN")]
    pub ignore: Vec<String>,
    /// Ignore all unknown columns
    #[arg(long)]
    pub ignore_others: bool,
}

#[derive(Debug, clap::Args)]
pub struct FileArguments {
    /// Delimiter: comma, semicolon, tab or bar [default: detected]
    #[arg(long, value_name = "NAME", value_parser = parse_delimiter)]
    pub delimiter: Option<char>,
    /// Encoding, such as utf-8 or windows-1251 [default: detected]
    #[arg(long, value_name = "NAME", value_parser = parse_encoding)]
    pub encoding: Option<String>,
    /// Sheet of a workbook [default: the first visible one]
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// Line of the column names, or none [default: the first row]
    #[arg(long, value_name = "LINE", value_parser = parse_header)]
    pub header_row: Option<Header>,
}

#[derive(Debug, clap::Args)]
pub struct ChoiceArguments {
    /// Update existing contacts, and create none
    #[arg(long, conflicts_with = "create_only")]
    pub update_only: bool,
    /// Create contacts, and update none
    #[arg(long)]
    pub create_only: bool,
    /// Find contacts by: userId, email, phoneNumber, contactId
    #[arg(long, value_name = "FIELD")]
    pub match_by: Option<String>,
    /// Set a field of all rows without a value of their own: "active=yes"
    #[arg(long, value_name = "FIELD=VALUE", value_parser = parse_for_all)]
    pub set: Vec<ForAll>,
    /// Country of phone numbers without a country code, such as EE
    #[arg(long, value_name = "COUNTRY", value_parser = parse_country)]
    pub country: Option<String>,
    /// Order in dates: day-first or month-first [default: detected]
    #[arg(long, value_name = "ORDER", value_parser = parse_order)]
    pub dates: Option<Order>,
    /// Values that do not fit a field: fail-row, or leave-out
    #[arg(long, value_name = "WHAT", default_value = "fail-row", value_parser = ["fail-row", "leave-out"])]
    pub bad_values: String,
}

impl FileArguments {
    /// The form of the file, as the arguments name it.
    pub fn said(self) -> Said {
        let Self { delimiter, encoding, sheet, header_row } = self;
        Said { encoding, delimiter, sheet, header: header_row.unwrap_or_default(), accept_doubt: false }
    }
}

impl ChoiceArguments {
    /// The choices of the user.
    pub fn choices(self) -> Choices {
        let mode = match (self.create_only, self.update_only) {
            (true, _) => Mode::Create,
            (_, true) => Mode::Update,
            _ => Mode::Both,
        };
        let leave_out = self.bad_values == "leave-out";
        let values = Values { country: self.country, dates: self.dates, leave_out };
        Choices { mode, match_by: self.match_by, for_all: self.set, values }
    }
}

fn parse_delimiter(name: &str) -> Result<char, String> {
    match name {
        "comma" | "," => Ok(','),
        "semicolon" | ";" => Ok(';'),
        "tab" | "\t" => Ok('\t'),
        "bar" | "|" => Ok('|'),
        _ => Err("it is comma, semicolon, tab or bar".to_owned()),
    }
}

fn parse_encoding(name: &str) -> Result<String, String> {
    decode::named(name).map(|encoding| encoding.name().to_owned()).ok_or_else(|| {
        "no such encoding; try utf-8, utf-16le, windows-1250, windows-1251 or iso-8859-2".to_owned()
    })
}

fn parse_header(text: &str) -> Result<Header, String> {
    Header::parse(text).ok_or_else(|| "it is none, or the number of a line from 1".to_owned())
}

fn parse_order(name: &str) -> Result<Order, String> {
    match name {
        "day-first" => Ok(Order::DayFirst),
        "month-first" => Ok(Order::MonthFirst),
        _ => Err("it is day-first or month-first".to_owned()),
    }
}

fn parse_country(name: &str) -> Result<String, String> {
    let known = region(name).map(|_| name.to_ascii_uppercase());
    known.ok_or_else(|| "a country has two letters, such as DE or US".to_owned())
}

/// Reads `field=value`.
pub fn parse_for_all(text: &str) -> Result<ForAll, String> {
    let (field, value) = text.split_once('=').ok_or("there is no =")?;
    Ok(ForAll { field: field.trim().to_owned(), value: value.trim().to_owned() })
}
