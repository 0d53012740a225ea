//! `rollbook user …`

use super::{Result, StoreArguments, found, parse_id};
use crate::id::ObjectId;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Take requests of a user again
    Enable(Named),
    /// Refuse every request of a user
    Disable(Named),
}

#[derive(Debug, clap::Args)]
pub struct Named {
    /// The user's id, see `rollbook account list`
    #[arg(value_parser = parse_id)]
    id: ObjectId,
    #[command(flatten)]
    store: StoreArguments,
}

pub async fn run(command: Command) -> Result {
    let (named, enabled) = match command {
        Command::Enable(named) => (named, true),
        Command::Disable(named) => (named, false),
    };
    let done = named.store.open().await?.set_user_enabled(named.id, enabled).await;
    found(done.map_err(|error| error.to_string())?, "user", named.id)
}
