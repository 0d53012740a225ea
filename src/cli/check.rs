//! `rollbook check`

use super::progress::Bar;
use super::{Result, StoreArguments, print};
use domain::clock::SystemClock;
use storage::rows::check::{Repaired, Report};
use stores::database::Database;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Repair the store; stop the server of a store in files first
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    store: StoreArguments,
}

/// Returns a sentence about what is wrong, if anything is.
pub async fn run(arguments: Arguments) -> Result<Option<String>> {
    let settings = arguments.store.settings()?;
    let database = &settings.database;
    let mut bar = Bar::of("contacts");
    let mut tell = |contacts| bar.show(contacts, None, "");
    let done = match database {
        Database::Files(path) if arguments.repair => sqlite::check::repair(path, &SystemClock, &mut tell),
        Database::Files(path) => sqlite::check::check(path, &SystemClock, &mut tell)
            .map(|report| Repaired { mended: Vec::new(), report }),
        Database::Postgres(url) => postgres::check::check(url, arguments.repair, &mut tell).await,
    };
    bar.end();
    let mut done = done.map_err(|error| error.summary())?;
    let jobs = match database {
        Database::Files(path) => sqlite::check::jobs(path, &SystemClock),
        Database::Postgres(url) => postgres::check::jobs(url).await,
    };
    let (store, jobs) = jobs.map_err(|error| error.summary())?;
    let files = settings.jobs().directory;
    let found = jobs::check::check(&jobs, store, &files);
    let found = found.map_err(|error| format!("{}: {error}", files.display()))?;
    for finding in found.findings {
        done.report.add(finding, None);
    }
    for finding in &done.mended {
        print(&format!("mended: {}", finding.sentence));
    }
    if found.orphans > 0 {
        print(&format!(
            "{} directories of files are of no job: a server removes them within minutes.",
            found.orphans
        ));
    }
    Ok(tell_report(&done.report))
}

fn tell_report(report: &Report) -> Option<String> {
    let can = report.findings.iter().filter(|finding| finding.mend.is_some()).count();
    for finding in &report.findings {
        print(&finding.sentence);
    }
    for note in &report.notes {
        print(&format!("note: {note}"));
    }
    match (report.findings.len(), can) {
        (0, _) => {
            print(&format!(
                "Nothing is wrong: {} contacts, {} processed requests, {} batches that wait.",
                report.contacts, report.requests, report.batches
            ));
            None
        }
        (all, 0) => Some(format!("{all} findings, of which none can be mended: restore a backup")),
        (all, can) => Some(format!("{all} findings, of which --repair mends {can}")),
    }
}
