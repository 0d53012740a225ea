//! `rollbook reindex`

use super::{Result, StoreArguments, print};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
}

pub async fn run(arguments: Arguments) -> Result {
    let store = arguments.store.open().await?;
    store.reset_search().await.map_err(|error| error.summary())?;
    print("The search index is built again by the server, or when it starts.");
    Ok(())
}
