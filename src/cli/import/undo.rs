//! `rollbook import FILE --undo`

use std::io::{IsTerminal, stderr, stdin};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::show;
use crate::cli::print;
use crate::cli::progress::Bar;
use files::api::Api;
use files::send::Counts;
use files::{Error, Result, requests, undo};

/// Faults that are shown.
const SHOWN: usize = 20;

/// Where the requests of an import of a file are.
pub fn requests_of(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".requests");
    path.into()
}

/// Undoes the last import of a file, or its requests with rows on a line or behind it.
pub async fn run(
    api: &dyn Api,
    file: &Path,
    from_line: Option<u64>,
    yes: bool,
    patience: Duration,
) -> Result<Counts> {
    let path = requests_of(file);
    let requests = match requests::last_first(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = "there is no import of this file to undo: its requests are in FILE.requests";
            return Err(Error::file(file, text));
        }
        read => read.map_err(|error| Error::file(&path, error))?,
    };
    let chosen = requests.iter().filter(|request| from_line.is_none_or(|line| request.last >= line));
    let (ids, first): (Vec<_>, Vec<_>) = chosen.map(|request| (request.id.clone(), request.first)).unzip();
    let Some(first) = first.last() else {
        return Err(Error::file(file, "no row of the import is on that line or behind it"));
    };
    if let Some(line) = from_line.filter(|line| first < line) {
        eprintln!("100 rows are one request: the undo begins on line {first}, before line {line}");
    }
    if !yes && stdin().is_terminal() && stderr().is_terminal() {
        show::confirm_text(&format!("Undo {} requests? [y/N] ", ids.len()), "nothing was undone")?;
    }
    let mut bar = Bar::of("requests");
    let of = Some(ids.len() as u64);
    let done = undo::run(api, &ids, patience, |count| bar.show(count as u64, of, "")).await;
    bar.end();
    let (counts, faults) = done?;
    let Counts { created, updated, unchanged, failed, .. } = counts;
    print(&format!(
        "{created} restored, {updated} changed back or removed, {unchanged} unchanged, {failed} failed"
    ));
    for text in faults.iter().take(SHOWN) {
        eprintln!("{}", show::shorten_text(text));
    }
    if failed == 0 && ids.len() == requests.len() {
        std::fs::remove_file(&path).map_err(|error| Error::file(&path, error))?;
    }
    Ok(counts)
}
