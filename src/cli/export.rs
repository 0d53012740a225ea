//! `rollbook export`

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::client::ServerArguments;
use super::progress::Bar;
use super::{FAULTS, note};
use domain::clock::{Clock as _, SystemClock};
use domain::contact::field::{Field, Kind};
use files::api;
use files::export::output::Format;
use files::export::{self, Request, Written, file_name};
use files::{Error, Result};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// List to export
    #[arg(long, value_name = "CONTACT_LIST_ID")]
    list: String,
    #[command(flatten)]
    server: ServerArguments,
    /// Format of the output
    #[arg(long, value_enum, default_value_t = FormatName::Csv)]
    format: FormatName,
    /// File or directory to write to [default: standard output]
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Filter by a flag: "active", "emailSubscribe=false"; repeatable
    #[arg(long, value_name = "FIELD[=BOOL]", value_parser = parse_flag)]
    only: Vec<(String, bool)>,
    /// Filter by source
    #[arg(long, value_name = "SOURCE_ID")]
    source: Option<String>,
    /// Filter by change: since YYYY-MM-DD or "YYYY-MM-DD hh:mm:ss" (UTC)
    #[arg(long, value_name = "TIME")]
    updated_since: Option<String>,
    /// Filter by the beginning of the name
    #[arg(long, value_name = "TEXT")]
    name_prefix: Option<String>,
    /// Filter as JSON: {"field":"variables.plan","op":"is","value":"pro"}
    #[arg(long, value_name = "JSON", value_parser = parse_filter)]
    filter: Option<Value>,
    /// Write contacts with a suppressed address too, and a column with why
    #[arg(long)]
    include_suppressed: bool,
    /// Write a last column with the ids of contacts
    #[arg(long)]
    include_ids: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum FormatName {
    /// Table with commas, in UTF-8
    Csv,
    /// The same for Excel, with a byte order mark
    Excel,
    /// The same with semicolons, which Excel expects in most of Europe
    ExcelSemicolon,
    /// Excel workbook; every cell is a text
    Xlsx,
    /// One JSON object a line
    Jsonl,
}

impl FormatName {
    const fn format(self) -> Format {
        match self {
            Self::Csv => Format::Csv,
            Self::Excel => Format::Excel(b','),
            Self::ExcelSemicolon => Format::Excel(b';'),
            Self::Xlsx => Format::Workbook,
            Self::Jsonl => Format::JsonLines,
        }
    }

    const fn ending(self) -> &'static str {
        match self {
            Self::Csv | Self::Excel | Self::ExcelSemicolon => "csv",
            Self::Xlsx => "xlsx",
            Self::Jsonl => "jsonl",
        }
    }
}

/// A field that is true or false. The server ignores what it does not know, and would answer all contacts.
fn parse_flag(text: &str) -> std::result::Result<(String, bool), String> {
    let (field, wanted) = match text.split_once('=') {
        None => (text, true),
        Some((field, "true")) => (field, true),
        Some((field, "false")) => (field, false),
        Some(_) => return Err("it is true or false".to_owned()),
    };
    let mut flags = Field::ALL.into_iter().filter(|field| field.kind() == Some(Kind::Flag)).map(Field::name);
    match flags.find(|flag| *flag == field) {
        Some(flag) => Ok((flag.to_owned(), wanted)),
        None => Err(format!("{field} is not a flag of a contact")),
    }
}

fn parse_filter(text: &str) -> std::result::Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))
}

impl Arguments {
    fn filter(&self) -> Map<String, Value> {
        let flags = self.only.iter().map(|(field, wanted)| (field.clone(), json!(wanted)));
        let texts = [
            ("sourceId", &self.source),
            ("updatedSince", &self.updated_since),
            ("namePrefix", &self.name_prefix),
        ];
        let texts = texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), json!(text.as_ref()?))));
        let tree = self.filter.iter().map(|filter| ("filter".to_owned(), filter.clone()));
        flags.chain(texts).chain(tree).collect()
    }
}

/// Runs the command. Contacts that are damaged on disk are faults: all others were exported.
pub fn main(arguments: Arguments) -> ExitCode {
    match super::block_on_any(run(arguments)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(damaged) => {
            eprintln!("rollbook: {damaged} contacts are damaged on disk; all others were exported");
            ExitCode::from(FAULTS)
        }
        Err(error) => super::failed(&error.to_string()),
    }
}

/// Returns how many contacts are damaged.
async fn run(arguments: Arguments) -> Result<usize> {
    let Some(path) = &arguments.output else {
        let mut out = BufWriter::new(Stdout);
        return Ok(tell(write(&arguments, &mut out).await?));
    };
    let path = if path.is_dir() { &path.join(name(&arguments).await?) } else { path };
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let written = write_file(&arguments, &part).await;
    let done = written.and_then(|count| {
        std::fs::rename(&part, path).map_err(|error| Error::file(path, error))?;
        Ok(count)
    });
    match done {
        Ok(count) => Ok(tell(count)),
        Err(error) => {
            // Half an export must not be taken for a whole one.
            let _ = std::fs::remove_file(&part);
            Err(error)
        }
    }
}

/// The name of the list and the day, as the console calls the file.
async fn name(arguments: &Arguments) -> Result<String> {
    let server = arguments.server.client().map_err(Error::Message)?;
    let list = api::list(&server, &arguments.list, arguments.server.patience()).await?;
    let day: String = SystemClock.now().to_string().chars().take(10).collect();
    Ok(format!("{}-{day}.{}", file_name(&list.contact_list_name), arguments.format.ending()))
}

/// Reports the counts, and returns how many contacts are damaged.
fn tell(written: Written) -> usize {
    let Written { contacts, damaged, suppressed } = written;
    note(&format!("{contacts} contacts"));
    if suppressed > 0 {
        note(&format!("{suppressed} suppressed contacts were left out (--include-suppressed writes them)"));
    }
    damaged.iter().for_each(|message| eprintln!("{message}"));
    damaged.len()
}

/// Standard output, see [`super::write`].
struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        super::write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn write_file(arguments: &Arguments, path: &Path) -> Result<Written> {
    let told = |error: std::io::Error| Error::file(path, error);
    // People's data are nobody else's matter.
    let file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).map_err(told)?;
    let mut out = BufWriter::new(file);
    let count = write(arguments, &mut out).await?;
    let file: File = out.into_inner().map_err(|error| told(error.into_error()))?;
    file.sync_all().map_err(told)?;
    Ok(count)
}

async fn write(arguments: &Arguments, out: &mut (dyn Write + Send)) -> Result<Written> {
    let server = arguments.server.client().map_err(Error::Message)?;
    let request = Request {
        list: arguments.list.clone(),
        filter: arguments.filter(),
        format: arguments.format.format(),
        include_suppressed: arguments.include_suppressed,
        include_ids: arguments.include_ids,
        patience: arguments.server.patience(),
    };
    let mut bar = Bar::of("rows");
    let done = export::run(&server, &request, out, |count| bar.show(count, None, "")).await;
    bar.end();
    done
}
