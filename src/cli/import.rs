//! `rollbook import`

use std::io::{BufRead, IsTerminal, Write, stderr, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use csv::StringRecord;
use encoding_rs::Encoding;

use super::client::ServerArguments;
use super::print;
use super::progress::Bar;
use super::serve::stop_signal;
use crate::files::api::{self, Api};
use crate::files::failures::Failures;
use crate::files::import::{self, Books, Job, Outcome};
use crate::files::mapping::{Mapping, Wishes};
use crate::files::row::Reading;
use crate::files::send::{Counts, Way};
use crate::files::state::State;
use crate::files::survey::{Form, Said, Survey};
use crate::files::{Error, Result, decode, defuse, table};

/// Rows that are shown before an import.
const SHOWN_ROWS: usize = 3;

/// Letters of a cell that are shown.
const SHOWN_LETTERS: usize = 24;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// CSV (comma, semicolon or tab), or XLSX (the first sheet)
    file: PathBuf,
    /// List to import into
    #[arg(long, value_name = "CONTACT_LIST_ID")]
    list: String,
    #[command(flatten)]
    server: ServerArguments,
    #[command(flatten)]
    columns: ColumnArguments,
    /// Clear a field if its cell is empty
    #[arg(long)]
    empty_clears: bool,
    /// Update existing contacts, and create none
    #[arg(long)]
    update_only: bool,
    /// Turn on flags that were set to false too: not by default
    #[arg(long)]
    resubscribe: bool,
    /// Show the result of each row, and store nothing
    #[arg(long)]
    dry_run: bool,
    /// File for failed rows with line and error [default: FILE.failed.csv]
    #[arg(long, value_name = "FILE")]
    failures: Option<PathBuf>,
    /// Start without asking
    #[arg(long)]
    yes: bool,
    /// Delimiter: comma, semicolon or tab [default: detected]
    #[arg(long, value_name = "NAME", value_parser = parse_delimiter)]
    delimiter: Option<u8>,
    /// utf-8, utf-16le, utf-16be or windows-1252 [default: detected]
    #[arg(long, value_name = "NAME", value_parser = parse_encoding)]
    encoding: Option<&'static Encoding>,
    /// Concurrent requests; 1 preserves the order of all rows
    #[arg(long, value_name = "COUNT", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    parallel: u16,
}

#[derive(Debug, clap::Args)]
pub struct ColumnArguments {
    /// Assign a column: "Column=email", "Column=variables.name"; repeatable
    #[arg(long, value_name = "COLUMN=FIELD")]
    map: Vec<String>,
    /// Create a variable: "Column", "Column=name", "Column=name:date"
    #[arg(long, value_name = "COLUMN")]
    new_variable: Vec<String>,
    /// Ignore a column; repeatable
    #[arg(long, value_name = "COLUMN")]
    ignore: Vec<String>,
    /// Ignore all unknown columns
    #[arg(long)]
    ignore_others: bool,
}

fn parse_delimiter(name: &str) -> std::result::Result<u8, String> {
    match name {
        "comma" | "," => Ok(b','),
        "semicolon" | ";" => Ok(b';'),
        "tab" | "\t" => Ok(b'\t'),
        _ => Err("it is comma, semicolon or tab".to_owned()),
    }
}

fn parse_encoding(name: &str) -> std::result::Result<&'static Encoding, String> {
    decode::named(name).ok_or_else(|| {
        "no such encoding; try utf-8, utf-16le, windows-1250, windows-1251 or iso-8859-2".to_owned()
    })
}

/// Runs the command: 0 where all rows were imported, 1 where some were not, 2 where it could not run to its end.
pub fn main(arguments: Arguments) -> ExitCode {
    let failed = match super::block_on_any(run(arguments)) {
        Ok(counts) => counts.failed > 0,
        Err(error) => {
            eprintln!("rollbook: {error}");
            return ExitCode::from(2);
        }
    };
    ExitCode::from(u8::from(failed))
}

async fn run(arguments: Arguments) -> Result<Counts> {
    let api: Arc<dyn Api> = Arc::new(arguments.server.client().map_err(Error::Told)?);
    let said = Said { encoding: arguments.encoding, delimiter: arguments.delimiter };
    let survey = Survey::of(&arguments.file, said)?;
    let patience = arguments.server.patience();
    let list = api::list(api.as_ref(), &arguments.list, patience).await?;
    let (header, rows) = table::beginning(&survey, SHOWN_ROWS)?;
    let ColumnArguments { map, new_variable, ignore, ignore_others } = arguments.columns;
    let wishes = Wishes { map, new_variables: new_variable, ignore, ignore_others };
    let mapping = Mapping::of(&header, &wishes, &list.variables())?;
    let job = Job {
        reading: Reading {
            ours: defuse::is_ours(header.iter().map(str::trim)),
            empty_clears: arguments.empty_clears,
            mapping,
        },
        way: Way {
            list: arguments.list,
            upsert: !arguments.update_only,
            dry_run: arguments.dry_run,
            resubscribe: arguments.resubscribe,
            patience,
        },
        parallel: usize::from(arguments.parallel),
        header,
        survey,
    };
    if !arguments.yes && stdin().is_terminal() && stderr().is_terminal() {
        preview(&job, &list.contact_list_name, &rows);
        confirm()?;
    }
    import(api, job, arguments.failures).await
}

