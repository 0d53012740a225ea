//! `rollbook copy`

use std::path::PathBuf;

use super::progress::Bar;
use super::{Result, print};
use postgres::Target;
use sqlite::Dump;
use stores::copy::{Step, copy};
use stores::database::Database;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Path of the store in files; stop its server first
    #[arg(long, value_name = "PATH")]
    from: PathBuf,
    /// Empty database, or that of an interrupted copy: postgres://…
    #[arg(long, value_name = "STORE", env = "ROLLBOOK_DATABASE", hide_env_values = true)]
    to: String,
}

/// Copies a store, or continues an interrupted copy.
pub async fn run(arguments: Arguments) -> Result {
    if let Database::Files(_) = Database::from(arguments.to.clone()) {
        return Err(
            "--to takes postgres://…; a store in files is moved as its files, see the README".to_owned()
        );
    }
    let dump = Dump::open(&arguments.from).map_err(|error| error.summary())?;
    let mut target = Target::open(&arguments.to, Dump::columns()).await.map_err(|error| error.summary())?;
    let mut bars = (Bar::of("rows"), None);
    let copied = copy(dump, &mut target, |step| match step {
        Step::Copied(done, of) => bars.0.show(done, Some(of), " copied"),
        Step::Compared(done, of) => {
            bars.1.get_or_insert_with(|| Bar::of("rows")).show(done, Some(of), " compared")
        }
    })
    .await;
    bars.0.end();
    let rows = copied.map_err(|error| error.summary())?;
    print(&format!("{rows} rows are copied, and both stores are the same. Serve the database from now on."));
    Ok(())
}
