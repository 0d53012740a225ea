//! `rollbook backup` and `rollbook restore`

use std::path::PathBuf;

use super::progress::Bar;
use super::{Result, StoreArguments, print};
use domain::clock::SystemClock;
use sqlite::{backup, restore};

/// PostgreSQL's substitute for these commands.
const INSTEAD: &str = "backups of its own: pg_dump and pg_restore, or base backups";

#[derive(Debug, clap::Args)]
pub struct BackupArguments {
    /// File to create; it must not exist
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    store: StoreArguments,
}

#[derive(Debug, clap::Args)]
pub struct RestoreArguments {
    /// File that `rollbook backup` has created
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace an existing store
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    store: StoreArguments,
}

pub fn backup(arguments: BackupArguments) -> Result {
    let path = arguments.store.files(INSTEAD)?;
    let mut bar = Bar::of("MiB");
    let made = backup::backup(&path, &arguments.file, &SystemClock, &mut |done, of, what| {
        bar.show(done >> 20, Some(of >> 20), &format!(" {what}"));
    });
    bar.end();
    let made = made.map_err(|error| error.to_string())?;
    print(&format!(
        "{} holds the store as it was at {} UTC; {} accepted batches waited. Keep it as private as the store.",
        arguments.file.display(),
        made.moment(),
        made.waiting
    ));
    Ok(())
}

pub fn restore(arguments: RestoreArguments) -> Result {
    let path = arguments.store.files(INSTEAD)?;
    let mut bar = Bar::of("MiB");
    let done = restore::restore(&arguments.file, &path, arguments.replace, &mut |done, of, what| {
        bar.show(done >> 20, Some(of >> 20), &format!(" {what}"));
    });
    bar.end();
    let moment = done.map_err(|error| error.to_string())?.moment();
    print(&format!("{} is the store as it was at {moment} UTC.", path.display()));
    print("What was accepted after that is not in it. People who were erased after that are in it again:");
    print(
        "serve it where no client reaches it, and send the erase requests since then again, before anything else.",
    );
    Ok(())
}
