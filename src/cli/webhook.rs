//! `rollbook webhook …`

use super::{Result, StoreArguments, found, now, parse_id};
use domain::id::ObjectId;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Send the webhook of a request again, with all its attempts
    #[command(after_help = "Example:\n  rollbook webhook resend 6b037e4f53e59c7048004e7d")]
    Resend {
        /// Id of the request
        #[arg(value_parser = parse_id)]
        request: ObjectId,
        #[command(flatten)]
        store: StoreArguments,
    },
}

pub async fn run(command: Command) -> Result {
    let Command::Resend { request, store } = command;
    let done = store.open().await?.resend(None, request, now()).await;
    found(done.map_err(|error| error.to_string())?, "webhook of a request", request)
}
