//! `rollbook migrate`

use super::{Result, StoreArguments, print};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
}

pub async fn run(arguments: Arguments) -> Result {
    // Whoever opens a store brings it to the present schema.
    arguments.store.open().await?;
    print("The store has the present schema.");
    Ok(())
}
