//! `rollbook user …`

use serde_json::json;

use super::{Result, StoreArguments, found, now, parse_id, print};
use crate::console::{MAX_USERS, invite};
use crate::id::{Ids, ObjectId};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Accept requests of a disabled user again
    #[command(after_help = "Example:\n  rollbook user enable 0123456789abcdef01234567")]
    Enable(Named),
    /// Reject every request of a user, and end the user's sessions
    #[command(after_help = "Example:\n  rollbook user disable 0123456789abcdef01234567")]
    Disable(Named),
    /// Print a sign-in link for a new user or a forgotten password
    #[command(
        after_help = "Example:\n  rollbook user invite --account 0123456789abcdef01234567 --name \"Ada Example\""
    )]
    Invite {
        /// Id of an existing user, see `rollbook account list`
        #[arg(value_parser = parse_id, required_unless_present = "account", conflicts_with = "account")]
        id: Option<ObjectId>,
        /// Account of the new user
        #[arg(long, value_name = "ACCOUNT_ID", value_parser = parse_id, requires = "name")]
        account: Option<ObjectId>,
        /// Name of the new user
        #[arg(long, requires = "account")]
        name: Option<String>,
        #[command(flatten)]
        store: StoreArguments,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
pub struct Named {
    /// Id of the user, see `rollbook account list`
    #[arg(value_parser = parse_id)]
    id: ObjectId,
    #[command(flatten)]
    store: StoreArguments,
}

pub async fn run(command: Command) -> Result {
    let (named, enabled) = match command {
        Command::Enable(named) => (named, true),
        Command::Disable(named) => (named, false),
        Command::Invite { id, account, name, store, json } => {
            let new = account.zip(name);
            return let_in(id, new, &store, json).await;
        }
    };
    let done = named.store.open().await?.set_user_enabled(named.id, enabled).await;
    found(done.map_err(|error| error.to_string())?, "user", named.id)
}

async fn let_in(
    id: Option<ObjectId>,
    new: Option<(ObjectId, String)>,
    store: &StoreArguments,
    json: bool,
) -> Result {
    let (settings, storage) = (store.settings()?, store.open().await?);
    let user = match (id, new) {
        (Some(id), _) => id,
        (None, Some((account, name))) => {
            let (name, user) = (name.trim().to_owned(), Ids::from_system().next(now()));
            if name.is_empty() {
                return Err("a user needs a name".to_owned());
            }
            let added = storage.add_user(account, user, name, MAX_USERS, now()).await;
            if !added.map_err(|error| error.to_string())? {
                return Err(format!("there is no account {account}, or it has {MAX_USERS} users already"));
            }
            user
        }
        (None, None) => return Err("name a user, or an account for a new one".to_owned()),
    };
    let url = settings.public_url(settings.listen);
    let link = invite(storage.as_ref(), &url, user, now()).await.map_err(|error| error.to_string())?;
    let link =
        link.ok_or_else(|| format!("there is no user {user}, or the user or the account is disabled"))?;
    if json {
        print(&json!({ "userId": user, "link": link }).to_string());
    } else {
        print(&link);
    }
    Ok(())
}
