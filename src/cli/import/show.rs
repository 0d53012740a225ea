//! What the command shows and asks before an import, and tells after it.

use std::io::{BufRead, Write, stderr, stdin};
use std::path::Path;

use csv::StringRecord;

use super::arguments::parse_for_all;
use crate::cli::{note, print};
use files::choices::Choices;
use files::import::{Job, Outcome};
use files::send::Counts;
use files::{Error, Result};

/// Letters of a cell that are shown.
const SHOWN_LETTERS: usize = 24;

/// Shows the findings about a file without a question.
pub fn remarks(job: &Job, remarks: &[String]) {
    if !job.survey.sheets.is_empty() || job.survey.guessed {
        note(&job.survey.shown());
    }
    for remark in remarks {
        note(&shorten_text(remark));
    }
}

/// Shows the columns and the first rows.
pub fn preview(job: &Job, list: &str, rows: &[StringRecord], remarks: &[String]) {
    eprintln!("{} rows of {}, into the list \"{list}\":\n", job.survey.rows, job.survey.shown());
    if job.survey.sheets.len() > 1 {
        let sheets: Vec<_> = job.survey.sheets.iter().map(|sheet| shorten(sheet)).collect();
        eprintln!("The workbook has the sheets {}; --sheet chooses one.\n", sheets.join(", "));
    }
    for (place, column) in job.reading.mapping.columns.iter().enumerate() {
        let cells: Vec<_> = rows.iter().map(|row| shorten(row.get(place).unwrap_or_default())).collect();
        eprintln!(
            "  {:24} → {:28} {}",
            shorten(&column.header),
            column.target.to_string(),
            cells.join(" | ")
        );
    }
    for group in
        job.reading.mapping.groups.iter().filter_map(|group| Some((&group.target, group.value.as_ref()?)))
    {
        eprintln!("  {:24} → {:28} {}", "(all rows)", group.0.to_string(), shorten(group.1));
    }
    for new in &job.reading.mapping.new_variables {
        eprintln!("\n  {} is a new variable.", new.name);
    }
    let empty = if job.reading.empty_clears { "clear what is there" } else { "leave what is there" };
    eprintln!("\nEmpty cells {empty}.");
    for remark in remarks {
        eprintln!("Note: {}.", shorten_text(remark));
    }
}

/// Asks for values of all rows where new contacts would be inactive. Whether there are more now.
pub fn ask_for_all(job: &Job, choices: &mut Choices) -> Result<bool> {
    let without = job.reading.mapping.without_consent();
    if !without.contains(&"active") {
        return Ok(false);
    }
    eprintln!("\nNeither a column nor --set says: {}. New contacts do not have these.", without.join(", "));
    let mut any = false;
    loop {
        let answer = question("Value for all rows, such as active=yes [none] ")?;
        if answer.is_empty() {
            return Ok(any);
        }
        match parse_for_all(&answer) {
            Ok(value) => {
                choices.for_all.push(value);
                any = true;
            }
            Err(why) => eprintln!("{why}"),
        }
    }
}

fn question(text: &str) -> Result<String> {
    eprint!("{text}");
    let _ = stderr().flush();
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer).map_err(|error| Error::Message(error.to_string()))?;
    Ok(answer.trim().to_owned())
}

/// Asks whether to import.
pub fn confirm(lists: &[String]) -> Result<()> {
    let text = match lists.len() {
        1 => "Import? [y/N] ".to_owned(),
        count => format!("Import into {count} lists? [y/N] "),
    };
    confirm_text(&text, "nothing was imported")
}

/// Asks a question; `otherwise` is the error if the answer is no.
pub fn confirm_text(text: &str, otherwise: &str) -> Result<()> {
    let yes = ["y", "yes"].contains(&question(text)?.to_lowercase().as_str());
    if yes { Ok(()) } else { Err(Error::Message(otherwise.to_owned())) }
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

/// Tells what an import came to.
pub fn tell(outcome: &Outcome, rows: u64, dry_run: bool, failures: Option<&Path>) {
    let Counts { created, updated, unchanged, failed, opted_out, warnings } = outcome.counts;
    let would = if dry_run { "a dry run: " } else { "" };
    print(&format!(
        "{would}{rows} rows: {created} created, {updated} updated, {unchanged} unchanged, {failed} failed"
    ));
    if opted_out > 0 {
        print(&format!("{opted_out} of them opted out, and stay so; --resubscribe changes that"));
    }
    if warnings > 0 {
        eprintln!("{warnings} warnings about rows that were imported:");
    }
    for note in &outcome.notes {
        eprintln!("{} times, first on line {}: {}", note.count, note.line, shorten_text(&note.text));
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

/// A text in one line that is not endless.
pub fn shorten_text(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}