async fn import(api: Arc<dyn Api>, mut job: Job, failures: Option<PathBuf>) -> Result<Counts> {
    let books = if job.way.dry_run {
        // What would be made is not there: its values are left out.
        let new = std::mem::take(&mut job.reading.mapping.new_variables);
        job.reading.mapping.leave_out(&new);
        let failures = failures.map(|path| Failures::open(&path, &job.header, None)).transpose()?;
        Books { state: None, failures }
    } else {
        let mut books = open_books(&job, failures)?;
        let new = &job.reading.mapping.new_variables;
        let made = api::add_variables(api.as_ref(), &job.way.list, new, job.way.patience).await;
        if made.is_err()
            && let Some(state) = books.state.take_if(|state| !state.resumed)
        {
            // Nothing was begun.
            state.remove()?;
        }
        made?;
        books
    };
    let (dry_run, rows) = (job.way.dry_run, job.survey.rows);
    let failed_rows = books.failures.as_ref().map(|failures| failures.path().to_owned());
    let (mut bar, way) = (Bar::of("rows"), job.way.clone());
    let watch = |progress: import::Progress| {
        let failed = if progress.counts.failed > 0 {
            format!(", {} failed", progress.counts.failed)
        } else {
            String::new()
        };
        bar.show(progress.rows, Some(progress.of), &failed);
    };
    let outcome = import::run(api, job, books, watch, stop_signal()).await;
    bar.end();
    match outcome {
        Ok(mut outcome) => {
            outcome.state.take().map_or(Ok(()), State::remove)?;
            tell(&outcome, rows, dry_run, failed_rows.as_deref());
            Ok(outcome.counts)
        }
        Err(Error::Stopped) if dry_run => Err(Error::Told("stopped".to_owned())),
        Err(Error::Stopped) => Err(Error::Told("stopped; run the same command again to continue".to_owned())),
        Err(Error::Told(text) | Error::Away(text)) if !way.dry_run => {
            Err(Error::Told(format!("{text}\nrollbook: run the same command again to continue")))
        }
        Err(error) => Err(error),
    }
}

fn open_books(job: &Job, failures: Option<PathBuf>) -> Result<Books> {
    let path = failures.unwrap_or_else(|| {
        let mut path = job.survey.path.as_os_str().to_owned();
        path.push(".failed.csv");
        path.into()
    });
    let state = State::path_beside(&path);
    if !state.exists() && path.exists() {
        // Told before a state is made that would speak of another's file.
        Failures::open(&path, &job.header, None)?;
    }
    let state = State::open(&state, &job.identity())?;
    let failures = Failures::open(&path, &job.header, Some(state.point.failures))?;
    if state.resumed {
        eprintln!("going on with an import that was stopped: {} rows are done", state.point.rows);
    }
    Ok(Books { state: Some(state), failures: Some(failures) })
}

fn preview(job: &Job, list: &str, rows: &[StringRecord]) {
    let form = match &job.survey.form {
        Form::Xlsx { sheet } => format!("XLSX, sheet \"{}\"", shorten(sheet)),
        Form::Csv { encoding, delimiter } => {
            let delimiter = match delimiter {
                b';' => "semicolons",
                b'\t' => "tabs",
                _ => "commas",
            };
            format!("{} with {delimiter}", encoding.name())
        }
    };
    eprintln!("{} rows of {form}, into the list \"{list}\":\n", job.survey.rows);
    for (place, column) in job.reading.mapping.columns.iter().enumerate() {
        let cells: Vec<_> = rows.iter().map(|row| shorten(row.get(place).unwrap_or_default())).collect();
        eprintln!(
            "  {:24} → {:28} {}",
            shorten(&column.header),
            column.target.to_string(),
            cells.join(" | ")
        );
    }
    for new in &job.reading.mapping.new_variables {
        eprintln!("\n  {} is a new variable.", new.name);
    }
    let empty = if job.reading.empty_clears { "clear what is there" } else { "leave what is there" };
    eprintln!("\nEmpty cells {empty}.");
}

/// A cell in one short line, without what a terminal would obey.
fn shorten(cell: &str) -> String {
    let mut letters = cell.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut text: String = letters.by_ref().take(SHOWN_LETTERS).collect();
    if letters.next().is_some() {
        text.push('…');
    }
    text
}

fn confirm() -> Result<()> {
    eprint!("Import? [y/N] ");
    let _ = stderr().flush();
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer).map_err(|error| Error::Told(error.to_string()))?;
    let yes = ["y", "yes"].contains(&answer.trim().to_lowercase().as_str());
    if yes { Ok(()) } else { Err(Error::Told("nothing was imported".to_owned())) }
}

fn tell(outcome: &Outcome, rows: u64, dry_run: bool, failures: Option<&Path>) {
    let Counts { created, updated, unchanged, failed, opted_out } = outcome.counts;
    let would = if dry_run { "a dry run: " } else { "" };
    print(&format!(
        "{would}{rows} rows: {created} created, {updated} updated, {unchanged} unchanged, {failed} failed"
    ));
    if opted_out > 0 {
        print(&format!("{opted_out} of them opted out, and stay so; --resubscribe changes that"));
    }
    for (line, text) in &outcome.first_faults {
        eprintln!("line {line}: {}", shorten_text(text));
    }
    match failures.filter(|_| failed > 0) {
        Some(path) => eprintln!("the rows that failed are in {}", path.display()),
        None if failed > outcome.first_faults.len() as u64 => {
            eprintln!("… and more; --failures takes all of them")
        }
        None => {}
    }
}

fn shorten_text(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}
