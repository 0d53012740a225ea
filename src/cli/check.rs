//! `rollbook check`

use super::progress::Bar;
use super::{Result, StoreArguments, print};
use crate::clock::SystemClock;
use crate::storage::rows::check::Report;
use crate::storage::sqlite::check;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Mend what can be mended; the store must not be served
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    store: StoreArguments,
}

pub fn run(arguments: Arguments) -> Result {
    let path = arguments.store.files("a check of its own: amcheck and the checksums of its pages")?;
    let mut bar = Bar::of("contacts");
    let mut tell = |contacts| bar.show(contacts, None, "");
    let checked = match arguments.repair {
        false => check::check(&path, &SystemClock, &mut tell),
        true => check::repair(&path, &SystemClock, &mut tell).map(|repaired| {
            for finding in &repaired.mended {
                print(&format!("mended: {}", finding.sentence));
            }
            repaired.report
        }),
    };
    bar.end();
    tell_report(&checked.map_err(|error| error.to_string())?)
}

fn tell_report(report: &Report) -> Result {
    let can = report.findings.iter().filter(|finding| finding.mend.is_some()).count();
    for finding in &report.findings {
        print(&finding.sentence);
    }
    match (report.findings.len(), can) {
        (0, _) => {
            print(&format!(
                "Nothing is wrong: {} contacts, {} processed requests, {} batches that wait.",
                report.contacts, report.requests, report.batches
            ));
            Ok(())
        }
        (all, 0) => Err(format!("{all} findings, of which none can be mended: restore a backup")),
        (all, can) => Err(format!("{all} findings, of which --repair mends {can}")),
    }
}
